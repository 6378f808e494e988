//! The adapter against a real server.

#[path = "../../../../tests/it/support/postgres.rs"]
mod postgres;

mod console;
mod faults;
mod messages;
mod pooler;
mod psql;
mod reading;
mod rows;
mod standby;
mod tls;

use crate::{patience, tools};
