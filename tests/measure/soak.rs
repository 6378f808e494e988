//! Hours with the console: a flood of log lines that rotates the logs, and restarts of what it reads.
//!
//! `cargo bench --bench measure -- soak --minutes 120` runs a drill of its own process in real time and a console beside it;
//! `cargo bench --bench measure -- soak --minutes 24 --speed 20 --lines 50` lets eight hours of a drill pass in 24 minutes.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::pty::Pty;
use super::soak_run::{Load, PODS, ROUND, Soak};
use super::usage::{Usage, quantile, resident, watch};
use super::{figure, heading, program, quit};

/// How many samples a run takes, about.
const SAMPLES: u32 = 240;

/// The shortest pause between two samples.
const SHORTEST: Duration = Duration::from_secs(2);

/// What is asked for on the command line.
pub struct Asked {
    minutes: f64,
    load: Load,
}

impl Asked {
    /// From the arguments after `soak`.
    pub fn of(arguments: &[String]) -> Self {
        let number = |name: &str, usual: f64| {
            let place = arguments.iter().position(|argument| argument == name);
            let value = place.and_then(|place| arguments.get(place + 1));
            value.map_or(usual, |value| value.parse().expect("a number"))
        };
        let (minutes, speed) = (number("--minutes", 10.0), number("--speed", 1.0));
        Self {
            minutes,
            load: Load {
                drill_minutes: minutes * speed,
                speed,
                lines: number("--lines", 1_000.0),
            },
        }
    }
}

pub fn measure(asked: &Asked) {
    let Load { speed, lines, .. } = asked.load;
    let how = format!(
        "{} min at {speed} times speed, {PODS} pods × {lines} lines/s; every {ROUND} min of the drill the API server restarts, the \
         database goes away twice, streams are cut, a pod is deleted and one crashes; of what follows the warm-up, the first half \
         against the second",
        asked.minutes
    );
    heading("Soak", &how);
    let mut soak = Soak::start(&program(), &asked.load);
    let before: Vec<Usage> = soak.watched.iter().map(|one| Usage::of(one.id)).collect();
    let (began, lasts) = (Instant::now(), Duration::from_secs_f64(asked.minutes * 60.0));
    let pause = (lasts / SAMPLES).max(SHORTEST);
    let mut keys = Vec::new();
    while began.elapsed() < lasts {
        watch(&mut soak.console, pause);
        keys.push(type_a_key(&mut soak.console, keys.len()));
        soak.console.raw.clear();
        soak.look();
        say_sample(began, &soak);
    }
    for (one, before) in soak.watched.iter().zip(&before) {
        let name = one.name;
        let cpu = Usage::of(one.id).percent_since(before);
        figure(&format!("{name}: CPU"), cpu, "% of a core");
        figure(&format!("{name}: resident, most"), resident(one.id).1, "MB");
    }
    keys.sort_by(f64::total_cmp);
    figure("key to frame, median", quantile(&keys, 0.5), "ms");
    figure("key to frame, worst", quantile(&keys, 1.0), "ms");
    judge(asked, &soak);
    quit(soak.console);
}

/// Moves the focus to and fro and looks at the logs in each way; milliseconds until a frame shows the focus.
fn type_a_key(console: &mut Pty, number: usize) -> f64 {
    if number.is_multiple_of(5) {
        console.type_keys(["2L", "2E", "2A"][number / 5 % 3]);
    }
    let (key, mark) = [("1", "▸1 "), ("4", "▸4 ")][number % 2];
    let typed = Instant::now();
    console.type_keys(key);
    console.until_shows(mark);
    typed.elapsed().as_secs_f64() * 1_000.0
}

fn say_sample(began: Instant, soak: &Soak) {
    let mut line = format!("  {:>6.0} s", began.elapsed().as_secs_f64());
    for one in &soak.watched {
        let Some(sample) = one.samples.last() else {
            continue;
        };
        let tasks = sample.tasks.map_or("-".to_owned(), |tasks| tasks.to_string());
        // writing to a String cannot fail
        let _ = write!(
            line,
            "  {} {:.1} MB {} fd {} threads {tasks} tasks",
            one.name, sample.resident, sample.descriptors, sample.threads
        );
    }
    let record = soak.records.last().copied().unwrap_or_default();
    println!("{line}  record {:.2} MB", record as f64 / 1e6);
}

fn judge(asked: &Asked, soak: &Soak) {
    let compared = soak.compared();
    for one in &compared {
        println!("  {:<44}{:>12.1} → {:.1}", one.what, one.before, one.after);
    }
    let record = soak.records.last().copied().unwrap_or_default() as f64 / 1e6;
    figure("record", record, "MB");
    let hours = asked.load.drill_minutes / 60.0;
    figure("record, for an hour of the incident", record / hours, "MB");
    let grown: Vec<&str> = compared
        .iter()
        .filter(|one| one.grown)
        .map(|one| one.what.as_str())
        .collect();
    if grown.is_empty() {
        println!("  verdict: flat, nothing leaked");
    } else {
        println!("  verdict: GROWN: {}", grown.join(", "));
    }
}
