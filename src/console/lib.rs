//! The console of sopwatch: its state, its keys and its drawing.

pub mod app;
pub mod view;
