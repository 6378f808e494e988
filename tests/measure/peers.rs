//! The console beside other terminal programs for a cluster, those of them that are on the path.

use std::path::Path;
use std::time::{Duration, Instant};

use super::pty::Pty;
use super::usage::{Usage, process, quantile, resident, watch};
use super::{Effort, SIZE, console, drill, figure, heading, tools};
use sopwatch_drill::Drill;

/// How long a program settles before it is watched.
const SETTLES: Duration = Duration::from_secs(10);

/// How long something is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the pods of the drill are.
const NAMESPACE: &str = "managed-services-stage";

/// How a program is started on the pods of the context's namespace, without the right to change anything where it has such a switch.
const PEERS: [(&str, &[&str]); 3] = [
    ("sofka", &["pods", "--readonly"]),
    ("kubetui", &["--namespaces", NAMESPACE]),
    ("kdash", &["--namespace", NAMESPACE]),
];

pub fn measure(effort: Effort) {
    let how = format!(
        "each on the same drill where all is well: wall time from starting the process to the three pods on its terminal, {} starts each in \
         turn; then {} s after {} s to settle: /proc/PID/stat and status, bytes read from its terminal. Only the console reads logs, \
         database and monitoring meanwhile",
        effort.starts,
        effort.idle,
        SETTLES.as_secs()
    );
    heading("Peers", &how);
    let (folder, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let drill = drill(folder.path());
    let mut programs = vec![Program::console()];
    for (name, arguments) in PEERS {
        if tools::is_on_path(name) {
            programs.push(Program::peer(name, arguments));
        } else {
            println!("  {name} is not on the path: left out");
        }
    }
    programs.retain(|program| program.can_show_pods(&drill, home.path()));
    for _ in 0..effort.starts {
        for program in &mut programs {
            let started = Instant::now();
            let mut terminal = program.start(&drill, home.path());
            until_pods(&mut terminal).expect("it showed them before");
            program.starts.push(started.elapsed().as_secs_f64() * 1_000.0);
            end(terminal);
        }
    }
    for program in &mut programs {
        println!("  {}", program.name);
        program.starts.sort_by(f64::total_cmp);
        for (what, share) in [("median", 0.5), ("fastest", 0.0), ("slowest", 1.0)] {
            figure(
                &format!("  first pods, {what}"),
                quantile(&program.starts, share),
                "ms",
            );
        }
        let mut terminal = program.start(&drill, home.path());
        until_pods(&mut terminal).expect("it showed them before");
        watch(&mut terminal, SETTLES);
        let it = process(&terminal);
        let (before, bytes) = (Usage::of(it), terminal.raw.len());
        watch(&mut terminal, Duration::from_secs(effort.idle));
        let after = Usage::of(it);
        figure("  CPU, idle", after.percent_since(&before), "% of a core");
        let written = (terminal.raw.len() - bytes) as f64;
        figure("  to the terminal, idle", written / effort.idle as f64, "bytes/s");
        let (now, _) = resident(it);
        figure("  resident memory, idle", now, "MB");
        figure("  of it anonymous", anonymous(it), "MB");
        end(terminal);
    }
}

/// A program that shows pods.
struct Program {
    name: &'static str,
    /// `None`: our own console.
    arguments: Option<&'static [&'static str]>,
    /// From the start to the pods, in milliseconds.
    starts: Vec<f64>,
}

impl Program {
    fn console() -> Self {
        Self {
            name: "sopwatch",
            arguments: None,
            starts: Vec::new(),
        }
    }

    fn peer(name: &'static str, arguments: &'static [&'static str]) -> Self {
        Self {
            name,
            arguments: Some(arguments),
            starts: Vec::new(),
        }
    }

    /// Starts it. A peer finds no settings of whoever runs this, and leaves its files in the home that it is given.
    fn start(&self, drill: &Drill, home: &Path) -> Pty {
        let Some(arguments) = self.arguments else {
            return console(drill, drill.kubeconfig());
        };
        let (kubeconfig, home) = (drill.kubeconfig().to_str().unwrap(), home.to_str().unwrap());
        let variables = [
            ("KUBECONFIG", kubeconfig),
            ("HOME", home),
            ("XDG_CONFIG_HOME", home),
            ("XDG_CACHE_HOME", home),
            ("XDG_DATA_HOME", home),
        ];
        Pty::start(self.name, arguments, &variables, SIZE)
    }

    /// Whether it works on the drill, tried before anything is measured. Where it doesn't, says what it shows instead.
    fn can_show_pods(&self, drill: &Drill, home: &Path) -> bool {
        let mut terminal = self.start(drill, home);
        let shows = until_pods(&mut terminal);
        if shows.is_none() {
            let seconds = PATIENCE.as_secs();
            println!(
                "  {} is left out: it showed no three pods within {seconds} s, but",
                self.name
            );
            println!("{}", terminal.screen().contents());
        }
        end(terminal);
        shows.is_some()
    }
}

/// What a program may ask its terminal at the start, and an answer. Without one it may wait for a second.
const ANSWERS: [(&str, &str); 4] = [
    ("\u{1b}[6n", "\u{1b}[1;1R"),
    ("\u{1b}]10;?", "\u{1b}]10;rgb:ffff/ffff/ffff\u{1b}\\"),
    ("\u{1b}]11;?", "\u{1b}]11;rgb:0000/0000/0000\u{1b}\\"),
    ("\u{1b}[c", "\u{1b}[?62;22c"),
];

/// Waits until each of the three pods is on the terminal, which answers meanwhile what it is asked. `None`: they don't come.
fn until_pods(terminal: &mut Pty) -> Option<()> {
    let deadline = Instant::now() + PATIENCE;
    let shows_pods = |screen: &vt100::Screen| {
        let rows = screen.rows(0, u16::MAX).filter(|row| row.contains("1/1"));
        rows.count() >= 3
    };
    while !shows_pods(terminal.screen()) {
        let left = deadline.saturating_duration_since(Instant::now());
        let bytes = terminal.output.recv_timeout(left).ok()?;
        terminal.show(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        for (_, answer) in ANSWERS.iter().filter(|(question, _)| text.contains(question)) {
            terminal.type_keys(answer);
        }
    }
    Some(())
}

/// A peer may ask before it ends: nothing is lost with it.
fn end(mut terminal: Pty) {
    terminal.child.kill().unwrap();
    terminal.wait();
}

/// Resident memory that is no file's, in MB.
fn anonymous(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
}
