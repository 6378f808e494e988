//! The database server before its clients.

mod protocol;
mod server;
