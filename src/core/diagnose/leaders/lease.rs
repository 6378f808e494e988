//! What the lease row proves.

use jiff::{SignedDuration, Timestamp};

use super::LeaseReading;
use crate::observe::observation::Lease;
use crate::observe::source::SourceId;
use crate::observe::state::State;
use crate::profile::{Leaders, Worker};
use crate::text::SafeText;
use crate::text::duration;

/// Longest time to a lease's end that is reckoned with, in seconds: a century. What the row says may be anything.
const LONGEST: i64 = 100 * 365 * 86_400;

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
    /// Whether the database was heard lately.
    pub(super) fresh: bool,
    /// Whether it is the only row of its type: of two, nobody knows which the pods go by.
    pub(super) only: bool,
}

impl LeaseNow {
    /// Whether it names an end that no pod would write: a clock or a row is wrong, and there is no sense in waiting for it.
    pub(super) fn is_endless(&self, leaders: &Leaders, skew: SignedDuration) -> bool {
        self.end.duration_since(self.read_at) > duration::of(leaders.lease) + skew
    }

    /// For how long it had been out when it was read: what happened since is not known.
    pub(super) fn was_out(&self) -> SignedDuration {
        self.read_at.duration_since(self.end)
    }

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

/// The lease row of a worker, as it was last read.
pub(super) fn lease_of(
    state: &State,
    leaders: &Leaders,
    worker: &Worker,
    now: Timestamp,
) -> Option<LeaseNow> {
    leaders.lease_table.as_ref()?;
    let (read_at, reading) = state.reading.as_ref()?;
    let mut rows = reading
        .leases
        .as_ref()
        .ok()?
        .iter()
        .filter(|lease| *lease.lease_type == *worker.lease_type);
    let first = rows.next()?;
    let only = rows.next().is_none();
    let fresh = state.is_fresh(&SourceId::Database, now);
    let mut lease = at_moment(first, *read_at, now)?;
    (lease.fresh, lease.only) = (fresh, only);
    if let Some(track) = state.leases.get(&first.lease_type).filter(|_| fresh) {
        lease.advanced_at = track.advanced_at;
        lease.advancing = advancing(
            track.first_seen_at,
            track.advanced_at,
            duration::of(leaders.lease),
            now,
        );
    }
    Some(lease)
}

fn at_moment(lease: &Lease, read_at: Timestamp, now: Timestamp) -> Option<LeaseNow> {
    let ttl = SignedDuration::from_secs(lease.ttl_s.clamp(-LONGEST, LONGEST));
    let since = now.duration_since(read_at).max(SignedDuration::ZERO);
    Some(LeaseNow {
        holder: lease.holder.clone(),
        ttl: ttl.checked_sub(since)?,
        end: read_at.checked_add(ttl).ok()?,
        read_at,
        advanced_at: None,
        advancing: None,
        fresh: false,
        only: false,
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
