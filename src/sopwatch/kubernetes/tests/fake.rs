//! A scripted API server without a network: behind a real client, on tokio's paused clock.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::kubernetes::clock::{Instant, now, timeout_at};

/// Ends an entry of a log that is a part of a line: the node writes a long line as several entries, each with its time.
const GOES_ON: char = '\0';

/// How many pieces of a stream may wait.
pub(super) const STREAM: usize = 65_536;

/// What a request's answer is.
pub(super) enum Reply {
    Json(u16, Value),
    Text(u16, String),
    Stream(mpsc::Receiver<io::Result<Bytes>>),
    /// The same, for so long.
    Until(mpsc::Receiver<io::Result<Bytes>>, Instant),
    Fail(io::ErrorKind),
    /// What came cannot be decrypted.
    Garbled,
    Hang,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) at: Instant,
    /// `GET /path?query`.
    pub(super) line: String,
    /// What was sent with it.
    pub(super) body: String,
}

impl Asked {
    /// What the pods use is asked for under the name of the pods too: who means it says so.
    pub(super) fn has(&self, needle: &str) -> bool {
        let of_usage = self.line.contains("metrics.k8s.io");
        if of_usage && !needle.is_empty() && !needle.contains("metrics") {
            return false;
        }
        needle.split_whitespace().all(|part| self.line.contains(part))
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let query = self.line.split_once('?')?.1;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        Some(value.replace("%3A", ":").replace("%3D", "="))
    }

    fn is(&self, name: &str) -> bool {
        self.parameter(name).as_deref() == Some("true")
    }
}

type Sender = mpsc::Sender<io::Result<Bytes>>;
type Rule = (String, Box<dyn FnMut(&Asked) -> Option<Reply> + Send>);

/// The log of one container: a line is an entry, or several of which all but the last end with [`GOES_ON`].
#[derive(Default)]
pub(super) struct Log {
    pub(super) lines: Vec<String>,
    pub(super) previous: Vec<String>,
    followers: Vec<Sender>,
    over: bool,
}

impl Log {
    /// Sends bytes to who follows, without a line of them being written.
    pub(super) fn send_raw(&self, text: &str) {
        self.followers
            .iter()
            .for_each(|follower| follower.try_send(Ok(text.to_string().into())).unwrap());
    }
}

#[derive(Default)]
struct World {
    asked: Vec<Asked>,
    rules: Vec<Rule>,
    objects: BTreeMap<&'static str, Vec<Value>>,
    watchers: Vec<(&'static str, Sender)>,
    /// What is replayed to a watch from an older version.
    history: Vec<(u64, &'static str, Value)>,
    version: u64,
    logs: BTreeMap<String, Log>,
    /// The most streams of logs that were open at a time.
    most_open: usize,
}

/// The server.
#[derive(Clone)]
pub(super) struct Fake {
    world: Arc<Mutex<World>>,
    born: Instant,
}

/// The server's clock at its birth.
pub(super) const BIRTH: &str = "2026-11-22T09:00:00Z";

impl Fake {
    pub(super) fn new() -> Self {
        let mut world = World {
            version: 100,
            ..World::default()
        };
        // The ReplicaSet of all the service's pods.
        let set = json!({"metadata": {"name": "managed-services-api-x", "uid": "uid-set",
            "labels": {"app": "managed-services-api", "pod-template-hash": "x"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "managed-services-api",
                "uid": "uid-deployment", "controller": true}]}, "spec": {"selector": {}}});
        world.objects.insert("replicasets", vec![set]);
        Self {
            world: Arc::new(Mutex::new(world)),
            born: now(),
        }
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(super) fn client(&self) -> Client {
        let fake = self.clone();
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let fake = fake.clone();
            let line = format!("{} {}", request.method(), request.uri());
            async move {
                let body = request.into_body().collect().await.map_err(io::Error::other)?;
                let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
                fake.answer(line, body).await
            }
        });
        Client::new(service, "managed-services-stage")
    }

    /// The server's clock, so many milliseconds after its birth or now.
    pub(super) fn clock(&self) -> Timestamp {
        let birth: Timestamp = BIRTH.parse().unwrap();
        birth + jiff::SignedDuration::try_from(now() - self.born).unwrap()
    }

    /// From now on requests that have all the needle's words are answered by this; the newest rule that answers wins.
    pub(super) fn rule(&self, needle: &str, rule: impl FnMut(&Asked) -> Option<Reply> + Send + 'static) {
        self.world().rules.push((needle.into(), Box::new(rule)));
    }

    pub(super) fn always(&self, needle: &str, reply: impl Fn() -> Reply + Send + 'static) {
        self.rule(needle, move |_| Some(reply()));
    }

    /// Takes back all rules.
    pub(super) fn heal(&self) {
        self.world().rules.clear();
    }

    pub(super) fn asked(&self, needle: &str) -> Vec<Asked> {
        self.world()
            .asked
            .iter()
            .filter(|asked| asked.has(needle))
            .cloned()
            .collect()
    }

    /// How long after the one before each request came.
    pub(super) fn pauses(&self, needle: &str) -> Vec<Duration> {
        let asked = self.asked(needle);
        asked.windows(2).map(|pair| pair[1].at - pair[0].at).collect()
    }

    pub(super) fn forget_asked(&self) {
        self.world().asked.clear();
    }

    /// Creates or changes an object.
    pub(super) fn apply(&self, kind: &'static str, mut object: Value) {
        let mut world = self.world();
        world.version += 1;
        let version = world.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        let uid = object["metadata"]["uid"].clone();
        let objects = world.objects.entry(kind).or_default();
        let known = objects.iter_mut().find(|known| known["metadata"]["uid"] == uid);
        let event = if known.is_some() { "MODIFIED" } else { "ADDED" };
        match known {
            Some(known) => *known = object.clone(),
            None => objects.push(object.clone()),
        }
        world.tell(kind, json!({"type": event, "object": object}));
    }

    pub(super) fn delete(&self, kind: &'static str, uid: &str) {
        let mut world = self.world();
        world.version += 1;
        let version = world.version;
        let objects = world.objects.entry(kind).or_default();
        let at = objects
            .iter()
            .position(|known| known["metadata"]["uid"] == uid)
            .unwrap();
        let mut object = objects.remove(at);
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        world.tell(kind, json!({"type": "DELETED", "object": object}));
    }

    /// Sends a raw event to who watches.
    pub(super) fn send(&self, kind: &'static str, event: Value) {
        self.world().send(kind, &event);
    }

    /// Cuts all watches of a kind.
    pub(super) fn cut_watches(&self, kind: &str) {
        let mut world = self.world();
        for (_, sender) in world.watchers.iter().filter(|(of, _)| *of == kind) {
            let _ = sender.try_send(Err(io::ErrorKind::ConnectionReset.into()));
        }
        world.watchers.retain(|(of, _)| *of != kind);
    }

    /// Whether anybody watches.
    pub(super) fn is_watched(&self, kind: &str) -> bool {
        self.world()
            .watchers
            .iter()
            .any(|(of, sender)| *of == kind && !sender.is_closed())
    }

    /// Writes a line to a container's log.
    pub(super) fn write(&self, pod: &str, line: &str) {
        let mut world = self.world();
        let log = world.logs.entry(pod.into()).or_default();
        log.lines.push(line.into());
        log.followers
            .retain(|follower| follower.try_send(Ok(format!("{line}\n").into())).is_ok());
    }

    /// Writes a line in several entries, as nodes do with one of more than 16 KiB. A stream has the time of the first alone.
    pub(super) fn write_in_pieces(&self, pod: &str, pieces: &[&str]) {
        let mut world = self.world();
        let log = world.logs.entry(pod.into()).or_default();
        for (number, piece) in pieces.iter().enumerate() {
            let goes_on = number + 1 < pieces.len();
            let sent = sent_as(piece, number > 0, goes_on);
            log.lines.push(if goes_on {
                format!("{piece}{GOES_ON}")
            } else {
                (*piece).into()
            });
            log.followers
                .retain(|follower| follower.try_send(Ok(sent.clone().into())).is_ok());
        }
    }

    /// Writes a line that open streams do not bring.
    pub(super) fn write_unseen(&self, pod: &str, line: &str) {
        self.world()
            .logs
            .entry(pod.into())
            .or_default()
            .lines
            .push(line.into());
    }

    pub(super) fn log(&self, pod: &str, change: impl FnOnce(&mut Log)) {
        change(self.world().logs.entry(pod.into()).or_default());
    }

    /// The pods whose logs are followed now.
    pub(super) fn followed(&self) -> Vec<String> {
        self.world().followed().map(|(pod, _)| pod.clone()).collect()
    }

    /// The most streams of logs that were open at a time.
    pub(super) fn most_open(&self) -> usize {
        self.world().most_open
    }

    /// Ends the streams of a log: with an error, or by itself.
    pub(super) fn cut_log(&self, pod: &str, error: Option<io::ErrorKind>) {
        let mut world = self.world();
        let log = world.logs.entry(pod.into()).or_default();
        for follower in log.followers.drain(..) {
            if let Some(error) = error {
                let _ = follower.try_send(Err(error.into()));
            }
        }
    }

    /// The container ends: streams too. The next instance starts with an empty log.
    pub(super) fn end_log(&self, pod: &str, restarts: bool) {
        let mut world = self.world();
        let log = world.logs.entry(pod.into()).or_default();
        log.followers.clear();
        if restarts {
            log.previous = std::mem::take(&mut log.lines);
        } else {
            log.over = true;
        }
    }

    async fn answer(
        &self,
        line: String,
        body: String,
    ) -> io::Result<http::Response<UnsyncBoxBody<Bytes, io::Error>>> {
        let asked = Asked {
            at: now(),
            line,
            body,
        };
        let reply = self.reply(&asked);
        let (code, body) = match reply {
            Reply::Json(code, value) => (code, full(value.to_string())),
            Reply::Text(code, text) => (code, full(text)),
            Reply::Stream(receiver) => (200, streamed(receiver, None)),
            Reply::Until(receiver, end) => (200, streamed(receiver, Some(end))),
            Reply::Fail(kind) => return Err(kind.into()),
            Reply::Garbled => {
                let error = rustls::Error::DecryptError;
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            Reply::Hang => return std::future::pending().await,
        };
        let date = self.clock().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Ok(http::Response::builder()
            .status(code)
            .header("date", date)
            .body(body)
            .unwrap())
    }

    fn reply(&self, asked: &Asked) -> Reply {
        let mut world = self.world();
        world.asked.push(asked.clone());
        let mut rules = std::mem::take(&mut world.rules);
        let ruled = rules
            .iter_mut()
            .rev()
            .filter(|(needle, _)| asked.has(needle))
            .find_map(|(_, rule)| rule(asked));
        world.rules = rules;
        ruled.unwrap_or_else(|| world.usual(asked))
    }
}

impl World {
    fn tell(&mut self, kind: &'static str, event: Value) {
        self.send(kind, &event);
        self.history.push((self.version, kind, event));
    }

    fn send(&mut self, kind: &'static str, event: &Value) {
        self.watchers
            .retain(|(of, sender)| *of != kind || sender.try_send(Ok(format!("{event}\n").into())).is_ok());
    }

    fn usual(&mut self, asked: &Asked) -> Reply {
        let line = &asked.line;
        if line.contains("/version") {
            return Reply::Json(
                200,
                json!({"major": "1", "minor": "32", "gitVersion": "v1.32.13", "gitCommit": "",
                "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}),
            );
        }
        if line.contains("selfsubjectreviews") {
            return Reply::Json(
                201,
                json!({"metadata": {}, "status": {"userInfo": {"username": "oncall@example.com"}}}),
            );
        }
        if line.contains("selfsubjectaccessreviews") {
            return Reply::Json(
                201,
                json!({"metadata": {}, "spec": {}, "status": {"allowed": true, "reason": "by role"}}),
            );
        }
        if let Some(pod) = line
            .split("/pods/")
            .nth(1)
            .and_then(|rest| rest.split_once("/log"))
        {
            return self.log_reply(pod.0, asked);
        }
        if line.contains("metrics.k8s.io") {
            return refused(404, "NotFound");
        }
        let kinds = [
            "deployments",
            "pods",
            "events",
            "replicasets",
            "horizontalpodautoscalers",
        ];
        let kind = kinds.into_iter().find(|kind| line.contains(&format!("/{kind}?")));
        match kind {
            Some(kind) if asked.is("watch") => self.watch_reply(kind, asked),
            Some(kind) => self.list_reply(kind),
            None => Reply::Json(
                404,
                failure(
                    404,
                    "NotFound",
                    "the server could not find the requested resource",
                ),
            ),
        }
    }

    fn list_reply(&self, kind: &str) -> Reply {
        let items = self.objects.get(kind).cloned().unwrap_or_default();
        Reply::Json(
            200,
            json!({"metadata": {"resourceVersion": self.version.to_string()}, "items": items}),
        )
    }

    fn watch_reply(&mut self, kind: &'static str, asked: &Asked) -> Reply {
        let from: u64 = asked.parameter("resourceVersion").unwrap().parse().unwrap();
        let (sender, receiver) = mpsc::channel(STREAM);
        for (version, of, event) in &self.history {
            if *version > from && *of == kind {
                sender.try_send(Ok(format!("{event}\n").into())).unwrap();
            }
        }
        self.watchers.push((kind, sender));
        let seconds: u64 = asked.parameter("timeoutSeconds").unwrap().parse().unwrap();
        Reply::Until(receiver, asked.at + Duration::from_secs(seconds))
    }

    fn log_reply(&mut self, pod: &str, asked: &Asked) -> Reply {
        let log = self.logs.entry(pod.into()).or_default();
        let all = if asked.is("previous") {
            &log.previous
        } else {
            &log.lines
        };
        let since: Option<Timestamp> = asked.parameter("sinceTime").map(|since| since.parse().unwrap());
        let is_wanted = |line: &&String| {
            let at: Option<Timestamp> = line.split(' ').next().unwrap().parse().ok();
            since.is_none_or(|since| at.is_some_and(|at| at >= since))
        };
        let tail = asked
            .parameter("tailLines")
            .map_or(usize::MAX, |tail| tail.parse().unwrap());
        let mut text = String::new();
        // As the kubelet does it: a tail is of entries, and begins a line, whereas what is older than the moment only is left out.
        let mut goes_on = false;
        for entry in all.iter().skip(all.len().saturating_sub(tail)) {
            let continues = std::mem::replace(&mut goes_on, entry.ends_with(GOES_ON));
            if is_wanted(&entry) {
                text += &sent_as(entry.trim_end_matches(GOES_ON), continues, goes_on);
            }
        }
        if !asked.is("follow") {
            return Reply::Text(200, text);
        }
        let (sender, receiver) = mpsc::channel(STREAM);
        sender.try_send(Ok(text.into())).unwrap();
        if !log.over {
            log.followers.push(sender);
        }
        let open: usize = self.followed().map(|(_, streams)| streams).sum();
        self.most_open = self.most_open.max(open);
        Reply::Stream(receiver)
    }

    /// The pods whose logs are followed, and by how many.
    fn followed(&self) -> impl Iterator<Item = (&String, usize)> {
        let open = |log: &Log| log.followers.iter().filter(|stream| !stream.is_closed()).count();
        let logs = self.logs.iter().map(move |(pod, log)| (pod, open(log)));
        logs.filter(|(_, streams)| *streams > 0)
    }
}

/// An entry of a log in a stream: the time only where a line begins, and a newline only where it ends.
fn sent_as(entry: &str, continues: bool, goes_on: bool) -> String {
    let text = match entry.split_once(' ') {
        Some((_, words)) if continues => words,
        _ => entry,
    };
    let end = if goes_on { "" } else { "\n" };
    format!("{text}{end}")
}

fn full(text: String) -> UnsyncBoxBody<Bytes, io::Error> {
    Full::from(text).map_err(|never| match never {}).boxed_unsync()
}

fn streamed(
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    end: Option<Instant>,
) -> UnsyncBoxBody<Bytes, io::Error> {
    let stream = futures::stream::unfold(receiver, move |mut receiver| async move {
        let chunk = match end {
            Some(end) => timeout_at(end, receiver.recv()).await.ok()??,
            None => receiver.recv().await?,
        };
        Some((chunk.map(http_body::Frame::data), receiver))
    });
    StreamBody::new(stream).boxed_unsync()
}

/// An error as the API server words it.
pub(super) fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
}

/// The same as a reply.
pub(super) fn refused(code: u16, reason: &str) -> Reply {
    Reply::Json(code, failure(code, reason, reason))
}
