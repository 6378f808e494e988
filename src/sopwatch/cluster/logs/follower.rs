//! Follows the log of one container instance to its end, over as many requests as it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kube::api::LogParams;
use tokio::sync::watch;

use super::instance::{Now, Phase, Read};
use super::lines::Lines;
use super::place::Place;
use super::request::{is_forgotten, is_not_started, open};
use super::selection::Mode;
use super::{Ask, RESTS, Shared};
use crate::cluster::backoff::{FLOOR, delay, jitter};
use crate::cluster::clock::{self, Instant, now, sleep_until, timeout};
use crate::cluster::explain::{ended, explain, frozen};
use crate::cluster::scope::{Scope, Session};
use sopwatch_core::logparse::{ContainerKey, LineReader};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::observe::state::LOG_REQUESTS_EVERY;
use sopwatch_core::text::SafeText;

/// Records of a backlog that are kept to scroll back in.
const KEEP: usize = 2_000;

/// Lines of an instance before the current one that are read: why it crashed stands at the end.
const TAIL: i64 = 500;

/// How often it is tried to read a log that may not be read.
const FORBIDDEN_WAIT: Duration = Duration::from_secs(30);

/// A stream that ended by itself mostly means that the container ended: so long the pod has time to say so, before the log is asked for
/// again (which would then be that of the next instance).
const SAYS_SO_WITHIN: Duration = Duration::from_secs(3);

/// How long a container that the server says has not started is left alone, if its pod does not tell anything new before.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// Failures in a row from which on many failing logs are asked for less often, so that they stay within bounds together.
const KEEPS_FAILING: u32 = 4;

/// A stream that ended sooner, and brought nothing, failed.
const TOO_SOON: Duration = Duration::from_secs(5);

/// How long the last words of a pod that is gone are waited for.
pub(super) const LAST_WORDS: Duration = Duration::from_mins(1);

/// How long a stream may stand after the next instance has started.
pub(super) const AFTERWARDS: Duration = Duration::from_secs(10);

/// How much of a log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// From the start.
    Whole,
    /// Its end.
    Tail,
}

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The stream ended by itself.
    End,
    /// It goes on over another connection.
    Replaced,
    /// The server has lines that the stream did not bring.
    Stalled,
    /// Nothing more is waited for.
    Enough,
    /// Other logs are followed in its place: it is read in turns from now on.
    Rest,
    /// It failed.
    Failed(Problem),
}

/// Follows one instance.
pub(super) struct Follower {
    pub(super) id: SourceId,
    pub(super) key: ContainerKey,
    part: Part,
    pub(super) shared: Arc<Shared>,
    pub(super) now: watch::Receiver<Now>,
    /// How it is to be read.
    pub(super) mode: watch::Receiver<Mode>,
    pub(super) scope: Scope,
    pub(super) reader: LineReader,
    pub(super) place: Place,
    pub(super) lines: Lines,
    /// Failures in a row.
    pub(super) failures: u32,
    /// No request before.
    next: Instant,
    /// Since when the stream is cut, until it is known whether something is missing.
    pub(super) cut_at: Option<Instant>,
    /// Whether it was cut by more than its own end.
    pub(super) broke: bool,
    /// Whether that was because its turn was over.
    pub(super) rested: bool,
    /// Whether its container may have written since: nothing was read after its last turn.
    pub(super) unread: bool,
    pub(super) caught_up: bool,
    /// Whether the stream that was read last brought a new line.
    pub(super) brought: bool,
}

impl Follower {
    pub(super) fn new(
        key: ContainerKey,
        part: Part,
        shared: Arc<Shared>,
        (now, mode): (watch::Receiver<Now>, watch::Receiver<Mode>),
        scope: Scope,
    ) -> Self {
        Self {
            id: SourceId::Log(key.clone()),
            reader: LineReader::new(Arc::clone(&shared.patterns), key.clone(), KEEP),
            key,
            part,
            shared,
            now,
            mode,
            scope,
            place: Place::default(),
            lines: Lines::default(),
            failures: 0,
            next: clock::now(),
            cut_at: None,
            broke: false,
            rested: false,
            unread: false,
            caught_up: false,
            brought: false,
        }
    }

    /// Runs until the log has come to its end.
    pub(super) async fn run(mut self) {
        self.scope.source(&self.id, SourceState::Connecting).await;
        loop {
            let read = self.now.borrow_and_update().read(self.key.restart);
            let mode = *self.mode.borrow_and_update();
            match read {
                Read::NotYet => self.wait_for_news(STARTS_WITHIN).await,
                Read::Lost => break,
                Read::Follow | Read::Previous if mode == Mode::Rest => self.rest().await,
                Read::Follow | Read::Previous => {
                    if self.read_on(read == Read::Previous, mode).await {
                        break;
                    }
                }
            }
        }
        self.finish().await;
    }

    /// Waits for its turn.
    async fn rest(&mut self) {
        tokio::select! {
            Ok(()) = self.mode.changed() => {}
            // Whoever tells the one tells the other: that both are gone comes with the last news.
            _ = self.now.changed() => {}
        }
    }

    /// Reads what can be had by one request. Returns whether that was all there will ever be.
    async fn read_on(&mut self, previous: bool, mode: Mode) -> bool {
        let id = self.id.clone();
        let session = self.scope.session(&id).await;
        sleep_until(self.next).await;
        // What is asked for after an instance has ended is complete.
        let last = previous || self.now.borrow().is_over(self.key.restart);
        let shared = Arc::clone(&self.shared);
        // Never closed, so never an error.
        let stream = shared.streams.acquire().await.ok();
        self.next = now() + FLOOR;
        let opened_at = now();
        let once = mode == Mode::Once;
        let stop = match self.open(&session, previous, !previous && (!once || last)).await {
            Ok(Some(opened)) => self.read(&session, opened, mode).await,
            Ok(None) => {
                drop(stream);
                return previous || self.wait_to_start(once).await;
            }
            Err(problem) => Stop::Failed(problem),
        };
        drop(stream);
        match stop {
            Stop::End if last => {
                self.take_unfinished();
                return true;
            }
            Stop::Enough => return true,
            Stop::End if once => {
                self.failures = 0;
                self.leave().await;
                self.hand_back(RESTS).await;
            }
            Stop::Rest => self.leave().await,
            Stop::End if self.brought || (now() - opened_at) >= TOO_SOON => self.ended().await,
            Stop::End => {
                let problem = ended(&self.doing(&session));
                self.fail(&session, problem, mode).await;
                self.ended().await;
            }
            Stop::Replaced | Stop::Stalled => {
                self.broke = true;
                self.cut();
            }
            Stop::Failed(problem) => self.fail(&session, problem, mode).await,
        }
        false
    }

    /// The container has not started: that is no failure. Returns whether the log has ended, which it has not.
    async fn wait_to_start(&mut self, once: bool) -> bool {
        if once {
            self.hand_back(STARTS_WITHIN).await;
        } else {
            self.wait_for_news(STARTS_WITHIN).await;
        }
        false
    }

    /// Its turn is over, or its place is another's: it goes on from here another time.
    async fn leave(&mut self) {
        self.cut();
        (self.rested, self.unread) = (true, true);
        self.scope.source(&self.id, SourceState::Resting).await;
    }

    /// Gives its turn back, and waits until that was heard; the next is not due before so long.
    async fn hand_back(&mut self, rests: Duration) {
        // Its end is ours: all tasks stop together.
        let _ = self.shared.asks.send(Ask::Read(self.key.clone(), rests)).await;
        let _ = self.mode.wait_for(|mode| *mode != Mode::Once).await;
    }

    pub(super) fn doing(&self, session: &Session) -> String {
        format!(
            "read the log of {}/{} in {}",
            self.key.pod, self.key.container, session.namespace
        )
    }

    /// `Ok(None)`: there is nothing to read, and that is no failure.
    async fn open(
        &mut self,
        session: &Session,
        previous: bool,
        follow: bool,
    ) -> Result<
        Option<super::request::Opened<impl futures::Stream<Item = super::request::Chunk> + Unpin + use<>>>,
        Problem,
    > {
        let since_time = self.place.since();
        let tail = self.part == Part::Tail && since_time.is_none();
        let parameters = LogParams {
            follow,
            previous,
            since_time,
            tail_lines: tail.then_some(TAIL),
            ..LogParams::default()
        };
        let doing = self.doing(session);
        self.place.reopen();
        let problem = match timeout(self.scope.limit, open(session, &self.key, parameters)).await {
            Ok(Ok(opened)) => return Ok(Some(opened)),
            Ok(Err(error)) if is_not_started(&error) => return Ok(None),
            Ok(Err(error)) if previous && is_forgotten(&error) => return Ok(None),
            Ok(Err(error)) => explain(&error, &doing),
            Err(_elapsed) => frozen(&doing, self.scope.limit),
        };
        self.scope.note(session, &problem);
        Err(problem)
    }

    /// Waits until the pod tells something new.
    async fn wait_for_news(&mut self, limit: Duration) {
        let _ = timeout(limit, self.now.changed()).await;
    }

    /// The stream ended by itself: if the container did not, it was cut.
    async fn ended(&mut self) {
        self.cut();
        self.wait_for_news(SAYS_SO_WITHIN).await;
    }

    /// What was read of an unfinished line will come again.
    fn cut(&mut self) {
        self.lines.forget();
        self.cut_at.get_or_insert_with(Instant::now);
    }

    async fn fail(&mut self, session: &Session, problem: Problem, mode: Mode) {
        self.cut();
        self.broke = true;
        self.failures += 1;
        let wait = match problem.kind {
            ProblemKind::Forbidden => FORBIDDEN_WAIT,
            _ => delay(self.failures, jitter()),
        };
        let together =
            LOG_REQUESTS_EVERY.unsigned_abs() * self.shared.followed.load(Ordering::Relaxed) as u32;
        let lasting = self.failures >= KEEPS_FAILING || problem.kind == ProblemKind::Forbidden;
        let wait = if lasting { wait.max(together) } else { wait };
        self.next = self.next.max(now() + FLOOR);
        self.scope.failing(&self.id, problem, self.failures, wait).await;
        if mode == Mode::Once {
            return self.hand_back(wait).await;
        }
        let gone = |now: &Now| now.phase == Phase::Gone;
        tokio::select! {
            () = self.scope.rest(wait, session.epoch) => {}
            _ = self.now.wait_for(gone) => {}
        }
    }

    fn take_unfinished(&mut self) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.finish(|line| {
            self.take_line(line);
        });
    }

    async fn finish(&mut self) {
        if self.unread && self.now.borrow().read(self.key.restart) == Read::Lost {
            self.note(
                1,
                "ended before its next turn: what was written since the last one was not read",
            )
            .await;
        }
        self.reader.caught_up();
        if let Some(batch) = self.reader.take(true) {
            self.scope.tell(Observation::Log(batch)).await;
        }
        self.scope.source(&self.id, SourceState::Ended).await;
    }

    /// Says something in the log pane.
    pub(super) async fn note(&self, missed: u64, text: &str) {
        let text = SafeText::new(text);
        self.scope
            .tell(Observation::LogNote {
                source: self.key.clone(),
                missed,
                text,
            })
            .await;
    }
}
