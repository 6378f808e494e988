//! The console of sopwatch: its state, its keys and its drawing.

pub mod app;
pub mod dialogs;
pub mod keymap;
pub mod panes;
pub mod prompts;
pub mod remediation;
pub mod replay;
pub mod screen;
pub mod style;
pub mod training;
