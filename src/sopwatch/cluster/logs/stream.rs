//! Reads one stream of a log: bytes to lines, lines to batches, silence to questions.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::Ask;
use super::follower::{AFTERWARDS, Follower, LAST_WORDS, Stop};
use super::instance::{Now, Phase};
use super::place::Admit;
use super::request::{Chunk, Opened, newest};
use super::selection::Mode;
use crate::cluster::clock::{Instant, now, sleep_until, timeout};
use crate::cluster::explain::{explain, frozen};
use crate::cluster::scope::{LinkState, Session};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceState};
use sopwatch_core::text::duration::brief;

/// How long lines are gathered before they are told.
const BATCH_WITHIN: Duration = Duration::from_millis(50);

/// How many lines are gathered at most, once the backlog is read.
const BATCH: usize = 256;

/// Silence after which a record that might have gone on is complete.
const RECORD_ENDS: Duration = Duration::from_millis(150);

/// Time after which a record is complete whatever follows: a log that never pauses is shown too, within a second of each line.
const RECORD_TAKES: Duration = Duration::from_millis(900);

/// Silence after which the backlog counts as read, if the lines' times did not show it before.
const BACKLOG_ENDS: Duration = Duration::from_millis(300);

/// The same while nothing came at all: a long backlog on a slow way takes its time to begin, and must not be taken for live lines.
const NOTHING_COMES: Duration = Duration::from_millis(1_500);

/// Silence after which it is checked whether the server has more: a dead connection looks like a quiet pod.
const CHECK_AFTER: Duration = Duration::from_secs(10);

/// How long a line that the server has may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// After a failure, a stream that stood so long works again.
const STANDS_AFTER: Duration = Duration::from_secs(1);

/// Answer of a check: the time of the newest line.
type Answer = Result<Option<Timestamp>, Problem>;

/// What is kept about the stream that is read.
struct Reading {
    opened: Instant,
    /// The server's clock then.
    opened_at: Option<Timestamp>,
    /// When bytes came last, and whether any did.
    heard: Instant,
    begun: bool,
    /// Lines not told yet, and since when.
    untold: usize,
    untold_since: Option<Instant>,
    /// Whether the last record may still go on.
    unfinished: bool,
    /// The record that is open, by its number, and when its first line came.
    open: Option<(u64, Instant)>,
    /// When the next check is due, while none is under way.
    check_at: Instant,
    /// Comes when the check may be made.
    granted: Option<oneshot::Receiver<()>>,
    check: Option<BoxFuture<'static, Answer>>,
    /// A line that the server has and we have not, and how long it is waited for.
    suspected: Option<(Timestamp, Instant)>,
    /// When to stop in any case.
    leave_at: Option<Instant>,
    /// A gap was passed.
    gap: bool,
    /// The last line was found again.
    joined: bool,
}

/// What a moment of silence calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Tell,
    Flush,
    CatchUp,
    Stand,
    Check,
    Suspect,
    Leave,
}

impl Reading {
    fn new(opened_at: Option<Timestamp>) -> Self {
        let now = now();
        Self {
            opened: now,
            opened_at,
            heard: now,
            begun: false,
            untold: 0,
            untold_since: None,
            unfinished: false,
            open: None,
            check_at: now + CHECK_AFTER,
            granted: None,
            check: None,
            suspected: None,
            leave_at: None,
            gap: false,
            joined: false,
        }
    }

    /// Keeps since when the record is open that may still go on.
    fn note_open(&mut self, open: Option<u64>) {
        let known = self.open.filter(|(number, _)| Some(*number) == open);
        self.open = known.or_else(|| open.map(|number| (number, now())));
    }

    /// What comes next, and when.
    fn next_due(&self, caught_up: bool, failing: bool) -> (Instant, Due) {
        let always = (self.check_at, Due::Check);
        let quiet = if self.begun { BACKLOG_ENDS } else { NOTHING_COMES };
        [
            self.untold_since.map(|since| (since + BATCH_WITHIN, Due::Tell)),
            self.unfinished.then_some((self.heard + RECORD_ENDS, Due::Flush)),
            // The lines of a backlog come faster than they were written: there, only their own times count.
            self.open
                .filter(|_| caught_up)
                .map(|(_, since)| (since + RECORD_TAKES, Due::Flush)),
            (!caught_up).then_some((self.heard + quiet, Due::CatchUp)),
            failing.then_some((self.opened + STANDS_AFTER, Due::Stand)),
            self.suspected.map(|(_, until)| (until, Due::Suspect)),
            self.leave_at.map(|at| (at, Due::Leave)),
        ]
        .into_iter()
        .flatten()
        .fold(always, |first, next| if next.0 < first.0 { next } else { first })
    }
}

impl Follower {
    /// Reads a stream until it stops, and why.
    pub(super) async fn read(
        &mut self,
        session: &Session,
        opened: Opened<impl Stream<Item = Chunk> + Unpin>,
        mode: Mode,
    ) -> Stop {
        let Opened { at, mut bytes } = opened;
        let mut reading = Reading::new(at);
        (self.brought, self.unread) = (false, false);
        reading.leave_at = leave_at(*self.now.borrow_and_update(), self.key.restart);
        let followed = mode == Mode::Follow;
        if self.failures == 0 && followed {
            self.scope.source(&self.id, SourceState::Live).await;
        }
        let stop = loop {
            let (due_at, due) = reading.next_due(self.caught_up, self.failures > 0);
            let stop = tokio::select! {
                chunk = bytes.next() => self.take_chunk(chunk, session, &mut reading).await,
                granted = grant(&mut reading.granted), if reading.granted.is_some() => {
                    reading.granted = None;
                    if granted {
                        self.check(session, &mut reading);
                    }
                    None
                }
                answer = answer(&mut reading.check), if reading.check.is_some() => self.checked(answer, &mut reading).await,
                () = sleep_until(due_at) => self.do_due(due, session, &mut reading).await,
                Ok(()) = self.now.changed() => {
                    let leave = leave_at(*self.now.borrow_and_update(), self.key.restart);
                    reading.leave_at = reading.leave_at.or(leave);
                    None
                }
                Ok(()) = self.mode.changed(), if followed => {
                    (*self.mode.borrow_and_update() != Mode::Follow).then_some(Stop::Rest)
                }
                () = self.scope.changed() => self.link_changed(session).await,
            };
            if let Some(stop) = stop {
                break stop;
            }
        };
        if matches!(stop, Stop::End) {
            self.catch_up();
        }
        // The last record too, though it might have gone on: it may be what the pod said before the link went down.
        self.tell_lines(&mut reading, true).await;
        stop
    }

    async fn take_chunk(
        &mut self,
        chunk: Option<Chunk>,
        session: &Session,
        reading: &mut Reading,
    ) -> Option<Stop> {
        let chunk = match chunk {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => return Some(Stop::Failed(explain(&error, &self.doing(session)))),
            None => return Some(Stop::End),
        };
        let now = now();
        reading.heard = now;
        reading.begun |= !chunk.is_empty();
        reading.check_at = now + CHECK_AFTER;
        // It is not silent any more.
        reading.granted = None;
        self.take_bytes(&chunk, reading);
        if self.brought && self.failures > 0 {
            self.stands().await;
        }
        self.say_what_is_missing(reading).await;
        let enough = self.caught_up && reading.untold >= BATCH;
        if enough
            || reading
                .untold_since
                .is_some_and(|since| now >= since + BATCH_WITHIN)
        {
            self.tell_lines(reading, false).await;
        }
        None
    }

    fn take_bytes(&mut self, chunk: &[u8], reading: &mut Reading) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.feed(chunk, |line| {
            let admit = self.take_line(line);
            reading.gap |= admit == Admit::NewAfterGap;
            reading.joined |= admit == Admit::LastSeen;
            if matches!(admit, Admit::New | Admit::NewAfterGap) {
                reading.untold += 1;
            }
        });
        self.lines = lines;
        if reading.untold > 0 {
            reading.untold_since.get_or_insert_with(Instant::now);
            reading.unfinished = true;
        }
        reading.note_open(self.reader.open_record());
        let written_since =
            |opened_at: Timestamp| self.reader.last_at().is_some_and(|last| last >= opened_at);
        if !self.caught_up && reading.opened_at.is_some_and(written_since) {
            self.catch_up();
        }
    }

    /// Judges a line and reads it if it is new.
    pub(super) fn take_line(&mut self, line: &[u8]) -> Admit {
        let admit = self.place.admit(line);
        if matches!(admit, Admit::New | Admit::NewAfterGap) {
            self.brought = true;
            self.reader.push(line);
        }
        admit
    }

    fn catch_up(&mut self) {
        self.caught_up = true;
        self.reader.caught_up();
    }

    /// After a cut: as soon as it is known whether something is missing, it is said.
    async fn say_what_is_missing(&mut self, reading: &mut Reading) {
        let Some(cut_at) = self.cut_at.filter(|_| !self.place.is_looking()) else {
            return;
        };
        let after = jiff::SignedDuration::try_from(now() - cut_at)
            .map(brief)
            .unwrap_or_default();
        let rested = std::mem::take(&mut self.rested);
        if std::mem::take(&mut reading.gap) {
            let again = if rested { "read again" } else { "reconnected" };
            self.note(
                1,
                &format!("{again} after {after}, lines may be missing: the last one read is no longer there"),
            )
            .await;
        } else if reading.joined && !rested && !self.closing() {
            self.note(0, &format!("reconnected after {after}, nothing lost"))
                .await;
        }
        self.cut_at = None;
        self.broke = false;
    }

    /// Whether the stream ended because the container did: that it was asked for once more, to be sure of the last words, is nobody's
    /// news.
    fn closing(&self) -> bool {
        !self.broke && self.now.borrow().is_over(self.key.restart)
    }

    async fn do_due(&mut self, due: Due, session: &Session, reading: &mut Reading) -> Option<Stop> {
        match due {
            Due::Tell => self.tell_lines(reading, false).await,
            Due::Flush => {
                reading.unfinished = false;
                self.tell_lines(reading, true).await;
            }
            Due::CatchUp => {
                self.catch_up();
                self.tell_lines(reading, true).await;
            }
            Due::Stand => self.stands().await,
            Due::Check => self.ask_to_check(session, reading),
            Due::Suspect => {
                let (line, _) = reading.suspected.take()?;
                return (Some(line) > self.place.newest()).then_some(Stop::Stalled);
            }
            Due::Leave => {
                return Some(if self.now.borrow().phase == Phase::Gone {
                    Stop::Enough
                } else {
                    Stop::End
                });
            }
        }
        None
    }

    /// Tells what was gathered; waits for room, and so does not read on while nobody takes.
    async fn tell_lines(&mut self, reading: &mut Reading, flush: bool) {
        reading.untold = 0;
        reading.untold_since = None;
        let batch = self.reader.take(flush);
        reading.note_open(self.reader.open_record());
        if let Some(batch) = batch {
            self.scope.tell(Observation::Log(batch)).await;
        }
    }

    async fn stands(&mut self) {
        self.failures = 0;
        self.scope.source(&self.id, SourceState::Live).await;
    }

    /// Asks whether the newest line may be asked for, unless the instance is over (then silence is right) or the link is known to be
    /// down.
    fn ask_to_check(&mut self, session: &Session, reading: &mut Reading) {
        reading.check_at = now() + CHECK_AFTER;
        let up = matches!(self.scope.link_now(), LinkState::Up(now) if now.epoch == session.epoch);
        let waits = reading.granted.is_some() || reading.check.is_some();
        if !up || waits || self.now.borrow().is_over(self.key.restart) {
            return;
        }
        let (grant, granted) = oneshot::channel();
        // Where too many ask, it asks again after the next silence.
        if self.shared.asks.try_send(Ask::Check(grant)).is_ok() {
            reading.granted = Some(granted);
        }
    }

    /// Asks for the newest line.
    fn check(&mut self, session: &Session, reading: &mut Reading) {
        reading.check_at = now() + CHECK_AFTER;
        let (session, key, scope, doing) = (
            session.clone(),
            self.key.clone(),
            self.scope.clone(),
            self.doing(session),
        );
        let limit = scope.limit.min(CHECK_AFTER);
        reading.check = Some(
            async move {
                match timeout(limit, newest(&session, &key)).await {
                    Ok(Ok(newest)) => Ok(newest),
                    Ok(Err(error)) => {
                        let problem = explain(&error, &doing);
                        scope.note(&session, &problem);
                        Err(problem)
                    }
                    Err(_elapsed) => Err(frozen(&doing, limit)),
                }
            }
            .boxed(),
        );
    }

    async fn checked(&mut self, answer: Answer, reading: &mut Reading) -> Option<Stop> {
        reading.check = None;
        match answer {
            Ok(newest) if newest > self.place.newest() => {
                reading.suspected = newest.map(|newest| (newest, now() + ON_ITS_WAY));
            }
            Ok(_) => self.stands().await,
            Err(problem) => {
                self.scope.failing(&self.id, problem, 1, CHECK_AFTER).await;
            }
        }
        None
    }

    async fn link_changed(&mut self, session: &Session) -> Option<Stop> {
        match self.scope.link_now() {
            LinkState::Up(now) => (now.epoch != session.epoch).then_some(Stop::Replaced),
            LinkState::Down {
                problem,
                attempt,
                retry_in,
            } if problem.kind == ProblemKind::Frozen => {
                self.scope.failing(&self.id, problem, attempt, retry_in).await;
                None
            }
            LinkState::Down { .. } | LinkState::Connecting => None,
        }
    }
}

/// When a stream that says nothing about its end is left: some time after its pod is gone or the next instance runs.
fn leave_at(pod: Now, restart: u32) -> Option<Instant> {
    match pod.phase {
        Phase::Gone => Some(now() + LAST_WORDS),
        _ if pod.restart > restart => Some(now() + AFTERWARDS),
        _ => None,
    }
}

/// Whether the check may be made; if not, nobody is there to say so.
async fn grant(granted: &mut Option<oneshot::Receiver<()>>) -> bool {
    match granted {
        Some(granted) => granted.await.is_ok(),
        None => std::future::pending().await,
    }
}

async fn answer(check: &mut Option<BoxFuture<'static, Answer>>) -> Answer {
    match check {
        Some(check) => check.await,
        None => std::future::pending().await,
    }
}
