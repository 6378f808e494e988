//! The console of `sopwatch`: its state, its keys and its drawing.
//!
//! This crate is synchronous and does no I/O. Events come in by [`App::update`](app::App::update), which answers with effects; every effect
//! is answered by an outcome, which is an event again. [`screen::render`] draws the state and never changes it: one judgement, then one
//! frame. It knows `ratatui` and `crossterm`, and no `tokio`.
//!
//! # Rooms
//!
//! | module | what it holds |
//! |---|---|
//! | [`app`] | the state machine: events, effects, dispatch of actions, the clock, taking over a record |
//! | [`keymap`] | actions, their names and keys, and which of them would do something now |
//! | [`panes`] | a pane is one module: pods, logs, database, SOP, and the strip of leaders |
//! | [`dialogs`] | what lies over the panes: help, why, a step, the hand-off, the confirmation, … |
//! | `palette` | finding an action, an SOP, a pod, a log or a team by a part of its name |
//! | [`prompts`] | lines of text that the operator types |
//! | [`remediation`] | what is proposed, confirmed, sent and followed |
//! | [`replay`] | a recorded incident on the console's screen |
//! | [`training`] | a drill's lesson: what there is to find, what the operator answered, the debriefing |
//! | [`screen`] | the frame: layout, header, recommendation bar, footer, errors of sources |
//! | [`style`] | themes, styled text, signs, and a frame as a picture |
//!
//! # Where to begin
//!
//! - A key: [`keymap`] has the table of actions; `app::dispatch` says what each does.
//! - What a pane shows: its folder in [`panes`].
//! - Where the confirmation is drawn: [`dialogs`]; what it asks: `dialogs::confirmation`.
//! - What happens when the operator confirms: [`remediation`].

#![warn(missing_docs)]

pub mod app;
pub mod dialogs;
pub mod keymap;
pub(crate) mod palette;
pub mod panes;
pub mod prompts;
pub mod remediation;
pub mod replay;
pub mod screen;
pub mod style;
pub mod training;
