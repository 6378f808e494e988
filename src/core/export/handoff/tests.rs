//! The texts, of observations as incidents leave them.

use std::sync::LazyLock;

use super::note::LONGEST;
use super::*;
use crate::diagnose::{Decision, Diagnosis, diagnose};
use crate::logparse::{ErrorCounts, ErrorSighting, ErrorTimes, LeaderLineKind, LogBatch};
use crate::observe::observation::{
    Connection, Lease, Observation, Reading, Row, Standing, StandingRow, StatusCount, TableReading, UnderWay,
};
use crate::observe::source::{ProblemKind, SourceId, SourceState};
use crate::observe::state::State;
use crate::profile::Profile;
use crate::testkit::{
    CLUSTER, KAFKA, SHORT, ago, built_in_profile, deployment, failing, id, log, now, pod, state, waiting_pod,
};
use crate::text::{Redacted, SafeText};

static PROFILE: LazyLock<Profile> = LazyLock::new(built_in_profile);

/// The text for a contact, as of [`now`].
fn text(state: &State, sop: &str, contact: &str, done: &Done, drill: Option<&str>) -> String {
    let sop = PROFILE.sop(sop).unwrap();
    let diagnosis = diagnose(state, &PROFILE, sop, now());
    of_diagnosis(state, &diagnosis, sop, contact, done, drill)
}

fn of_diagnosis(
    state: &State,
    diagnosis: &Diagnosis,
    sop: &crate::profile::sop::Sop,
    contact: &str,
    done: &Done,
    drill: Option<&str>,
) -> String {
    let account = CaseSnapshot {
        state,
        profile: &PROFILE,
        sop,
        diagnosis,
        environment: PROFILE.environment_of("managed-services-stage"),
        namespace: "managed-services-stage",
        drill,
        now: now(),
    };
    hand_off(&account, contact, done).replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

fn row(id: &str, status: &str, clock_s: i64, ocm_id: &str, reason: &str) -> StandingRow {
    StandingRow {
        status: status.into(),
        clock_s: Some(clock_s),
        row: Row {
            id: id.into(),
            ocm_id: ocm_id.into(),
            region: "aws/us-east-1".into(),
            idle_s: Some(clock_s),
            age_s: Some(clock_s + 60),
            reason: reason.into(),
        },
    }
}

fn count(status: &str, count: u64, oldest_s: i64, over_limit: Option<u64>) -> StatusCount {
    StatusCount {
        status: status.into(),
        count,
        oldest_s: Some(oldest_s),
        over_limit,
    }
}

fn table(name: &str, statuses: Vec<StatusCount>, rows: Vec<StandingRow>) -> TableReading {
    let (failed, rows) = rows.into_iter().partition(|row| &*row.status == "failed");
    TableReading {
        table: name.into(),
        statuses: Ok(statuses),
        standing: Ok(Standing {
            rows: failed,
            more: false,
        }),
        under_way: Ok(UnderWay {
            rows,
            ..UnderWay::default()
        }),
    }
}

fn reading(clusters: TableReading, kafkas: TableReading) -> Observation {
    let lease = |kind: &str, holder: &str| Lease {
        lease_type: kind.into(),
        holder: Some(id(holder)),
        ttl_s: 93,
        expires: "2021-01-15 14:01:33".into(),
    };
    Observation::Database(Reading {
        took_ms: 3,
        tables: vec![clusters, kafkas],
        leases: Ok(vec![lease("cluster", "blf5h"), lease("kafka", "blf5h")]),
        standby: None,
    })
}

fn errors(class: &str, text: &str) -> ErrorCounts {
    let sighting = |seconds: i64, operation: &str| ErrorSighting {
        at: ago(seconds),
        text: text.replace("OPERATION", operation).into(),
        line: Redacted::default(),
    };
    ErrorCounts {
        class: class.into(),
        count: 2,
        first_at: ago(612),
        last_at: ago(12),
        times: ErrorTimes::default(),
        newest: vec![sighting(612, "operation1"), sighting(12, "operation2")],
    }
}

/// Three pods up for an hour, led by blf5h, whose log has these errors.
fn running(tallies: Vec<ErrorCounts>) -> State {
    let mut state = state(SHORT.iter().map(|short| pod(short, 3_600)).collect());
    let mut asked = deployment(3);
    asked.images = vec![("service".into(), "quay.io/app/msa:9b598c7".into())];
    state.apply(Observation::Deployment(Some(asked)), now());
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), now());
    state.apply(Observation::ClusterEvents(Vec::new()), now());
    state.apply(
        Observation::Connection(Connection {
            server: "https://api.stage:6443".into(),
            context: Some("stage".into()),
            user: "oncall".into(),
            namespace: "managed-services-stage".into(),
            version: None,
            expires_at: None,
            unverified: false,
        }),
        now(),
    );
    state.began_at = Some(ago(872));
    for short in SHORT {
        let said = if short == "blf5h" {
            (LeaderLineKind::Heartbeat, 9)
        } else {
            (LeaderLineKind::NotLeader, 11)
        };
        let mut batch: LogBatch = log(short, CLUSTER, 3_600, &[said]);
        batch
            .sightings
            .extend(log(short, KAFKA, 3_600, &[said]).sightings);
        batch.errors = if short == "blf5h" {
            tallies.clone()
        } else {
            Vec::new()
        };
        state.apply(Observation::Log(batch), now());
    }
    state
}

/// OCM does not answer: one request stays accepted, one is built for two days.
fn ocm_fails() -> State {
    let mut state = running(vec![
        errors(
            "ocm",
            "E0115 13:59:48.110457       1 clusters_mgr.go:130] failed to reconcile accepted cluster 1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ: \
             MGD-SERV-API-9: identifier is '503', code is 'CLUSTERS-MGMT-503' and operation identifier is 'OPERATION': \
             Authorization: Bearer sekrettoken1234567890 unavailable",
        ),
        errors(
            "sso",
            "E0115 13:59:48.110457       1 kafkas_mgr.go:99] failed to create sso client",
        ),
    ]);
    let clusters = table(
        "clusters",
        vec![
            count("cluster_accepted", 1, 431, Some(1)),
            count("cluster_provisioning", 1, 173_407, Some(1)),
            count("ready", 4, 6_912_000, None),
        ],
        vec![
            row("1n5FZ0uV4wqkcJ2l8v0bYb0aXyQ", "cluster_accepted", 431, "", ""),
            row(
                "1n5Gabcdefghijklmnopqrstuvw",
                "cluster_provisioning",
                173_407,
                "1hq3l0v2k6c9a8s7d6f5g4h3j2k1l0z9",
                "",
            ),
        ],
    );
    state.apply(
        reading(
            clusters,
            table("kafka_requests", vec![count("ready", 9, 60, None)], Vec::new()),
        ),
        now(),
    );
    state
}

/// Kafka requests hang, and one has failed.
fn kafka_late() -> State {
    let mut state = running(Vec::new());
    let kafkas = table(
        "kafka_requests",
        vec![
            count("resource_creating", 2, 3_725, Some(1)),
            count("failed", 1, 302, None),
            count("", 1, 90, None),
        ],
        vec![
            row(
                "1n5Habcdefghijklmnopqrstuvw",
                "resource_creating",
                3_725,
                "1hq3l0v2",
                "",
            ),
            row(
                "1n5Iabcdefghijklmnopqrstuvw",
                "failed",
                302,
                "1hq3l0v2",
                "strimzi gave up",
            ),
        ],
    );
    state.apply(
        reading(
            table("clusters", vec![count("ready", 1, 60, None)], Vec::new()),
            kafkas,
        ),
        now(),
    );
    state
}

fn done() -> Done {
    Done {
        changes: vec![ChangeLine {
            at: ago(600),
            what: "kubectl deleted pod msa-x-2mgcp".into(),
        }],
        ticks: vec![Ticked {
            at: ago(240),
            step: "Error tracker".to_owned(),
            note: "nothing new since noon".into(),
        }],
    }
}

#[test]
fn ocm_support_gets_its_clusters_and_operations() {
    insta::assert_snapshot!(
        "ocm_support",
        text(
            &ocm_fails(),
            "osd-provisioning-latency",
            "ocm-support",
            &done(),
            None
        )
    );
}

#[test]
fn the_data_plane_gets_its_kafkas_with_their_clusters() {
    insta::assert_snapshot!(
        "data_plane",
        text(
            &kafka_late(),
            "kafka-provisioning-latency",
            "data-plane-or-mk-sre",
            &Done::default(),
            Some("Kafka hangs")
        )
    );
}

#[test]
fn the_control_plane_gets_everything_and_what_could_not_be_read() {
    let mut state = state(vec![
        waiting_pod("2mgcp", 1_200, "ImagePullBackOff"),
        waiting_pod("blf5h", 1_200, "ImagePullBackOff"),
    ]);
    state.apply(Observation::Source(SourceId::Api, SourceState::Live), now());
    state.apply(
        failing(
            SourceId::ClusterEvents,
            ProblemKind::Forbidden,
            "events may not be read by oncall",
        ),
        now(),
    );
    state.apply(
        failing(
            SourceId::Database,
            ProblemKind::WrongPassword,
            "db.example refuses the password of reader",
        ),
        now(),
    );
    let told = text(&state, "api-down", "control-plane", &done(), None);
    insta::assert_snapshot!("control_plane", told);
}

#[test]
fn one_who_is_not_named_is_told_who_is() {
    let told = text(
        &ocm_fails(),
        "osd-provisioning-latency",
        "control-plane",
        &Done::default(),
        None,
    );
    assert!(told.contains("no rule names you"), "{told}");
    assert!(
        told.contains("first recommendation: escalate to OCM support"),
        "{told}"
    );
    assert!(
        told.contains("failed to create sso client"),
        "every class: {told}"
    );
    assert!(told.contains("9 kafka_requests.ready"), "every table: {told}");
}

#[test]
fn without_a_decision_the_text_gives_none_away() {
    let state = ocm_fails();
    let sop = PROFILE.sop("osd-provisioning-latency").unwrap();
    let diagnosis = Diagnosis {
        decision: Decision::default(),
        ..diagnose(&state, &PROFILE, sop, now())
    };
    for contact in PROFILE.contacts.keys() {
        let told = of_diagnosis(&state, &diagnosis, sop, contact, &Done::default(), None);
        for word in [
            "escalate",
            "rule ",
            "taken literally",
            "Why we are contacting",
            "can't be checked yet",
        ] {
            assert!(!told.contains(word), "{word} for {contact}:\n{told}");
        }
    }
}

#[test]
fn what_is_stale_or_was_never_read_is_said_to_be() {
    let mut state = ocm_fails();
    state.apply(
        failing(
            SourceId::Database,
            ProblemKind::Refused,
            "db.example refuses the connection",
        ),
        now(),
    );
    let later = ago(-120);
    let sop = PROFILE.sop("osd-provisioning-latency").unwrap();
    let diagnosis = diagnose(&state, &PROFILE, sop, later);
    let account = CaseSnapshot {
        state: &state,
        profile: &PROFILE,
        sop,
        diagnosis: &diagnosis,
        environment: None,
        namespace: "n",
        drill: None,
        now: later,
    };
    let told = hand_off(&account, "ocm-support", &Done::default());
    assert!(told.contains("read 14:00:00 UTC, 2m00s ago, STALE"), "{told}");
    assert!(
        told.contains("database: db.example refuses the connection (last data 2m00s ago)"),
        "{told}"
    );
    let nothing = text(
        &State::default(),
        "kafka-provisioning-latency",
        "control-plane",
        &Done::default(),
        None,
    );
    for what in [
        "pods: no data",
        "database: no data",
        "deployment: no data",
        "unknown server",
    ] {
        assert!(nothing.contains(what), "{what} in\n{nothing}");
    }
    assert!(!nothing.contains("Rows by status"), "{nothing}");
}

/// Text from outside that would like to be more than text.
const HOSTILE: &str = "x\u{1b}]52;c;AAAA\u{7}\u{1b}[2J``` @channel <!here>\n# boo\r\n\u{202e}password=hunter2hunter2 \
                       Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789 sha256~aaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn hostile_text_stays_text_and_any_amount_fits() {
    let long = |number: usize| format!("{HOSTILE} {number} {}", "é".repeat(400));
    let mut state = running(
        PROFILE
            .error_classes
            .iter()
            .map(|class| errors(&class.id, &long(1)))
            .collect(),
    );
    let rows = (0..500).map(|number| {
        let mut row = row(&long(number), "cluster_provisioning", 9_000, &long(2), &long(3));
        row.row.region = SafeText::new(&long(4));
        row
    });
    let strange = (0..300).map(|number| count(&long(number), 1, 5, None));
    let statuses = strange.chain([count("cluster_provisioning", 700, 9_000, Some(700))]);
    let clusters = table("clusters", statuses.collect(), rows.collect());
    state.apply(
        reading(clusters, table("kafka_requests", Vec::new(), Vec::new())),
        now(),
    );
    let change = ChangeLine {
        at: now(),
        what: SafeText::new(&long(5)),
    };
    let ticked = Ticked {
        at: now(),
        step: long(6),
        note: SafeText::new(&long(7)),
    };
    let done = Done {
        changes: vec![change; 90],
        ticks: vec![ticked; 90],
    };
    for contact in PROFILE.contacts.keys().map(String::as_str).chain(["nobody"]) {
        let told = text(&state, "osd-provisioning-latency", contact, &done, Some(HOSTILE));
        assert!(
            told.chars().count() <= LONGEST,
            "{} characters",
            told.chars().count()
        );
        let is_control = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!told.contains(is_control), "{told:?}");
        for secret in ["hunter2", "abcdefghijklmnopqrstuvwxyz", "sha256~aaaa"] {
            assert!(!told.contains(secret), "{secret} in\n{told}");
        }
        // what calls people is in a block of code, which ends where we end it
        let mut in_block = false;
        for line in told.lines() {
            in_block ^= line == "```";
            let calls = line.contains("@channel") && !line.starts_with("***") && line != "```";
            assert!(!calls || in_block, "{line}");
            assert!(
                line == "```" || !line.contains("```") || line.starts_with("***"),
                "{line}"
            );
        }
        assert!(!in_block, "a block is left open");
        assert!(
            told.contains("Left out for length") && told.contains("DRILL"),
            "{told}"
        );
        assert!(told.ends_with("DRILL: none of this is real.\n"), "{told}");
    }
}
