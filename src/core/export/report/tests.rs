//! Reports of records as incidents leave them.

use std::sync::LazyLock;

use serde_json::Value;

use super::{Report, json, markdown};
use crate::diagnose::Recommendation;
use crate::diagnose::leaders::Verdict;
use crate::observe::observation::{Connection, Observation, PodUid};
use crate::observe::source::{ProblemKind, SourceId, SourceState};
use crate::profile::Profile;
use crate::profile::rule::Advice;
use crate::profile::sop::StepStatus;
use crate::record::{Began, Entry, Intent, Line, Snapshot, SnapshotLeader, SnapshotStep, VERSION, Writer};
use crate::remediate::command::{Command, CommandOutcome, PlanKind};
use crate::testkit::{CLUSTER, KAFKA, SHORT, ago, built_in_profile, deployment, failing, pod, waiting_pod};
use crate::text::{Redacted, SafeText};

static PROFILE: LazyLock<Profile> = LazyLock::new(built_in_profile);

fn writer(user: &str) -> Writer {
    Writer {
        user: user.into(),
        host: "bastion-1".into(),
        pid: 4_711,
        version: "0.1.0".to_owned(),
    }
}

pub(super) fn began() -> Entry {
    Entry::Began(Box::new(Began {
        record: VERSION,
        by: writer("alice"),
        profile: PROFILE.clone(),
        environment: PROFILE.environment_of("managed-services-stage").cloned(),
        namespace: "managed-services-stage".to_owned(),
        server: "https://api.stage:6443".into(),
        sop: "kafka-provisioning-latency".to_owned(),
        drill: None,
        speed: None,
        read_only: false,
    }))
}

fn observation(observation: Observation) -> Entry {
    Entry::Observation(Box::new(observation))
}

fn step(id: &str, status: StepStatus, value: &str, evidence: &[&str]) -> SnapshotStep {
    SnapshotStep {
        id: id.to_owned(),
        status,
        value: value.into(),
        evidence: evidence.iter().map(|line| (*line).into()).collect(),
    }
}

pub(super) fn advised(action: Advice, rule: Option<&str>, because: &[&str]) -> Recommendation {
    Recommendation {
        action,
        contact: None,
        rule: rule.map(str::to_owned),
        because: because.iter().map(|line| (*line).into()).collect(),
        until: None,
        unclear: false,
    }
}

/// What is found while the Kafka worker is led like this.
fn found(
    recommendation: Recommendation,
    kafka: (Verdict, Option<&str>),
    steps: Vec<SnapshotStep>,
) -> Snapshot {
    let leader = |worker: &str, verdict, pod: Option<&str>| SnapshotLeader {
        worker: worker.to_owned(),
        verdict,
        pod: pod.map(str::to_owned),
    };
    Snapshot {
        sop: "kafka-provisioning-latency".to_owned(),
        recommendation,
        leaders: vec![
            leader(CLUSTER, Verdict::One, Some("msa-x-blf5h")),
            leader(KAFKA, kafka.0, kafka.1),
        ],
        steps,
        ..Snapshot::default()
    }
}

fn steps(pods: StepStatus, leader: StepStatus, seen: &str, evidence: &[&str]) -> Vec<SnapshotStep> {
    vec![
        step("pods-ready", pods, "3/3", &[]),
        step("leader-kafka", leader, seen, evidence),
        step("events", StepStatus::Unknown, "events may not be read", &[]),
        step("error-tracker", StepStatus::Manual, "", &[]),
    ]
}

pub(super) fn well() -> Snapshot {
    let steps = steps(StepStatus::Pass, StepStatus::Pass, "one: blf5h", &[]);
    let one = (Verdict::One, Some("msa-x-blf5h"));
    found(advised(Advice::None, None, &[]), one, steps)
}

pub(super) fn leaderless() -> Snapshot {
    let evidence = [
        "lease kafka expired 7m12s ago",
        "2mgcp: not leader, 4s ago; Authorization: Bearer abcdefghijklmnop",
    ];
    let steps = steps(StepStatus::Pass, StepStatus::Fail, "none for 7m12s", &evidence);
    let mut found = found(
        advised(
            Advice::RestartPods,
            Some("no-leader"),
            &["no KafkaManager leader for 7m12s"],
        ),
        (Verdict::None, None),
        steps,
    );
    found.not_ruled_out = vec![("ocm-errors".to_owned(), "the log of lzxms".into())];
    found
}

fn settling() -> Snapshot {
    let until = ago(-120);
    let mut wait = advised(Advice::Wait, Some("settling"), &["2mgcp was deleted 20s ago"]);
    wait.until = Some(until);
    let steps = steps(StepStatus::Fail, StepStatus::Waiting, "settling", &[]);
    found(wait, (Verdict::Settling { until }, None), steps)
}

pub(super) fn intent(id: u64, cause: Option<&str>) -> Entry {
    Entry::Intent(Box::new(Intent {
        id,
        command: Command::DeletePod {
            pod: "msa-x-2mgcp".into(),
            uid: PodUid("2mgcp".into()),
        },
        aim: PlanKind::RestartPod,
        cause: cause.map(str::to_owned),
        user: "oncall".into(),
        part: None,
        advice: None,
        rest: Vec::new(),
    }))
}

pub(super) fn outcome(id: u64, outcome: CommandOutcome) -> Entry {
    Entry::Outcome { id, outcome }
}

fn stage(words: &str, good: Option<bool>) -> Entry {
    Entry::Stage {
        id: 1,
        words: words.into(),
        good,
    }
}

fn connection() -> Observation {
    Observation::Connection(Connection {
        server: "https://api.stage:6443".into(),
        context: Some("stage".into()),
        user: "oncall".into(),
        namespace: "managed-services-stage".into(),
        version: None,
        expires_at: None,
        unverified: false,
    })
}

/// An incident of a quarter of an hour, over midnight, on two consoles.
fn script() -> Vec<Line> {
    let pods = |short: &[&str]| Observation::Pods(short.iter().map(|short| pod(short, 3_600)).collect());
    let tick = |step: &str, note: &str| Entry::Ticked {
        step: step.to_owned(),
        note: note.into(),
    };
    let unknown = CommandOutcome::Unknown {
        why: "the connection was lost".into(),
    };
    let applied = CommandOutcome::Applied {
        how: "the watch shows the pod gone".into(),
    };
    let refused = CommandOutcome::Refused {
        why: "restarted 40s ago: wait until it has settled".into(),
    };
    let hand_off = Entry::HandOff {
        contact: "ocm-support".to_owned(),
        text: "Please look.\n```\na block\n```\n".into(),
    };
    let lost = Entry::Lost {
        entries: 3,
        why: "no space left on device".into(),
    };
    [
        (0, began()),
        (1, observation(connection())),
        (1, observation(Observation::Deployment(Some(deployment(3))))),
        (2, observation(pods(&SHORT))),
        (2, Entry::ClockAhead(jiff::SignedDuration::from_secs(-3))),
        (3, Entry::Snapshot(Box::new(well()))),
        (60, Entry::Snapshot(Box::new(leaderless()))),
        (90, tick("error-tracker", "nothing new since noon")),
        (
            95,
            Entry::Note {
                text: "alert came twice".into(),
            },
        ),
        (100, intent(1, Some("no-leader"))),
        (102, outcome(1, unknown)),
        (103, observation(Observation::PodGone(PodUid("2mgcp".into())))),
        (
            103,
            observation(Observation::Pod(waiting_pod("n3w0d", 2, "ContainerCreating"))),
        ),
        (104, Entry::Snapshot(Box::new(settling()))),
        (105, outcome(1, applied)),
        (140, intent(2, None)),
        (140, outcome(2, refused)),
        (150, observation(Observation::Pod(pod("n3w0d", 40)))),
        (150, stage("replacement is ready", None)),
        (
            160,
            observation(failing(
                SourceId::Database,
                ProblemKind::Refused,
                "db.example refuses",
            )),
        ),
        (
            170,
            observation(Observation::Source(SourceId::Database, SourceState::Live)),
        ),
        (180, stage("leader again, rows moving", Some(true))),
        (181, Entry::Snapshot(Box::new(well()))),
        (200, hand_off),
        (210, lost),
        (211, Entry::LeftOut { records: 120 }),
        (220, Entry::Left { how: "SIGHUP".into() }),
        (820, Entry::Joined(writer("bob"))),
        (830, Entry::Snapshot(Box::new(well()))),
        (900, Entry::Closed(writer("bob"))),
    ]
    .into_iter()
    .map(|(seconds, entry)| line(seconds, entry))
    .collect()
}

/// A line so many seconds after two minutes to midnight.
pub(super) fn line(seconds: i64, entry: Entry) -> Line {
    Line {
        at: ago(-(9 * 3_600 + 58 * 60 + seconds)),
        entry,
    }
}

pub(super) fn told(lines: &[Line], doubt: Option<&str>) -> String {
    markdown(lines, doubt).replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn an_incident_is_told_for_people_and_for_programs() {
    let lines = script();
    insta::assert_snapshot!("markdown", told(&lines, None));
    insta::assert_snapshot!(
        "json",
        json(&lines, None)
            .unwrap()
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
    );
}

#[test]
fn each_action_has_what_was_found_before_and_after() {
    let report = Report::of(&script(), None);
    let [first, second] = &report.actions[..] else {
        panic!("{:?}", report.actions);
    };
    let ready = |state: &Option<super::ActionState>| {
        let pods = state.as_ref().and_then(|state| state.pods);
        pods.map(|pods| (pods.ready, pods.known, pods.asked))
    };
    assert_eq!(first.outcome, "applied");
    let came: Vec<_> = first.outcomes.iter().map(|came| came.is).collect();
    assert_eq!(came, ["outcome unknown", "applied"]);
    assert_eq!(ready(&first.before), Some((3, 3, Some(3))));
    assert_eq!(first.before.as_ref().unwrap().action, "restart-pods");
    assert_eq!(ready(&first.first_change), Some((2, 3, Some(3))));
    assert_eq!(first.first_change.as_ref().unwrap().action, "wait");
    // what was refused changed nothing: it does not end the first
    assert_eq!(ready(&first.after), Some((3, 3, Some(3))));
    assert_eq!(first.after.as_ref().unwrap().action, "none");
    assert_eq!(first.stages.len(), 2);
    assert_eq!((second.outcome, second.rule.as_deref()), ("refused", None));
    assert!(report.unknown.actions.is_empty());
}

#[test]
fn what_another_change_leads_to_is_not_told_of_the_one_before() {
    let applied = || CommandOutcome::Applied { how: "".into() };
    let lines = [
        line(0, began()),
        line(1, Entry::Snapshot(Box::new(leaderless()))),
        line(2, intent(1, None)),
        line(3, outcome(1, applied())),
        line(4, Entry::Snapshot(Box::new(settling()))),
        line(5, intent(2, None)),
        line(6, outcome(2, applied())),
        line(7, Entry::Snapshot(Box::new(well()))),
        // long after everything has settled
        line(7_000, Entry::Snapshot(Box::new(leaderless()))),
    ];
    let report = Report::of(&lines, None);
    let after: Vec<_> = report
        .actions
        .iter()
        .map(|action| action.after.as_ref().map(|after| after.action))
        .collect();
    assert_eq!(after, [Some("wait"), Some("none")]);
}

#[test]
fn a_command_without_an_outcome_may_have_happened() {
    let lines = [line(0, began()), line(1, intent(1, None))];
    let report = Report::of(&lines, None);
    assert_eq!(report.actions[0].outcome, "outcome unknown");
    assert_eq!(report.unknown.actions, [1]);
    let told = told(&lines, None);
    assert!(told.contains("1 change confirmed: 1 outcome unknown."), "{told}");
    assert!(told.contains("action 1: unknown whether it happened"), "{told}");
    assert!(told.contains("outcome not recorded"), "{told}");
    assert!(told.contains("action 1: no findings before it"), "{told}");
}

#[test]
fn a_recommendation_stands_only_as_long_as_somebody_looks() {
    let report = Report::of(&script(), None);
    let held: Vec<_> = report
        .recommendations
        .iter()
        .map(|held| (held.action, held.held_s))
        .collect();
    assert_eq!(
        held,
        [
            ("none", 57),
            ("restart-pods", 44),
            ("wait", 77),
            ("none", 39),
            ("none", 70)
        ]
    );
    // a console that was killed did not say that it was left
    let lines = [
        line(0, began()),
        line(1, Entry::Snapshot(Box::new(well()))),
        line(5, Entry::Note { text: "x".into() }),
        line(3_600, Entry::Joined(writer("bob"))),
    ];
    let report = Report::of(&lines, None);
    assert_eq!(report.recommendations[0].held_s, 4);
    let gap = report
        .timeline
        .iter()
        .find(|moment| moment.kind == "gap")
        .unwrap();
    assert!(gap.words.contains("no console ran for 59m55s"), "{}", gap.words);
}

#[test]
fn open_and_closed_are_told_by_the_last_who_came() {
    let cases: [(&[Entry], bool, &str); 5] = [
        (&[], true, "does not show that the console exited"),
        (&[Entry::Left { how: "q".into() }], true, "the console exited at"),
        (&[Entry::Closed(writer("a"))], false, "The incident was closed at"),
        (
            &[Entry::Closed(writer("a")), Entry::Left { how: "q".into() }],
            false,
            "The incident was closed at",
        ),
        (
            &[Entry::Closed(writer("a")), Entry::Joined(writer("b"))],
            true,
            "does not show that the console exited",
        ),
    ];
    for (entries, open, words) in cases {
        let ends = entries.iter().map(|entry| line(9, entry.clone()));
        let lines: Vec<_> = std::iter::once(line(0, began())).chain(ends).collect();
        let report = Report::of(&lines, None);
        assert_eq!(report.open, open, "{entries:?}");
        let summary = report.summary.join("\n");
        // a console that closes and then leaves has closed it
        assert!(summary.contains(words), "{entries:?}: {summary}");
    }
}

#[test]
fn what_was_never_known_is_what_no_look_answered() {
    let lines = script();
    let unknown = Report::of(&lines, None).unknown;
    let ids: Vec<_> = unknown.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["events"]);
    assert!(unknown.not_ruled_out.is_empty(), "the last look rules all out");
    assert_eq!((unknown.entries_lost, unknown.logs_left_out), (3, 120));
    let open = Report::of(&lines[..7], None).unknown.not_ruled_out;
    assert_eq!(open[0].missing, "the log of lzxms");
}

#[test]
fn a_tick_that_is_taken_back_is_none() {
    let tick = |step: &str| Entry::Ticked {
        step: step.to_owned(),
        note: "".into(),
    };
    let untick = Entry::Unticked {
        step: "error-tracker".to_owned(),
    };
    let lines = [line(0, began()), line(1, tick("error-tracker")), line(2, untick)];
    let ids = |lines: &[Line]| -> (usize, Vec<Redacted>) {
        let manual = Report::of(lines, None).manual;
        let open = manual.not_ticked.into_iter().map(|step| step.id);
        (manual.ticked.len(), open.collect())
    };
    assert_eq!(ids(&lines[..2]).0, 1);
    let (ticked, open) = ids(&lines);
    assert_eq!(ticked, 0);
    assert!(open.contains(&"error-tracker".into()), "{open:?}");
}

#[test]
fn whatever_is_missing_the_rest_is_told() {
    let found = || Entry::Snapshot(Box::new(leaderless()));
    let cases: [(Vec<Line>, &[&str]); 3] = [
        (Vec::new(), &["no readable line", "first line is missing"]),
        (
            vec![line(0, began())],
            &[
                "The record has no diagnosis",
                "No changes made with sopwatch",
                "user         unknown",
            ],
        ),
        (
            vec![line(0, found()), line(1, intent(1, None))],
            &[
                "The record's first line is missing",
                "restart the pods (rule no-leader)",
            ],
        ),
    ];
    for (lines, words) in cases {
        let told = told(&lines, Some("the record breaks at line 3: it was changed"));
        for word in words {
            assert!(told.contains(word), "{word} in\n{told}");
        }
        let head: Vec<_> = told.lines().take(6).collect();
        assert!(
            head.contains(&"the record breaks at line 3: it was changed"),
            "{head:?}"
        );
        let json: Value = serde_json::from_str(&json(&lines, Some("torn")).unwrap()).unwrap();
        assert_eq!(
            (&json["schema"], &json["doubt"]),
            (&Value::from(1), &Value::from("torn"))
        );
    }
}

/// Text from outside that would like to be more than text.
const HOSTILE: &str = "x\u{1b}]52;c;AAAA\u{7}\u{1b}[2J``` @here <!channel> **bold** [a](http://b)\n# boo\r\n````\n\u{202e}\
                       password=hunter2hunter2 Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789 \
                       sha256~aaaaaaaaaaaaaaaaaaaaaaaa";

/// A record in which everything that may come from outside is hostile.
fn hostile() -> Vec<Line> {
    let text = || SafeText::new(HOSTILE);
    let owned = || HOSTILE.to_owned();
    let mut bad = leaderless();
    bad.recommendation.because = vec![owned().into()];
    bad.also = vec![advised(Advice::Escalate, Some(HOSTILE), &[HOSTILE])];
    bad.not_ruled_out = vec![(owned(), owned().into())];
    bad.steps
        .push(step(HOSTILE, StepStatus::Fail, HOSTILE, &[HOSTILE]));
    bad.steps.push(step("odd", StepStatus::Unknown, HOSTILE, &[]));
    bad.leaders[1].pod = Some(owned());
    bad.leaders[0].worker = owned();
    let Entry::Began(mut first) = began() else {
        panic!()
    };
    first.drill = Some(owned());
    first.namespace = owned();
    first.server = text().into();
    first.by = Writer {
        user: text(),
        host: text(),
        pid: 1,
        version: owned(),
    };
    first.profile.title = owned();
    for sop in &mut first.profile.sops {
        sop.title = owned();
    }
    let Entry::Intent(mut does) = intent(1, Some(HOSTILE)) else {
        panic!()
    };
    does.command = Command::DeletePod {
        pod: text(),
        uid: PodUid(text()),
    };
    does.user = text();
    let Observation::Connection(mut to) = connection() else {
        panic!()
    };
    (to.user, to.server, to.namespace) = (text(), text().into(), text());
    let entries = [
        Entry::Began(first),
        observation(Observation::Connection(to)),
        observation(failing(SourceId::Pods, ProblemKind::Reset, HOSTILE)),
        Entry::Snapshot(Box::new(bad)),
        Entry::Intent(does),
        outcome(1, CommandOutcome::Failed { why: text().into() }),
        stage(HOSTILE, Some(false)),
        Entry::Ticked {
            step: owned(),
            note: text(),
        },
        Entry::Unticked { step: owned() },
        Entry::Ticked {
            step: owned(),
            note: text(),
        },
        Entry::Note { text: text() },
        Entry::HandOff {
            contact: owned(),
            text: text(),
        },
        Entry::Lost {
            entries: 1,
            why: text(),
        },
        Entry::Sop {
            id: owned(),
            alert: Some(text()),
        },
        Entry::Left { how: text() },
        Entry::Joined(writer(HOSTILE)),
        Entry::Closed(writer(HOSTILE)),
    ];
    let lines = entries.into_iter().enumerate();
    lines
        .map(|(seconds, entry)| line(seconds as i64, entry))
        .collect()
}

#[test]
fn hostile_text_stays_text_and_holds_no_secret() {
    let lines = hostile();
    let (told, json) = (told(&lines, Some(HOSTILE)), json(&lines, Some(HOSTILE)).unwrap());
    for text in [told.as_str(), json.as_str()] {
        let is_control = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(is_control), "{text:?}");
        for secret in ["hunter2", "abcdefghijklmnopqrstuvwxyz", "sha256~aaaa"] {
            assert!(!text.contains(secret), "{secret} in\n{text}");
        }
    }
    // what calls people or is markup is in a block of code, which ends where we end it
    let mut fence: Option<String> = None;
    for line in told.lines() {
        let is_fence = line.len() >= 3 && line.chars().all(|c| c == '`');
        match &fence {
            Some(open) if is_fence && line.len() >= open.len() => fence = None,
            None if is_fence => fence = Some(line.to_owned()),
            Some(_) => {}
            None => {
                let markup = ["@here", "<!channel>", "**bold**", "[a](http", "```"];
                // a mark behind a backslash is none
                let bare = line
                    .replace("\\\\", "")
                    .split('\\')
                    .collect::<Vec<_>>()
                    .join("\u{0}");
                let found = markup.iter().find(|mark| bare.contains(**mark));
                assert_eq!(found, None, "{line}");
                assert!(!line.starts_with("# boo"), "{line}");
            }
        }
    }
    assert_eq!(fence, None, "a block is left open");
    assert!(told.contains("DRILL - DRILL - DRILL"), "{told}");
    assert!(told.ends_with("DRILL: none of this was real.\n"), "{told}");
}
