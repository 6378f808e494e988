//! Answers requests for a container's log, and follows it while the container runs.

use std::io;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::Stream;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use super::body::{self, Body};
use super::faults::{Interruption, StreamFaults};
use super::log_options::LogOptions;
use super::request::{Target, UrlQuery};
use super::state::ApiState;
use super::status::Refusal;
use crate::world::{Instance, LogFile, LogLine, PIECE, Position, Resource, World};

/// How many lines are read at a time, so that a long log does not hold the lock on the world.
const BATCH: usize = 2_000;

/// Answers a request for a log.
pub fn log(state: &Arc<ApiState>, target: &Target, query: &UrlQuery) -> Result<Response<Body>, Refusal> {
    let options = LogOptions::of(query, &target.name, state.clock().now())?;
    let world = state.world();
    let pod = world
        .store()
        .get(Resource::Pods, &target.namespace, &target.name)
        .ok_or_else(|| Refusal::not_found("", "pods", &target.name))?;
    let container = container(pod, query.get("container"))?;
    if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
        return Ok(nothing());
    }
    let instance = instance(&world, pod, container, options.previous)?;
    let file = world.logs().file(&instance);
    let end = file.map_or(0, LogFile::end);
    let from = file.map_or(Position::default(), |file| match options.tail {
        Some(tail) => file.tail(tail),
        None => file.first(),
    });
    let reader = Reader {
        written: world.logs().subscribe(),
        faults: state.faults().log_stream(),
        state: Arc::clone(state),
        instance,
        next: from.line,
        skip: from.piece,
        until: (!options.follow).then_some(end),
        since: options.since,
        timestamps: options.timestamps,
        budget: options.limit,
    };
    drop(world);
    Ok(body::streamed("text/plain", reader.stream()))
}

/// The answer for a pod that is on no node yet: there is no kubelet to ask.
fn nothing() -> Response<Body> {
    let mut response = body::text("");
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

fn names(pod: &Value, field: &str) -> Vec<String> {
    let containers = pod["spec"][field]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    containers
        .iter()
        .filter_map(|container| container["name"].as_str().map(str::to_owned))
        .collect()
}

/// The container whose log is wanted: the one that is named, or the only one.
fn container(pod: &Value, asked: Option<&str>) -> Result<String, Refusal> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let (containers, inits) = (names(pod, "containers"), names(pod, "initContainers"));
    match (asked, containers.as_slice()) {
        (Some(asked), _) if containers.iter().chain(&inits).any(|known| known == asked) => {
            Ok(asked.to_owned())
        }
        (Some(asked), _) => Err(Refusal::bad_request(format!(
            "container {asked} is not valid for pod {name}"
        ))),
        (None, [only]) => Ok(only.clone()),
        (None, several) => {
            let mut message = format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                several.join(" ")
            );
            if !inits.is_empty() {
                message = format!("{message} or one of the init containers: [{}]", inits.join(" "));
            }
            Err(Refusal::bad_request(message))
        }
    }
}

/// The instance whose file is read; the kubelet's refusal if there is none.
fn instance(world: &World, pod: &Value, container: String, previous: bool) -> Result<Instance, Refusal> {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    let (name, uid) = (text("name"), text("uid"));
    let (restarts, ended_before) = world.restarts(&uid, &container).unwrap_or((0, false));
    let waiting = world.waits_for(&uid, &container);
    if let Some(node) = world.silent_node(&uid) {
        let path = format!("containerLogs/{}/{name}/{container}", text("namespace"));
        let message = format!("Get \"https://{node}:10250/{path}\": dial tcp {node}:10250: i/o timeout");
        return Err(Refusal::new(500, "", message));
    }
    let restart = match (previous, waiting) {
        (true, _) if !ended_before => {
            let message =
                format!("previous terminated container \"{container}\" in pod \"{name}\" not found");
            return Err(Refusal::bad_request(message));
        }
        // While it waits to be restarted, the newest instance is the one that ended.
        (true, None) => restarts.saturating_sub(1),
        (false, Some(reason)) if !ended_before => return Err(waits(&container, &name, &reason)),
        _ => restarts,
    };
    Ok(Instance {
        pod_uid: uid,
        container,
        restart,
    })
}

fn waits(container: &str, pod: &str, reason: &str) -> Refusal {
    let why = match reason {
        "ErrImagePull" => "image can't be pulled",
        "ImagePullBackOff" => "trying and failing to pull image",
        reason => reason,
    };
    Refusal::bad_request(format!(
        "container \"{container}\" in pod \"{pod}\" is waiting to start: {why}"
    ))
}

/// A read through one file.
struct Reader {
    state: Arc<ApiState>,
    instance: Instance,
    /// The number of the next line.
    next: u64,
    /// How many pieces of that line are left out: a tail may begin within a long line.
    skip: u64,
    /// Where to stop; `None` while following.
    until: Option<u64>,
    since: Option<Timestamp>,
    timestamps: bool,
    /// How many bytes may still be sent.
    budget: Option<usize>,
    written: watch::Receiver<u64>,
    faults: StreamFaults,
}

impl Reader {
    fn stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        futures::stream::unfold(Some(self), |reader| async {
            let mut reader = reader?;
            match reader.read().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(reader))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn read(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if self.faults.pass().await.is_err() {
                return Err(Interruption::error());
            }
            if self.budget == Some(0) {
                return Ok(None);
            }
            self.written.borrow_and_update();
            let Some((lines, ended)) = self.batch() else {
                return Ok(None);
            };
            let bytes = self.encode(&lines);
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
            if !lines.is_empty() {
                continue;
            }
            if ended {
                return Ok(None);
            }
            tokio::select! {
                _ = self.written.changed() => {}
                () = self.faults.changed() => {}
            }
        }
    }

    /// The next lines, and whether no more can come after them; `None` when the file is gone.
    fn batch(&mut self) -> Option<(Vec<LogLine>, bool)> {
        let world = self.state.world();
        let file = world.logs().file(&self.instance)?;
        let limit = match self.until {
            Some(until) => BATCH.min(until.saturating_sub(self.next) as usize),
            None => BATCH,
        };
        let (lines, next) = file.read(self.next, limit);
        self.next = next;
        let ended = self.until.is_some_and(|until| next >= until) || (file.is_closed() && next >= file.end());
        Some((lines, ended))
    }

    fn encode(&mut self, lines: &[LogLine]) -> Bytes {
        let mut bytes = BytesMut::new();
        for line in lines {
            let skipped = std::mem::take(&mut self.skip) as usize * PIECE;
            if self.since.is_some_and(|since| line.at < since) {
                continue;
            }
            if self.timestamps {
                bytes.put_slice(line.at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string().as_bytes());
            }
            bytes.put_slice(line.bytes.get(skipped..).unwrap_or_default());
            bytes.put_u8(b'\n');
        }
        if let Some(budget) = &mut self.budget {
            bytes.truncate(*budget);
            *budget -= bytes.len();
        }
        bytes.freeze()
    }
}
