//! Hours with the console: a flood of log lines that rotates the logs, and restarts of what it reads. Does anything grow?
//!
//! `cargo bench --bench measure -- soak --minutes 120` runs a drill of its own process in real time and a console beside it.
//! `cargo bench --bench measure -- soak --minutes 24 --speed 20 --lines 50` lets eight hours of a drill pass in 24 minutes; there the
//! console is in the drill's process, since it needs the drill's clock.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::pty::Pty;
use super::usage::{Usage, process, quantile, resident, watch};
use super::{SIZE, figure, heading, program, quit};

/// Pods of the service.
const PODS: u32 = 3;

/// Lines that one request leaves in a log, as the drill's service logs them: the mean.
const LINES_OF_A_REQUEST: f64 = 3.0;

/// Minutes of the drill from one round of faults to the next.
const ROUND: u32 = 20;

/// What happens in a round: the minute in it, and an event of the timeline.
const FAULTS: [(u32, &str); 10] = [
    (1, "api = { restart = 20 }"),
    (3, "database = 'starting'"),
    (4, "database_heals = true"),
    (6, "api = 'cut_logs'"),
    (8, "api = 'expire_watches'"),
    (10, "delete_pods = 1"),
    (13, "database = 'refused'"),
    (14, "database_heals = true"),
    (16, "api = 'reset_streams'"),
    (18, "crash_pods = 1"),
];

/// The share of the samples at the beginning that is not judged: caches fill, the past is read.
const WARM_UP: f64 = 0.1;

/// How many samples a run takes, about.
const SAMPLES: u32 = 240;

/// The shortest pause between two samples.
const SHORTEST: Duration = Duration::from_secs(2);

/// What is asked for on the command line.
pub struct Asked {
    /// How long it runs.
    minutes: f64,
    /// Seconds of the drill in a second.
    speed: f64,
    /// Lines that each pod writes in a second of the drill.
    lines: f64,
}

impl Asked {
    /// From the arguments after `soak`.
    pub fn of(arguments: &[String]) -> Self {
        let number = |name: &str, usual: f64| {
            let place = arguments.iter().position(|argument| argument == name);
            let value = place.and_then(|place| arguments.get(place + 1));
            value.map_or(usual, |value| value.parse().expect("a number"))
        };
        Self {
            minutes: number("--minutes", 10.0),
            speed: number("--speed", 1.0),
            lines: number("--lines", 1_000.0),
        }
    }

    fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    /// How much of the drill's time passes.
    fn drill_minutes(&self) -> f64 {
        self.minutes * self.speed
    }
}

/// A process that is watched.
struct Watched {
    name: &'static str,
    id: u32,
    log: PathBuf,
    samples: Vec<Sample>,
}

/// What a process has at one moment.
struct Sample {
    /// MB.
    resident: f64,
    descriptors: usize,
    threads: usize,
    /// As the program itself counts them.
    tasks: Option<usize>,
}

impl Watched {
    fn new(name: &'static str, id: u32, log: PathBuf) -> Self {
        Self {
            name,
            id,
            log,
            samples: Vec::new(),
        }
    }

    fn look(&mut self) -> &Sample {
        let of = |what: &str| {
            let entries = std::fs::read_dir(format!("/proc/{}/{what}", self.id));
            entries.expect("the process lives").count()
        };
        self.samples.push(Sample {
            resident: resident(self.id).0,
            descriptors: of("fd"),
            threads: of("task"),
            tasks: last_tasks(&self.log),
        });
        self.samples.last().expect("one was pushed")
    }

    /// The middle of one figure in a part of the run, from 0 to 1.
    fn middle(&self, part: (f64, f64), figure: impl Fn(&Sample) -> f64) -> f64 {
        let place = |share: f64| (self.samples.len() as f64 * share) as usize;
        let mut values: Vec<f64> = self.samples[place(part.0)..place(part.1)]
            .iter()
            .map(figure)
            .collect();
        values.sort_by(f64::total_cmp);
        quantile(&values, 0.5)
    }
}

/// The tasks of the newest line about them in the program's log file.
fn last_tasks(log: &Path) -> Option<usize> {
    let text = std::fs::read_to_string(log).ok()?;
    let (_, after) = text.rsplit_once("tasks=")?;
    after
        .split(|next: char| !next.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

pub fn measure(asked: &Asked) {
    let how = format!(
        "{} min at {} times speed, {PODS} pods × {} lines/s; every {ROUND} min of the drill the API server restarts, the database goes \
         away twice, streams are cut, a pod is deleted and one crashes; the first half of what follows the warm-up against the second",
        asked.minutes, asked.speed, asked.lines
    );
    heading("Soak", &how);
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("soak.toml");
    std::fs::write(&scenario, scenario_of(asked)).unwrap();
    let scenario = scenario.to_str().unwrap();
    let state = folder.path().join("state");
    let apart = asked.speed <= 1.0;
    let log = |name: &str| folder.path().join(format!("{name}.log"));
    let server = apart.then(|| Server::start(scenario, &log("drill")));
    let console_log = log("console");
    let variables = [
        ("XDG_STATE_HOME", state.to_str().unwrap()),
        ("SOPWATCH_LOG_FILE", console_log.to_str().unwrap()),
        ("RUST_LOG", LOG_FILTER),
    ];
    let speed = asked.speed.to_string();
    let arguments: Vec<&str> = match &server {
        Some(server) => vec!["--kubeconfig", &server.kubeconfig, "--sop", "api-down"],
        None => vec!["drill", scenario, "--speed", &speed],
    };
    let mut console = Pty::start(&program(), &arguments, &variables, SIZE);
    console.until_shows("3 of 3 ready");
    let mut watched = vec![Watched::new("console", process(&console), console_log)];
    if let Some(server) = &server {
        watched.push(Watched::new("drill", server.child.id(), log("drill")));
    }
    let before: Vec<Usage> = watched.iter().map(|one| Usage::of(one.id)).collect();
    let began = Instant::now();
    let pause = (asked.duration() / SAMPLES).max(SHORTEST);
    let mut records = Vec::new();
    let mut keys = Vec::new();
    while began.elapsed() < asked.duration() {
        watch(&mut console, pause);
        keys.push(type_a_key(&mut console, keys.len()));
        console.raw.clear();
        records.push(size_of(&state) as f64 / 1e6);
        say_sample(began, &mut watched, records.last().copied().unwrap_or_default());
    }
    let after: Vec<f64> = watched
        .iter()
        .zip(&before)
        .map(|(one, before)| Usage::of(one.id).percent_since(before))
        .collect();
    judge(asked, &watched, &after, &records);
    keys.sort_by(f64::total_cmp);
    figure("key to frame, median", quantile(&keys, 0.5), "ms");
    figure("key to frame, worst", quantile(&keys, 1.0), "ms");
    println!("  the last screen:\n{}", console.screen().contents());
    quit(console);
}

/// What the log files get: how many tasks there are, and what goes wrong.
const LOG_FILTER: &str = "warn,sopwatch::runtime::task_count=debug";

/// A drill as a process of its own.
struct Server {
    child: Child,
    kubeconfig: String,
}

impl Server {
    fn start(scenario: &str, log: &Path) -> Self {
        let mut child = Command::new(program())
            .args(["drill", scenario, "--serve"])
            .env("SOPWATCH_LOG_FILE", log)
            .env("RUST_LOG", LOG_FILTER)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stdout.take().unwrap());
        let kubeconfig = told.lines().map_while(Result::ok).find_map(|line| {
            let path = line.strip_prefix("export KUBECONFIG=")?;
            Some(path.trim_matches('\'').to_owned())
        });
        Self {
            child,
            kubeconfig: kubeconfig.expect("the drill says where it is"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// The scenario: a load that leaves so many lines, and rounds of faults.
fn scenario_of(asked: &Asked) -> String {
    let requests = asked.lines * f64::from(PODS) * 60.0 / LINES_OF_A_REQUEST;
    let mut text = format!(
        "id = 'soak'\ntitle = 'Soak'\nstory = 'Hours of a busy service whose surroundings fail now and then.'\nsop = 'api-down'\n\
         [deployment]\npods_age = '10m'\n\
         [service]\ncreations_per_hour = 30\ndeletions_per_hour = 30\n\
         [[database.clusters]]\nstatus = 'ready'\ncount = 4\nidle = '80d'\nage = '80d'\nregion = 'us-east-1'\n\
         cloud_provider = 'aws'\nmulti_az = true\n\
         [[database.kafkas]]\nstatus = 'ready'\ncount = 12\nidle = '3d'\nage = '21d'\nregion = 'us-east-1'\n\
         cloud_provider = 'aws'\nmulti_az = true\n\
         [[timeline]]\nat = '2s'\nservice = {{ load = {{ requests_per_minute = {}, capacity = 1000000 }} }}\n",
        requests.round()
    );
    let rounds = (asked.drill_minutes() / f64::from(ROUND)).ceil() as u32;
    for round in 0..rounds {
        for (minute, event) in FAULTS {
            // writing to a String cannot fail
            let _ = write!(
                text,
                "[[timeline]]\nat = '{}m'\n{event}\n",
                round * ROUND + minute
            );
        }
    }
    text
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

fn say_sample(began: Instant, watched: &mut [Watched], record: f64) {
    let mut line = format!("  {:>6.0} s", began.elapsed().as_secs_f64());
    for one in watched {
        let name = one.name;
        let sample = one.look();
        let tasks = sample.tasks.map_or("-".to_owned(), |tasks| tasks.to_string());
        // writing to a String cannot fail
        let _ = write!(
            line,
            "  {name} {:.1} MB {} fd {} threads {tasks} tasks",
            sample.resident, sample.descriptors, sample.threads
        );
    }
    println!("{line}  record {record:.2} MB");
}

/// Bytes of all files below a folder.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries.filter_map(Result::ok).map(|entry| {
        let kind = entry.metadata();
        match kind {
            Ok(kind) if kind.is_dir() => size_of(&entry.path()),
            Ok(kind) => kind.len(),
            Err(_) => 0,
        }
    });
    sizes.sum()
}

/// Memory that may be more in the second half: a share, and MB.
const GROWTH: (f64, f64) = (0.05, 2.0);

/// Descriptors, threads and tasks that may be more in the second half.
const MORE: f64 = 3.0;

fn judge(asked: &Asked, watched: &[Watched], cpu: &[f64], records: &[f64]) {
    let half = f64::midpoint(WARM_UP, 1.0);
    let (first, second) = ((WARM_UP, half), (half, 1.0));
    let mut grown = Vec::new();
    for (one, cpu) in watched.iter().zip(cpu) {
        let name = one.name;
        figure(&format!("{name}: CPU"), *cpu, "% of a core");
        figure(&format!("{name}: resident, most"), resident(one.id).1, "MB");
        let mut compare = |what: &str, figure: &dyn Fn(&Sample) -> f64, most: &dyn Fn(f64) -> f64| {
            let (before, after) = (one.middle(first, figure), one.middle(second, figure));
            println!("  {name}: {what:<34} {before:>10.1} → {after:.1}");
            if after > most(before) {
                grown.push(format!("{name}: {what} from {before:.1} to {after:.1}"));
            }
        };
        compare("resident, MB", &|sample| sample.resident, &|before| {
            before * (1.0 + GROWTH.0) + GROWTH.1
        });
        let counted = |before: f64| before + MORE;
        compare("descriptors", &|sample| sample.descriptors as f64, &counted);
        compare("threads", &|sample| sample.threads as f64, &counted);
        if one.samples.iter().all(|sample| sample.tasks.is_some()) {
            compare(
                "tasks",
                &|sample| sample.tasks.unwrap_or_default() as f64,
                &counted,
            );
        }
    }
    let hours = asked.drill_minutes() / 60.0;
    let last = records.last().copied().unwrap_or_default();
    figure("record", last, "MB");
    figure("record, for an hour of the incident", last / hours, "MB");
    if grown.is_empty() {
        println!("  verdict: flat, nothing leaked");
    } else {
        println!("  verdict: GROWN: {}", grown.join("; "));
    }
}
