//! A lease that a standby shows is the primary's of some time ago.

use super::*;
use crate::observe::observation::Standby;

/// Logs that lost their leader lines, and a lease that reads "expired 11 minutes ago".
fn expired(standby: Option<Standby>) -> State {
    let mut state = world(DAY, &[Log::Tail(&[]); 3], row(SHORT[0], -660, 300, None));
    let mut poll = reading(Some((Some(SHORT[0]), -658)), &[]);
    poll.leases.as_mut().unwrap()[0].expires = "first".into();
    poll.standby = standby;
    state.apply(Observation::Database(poll), ago(2));
    state
}

#[test]
fn nobody_leads_by_a_lease_only_where_the_server_is_as_current_as_a_lease_is_judged() {
    let behind = |behind_s| Some(Standby { behind_s });
    for (standby, none) in [
        (None, true),
        (behind(Some(0)), true),
        (behind(Some(30)), true),
        (behind(Some(31)), false),
        (behind(Some(900)), false),
        (behind(None), false),
    ] {
        let found = read(&expired(standby.clone()));
        assert_eq!(found.verdict == Verdict::None, none, "{standby:?}: {found:?}");
    }
}
