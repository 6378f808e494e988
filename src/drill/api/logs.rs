//! A container's log: from where it is asked, and on while it runs.

use std::io;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::Stream;
use http::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::watch;

use super::body::{self, Body};
use super::faults::{Interruption, StreamFaults};
use super::request::{Query, Target};
use super::shared::Shared;
use super::status::Refusal;
use crate::drill::world::{Instance, LogLine, Resource, World};

/// Lines read in one go, so that a long log does not hold the world.
const BATCH: usize = 2_000;

/// Answers a request for a log.
pub fn log(shared: &Arc<Shared>, target: &Target, query: &Query) -> Result<Response<Body>, Refusal> {
    let now = shared.clock().now();
    let since = since(query, now)?;
    let tail = tail(query)?;
    let world = shared.world();
    let pod = world
        .store()
        .get(Resource::Pods, &target.namespace, &target.name)
        .ok_or_else(|| Refusal::not_found("", "pods", &target.name))?;
    let instance = instance(&world, pod, query)?;
    let file = world.logs().file(&instance);
    let (first, end) = file.map_or((0, 0), |file| (file.first(), file.end()));
    let from = tail.map_or(first, |tail| first.max(end.saturating_sub(tail)));
    let follow = query.is_on("follow");
    let reader = Reader {
        written: world.logs().subscribe(),
        faults: shared.faults().log_stream(),
        shared: Arc::clone(shared),
        instance,
        next: from,
        until: (!follow).then_some(end),
        since,
        timestamps: query.is_on("timestamps"),
        budget: query.number("limitBytes"),
    };
    drop(world);
    Ok(body::streamed("text/plain", reader.stream()))
}

fn since(query: &Query, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    if let Some(seconds) = query.number::<i64>("sinceSeconds") {
        return Ok(Some(now - SignedDuration::from_secs(seconds)));
    }
    let Some(text) = query.get("sinceTime") else {
        return Ok(None);
    };
    let malformed = |_error| {
        let message = format!(
            "parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""
        );
        Refusal::bad_request(message)
    };
    text.parse().map(Some).map_err(malformed)
}

fn tail(query: &Query) -> Result<Option<u64>, Refusal> {
    match query.number::<i64>("tailLines") {
        Some(lines) if lines < 0 => Err(Refusal::invalid(
            "PodLogOptions",
            "",
            ("", "PodLogOptions"),
            "tailLines",
            &format!("Invalid value: {lines}: must be greater than or equal to 0"),
        )),
        lines => Ok(lines.map(|lines| lines as u64)),
    }
}

/// The instance whose file is asked for, or why there is none.
fn instance(world: &World, pod: &Value, query: &Query) -> Result<Instance, Refusal> {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
    let (name, uid) = (text("name"), text("uid"));
    let containers = |field: &str| {
        pod["spec"][field]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let asked = query
        .get("container")
        .or_else(|| containers("containers").first()?["name"].as_str());
    let container = asked.unwrap_or_default().to_owned();
    let mut all = containers("initContainers")
        .iter()
        .chain(containers("containers"));
    if !all.any(|known| known["name"] == container.as_str()) {
        return Err(Refusal::bad_request(format!(
            "container {container} is not valid for pod {name}"
        )));
    }
    let (restarts, ended_before) = world.restarts(&uid, &container).unwrap_or((0, false));
    let waiting = world.waits_for(&uid, &container);
    if let Some(node) = world.silent_node(&uid) {
        let path = format!("containerLogs/{}/{name}/{container}", text("namespace"));
        let message = format!("Get \"https://{node}:10250/{path}\": dial tcp {node}:10250: i/o timeout");
        return Err(Refusal::new(500, "", message));
    }
    let restart = match (query.is_on("previous"), waiting) {
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
    shared: Arc<Shared>,
    instance: Instance,
    /// The number of the next line.
    next: u64,
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
        let world = self.shared.world();
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
            if self.since.is_some_and(|since| line.at < since) {
                continue;
            }
            if self.timestamps {
                bytes.put_slice(line.at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string().as_bytes());
            }
            bytes.put_slice(&line.bytes);
            bytes.put_u8(b'\n');
        }
        if let Some(budget) = &mut self.budget {
            bytes.truncate(*budget);
            *budget -= bytes.len();
        }
        bytes.freeze()
    }
}
