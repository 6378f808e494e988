//! Answers watches: the changes since a version, as they happen.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::Stream;
use http::Response;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::body::{self, Body};
use super::faults::{Interruption, StreamFaults};
use super::read::include;
use super::request::{Form, Target, UrlQuery};
use super::selectors::Selection;
use super::state::ApiState;
use super::status::Refusal;
use super::table::{self, Include};
use super::view::View;
use crate::world::{Change, ChangeKind, Resource};

/// The group and version of the metadata and table forms, which all kinds share.
const META: &str = "meta.k8s.io/v1";
/// How often a watch that wants bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);
/// How long a watch without a timeout lasts (the server picks 30 to 60 minutes).
const LONGEST: Duration = Duration::from_mins(30);

/// Begins a watch.
pub fn watch(
    state: &Arc<ApiState>,
    view: View,
    target: &Target,
    query: &UrlQuery,
    form: Form,
) -> Result<Response<Body>, Refusal> {
    let selection = Selection::of(view, &target.namespace, &target.name, query)?;
    let timeout = query
        .number::<u64>("timeoutSeconds")
        .filter(|seconds| *seconds > 0);
    let now = Instant::now();
    let mut watcher = Watcher {
        changes: state.world().store().subscribe(),
        faults: state.faults().watch_stream(view.plural),
        state: Arc::clone(state),
        view,
        selection,
        form,
        include: include(query),
        version: 0,
        frames: VecDeque::new(),
        deadline: now + timeout.map_or(LONGEST, Duration::from_secs),
        bookmark_at: now + BOOKMARK_EVERY,
        bookmarks: query.is_on("allowWatchBookmarks"),
        columns_sent: false,
        done: false,
    };
    watcher.begin(query);
    Ok(body::streamed("application/json", watcher.stream()))
}

struct Watcher {
    state: Arc<ApiState>,
    view: View,
    selection: Selection,
    form: Form,
    include: Include,
    /// The version up to which everything was sent.
    version: u64,
    frames: VecDeque<Bytes>,
    changes: watch::Receiver<u64>,
    faults: StreamFaults,
    deadline: Instant,
    bookmark_at: Instant,
    bookmarks: bool,
    columns_sent: bool,
    done: bool,
}

impl Watcher {
    /// Without a version (or with 0, or as a streaming list) a watch begins with the objects that exist.
    fn begin(&mut self, query: &UrlQuery) {
        let from = query
            .number::<u64>("resourceVersion")
            .filter(|version| *version > 0);
        let initial = query.get("sendInitialEvents");
        match (from, initial) {
            (Some(version), None | Some("false")) => self.version = version,
            (None, Some("false")) => self.version = self.state.world().store().version(),
            _ => self.send_initial(initial.is_some()),
        }
    }

    fn send_initial(&mut self, mark_end: bool) {
        let objects: Vec<Arc<Value>> = {
            let world = self.state.world();
            self.version = world.store().version();
            let stored = self.view.stored.into_iter();
            stored
                .flat_map(|resource| world.store().all(resource))
                .cloned()
                .collect()
        };
        for object in objects {
            if self.selection.takes(&object) {
                self.push("ADDED", &object);
            }
        }
        if mark_end && self.bookmarks {
            self.push_bookmark(&json!({
                "k8s.io/initial-events-end": "true",
                "kubernetes.io/initial-events-list-blueprint": self.blueprint(),
            }));
        }
    }

    fn stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        futures::stream::unfold(Some(self), |watcher| async {
            let mut watcher = watcher?;
            match watcher.next().await {
                Ok(Some(frame)) => Some((Ok(frame), Some(watcher))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.faults.pass().await {
                Err(Interruption::Cut) => return Err(Interruption::error()),
                Err(Interruption::Expired) if !self.done => self.expire(),
                Ok(()) | Err(Interruption::Expired) => {}
            }
            if let Some(frame) = self.frames.pop_front() {
                return Ok(Some(frame));
            }
            if self.done {
                return Ok(None);
            }
            self.collect();
            if self.frames.is_empty() {
                self.wait().await;
            }
        }
    }

    async fn wait(&mut self) {
        let bookmark_at = self.bookmark_at;
        tokio::select! {
            _ = self.changes.changed() => {}
            () = self.faults.changed() => {}
            () = tokio::time::sleep_until(self.deadline) => {
                self.done = true;
                if self.bookmarks {
                    self.push_bookmark(&Value::Null);
                }
            }
            () = tokio::time::sleep_until(bookmark_at), if self.bookmarks => {
                self.bookmark_at = Instant::now() + BOOKMARK_EVERY;
                self.push_bookmark(&Value::Null);
            }
        }
    }

    /// Turns what changed since the last time into frames.
    fn collect(&mut self) {
        self.changes.borrow_and_update();
        let (changes, newest) = {
            let world = self.state.world();
            (
                self.view.stored.map_or(Ok(Vec::new()), |resource| {
                    world.store().since(resource, self.version)
                }),
                world.store().version(),
            )
        };
        match changes {
            Ok(changes) => {
                for change in &changes {
                    self.push_change(change);
                }
                self.version = self.version.max(newest);
            }
            Err(_too_old) => self.expire(),
        }
    }

    fn expire(&mut self) {
        let oldest = self.state.world().store().version();
        let status = Refusal::expired(self.version, oldest).value();
        self.frames.clear();
        self.push_frame(&json!({"type": "ERROR", "object": status}));
        self.done = true;
    }

    /// A watch with a selector sees an object that no longer fits as deleted, and one that begins to fit as added.
    fn push_change(&mut self, change: &Change) {
        let before = change
            .previous
            .as_ref()
            .is_some_and(|object| self.selection.takes(object));
        let after = change.kind != ChangeKind::Deleted && self.selection.takes(&change.object);
        match (before, after) {
            (false, true) => self.push("ADDED", &change.object),
            (true, true) => self.push("MODIFIED", &change.object),
            (true, false) => self.push("DELETED", &change.object),
            (false, false) => {}
        }
    }

    fn push(&mut self, kind: &str, object: &Value) {
        let object = match self.form {
            Form::Objects => {
                self.push_frame(&json!({"type": kind, "object": self.view.show(object)}));
                return;
            }
            Form::Metadata => table::metadata_only(object),
            Form::Table => {
                let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                let now = self.state.clock().now();
                let with_columns = !std::mem::replace(&mut self.columns_sent, true);
                table::table(self.view, [object], metadata, self.include, with_columns, now)
            }
        };
        self.push_frame(&json!({"type": kind, "object": object}));
    }

    fn push_bookmark(&mut self, annotations: &Value) {
        let mut metadata = json!({"resourceVersion": self.version.to_string(), "creationTimestamp": null});
        if annotations.is_object() {
            metadata["annotations"] = annotations.clone();
        }
        let (kind, api_version) = match self.form {
            Form::Objects => (self.view.kind, self.view.api_version()),
            Form::Metadata => ("PartialObjectMetadata", META.to_owned()),
            Form::Table => ("Table", META.to_owned()),
        };
        let mut object = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata});
        if self.form == Form::Objects && self.view.stored == Some(Resource::Pods) {
            object["spec"] = json!({"containers": null});
            object["status"] = json!({});
        }
        if self.form == Form::Table {
            object["columnDefinitions"] = Value::Null;
            object["rows"] = json!([]);
        }
        self.push_frame(&json!({"type": "BOOKMARK", "object": object}));
    }

    /// The empty list that a streaming list replaces, for the client's decoder.
    fn blueprint(&self) -> String {
        let (kind, api_version) = match self.form {
            Form::Objects | Form::Table => (self.view.kind, self.view.api_version()),
            Form::Metadata => ("PartialObjectMetadata", META.to_owned()),
        };
        let list = format!(
            "{{\"kind\":\"{kind}List\",\"apiVersion\":\"{api_version}\",\"metadata\":{{}},\"items\":null}}\n"
        );
        STANDARD.encode(list)
    }

    fn push_frame(&mut self, frame: &Value) {
        let mut bytes = serde_json::to_vec(frame).unwrap_or_default();
        bytes.push(b'\n');
        self.frames.push_back(Bytes::from(bytes));
    }
}
