//! Floor 3: the loop, the terminal and the tasks: the only place where effects become I/O.

pub mod beat;
pub mod clipboard;
pub mod clock;
pub mod console;
mod doing;
pub mod gather;
pub mod line;
pub mod live;
pub mod log_file;
pub mod pace;
pub mod picture;
pub mod quiet;
pub mod recording;
pub mod records;
pub mod signals;
pub mod sources;
pub mod tasks;
pub mod terminal;
