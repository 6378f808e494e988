//! The PostgreSQL adapter: one connection that is polled, that can't write and can't hang.
//!
//! **Where the credentials come from**, first match wins: the URL of the command line, `SOPWATCH_DATABASE_URL`, the `PG*` variables
//! (when `PGHOST` or `PGHOSTADDR` is set), the profile's secret. The secret is read again before each new connection after a failure,
//! so that a rotated password or a moved host heals by itself.
//!
//! **TLS.** The source's own `sslmode` counts, else the configured one, else:
//!
//! - with a CA (`db.ca_cert`, `sslrootcert`): `verify-full`. The CA is added to the operating system's roots, it does not replace them.
//! - without one, on another host: `verify-full` by the operating system's roots. Where the certificate does not hold, as that of RDS
//!   whose CA no operating system ships, `require`: encrypted to whoever answers. [`DatabaseConnection`] says which of the two it is.
//!   Never plain text: a server without TLS is a problem whose advice is the setting that allows it.
//! - on loopback and through a Unix socket: TLS where the server has it, else plain text: a tunnel's end, a drill.
//!
//! TLS and the socket are ours (`transport`), below the driver, which would refuse certificates that `psql` takes and set the session's time
//! zone. The server's own certificate may be given as its CA.
//!
//! A host and port given for a tunnel are where the connection goes; the certificate is still checked against the host that the
//! credentials name. `prefer` and `allow` both mean TLS where the server has it.
//!
//! **What is sent.** Each table is read in its own `BEGIN READ ONLY` … `ROLLBACK` with statement and lock timeouts set for that
//! transaction alone: this passes PgBouncer and RDS Proxy, which refuse start-up options, and one table that fails takes no other
//! away. From PostgreSQL 13 on it is one message a statement, so that a poll over a slow connection takes few waits. The guard that counts
//! in the end is a role that may only select.
//!
//! **What it costs.** The service's tables have an index on `deleted_at` alone, so that every statement about rows reads all living ones.
//! The counts are one such pass a table; the rows on their way and those that failed lately are asked for only where the counts have
//! any, and are bounded in number and in bytes. A table of 100,000 living rows takes the server about 70 ms for the counts and 12 ms for
//! each list, one with 100,000 rows on their way 140 ms (PostgreSQL 15, rows in memory, one worker).
//!
//! [`DatabaseConnection`]: sopwatch_core::observe::observation::DatabaseConnection

#![warn(missing_docs)]

mod connect;
mod credentials;
mod errors;
mod libpq;
mod options;
mod poll_loop;
mod reading;
mod requests;
mod statement;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
mod transport;

#[cfg(test)]
mod tests;

pub use self::options::{DatabaseOptions, PollRequest, ReadSecret, UrlOrigin};
pub use self::poll_loop::run;
