//! Hours of the console on a busy service whose surroundings fail now and then: does anything grow?
//!
//! A soak starts the program on a scenario of its own and looks at its processes again and again: memory, descriptors, threads, tasks, and
//! the size of the record. The bench runs it for hours, a test for less than a minute.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::pty::Pty;

/// Pods of the service.
pub const PODS: u32 = 3;

/// Lines that one request leaves in a log, as the drill's service logs them: the mean.
const LINES_OF_A_REQUEST: f64 = 3.0;

/// Minutes of the drill from one round of faults to the next.
pub const ROUND: u32 = 20;

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

/// Memory that may be more in the second half: a share, and MB.
const GROWTH: (f64, f64) = (0.05, 2.0);

/// Descriptors, threads and tasks that may be more in the second half.
const MORE: f64 = 3.0;

/// Columns and rows of the console's terminal.
const SIZE: (u16, u16) = (160, 50);

/// What the log files get: how many tasks there are, and what goes wrong.
const LOG_FILTER: &str = "warn,sopwatch::runtime::task_count=debug";

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Minutes of the drill for which there are faults.
    pub drill_minutes: f64,
    /// Seconds of the drill in a second. Where it is more than one, the console is in the drill's process: it needs the drill's clock.
    pub speed: f64,
    /// Lines that each pod writes in a second of the drill.
    pub lines: f64,
}

/// A running soak.
pub struct Soak {
    /// The console's terminal.
    pub console: Pty,
    /// The processes.
    pub watched: Vec<Watched>,
    /// Bytes of the record at each look.
    pub records: Vec<u64>,
    state: PathBuf,
    _server: Option<Server>,
    _folder: TempDir,
}

/// A process that is watched.
pub struct Watched {
    /// What it is.
    pub name: &'static str,
    /// Its id.
    pub id: u32,
    /// What was seen of it.
    pub samples: Vec<Sample>,
    log: PathBuf,
}

/// What a process has at one moment.
pub struct Sample {
    /// Resident memory, MB.
    pub resident: f64,
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
    /// Tasks, as the program itself counted them last.
    pub tasks: Option<usize>,
}

/// One figure in the first and in the second half of what is judged.
pub struct Comparison {
    /// Of which process, and what.
    pub what: String,
    /// The middle of the first half.
    pub before: f64,
    /// The middle of the second half.
    pub after: f64,
    /// Whether it is more than it may be.
    pub grown: bool,
}

impl Soak {
    /// Starts the processes and waits until the console shows the pods.
    pub fn start(program: &str, load: &Load) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scenario = folder.path().join("soak.toml");
        std::fs::write(&scenario, scenario_of(load)).unwrap();
        let scenario = scenario.to_str().unwrap();
        let state = folder.path().join("state");
        let log = |name: &str| folder.path().join(format!("{name}.log"));
        let apart = load.speed <= 1.0;
        let server = apart.then(|| Server::start(program, scenario, &log("drill")));
        let variables = [
            ("XDG_STATE_HOME", state.to_str().unwrap().to_owned()),
            ("SOPWATCH_LOG_FILE", log("console").display().to_string()),
            ("RUST_LOG", LOG_FILTER.to_owned()),
        ];
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let speed = load.speed.to_string();
        let arguments: Vec<&str> = match &server {
            Some(server) => vec!["--kubeconfig", &server.kubeconfig, "--sop", "api-down"],
            None => vec!["drill", scenario, "--speed", &speed],
        };
        let mut console = Pty::start(program, &arguments, &variables, SIZE);
        console.until_shows("3 of 3 ready");
        let id = console.child.process_id().unwrap();
        let mut watched = vec![Watched::new("console", id, log("console"))];
        if let Some(server) = &server {
            watched.push(Watched::new("drill", server.child.id(), log("drill")));
        }
        Self {
            console,
            watched,
            records: Vec::new(),
            state,
            _server: server,
            _folder: folder,
        }
    }

    /// Looks at the processes and the record.
    pub fn look(&mut self) {
        self.watched.iter_mut().for_each(Watched::look);
        self.records.push(size_of(&self.state));
    }

    /// How often the program itself has counted its tasks so far.
    pub fn counts_of_tasks(&self) -> usize {
        let log = &self.watched[0].log;
        let text = std::fs::read_to_string(log).unwrap_or_default();
        text.matches("tasks=").count()
    }

    /// The first half of what follows the warm-up beside the second.
    pub fn compared(&self) -> Vec<Comparison> {
        self.watched.iter().flat_map(Watched::compared).collect()
    }
}

impl Watched {
    fn new(name: &'static str, id: u32, log: PathBuf) -> Self {
        Self {
            name,
            id,
            samples: Vec::new(),
            log,
        }
    }

    fn look(&mut self) {
        let of = |what: &str| {
            let entries = std::fs::read_dir(format!("/proc/{}/{what}", self.id));
            entries.expect("the process lives").count()
        };
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).unwrap();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let kilobytes: f64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
        self.samples.push(Sample {
            resident: kilobytes / 1_024.0,
            descriptors: of("fd"),
            threads: of("task"),
            tasks: last_tasks(&self.log),
        });
    }

    fn compared(&self) -> Vec<Comparison> {
        let half = f64::midpoint(WARM_UP, 1.0);
        let compare = |what: &str, figure: &dyn Fn(&Sample) -> f64, most: &dyn Fn(f64) -> f64| {
            let (before, after) = (
                self.middle((WARM_UP, half), figure),
                self.middle((half, 1.0), figure),
            );
            Comparison {
                what: format!("{}: {what}", self.name),
                before,
                after,
                grown: after > most(before),
            }
        };
        let counted = |before: f64| before + MORE;
        let mut all = vec![
            compare("resident, MB", &|sample| sample.resident, &|before| {
                before * (1.0 + GROWTH.0) + GROWTH.1
            }),
            compare("descriptors", &|sample| sample.descriptors as f64, &counted),
            compare("threads", &|sample| sample.threads as f64, &counted),
        ];
        if self.samples.iter().any(|sample| sample.tasks.is_some()) {
            let tasks = |sample: &Sample| sample.tasks.unwrap_or_default() as f64;
            all.push(compare("tasks", &tasks, &counted));
        }
        all
    }

    /// The middle of one figure in a part of the run, from 0 to 1.
    fn middle(&self, part: (f64, f64), figure: impl Fn(&Sample) -> f64) -> f64 {
        let place = |share: f64| (self.samples.len() as f64 * share) as usize;
        let part = &self.samples[place(part.0)..place(part.1)];
        let mut values: Vec<f64> = part.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
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

/// A drill as a process of its own.
struct Server {
    child: Child,
    kubeconfig: String,
}

impl Server {
    fn start(program: &str, scenario: &str, log: &Path) -> Self {
        let mut child = Command::new(program)
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
        // Its folder goes with it.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// The scenario: a load that leaves so many lines, and rounds of faults.
fn scenario_of(load: &Load) -> String {
    let requests = load.lines * f64::from(PODS) * 60.0 / LINES_OF_A_REQUEST;
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
    let rounds = (load.drill_minutes / f64::from(ROUND)).ceil() as u32;
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

/// Bytes of all files below a folder.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(kind) if kind.is_dir() => size_of(&entry.path()),
            Ok(kind) => kind.len(),
            // It went meanwhile.
            Err(_) => 0,
        });
    sizes.sum()
}
