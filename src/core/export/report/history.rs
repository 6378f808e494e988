//! What was recommended from when to when.

use jiff::Timestamp;
use serde::Serialize;

use super::names::Names;
use super::{since, value, values};
use crate::record::{Entry, Line, Snapshot};
use crate::text::Redacted;

/// A recommendation, as long as it stood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AdviceSpan {
    /// From when on.
    pub from: Timestamp,
    /// Until when it is known to have stood: until another came, the console was left, or the record ends.
    pub to: Timestamp,
    /// From the one to the other, seconds.
    pub held_s: i64,
    /// The SOP's id.
    pub sop: Redacted,
    /// `none`, `wait`, `gather`, `start-pods`, `restart-pods`, `scale-up` or `escalate`.
    pub action: &'static str,
    /// The contact's id, for an escalation.
    pub contact: Option<Redacted>,
    /// The rule it follows from; `None` where none holds.
    pub rule: Option<Redacted>,
    /// The advice as people say it, with its rule's title.
    pub words: Redacted,
    /// The same without the rule.
    #[serde(skip)]
    pub short: Redacted,
    /// What showed it at first.
    pub because: Vec<Redacted>,
    /// What showed it each time that it was recorded, oldest first.
    #[serde(skip)]
    pub shown: Vec<(Timestamp, Vec<Redacted>)>,
    /// For a wait: until when, as it was said at first.
    pub until: Option<Timestamp>,
}

/// Every recommendation, oldest first.
pub(super) fn held(lines: &[Line], names: &Names<'_>) -> Vec<AdviceSpan> {
    let mut all: Vec<AdviceSpan> = Vec::new();
    // Whether the newest one may still stand: nobody looks while no console runs.
    let mut stands = false;
    let mut last_at = None;
    for line in lines {
        match &line.entry {
            Entry::Snapshot(found) => {
                let new = begun(line.at, found, names);
                if let Some(last) = all.last_mut().filter(|last| stands && last.is_like(&new)) {
                    last.shown.extend(new.shown);
                } else {
                    end(&mut all, stands.then_some(line.at));
                    all.push(new);
                }
                stands = true;
            }
            Entry::Left { .. } | Entry::Closed(_) => {
                end(&mut all, stands.then_some(line.at));
                stands = false;
            }
            Entry::Joined(_) => {
                // A console that was killed did not say that it was left.
                end(&mut all, last_at.filter(|_| stands));
                stands = false;
            }
            _ => {}
        }
        last_at = last_at.max(Some(line.at));
    }
    end(&mut all, last_at.filter(|_| stands));
    all
}

fn end(all: &mut [AdviceSpan], at: Option<Timestamp>) {
    if let (Some(last), Some(at)) = (all.last_mut(), at) {
        last.to = at.max(last.from);
        last.held_s = since(last.from, last.to).as_secs();
    }
}

fn begun(at: Timestamp, found: &Snapshot, names: &Names<'_>) -> AdviceSpan {
    let one = &found.recommendation;
    AdviceSpan {
        from: at,
        to: at,
        held_s: 0,
        sop: value(&found.sop),
        action: one.action.name(),
        contact: one.contact.as_deref().map(value),
        rule: one.rule.as_deref().map(value),
        words: names.advised(one),
        short: names.advice(one.action, one.contact.as_deref()),
        because: values(&one.because),
        shown: vec![(at, values(&one.because))],
        until: one.until,
    }
}

impl AdviceSpan {
    fn is_like(&self, other: &Self) -> bool {
        (&self.sop, self.action, &self.contact, &self.rule)
            == (&other.sop, other.action, &other.contact, &other.rule)
    }
}
