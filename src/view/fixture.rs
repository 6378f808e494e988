//! Consoles in known states, for the tests of the screen.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::app::event::Event;
use crate::app::keymap::Keymap;
use crate::app::{App, Session};
use crate::incident::diagnosis::{Diagnosis, StepFinding};
use crate::incident::fact::{
    Condition, Connection, DatabaseConnection, Deployment, Fact, Lease, Pod, PodUid, Reading, StatusCount,
    TableReading,
};
use crate::incident::feed::{FeedId, FeedState, Problem, ProblemKind};
use crate::incident::leader::{LeaderReading, LeaseReading, Verdict};
use crate::incident::log::{
    ContainerKey, LeaderLine, LeaderLineKind, LogBatch, LogProgress, LogRecord, Severity,
};
use crate::incident::profile::Profile;
use crate::incident::sop::StepStatus;

const PROFILE: &str = r#"
id = "managed-services-api"
title = "Managed Services API"
[service]
deployment = "managed-services-api"
selector = "app=managed-services-api"
container = "service"
replicas = 3
[[environments]]
name = "stage"
namespace = "managed-services-stage"
links = { errors = "https://errors.example/stage" }
[[environments]]
name = "production"
namespace = "managed-services-production"
production = true
[leaders]
grep = "Running as the leader.*"
verbose = "x"
lease-table = "leader_leases"
tick = 15
lease = 180
reconcile = 30
lines = { gained = "a", lost = "b", heartbeat = "c", loop-ended = "d", not-leader = "e", lease-failed = "f" }
workers = [
  { title = "ClusterManager", log-type = "*workers.ClusterManager", lease-type = "cluster" },
  { title = "KafkaManager", log-type = "*workers.KafkaManager", lease-type = "kafka" },
]
[database]
name = "managed-services-api"
secret = { name = "s", host = "h", port = "p", database = "d", user = "u", password = "w" }
[[database.tables]]
name = "clusters"
title = "OSD cluster"
statuses = [
  { name = "cluster_accepted", role = "accepted", limit = 180 },
  { name = "waiting_for_kas_fleetshard_operator", role = "in-flight", limit = 1800 },
  { name = "ready", role = "ready" },
  { name = "failed", role = "failed" },
]
[[database.tables]]
name = "kafka_requests"
title = "Kafka"
statuses = [
  { name = "accepted", role = "accepted", limit = 300 },
  { name = "provisioning", role = "in-flight", limit = 1800 },
  { name = "ready", role = "ready" },
  { name = "failed", role = "failed" },
]
[steps.pods]
title = "Pods running"
check = { kind = "pods-ready" }
text = "All pods run and are ready."
[steps.cluster-leader]
title = "ClusterManager leader"
check = { kind = "leader", worker = "*workers.ClusterManager" }
text = "Exactly one pod leads."
[steps.kafka-leader]
title = "KafkaManager leader"
check = { kind = "leader", worker = "*workers.KafkaManager" }
text = "Exactly one pod leads the KafkaManager: look for `Running as the leader` in the logs of all pods, and for a lease that advances."
commands = ["oc logs -n {namespace} -l {selector} -c {container} --tail=-1 | grep 'Running as the leader.*KafkaManager' # and this goes on"]
links = ["errors", "dashboard"]
gaps = ["a lost lease leaves no line"]
[steps.kafkas]
title = "Kafka requests within limits"
check = { kind = "limits", table = "kafka_requests" }
text = "None is older than its limit."
[steps.errors]
title = "Error tracker"
check = { kind = "manual" }
text = "Look."
[steps.dashboards]
title = "Dashboards"
check = { kind = "manual" }
text = "Look."
[[sops]]
id = "kafka-provisioning-latency"
title = "Kafka provisioning latency"
impact = "Users wait for their Kafka instances longer than they were promised."
summary = "Provisioning takes too long."
steps = ["pods", "cluster-leader", "kafka-leader", "kafkas", "errors", "dashboards"]
handle = ["If no pod leads: restart the pods."]
[[sops]]
id = "kafka-deletion-correctness"
title = "Kafka deletion correctness"
impact = "Users pay for what they have deleted."
summary = "Deletion fails."
steps-from = "kafka-provisioning-latency"
"#;

pub(super) fn now() -> Timestamp {
    "2021-01-15T13:30:00Z".parse().unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

/// A console that was started a quarter of an hour ago and has heard nothing.
pub(super) fn silent() -> App {
    let profile: Profile = toml::from_str(PROFILE).unwrap();
    let session = Session {
        environment: profile.environment_of("managed-services-stage").cloned(),
        profile: Arc::new(profile),
        namespace: "managed-services-stage".to_owned(),
        drill: None,
        read_only: false,
        started_at: ago(872),
    };
    let mut app = App::new(session, "kafka-provisioning-latency", Keymap::default());
    app.now = now();
    app.diagnosis = Diagnosis::default();
    app
}

pub(super) fn learn(app: &mut App, seconds_ago: i64, fact: Fact) {
    app.update(Event::Fact(fact), ago(seconds_ago));
    app.now = now();
}

pub(super) fn connection() -> Connection {
    Connection {
        server: "https://api.stage:6443".into(),
        context: Some("stage".into()),
        user: "oncall".into(),
        namespace: "managed-services-stage".into(),
        version: Some("v1.33.1".into()),
        expires_at: Some(now() + SignedDuration::from_mins(312)),
    }
}

pub(super) fn deployment(ready: u32) -> Deployment {
    Deployment {
        name: "managed-services-api".into(),
        uid: "d".into(),
        resource_version: "1".into(),
        replicas: 3,
        current: 3,
        ready,
        updated: 3,
        available: ready,
        observed: true,
        paused: false,
        images: Vec::new(),
        conditions: Vec::new(),
    }
}

pub(super) fn pod(suffix: &str, status: &str, ready: bool) -> Pod {
    let condition = Condition {
        kind: "Ready".into(),
        status: if ready { "True" } else { "False" }.into(),
        reason: "".into(),
        message: "".into(),
        since: None,
    };
    Pod {
        uid: PodUid(suffix.into()),
        name: format!("managed-services-api-6d9fc8b649-{suffix}").into(),
        resource_version: "1".into(),
        created_at: Some(ago(3 * 86_400 + 7_200)),
        deletion_at: None,
        phase: "Running".into(),
        status: status.into(),
        message: "".into(),
        node: Some("ip-10-0-1-17.ec2.internal".into()),
        ready: u32::from(ready),
        total: 1,
        restarts: 0,
        restarted_at: None,
        owner: None,
        containers: Vec::new(),
        conditions: vec![condition],
    }
}

pub(super) fn source(suffix: &str) -> ContainerKey {
    ContainerKey {
        pod_uid: PodUid(suffix.into()),
        pod: format!("managed-services-api-6d9fc8b649-{suffix}").into(),
        container: "service".into(),
        restart: 0,
    }
}

pub(super) fn record(seconds_ago: i64, severity: Severity, text: &str) -> LogRecord {
    LogRecord {
        at: ago(seconds_ago),
        severity,
        text: text.into(),
        leader: None,
    }
}

pub(super) fn leader_record(seconds_ago: i64, kind: LeaderLineKind, worker: &str, text: &str) -> LogRecord {
    let glog = format!("I0115 13:24:01.482913       1 leader_election_mgr.go:80] {text} {worker} [6f0f2f0e]");
    let leader = LeaderLine {
        kind,
        worker: worker.into(),
        worker_id: "6f0f2f0e".into(),
    };
    LogRecord {
        leader: Some(leader),
        ..record(seconds_ago, Severity::Info, &glog)
    }
}

pub(super) fn batch(suffix: &str, records: Vec<LogRecord>) -> Fact {
    let progress = LogProgress {
        lines: 1_200,
        caught_up: true,
        verbose: true,
        ..LogProgress::default()
    };
    Fact::Log(LogBatch {
        source: source(suffix),
        records,
        sightings: Vec::new(),
        progress,
    })
}

fn count(status: &str, count: u64, oldest_s: i64, over_limit: Option<u64>) -> StatusCount {
    StatusCount {
        status: status.into(),
        count,
        oldest_s: Some(oldest_s),
        over_limit,
    }
}

pub(super) fn reading(clusters: Vec<StatusCount>, kafkas: Vec<StatusCount>) -> Fact {
    let table = |table: &str, statuses| TableReading {
        table: table.into(),
        statuses: Ok(statuses),
    };
    let lease = |kind: &str| Lease {
        lease_type: kind.into(),
        holder: Some("6f0f2f0e".into()),
        ttl_s: 92,
        expires: "2021-01-15 13:31:32".into(),
    };
    Fact::Database(Reading {
        took_ms: 4,
        tables: vec![table("clusters", clusters), table("kafka_requests", kafkas)],
        leases: Ok(vec![lease("cluster"), lease("kafka")]),
    })
}

fn finding(id: &str, title: &str, status: StepStatus, value: &str, age: Option<i64>) -> StepFinding {
    StepFinding {
        id: id.to_owned(),
        title: title.to_owned(),
        status,
        value: value.to_owned(),
        threshold: String::new(),
        evidence: vec!["2mgcp: not leader, 12s ago".to_owned()],
        source: "pods",
        age: age.map(SignedDuration::from_secs),
    }
}

/// The steps with these answers; the last two are manual.
pub(super) fn findings(answers: [(StepStatus, &str, Option<i64>); 4]) -> Vec<StepFinding> {
    let names = [
        ("pods", "Pods running"),
        ("cluster-leader", "ClusterManager leader"),
        ("kafka-leader", "KafkaManager leader"),
        ("kafkas", "Kafka requests within limits"),
    ];
    let judged = names
        .iter()
        .zip(answers)
        .map(|((id, title), (status, value, age))| finding(id, title, status, value, age));
    let manual = [("errors", "Error tracker"), ("dashboards", "Dashboards")];
    judged
        .chain(manual.map(|(id, title)| finding(id, title, StepStatus::Manual, "", None)))
        .collect()
}

pub(super) fn leader(
    worker: &str,
    verdict: Verdict,
    pod: Option<&str>,
    log: &str,
    lease: Option<LeaseReading>,
) -> LeaderReading {
    LeaderReading {
        worker: worker.to_owned(),
        log_type: format!("*workers.{worker}"),
        verdict,
        pod: pod.map(|suffix| format!("managed-services-api-6d9fc8b649-{suffix}").into()),
        worker_id: Some("6f0f2f0e".into()),
        log: log.to_owned(),
        lease,
        as_of: Some(ago(2)),
    }
}

pub(super) fn lease(ttl_s: i64, advancing: bool) -> LeaseReading {
    LeaseReading {
        live: ttl_s > 0,
        ttl_s,
        advancing: Some(advancing),
        pod: None,
    }
}

fn sources_live(app: &mut App) {
    learn(app, 1, Fact::Connection(connection()));
    for id in [FeedId::Api, FeedId::ClusterEvents, FeedId::Access] {
        learn(app, 1, Fact::Feed(id, FeedState::Live));
    }
    let session = DatabaseConnection {
        host: "db.example".into(),
        port: 5432,
        database: "managed-services-api".into(),
        user: "reader".into(),
        origin: "PG* variables".into(),
        tls: "verify-full".into(),
        version: "15.4".into(),
    };
    learn(app, 600, Fact::DatabaseConnection(session));
}

fn leader_lines(app: &mut App) {
    use LeaderLineKind::{Gained, Heartbeat, NotLeader};
    let (cluster, kafka) = ("*workers.ClusterManager", "*workers.KafkaManager");
    learn(
        app,
        2,
        batch(
            "blf5h",
            vec![
                leader_record(359, Gained, cluster, "Running as the leader and starting worker"),
                leader_record(9, Heartbeat, cluster, "Starting reconciliation loop for"),
            ],
        ),
    );
    let skipping = "not currently leader, skipping reconcile";
    let repeated = (0..240).map(|tick| leader_record(3_600 - tick * 15, NotLeader, kafka, skipping));
    learn(app, 2, batch("2mgcp", repeated.collect()));
    learn(
        app,
        2,
        batch("lzxms", vec![leader_record(11, NotLeader, cluster, skipping)]),
    );
}

/// All is well.
pub(super) fn well() -> App {
    let mut app = silent();
    sources_live(&mut app);
    learn(&mut app, 1, Fact::Deployment(Some(deployment(3))));
    let pods = ["2mgcp", "blf5h", "lzxms"].map(|suffix| pod(suffix, "Running", true));
    learn(&mut app, 1, Fact::Pods(pods.to_vec()));
    leader_lines(&mut app);
    let clusters = || vec![count("ready", 4, 80 * 86_400, None)];
    learn(
        &mut app,
        290,
        reading(
            clusters(),
            vec![
                count("ready", 120, 6_912_000, None),
                count("accepted", 2, 40, Some(0)),
            ],
        ),
    );
    learn(
        &mut app,
        3,
        reading(
            clusters(),
            vec![
                count("ready", 121, 6_912_000, None),
                count("accepted", 1, 21, Some(0)),
            ],
        ),
    );
    app.diagnosis = Diagnosis {
        steps: findings([
            (StepStatus::Pass, "3/3", Some(1)),
            (StepStatus::Pass, "one: blf5h", Some(4)),
            (StepStatus::Pass, "one: blf5h", Some(4)),
            (StepStatus::Pass, "0 over", Some(3)),
        ]),
        leaders: vec![
            leader(
                "ClusterManager",
                Verdict::One,
                Some("blf5h"),
                "blf5h, heartbeat 9s ago",
                Some(lease(92, true)),
            ),
            leader(
                "KafkaManager",
                Verdict::One,
                Some("blf5h"),
                "blf5h, heartbeat 9s ago",
                Some(lease(95, true)),
            ),
        ],
    };
    app
}

/// No pod leads the KafkaManager.
pub(super) fn no_leader() -> App {
    let mut app = well();
    let kafkas = vec![
        count("accepted", 7, 431, Some(3)),
        count("ready", 121, 6_912_000, None),
        count("failed", 1, 7_200, None),
        count("", 1, 90, None),
        count("resizing", 2, 400, None),
    ];
    let clusters = vec![
        count("waiting_for_kas_fleetshard_operator", 1, 1_200, Some(0)),
        count("ready", 4, 80 * 86_400, None),
    ];
    learn(&mut app, 2, reading(clusters, kafkas));
    app.diagnosis.steps = findings([
        (StepStatus::Pass, "3/3", Some(1)),
        (StepStatus::Pass, "one: blf5h", Some(4)),
        (StepStatus::Fail, "none for 07:12", Some(4)),
        (StepStatus::Fail, "3 over, oldest 07:11", Some(3)),
    ]);
    app.diagnosis.leaders[1] = leader(
        "KafkaManager",
        Verdict::None,
        None,
        "3 of 3 pods say not leader",
        Some(lease(-432, false)),
    );
    let at = ago(120);
    let tick = crate::app::checklist::Tick {
        at,
        note: "nothing new there".into(),
    };
    app.checklist.ticks.insert("errors".to_owned(), tick);
    app.session.drill = Some("No Kafka leader".to_owned());
    app
}

/// Pods that cannot pull their image.
pub(super) fn pods_down() -> App {
    let mut app = well();
    app.session.environment = app
        .session
        .profile
        .environment_of("managed-services-production")
        .cloned();
    app.session.read_only = true;
    let mut connection = connection();
    connection.namespace = "managed-services-production".into();
    connection.server = "https://api.production:6443".into();
    learn(&mut app, 1, Fact::Connection(connection));
    learn(&mut app, 1, Fact::Deployment(Some(deployment(1))));
    let mut leaving = pod("2mgcp", "Running", false);
    leaving.deletion_at = Some(now());
    let mut broken = pod("x7k2p", "ImagePullBackOff", false);
    broken.created_at = Some(ago(372));
    broken.phase = "Pending".into();
    broken.node = None;
    let mut crashing = pod("q9wzt", "CrashLoopBackOff", false);
    crashing.restarts = 14;
    learn(
        &mut app,
        1,
        Fact::Pods(vec![leaving, broken, crashing, pod("blf5h", "Running", true)]),
    );
    let until = now() + SignedDuration::from_secs(72);
    app.diagnosis.steps = findings([
        (StepStatus::Fail, "1/3 ready: ImagePullBackOff", Some(12)),
        (StepStatus::Pass, "one: blf5h", Some(4)),
        (StepStatus::Waiting, "settling 01:12", Some(4)),
        (StepStatus::Pass, "0 over", Some(3)),
    ]);
    app.diagnosis.leaders[1] = leader(
        "KafkaManager",
        Verdict::Settling { until },
        None,
        "new pod started 01:53 ago",
        None,
    );
    app.panes.focus = crate::app::panes::Pane::Pods;
    app.panes.pod = 3;
    app
}

fn failing(kind: ProblemKind, what: &str, advice: &str) -> FeedState {
    FeedState::Failing {
        problem: Problem::new(kind, what).advise(advice),
        attempt: 3,
        retry_in: Duration::from_secs(8),
    }
}

/// Nothing answers any more.
pub(super) fn failing_all() -> App {
    let mut app = well();
    app.session.environment = None;
    let mut connection = connection();
    connection.namespace = "elsewhere".into();
    connection.expires_at = Some(now() + SignedDuration::from_mins(12));
    app.facts = crate::incident::facts::Facts::default();
    learn(&mut app, 90, Fact::Connection(connection));
    let pods = ["2mgcp", "blf5h", "lzxms"].map(|suffix| pod(suffix, "Running", true));
    learn(&mut app, 90, Fact::Pods(pods.to_vec()));
    learn(
        &mut app,
        90,
        reading(
            vec![count("ready", 4, 80 * 86_400, None)],
            vec![count("accepted", 7, 431, Some(3))],
        ),
    );
    learn(&mut app, 90, batch("blf5h", Vec::new()));
    let refused = || {
        failing(
            ProblemKind::Refused,
            "api.stage:6443 refuses the connection",
            "check the tunnel",
        )
    };
    for id in [
        FeedId::Api,
        FeedId::Pods,
        FeedId::Deployment,
        FeedId::ClusterEvents,
    ] {
        learn(&mut app, 2, Fact::Feed(id, refused()));
    }
    let forbidden = failing(
        ProblemKind::Forbidden,
        "pods/log of managed-services-stage may not be read by oncall",
        "ask for the role",
    );
    learn(&mut app, 2, Fact::Feed(FeedId::Log(source("2mgcp")), forbidden));
    let locked = failing(
        ProblemKind::WrongPassword,
        "db.example refuses the password of reader",
        "look at the secret",
    );
    learn(&mut app, 2, Fact::Feed(FeedId::Database, locked));
    app.diagnosis.steps = findings([
        (StepStatus::Stale, "3/3", Some(90)),
        (StepStatus::Unknown, "one log of three could not be read", None),
        (StepStatus::Unknown, "", None),
        (StepStatus::Stale, "3 over", Some(90)),
    ]);
    for reading in &mut app.diagnosis.leaders {
        reading.verdict = Verdict::Unknown;
        reading.pod = None;
        reading.log = "log of 2mgcp forbidden".to_owned();
    }
    app
}
