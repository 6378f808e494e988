//! A database that is a standby: what it shows is the primary's of some time ago.

use super::*;
use crate::observe::observation::{Lease, Standby};
use crate::profile::sop::StepStatus;

/// Both workers lead by their logs; the leases, as this server shows them, expired 11 minutes ago; all else is well.
fn world(standby: Standby) -> State {
    let mut world = World::new();
    let lease = |(lease_type, pod): (&str, &str)| Lease {
        lease_type: lease_type.into(),
        holder: Some(id(pod)),
        ttl_s: -660,
        expires: "2021-01-15 13:49:00+00".into(),
    };
    let mut reading = world.reading();
    reading.leases = Ok([("cluster", SHORT[0]), ("kafka", SHORT[1])].map(lease).to_vec());
    reading.standby = Some(standby);
    world.more.push(Observation::Database(reading));
    world.state()
}

fn behind(seconds: i64) -> Standby {
    Standby {
        behind_s: Some(seconds),
    }
}

fn diagnosis(state: &State) -> crate::diagnose::Diagnosis {
    diagnose(
        state,
        &PROFILE,
        PROFILE.sop("kafka-provisioning-latency").unwrap(),
        now(),
    )
}

#[test]
fn what_rests_on_a_standby_that_is_behind_neither_passes_nor_fails_and_says_why() {
    for (standby, status, words) in [
        (
            behind(900),
            StepStatus::Stale,
            "a standby, 15m behind the primary",
        ),
        (
            Standby { behind_s: None },
            StepStatus::Unknown,
            "a standby, lag unknown",
        ),
    ] {
        let found = diagnosis(&world(standby));
        let of_database = found.steps.iter().filter(|step| step.source == "database");
        let of_database: Vec<_> = of_database.collect();
        assert!(of_database.len() > 2, "{:?}", found.steps);
        for step in of_database {
            assert_eq!(step.status, status, "{step:?}");
            assert!(step.evidence.iter().any(|line| line.contains(words)), "{step:?}");
        }
    }
}
