//! The database server before its clients.

mod protocol;
mod server;
#[path = "../../../../tests/it/support/virtual_time.rs"]
#[expect(dead_code, reason = "the tests of the console use the rest")]
mod virtual_time;
