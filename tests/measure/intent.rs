//! From the key that confirms a change to its intent on disk, and to the server's answer.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use sopwatch::journal::reader::read;
use sopwatch_core::record::{Entry, Line};

use super::pty::Pty;
use super::usage::{quantile, watch};
use super::{Effort, SIZE, drill, figure, heading, program, quit};

pub fn measure(effort: Effort) {
    let how = format!(
        "a pod is restarted on a drill where all is well: wall time from typing the confirming key to the intent's line in the record, \
         which is synced before the request goes out; and by the record's own times from there to the server's answer; median and \
         worst of {}",
        effort.starts
    );
    heading("Intent", &how);
    let (mut written, mut answered) = (Vec::new(), Vec::new());
    for _ in 0..effort.starts {
        let folder = tempfile::tempdir().unwrap();
        let drill = drill(folder.path());
        let state = folder.path().to_str().unwrap();
        let kubeconfig = drill.kubeconfig().to_str().unwrap();
        let arguments = ["--kubeconfig", kubeconfig, "--sop", "api-down"];
        let mut console = Pty::start(&program(), &arguments, &[("XDG_STATE_HOME", state)], SIZE);
        console.until_shows("NO ACTION NEEDED");
        console.type_keys("1X");
        console.until_shows("Dry run OK");
        let records = folder.path().join("sopwatch/incidents");
        let file = fs::read_dir(records).unwrap().next().unwrap().unwrap().path();
        written.push(until_intended(&mut console, &file));
        console.until_shows("RESTART 1/1");
        answered.push(answered_after(&mut console, &file));
        quit(console);
    }
    for (what, mut times) in [("key to intent on disk", written), ("intent to answer", answered)] {
        times.sort_by(f64::total_cmp);
        figure(&format!("{what}, median"), quantile(&times, 0.5), "ms");
        figure(&format!("{what}, worst"), quantile(&times, 1.0), "ms");
    }
}

/// Confirms, and reads the file until the intent stands in it.
fn until_intended(console: &mut Pty, file: &Path) -> f64 {
    let typed = Instant::now();
    console.confirm();
    loop {
        let text = fs::read(file).unwrap();
        let took = typed.elapsed();
        let lines = text.rsplit(|byte| *byte == b'\n').take(20);
        if lines
            .into_iter()
            .any(|line| contains(line, br#""kind":"intent""#))
        {
            return took.as_secs_f64() * 1_000.0;
        }
        // Who reads without a pause keeps the writer from the file.
        thread::sleep(Duration::from_micros(200));
    }
}

fn contains(line: &[u8], what: &[u8]) -> bool {
    line.windows(what.len()).any(|bytes| bytes == what)
}

fn answered_after(console: &mut Pty, file: &Path) -> f64 {
    loop {
        let lines = read(file).unwrap().lines;
        let at = |wanted: fn(&Entry) -> bool| lines.iter().find(|line: &&Line| wanted(&line.entry));
        let intent = at(|entry| matches!(entry, Entry::Intent(_)));
        let outcome = at(|entry| matches!(entry, Entry::Outcome { .. }));
        if let (Some(intent), Some(outcome)) = (intent, outcome) {
            return outcome.at.duration_since(intent.at).as_secs_f64() * 1_000.0;
        }
        watch(console, Duration::from_millis(20));
    }
}
