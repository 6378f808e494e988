//! What the ids in a record are called: by the profile that is in it, and by themselves where that does not know them.

use super::value;
use crate::diagnose::Recommendation;
use crate::profile::Profile;
use crate::profile::rule::Advice;
use crate::profile::sop::{ALERT, OTHER, Sop, alert_step, other_step};
use crate::record::Began;
use crate::safe;
use crate::text::Redacted;

/// The names of one record.
#[derive(Debug)]
pub(super) struct Names<'a> {
    profile: Option<&'a Profile>,
}

impl<'a> Names<'a> {
    /// As the first line has them.
    pub(super) fn of(began: Option<&'a Began>) -> Self {
        let profile = began.map(|began| &began.profile);
        Self { profile }
    }

    pub(super) fn profile(&self) -> Option<&'a Profile> {
        self.profile
    }

    /// `restart the pods`, `escalate to OCM support`.
    pub(super) fn advice(&self, action: Advice, contact: Option<&str>) -> Redacted {
        match (self.profile, contact) {
            (Some(profile), _) => value(&profile.advice_in_words(action, contact)),
            (None, Some(contact)) => value(&safe!("{} to {contact}", action.words())),
            (None, None) => action.words().into(),
        }
    }

    /// `restart the pods (rule no-leader: No leader)`.
    pub(super) fn advised(&self, one: &Recommendation) -> Redacted {
        let words = match self.profile {
            Some(profile) => value(&one.in_words(profile)),
            None => self.advice(one.action, one.contact.as_deref()),
        };
        match &one.rule {
            Some(rule) => safe!("{words} (rule {})", self.rule(rule)).into(),
            None => words,
        }
    }

    /// `no-leader: No leader`.
    pub(super) fn rule(&self, id: &str) -> Redacted {
        let rules = self.profile.map(|profile| &profile.rules);
        let rule = rules.into_iter().flatten().find(|rule| rule.id == id);
        value(&rule.map_or_else(|| id.to_owned(), |rule| format!("{id}: {}", rule.title)))
    }

    pub(super) fn step(&self, id: &str) -> Redacted {
        let known = self.profile.and_then(|profile| profile.step(id));
        let added = || match id {
            OTHER => Some(other_step()),
            ALERT => Some(alert_step()),
            _ => None,
        };
        let step = known.or_else(added);
        value(step.map_or(id, |step| &step.title))
    }

    pub(super) fn worker(&self, log_type: &str) -> Redacted {
        let workers = self.profile.map(|profile| &profile.leaders.workers);
        let mut workers = workers.into_iter().flatten();
        let worker = workers.find(|worker| worker.log_type == log_type);
        value(worker.map_or(log_type, |worker| &worker.title))
    }

    pub(super) fn contact(&self, id: &str) -> Redacted {
        let contact = self.profile.and_then(|profile| profile.contacts.get(id));
        value(contact.map_or(id, |contact| &contact.title))
    }

    pub(super) fn sop(&self, id: &str) -> Redacted {
        value(self.known_sop(id).map_or(id, |sop| &sop.title))
    }

    pub(super) fn known_sop(&self, id: &str) -> Option<&'a Sop> {
        self.profile?.sop(id)
    }
}
