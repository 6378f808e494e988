//! The embedded world: a Kubernetes API server, the service in its pods, and its database.
//!
//! A [`Drill`] is a whole world on loopback: `kubectl` reaches the cluster by the drill's own kubeconfig, `psql` the database
//! by its URL, and the console both as it would in production. What happens in it is a [`Scenario`].

pub mod api;
pub mod clock;
pub mod database;
pub mod service;
