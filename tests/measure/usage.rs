//! What a process uses, as the kernel counts it.

use std::fs;
use std::time::{Duration, Instant};

use super::figure;
use super::pty::Pty;

/// Clock ticks of the kernel in a second.
const TICKS: f64 = 100.0;

/// Counters of a process at one moment.
pub struct Usage {
    at: Instant,
    /// CPU time, seconds.
    cpu: f64,
}

impl Usage {
    /// The counters of this moment.
    pub fn of(process: u32) -> Self {
        Self::from_stat(&process.to_string(), 11)
    }

    /// The counters of all children of this process that have ended, each from its first moment to its last. A process is counted once it
    /// was waited for.
    pub fn of_ended_children() -> Self {
        Self::from_stat("self", 13)
    }

    /// Two fields of `/proc/…/stat`, user and system time; the first is so many after the name.
    fn from_stat(process: &str, first: usize) -> Self {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        let fields = after_name.split(' ').skip(first).take(2);
        let ticks: f64 = fields.map(|field| field.parse::<f64>().unwrap()).sum();
        Self {
            at: Instant::now(),
            cpu: ticks / TICKS,
        }
    }

    /// Percent of one core since an earlier moment.
    pub fn percent_since(&self, earlier: &Self) -> f64 {
        (self.cpu - earlier.cpu) / self.at.duration_since(earlier.at).as_secs_f64() * 100.0
    }

    /// Seconds of CPU since the start.
    pub fn seconds(&self) -> f64 {
        self.cpu
    }

    /// Seconds of CPU since an earlier moment.
    pub fn seconds_since(&self, earlier: &Self) -> f64 {
        self.cpu - earlier.cpu
    }
}

/// Resident memory in MB: now, and the most so far.
pub fn resident(process: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let field = |name: &str| -> f64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// The process on a terminal.
pub fn process(console: &Pty) -> u32 {
    console.child.process_id().unwrap()
}

/// Takes what the program writes for so long.
pub fn watch(console: &mut Pty, span: Duration) {
    let deadline = Instant::now() + span;
    while let Ok(bytes) = console
        .output
        .recv_timeout(deadline.saturating_duration_since(Instant::now()))
    {
        console.show(&bytes);
    }
}

/// CPU seconds of the processes that are started and waited for meanwhile.
pub fn cpu_of(run: impl FnOnce()) -> f64 {
    let before = Usage::of_ended_children();
    run();
    Usage::of_ended_children().seconds_since(&before)
}

/// The value below which so much of the values lie; the values must be sorted.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted[((sorted.len() as f64 * share) as usize).min(last)]
}

/// Types the numbers of two panes in turn, each after a pause, and prints the times from a key to the frame whose title carries the mark of
/// the focused pane.
pub fn say_key_times(console: &mut Pty, keys: usize, pause: Duration) {
    let mut times = Vec::with_capacity(keys);
    for number in 0..keys {
        let (key, mark) = [("1", "▸1 "), ("4", "▸4 ")][number % 2];
        watch(console, pause);
        let typed = Instant::now();
        console.type_keys(key);
        console.until_shows(mark);
        times.push(typed.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    figure("key to frame, median", quantile(&times, 0.5), "ms");
    figure("key to frame, p99", quantile(&times, 0.99), "ms");
    figure("key to frame, worst", quantile(&times, 1.0), "ms");
}
