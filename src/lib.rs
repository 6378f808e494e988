//! sopwatch: a terminal incident console.

pub mod app;
pub mod cluster;
pub mod config;
pub mod database;
pub mod drill;
pub mod incident;
pub mod runtime;
pub mod view;
