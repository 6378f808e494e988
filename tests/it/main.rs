//! The console as a whole: on drills, on a real PostgreSQL server, on a pseudo-terminal, beside `kubectl`.

mod support;

mod drills;
mod faults;
mod pty;
mod tidy;
