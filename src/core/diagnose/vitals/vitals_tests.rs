//! The signs, by table. Times are seconds before the moment of the test.

use super::*;
use crate::logparse::{LogBatch, RequestCounts, bucket_of};
use crate::observe::observation::{
    ContainerState, ContainerUsage, Limits, Observation, OutboundTotals, PodUsage, RequestTotals, Scrape,
};
use crate::observe::source::{ProblemKind, SourceId, SourceState};
use crate::testkit::{
    KAFKA, SHORT, ago, failing, log, metrics, now, pod, profile, profile_with, source, state, waiting_pod,
};

/// A service whose pods count their requests.
pub(crate) fn measured_profile() -> Profile {
    profile_with(|profile| profile.service.metrics = Some(metrics()))
}

/// Readings: how long ago, and how much.
type Told = &'static [(i64, u64)];

/// How a pod's counters are read.
type Read = fn(&mut State);

fn limited_pod(short: &str, started: i64) -> Pod {
    let mut pod = pod(short, started);
    pod.containers[0].limits = Limits {
        cpu_millis: Some(1_000),
        memory_bytes: Some(1 << 30),
    };
    pod
}

fn three() -> State {
    state(SHORT.map(|short| limited_pod(short, 9_000)).to_vec())
}

fn signs(state: &State) -> Signs {
    Vitals::of(state, &measured_profile(), now()).together
}

/// The log of a pod: from when on it is read, and what was answered how long ago.
fn logged(short: &str, first: i64, answers: &[(i64, u64)]) -> LogBatch {
    let mut batch = log(short, KAFKA, first, &[]);
    let buckets = answers.iter().map(|(seconds, answered)| {
        let counts = RequestCounts {
            answered: *answered,
            failed: *answered / 10,
            slow: *answered / 2,
            very_slow: *answered / 5,
        };
        (bucket_of(ago(*seconds)), counts)
    });
    batch.requests = Some(buckets.collect());
    batch
}

fn all_logged(first: i64) -> State {
    let mut state = three();
    for short in SHORT {
        state.apply(
            Observation::Log(logged(short, first, &[(400, 900), (100, 10), (5, 10)])),
            now(),
        );
    }
    state
}

#[test]
fn the_request_log_tells_volume_and_shares_of_what_it_covers() {
    // from when on the logs are read, how much of the window that is, requests a second
    for (first, covers, per_second) in [(8_000, 300, 0.2), (180, 180, 60.0 / 180.0), (120, 120, 0.5)] {
        let sign = signs(&all_logged(first)).logged;
        let requests = *sign.complete().unwrap_or_else(|| panic!("{sign:?}"));
        assert_eq!((requests.answered, sign.covers_s), (60, Some(covers)), "{first}");
        assert!((requests.per_second - per_second).abs() < 0.001, "{requests:?}");
        let shares = [
            requests.failed_percent(),
            requests.slow_percent(),
            requests.very_slow_percent(),
        ];
        assert_eq!(shares, [Some(10.0), Some(50.0), Some(20.0)]);
    }
}

#[test]
fn what_a_log_does_not_tell_is_missing_and_named() {
    let id = || SourceId::Log(source(SHORT[0]));
    let progress = |change: fn(&mut LogBatch)| {
        let mut batch = logged(SHORT[0], 8_000, &[(100, 10)]);
        change(&mut batch);
        Observation::Log(batch)
    };
    // what happens to one log, what is missing, whether it stopped
    let table = [
        (
            progress(|batch| batch.progress.caught_up = false),
            "log of 2mgcp: still reading older lines",
            false,
        ),
        (
            progress(|batch| batch.progress.verbose = false),
            "log of 2mgcp: too terse (no request lines)",
            false,
        ),
        (
            Observation::Pods(SHORT.map(|short| limited_pod(short, 9_000)).to_vec()),
            "",
            false,
        ),
    ];
    for (observation, missing, stale) in table {
        let mut state = all_logged(8_000);
        state.apply(observation, now());
        let sign = signs(&state).logged;
        assert_eq!((sign.missing.join(", "), sign.stale), (missing.to_owned(), stale));
        assert!(sign.value.is_some(), "the others are told: {missing}");
    }
    // one that may not be read
    let mut state = three();
    state.apply(failing(id(), ProblemKind::Forbidden, "forbidden (403)"), now());
    let sign = signs(&state).logged;
    assert_eq!(sign.value, None);
    assert!(
        sign.missing.contains(&"log of 2mgcp: forbidden (403)".into()),
        "{sign:?}"
    );
    assert!(sign.missing.contains(&"log of blf5h: no data yet".into()));
    // all of which stopped
    let later = ago(-40);
    let sign = Vitals::of(&all_logged(8_000), &profile(), later).together.logged;
    assert_eq!((sign.value, sign.stale, sign.missing.len()), (None, true, 3));
}

#[test]
fn a_pod_that_does_no_work_yet_is_not_missed() {
    let mut state = all_logged(8_000);
    let mut waiting = waiting_pod("xxxxx", 60, "Init:0/1");
    waiting.containers[0].id = "".into();
    state.apply(Observation::Pod(waiting), now());
    let mut leaving = pod("yyyyy", 9_000);
    leaving.deletion_at = Some(now());
    state.apply(Observation::Pod(leaving), now());
    let vitals = Vitals::of(&state, &measured_profile(), now());
    assert!(
        vitals.together.logged.complete().is_some(),
        "{:?}",
        vitals.together.logged
    );
    let names: Vec<_> = vitals.pods.iter().map(|pod| pod.name.to_string()).collect();
    assert_eq!(
        names,
        ["msa-x-2mgcp", "msa-x-blf5h", "msa-x-lzxms", "msa-x-xxxxx"]
    );
    assert_eq!(
        vitals.pods[3].signs.logged.missing,
        ["log of xxxxx: the container has not started"]
    );
}

fn used(short: &str, cpu_millis: u64, at: i64) -> PodUsage {
    PodUsage {
        pod: pod(short, 0).name,
        at: Some(ago(at)),
        window_s: Some(15),
        containers: vec![ContainerUsage {
            name: "service".into(),
            cpu_millis,
            memory_bytes: 1 << 29,
        }],
    }
}

#[test]
fn usage_is_told_against_the_limits() {
    let mut state = three();
    let usage = [(SHORT[0], 900), (SHORT[1], 300), (SHORT[2], 0)];
    let mut usage = usage.map(|(short, cpu)| used(short, cpu, 20)).to_vec();
    usage[0].containers.push(ContainerUsage {
        name: "envoy-sidecar".into(),
        cpu_millis: 50,
        memory_bytes: 1,
    });
    state.apply(Observation::Usage(usage), now());
    let vitals = Vitals::of(&state, &measured_profile(), now());
    let all = vitals.together.usage.complete().unwrap();
    assert_eq!(
        (all.cpu_millis, all.cpu_percent, all.memory_percent),
        (1_250, Some(40), Some(50))
    );
    let each: Vec<_> = vitals
        .pods
        .iter()
        .map(|pod| pod.signs.usage.value.unwrap().cpu_percent)
        .collect();
    assert_eq!(each, [Some(90), Some(30), Some(0)]);
    assert_eq!(vitals.together.usage.age_s, Some(20));
    // without a limit there is nothing to compare with
    state.apply(
        Observation::Pods(SHORT.map(|short| pod(short, 9_000)).to_vec()),
        now(),
    );
    let all = signs(&state).usage.value.unwrap();
    assert_eq!((all.cpu_millis, all.cpu_percent), (1_250, None));
    assert!(all.is_unlimited());
}

#[test]
fn usage_that_is_not_there_is_unknown_and_never_zero() {
    let off = |why: &str| Observation::Source(SourceId::Usage, SourceState::Off(why.into()));
    let old = SHORT.map(|short| used(short, 300, 200)).to_vec();
    let two = SHORT[..2].iter().map(|short| used(short, 300, 20)).collect();
    // what is heard, whether there is a value, what is missing, whether it stopped
    let table = [
        (off("not served"), false, "metrics.k8s.io: not served", false),
        (
            Observation::Usage(old),
            false,
            "usage of 2mgcp: last measured 3m20s ago by the metrics server, and 2 more",
            true,
        ),
        (
            Observation::Usage(two),
            true,
            "usage of lzxms: none from the metrics server",
            false,
        ),
    ];
    for (observation, known, why, stale) in table {
        let mut state = three();
        state.apply(observation, now());
        let sign = signs(&state).usage;
        assert_eq!((sign.value.is_some(), sign.stale), (known, stale), "{why}");
        assert_eq!(sign.why(), why);
        assert!(sign.complete().is_none(), "{why}");
    }
    let mut state = three();
    let fresh = SHORT.map(|short| used(short, 300, 0)).to_vec();
    state.apply(Observation::Usage(fresh), now());
    let stopped = Vitals::of(&state, &profile(), ago(-31)).together.usage;
    assert_eq!(
        (stopped.value, stopped.stale),
        (None, true),
        "nothing heard for 31 s"
    );
    let between = Vitals::of(&state, &profile(), ago(-30)).together.usage;
    assert!(between.value.is_some(), "the next answer may be on its way");
}

#[test]
fn a_cpu_is_near_its_limit_for_long_only_where_every_reading_says_so() {
    let readings = |told: &[(i64, u64)]| {
        let mut state = three();
        for (seconds, cpu) in told {
            let usage = SHORT.map(|short| used(short, *cpu, *seconds)).to_vec();
            state.apply(Observation::Usage(usage), ago(*seconds));
        }
        sustained(&state, now(), SignedDuration::from_secs(60)).map(|sustained| sustained.least_percent)
    };
    // what is read how long ago in thousandths of a CPU, and the least percentage that may be relied on
    let table: [(&str, Told, Option<u64>); 6] = [
        (
            "all the time",
            &[(60, 990), (45, 960), (30, 1_000), (15, 980), (0, 990)],
            Some(96),
        ),
        (
            "but for one reading",
            &[(60, 990), (45, 20), (30, 1_000), (15, 980), (0, 990)],
            Some(2),
        ),
        (
            "since before the window",
            &[(90, 100), (75, 970), (45, 980), (30, 980), (15, 990), (0, 990)],
            Some(97),
        ),
        (
            "not long enough known",
            &[(45, 990), (30, 990), (15, 990), (0, 990)],
            None,
        ),
        ("with a gap", &[(75, 990), (15, 990), (0, 990)], None),
        (
            "not any more",
            &[(110, 990), (95, 990), (80, 990), (65, 990), (50, 990)],
            None,
        ),
    ];
    for (what, told, least) in table {
        assert_eq!(readings(told), least, "{what}");
    }
}

fn scrape(count: u64, ocm: (u64, u64)) -> Scrape {
    Scrape {
        inbound: RequestTotals {
            count,
            failed: count / 10,
            timed: count,
            within_100ms: count / 2,
            within_1s: count - count / 5,
        },
        outbound: vec![OutboundTotals {
            service: "ocm-clusters-service".into(),
            count: ocm.1,
            failed: ocm.0,
            refused: 0,
            timed: ocm.1,
            within_1s: ocm.1,
        }],
    }
}

fn read(state: &mut State, short: &str, seconds: i64, scrape: Scrape) {
    let pod = pod(short, 0).uid;
    state.apply(Observation::Scrape { pod, scrape }, ago(seconds));
}

#[test]
fn counters_tell_what_was_counted_between_two_readings() {
    let mut state = three();
    for short in SHORT {
        // before the window, within it, now
        read(&mut state, short, 400, scrape(500, (0, 50)));
        read(&mut state, short, 200, scrape(1_000, (0, 100)));
        read(&mut state, short, 100, scrape(1_050, (5, 110)));
        read(&mut state, short, 0, scrape(1_100, (9, 120)));
    }
    let signs = signs(&state);
    let requests = signs.counted.complete().unwrap();
    assert_eq!((requests.answered, signs.counted.covers_s), (300, Some(200)));
    assert_eq!(
        [
            requests.failed_percent(),
            requests.slow_percent(),
            requests.very_slow_percent()
        ],
        [Some(10.0), Some(50.0), Some(20.0)]
    );
    assert!((requests.per_second - 1.5).abs() < 0.001);
    let outbound = signs.outbound.complete().unwrap();
    assert_eq!(outbound.len(), 1);
    assert_eq!((outbound[0].sent, outbound[0].failed), (60, 27));
}

#[test]
fn a_pod_without_two_readings_of_one_process_is_left_out_and_named() {
    let both = |state: &mut State, short: &str| {
        read(state, short, 15, scrape(100, (0, 10)));
        read(state, short, 0, scrape(110, (0, 12)));
    };
    let restarted = |seconds: i64| {
        let mut pod = limited_pod(SHORT[0], seconds);
        pod.restarts = 1;
        pod.containers[0].restarts = 1;
        pod
    };
    // how the first pod is read, what is missing
    let table: [(&str, Pod, Read, &str); 5] = [
        (
            "never",
            limited_pod(SHORT[0], 9_000),
            |_| {},
            "metrics of 2mgcp: no data yet",
        ),
        (
            "once",
            limited_pod(SHORT[0], 9_000),
            |state| read(state, SHORT[0], 0, scrape(100, (0, 1))),
            "metrics of 2mgcp: needs a second sample (15s)",
        ),
        (
            "of two processes",
            limited_pod(SHORT[0], 9_000),
            |state| {
                read(state, SHORT[0], 15, scrape(100, (0, 1)));
                read(state, SHORT[0], 0, scrape(5, (0, 1)));
            },
            "metrics of 2mgcp: needs a second sample (15s)",
        ),
        (
            "after a restart within the window",
            restarted(100),
            |state| {
                read(state, SHORT[0], 15, scrape(5, (0, 1)));
                read(state, SHORT[0], 0, scrape(9, (0, 1)));
            },
            "metrics of 2mgcp: restarted 1m40s ago, counters reset",
        ),
        (
            "refused",
            limited_pod(SHORT[0], 9_000),
            |state| {
                state.apply(
                    Observation::Source(
                        SourceId::Scrape(pod(SHORT[0], 0).uid),
                        SourceState::Off("not allowed".into()),
                    ),
                    now(),
                );
            },
            "metrics of 2mgcp: not allowed",
        ),
    ];
    for (what, first, reading, missing) in table {
        let mut state = state(vec![
            first,
            limited_pod(SHORT[1], 9_000),
            limited_pod(SHORT[2], 9_000),
        ]);
        both(&mut state, SHORT[1]);
        both(&mut state, SHORT[2]);
        reading(&mut state);
        let sign = signs(&state).counted;
        assert_eq!(sign.missing, [missing], "{what}");
        assert_eq!(sign.value.unwrap().answered, 20, "{what}");
    }
    // a restart that the window has passed is none any more
    let mut state = state(vec![restarted(301)]);
    both(&mut state, SHORT[0]);
    assert!(signs(&state).counted.complete().is_some());
}

#[test]
fn without_names_in_the_profile_nothing_is_counted() {
    let sign = Vitals::of(&three(), &profile(), now()).together.counted;
    assert_eq!(sign.value, None);
    assert_eq!(sign.missing, ["the pods' metrics: not in the profile"]);
}

#[test]
fn series_have_a_value_for_each_half_minute_that_is_known() {
    let mut state = all_logged(130);
    for (seconds, cpu) in [(40, 100), (20, 200)] {
        let usage = SHORT.map(|short| used(short, cpu, seconds)).to_vec();
        state.apply(Observation::Usage(usage), ago(seconds));
    }
    for short in SHORT {
        read(&mut state, short, 95, scrape(10, (0, 10)));
        read(&mut state, short, 62, scrape(20, (5, 20)));
        read(&mut state, short, 2, scrape(30, (5, 30)));
    }
    let series = Vitals::of(&state, &measured_profile(), now()).series;
    let none = || vec![None; SLOTS];
    let with = |values: &[(usize, f64)]| {
        let mut all = none();
        values
            .iter()
            .for_each(|(place, value)| all[*place] = Some(*value));
        all
    };
    // the logs begin 130 s ago, so the first whole half minute is the one that began 120 s ago
    assert_eq!(series.requests, with(&[(6, 30.0), (7, 0.0), (8, 0.0), (9, 30.0)]));
    assert_eq!(series.failed, with(&[(6, 10.0), (9, 10.0)]));
    assert_eq!(series.cpu, with(&[(8, 10.0), (9, 20.0)]));
    assert_eq!(series.outbound.len(), 1);
    assert_eq!(series.outbound[0].1, with(&[(7, 50.0), (9, 0.0)]));
    let running = ContainerState::Running { since: None };
    assert!(state.pods.values().all(|pod| pod.containers[0].state != running));
}
