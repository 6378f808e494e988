//! A long backlog is searched for leader lines: by the reader alone, by the console, and, for comparison, printed by `kubectl logs`.
//! CPU time is compared on a backlog of its own, which has the same length at each effort.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use http::Request;
use http_body_util::{BodyExt, Empty};
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal};
use sopwatch::config::profiles;
use sopwatch::runtime::clock::Clock;
use sopwatch_core::logparse::{ContainerKey, LineReader, LogPatterns};
use sopwatch_core::observe::observation::PodUid;
use sopwatch_drill::Drill;
use tokio::runtime::Handle;
use tower::ServiceExt;

use super::front::{Front, Source};
use super::pty::Pty;
use super::usage::{Usage, cpu_of, process, quantile, resident};
use super::{Effort, console, drill, figure, heading, quit, tools};

/// As much as is written to a connection at once.
const CHUNK: usize = 64 * 1024;

/// How long ago the logs begin.
const REACHES_BACK: SignedDuration = SignedDuration::from_hours(2);

/// One line in so many is about leaders.
const LEADER_LINE_IN: usize = 5_000;

/// Times each program reads the backlog; the best counts.
const ROUNDS: usize = 3;

/// Lines in the log of each pod where CPU time is compared.
const LINES_OF_CPU: usize = 100_000;

/// Of `kubectl`'s CPU time, as much as the console may need for the same logs.
const GOAL: f64 = 0.25;

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
    let kubectl = tools::is_on_path("kubectl");
    if !kubectl {
        println!("  kubectl is not on the path: nothing to compare with");
    }
    wall_time(&drill, log, &pods, kubectl);
    cpu_time(&drill, &pods, kubectl, effort.starts);
}

/// The console and `kubectl` in turn, and what the console needs meanwhile.
fn wall_time(drill: &Drill, log: Bytes, pods: &[String], kubectl: bool) {
    let folder = tempfile::tempdir().unwrap();
    let front = Front::before(drill, Backlog(log), folder.path());
    let (mut ours, mut theirs, mut one) = (Best::default(), Best::default(), Best::default());
    let mut used = (0.0, 0.0);
    for _ in 0..ROUNDS {
        ours.take(|| used = read_by_console(drill, &front.kubeconfig));
        if !kubectl {
            continue;
        }
        theirs.take(|| read_by_kubectl(&front.kubeconfig, pods));
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

/// The console and `kubectl` in turn, each from its start to its end, on a long backlog and on one of a line, which is a start alone.
fn cpu_time(drill: &Drill, pods: &[String], kubectl: bool, runs: usize) {
    let long = log(LINES_OF_CPU);
    let how = format!(
        "3 × {LINES_OF_CPU} lines, {} MB in all, over plain HTTP, {runs} runs each in turn after one that is not counted; user and system \
         time of the whole process, in steps of 10 ms. The console is killed once it shows the last line of each log. A start is the same \
         with one line",
        long.len() * 3 / 1_000_000
    );
    heading("Backlog, CPU time", &how);
    let mut of_long = CpuTimes::before(drill, long);
    let mut of_start = CpuTimes::before(drill, log(1));
    for run in 0..=runs {
        for times in [&mut of_long, &mut of_start] {
            let console = cpu_of(|| kill(console_with_all_read(drill, &times.front.kubeconfig)));
            let kubectl = kubectl.then(|| cpu_of(|| read_by_kubectl(&times.front.kubeconfig, pods)));
            if run > 0 {
                times.console.push(console);
                times.kubectl.extend(kubectl);
            }
        }
    }
    // before they are sorted
    let pairs = of_long.console.iter().zip(&of_long.kubectl);
    let mut ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
    let console = say_spread("console", &mut of_long.console, "s");
    let its_start = say_median("console, a start", &mut of_start.console, "s");
    if of_long.kubectl.is_empty() {
        return;
    }
    let theirs = say_spread("3 × kubectl logs > /dev/null", &mut of_long.kubectl, "s");
    let their_start = say_median("3 × kubectl logs, a start", &mut of_start.kubectl, "s");
    let goal = format!("(goal: at most {GOAL})");
    say_spread("console / kubectl, each turn", &mut ratios, "");
    figure("console / kubectl, of the medians", console / theirs, &goal);
    let without_starts = (console - its_start) / (theirs - their_start);
    figure("the same without the starts", without_starts, "");
}

/// CPU seconds of runs on one backlog.
struct CpuTimes {
    front: Front,
    console: Vec<f64>,
    kubectl: Vec<f64>,
    /// Of its kubeconfig.
    _folder: tempfile::TempDir,
}

impl CpuTimes {
    fn before(drill: &Drill, log: Bytes) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            front: Front::before(drill, Backlog(log), folder.path()),
            console: Vec::new(),
            kubectl: Vec::new(),
            _folder: folder,
        }
    }
}

/// Prints the median, which it returns.
fn say_median(what: &str, values: &mut [f64], unit: &str) -> f64 {
    values.sort_by(f64::total_cmp);
    let median = quantile(values, 0.5);
    figure(&format!("{what}, median"), median, unit);
    median
}

/// Prints median, least and most; returns the median.
fn say_spread(what: &str, values: &mut [f64], unit: &str) -> f64 {
    let median = say_median(what, values, unit);
    figure(&format!("{what}, least"), quantile(values, 0.0), unit);
    figure(&format!("{what}, most"), quantile(values, 1.0), unit);
    median
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
    let console = console_with_all_read(drill, kubeconfig);
    let it = process(&console);
    let used = (Usage::of(it).seconds(), resident(it).1);
    quit(console);
    used
}

/// The console, once it has searched each log.
fn console_with_all_read(drill: &Drill, kubeconfig: &Path) -> Pty {
    let mut console = console(drill, kubeconfig);
    console.until("the last line of each log is shown", |screen| {
        screen.contents().matches(LAST).count() == 3
    });
    console
}

/// Ends the console at once: its own way to end is not what is measured.
fn kill(mut console: Pty) {
    let it = i32::try_from(process(&console)).unwrap();
    rustix::process::kill_process(Pid::from_raw(it).unwrap(), Signal::KILL).unwrap();
    console.wait();
}

/// Prints logs to nowhere, all at once.
fn read_by_kubectl(kubeconfig: &Path, pods: &[String]) {
    let start = |pod: &String| {
        Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg("--cache-dir")
            .arg(kubeconfig.with_file_name("kubectl-cache"))
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
