//! What the lease row proves.

use jiff::{SignedDuration, Timestamp};

use super::LeaseReading;
use crate::incident::fact::Lease;
use crate::incident::facts::Facts;
use crate::incident::feed::{FeedId, Freshness};
use crate::incident::profile::{Leaders, Worker};
use crate::incident::span;
use crate::incident::text::SafeText;

/// A lease row at a moment.
#[derive(Clone, Debug)]
pub(super) struct LeaseNow {
    /// Worker id of the holder.
    pub(super) holder: Option<SafeText>,
    /// Until its end; negative since then.
    pub(super) ttl: SignedDuration,
    /// When it ends, by our clock.
    pub(super) end: Timestamp,
    /// When it was read.
    pub(super) read_at: Timestamp,
    /// When its end was last seen to advance.
    pub(super) advanced_at: Option<Timestamp>,
    /// Whether it was; see [`LeaseReading::advancing`].
    pub(super) advancing: Option<bool>,
}

impl LeaseNow {
    /// Whether somebody holds it.
    pub(super) fn is_live(&self) -> bool {
        self.holder.is_some() && self.ttl.is_positive()
    }

    pub(super) fn reading(&self, pod: Option<SafeText>) -> LeaseReading {
        LeaseReading {
            live: self.is_live(),
            ttl_s: self.ttl.as_secs(),
            advancing: self.advancing,
            pod,
        }
    }
}

/// The lease row of a worker, and whether something may be concluded from it: a reading must be fresh, and the row the only one.
pub(super) fn lease_of(
    facts: &Facts,
    leaders: &Leaders,
    worker: &Worker,
    now: Timestamp,
) -> Option<(LeaseNow, bool)> {
    leaders.lease_table.as_ref()?;
    let (read_at, reading) = facts.reading.as_ref()?;
    let mut rows = reading
        .leases
        .as_ref()
        .ok()?
        .iter()
        .filter(|lease| *lease.lease_type == *worker.lease_type);
    let first = rows.next()?;
    let only = rows.next().is_none();
    let fresh = matches!(facts.freshness(&FeedId::Database, now), Freshness::Fresh(_));
    let mut lease = at_moment(first, *read_at, now)?;
    if let Some(track) = facts.leases.get(&first.lease_type).filter(|_| fresh) {
        lease.advanced_at = track.advanced_at;
        lease.advancing = advancing(
            track.first_seen_at,
            track.advanced_at,
            span::of(leaders.lease),
            now,
        );
    }
    Some((lease, fresh && only))
}

fn at_moment(lease: &Lease, read_at: Timestamp, now: Timestamp) -> Option<LeaseNow> {
    let ttl = SignedDuration::from_secs(lease.ttl_s);
    let since = now.duration_since(read_at).max(SignedDuration::ZERO);
    Some(LeaseNow {
        holder: lease.holder.clone(),
        ttl: ttl.checked_sub(since)?,
        end: read_at.checked_add(ttl).ok()?,
        read_at,
        advanced_at: None,
        advancing: None,
    })
}

/// A living holder renews before the lease is out, so within a lease's length its end is seen to advance, or nobody renews it.
fn advancing(
    first_seen_at: Timestamp,
    advanced_at: Option<Timestamp>,
    lease: SignedDuration,
    now: Timestamp,
) -> Option<bool> {
    let watched = now.duration_since(advanced_at.unwrap_or(first_seen_at));
    if watched > lease {
        Some(false)
    } else {
        advanced_at.map(|_| true)
    }
}
