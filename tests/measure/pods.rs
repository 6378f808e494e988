//! What a service of many pods costs: however many there are, streams and requests stay few.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use sopwatch::runtime::clock::Clock;
use sopwatch_drill::Drill;

use super::pty::Pty;
use super::usage::{Usage, process, resident, watch};
use super::{Effort, console, figure, heading, quit};

/// Pods of the service.
const COUNTS: [u32; 3] = [3, 100, 500];

/// How often the open streams are counted.
const LOOKS: Duration = Duration::from_millis(200);

pub fn measure(effort: Effort) {
    let how = format!(
        "{} s of an idle console on a quiet service of so many pods, after all logs were read once: requests as the drill's API \
         server counts them, /proc/PID/stat and status, and the most log streams that were open at a time since the start",
        effort.idle
    );
    heading("Many pods", &how);
    for count in COUNTS {
        measure_with(count, effort);
    }
}

fn measure_with(count: u32, effort: Effort) {
    let folder = tempfile::tempdir().unwrap();
    let drill = drill_of(count, folder.path());
    let started = Instant::now();
    let mut console = console(&drill, drill.kubeconfig());
    let mut most_open = 0;
    let mut look = |console: &mut Pty, span: Duration| {
        let end = Instant::now() + span;
        while Instant::now() < end {
            watch(console, LOOKS);
            most_open = most_open.max(drill.api().open_logs());
        }
    };
    console.until_shows(&format!("{count} of {count} ready"));
    let ready = started.elapsed().as_secs_f64();
    look(&mut console, settles(count));
    let it = process(&console);
    let (before, requests) = (Usage::of(it), drill.api().requests().len());
    look(&mut console, Duration::from_secs(effort.idle));
    let after = Usage::of(it);
    let requests = drill.api().requests().split_off(requests);
    let of_logs = requests.iter().filter(|seen| seen.path.contains("/log?")).count();
    let a_second = |count: usize| count as f64 / effort.idle as f64;
    println!("  {count} pods");
    figure("  all pods on the screen after", ready, "s");
    figure(
        "  requests to the API server",
        a_second(requests.len()),
        "a second",
    );
    figure("  of these for logs", a_second(of_logs), "a second");
    figure("  log streams open, at most", most_open as f64, "");
    figure("  CPU", after.percent_since(&before), "% of a core");
    let (now, most) = resident(it);
    figure("  resident memory", now, "MB");
    figure("  resident memory, most so far", most, "MB");
    quit(console);
}

/// How long it takes until each log was read once, on a slow machine.
fn settles(pods: u32) -> Duration {
    Duration::from_secs(10 + u64::from(pods / 20))
}

/// A drill on which all is well, with so many pods that are a few minutes old: the past is lived through at the start.
fn drill_of(pods: u32, folder: &std::path::Path) -> Drill {
    let mut scenario = sopwatch_drill::scenario("all-well").unwrap();
    scenario.deployment.replicas = pods;
    scenario.deployment.pods_age = SignedDuration::from_mins(5);
    let options = sopwatch_drill::Options {
        scenario,
        start: Clock::system().now(),
        speed: 1.0,
        seed: 1,
        folder: folder.to_owned(),
    };
    tokio::runtime::Handle::current()
        .block_on(Drill::start(options))
        .unwrap()
}
