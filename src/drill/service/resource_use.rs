//! The CPU and memory that a process uses. CPU follows its tasks and its load; memory follows its age, its load and its leak.

use crate::random::Random;

/// How much a container may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Thousandths of a CPU.
    pub cpu_millis: u64,
    pub memory_bytes: u64,
}

impl Default for ResourceLimits {
    /// The limits of the service's template.
    fn default() -> Self {
        Self {
            cpu_millis: 1_000,
            memory_bytes: 1 << 30,
        }
    }
}

/// What a process has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// CPU since its start, in nanoseconds of one core.
    pub cpu_nanos: u64,
    /// Working set.
    pub memory_bytes: u64,
}

// The figures below are estimates for a small service in Go; none is measured.

/// CPU that a start takes, until the process answers: nanoseconds of one core.
pub const START: u64 = 480_000_000;
/// CPU that the answer to a probe takes: nanoseconds of one core.
pub const PROBE: u64 = 1_200_000;
/// CPU that the answer to a request of the API takes: nanoseconds of one core.
pub const REQUEST: u64 = 6_000_000;
/// CPU that a tick of a leader election takes: nanoseconds of one core.
pub const TICK: u64 = 800_000;
/// CPU that one loop of a worker over its rows takes: nanoseconds of one core.
pub const LOOP: u64 = 4_000_000;
/// Thousandths of a CPU that Go's runtime takes for itself.
const IDLE: u64 = 1;
const MEBI: u64 = 1 << 20;
/// Working set of a process that has just started, in bytes; what caches add to it, in bytes; and after how many seconds they are full.
const FRESH: u64 = 38 * MEBI;
const CACHES: u64 = 22 * MEBI;
const CACHES_FULL_AFTER: u64 = 2 * 3_600;
/// What requests in flight add at the full capacity, in bytes.
const IN_FLIGHT: u64 = 180 * MEBI;
/// What is allocated between two garbage collections, in bytes.
const GARBAGE: u64 = 5 * MEBI;
/// How long a random share of a figure stays the same, in microseconds.
const STEADY: i64 = 10_000_000;
/// A page of memory, in bytes: a working set is whole pages.
const PAGE: u64 = 4_096;

/// The CPU that a process has used up to a moment and the work that waits for CPU.
#[derive(Clone, Debug)]
pub struct ResourceUse {
    name: u64,
    started: i64,
    pub bounds: ResourceLimits,
    /// Memory leaks from the one moment until it is exhausted at the other (µs since 1970).
    pub leak: Option<(i64, i64)>,
    /// Nanoseconds of one core, up to `at`.
    spent: u64,
    /// The same, not done yet.
    owed: u64,
    at: i64,
}

impl ResourceUse {
    /// A process that starts then (µs since 1970).
    pub fn new(seed: u64, process: &str, started: i64) -> Self {
        Self {
            name: Random::named(seed, process).draw(),
            started,
            bounds: ResourceLimits::default(),
            leak: None,
            spent: 0,
            owed: START,
            at: started,
        }
    }

    /// Lets time pass up to `at` under this load, then adds work.
    pub fn work(&mut self, at: i64, used_percent: u64, more: u64) {
        let (spent, owed) = self.by(at, used_percent);
        (self.spent, self.owed) = (spent, owed + more);
        self.at = self.at.max(at);
    }

    /// The work done up to `at` and the work left, under the CPU limit.
    fn by(&self, at: i64, used_percent: u64) -> (u64, u64) {
        let nanos = (at - self.at).max(0).unsigned_abs() * 1_000;
        let millis = IDLE + self.bounds.cpu_millis * used_percent.min(100) / 100;
        let wanted = self.owed + nanos / 1_000 * millis;
        // a throttled container gets its quota, less a little at the edges of its periods
        let quota = nanos / 1_000 * self.bounds.cpu_millis;
        let most = quota - quota * self.chance(at, 12) / 1_000;
        let done = wanted.min(most);
        let left = (wanted - done).min(START);
        (self.spent + done, left)
    }

    /// What the process has used up to `at`, under this load.
    pub fn usage(&self, at: i64, used_percent: u64) -> Usage {
        Usage {
            cpu_nanos: self.by(at, used_percent).0,
            memory_bytes: self.memory(at, used_percent),
        }
    }

    fn memory(&self, at: i64, used_percent: u64) -> u64 {
        let age = (at - self.started).max(0).unsigned_abs() / 1_000_000;
        let caches = CACHES * age.min(CACHES_FULL_AFTER) / CACHES_FULL_AFTER;
        let in_flight = IN_FLIGHT * used_percent.min(200) / 100;
        let usual = FRESH + caches + in_flight + GARBAGE * self.chance(at, 1_000) / 1_000;
        let most = self.bounds.memory_bytes;
        let all = match self.leak {
            Some((from, until)) if at > from => {
                let (gone, whole) = ((at - from).unsigned_abs(), (until - from).max(1).unsigned_abs());
                usual + most.saturating_sub(usual) / 1_000 * (gone.min(whole) * 1_000 / whole)
            }
            _ => usual,
        };
        all.min(most) / PAGE * PAGE
    }

    /// A number below `bound` that is the same for some seconds.
    fn chance(&self, at: i64, bound: u64) -> u64 {
        Random::new(self.name ^ (at / STEADY).unsigned_abs()).below(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    /// Thousandths of a CPU in the minute before `at`.
    fn millis(resource_use: &ResourceUse, at: i64, used: u64) -> u64 {
        let (before, after) = (
            resource_use.usage(at - 60 * SECOND, used),
            resource_use.usage(at, used),
        );
        (after.cpu_nanos - before.cpu_nanos) / 60_000_000
    }

    #[test]
    fn cpu_follows_what_is_asked_and_ends_at_the_limit() {
        for (used, least, most) in [(0, 1, 3), (50, 495, 505), (100, 980, 1_000), (400, 980, 1_000)] {
            let mut resource_use = ResourceUse::new(7, "p", 0);
            resource_use.work(10 * SECOND, 0, 0);
            let millis = millis(&resource_use, 300 * SECOND, used);
            assert!((least..=most).contains(&millis), "{used} %: {millis}m");
        }
    }

    #[test]
    fn work_that_the_limit_does_not_let_it_do_waits() {
        let mut resource_use = ResourceUse::new(7, "p", 0);
        resource_use.bounds.cpu_millis = 100;
        let early = resource_use.usage(SECOND, 0).cpu_nanos;
        assert!((95_000_000..=100_000_000).contains(&early), "{early}");
        let later = resource_use.usage(60 * SECOND, 0).cpu_nanos;
        assert!(later >= START, "{later}");
    }

    #[test]
    fn memory_follows_load_and_leak_and_never_exceeds_its_limit() {
        let mut resource_use = ResourceUse::new(7, "p", 0);
        let quiet = resource_use.usage(3_600 * SECOND, 0).memory_bytes;
        assert!((45 * MEBI..65 * MEBI).contains(&quiet), "{quiet}");
        assert!(resource_use.usage(3_600 * SECOND, 120).memory_bytes > 4 * quiet);
        resource_use.leak = Some((0, 100 * SECOND));
        let figures = [10, 50, 99, 100, 500].map(|at| resource_use.usage(at * SECOND, 300).memory_bytes);
        assert!(figures.is_sorted(), "{figures:?}");
        assert!(
            figures
                .iter()
                .all(|figure| *figure <= 1 << 30 && figure % PAGE == 0)
        );
        assert!(figures[2] > 1_000 * MEBI, "{figures:?}");
    }
}
