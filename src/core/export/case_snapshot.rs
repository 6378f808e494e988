//! What is known at one moment and what it means: all that a text which leaves the program may draw on.

use jiff::Timestamp;

use crate::diagnose::Diagnosis;
use crate::observe::state::Facts;
use crate::profile::sop::Sop;
use crate::profile::{Environment, Profile};

/// Facts and their diagnosis, with where they come from.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// What is known.
    pub facts: &'a Facts,
    /// The service.
    pub profile: &'a Profile,
    /// The alert that is worked on.
    pub sop: &'a Sop,
    /// What the facts mean for it.
    pub diagnosis: &'a Diagnosis,
    /// The environment that the namespace belongs to; `None` where the profile does not know it.
    pub environment: Option<&'a Environment>,
    /// The namespace as the configuration says; the connection's own is in the facts.
    pub namespace: &'a str,
    /// The scenario's title in a drill: nobody must take it for the world.
    pub drill: Option<&'a str>,
    /// The moment of the diagnosis, by the cluster's clock.
    pub now: Timestamp,
}
