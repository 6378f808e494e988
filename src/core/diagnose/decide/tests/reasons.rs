//! Which of several reasons comes first: the bar shows no other.

use super::cases::{KAFKAS, judge, only};
use super::*;
use crate::observe::observation::Lease;
use crate::profile::rule::Advice;
use crate::testkit::source;

/// A lease of each worker that some process holds for another minute and a half.
fn held_leases(world: &World) -> Observation {
    let mut reading = world.reading();
    let lease = |lease_type: &str| Lease {
        lease_type: lease_type.into(),
        holder: Some(id("other")),
        ttl_s: 90,
        expires: "soon".into(),
    };
    reading.leases = Ok(["cluster", "kafka"].map(lease).to_vec());
    Observation::Database(reading)
}

#[test]
fn a_log_that_may_not_be_read_comes_before_the_leader_that_is_unknown_for_it() {
    let world = World::new();
    let mut more = vec![
        Observation::Source(SourceId::Api, SourceState::Live),
        Observation::Deployment(Some(deployment(3))),
        Observation::ClusterEvents(Vec::new()),
        held_leases(&world),
        failing(
            SourceId::Log(source(SHORT[2])),
            ProblemKind::Forbidden,
            "logs are forbidden",
        ),
    ];
    for pod in &world.pods[..2] {
        more.extend([KAFKA, CLUSTER].map(|worker| Observation::Log(said_by(pod, worker, None))));
    }
    let advice = judge(KAFKAS, &only(more)).decision.recommendation;
    assert_eq!(advice.action, Advice::Gather);
    let [first, .., last] = &advice.because[..] else {
        panic!("{:?}", advice.because);
    };
    assert!(first.starts_with("log of lzxms: "), "{:?}", advice.because);
    assert!(
        last.starts_with("KafkaManager leader not confirmed, certain in "),
        "{:?}",
        advice.because
    );
}

#[test]
fn of_two_workers_with_two_leaders_the_one_that_the_sop_is_about_comes_first() {
    let mut world = World::new();
    for worker in [KAFKA, CLUSTER] {
        for pod in &world.pods[..2] {
            let said = said_by(pod, worker, Some(pod.short_name()));
            world.more.push(Observation::Log(said));
        }
    }
    let advice = judge(KAFKAS, &world.state()).decision.recommendation;
    assert_eq!(advice.rule.as_deref(), Some("two-leaders"));
    let because: Vec<_> = advice.because.iter().map(SafeText::as_str).collect();
    assert_eq!(
        because,
        [
            "both 2mgcp and blf5h are acting as leader of KafkaManager",
            "both 2mgcp and blf5h are acting as leader of ClusterManager"
        ]
    );
}

#[test]
fn until_a_log_is_read_the_expired_lease_is_the_reason_that_nobody_leads() {
    let mut reading = World::new().reading();
    reading.leases = Ok(vec![Lease {
        lease_type: "kafka".into(),
        holder: Some(id("other")),
        ttl_s: -433,
        expires: "then".into(),
    }]);
    let advice = judge(KAFKAS, &only([Observation::Database(reading)]))
        .decision
        .recommendation;
    assert_eq!(advice.rule.as_deref(), Some("no-leader"));
    assert_eq!(
        advice.because[0],
        "no KafkaManager leader for 7m13s: lease expired, no current log of 3 pods"
    );
}
