//! The signs, by table.
