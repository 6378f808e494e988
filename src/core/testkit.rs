//! Observations and profiles to test against: three pods of the service as it was in January 2021, at 14:00.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::profile::{
    ClockBasis, Database, Environment, LeaderPatterns, Leaders, Metrics, Profile, Role, SecretKeys, Service,
    Status, Table, Worker,
};
use super::text::SafeText;
use crate::diagnose::Diagnosis;
use crate::diagnose::leaders::{Awaited, LeaderReading, Verdict};
use crate::export::case_snapshot::CaseSnapshot;
use crate::logparse::{ContainerKey, LeaderLine, LeaderLineKind, LogBatch, LogProgress, Sighting};
use crate::observe::observation::{
    Condition, Container, ContainerState, Deployment, Lease, Limits, Observation, Origin, Pod, PodUid,
    Reading, Standing, StatusCount, TableReading, UnderWay,
};
use crate::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use crate::observe::state::State;
use crate::profile::sop::Sop;

/// The moment of all tests.
pub fn now() -> Timestamp {
    "2021-01-15T14:00:00Z".parse().unwrap()
}

/// So many seconds before [`now`].
pub fn ago(seconds: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

/// The ends of the pods' names.
pub const SHORT: [&str; 3] = ["2mgcp", "blf5h", "lzxms"];

/// The worker id of a pod.
pub fn id(pod: &str) -> SafeText {
    SafeText::new(&format!("id-of-{pod}"))
}

/// The worker of the Kafka clusters, as the service logs it.
pub const KAFKA: &str = "*workers.KafkaManager";
/// The worker of the OSD clusters, as the service logs it.
pub const CLUSTER: &str = "*workers.ClusterManager";

/// The leaders of the service as of January 2021.
pub fn leaders() -> Leaders {
    let of_worker = r"(?P<worker>\*[\w.]+) \[(?P<id>[0-9a-f-]{36})\]";
    let worker = |title: &str, log_type: &str, lease_type: &str| Worker {
        title: title.into(),
        log_type: log_type.into(),
        lease_type: lease_type.into(),
    };
    Leaders {
        grep: "Running as the leader.*ClusterManager|KafkaManager".into(),
        lines: LeaderPatterns {
            gained: format!("Running as the leader and starting worker {of_worker}"),
            lost: format!("No longer the leader and stopping worker {of_worker}"),
            heartbeat: format!(
                "(?:Starting|Initial|Wakeup triggered|Timeout triggered|Signalbus triggered) reconciliation loop for {of_worker}"
            ),
            loop_ended: format!("Stopping reconciliation loop for {of_worker}"),
            not_leader: format!("not currently leader, skipping reconcile {of_worker}"),
            lease_failed: "failed to acquire leader lease: ".into(),
        },
        verbose: "reconciliation loop for|not currently leader|\"request_method\"".into(),
        workers: vec![
            worker("ClusterManager", CLUSTER, "cluster"),
            worker("KafkaManager", KAFKA, "kafka"),
        ],
        lease_table: Some("leader_leases".into()),
        tick: Duration::from_secs(30),
        lease: Duration::from_mins(3),
        reconcile: Duration::from_secs(30),
    }
}

/// The profile that the program has built in, as its file has it.
pub const BUILT_IN_PROFILE: &str = include_str!("../../assets/profiles/managed-services-api.toml");

/// The profile that the program has built in: for tests of its rules, steps and texts.
pub fn built_in_profile() -> Profile {
    toml::from_str(BUILT_IN_PROFILE).unwrap()
}

/// The small profile with what a test needs otherwise.
pub fn profile_with(edit: impl FnOnce(&mut Profile)) -> Profile {
    let mut profile = profile();
    edit(&mut profile);
    profile
}

/// What the pods' own metrics are called.
pub fn metrics() -> Metrics {
    Metrics {
        port: 8080,
        path: "/metrics".into(),
        tls: false,
        inbound_count: "in_count".into(),
        inbound_duration: "in_duration".into(),
        outbound_count: "out_count".into(),
        outbound_duration: "out_duration".into(),
        service_label: "apiservice".into(),
        code_label: "code".into(),
        path_label: "path".into(),
    }
}

/// A small profile of the service, without rules, steps and SOPs.
pub fn profile() -> Profile {
    Profile {
        open_links: Vec::new(),
        error_classes: Vec::new(),
        rules: Vec::new(),
        literal_rules: Vec::new(),
        monitoring: None,
        id: "managed-services-api".into(),
        title: "Managed Services API".into(),
        service: Service {
            deployment: "msa".into(),
            selector: "app=msa".into(),
            container: "service".into(),
            replicas: 3,
            keep_ready: None,
            probe_path: String::new(),
            database_connections_per_pod: None,
            metrics: None,
        },
        environments: vec![Environment {
            name: "stage".into(),
            namespace: "msa-stage".into(),
            production: false,
            read_only: false,
            links: BTreeMap::default(),
            grafana: None,
        }],
        leaders: leaders(),
        database: Some(Database {
            name: "serviceapitests".into(),
            secret: SecretKeys {
                name: "rds".into(),
                host: "db.host".into(),
                port: "db.port".into(),
                database: "db.name".into(),
                user: "db.user".into(),
                password: "db.password".into(),
                ca: None,
            },
            tables: vec![clusters()],
        }),
        steps: BTreeMap::default(),
        sops: Vec::new(),
        contacts: BTreeMap::default(),
        escalations: Vec::new(),
    }
}

fn clusters() -> Table {
    let status = |name: &str, role, limit: Option<u64>| Status {
        name: name.into(),
        role,
        clock: ClockBasis::UpdatedAt,
        limit: limit.map(Duration::from_secs),
    };
    Table {
        name: "clusters".into(),
        title: "OSD cluster".into(),
        ocm_id: Some("cluster_id".into()),
        reason: None,
        statuses: vec![
            status("cluster_accepted", Role::Accepted, Some(180)),
            status("cluster_provisioning", Role::InFlight, Some(2_700)),
            status("ready", Role::Ready, None),
            status("failed", Role::Failed, None),
        ],
    }
}

/// A running, ready pod that started so long ago.
pub fn pod(short: &str, started: i64) -> Pod {
    Pod {
        uid: PodUid(short.into()),
        name: SafeText::new(&format!("msa-x-{short}")),
        resource_version: "1".into(),
        created_at: Some(ago(started + 2)),
        deletion_at: None,
        phase: "Running".into(),
        status: "Running".into(),
        message: "".into(),
        node: Some("n1".into()),
        ready: 1,
        total: 1,
        restarts: 0,
        restarted_at: None,
        owner: Some(("ReplicaSet".into(), "msa-x".into())),
        origin: Origin {
            owner_uid: Some("rs".into()),
            template_hash: Some("x".into()),
            deployment_config: None,
        },
        containers: vec![Container {
            name: "service".into(),
            init: false,
            image: "msa:1".into(),
            ready: true,
            restarts: 0,
            id: "c".into(),
            state: ContainerState::Running {
                since: Some(ago(started)),
            },
            last: None,
            limits: Limits::default(),
        }],
        conditions: vec![Condition {
            kind: "Ready".into(),
            status: "True".into(),
            reason: "".into(),
            message: "".into(),
            since: None,
        }],
    }
}

/// A pod that waits for its container, with its status word.
pub fn waiting_pod(short: &str, created: i64, status: &str) -> Pod {
    let mut pod = pod(short, created - 2);
    pod.phase = "Pending".into();
    pod.status = status.into();
    pod.ready = 0;
    pod.conditions.clear();
    pod.containers[0].ready = false;
    pod.containers[0].state = ContainerState::Waiting {
        reason: status.into(),
        message: "".into(),
    };
    pod
}

/// The deployment, which asks for so many pods and has them.
pub fn deployment(replicas: u32) -> Deployment {
    Deployment {
        name: "msa".into(),
        uid: "d".into(),
        resource_version: "1".into(),
        replicas,
        current: replicas,
        ready: replicas,
        updated: replicas,
        available: replicas,
        observed: true,
        restarted_at: None,
        paused: false,
        images: Vec::new(),
        conditions: Vec::new(),
    }
}

/// The state of pods that were just heard.
pub fn state(pods: Vec<Pod>) -> State {
    let mut state = State::default();
    state.apply(Observation::Pods(pods), now());
    state
}

/// What a line says and how long ago it was written.
pub type Said = (LeaderLineKind, i64);

/// The log of a pod's container as it stands: what it said of a worker, and from when on it could be read.
pub fn log(short: &str, worker: &str, first: i64, said: &[Said]) -> LogBatch {
    let sighting = |(kind, seconds): &Said| Sighting {
        at: ago(*seconds),
        line: LeaderLine {
            kind: *kind,
            worker: worker.into(),
            worker_id: id(short),
        },
    };
    LogBatch {
        source: source(short),
        records: Vec::new(),
        sightings: said.iter().map(sighting).collect(),
        errors: Vec::new(),
        requests: None,
        progress: LogProgress {
            lines: 100,
            bytes: 19_000,
            first_at: Some(ago(first)),
            last_at: Some(ago(1)),
            errors: 0,
            verbose: true,
            caught_up: true,
        },
    }
}

/// The container of a pod that its log is of.
pub fn source(short: &str) -> ContainerKey {
    ContainerKey {
        pod_uid: PodUid(short.into()),
        pod: SafeText::new(&format!("msa-x-{short}")),
        container: "service".into(),
        restart: 0,
    }
}

/// A poll: the lease of the Kafka worker and the clusters by status, oldest age and how many are over the limit.
pub fn reading(
    lease: Option<(Option<&str>, i64)>,
    clusters: &[(&str, u64, Option<i64>, Option<u64>)],
) -> Reading {
    let row = |(holder, ttl_s): (Option<&str>, i64)| Lease {
        lease_type: "kafka".into(),
        holder: holder.map(id),
        ttl_s,
        expires: SafeText::new(&ttl_s.to_string()),
    };
    let count = |(status, count, oldest_s, over_limit): &(&str, u64, Option<i64>, Option<u64>)| StatusCount {
        status: (*status).into(),
        count: *count,
        oldest_s: *oldest_s,
        over_limit: *over_limit,
    };
    Reading {
        took_ms: 3,
        tables: vec![TableReading {
            table: "clusters".into(),
            statuses: Ok(clusters.iter().map(count).collect()),
            standing: Ok(Standing::default()),
            under_way: Ok(UnderWay::default()),
        }],
        leases: Ok(lease.into_iter().map(row).collect()),
        standby: None,
    }
}

/// A SOP that has no steps.
pub fn sop() -> Sop {
    let text = "id = 'x'\ntitle = 'x'\nsummary = 's'\nimpact = 'i'\nalert = 'kafka'\nsteps = []\n";
    toml::from_str(text).unwrap()
}

/// A look at what is known and found, with a SOP that has no steps.
pub fn look_at<T>(
    (state, profile, diagnosis): (&State, &Profile, &Diagnosis),
    at: Timestamp,
    look: impl FnOnce(&CaseSnapshot<'_>) -> T,
) -> T {
    look(&CaseSnapshot {
        state,
        profile,
        sop: &sop(),
        diagnosis,
        environment: None,
        namespace: "msa-stage",
        drill: None,
        now: at,
    })
}

/// A worker as it is read.
pub fn leader(worker: &str, verdict: Verdict, pod: &str) -> LeaderReading {
    LeaderReading {
        worker: worker.into(),
        log_type: format!("*workers.{worker}"),
        verdict,
        awaited: Awaited::Election,
        pod: Some(pod.into()),
        worker_id: None,
        log: SafeText::default(),
        log_tells: true,
        leading: Vec::new(),
        log_unnamed: SafeText::default(),
        lease: None,
        as_of: Some(now()),
    }
}

/// A source that fails.
pub fn failing(id: SourceId, kind: ProblemKind, what: &str) -> Observation {
    let problem = Problem::new(kind, what);
    let retry_in = Duration::from_secs(5);
    Observation::Source(
        id,
        SourceState::Failing {
            problem,
            attempt: 1,
            retry_in,
        },
    )
}
