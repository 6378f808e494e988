//! The service's database: its tables, and a read-only server for them that speaks PostgreSQL's wire protocol.

mod cast;
mod catalogue;
mod checked_stream;
mod client;
mod error;
mod interval;
mod listener;
mod numeric;
mod relation;
mod seed;
mod server;
mod session;
mod settings;
mod sql;
pub mod tables;
#[cfg(any(test, feature = "testkit"))]
pub(crate) mod testkit;
mod value;
mod well_formed;
mod wire;

pub use seed::{ClusterSeed, KafkaSeed, LeaseSeed, SeedRows, Stamp};
pub use server::{Credentials, DatabaseFault, DatabaseServer};
pub use tables::{Cluster, KafkaRequest, Lease, Tables};

#[cfg(test)]
mod tests;
