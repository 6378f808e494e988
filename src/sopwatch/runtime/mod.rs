//! The runtime: the loop, the terminal and the tasks. Only here do effects become I/O.

pub mod ambiguous_width;
pub mod clipboard;
pub mod clock;
mod command_executor;
pub mod compact_backend;
pub mod console;
pub mod event_loop;
pub mod film;
pub mod frame_pacer;
pub mod headless;
mod input;
pub mod log_file;
pub mod pager;
pub mod record_options;
pub mod recorder;
pub mod replay_ticker;
mod report_file;
pub mod restartable_channel;
pub mod scenario_screen;
pub mod screenshot;
pub mod signals;
pub mod sources;
pub mod still_screen;
pub mod task_count;
pub mod tasks;
pub mod terminal;
