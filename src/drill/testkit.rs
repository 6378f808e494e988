//! The database's readers of what a client sends, for the fuzz targets: the server without its sockets.

pub use crate::database::testkit::{Answer, answer_sql, converse};
