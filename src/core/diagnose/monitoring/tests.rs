//! The verdicts on what monitoring servers show, each threshold from both sides, and what proves nothing.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::select;

use super::alerts::{AlertState, choosing_alert, service_alerts};
use crate::diagnose::{Diagnosis, StepFinding, diagnose};
use crate::logparse::{ErrorCounts, ErrorSighting, ErrorTimes};
use crate::observe::observation::{
    ActiveAlert, AlertRule, AlertsReading, Alive, Answer, Confirmed, FigureReading, FiringAlert, Issue,
    Labels, Observation, RulesReading, Sample, Silence, TrackerReading, Value,
};
use crate::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use crate::observe::state::State;
use crate::profile::Profile;
use crate::profile::monitoring::Figure;
use crate::profile::rule::Advice;
use crate::profile::sop::StepStatus;
use crate::testkit::{KAFKA, ago, built_in_profile, deployment, log, now, pod};

static PROFILE: LazyLock<Profile> = LazyLock::new(built_in_profile);

const SHORT: u64 = 300;
const LONG: u64 = 1_800;
const QUIET: u64 = 600;

/// What the metrics source answered, to be changed by a test.
#[derive(Clone, Debug)]
struct Figures(Vec<FigureReading>);

/// The service's pods, which the rows of a figure are about.
const PODS: [&str; 3] = ["aaaaa", "bbbbb", "ccccc"];

fn row(pod: &str, value: f64) -> Sample {
    Sample {
        labels: vec![("pod".into(), pod.into())],
        value: Value(value),
    }
}

fn rows(values: &[f64]) -> Vec<Sample> {
    let pods = PODS.iter().cycle().zip(values);
    pods.map(|(short, value)| row(&format!("msa-x-{short}"), *value))
        .collect()
}

/// The list of the service's pods, each of which has run for long.
fn own_pods() -> Observation {
    Observation::Pods(PODS.map(|short| pod(short, 9_000)).into())
}

fn calls(values: &[(&str, f64)]) -> Vec<Sample> {
    let row = |(service, value): &(&str, f64)| Sample {
        labels: vec![("apiservice".into(), (*service).into())],
        value: Value(*value),
    };
    values.iter().map(row).collect()
}

impl Figures {
    /// A service that is well.
    fn well() -> Self {
        let mut figures = Self(Vec::new());
        figures.put(Figure::Up, None, rows(&[1.0, 1.0, 1.0]));
        figures.put(Figure::SampleAge, None, rows(&[10.0, 20.0, 29.0]));
        figures.put(Figure::Volume, Some(SHORT), rows(&[2.0]));
        figures.put(Figure::VolumeYesterday, Some(SHORT), rows(&[1.9]));
        figures.put(Figure::VolumeLastWeek, Some(SHORT), rows(&[1.8]));
        figures.put(Figure::Requests, Some(SHORT), rows(&[600.0]));
        figures.put(Figure::Requests, Some(QUIET), rows(&[1_200.0]));
        figures.put(Figure::Probes, Some(SHORT), rows(&[0.6]));
        for figure in [Figure::Errors, Figure::Slow, Figure::VerySlow] {
            figures.put(figure, Some(SHORT), rows(&[0.0]));
            figures.put(figure, Some(LONG), rows(&[0.0]));
        }
        figures.put(Figure::ErrorsByPath, Some(SHORT), Vec::new());
        figures.put(
            Figure::OutboundCalls,
            Some(QUIET),
            calls(&[("ocm", 20.0), ("sso", 12.0)]),
        );
        figures.put(
            Figure::OutboundErrors,
            Some(QUIET),
            calls(&[("ocm", 0.0), ("sso", 0.0)]),
        );
        figures.put(Figure::Cpu, Some(SHORT), rows(&[0.2, 0.3, 0.1]));
        figures.put(Figure::Throttled, Some(SHORT), rows(&[0.0, 0.0, 0.0]));
        figures.put(Figure::Memory, None, rows(&[0.4, 0.5, 0.4]));
        figures.put(Figure::MemoryInAnHour, Some(LONG), rows(&[0.4, 0.5, 0.4]));
        figures.put(Figure::Restarts, Some(LONG), rows(&[0.0, 0.0, 0.0]));
        figures.put(Figure::OomKilled, Some(LONG), Vec::new());
        for figure in [
            Figure::NetworkReceived,
            Figure::NetworkSent,
            Figure::NetworkErrors,
            Figure::NetworkDrops,
            Figure::DiskReads,
            Figure::DiskWrites,
        ] {
            figures.put(figure, Some(SHORT), rows(&[0.0, 0.0, 0.0]));
        }
        figures
    }

    fn put(&mut self, figure: Figure, window_s: Option<u64>, rows: Vec<Sample>) {
        self.0
            .retain(|known| (known.figure, known.window_s) != (figure, window_s));
        self.0.push(FigureReading {
            figure,
            window_s,
            answer: Ok(Answer {
                rows,
                ..Answer::default()
            }),
        });
    }

    fn with(mut self, figure: Figure, window_s: Option<u64>, values: &[f64]) -> Self {
        self.put(figure, window_s, rows(values));
        self
    }

    fn with_calls(mut self, figure: Figure, values: &[(&str, f64)]) -> Self {
        self.put(figure, Some(QUIET), calls(values));
        self
    }

    fn state(self) -> State {
        self.state_of(0)
    }

    fn state_of(self, seconds_ago: i64) -> State {
        let mut state = State::default();
        state.began_at = Some(ago(600));
        state.apply(own_pods(), now());
        state.apply(Observation::Metrics(self.0), ago(seconds_ago));
        state
    }
}

fn judged(state: &State, sop: &str) -> Diagnosis {
    diagnose(state, &PROFILE, PROFILE.sop(sop).unwrap(), now())
}

fn step(state: &State, id: &str) -> StepFinding {
    let diagnosis = judged(state, "api-availability");
    diagnosis.steps.into_iter().find(|step| step.id == id).unwrap()
}

fn requests(figures: Figures) -> StepFinding {
    step(&figures.state(), "metrics-application")
}

fn resources(figures: Figures) -> StepFinding {
    step(&figures.state(), "metrics-resources")
}

use StepStatus::{Fail, Manual, Pass, Stale, Unknown, Waiting};

#[test]
fn a_service_that_is_well_passes() {
    let found = requests(Figures::well());
    assert_eq!(found.status, Pass, "{found:#?}");
    assert_eq!(found.source, "metrics");
    let found = resources(Figures::well());
    assert_eq!(found.status, Pass, "{found:#?}");
}

#[test]
fn without_a_metrics_source_the_steps_are_the_operators() {
    let state = State::default();
    for id in ["metrics-application", "metrics-resources", "error-tracker"] {
        assert_eq!(step(&state, id).status, Manual, "{id}");
    }
    let diagnosis = judged(&state, "api-availability");
    assert!(diagnosis.steps.iter().all(|step| step.id != "alert"));
}

/// A share in both windows, and what the step says.
fn shares(figure: Figure, table: &[(f64, f64, StepStatus)]) {
    for (short, long, status) in table {
        let figures = Figures::well()
            .with(figure, Some(SHORT), &[*short])
            .with(figure, Some(LONG), &[*long]);
        let found = requests(figures);
        assert_eq!(found.status, *status, "{figure} {short} {long}: {found:#?}");
    }
}

#[test]
fn errors_fail_over_the_budget_in_both_windows() {
    shares(
        Figure::Errors,
        &[
            (0.011, 0.011, Fail),
            (0.011, 0.009, Waiting),
            (0.009, 0.5, Pass),
            (0.009, 0.009, Pass),
            (f64::NAN, 0.5, Unknown),
            (0.5, f64::NAN, Unknown),
            (f64::INFINITY, 0.5, Unknown),
        ],
    );
}

#[test]
fn latency_fails_over_its_objectives_in_both_windows() {
    shares(
        Figure::Slow,
        &[(0.101, 0.101, Fail), (0.101, 0.1, Waiting), (0.1, 0.2, Pass)],
    );
    shares(
        Figure::VerySlow,
        &[(0.0101, 0.0101, Fail), (0.0101, 0.01, Waiting), (0.01, 0.2, Pass)],
    );
}

/// The long windows of the pairs, and one hour.
const HOURS: [u64; 5] = [3_600, 7_200, 21_600, 86_400, 259_200];

/// A service whose share of errors is so high in five minutes, in half an hour, and in each of the longer windows.
fn errors_in(short: f64, long: f64, longer: [f64; 5]) -> Figures {
    let figures =
        Figures::well()
            .with(Figure::Errors, Some(SHORT), &[short])
            .with(Figure::Errors, Some(LONG), &[long]);
    let all = HOURS.into_iter().zip(longer);
    all.fold(figures, |figures, (window, share)| {
        figures.with(Figure::Errors, Some(window), &[share])
    })
}

#[test]
fn a_budget_that_burns_in_both_windows_of_a_pair_fails_while_it_is_over_now() {
    // five minutes, half an hour, the longer windows, what the step says
    let table = [
        // No pair: over now, and it may be a blip.
        (0.011, 0.01, [0.01, 0.01, 0.01, 0.01, 0.01], Waiting),
        // Five minutes and an hour are over 13.44 times the budget; half an hour can't be, but nobody judges that here.
        (0.135, 0.009, [0.135, 0.0, 0.0, 0.0, 0.0], Fail),
        (0.134, 0.009, [0.135, 0.0, 0.0, 0.0, 0.0], Waiting),
        (0.135, 0.009, [0.134, 0.0, 0.0, 0.0, 0.0], Waiting),
        // Two hours and a day are over 2.8 times.
        (0.011, 0.009, [0.0, 0.0281, 0.0, 0.0281, 0.0], Fail),
        (0.011, 0.009, [0.0, 0.028, 0.0, 0.0281, 0.0], Waiting),
        (0.011, 0.009, [0.0, 0.0281, 0.0, 0.028, 0.0], Waiting),
        // Six hours and three days are over the budget itself.
        (0.011, 0.009, [0.0, 0.0, 0.0101, 0.0, 0.0101], Fail),
        (0.011, 0.009, [0.0, 0.0, 0.01, 0.0, 0.0101], Waiting),
        // It was over, and is within the budget again.
        (0.0, 0.3, [0.3, 0.1, 0.06, 0.0, 0.0], Waiting),
        (0.0, 0.3, [0.3, 0.1, 0.056, 0.0, 0.0], Pass),
    ];
    for (short, long, longer, status) in table {
        let found = requests(errors_in(short, long, longer));
        assert_eq!(found.status, status, "{short} {long} {longer:?}: {found:#?}");
    }
}

#[test]
fn a_burning_budget_says_its_windows_and_when_it_is_over() {
    let fails = requests(errors_in(0.011, 0.009, [0.0, 0.05, 0.0, 0.03, 0.0]));
    assert_eq!(&*fails.value, "5xx over budget in 1d");
    let first = &*fails.evidence[0];
    assert_eq!(
        first,
        "5xx: 5.0 % in 2h and 3.0 % in 1d, both over 2.8 %: the budget burns too fast (metrics)"
    );
    let recovers = requests(errors_in(0.0, 0.3, [0.0, 0.0, 0.06, 0.0, 0.0]));
    let evidence = recovers.evidence.join("\n");
    let line = "5xx: 30 % in 30m and 6.0 % in 6h, both over 5.6 % (metrics); over once 30m is below 5.6 %";
    assert!(evidence.contains(line), "{evidence}");
}

#[test]
fn few_requests_now_do_not_hide_that_the_budget_burns() {
    let quiet = |long: f64| {
        let figures = errors_in(0.0, long, [0.0, 0.0, 0.06, 0.0, 0.0]);
        requests(figures.with(Figure::Requests, Some(SHORT), &[3.0]))
    };
    assert_eq!(quiet(0.057).status, Fail);
    assert_eq!(quiet(0.056).status, Unknown);
}

#[test]
fn a_window_that_is_not_known_neither_burns_nor_takes_the_short_ones_away() {
    let missing = |window: u64, status: StepStatus, noted: bool| {
        let mut figures = errors_in(0.0, 0.3, [0.3, 0.0, 0.06, 0.0, 0.0]);
        figures
            .0
            .retain(|known| (known.figure, known.window_s) != (Figure::Errors, Some(window)));
        let found = requests(figures);
        assert_eq!(found.status, status, "{window}: {found:#?}");
        let says = found
            .evidence
            .iter()
            .any(|line| line.starts_with("longer windows: no data (5xx"));
        assert_eq!(says, noted, "{window}: {found:#?}");
    };
    // Without six hours the pair that burns can't be told; half an hour is over, so it may.
    missing(21_600, Pass, true);
    // Two hours and three days are cleared by the other window of their pair.
    missing(86_400, Waiting, false);
    missing(259_200, Waiting, false);
}

#[test]
fn a_pair_that_asks_for_more_than_all_requests_is_not_asked_for() {
    let monitoring = PROFILE.monitoring.as_ref().unwrap();
    let shorts = |figure: Figure| -> Vec<u64> {
        monitoring
            .burns(figure)
            .map(|(burn, _)| burn.short.as_secs())
            .collect()
    };
    assert_eq!(shorts(Figure::Errors), [300, 1_800, 7_200, 21_600]);
    assert_eq!(shorts(Figure::VerySlow), [300, 1_800, 7_200, 21_600]);
    // 13.44 times 10 % can't be.
    assert_eq!(shorts(Figure::Slow), [1_800, 7_200, 21_600]);
    assert_eq!(shorts(Figure::Cpu), [] as [u64; 0]);
}

#[test]
fn what_the_cluster_counts_comes_from_the_second_source_where_there_is_one() {
    let (cluster, own): (Vec<_>, Vec<_>) = Figures::well()
        .with(Figure::Cpu, Some(SHORT), &[0.95, 0.1, 0.1])
        .0
        .into_iter()
        .partition(|reading| reading.figure.is_of_cluster());
    let mut state = State::default();
    state.began_at = Some(ago(600));
    state.apply(own_pods(), now());
    state.apply(Observation::Metrics(own), now());
    let without = step(&state, "metrics-resources");
    assert_eq!(
        without.status, Unknown,
        "the first source has none of it: {without:#?}"
    );
    state.apply(Observation::ClusterMetrics(cluster), ago(10));
    let with = step(&state, "metrics-resources");
    assert_eq!((with.status, with.source), (Fail, "cluster metrics"));
    assert!(
        with.evidence[0].ends_with("(cluster metrics), over 90 %"),
        "{with:#?}"
    );
    assert_eq!(step(&state, "metrics-application").status, Pass);
}

#[test]
fn each_metrics_source_turns_stale_alone() {
    // How old the answers of the service's and of the cluster's source are, and what the steps about them say.
    for (service_s, cluster_s, expected) in [
        (90, 90, [Pass, Pass]),
        (91, 0, [Stale, Pass]),
        (0, 91, [Pass, Stale]),
    ] {
        let (cluster, own): (Vec<_>, Vec<_>) = Figures::well()
            .0
            .into_iter()
            .partition(|reading| reading.figure.is_of_cluster());
        let mut state = State::default();
        state.apply(own_pods(), now());
        state.apply(Observation::Metrics(own), ago(service_s));
        state.apply(Observation::ClusterMetrics(cluster), ago(cluster_s));
        let found = ["metrics-application", "metrics-resources"].map(|id| step(&state, id).status);
        assert_eq!(found, expected, "{service_s} {cluster_s}");
    }
}

#[test]
fn the_second_source_alone_judges_what_the_cluster_counts_and_nothing_else() {
    let cluster = Figures::well()
        .0
        .into_iter()
        .filter(|reading| reading.figure.is_of_cluster());
    let mut state = State::default();
    state.apply(own_pods(), now());
    state.apply(Observation::ClusterMetrics(cluster.collect()), now());
    assert_eq!(step(&state, "metrics-resources").status, Pass);
    assert_eq!(step(&state, "metrics-application").status, Manual);
}

#[test]
fn few_requests_prove_nothing() {
    // requests in the short window, the share of errors, what the step says
    for (count, share, status) in [
        (29.9, 0.0, Unknown),
        (30.0, 0.0, Pass),
        (29.9, 1.0, Unknown),
        (30.0, 1.0, Fail),
    ] {
        let figures = Figures::well()
            .with(Figure::Requests, Some(SHORT), &[count])
            .with(Figure::Errors, Some(SHORT), &[share])
            .with(Figure::Errors, Some(LONG), &[share]);
        let found = requests(figures);
        assert_eq!(found.status, status, "{count} {share}: {found:#?}");
    }
}

#[test]
fn up_is_judged_before_rates_which_outlive_the_pods() {
    let found = requests(Figures::well().with(Figure::Up, None, &[0.0, 0.0, 0.0]));
    assert_eq!((found.status, &*found.value), (Fail, "no pod scraped"));
    for up in [&[1.0, 1.0, 0.0] as &[f64], &[1.0, 1.0], &[], &[f64::NAN; 3]] {
        let found = requests(Figures::well().with(Figure::Up, None, up));
        assert_eq!(found.status, Unknown, "{up:?}: {found:#?}");
    }
}

#[test]
fn silence_fails_only_where_it_was_loud_yesterday() {
    // requests in ten minutes, requests a second yesterday, what the step says
    for (count, yesterday, status) in [
        (0.0, 0.11, Fail),
        (0.0, 0.1, Unknown),
        (0.1, 2.0, Unknown),
        (0.0, f64::NAN, Unknown),
    ] {
        let figures = Figures::well()
            .with(Figure::Requests, Some(SHORT), &[count])
            .with(Figure::Requests, Some(QUIET), &[count])
            .with(Figure::Volume, Some(SHORT), &[0.0])
            .with(Figure::VolumeYesterday, Some(SHORT), &[yesterday]);
        let found = requests(figures);
        assert_eq!(found.status, status, "{count} {yesterday}: {found:#?}");
    }
    let unknown =
        Figures::well()
            .with(Figure::Volume, Some(SHORT), &[0.0])
            .with(Figure::Requests, Some(QUIET), &[]);
    assert_eq!(
        requests(unknown).status,
        Unknown,
        "how long it is silent is not known"
    );
    let unprobed = Figures::well().with(Figure::Probes, Some(SHORT), &[0.0]);
    assert_eq!(requests(unprobed).status, Unknown, "no probe is counted");
}

#[test]
fn calls_to_another_service_fail_by_their_share_where_there_are_enough() {
    // calls, share that failed, what the step says
    for (count, share, status) in [
        (10.0, 0.101, Fail),
        (10.0, 0.1, Waiting),
        (10.0, 0.01, Waiting),
        (10.0, 0.0099, Pass),
        (9.9, 0.9, Pass),
    ] {
        let figures = Figures::well()
            .with_calls(Figure::OutboundCalls, &[("ocm", count), ("sso", 12.0)])
            .with_calls(Figure::OutboundErrors, &[("ocm", share), ("sso", 0.0)]);
        let found = requests(figures);
        assert_eq!(found.status, status, "{count} {share}: {found:#?}");
    }
    let few = Figures::well().with_calls(Figure::OutboundCalls, &[("ocm", 9.0)]);
    assert_eq!(requests(few).status, Unknown, "a follower calls nobody");
    let unread = Figures::well().with_calls(Figure::OutboundErrors, &[("sso", 0.0)]);
    assert_eq!(requests(unread).status, Unknown, "no share of one that is called");
}

#[test]
fn the_service_whose_calls_fail_most_comes_first() {
    // shares that failed of equally many calls to three services, and the services in the order of the evidence
    for (shares, status, order) in [
        ([0.2, 0.5, 0.3], Fail, &["ocm", "sso", "aws"][..]),
        ([0.2, 0.2, 0.05], Fail, &["aws", "ocm"]),
        ([0.02, 0.05, 0.03], Waiting, &["ocm"]),
        ([0.02, 0.02, 0.0], Waiting, &["aws"]),
    ] {
        let services = ["aws", "ocm", "sso"];
        let failed: Vec<_> = std::iter::zip(services, shares).collect();
        let figures = Figures::well()
            .with_calls(Figure::OutboundCalls, &services.map(|service| (service, 20.0)))
            .with_calls(Figure::OutboundErrors, &failed);
        let found = requests(figures);
        assert_eq!(found.status, status, "{shares:?}: {found:#?}");
        let lines = found.evidence.iter().filter(|line| line.contains(" calls to "));
        let named: Vec<_> = lines
            .map(|line| services.into_iter().find(|service| line.contains(service)))
            .collect();
        let wanted: Vec<_> = order.iter().copied().map(Some).collect();
        assert_eq!(named, wanted, "{shares:?}: {found:#?}");
        if status == Fail {
            assert!(found.value.contains(order[0]), "{shares:?}: {}", found.value);
        }
    }
}

#[test]
fn failing_calls_to_ocm_are_an_ocm_error_for_every_sop_about_them() {
    let figures = Figures::well()
        .with_calls(Figure::OutboundCalls, &[("ocm-clusters-service", 20.0)])
        .with_calls(Figure::OutboundErrors, &[("ocm-clusters-service", 0.5)]);
    let state = figures.state();
    for sop in [
        "api-availability",
        "osd-provisioning-latency",
        "kafka-provisioning-latency",
    ] {
        let diagnosis = judged(&state, sop);
        let rule = diagnosis
            .decision
            .rules
            .iter()
            .find(|rule| rule.id == "ocm-errors")
            .unwrap();
        assert!(rule.truth.is_true(), "{sop}: {:#?}", rule.truth);
        assert!(
            diagnosis.steps.iter().any(|step| step.status == Fail),
            "{sop}: {:#?}",
            diagnosis.steps
        );
    }
}

#[test]
fn resources_fail_and_pass_at_their_thresholds() {
    // the figure, its window, its values, what the step says
    let table: &[(Figure, Option<u64>, &[f64], StepStatus)] = &[
        (Figure::Cpu, Some(SHORT), &[0.901, 0.1, 0.1], Fail),
        (Figure::Cpu, Some(SHORT), &[0.9, 0.1, 0.1], Waiting),
        (Figure::Cpu, Some(SHORT), &[0.7, 0.1, 0.1], Waiting),
        (Figure::Cpu, Some(SHORT), &[0.699, 0.1, 0.1], Pass),
        (Figure::Cpu, Some(SHORT), &[0.1, 0.1], Unknown),
        (Figure::Cpu, Some(SHORT), &[], Unknown),
        (Figure::Throttled, Some(SHORT), &[0.0, 0.251, 0.0], Fail),
        (Figure::Throttled, Some(SHORT), &[0.0, 0.25, 0.0], Waiting),
        (Figure::Throttled, Some(SHORT), &[0.0, 0.099, 0.0], Pass),
        (Figure::Throttled, Some(SHORT), &[0.0, f64::NAN, 0.0], Unknown),
        (Figure::Memory, None, &[0.0, 0.0, 0.901], Fail),
        (Figure::Memory, None, &[0.0, 0.0, 0.9], Waiting),
        (Figure::Memory, None, &[0.0, 0.0, 0.799], Pass),
        (Figure::Restarts, Some(LONG), &[0.0, 0.5, 0.0], Fail),
        (Figure::Restarts, Some(LONG), &[0.0, 0.49, 0.0], Pass),
        (Figure::Restarts, Some(LONG), &[], Unknown),
        (Figure::OomKilled, Some(LONG), &[1.0], Fail),
        (Figure::NetworkErrors, Some(SHORT), &[0.0, 0.0, 1.1], Fail),
        (Figure::NetworkErrors, Some(SHORT), &[0.0, 0.0, 1.0], Pass),
        (Figure::NetworkDrops, Some(SHORT), &[1.1, 0.0, 0.0], Fail),
        (Figure::NetworkDrops, Some(SHORT), &[1.0, 0.0], Unknown),
        (Figure::DiskWrites, Some(SHORT), &[9e9, 0.0, 0.0], Pass),
        (Figure::DiskReads, Some(SHORT), &[], Unknown),
        (Figure::MemoryInAnHour, Some(LONG), &[1.5, 0.0, 0.0], Pass),
    ];
    for (figure, window, values, status) in table {
        let found = resources(Figures::well().with(*figure, *window, values));
        assert_eq!(found.status, *status, "{figure} {values:?}: {found:#?}");
    }
}

#[test]
fn more_pods_are_advised_only_where_requests_suffer_and_the_cpu_has_nothing_left() {
    let slow = |figures: Figures| {
        figures
            .with(Figure::Slow, Some(SHORT), &[0.5])
            .with(Figure::Slow, Some(LONG), &[0.5])
    };
    let busy = |figures: Figures| figures.with(Figure::Cpu, Some(SHORT), &[0.99, 0.9, 0.9]);
    assert!(is_saturated(&slow(busy(Figures::well())).state()));
    assert!(!is_saturated(&slow(Figures::well()).state()));
    assert!(!is_saturated(&busy(Figures::well()).state()));
}

/// Whether more pods are advised; the pods must be read to say that.
fn is_saturated(state: &State) -> bool {
    let diagnosis = judged(state, "api-latency");
    let mut rules = diagnosis.decision.rules.iter();
    rules.find(|rule| rule.id == "saturated").unwrap().truth.is_true()
}

// ---- Whose pod a row is about ----------------------------------------------------------------------------------------

/// A pod of another deployment whose name begins as the service's does, and one of the service's own that was deleted.
const STRANGERS: [&str; 2] = [
    "managed-services-api-canary-y-ddddd",
    "managed-services-api-x-eeeee",
];

/// The service's deployment and its three pods, and one of a canary that has its label.
fn beside_a_canary(figures: Figures) -> State {
    let of = |deployment: &str, hash: &str, short: &str| {
        let mut pod = pod(short, 9_000);
        pod.name = format!("{deployment}-{hash}-{short}").into();
        pod.owner = Some(("ReplicaSet".into(), format!("{deployment}-{hash}").into()));
        pod.origin.template_hash = Some(hash.into());
        pod
    };
    let mut pods = PODS.map(|short| of("managed-services-api", "x", short)).to_vec();
    pods.push(of("managed-services-api-canary", "y", "ddddd"));
    let mut state = State::of_service("managed-services-api");
    state.began_at = Some(ago(600));
    state.apply(Observation::Pods(pods), now());
    state.apply(Observation::Metrics(figures.0), now());
    assert_eq!((state.pods.len(), state.other_pods.len()), (3, 1));
    state
}

/// Rows of the service's own pods as they are with the canary, and of another pod.
fn rows_and(stranger: &str, values: &[f64], odd: f64) -> Vec<Sample> {
    let own = PODS.iter().zip(values);
    let own = own.map(|(short, value)| row(&format!("managed-services-api-x-{short}"), *value));
    own.chain([row(stranger, odd)]).collect()
}

/// A service that is well, with its pods' names as they are with the canary.
fn well_beside(stranger: &str) -> Figures {
    let mut figures = Figures::well();
    for reading in &mut figures.0 {
        let answer = reading.answer.as_mut().unwrap();
        for row in &mut answer.rows {
            for (_, value) in row.labels.iter_mut().filter(|(name, _)| **name == *"pod") {
                *value = value.replace("msa-x", "managed-services-api-x").into();
            }
        }
    }
    let by_pod = |figure: Figure| figure.is_of_cluster() || matches!(figure, Figure::Up | Figure::SampleAge);
    for reading in figures.0.iter_mut().filter(|one| by_pod(one.figure)) {
        let value = if reading.figure == Figure::Up { 1.0 } else { 0.0 };
        if reading.figure != Figure::OomKilled {
            reading.answer.as_mut().unwrap().rows.push(row(stranger, value));
        }
    }
    figures
}

#[test]
fn what_other_pods_do_is_not_judged_as_what_the_services_own_do() {
    // the figure, its window, what its own pods have, what the other one has: too much
    let table: [(Figure, Option<u64>, &[f64], f64); 9] = [
        (Figure::Cpu, Some(SHORT), &[0.2, 0.3, 0.1], 0.99),
        (Figure::Throttled, Some(SHORT), &[0.0; 3], 0.6),
        (Figure::Memory, None, &[0.4, 0.5, 0.4], 0.99),
        (Figure::Restarts, Some(LONG), &[0.0; 3], 2.0),
        (Figure::OomKilled, Some(LONG), &[], 1.0),
        (Figure::NetworkErrors, Some(SHORT), &[0.0; 3], 40.0),
        (Figure::NetworkDrops, Some(SHORT), &[0.0; 3], 40.0),
        (Figure::Cpu, Some(SHORT), &[0.2, 0.3, 0.1], f64::NAN),
        (Figure::MemoryInAnHour, Some(LONG), &[0.4, 0.5, 0.4], 3.0),
    ];
    for stranger in STRANGERS {
        for (figure, window, own, odd) in table {
            let mut figures = well_beside(stranger);
            figures.put(figure, window, rows_and(stranger, own, odd));
            let found = step(&beside_a_canary(figures), "metrics-resources");
            assert_eq!(found.status, Pass, "{stranger} {figure} {odd}: {found:#?}");
            let end = &stranger[stranger.len() - 5..];
            let named = found.evidence.iter().any(|line| line.contains(end));
            assert!(!named, "{stranger} {figure} {odd}: {found:#?}");
        }
        for (figure, odd) in [(Figure::Up, 0.0), (Figure::SampleAge, 9_000.0)] {
            let mut figures = well_beside(stranger);
            figures.put(figure, None, rows_and(stranger, &[1.0; 3], odd));
            let found = step(&beside_a_canary(figures), "metrics-application");
            assert_eq!(found.status, Pass, "{stranger} {figure} {odd}: {found:#?}");
        }
    }
}

#[test]
fn no_pod_more_is_advised_because_a_canary_is_throttled_while_our_requests_fail() {
    let state = |own: f64, canary: f64| {
        let mut figures = well_beside(STRANGERS[0])
            .with(Figure::Errors, Some(SHORT), &[0.5])
            .with(Figure::Errors, Some(LONG), &[0.5]);
        let throttled = rows_and(STRANGERS[0], &[own, 0.0, 0.0], canary);
        figures.put(Figure::Throttled, Some(SHORT), throttled);
        beside_a_canary(figures)
    };
    assert!(is_saturated(&state(0.6, 0.0)), "our own pods are throttled");
    assert!(!is_saturated(&state(0.0, 0.6)), "the canary is");
}

/// A service that is well, with a row of each of these pods for what is counted of pods, and its pods, of which some are being deleted.
fn measured(
    pods: &str,
    deleted: &str,
    (figure, window, value): (Figure, Option<u64>, f64),
    rows: &str,
) -> State {
    let of = |short: &str| format!("msa-x-{short}");
    let mut figures = Figures::well();
    let by_pod = |figure: Figure| figure.is_of_cluster() || matches!(figure, Figure::Up | Figure::SampleAge);
    for reading in figures.0.iter_mut().filter(|one| by_pod(one.figure)) {
        let value = if reading.figure == Figure::Up { 1.0 } else { 0.0 };
        let answer = reading.answer.as_mut().unwrap();
        if reading.figure != Figure::OomKilled {
            answer.rows = pods.split(' ').map(|short| row(&of(short), value)).collect();
        }
    }
    let those = rows.split(' ').map(|short| row(&of(short), value));
    figures.put(figure, window, those.collect());
    let mut state = figures.state();
    let pods = pods.split(' ').map(|short| {
        let mut pod = pod(short, 600);
        pod.deletion_at = (short == deleted).then(now);
        pod
    });
    state.apply(Observation::Pods(pods.collect()), now());
    state
}

#[test]
fn rows_of_pods_that_are_gone_do_not_stand_for_those_that_replaced_them() {
    let figures = [
        (Figure::Up, None, 1.0),
        (Figure::Cpu, Some(SHORT), 0.1),
        (Figure::Throttled, Some(SHORT), 0.0),
        (Figure::Memory, None, 0.1),
        (Figure::Restarts, Some(LONG), 0.0),
        (Figure::NetworkErrors, Some(SHORT), 0.0),
        (Figure::NetworkDrops, Some(SHORT), 0.0),
        (Figure::NetworkReceived, Some(SHORT), 0.0),
        (Figure::DiskWrites, Some(SHORT), 0.0),
    ];
    let (three, new) = ("aaaaa bbbbb ccccc", "fffff ggggg hhhhh");
    let four = "aaaaa bbbbb ccccc fffff";
    // the pods that are there, the one of them that is being deleted, those that have a row, what the step says
    let table = [
        (three, "", three, Pass),
        // All were replaced, and one of the new ones is measured, and then all are.
        (new, "", four, Unknown),
        (new, "", "aaaaa fffff ggggg hhhhh", Pass),
        // One is being replaced.
        (four, "ccccc", three, Unknown),
        (four, "ccccc", four, Pass),
        // A rollout has one more than the deployment asks for.
        (four, "", three, Unknown),
    ];
    for (pods, deleted, rows, status) in table {
        for figure in figures {
            let state = measured(pods, deleted, figure, rows);
            let id = if figure.0 == Figure::Up {
                "metrics-application"
            } else {
                "metrics-resources"
            };
            let found = step(&state, id);
            assert_eq!(
                found.status, status,
                "{figure:?} {pods}, {deleted}, {rows}: {found:#?}"
            );
        }
    }
}

#[test]
fn a_figure_says_how_many_of_the_pods_that_are_there_it_has() {
    let old = ["fffff", "ggggg", "hhhhh"].map(|short| row(&format!("msa-x-{short}"), 0.1));
    let with = |rows: Vec<Sample>| {
        let mut figures = Figures::well();
        figures.put(Figure::Cpu, Some(SHORT), rows);
        resources(figures).evidence[0].to_string()
    };
    let mut rows = old.to_vec();
    assert_eq!(
        with(rows.clone()),
        "CPU of its limit: the metrics source has no row of the service's pods"
    );
    rows.push(row("msa-x-aaaaa", 0.1));
    assert_eq!(
        with(rows),
        "CPU of its limit: rows of 1 of 3 pods (metrics; a pod without a limit has none)"
    );
}

#[test]
fn while_the_pods_are_not_known_no_row_is_taken_for_one_of_theirs() {
    let failing = SourceState::Failing {
        problem: Problem::new(ProblemKind::Forbidden, "list pods: 403 Forbidden"),
        attempt: 1,
        retry_in: Duration::from_secs(5),
    };
    let figures = || {
        Figures::well()
            .with(Figure::Errors, Some(SHORT), &[0.5])
            .with(Figure::Errors, Some(LONG), &[0.5])
    };
    let mut never = State::default();
    never.apply(Observation::Source(SourceId::Pods, failing.clone()), now());
    let stopped = |seconds: i64| {
        let mut state = State::default();
        state.apply(own_pods(), ago(seconds));
        state.apply(Observation::Source(SourceId::Pods, failing.clone()), ago(seconds));
        state
    };
    for (mut state, status) in [(never, Unknown), (stopped(15), Pass), (stopped(16), Stale)] {
        state.began_at = Some(ago(600));
        state.apply(Observation::Metrics(figures().0), now());
        let found = step(&state, "metrics-resources");
        assert_eq!(found.status, status, "{found:#?}");
        // Shares of all requests are the service's, whichever pods it has; that all are scraped is not known.
        let found = step(&state, "metrics-application");
        assert_eq!(found.status, Fail, "{found:#?}");
        state.apply(Observation::Metrics(Figures::well().0), now());
        let found = step(&state, "metrics-application");
        assert_eq!(found.status, status, "{found:#?}");
        let scraped = "3 of 3 pods scraped (metrics)";
        assert!(found.evidence.iter().any(|line| *line == *scraped), "{found:#?}");
        state.apply(
            Observation::Metrics(Figures::well().with(Figure::Up, None, &[0.0; 3]).0),
            now(),
        );
        let found = step(&state, "metrics-application");
        assert_eq!((found.status, &*found.value), (Fail, "no pod scraped"));
    }
}

#[test]
fn a_scrape_that_names_no_pod_is_one_of_the_services_own() {
    let nameless = |values: &[f64]| -> Vec<Sample> {
        let row = |(index, value): (usize, &f64)| Sample {
            labels: vec![("instance".into(), format!("10.0.0.{index}:8080").into())],
            value: Value(*value),
        };
        values.iter().enumerate().map(row).collect()
    };
    for (up, status) in [([1.0; 3], Pass), ([1.0, 1.0, 0.0], Unknown), ([0.0; 3], Fail)] {
        let mut figures = Figures::well();
        figures.put(Figure::Up, None, nameless(&up));
        figures.put(Figure::SampleAge, None, nameless(&[1.0, 2.0, 3.0]));
        assert_eq!(requests(figures).status, status, "{up:?}");
    }
    let mut figures = Figures::well();
    figures.put(Figure::Cpu, Some(SHORT), nameless(&[0.1; 3]));
    assert_eq!(
        resources(figures).status,
        Unknown,
        "what a node counts is of any pod"
    );
}

// ---- What proves nothing ---------------------------------------------------------------------------------------------

/// A way in which a figure can prove nothing.
#[derive(Clone, Copy, Debug)]
enum Blemish {
    Empty,
    NotANumber,
    Warned,
    LeftOut,
    Refused,
    Gone,
}

fn blemished(mut figures: Figures, index: usize, blemish: Blemish) -> Figures {
    let reading = &mut figures.0[index];
    let Ok(answer) = &mut reading.answer else {
        return figures;
    };
    match blemish {
        Blemish::Empty => answer.rows.clear(),
        Blemish::NotANumber => answer.rows.iter_mut().for_each(|row| row.value = Value(f64::NAN)),
        Blemish::Warned => answer.warnings.push("a store did not answer".into()),
        Blemish::LeftOut => answer.left_out = 1,
        Blemish::Refused => reading.answer = Err("timed out".into()),
        Blemish::Gone => drop(figures.0.remove(index)),
    }
    figures
}

/// Figures whose absence takes nothing away: they are only shown, or have no rows in a service that is well.
fn is_decoration(figure: Figure) -> bool {
    matches!(
        figure,
        Figure::VolumeYesterday | Figure::VolumeLastWeek | Figure::ErrorsByPath | Figure::MemoryInAnHour
    )
}

fn is_of_resources(figure: Figure) -> bool {
    !matches!(
        figure,
        Figure::Up
            | Figure::SampleAge
            | Figure::Volume
            | Figure::Requests
            | Figure::Probes
            | Figure::Errors
            | Figure::Slow
            | Figure::VerySlow
            | Figure::OutboundCalls
            | Figure::OutboundErrors
    )
}

#[test]
fn no_figure_that_a_step_needs_may_be_empty_no_number_warned_of_cut_refused_or_absent() {
    let all = [
        Blemish::Empty,
        Blemish::NotANumber,
        Blemish::Warned,
        Blemish::LeftOut,
        Blemish::Refused,
        Blemish::Gone,
    ];
    for index in 0..Figures::well().0.len() {
        let reading = Figures::well().0[index].clone();
        let (figure, window) = (reading.figure, reading.window_s);
        // What lasts is asked only where it is over now, and whether it was silent for long only where it is silent now; nobody killed
        // is an empty answer.
        let lasts = matches!(window, Some(LONG)) && !is_of_resources(figure)
            || (figure, window) == (Figure::Requests, Some(QUIET));
        for blemish in all {
            let killed =
                figure == Figure::OomKilled && matches!(blemish, Blemish::Empty | Blemish::NotANumber);
            if is_decoration(figure) || lasts || killed {
                continue;
            }
            let figures = blemished(Figures::well(), index, blemish);
            let found = if is_of_resources(figure) {
                resources(figures)
            } else {
                requests(figures)
            };
            let what = format!("{figure} {window:?} {blemish:?}");
            assert!(matches!(found.status, Unknown | Stale), "{what}: {found:#?}");
        }
    }
}

#[test]
fn what_fails_fails_whatever_else_is_missing() {
    let failing = || {
        Figures::well()
            .with(Figure::Errors, Some(SHORT), &[0.5])
            .with(Figure::Errors, Some(LONG), &[0.5])
    };
    for index in 0..failing().0.len() {
        let reading = failing().0[index].clone();
        let needed = matches!(
            reading.figure,
            Figure::Errors | Figure::Requests | Figure::SampleAge
        );
        let is_warned = blemished(failing(), index, Blemish::Warned);
        if reading.figure != Figure::SampleAge {
            assert_eq!(requests(is_warned).status, Fail, "{reading:?} warned of");
        }
        if !needed {
            let gone = blemished(failing(), index, Blemish::Gone);
            assert_eq!(requests(gone).status, Fail, "without {reading:?}");
        }
    }
}

#[test]
fn old_answers_and_old_samples_are_stale() {
    let at = |seconds| step(&Figures::well().state_of(seconds), "metrics-application").status;
    assert_eq!((at(90), at(91)), (Pass, Stale));
    let aged = |age| requests(Figures::well().with(Figure::SampleAge, None, &[1.0, age, 1.0])).status;
    assert_eq!((aged(90.0), aged(90.1)), (Pass, Stale));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn steps_and_advice_agree_whatever_is_measured(
        values in proptest::collection::vec(select(vec![0.0, 0.005, 0.02, 0.2, 0.95, 1.0, 40.0, f64::NAN, f64::INFINITY]), 40),
        blemishes in proptest::collection::vec((0usize..40, select(vec![
            Blemish::Empty, Blemish::NotANumber, Blemish::Warned, Blemish::LeftOut, Blemish::Refused, Blemish::Gone,
        ])), 0..4),
        age in select(vec![0i64, 80, 100]),
        keep in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let mut figures = Figures::well();
        for (index, reading) in figures.0.iter_mut().enumerate() {
            if let (false, Ok(answer)) = (keep[index % keep.len()], &mut reading.answer) {
                answer.rows.iter_mut().for_each(|row| row.value = Value(values[index % values.len()]));
            }
        }
        for (index, blemish) in blemishes {
            if index < figures.0.len() {
                figures = blemished(figures, index, blemish);
            }
        }
        let state = figures.state_of(age);
        for sop in &PROFILE.sops {
            let diagnosis = diagnose(&state, &PROFILE, sop, now());
            let fails = diagnosis.steps.iter().any(|step| step.status == Fail);
            let acts = matches!(
                diagnosis.decision.recommendation.action,
                Advice::StartPods | Advice::RestartPods | Advice::ScaleUp | Advice::Escalate
            );
            prop_assert!(!acts || fails, "{}: {:#?}", sop.id, diagnosis);
            prop_assert!(!fails || diagnosis.decision.recommendation.action != Advice::None);
            if age > 90 {
                let of_metrics = diagnosis.steps.iter().filter(|step| step.source == "metrics");
                prop_assert!(of_metrics.clone().all(|step| !matches!(step.status, Pass | Fail)));
            }
        }
    }
}

// ---- Alerts ------------------------------------------------------------------------------------------------------------

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

fn firing(name: &str, severity: &str, runbook: &str) -> FiringAlert {
    FiringAlert {
        fingerprint: name.into(),
        labels: labels(&[("alertname", name), ("severity", severity), ("cluster", "c1")]),
        annotations: if runbook.is_empty() {
            Labels::new()
        } else {
            labels(&[("runbook", &format!("https://sops.test/msa.md#{runbook}"))])
        },
        starts_at: ago(300),
        updated_at: ago(30),
        ends_at: None,
        silenced_by: Vec::new(),
        inhibited: false,
        expression: None,
    }
}

fn rule(name: &str, active: &[(bool, i64)]) -> AlertRule {
    let active = active.iter().map(|(firing, seconds)| ActiveAlert {
        labels: labels(&[("alertname", name)]),
        firing: *firing,
        active_at: Some(ago(*seconds)),
    });
    AlertRule {
        name: name.into(),
        labels: Labels::new(),
        annotations: Labels::new(),
        expression: "up == 0".into(),
        for_s: Some(900),
        interval_s: Some(30),
        evaluated_at: Some(ago(20)),
        error: None,
        healthy: true,
        active: active.collect(),
    }
}

fn manager(alerts: Vec<FiringAlert>) -> AlertsReading {
    AlertsReading {
        alerts,
        alive: Some(Alive {
            name: "Watchdog".into(),
            updated_at: ago(20),
        }),
        ..AlertsReading::default()
    }
}

fn rules(rules: Vec<AlertRule>) -> RulesReading {
    RulesReading {
        rules,
        complete: true,
        ..RulesReading::default()
    }
}

fn alert_state(manager: Option<AlertsReading>, rules: Option<RulesReading>) -> State {
    let mut state = State::default();
    if let Some(reading) = manager {
        state.apply(Observation::Alerts(reading), now());
    }
    if let Some(reading) = rules {
        state.apply(Observation::AlertRules(reading), now());
    }
    state
}

fn alert_step(state: &State, sop: &str) -> StepFinding {
    let first = judged(state, sop).steps.into_iter().next().unwrap();
    assert_eq!(first.id, "alert");
    first
}

#[test]
fn an_alert_names_its_sop_by_link_then_by_name_then_by_labels() {
    let with_labels = |mut alert: FiringAlert, more: &[(&str, &str)]| {
        alert.labels.extend(labels(more));
        alert
    };
    let table = [
        (
            firing("Anything", "high", "managed-services-api-latency"),
            Some("api-latency"),
        ),
        (
            firing(
                "ManagedServicesApiDown",
                "high",
                "kafka-cluster-deletion-correctness",
            ),
            Some("kafka-deletion-correctness"),
        ),
        (firing("ManagedServicesApiDown", "high", ""), Some("api-down")),
        (
            firing("KasFleetManagerAPI30mto6hErrorBudgetBurn", "high", ""),
            Some("api-availability"),
        ),
        (
            firing("ManagedServicesApiAvailability", "high", ""),
            Some("api-availability"),
        ),
        (
            firing("KasFleetManagerAPILatency30mto6hP99BudgetBurn", "high", ""),
            Some("api-latency"),
        ),
        (
            firing(
                "KasFleetManagerKafkaOperationsLatency30mto6hP90BudgetBurn",
                "high",
                "",
            ),
            Some("kafka-provisioning-latency"),
        ),
        (
            firing("KafkaClusterProvisioningLatency", "high", ""),
            Some("kafka-provisioning-latency"),
        ),
        (
            firing("KasFleetManagerKafkaCreationSuccess2hto1dBudgetBurn", "high", ""),
            Some("kafka-provisioning-correctness"),
        ),
        (
            firing("KafkaClusterProvisioningCorrectness", "high", ""),
            Some("kafka-provisioning-correctness"),
        ),
        (
            firing("KasFleetManagerKafkaDeleteSuccess2hto1dBudgetBurn", "high", ""),
            Some("kafka-deletion-correctness"),
        ),
        (
            firing("OsdClusterProvisioningLatency", "high", ""),
            Some("osd-provisioning-latency"),
        ),
        (
            firing("OsdClusterProvisioningCorrectness", "high", ""),
            Some("osd-provisioning-correctness"),
        ),
        (
            with_labels(firing("Odd", "high", ""), &[("jobType", "cluster_create")]),
            Some("osd-provisioning-latency"),
        ),
        (
            with_labels(firing("Odd", "high", ""), &[("operation", "delete")]),
            Some("kafka-deletion-correctness"),
        ),
        (firing("ContainerCpuThrottled", "info", ""), None),
    ];
    let profile = built_in_profile();
    for (alert, sop) in table {
        let name = alert.labels["alertname"].clone();
        let state = alert_state(Some(manager(vec![alert])), None);
        let found = service_alerts(&state, &profile, now());
        assert_eq!(found[0].sop.as_deref(), sop, "{name}");
    }
}

#[test]
fn one_alert_chooses_the_sop_and_two_for_different_sops_choose_none() {
    let profile = built_in_profile();
    let chosen = |alerts: Vec<FiringAlert>| {
        let state = alert_state(Some(manager(alerts)), None);
        let found = service_alerts(&state, &profile, now());
        choosing_alert(&found).and_then(|alert| alert.sop.clone())
    };
    let down = || firing("ManagedServicesApiDown", "critical", "");
    let slow = || firing("ManagedServicesApiLatency", "warning", "");
    let other = || firing("ContainerCpuThrottled", "info", "");
    let mut silenced = slow();
    silenced.silenced_by = vec!["s1".into()];
    assert_eq!(chosen(vec![]), None);
    assert_eq!(chosen(vec![down()]).as_deref(), Some("api-down"));
    assert_eq!(
        chosen(vec![down(), other(), silenced]).as_deref(),
        Some("api-down")
    );
    assert_eq!(chosen(vec![down(), slow()]), None);
    assert_eq!(chosen(vec![other()]), None);
}

#[test]
fn the_worst_alert_that_fires_comes_first_and_what_is_held_back_last() {
    let mut silenced = firing("ManagedServicesApiDown", "critical", "");
    silenced.silenced_by = vec!["s1".into()];
    let mut inhibited = firing("Odd", "critical", "");
    inhibited.inhibited = true;
    let reading = manager(vec![
        silenced,
        inhibited,
        firing("ManagedServicesApiLatency", "warning", ""),
        firing("ManagedServicesApiAvailability", "high", ""),
    ]);
    let state = alert_state(Some(reading), Some(rules(vec![rule("Pending", &[(false, 60)])])));
    let found = service_alerts(&state, &built_in_profile(), now());
    let names: Vec<_> = found.iter().map(|alert| &*alert.name).collect();
    assert_eq!(
        names,
        [
            "ManagedServicesApiAvailability",
            "ManagedServicesApiLatency",
            "Pending",
            "Odd",
            "ManagedServicesApiDown"
        ]
    );
}

#[test]
fn the_condition_began_before_the_alert_fired() {
    let down = || firing("ManagedServicesApiDown", "critical", "");
    let profile = built_in_profile();
    let began = |rules: Option<RulesReading>| {
        let state = alert_state(Some(manager(vec![down()])), rules);
        service_alerts(&state, &profile, now())[0].began_at
    };
    assert_eq!(began(None), Some(ago(300)), "nothing else is known");
    let only_for = rule("ManagedServicesApiDown", &[]);
    assert_eq!(
        began(Some(rules(vec![only_for]))),
        Some(ago(1_200)),
        "by the rule's for"
    );
    let active = rule("ManagedServicesApiDown", &[(true, 1_234)]);
    assert_eq!(
        began(Some(rules(vec![active]))),
        Some(ago(1_234)),
        "as the rule says"
    );
}

#[test]
fn the_alert_step_says_firing_pending_silenced_quiet_or_unknown() {
    let down = || firing("ManagedServicesApiDown", "critical", "");
    let quiet = || rules(vec![rule("ManagedServicesApiDown", &[])]);
    let mut silenced = manager(vec![FiringAlert {
        silenced_by: vec!["s1".into()],
        ..down()
    }]);
    silenced.silences.insert(
        "s1".into(),
        Silence {
            ends_at: now().checked_add(SignedDuration::from_mins(30)).unwrap(),
            by: "controlplane".into(),
            comment: "known".into(),
        },
    );
    let mut broken = quiet();
    broken.rules[0].error = Some("many-to-many".into());
    let mut late = quiet();
    late.rules[0].evaluated_at = Some(ago(91));
    let mut in_time = quiet();
    in_time.rules[0].evaluated_at = Some(ago(90));
    let mut unseen = quiet();
    unseen.rules[0].healthy = false;
    let mut warned = quiet();
    warned.warnings = vec!["a store did not answer".into()];
    let mut old = down();
    old.updated_at = ago(301);
    let mut just = down();
    just.updated_at = ago(300);
    let pending = || rules(vec![rule("ManagedServicesApiDown", &[(false, 600)])]);
    let by_rule = || rules(vec![rule("ManagedServicesApiDown", &[(true, 1_000)])]);
    let table: Vec<(&str, Option<AlertsReading>, Option<RulesReading>, StepStatus)> = vec![
        ("it fires", Some(manager(vec![down()])), Some(quiet()), Fail),
        ("it fires by the rules alone", None, Some(by_rule()), Fail),
        (
            "it fires by a word just new enough",
            Some(manager(vec![just])),
            None,
            Fail,
        ),
        ("its word is too old", Some(manager(vec![old])), None, Unknown),
        ("it is pending", Some(manager(vec![])), Some(pending()), Waiting),
        ("it is silenced", Some(silenced), Some(by_rule()), Unknown),
        (
            "another fires",
            Some(manager(vec![firing("ManagedServicesApiLatency", "high", "")])),
            Some(quiet()),
            Pass,
        ),
        ("its rule is quiet", None, Some(quiet()), Pass),
        ("its rule was evaluated just in time", None, Some(in_time), Pass),
        ("its rule was evaluated too long ago", None, Some(late), Unknown),
        ("its rule is broken", None, Some(broken), Unknown),
        ("its rule was never evaluated", None, Some(unseen), Unknown),
        ("the rules may be incomplete", None, Some(warned), Unknown),
        (
            "it has no rule",
            Some(manager(vec![])),
            Some(rules(vec![])),
            Unknown,
        ),
        (
            "only an empty list is there",
            Some(manager(vec![])),
            None,
            Unknown,
        ),
        (
            "only an empty list without a sign of life is there",
            Some(AlertsReading::default()),
            None,
            Unknown,
        ),
    ];
    for (what, manager, rules, status) in table {
        let found = alert_step(&alert_state(manager, rules), "api-down");
        assert_eq!(found.status, status, "{what}: {found:#?}");
    }
}

#[test]
fn an_alert_fires_until_it_ends_however_long_ago_it_was_sent() {
    let profile = built_in_profile();
    let is_there = |updated: i64, ends: Option<i64>, speed: f64| {
        let alert = FiringAlert {
            updated_at: ago(updated),
            ends_at: ends.map(ago),
            ..firing("ManagedServicesApiDown", "critical", "")
        };
        let mut state = alert_state(Some(manager(vec![alert])), None);
        state.set_speed(speed);
        !service_alerts(&state, &profile, now()).is_empty()
    };
    // seconds since it was sent, seconds since its end, the speed of the clock, whether it is there
    for (updated, ends, speed, there) in [
        (10, Some(-230), 1.0, true),
        // A group that is evaluated every 20 minutes.
        (1_199, Some(-3_601), 1.0, true),
        (269, Some(29), 1.0, true),
        (270, Some(30), 1.0, false),
        (270, Some(599), 20.0, true),
        (270, Some(600), 20.0, false),
        // A server that does not say when.
        (300, None, 1.0, true),
        (301, None, 1.0, false),
    ] {
        assert_eq!(
            is_there(updated, ends, speed),
            there,
            "{updated} {ends:?} {speed}"
        );
    }
}

#[test]
fn an_alert_whose_rule_is_evaluated_seldom_fails_the_step() {
    let alert = FiringAlert {
        updated_at: ago(1_000),
        ends_at: Some(ago(-200)),
        ..firing("ManagedServicesApiDown", "critical", "")
    };
    let quiet = rules(vec![rule("ManagedServicesApiDown", &[])]);
    let state = alert_state(Some(manager(vec![alert])), Some(quiet));
    assert_eq!(alert_step(&state, "api-down").status, Fail);
}

#[test]
fn an_alert_that_is_held_back_stays_so_between_two_evaluations_of_its_rule() {
    let profile = built_in_profile();
    let alert = |silenced: bool| FiringAlert {
        updated_at: ago(590),
        ends_at: Some(ago(-1_810)),
        silenced_by: if silenced { vec!["s1".into()] } else { Vec::new() },
        inhibited: !silenced,
        ..firing("ManagedServicesApiDown", "critical", "")
    };
    let by_rule = || rules(vec![rule("ManagedServicesApiDown", &[(true, 1_000)])]);
    for silenced in [true, false] {
        let state = alert_state(Some(manager(vec![alert(silenced)])), Some(by_rule()));
        let found = service_alerts(&state, &profile, now());
        let states: Vec<_> = found.iter().map(|alert| &alert.state).collect();
        let held_back = match states.as_slice() {
            [AlertState::Silenced { .. }] => silenced,
            [AlertState::Inhibited] => !silenced,
            _ => false,
        };
        assert!(held_back, "{silenced}: {states:?}");
        assert_eq!(choosing_alert(&found), None);
    }
}

#[test]
fn that_alerts_arrive_is_known_for_as_long_as_the_profile_says() {
    let profile = built_in_profile();
    for (seconds, alive) in [(300, true), (301, false)] {
        let mut reading = manager(Vec::new());
        reading.alive.as_mut().unwrap().updated_at = ago(seconds);
        let state = alert_state(Some(reading), None);
        assert_eq!(
            super::alerts::is_alive(&state, &profile, now()),
            alive,
            "{seconds}"
        );
    }
}

#[test]
fn what_a_silence_says_is_said() {
    let mut reading = manager(vec![FiringAlert {
        silenced_by: vec!["s1".into()],
        ..firing("ManagedServicesApiDown", "critical", "")
    }]);
    reading.silences.insert(
        "s1".into(),
        Silence {
            ends_at: now().checked_add(SignedDuration::from_mins(30)).unwrap(),
            by: "controlplane".into(),
            comment: "known defect".into(),
        },
    );
    let state = alert_state(Some(reading), None);
    let found = alert_step(&state, "api-down");
    assert_eq!(found.value, "ManagedServicesApiDown silenced for another 30m");
    assert_eq!(
        found.evidence[0],
        "ManagedServicesApiDown fires, silenced by controlplane for another 30m: known defect"
    );
    let alerts = service_alerts(&state, &built_in_profile(), now());
    assert!(matches!(alerts[0].state, AlertState::Silenced { .. }));
}

#[test]
fn a_firing_alert_that_nothing_explains_is_escalated_and_never_beside_nothing_to_do() {
    let state = alert_state(
        Some(manager(vec![firing("ManagedServicesApiDown", "critical", "")])),
        None,
    );
    for sop in built_in_profile().sops {
        let diagnosis = judged(&state, &sop.id);
        let fails = diagnosis.steps.iter().any(|step| step.status == Fail);
        assert!(
            !fails || diagnosis.decision.recommendation.action != Advice::None,
            "{}",
            sop.id
        );
    }
}

#[test]
fn a_source_of_alerts_that_fails_leaves_the_step_unknown() {
    let mut state = alert_state(
        Some(manager(vec![firing("ManagedServicesApiDown", "critical", "")])),
        None,
    );
    let failing = SourceState::Failing {
        problem: Problem::new(ProblemKind::Forbidden, "read alerts from am.test: 403 Forbidden"),
        attempt: 1,
        retry_in: Duration::from_secs(5),
    };
    let mut never = State::default();
    never.apply(Observation::Source(SourceId::Alerts, failing.clone()), now());
    let found = alert_step(&never, "api-down");
    assert_eq!(found.status, Unknown);
    assert!(found.evidence[0].contains("403 Forbidden"), "{found:#?}");
    state.apply(Observation::Source(SourceId::Alerts, failing), now());
    let profile = built_in_profile();
    let later = |seconds| now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let at = |seconds| {
        let diagnosis = diagnose(&state, &profile, profile.sop("api-down").unwrap(), later(seconds));
        diagnosis.steps[0].status
    };
    assert_eq!((at(45), at(46)), (Fail, Unknown));
}

// ---- The error tracker -------------------------------------------------------------------------------------------------

fn issue(level: &str, first: i64, last: i64, count: u64) -> Issue {
    Issue {
        id: "7".into(),
        short_id: "MSS-7".into(),
        title: "failed to create cluster".into(),
        culprit: "".into(),
        level: level.into(),
        count,
        first_at: Some(ago(first)),
        last_at: Some(ago(last)),
        link: "https://tracker.test/o/issues/7".into(),
    }
}

fn tracker(confirmed: Option<Confirmed>, issues: Vec<Issue>) -> TrackerReading {
    TrackerReading {
        project: "msa-stage".into(),
        confirmed,
        issues,
        ..TrackerReading::default()
    }
}

fn tracked(readings: Vec<TrackerReading>) -> StepFinding {
    let mut state = State::default();
    state.began_at = Some(ago(600));
    let count = readings.len() as i64;
    for (index, reading) in readings.into_iter().enumerate() {
        state.apply(
            Observation::Tracker(reading),
            ago((count - 1 - index as i64) * 60),
        );
    }
    step(&state, "error-tracker")
}

#[test]
fn an_issue_counts_where_it_is_new_or_rises_since_shortly_before_the_incident() {
    let used = Some(Confirmed::Used);
    // level, first and last seen, what the step says: the incident began 600 s ago, and what is 900 s older counts
    for (level, first, last, status) in [
        ("error", 1_500, 10, Fail),
        ("error", 1_501, 10, Pass),
        ("fatal", 100, 100, Fail),
        ("warning", 100, 100, Pass),
        ("", 100, 100, Pass),
        ("error", 9_000, 9_000, Pass),
    ] {
        let found = tracked(vec![tracker(used, vec![issue(level, first, last, 3)])]);
        assert_eq!(found.status, status, "{level} {first} {last}: {found:#?}");
    }
    let old = |count| tracker(used, vec![issue("error", 9_000, 10, count)]);
    assert_eq!(tracked(vec![old(3), old(4)]).status, Fail, "it rises");
    assert_eq!(tracked(vec![old(3), old(3)]).status, Pass, "it does not");
    assert_eq!(tracked(vec![old(3)]).status, Pass, "seen once");
}

#[test]
fn of_new_issues_the_one_whose_cause_no_log_names_comes_first() {
    let titled = |title: &str, first, count| Issue {
        id: title.into(),
        title: title.into(),
        ..issue("error", first, 10, count)
    };
    let known = titled(
        "*errors.ServiceError: MGD-SERV-API-9: Undefined error code",
        600,
        90,
    );
    let cause = titled(
        "*errors.ServiceError: MGD-SERV-API-9: Unable to read kafka requests: driver: bad connection",
        600,
        36,
    );
    let small = titled("a rare one", 600, 2);
    let reading = tracker(Some(Confirmed::Used), vec![known, small, cause]);
    let mut state = State::default();
    state.began_at = Some(ago(600));
    state.apply(Observation::Tracker(reading), ago(0));
    let value = |state: &State| step(state, "error-tracker").value.to_string();
    assert_eq!(value(&state), "3 issues: MGD-SERV-API-9: Undefined error code");
    let mut said = log("2mgcp", KAFKA, 300, &[]);
    said.errors = vec![ErrorCounts {
        class: "service".into(),
        count: 1,
        first_at: ago(100),
        last_at: ago(100),
        times: ErrorTimes::default(),
        newest: vec![ErrorSighting {
            at: ago(100),
            text: "E0115 13:24:32.110457       1 logger.go:84] MGD-SERV-API-9: Undefined error code".into(),
            line: "".into(),
        }],
    }];
    state.apply(Observation::Pods(vec![pod("2mgcp", 3_600)]), ago(0));
    state.apply(Observation::Log(said), ago(0));
    assert_eq!(
        value(&state),
        "3 issues: MGD-SERV-API-9: Unable to read kafka requests: driver: bad connection"
    );
}

#[test]
fn a_new_issue_alone_calls_nobody_where_the_alert_of_the_sop_is_quiet() {
    let issue = Issue {
        id: "7".into(),
        short_id: "M-7".into(),
        title: "CLUSTERS-MGMT-503".into(),
        culprit: "".into(),
        level: "error".into(),
        count: 3,
        first_at: Some(ago(300)),
        last_at: Some(ago(10)),
        link: "https://t.test/7".into(),
    };
    let held_back = |with_alerts: bool, errors: f64| {
        let mut state = Figures::well()
            .with(Figure::Errors, Some(SHORT), &[errors])
            .with(Figure::Errors, Some(LONG), &[errors])
            .state();
        // Else the pods are what has to be read first.
        state.apply(Observation::Deployment(Some(deployment(3))), now());
        let pods = PODS.map(|short| pod(short, 600));
        state.apply(Observation::Pods(pods.into()), now());
        state.apply(Observation::Source(SourceId::Pods, SourceState::Live), now());
        let reading = tracker(Some(Confirmed::Used), vec![issue.clone()]);
        state.apply(Observation::Tracker(reading), now());
        if with_alerts {
            state.apply(Observation::Alerts(manager(Vec::new())), now());
        }
        // Of the rules only the last: none before it decides.
        let mut profile = PROFILE.clone();
        profile.rules.retain(|rule| rule.id == "step-fails");
        let sop = profile.sop("api-availability").unwrap();
        let rules = diagnose(&state, &profile, sop, now()).decision.rules;
        let rule = rules.into_iter().find(|rule| rule.id == "step-fails").unwrap();
        format!("{:?}", rule.truth).contains("the error tracker has a new or rising issue")
    };
    assert!(held_back(true, 0.0), "the alert is quiet, and nothing else fails");
    assert!(!held_back(true, 0.5), "another step fails");
    assert!(!held_back(false, 0.0), "nobody says that the alert is quiet");
}

#[test]
fn an_empty_tracker_passes_only_where_the_project_is_known_and_used() {
    let mut more = tracker(Some(Confirmed::Used), vec![issue("warning", 100, 100, 1)]);
    more.more = true;
    let table = [
        (tracker(Some(Confirmed::Used), vec![]), Pass),
        (tracker(Some(Confirmed::NeverUsed), vec![]), Unknown),
        (tracker(Some(Confirmed::Missing), vec![]), Unknown),
        (tracker(None, vec![]), Unknown),
        (more, Unknown),
    ];
    for (reading, status) in table {
        let found = tracked(vec![reading.clone()]);
        assert_eq!(found.status, status, "{reading:?}: {found:#?}");
    }
    let found = tracked(vec![tracker(Some(Confirmed::Used), vec![])]);
    assert_eq!(found.value, "looked: nothing new");
}

#[test]
fn a_profile_without_monitoring_judges_as_ever() {
    let profile = Profile {
        monitoring: None,
        ..built_in_profile()
    };
    let state = Figures::well().with(Figure::Up, None, &[0.0, 0.0, 0.0]).state();
    let diagnosis = diagnose(&state, &profile, profile.sop("api-availability").unwrap(), now());
    let metrics = diagnosis
        .steps
        .iter()
        .find(|step| step.id == "metrics-application")
        .unwrap();
    assert_eq!(metrics.status, Manual);
}
