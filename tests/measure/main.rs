//! Prints what the program costs: `cargo bench`, or in short `cargo bench --bench measure -- quick`.
//!
//! The release build of the console runs as a process of its own on a pseudo-terminal of 160×50, with logs, database poll and SOP
//! panel on. What it reads is served by this process: a drill, in the flood and in the backlog with a log server of its own before
//! it. Times are wall time on this machine and hold only beside what else was measured in the same run; CPU, memory, bytes and
//! requests hold by themselves.

#![allow(
    clippy::print_stdout,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the figures are what it is for, and a measurement that can't be made ends it"
)]

mod backlog;
mod flood;
mod front;
mod idle;
mod intent;
#[path = "../it/support/monitoring_settings.rs"]
mod monitoring_settings;
#[path = "../it/support/non_drill_cluster.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod non_drill_cluster;
#[path = "../it/support/patience.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod patience;
mod peers;
mod pods;
#[path = "../it/support/postgres.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod postgres;
#[path = "../it/support/pty.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod pty;
mod size;
mod soak;
#[path = "../it/support/soak.rs"]
#[allow(dead_code, reason = "the test uses the rest")]
mod soak_run;
mod startup;
#[path = "../it/support/tools.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod tools;
mod usage;

use std::path::Path;

use sopwatch::runtime::clock::Clock;
use sopwatch_drill::Drill;

use self::pty::Pty;

/// The program that is measured: what was built with this bench, or another build of it that `MEASURED_PROGRAM` names.
fn program() -> String {
    std::env::var("MEASURED_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_sopwatch").to_owned())
}

/// Columns and rows of its terminal.
const SIZE: (u16, u16) = (160, 50);

/// How thoroughly it is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// Starts of the console.
    starts: usize,
    /// Seconds of an idle console.
    idle: u64,
    /// Keys that are typed in the flood.
    keys: usize,
    /// Lines in the log of each pod in the backlog.
    lines: usize,
}

const THOROUGH: Effort = Effort {
    starts: 10,
    idle: 45,
    keys: 150,
    lines: 1_000_000,
};

const QUICK: Effort = Effort {
    starts: 3,
    idle: 10,
    keys: 40,
    lines: 100_000,
};

/// Takes the figures of one part and prints them.
type Measure = fn(Effort);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let effort = if named("quick") { QUICK } else { THOROUGH };
    let parts: [(&str, Measure); 8] = [
        ("startup", startup::measure),
        ("intent", intent::measure),
        ("idle", idle::measure),
        ("pods", pods::measure),
        ("size", size::measure),
        ("flood", flood::measure),
        ("backlog", backlog::measure),
        ("peers", peers::measure),
    ];
    let chosen = parts.iter().any(|(name, _)| named(name));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of this machine before: {}", load.trim());
    if named("soak") {
        soak::measure(&soak::Asked::of(&arguments));
        return;
    }
    for (name, measure) in parts {
        if named(name) || !chosen {
            measure(effort);
        }
    }
}

/// Says what the figures below are and how they are taken.
fn heading(title: &str, how: &str) {
    println!("\n{title}\n  {how}");
}

/// Prints one figure.
fn figure(what: &str, value: f64, unit: &str) {
    let digits = if value < 10.0 {
        2
    } else {
        usize::from(value < 100.0)
    };
    println!("  {what:<44}{value:>12.digits$} {unit}");
}

/// A drill in a folder, on which everything is well.
fn drill(folder: &Path) -> Drill {
    let options = sopwatch_drill::Options {
        scenario: sopwatch_drill::scenario("all-well").unwrap(),
        start: Clock::system().now(),
        speed: 1.0,
        seed: 1,
        folder: folder.to_owned(),
    };
    tokio::runtime::Handle::current()
        .block_on(Drill::start(options))
        .unwrap()
}

/// The console on a drill, with its metrics, alerts and tracker, or on a server before it.
fn console(drill: &Drill, kubeconfig: &Path) -> Pty {
    let config = kubeconfig.with_file_name("sopwatch.toml");
    std::fs::write(&config, monitoring_settings::of(drill)).unwrap();
    let (kubeconfig, config) = (kubeconfig.to_str().unwrap(), config.to_str().unwrap());
    Pty::start(
        &program(),
        &[
            "--kubeconfig",
            kubeconfig,
            "--config",
            config,
            "--sop",
            "api-down",
        ],
        &[],
        SIZE,
    )
}

/// Ends the console as an operator does.
fn quit(mut console: Pty) {
    console.type_keys("q");
    console.wait();
}
