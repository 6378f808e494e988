//! What a console costs while nothing happens but the service's own heartbeat.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sopwatch_drill::api::ReceivedRequest;
use sopwatch_drill::monitoring::MonitoringServer;

use super::pty::Pty;
use super::usage::{Usage, process, quantile, resident, watch};
use super::{Effort, console, drill, figure, heading, quit};

/// How long a console settles: one-time requests, the first watches' answers.
const SETTLES: Duration = Duration::from_secs(8);

/// How long no key is typed.
const RESTS: Duration = Duration::from_millis(330);

pub fn measure(effort: Effort) {
    let how = format!(
        "{} s of a console on a drill where all is well, after {} s to settle: /proc/PID/stat and status, bytes read from its \
         terminal, requests as the drill's API server counts them; then times from a key to its frame",
        effort.idle,
        SETTLES.as_secs()
    );
    heading("Idle", &how);
    let folder = tempfile::tempdir().unwrap();
    let drill = drill(folder.path());
    let mut console = console(&drill, drill.kubeconfig());
    console.until_shows("NO ACTION NEEDED");
    watch(&mut console, SETTLES);
    let (us, it) = (std::process::id(), process(&console));
    let before = (Usage::of(it), Usage::of(us));
    let (bytes, requests) = (console.raw.len(), drill.api().requests().len());
    let asked = MonitoringServer::ALL.map(|server| drill.monitoring().requests(server).len());
    watch(&mut console, Duration::from_secs(effort.idle));
    let after = (Usage::of(it), Usage::of(us));
    let seconds = effort.idle as f64;
    figure("CPU", after.0.percent_since(&before.0), "% of a core");
    let (now, most) = resident(it);
    figure("resident memory", now, "MB");
    figure("resident memory, most so far", most, "MB");
    let written = (console.raw.len() - bytes) as f64;
    figure("to the terminal", written / seconds, "bytes/s");
    say_requests(&drill.api().requests().split_off(requests), seconds);
    for (server, before) in MonitoringServer::ALL.into_iter().zip(asked) {
        let since = drill.monitoring().requests(server).len() - before;
        figure(
            &format!("requests for {}", server.name()),
            since as f64 / seconds * 60.0,
            "a minute",
        );
    }
    figure(
        "CPU of the drill itself",
        after.1.percent_since(&before.1),
        "% of a core",
    );
    let mut times = keys(&mut console, effort.starts * 2);
    times.sort_by(f64::total_cmp);
    figure(
        "key to the first byte of its frame, median",
        quantile(&times, 0.5),
        "ms",
    );
    figure(
        "key to the first byte of its frame, worst",
        quantile(&times, 1.0),
        "ms",
    );
    quit(console);
}

/// The focus goes to and fro, each time after a rest in which nothing else may keep the console awake.
fn keys(console: &mut Pty, count: usize) -> Vec<f64> {
    let mut times = Vec::new();
    for key in ["1", "2"].into_iter().cycle().take(count) {
        watch(console, RESTS);
        let typed = Instant::now();
        console.type_keys(key);
        let bytes = console.output.recv().unwrap();
        times.push(typed.elapsed().as_secs_f64() * 1_000.0);
        console.show(&bytes);
    }
    times
}

/// Requests by what they ask.
fn say_requests(requests: &[ReceivedRequest], seconds: f64) {
    let a_minute = |count: usize| count as f64 / seconds * 60.0;
    figure("requests to the API server", a_minute(requests.len()), "a minute");
    let lists = requests.iter().filter(|seen| is_list(seen)).count();
    figure("of these lists", a_minute(lists), "a minute");
    let mut kinds = BTreeMap::new();
    for seen in requests {
        let path = seen.path.split('?').next().unwrap_or_default();
        *kinds.entry(format!("{} {path}", seen.method)).or_insert(0) += 1;
    }
    for (kind, count) in kinds {
        println!("      {count:>3} × {kind}");
    }
}

/// Whether a request asks for all objects of a kind, not for one of them or for changes.
fn is_list(seen: &ReceivedRequest) -> bool {
    let (path, query) = seen.path.split_once('?').unwrap_or((&seen.path, ""));
    let kinds = ["/pods", "/events", "/deployments", "/replicasets", "/secrets"];
    seen.method == "GET" && !query.contains("watch=") && kinds.iter().any(|kind| path.ends_with(kind))
}
