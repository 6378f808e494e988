//! The console as a whole: on drills, on a real PostgreSQL server, on a pseudo-terminal, beside `kubectl`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that can't go on says so and ends"
)]

mod support;

mod check;
mod cli;
mod cluster_monitoring;
mod databases;
mod doctor;
mod drills;
mod faults;
mod floors;
mod guide;
mod handoff;
mod hostile;
mod kubectl_alongside;
mod leaks;
mod lessons;
mod non_drill_cluster;
mod plain_words;
mod pty;
mod record_regressions;
mod recorded;
mod recorded_monitoring;
mod records;
mod release;
mod replay;
mod scripts;
mod soak;
mod tidy;
mod tour;
mod virtual_time;
