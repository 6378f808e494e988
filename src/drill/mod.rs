//! The embedded world: a Kubernetes API server, the service in its pods, and its database.

pub mod clock;
pub mod database;
pub mod service;
