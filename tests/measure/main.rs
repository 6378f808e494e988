//! Prints what the program costs, measured on a drill: `cargo bench`.
//!
//! The drill runs in this process, the console as a process of its own on a pseudo-terminal, so that its figures are its own.

#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

#[path = "../it/support/pty.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod pty;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sopwatch::drill::{self, Drill};
use sopwatch::runtime::clock::Clock;

use self::pty::Pty;

/// How long an idle console is watched.
const IDLE: Duration = Duration::from_secs(60);

/// Clock ticks of the kernel in a second.
const TICKS: f64 = 100.0;

fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let drill = start("all-well", folder.path()).await;
        let kubeconfig = drill.kubeconfig().to_string_lossy().into_owned();
        tokio::task::spawn_blocking(move || measure(&drill, &kubeconfig))
            .await
            .unwrap();
    });
}

async fn start(scenario: &str, folder: &Path) -> Drill {
    let scenario = drill::scenario(scenario).unwrap();
    let options = drill::Options {
        scenario,
        start: Clock::system().now(),
        speed: 1.0,
        seed: 1,
        folder: folder.to_owned(),
    };
    Drill::start(options).await.unwrap()
}

fn measure(drill: &Drill, kubeconfig: &str) {
    let program = env!("CARGO_BIN_EXE_sopwatch");
    let started = Instant::now();
    let mut console = Pty::start(program, &["--kubeconfig", kubeconfig], &[], (160, 50));
    let mut after = |what: &str, console: &mut Pty, text: &str| {
        console.until_shows(text);
        println!("{what:<34} {:>8.0} ms", started.elapsed().as_secs_f64() * 1_000.0);
    };
    after("first frame", &mut console, "sopwatch");
    after("first pods", &mut console, "2mgcp");
    after("leader known", &mut console, "ONE");
    idle(drill, &mut console);
    console.type_keys("q");
    console.wait();
}

/// The process's CPU time in seconds and its resident memory in MB.
fn usage(process: u32) -> (f64, f64) {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<f64> = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse().unwrap())
        .collect();
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or_default();
    let kilobytes: f64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    (fields.iter().sum::<f64>() / TICKS, kilobytes / 1_024.0)
}

/// Takes what the program writes for so long.
fn watch(console: &mut Pty, span: Duration) {
    let deadline = Instant::now() + span;
    while let Ok(bytes) = console
        .output
        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
    {
        console.show(&bytes);
    }
}

fn idle(drill: &Drill, console: &mut Pty) {
    let process = console.child.process_id().unwrap();
    watch(console, Duration::from_secs(15));
    let (cpu, _) = usage(process);
    let (bytes, requests) = (console.raw.len(), drill.api().requests().len());
    watch(console, IDLE);
    let (cpu_after, resident) = usage(process);
    let seconds = IDLE.as_secs_f64();
    println!(
        "idle CPU                           {:>8.2} % of a core",
        (cpu_after - cpu) / seconds * 100.0
    );
    println!("resident memory                    {resident:>8.1} MB");
    println!(
        "bytes to the terminal              {:>8.1} a second",
        (console.raw.len() - bytes) as f64 / seconds
    );
    let requests = drill.api().requests().split_off(requests);
    println!(
        "requests to the API server         {:>8.1} a minute",
        requests.len() as f64 / seconds * 60.0
    );
    let mut kinds = BTreeMap::new();
    for request in requests {
        *kinds
            .entry(format!(
                "{} {}",
                request.method,
                request.path.split('?').next().unwrap_or_default()
            ))
            .or_insert(0) += 1;
    }
    kinds
        .iter()
        .for_each(|(kind, count)| println!("  {count:>4} × {kind}"));
}
