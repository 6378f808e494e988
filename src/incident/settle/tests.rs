//! The settle window, by table.
