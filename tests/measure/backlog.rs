//! A long backlog is searched for leader lines: by the reader alone, by the console, and, for comparison, printed by `kubectl logs`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use http::Request;
use http_body_util::{BodyExt, Empty};
use jiff::{SignedDuration, Timestamp};
use sopwatch::config::profiles;
use sopwatch::runtime::clock::Clock;
use sopwatch_core::logparse::{ContainerKey, LineReader, LogPatterns};
use sopwatch_core::observe::observation::PodUid;
use sopwatch_drill::Drill;
use tokio::runtime::Handle;
use tower::ServiceExt;

use super::front::{Front, Source};
use super::usage::{Usage, process, resident};
use super::{Effort, console, drill, figure, heading, quit};

/// As much as is written to a connection at once.
const CHUNK: usize = 64 * 1024;

/// How long ago the logs begin.
const REACHES_BACK: SignedDuration = SignedDuration::from_hours(2);

/// One line in so many is about leaders.
const LEADER_LINE_IN: usize = 5_000;

/// Times each program reads the backlog; the best counts.
const ROUNDS: usize = 3;

const OF_KAFKA: &str = "*workers.KafkaManager [6f0f2f0e-6a3e-4b6f-9f0b-1a5d3c1b7a11]";

/// How the last line of a log begins: seen on the screen for each pod, everything before it has been searched.
const LAST: &str = "No longer the leader and stopping worker";

/// The same log for every pod.
struct Backlog(Bytes);

impl Source for Backlog {
    fn stream(&self, _pod: &str, follow: bool) -> impl Stream<Item = Bytes> + Send + 'static {
        let all = self.0.clone();
        let chunks = (0..all.len())
            .step_by(CHUNK)
            .map(move |from| all.slice(from..all.len().min(from + CHUNK)));
        let more = if follow {
            futures::stream::pending().left_stream()
        } else {
            futures::stream::empty().right_stream()
        };
        futures::stream::iter(chunks).chain(more)
    }
}

/// Lines of about 190 bytes, the last one a few seconds old.
fn log(lines: usize) -> Bytes {
    let start = Clock::system().now() - REACHES_BACK;
    let step = (REACHES_BACK - SignedDuration::from_secs(5)) / i32::try_from(lines).unwrap();
    let mut bytes = BytesMut::with_capacity(lines * 200);
    let mut at = start;
    for number in 0..lines {
        let text = if number.is_multiple_of(LEADER_LINE_IN) {
            format!("not currently leader, skipping reconcile {OF_KAFKA}")
        } else {
            format!(
                "{{\"request_method\":\"GET\",\"request_url\":\"/api/managed-services-api/v1/kafkas/1mVgRzUVNnOyQZWNfdBUCXPZ9n\",\
                 \"status\":200,\"n\":{number:07}}}"
            )
        };
        bytes.put_slice(line(at, &text).as_bytes());
        at += step;
    }
    bytes.put_slice(line(at, &format!("{LAST} {OF_KAFKA}")).as_bytes());
    bytes.freeze()
}

fn line(at: Timestamp, text: &str) -> String {
    let clock = at.strftime("%m%d %H:%M:%S.%6f");
    format!("{at:.9} I{clock}       1 logger.go:71] {text}\n")
}

pub fn measure(effort: Effort) {
    let lines = effort.lines;
    let log = log(lines);
    let how = format!(
        "3 × {lines} lines of {} bytes, {} MB in all, from memory over plain HTTP; wall time, the best of {ROUNDS} rounds in turn",
        log.len() / lines,
        log.len() * 3 / 1_000_000
    );
    heading("Backlog", &how);
    reader_alone(&log, lines);
    let folder = tempfile::tempdir().unwrap();
    let drill = drill(folder.path());
    let pods = pods(&drill);
    let front = Front::before(&drill, Backlog(log), folder.path());
    let (mut ours, mut theirs, mut one) = (Best::default(), Best::default(), Best::default());
    let mut used = (0.0, 0.0);
    let kubectl = Command::new("kubectl")
        .arg("version")
        .arg("--client")
        .output()
        .is_ok();
    if !kubectl {
        println!("  kubectl is not there, so there is nothing to compare with");
    }
    for _ in 0..ROUNDS {
        ours.take(|| used = read_by_console(&drill, &front.kubeconfig));
        if !kubectl {
            continue;
        }
        theirs.take(|| read_by_kubectl(&front.kubeconfig, &pods));
        one.take(|| {
            pods.iter()
                .for_each(|pod| read_by_kubectl(&front.kubeconfig, std::slice::from_ref(pod)));
        });
    }
    ours.say("console, start to all three logs searched");
    figure("its CPU time", used.0, "s");
    figure("its resident memory, most so far", used.1, "MB");
    theirs.say("kubectl logs > /dev/null, three at once");
    one.say("kubectl logs > /dev/null, one after another");
}

/// The shortest of several times; none where the program is missing.
#[derive(Default)]
struct Best(Option<Duration>);

impl Best {
    fn take(&mut self, run: impl FnOnce()) {
        let started = Instant::now();
        run();
        let took = started.elapsed();
        self.0 = Some(self.0.map_or(took, |best| best.min(took)));
    }

    fn say(&self, what: &str) {
        if let Some(best) = self.0 {
            figure(what, best.as_secs_f64(), "s");
        }
    }
}

/// One thread, no network: lines from memory to what they say about leaders.
fn reader_alone(log: &[u8], lines: usize) {
    let profile = profiles::built_in("managed-services-api").unwrap().unwrap();
    let patterns = Arc::new(
        LogPatterns::new(
            &profile.leaders,
            &profile.error_classes,
            &profile.service.probe_path,
        )
        .unwrap(),
    );
    let source = ContainerKey {
        pod_uid: PodUid("uid".into()),
        pod: "pod".into(),
        container: "service".into(),
        restart: 0,
    };
    let mut best = Best::default();
    for _ in 0..ROUNDS {
        best.take(|| {
            let mut reader = LineReader::new(Arc::clone(&patterns), source.clone(), 2_000);
            let mut from = 0;
            for end in memchr::memchr_iter(b'\n', log) {
                reader.push(&log[from..end]);
                from = end + 1;
            }
            let batch = reader.take(true).unwrap();
            assert_eq!(batch.progress.lines, lines as u64 + 1);
        });
    }
    let seconds = best.0.unwrap().as_secs_f64();
    figure(
        "reader alone, one thread",
        lines as f64 / seconds / 1e6,
        "million lines/s",
    );
    figure(
        "reader alone, one thread",
        log.len() as f64 / seconds / 1e6,
        "MB/s",
    );
}

/// CPU seconds and the most memory the console needed.
fn read_by_console(drill: &Drill, kubeconfig: &Path) -> (f64, f64) {
    let mut console = console(drill, kubeconfig);
    let it = process(&console);
    let before = Usage::of(it);
    console.until("the last line of each log is shown", |screen| {
        screen.contents().matches(LAST).count() == 3
    });
    let used = (Usage::of(it).seconds_since(&before), resident(it).1);
    quit(console);
    used
}

/// Prints logs to nowhere, all at once.
fn read_by_kubectl(kubeconfig: &Path, pods: &[String]) {
    let start = |pod: &String| {
        Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["logs", "--timestamps", "-c", "service", pod])
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    for mut child in pods.iter().map(start).collect::<Vec<_>>() {
        assert!(child.wait().unwrap().success());
    }
}

/// The names of the drill's pods.
fn pods(drill: &Drill) -> Vec<String> {
    let request = Request::get("/api/v1/namespaces/managed-services-stage/pods")
        .body(Empty::<Bytes>::new())
        .unwrap();
    Handle::current().block_on(async {
        let response = drill.api().in_process().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let list: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let name = |pod: &serde_json::Value| pod["metadata"]["name"].as_str().unwrap().to_owned();
        list["items"].as_array().unwrap().iter().map(name).collect()
    })
}
