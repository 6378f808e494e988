//! From the start of the process to what is on the screen.

use std::time::Instant;

use super::usage::quantile;
use super::{Effort, console, drill, figure, heading, quit};

/// What is waited for, and the text on the screen that shows it.
const STATES: [(&str, &str); 4] = [
    ("first frame", "4 SOP"),
    ("first pods", "3 of 3 ready"),
    ("first leader", "heartbeat"),
    ("diagnosis complete", "NO ACTION NEEDED"),
];

pub fn measure(effort: Effort) {
    let how = format!(
        "wall time from starting the process to the text on its terminal; median and worst of {} starts",
        effort.starts
    );
    heading("Start", &how);
    let folder = tempfile::tempdir().unwrap();
    let drill = drill(folder.path());
    let mut times = STATES.map(|_| Vec::new());
    for _ in 0..effort.starts {
        let started = Instant::now();
        let mut console = console(&drill, drill.kubeconfig());
        for ((_, text), times) in STATES.iter().zip(&mut times) {
            console.until_shows(text);
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
        }
        quit(console);
    }
    for ((what, _), times) in STATES.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        figure(&format!("{what}, median"), quantile(times, 0.5), "ms");
        figure(&format!("{what}, worst"), quantile(times, 1.0), "ms");
    }
}
