//! An API server that is not the drill's: it shares nothing with the program but the clock, speaks TLS by a private CA, chunked HTTP/1.1, and
//! answers with bodies in the shape that servers of Kubernetes 1.32 send.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use sopwatch::runtime::clock::Clock;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The namespace that has the service.
pub const NAMESPACE: &str = "managed-services-stage";
/// The token that is accepted.
const TOKEN: &str = "foreign-token";
/// The pods' names.
pub const PODS: [&str; 3] = [
    "managed-services-api-64d78545d9-84zjh",
    "managed-services-api-64d78545d9-b8688",
    "managed-services-api-64d78545d9-zcd85",
];
/// Who leads the clusters' worker: a worker of the first pod.
pub const CLUSTER_LEADER: &str = "0ce32ec4-3ce2-48cb-9624-ad50935fd2c0";
/// Who leads the Kafka worker: a worker of the last pod.
pub const KAFKA_LEADER: &str = "51ce01d4-3921-4e14-be4c-e8aafc95b4e2";

type Body = UnsyncBoxBody<Bytes, Infallible>;
/// Keys and values of the secret.
pub type Values = BTreeMap<String, String>;

/// What can be changed while it runs.
#[derive(Default)]
struct World {
    started_at: Timestamp,
    secret: Option<Values>,
    forbidden_log: Option<String>,
    more: Size,
    /// Requests so far.
    requests: usize,
}

/// What there is besides the three pods and the one event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Size {
    /// Pods of the service.
    pub service_pods: usize,
    /// Pods of others in the same namespace.
    pub other_pods: usize,
    /// Events, of any pod.
    pub events: usize,
}

/// The server. Ends when dropped.
pub struct ForeignApi {
    world: Arc<Mutex<World>>,
    address: SocketAddr,
    ca: String,
    folder: TempDir,
    _runtime: tokio::runtime::Runtime,
}

impl ForeignApi {
    /// Serves on a free loopback port.
    pub fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (ca, config) = identity();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let world = World {
            started_at: Clock::system().now(),
            ..World::default()
        };
        let world = Arc::new(Mutex::new(world));
        runtime.spawn(listen(
            listener,
            TlsAcceptor::from(Arc::new(config)),
            Arc::clone(&world),
        ));
        Self {
            world,
            address,
            ca,
            folder: tempfile::tempdir().unwrap(),
            _runtime: runtime,
        }
    }

    /// Gives the secret other values, or takes it away.
    pub fn set_secret(&self, values: Option<Values>) {
        self.world.lock().unwrap().secret = values;
    }

    /// Makes it larger: before anybody asks.
    pub fn grow(&self, more: Size) {
        self.world.lock().unwrap().more = more;
    }

    /// How many requests it has answered.
    pub fn requests(&self) -> usize {
        self.world.lock().unwrap().requests
    }

    /// Refuses the log of one pod.
    pub fn forbid_log(&self, pod: &str) {
        self.world.lock().unwrap().forbidden_log = Some(pod.to_owned());
    }

    /// The home of a user who never ran the program.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// A list of two files, as `KUBECONFIG` takes it: contexts in one, cluster and user in the other. The current context has no
    /// namespace, `stage` has the service's.
    pub fn kubeconfig_list(&self) -> String {
        let contexts = json!({"apiVersion": "v1", "kind": "Config", "current-context": "bare", "contexts": [
            {"name": "bare", "context": {"cluster": "api-foreign:6443", "user": "oncall/api-foreign:6443"}},
            {"name": "stage", "context": {"cluster": "api-foreign:6443", "user": "oncall/api-foreign:6443", "namespace": NAMESPACE}},
        ]});
        let cluster = json!({"apiVersion": "v1", "kind": "Config",
            "clusters": [{"name": "api-foreign:6443", "cluster": {
                "server": format!("https://{}", self.address), "certificate-authority-data": BASE64_STANDARD.encode(&self.ca)}}],
            "users": [{"name": "oncall/api-foreign:6443", "user": {"token": TOKEN}}],
        });
        let missing = self.folder.path().join("not-there");
        let files = [
            self.write("contexts", &contexts),
            missing,
            self.write("cluster", &cluster),
        ];
        std::env::join_paths(files).unwrap().into_string().unwrap()
    }

    fn write(&self, name: &str, config: &Value) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }
}

/// A private CA, and a server that shows a certificate of it.
fn identity() -> (String, ServerConfig) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (pem, config)
}

async fn listen(listener: TcpListener, acceptor: TlsAcceptor, world: Arc<Mutex<World>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let (acceptor, world) = (acceptor.clone(), Arc::clone(&world));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let answer = |request| {
                let world = Arc::clone(&world);
                async move { Ok::<_, Infallible>(answer(request, &world).await) }
            };
            // A client that goes away ends its connection only.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, world: &Mutex<World>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let sent = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let allowed = parts
        .headers
        .get("authorization")
        .is_some_and(|value| value == &format!("Bearer {TOKEN}"));
    if !allowed {
        return status(401, "Unauthorized", "Unauthorized");
    }
    let query = parts.uri.query().unwrap_or_default();
    let mut world = world.lock().unwrap();
    world.requests += 1;
    let world = &*world;
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/version") => json_of(
            200,
            &json!({"major": "1", "minor": "32", "gitVersion": "v1.32.13"}),
        ),
        (&Method::POST, "/apis/authentication.k8s.io/v1/selfsubjectreviews") => json_of(
            201,
            &json!({
            "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {"creationTimestamp": null},
            "status": {"userInfo": {"username": "oncall@example.com", "groups": ["managed-services-sre", "system:authenticated"]}}}),
        ),
        (&Method::POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") => {
            let mut review: Value = serde_json::from_slice(&sent).unwrap();
            review["status"] = json!({"allowed": true, "reason": "RBAC: allowed by RoleBinding \"oncall/managed-services-stage\""});
            json_of(201, &review)
        }
        (&Method::GET, path) => read(path, query, world),
        _ => status(405, "MethodNotAllowed", "the server does not allow this method"),
    }
}

fn read(path: &str, query: &str, world: &World) -> Response<Body> {
    let of_group = |group: &str| {
        path.strip_prefix(&format!("/{group}/namespaces/"))?
            .split_once('/')
    };
    let Some((namespace, what)) = of_group("api/v1").or_else(|| of_group("apis/apps/v1")) else {
        return status(
            404,
            "NotFound",
            "the server could not find the requested resource",
        );
    };
    let is_watch = parameter(query, "watch") == Some("true");
    match what.split('/').collect::<Vec<_>>()[..] {
        ["pods" | "deployments" | "replicasets" | "events"] if is_watch => quiet_watch(),
        [kind @ ("pods" | "deployments" | "replicasets" | "events")] if namespace != NAMESPACE => {
            empty_list(kind)
        }
        _ if namespace != NAMESPACE => status(404, "NotFound", &format!("\"{what}\" not found")),
        ["pods"] => page("PodList", query, pods(query, world)),
        ["deployments"] => list("DeploymentList", "apps/v1", vec![deployment(world)]),
        ["replicasets"] => list("ReplicaSetList", "apps/v1", vec![replica_set(world)]),
        ["events"] => page("EventList", query, events(world)),
        ["secrets", "managed-services-api-rds"] => secret(world),
        ["pods", name, "log"] => log(name, query, world),
        _ => status(404, "NotFound", &format!("\"{what}\" not found")),
    }
}

/// Makes one object of a list.
type Make<'w> = Box<dyn Fn() -> Value + 'w>;

/// The pods that a selector means; the service's are the first.
fn pods<'w>(query: &str, world: &'w World) -> Vec<Make<'w>> {
    let more =
        (0..world.more.service_pods).map(|number| format!("managed-services-api-64d78545d9-m{number:04}"));
    let service = PODS.map(str::to_owned).into_iter().chain(more);
    let service = service.map(|name| Box::new(move || pod(&name, world)) as Make<'w>);
    let others = if query.contains("labelSelector=") {
        0
    } else {
        world.more.other_pods
    };
    let others = (0..others).map(|number| {
        Box::new(move || {
            let mut pod = pod(&format!("batch-{number:05}"), world);
            pod["metadata"]["labels"] = json!({"app": "batch"});
            pod["metadata"]["ownerReferences"] = json!([]);
            pod
        }) as Make<'w>
    });
    service.chain(others).collect()
}

fn events(world: &World) -> Vec<Make<'_>> {
    let more = (0..world.more.events).map(|number| {
        Box::new(move || {
            let mut event = event(world);
            let about = if number % 50 == 0 {
                PODS[number / 50 % PODS.len()].to_owned()
            } else {
                format!("batch-{number:05}")
            };
            event["metadata"]["name"] = json!(format!("{about}.{number:016x}"));
            event["metadata"]["uid"] = json!(format!("uid-of-event-{number}"));
            event["involvedObject"]["name"] = json!(about);
            event["involvedObject"]["uid"] = json!(format!("uid-of-{about}"));
            event
        }) as Make<'_>
    });
    std::iter::once(Box::new(|| event(world)) as Make<'_>)
        .chain(more)
        .collect()
}

/// A page of a list, as `limit` and `continue` ask for it.
fn page(kind: &str, query: &str, all: Vec<Make<'_>>) -> Response<Body> {
    let number = |name: &str| parameter(query, name).and_then(|value| value.parse::<usize>().ok());
    let from = number("continue").unwrap_or(0).min(all.len());
    let until = all
        .len()
        .min(from + number("limit").filter(|limit| *limit > 0).unwrap_or(all.len()));
    let items: Vec<Value> = all[from..until].iter().map(|make| make()).collect();
    let mut metadata = json!({"resourceVersion": "6949"});
    if until < all.len() {
        metadata["continue"] = json!(until.to_string());
        metadata["remainingItemCount"] = json!(all.len() - until);
    }
    json_of(
        200,
        &json!({"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": items}),
    )
}

fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .next()
}

fn ago(world: &World, seconds: i64) -> String {
    let at = world
        .started_at
        .checked_sub(SignedDuration::from_secs(seconds))
        .unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn list(kind: &str, version: &str, items: Vec<Value>) -> Response<Body> {
    json_of(
        200,
        &json!({"kind": kind, "apiVersion": version, "metadata": {"resourceVersion": "6949"}, "items": items}),
    )
}

fn empty_list(kind: &str) -> Response<Body> {
    match kind {
        "pods" => list("PodList", "v1", Vec::new()),
        "deployments" => list("DeploymentList", "apps/v1", Vec::new()),
        "replicasets" => list("ReplicaSetList", "apps/v1", Vec::new()),
        _ => list("EventList", "v1", Vec::new()),
    }
}

fn managed_fields(manager: &str) -> Value {
    json!([{"manager": manager, "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}}, "subresource": "status"}])
}

fn pod(name: &str, world: &World) -> Value {
    let started = ago(world, 3_590);
    let container = |name: &str, state: Value| {
        json!({"name": name, "state": state, "lastState": {}, "ready": true, "restartCount": 0, "image": "example/service:9b598c7",
            "imageID": "example/service@sha256:00", "containerID": format!("cri-o://{name}"), "started": name == "service",
            "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets", "readOnly": true, "recursiveReadOnly": "Disabled"}]})
    };
    let done = json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": started,
        "containerID": "cri-o://migration"}});
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": started});
    let conditions = [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]
    .map(condition);
    json!({
        "metadata": {"name": name, "generateName": "managed-services-api-64d78545d9-", "namespace": NAMESPACE,
            "uid": format!("uid-of-{name}"), "resourceVersion": "6915", "creationTimestamp": ago(world, 3_600),
            "labels": {"app": "managed-services-api", "pod-template-hash": "64d78545d9"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "managed-services-api-64d78545d9",
                "uid": "uid-of-the-replica-set", "controller": true, "blockOwnerDeletion": true}],
            "managedFields": managed_fields("kubelet")},
        "spec": {"initContainers": [{"name": "migration", "image": "example/service:9b598c7", "resources": {}}],
            "containers": [{"name": "service", "image": "example/service:9b598c7", "resources": {}}], "nodeName": "node-1"},
        "status": {"phase": "Running", "podIP": "10.244.0.7", "qosClass": "Burstable", "startTime": started, "unknownToClients": {"a": [1]},
            "conditions": conditions,
            "initContainerStatuses": [container("migration", done)],
            "containerStatuses": [container("service", json!({"running": {"startedAt": started}}))]}
    })
}

fn replica_set(world: &World) -> Value {
    json!({
        "metadata": {"name": "managed-services-api-64d78545d9", "namespace": NAMESPACE, "uid": "uid-of-the-replica-set",
            "resourceVersion": "6939", "generation": 1, "creationTimestamp": ago(world, 3_600),
            "labels": {"app": "managed-services-api", "pod-template-hash": "64d78545d9"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "managed-services-api",
                "uid": "uid-of-the-deployment", "controller": true, "blockOwnerDeletion": true}],
            "managedFields": managed_fields("kube-controller-manager")},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "managed-services-api", "pod-template-hash": "64d78545d9"}}},
        "status": {"observedGeneration": 1, "replicas": 3, "fullyLabeledReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}
    })
}

fn deployment(world: &World) -> Value {
    let pods = PODS.len() + world.more.service_pods;
    json!({
        "metadata": {"name": "managed-services-api", "namespace": NAMESPACE, "uid": "uid-of-the-deployment", "resourceVersion": "6940",
            "generation": 1, "creationTimestamp": ago(world, 86_400), "managedFields": managed_fields("kube-controller-manager")},
        "spec": {"replicas": pods, "selector": {"matchLabels": {"app": "managed-services-api"}},
            "template": {"metadata": {"labels": {"app": "managed-services-api"}}, "spec": {"containers": [{"name": "service", "resources": {}}]}},
            "strategy": {"type": "RollingUpdate"}},
        "status": {"observedGeneration": 1, "replicas": pods, "updatedReplicas": pods, "readyReplicas": pods, "availableReplicas": pods,
            "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "",
                "lastUpdateTime": ago(world, 3_000), "lastTransitionTime": ago(world, 3_000)}]}
    })
}

fn event(world: &World) -> Value {
    json!({
        "metadata": {"name": "managed-services-api-64d78545d9-84zjh.18ea", "namespace": NAMESPACE, "uid": "uid-of-the-event",
            "resourceVersion": "6000", "creationTimestamp": ago(world, 60)},
        "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": PODS[0], "uid": format!("uid-of-{}", PODS[0])},
        "reason": "Unhealthy", "message": "Readiness probe failed: HTTP probe failed with statuscode: 503", "type": "Warning",
        "source": {"component": "kubelet", "host": "node-1"}, "firstTimestamp": ago(world, 60), "lastTimestamp": ago(world, 60),
        "count": 2, "eventTime": null, "reportingComponent": "kubelet", "reportingInstance": "node-1"
    })
}

fn secret(world: &World) -> Response<Body> {
    let Some(values) = &world.secret else {
        return status(404, "NotFound", "secrets \"managed-services-api-rds\" not found");
    };
    let data: BTreeMap<_, _> = values
        .iter()
        .map(|(key, value)| (key, BASE64_STANDARD.encode(value)))
        .collect();
    json_of(
        200,
        &json!({"kind": "Secret", "apiVersion": "v1", "type": "Opaque", "data": data,
            "metadata": {"name": "managed-services-api-rds", "namespace": NAMESPACE, "uid": "uid-of-the-secret", "resourceVersion": "2442"}}),
    )
}

/// What a pod's service has logged: who leads which worker, as the service of the SOP says it.
fn lines(pod: &str, world: &World) -> Vec<String> {
    let index = PODS.iter().position(|name| *name == pod).unwrap_or(1);
    let workers = [
        ("ClusterManager", "0ce32ec4-3ce2-48cb-9624-ad50935fd2c", 0),
        ("KafkaManager", "51ce01d4-3921-4e14-be4c-e8aafc95b4e", 2),
    ];
    let line = |seconds: i64, place: &str, text: &str| {
        let at = ago(world, seconds);
        let clock = format!("{}{} {}", &at[5..7], &at[8..10], &at[11..19]);
        format!(
            "{}.482913000Z I{clock}.482913       1 {place}] {text}\n",
            at.trim_end_matches('Z')
        )
    };
    let mut lines = Vec::new();
    for (worker, id, leads) in workers {
        let started = format!("Running as the leader and starting worker *workers.{worker} [{id}{index}]");
        let beat = format!("Starting reconciliation loop for *workers.{worker} [{id}{index}]");
        let follows = format!("not currently leader, skipping reconcile *workers.{worker} [{id}{index}]");
        if leads == index {
            lines.push(line(3_500, "leader_election_mgr.go:80", &started));
            lines.push(line(5, "reconciler.go:30", &beat));
        } else {
            lines.push(line(5, "leader_election_mgr.go:100", &follows));
        }
    }
    lines.sort();
    lines
}

fn log(pod: &str, query: &str, world: &World) -> Response<Body> {
    if world.forbidden_log.as_deref() == Some(pod) {
        let message = format!(
            "pods \"{pod}\" is forbidden: User \"oncall@example.com\" cannot get resource \"pods/log\" in API group \"\" in the namespace \
             \"{NAMESPACE}\""
        );
        return status(403, "Forbidden", &message);
    }
    let is_service = parameter(query, "container") == Some("service");
    let mut lines = if is_service { lines(pod, world) } else { Vec::new() };
    if let Some(tail) = parameter(query, "tailLines").and_then(|tail| tail.parse::<usize>().ok()) {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let follow = is_service && parameter(query, "follow") == Some("true");
    streamed("text/plain", lines, follow)
}

/// A watch on which nothing happens.
fn quiet_watch() -> Response<Body> {
    streamed("application/json", Vec::new(), true)
}

/// Without a length, so chunked; held open when there may be more.
fn streamed(kind: &'static str, pieces: Vec<String>, held: bool) -> Response<Body> {
    let pieces = stream::iter(pieces).map(|piece| Ok(Frame::data(Bytes::from(piece))));
    let body = if held {
        StreamBody::new(pieces.chain(stream::pending())).boxed_unsync()
    } else {
        StreamBody::new(pieces).boxed_unsync()
    };
    Response::builder()
        .header("content-type", kind)
        .body(body)
        .unwrap()
}

/// In pieces of an odd size, as a proxy may cut it.
fn json_of(code: u16, value: &Value) -> Response<Body> {
    let text = value.to_string();
    let pieces = text
        .as_bytes()
        .chunks(777)
        .map(|piece| String::from_utf8_lossy(piece).into_owned());
    let mut response = streamed("application/json", pieces.collect(), false);
    *response.status_mut() = code.try_into().unwrap();
    response
}

fn status(code: u16, reason: &str, message: &str) -> Response<Body> {
    json_of(
        code,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code}),
    )
}
