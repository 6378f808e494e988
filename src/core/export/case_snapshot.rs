//! What is known at one moment and what it means: all that a text which leaves the program may draw on.

use jiff::Timestamp;

use crate::diagnose::Diagnosis;
use crate::observe::state::State;
use crate::profile::sop::Sop;
use crate::profile::{Environment, Profile};

/// The state and its diagnosis, with where they come from.
#[derive(Clone, Copy, Debug)]
pub struct CaseSnapshot<'a> {
    /// What is known.
    pub state: &'a State,
    /// The service.
    pub profile: &'a Profile,
    /// The alert that is worked on.
    pub sop: &'a Sop,
    /// What the observations mean for it.
    pub diagnosis: &'a Diagnosis,
    /// The environment that the namespace belongs to; `None` where the profile does not know it.
    pub environment: Option<&'a Environment>,
    /// The namespace as the configuration says; the connection's own is in the observations.
    pub namespace: &'a str,
    /// The scenario's title in a drill: nobody must take it for the world.
    pub drill: Option<&'a str>,
    /// The moment of the diagnosis, by the cluster's clock.
    pub now: Timestamp,
}
