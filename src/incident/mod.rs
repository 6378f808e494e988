//! (incident)
