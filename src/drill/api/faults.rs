//! The server's faults in effect, and what they do to requests and streams.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

use super::body::Body;
use super::state::ApiState;
use super::status::Refusal;
use crate::faults::ApiFault;
use crate::random::Random;

/// How long a server that has just started knows no roles.
const STARTING: SignedDuration = SignedDuration::from_secs(1);
/// The longest usual delay of a lossy network; a late answer takes up to [`LATE`].
const SLOW: Duration = Duration::from_millis(1_500);
const LATE: Duration = Duration::from_secs(12);
/// How long a lossy network carries a stream: between this and three times as long.
const STREAM_LIFE: Duration = Duration::from_secs(30);

/// How often each passing fault was played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PlayedFaults {
    resets: u64,
    expiries: u64,
    log_cuts: u64,
    /// One a stall: the resource whose watches it met.
    stalls: Vec<String>,
}

/// The faults of one server.
#[derive(Debug)]
pub struct ServerFaults {
    lasting: watch::Sender<Option<ApiFault>>,
    played: watch::Sender<PlayedFaults>,
    /// The faults that begin or end later by themselves, and when.
    to_come: Mutex<VecDeque<(Timestamp, Option<ApiFault>)>>,
    chance: Arc<Chance>,
}

impl ServerFaults {
    /// A server without faults. The same seed gives a lossy network the same losses.
    pub fn seeded(seed: u64) -> Self {
        Self {
            lasting: watch::Sender::new(None),
            played: watch::Sender::new(PlayedFaults::default()),
            to_come: Mutex::default(),
            chance: Arc::new(Chance {
                seed,
                drawn: AtomicU64::new(0),
            }),
        }
    }

    /// Begins a lasting fault in place of the one before, plays a passing one, or (with `None`) ends the lasting one.
    pub fn set(&self, fault: Option<ApiFault>, now: Timestamp) {
        match fault {
            Some(ApiFault::ResetStreams) => self.played.send_modify(|played| played.resets += 1),
            Some(ApiFault::ExpireWatches) => self.played.send_modify(|played| played.expiries += 1),
            Some(ApiFault::CutLogs) => self.played.send_modify(|played| played.log_cuts += 1),
            Some(ApiFault::StallWatches(resource)) => {
                self.played.send_modify(|played| played.stalls.push(resource));
            }
            Some(ApiFault::Restart(seconds)) => {
                let up = now + SignedDuration::from_secs(seconds.into());
                let phases = [(up, Some(ApiFault::Starting)), (up + STARTING, None)];
                *self.to_come() = phases.into();
                self.lasting.send_replace(Some(ApiFault::Refuse));
            }
            lasting => {
                self.to_come().clear();
                self.lasting.send_replace(lasting);
            }
        }
    }

    /// Begins and ends the faults that were scheduled up to `now`.
    pub fn advance(&self, now: Timestamp) {
        let mut to_come = self.to_come();
        while to_come.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, next)) = to_come.pop_front() {
                self.lasting.send_replace(next);
            }
        }
    }

    /// When the next scheduled fault begins or ends.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.to_come().front().map(|(at, _)| *at)
    }

    fn to_come(&self) -> std::sync::MutexGuard<'_, VecDeque<(Timestamp, Option<ApiFault>)>> {
        self.to_come.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lasting fault now.
    pub fn lasting(&self) -> Option<ApiFault> {
        self.lasting.borrow().clone()
    }

    /// Tells when the lasting fault changes.
    pub fn subscribe(&self) -> watch::Receiver<Option<ApiFault>> {
        self.lasting.subscribe()
    }

    /// Applies the lasting fault to a request before it is looked at: holds it up, or refuses it.
    pub async fn meet(&self) -> Result<(), Refusal> {
        let mut lasting = self.lasting.subscribe();
        loop {
            let now = lasting.borrow_and_update().clone();
            match now {
                Some(ApiFault::Freeze | ApiFault::Refuse) => {
                    if lasting.changed().await.is_err() {
                        return Ok(());
                    }
                }
                Some(ApiFault::Unauthorized) => return Err(Refusal::unauthorized()),
                Some(ApiFault::Answer(code)) => return Err(Refusal::ailing(code)),
                Some(ApiFault::Latency(millis)) => {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    return Ok(());
                }
                Some(ApiFault::Lossy(_)) => {
                    tokio::time::sleep(self.chance.up_to(SLOW)).await;
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    /// What happens to a request on its way.
    fn fate(&self, method: &Method) -> Fate {
        let changes = matches!(*method, Method::DELETE | Method::PATCH | Method::PUT);
        match self.lasting() {
            Some(ApiFault::LoseAnswers) if changes => Fate::AnswerLost,
            Some(ApiFault::Lossy(percent)) if self.chance.draw() % 100 < u64::from(percent) => {
                match self.chance.draw() % 5 {
                    0 => Fate::Lost,
                    1 => Fate::AnswerLost,
                    2 => Fate::Late(self.chance.up_to(LATE)),
                    3 => Fate::Throttled,
                    _ => Fate::Never,
                }
            }
            _ => Fate::Carried,
        }
    }

    /// The faults as an open log meets them.
    pub fn log_stream(&self) -> StreamFaults {
        self.stream(StreamKind::Log)
    }

    /// The faults as an open watch of a resource (its plural) meets them.
    pub fn watch_stream(&self, resource: &'static str) -> StreamFaults {
        self.stream(StreamKind::Watch(resource))
    }

    fn stream(&self, kind: StreamKind) -> StreamFaults {
        let mut played = self.played.subscribe();
        let seen = played.borrow_and_update().clone();
        StreamFaults {
            lasting: self.lasting.subscribe(),
            played,
            seen,
            kind,
            chance: Arc::clone(&self.chance),
            cut_at: None,
        }
    }
}

/// The chance of a lossy network: all connections share one sequence of numbers.
#[derive(Debug)]
struct Chance {
    seed: u64,
    drawn: AtomicU64,
}

impl Chance {
    fn draw(&self) -> u64 {
        Random::nth(self.seed, self.drawn.fetch_add(1, Ordering::Relaxed))
    }

    fn up_to(&self, longest: Duration) -> Duration {
        Duration::from_millis(self.draw() % longest.as_millis() as u64)
    }
}

/// What happens to a request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Carried,
    /// The connection is reset before the server sees it.
    Lost,
    /// It is carried out; the connection is reset before the answer.
    AnswerLost,
    Late(Duration),
    /// Answered 429.
    Throttled,
    Never,
}

/// Handles a request over a connection that the faults may reset, which is the error, or hold up.
pub async fn carry(state: &Arc<ApiState>, request: Request<Bytes>) -> io::Result<Response<Body>> {
    match state.faults().fate(request.method()) {
        Fate::Lost => return Err(Interruption::error()),
        Fate::AnswerLost => {
            super::handle(state, request).await;
            return Err(Interruption::error());
        }
        Fate::Late(by) => tokio::time::sleep(by).await,
        Fate::Throttled => return Ok(Refusal::ailing(429).response()),
        Fate::Never => {
            let mut lasting = state.faults().subscribe();
            let lossy = |fault: &Option<ApiFault>| matches!(fault, Some(ApiFault::Lossy(_)));
            let _ = lasting.wait_for(|fault| !lossy(fault)).await;
            return Err(Interruption::error());
        }
        Fate::Carried => {}
    }
    Ok(super::handle(state, request).await)
}

/// What ends a stream before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The connection breaks.
    Cut,
    /// A watch gets 410.
    Expired,
}

impl Interruption {
    /// The error that breaks the transfer.
    pub fn error() -> io::Error {
        io::Error::new(io::ErrorKind::ConnectionReset, "the connection was cut")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamKind {
    Log,
    /// Of a resource, by its plural.
    Watch(&'static str),
}

/// A stream's view of the faults.
pub struct StreamFaults {
    lasting: watch::Receiver<Option<ApiFault>>,
    played: watch::Receiver<PlayedFaults>,
    seen: PlayedFaults,
    kind: StreamKind,
    chance: Arc<Chance>,
    /// When a lossy network cuts it.
    cut_at: Option<Instant>,
}

impl StreamFaults {
    /// Returns at once when nothing is wrong, waits while the server is frozen, and says when the stream must end.
    pub async fn pass(&mut self) -> Result<(), Interruption> {
        loop {
            let stalled = self.meet_played()?;
            let lasting = self.lasting.borrow_and_update().clone();
            self.expect_cut(lasting.as_ref());
            match lasting {
                Some(ApiFault::Refuse) => return Err(Interruption::Cut),
                _ if self.cut_at.is_some_and(|at| at <= Instant::now()) => return Err(Interruption::Cut),
                Some(ApiFault::Freeze) => self.changed().await,
                _ if stalled => self.changed().await,
                _ => return Ok(()),
            }
        }
    }

    /// Whether a fault that was played since the stream was opened stalls it; the error if such a fault ends it.
    fn meet_played(&mut self) -> Result<bool, Interruption> {
        let played = self.played.borrow_and_update();
        let is_log = self.kind == StreamKind::Log;
        if played.resets != self.seen.resets || (is_log && played.log_cuts != self.seen.log_cuts) {
            return Err(Interruption::Cut);
        }
        let newer = &played.stalls[self.seen.stalls.len()..];
        let stalled =
            matches!(self.kind, StreamKind::Watch(own) if newer.iter().any(|resource| resource == own));
        if !is_log && !stalled && played.expiries != self.seen.expiries {
            return Err(Interruption::Expired);
        }
        Ok(stalled)
    }

    /// Draws how long a lossy network carries the stream.
    fn expect_cut(&mut self, lasting: Option<&ApiFault>) {
        if !matches!(lasting, Some(ApiFault::Lossy(_))) {
            self.cut_at = None;
        } else if self.cut_at.is_none() {
            let life = STREAM_LIFE + self.chance.up_to(STREAM_LIFE * 2);
            self.cut_at = Some(Instant::now() + life);
        }
    }

    /// Waits until any fault begins, ends or is played, or the stream is to be cut.
    pub async fn changed(&mut self) {
        let cut_at = self.cut_at;
        let cut = async {
            match cut_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.lasting.changed() => {}
            _ = self.played.changed() => {}
            () = cut => {}
        }
    }
}
