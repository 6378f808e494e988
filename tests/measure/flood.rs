//! Three pods write 5,000 lines a second each, and the operator types.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use futures::Stream;
use jiff::Timestamp;
use sopwatch::runtime::clock::Clock;

use super::front::{Front, Source};
use super::pty::Pty;
use super::usage::{Usage, process, resident, say_key_times, watch};
use super::{Effort, console, drill, figure, heading, quit};

/// Lines a second of each pod.
const RATE: f64 = 5_000.0;

/// How often a pod writes.
const BURST: Duration = Duration::from_millis(10);

/// How long the flood is watched in each mode.
const WATCHED: Duration = Duration::from_secs(8);

/// Between one key and the next.
const PAUSE: Duration = Duration::from_millis(53);

/// Three pods, each with a log that never ends.
struct Flood {
    /// Lines that were taken by clients.
    sent: Arc<AtomicU64>,
}

impl Source for Flood {
    fn stream(&self, pod: &str, _follow: bool) -> impl Stream<Item = Bytes> + Send + 'static {
        let sent = Arc::clone(&self.sent);
        let pod = pod.rsplit('-').next().unwrap_or_default().to_owned();
        let state = (Instant::now(), 0_u64);
        futures::stream::unfold(state, move |(started, mut written)| {
            let (sent, pod) = (Arc::clone(&sent), pod.clone());
            async move {
                tokio::time::sleep(BURST).await;
                let due = (started.elapsed().as_secs_f64() * RATE) as u64;
                let mut bytes = BytesMut::new();
                let now = Clock::system().now();
                while written < due {
                    written += 1;
                    bytes.put_slice(line(now, &pod, written).as_bytes());
                    sent.fetch_add(1, Ordering::Relaxed);
                }
                Some((bytes.freeze(), (started, written)))
            }
        })
    }
}

/// About 190 bytes, as the service's request log has them.
fn line(at: Timestamp, pod: &str, number: u64) -> String {
    let severity = if number.is_multiple_of(50) { 'E' } else { 'I' };
    let clock = at.strftime("%m%d %H:%M:%S.%6f");
    format!(
        "{at:.9} {severity}{clock}       1 logger.go:71] {{\"request_method\":\"GET\",\"request_url\":\"/api/managed-services-api/v1/\
         kafkas/1mVgRzUVNnOyQZWNfdBUCXPZ9n\",\"status\":200,\"pod\":\"{pod}\",\"n\":{number:08}}}\n"
    )
}

pub fn measure(effort: Effort) {
    let how = format!(
        "3 pods × {RATE} lines/s over plain HTTP; {} s in each mode; then {} keys, each timed from writing it to the terminal to the \
         frame that shows it, with every line shown (the log pane changes with each frame)",
        WATCHED.as_secs(),
        effort.keys
    );
    heading("Flood", &how);
    let folder = tempfile::tempdir().unwrap();
    let drill = drill(folder.path());
    let sent = Arc::new(AtomicU64::new(0));
    let front = Front::before(
        &drill,
        Flood {
            sent: Arc::clone(&sent),
        },
        folder.path(),
    );
    let started = Instant::now();
    let mut console = console(&drill, &front.kubeconfig);
    console.until_shows("3 of 3 ready");
    for (key, mode) in [("L", "leader lines shown"), ("A", "every line shown")] {
        console.type_keys(key);
        watch_mode(&mut console, mode);
    }
    say_key_times(&mut console, effort.keys, PAUSE);
    let (now, most) = resident(process(&console));
    figure("resident memory", now, "MB");
    figure("resident memory, most so far", most, "MB");
    let due = started.elapsed().as_secs_f64() * RATE * 3.0;
    let taken = sent.load(Ordering::Relaxed) as f64;
    figure(
        "lines taken of those due since the start",
        taken / due * 100.0,
        "%",
    );
    let shown = console.screen().contents();
    let missed = shown
        .split("  ")
        .find(|words| words.contains("no gaps") || words.contains("lines lost"));
    println!(
        "  said on the screen: {}",
        missed.unwrap_or("nothing of lines missed").trim()
    );
    quit(console);
}

fn watch_mode(console: &mut Pty, mode: &str) {
    watch(console, Duration::from_secs(1));
    let it = process(console);
    let (before, bytes) = (Usage::of(it), console.raw.len());
    watch(console, WATCHED);
    let cpu = Usage::of(it).percent_since(&before);
    let written = (console.raw.len() - bytes) as f64 / WATCHED.as_secs_f64();
    figure(&format!("CPU, {mode}"), cpu, "% of a core");
    figure(&format!("to the terminal, {mode}"), written / 1_024.0, "kB/s");
}
