//! Follows the log of one container instance to its end, over as many requests as it takes.
//!
//! A request gives one stream: its bytes become lines, the lines become batches, and a long silence becomes a check whether the server has
//! more. When a stream is cut, the next one goes on at the [`Cursor`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use jiff::Timestamp;
use kube::api::LogParams;
use tokio::sync::{oneshot, watch};

use super::cursor::{Admit, Cursor, time_of};
use super::instance::{InstanceState, LogAccess, Phase};
use super::line_splitter::LineSplitter;
use super::request::{Chunk, LogStream, explained, is_not_started, newest, open};
use super::selection::ReadMode;
use super::{FollowerRequest, RESTS, Shared};
use crate::kubernetes::clock::{self, Instant, now, sleep_until, timeout};
use crate::kubernetes::errors::{ended, frozen, no_log};
use crate::kubernetes::open_stream::{WORKS_AGAIN_AFTER, has_worked};
use crate::kubernetes::task_context::{ApiSession, ConnectionState, TaskContext, wait_after};
use crate::net::backoff::FLOOR;
use sopwatch_core::logparse::{ContainerKey, LineReader};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::observe::state::LOG_REQUESTS_EVERY;
use sopwatch_core::safe;
use sopwatch_core::text::Redacted;
use sopwatch_core::text::duration::brief;

/// Records of a backlog that are kept to scroll back in, of each log while there are few.
const KEEP: usize = 2_000;

/// The same of all logs together: five times as many as the log pane holds. What thousands of logs bring at once must not fill the memory.
const KEEP_OF_ALL: usize = 100_000;

/// The same of each log, however many there are.
const KEEP_LEAST: usize = 100;

/// Lines that are read of an instance before the current one: the reason of its crash is at the end.
const TAIL: i64 = 500;

/// How often it is tried to read a log that may not be read, or one of an ended instance that the node does not have.
const REFUSED_WAIT: Duration = Duration::from_secs(30);

/// Bytes that are kept of what comes in place of a log.
const MAX_WORDS: usize = 1024;

/// A stream that ended by itself mostly means that the container ended: the pod gets this long to report it, before the log is asked for
/// again (which would then be that of the next instance).
const SAYS_SO_WITHIN: Duration = Duration::from_secs(3);

/// How long a container that the server says has not started is left alone, if its pod does not tell anything new before.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// Failures in a row from which on many failing logs are asked for less often, so that they stay within bounds together.
const KEEPS_FAILING: u32 = 4;

/// Of an ended instance whose log no node has, one turn of so many is taken.
const VAIN_TURNS: usize = 4;

/// How long the last words of a pod that is gone are waited for.
const LAST_WORDS: Duration = Duration::from_mins(1);

/// How long a stream may stand after the next instance has started.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// How long lines are gathered before they are emitted.
const BATCH_WITHIN: Duration = Duration::from_millis(50);

/// How many lines are gathered at most, once the backlog is read.
const BATCH: usize = 256;

/// Silence after which a log line that might have continued is complete.
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

/// How much of a log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogPart {
    /// From the start.
    Whole,
    /// Its end.
    Tail,
}

/// Why reading stopped.
#[derive(Debug)]
enum StopReason {
    /// The stream ended by itself.
    End,
    /// Another connection replaces this one.
    Replaced,
    /// The server has lines that the stream did not bring.
    Stalled,
    /// Nothing more is waited for.
    Enough,
    /// Other logs are followed instead: it is read in turns from now on.
    Rest,
    /// It failed.
    Failed(Problem),
}

/// Follows one instance.
pub(super) struct Follower {
    id: SourceId,
    key: ContainerKey,
    part: LogPart,
    shared: Arc<Shared>,
    /// What its container does now.
    instance: watch::Receiver<InstanceState>,
    /// How it is to be read.
    mode: watch::Receiver<ReadMode>,
    context: TaskContext,
    reader: LineReader,
    cursor: Cursor,
    lines: LineSplitter,
    /// Failures in a row.
    failures: u32,
    /// No request before.
    next: Instant,
    /// Since when the stream is cut, until it is known whether something is missing.
    cut_at: Option<Instant>,
    /// Whether it was cut by more than its own end.
    broke: bool,
    /// Whether that was because its turn was over.
    rested: bool,
    /// Whether its container may have written since: nothing was read after its last turn.
    unread: bool,
    /// Whether the stream that brought the newest line ended by itself, as it does when the container ends.
    ended_well: bool,
    /// Why the last try to read failed, if it did.
    unreadable: Option<Redacted>,
    /// The newest time that a check found beyond the last line, and for which the stream was opened again.
    doubted: Option<Timestamp>,
    /// The same, once it is known to be the last line's own: the node keeps a long line in pieces, each with its time.
    last_piece: Option<Timestamp>,
    caught_up: bool,
    /// Whether the stream that was read last brought a new line.
    brought: bool,
}

fn kept_of_each(logs: usize) -> usize {
    (KEEP_OF_ALL / logs.max(1)).clamp(KEEP_LEAST, KEEP)
}

/// The result of a check: the time of the newest line.
type NewestLine = Result<Option<Timestamp>, Problem>;

/// The state of the stream that is read.
struct StreamState {
    opened: Instant,
    /// The server's clock then.
    opened_at: Option<Timestamp>,
    /// When bytes came last, and whether any did.
    heard: Instant,
    begun: bool,
    /// Lines that were not emitted yet, and since when.
    pending: usize,
    pending_since: Option<Instant>,
    /// Whether the last record may still go on.
    unfinished: bool,
    /// The record that is open, by its number, and when its first line came.
    open: Option<(u64, Instant)>,
    /// When the next check is due, while none is under way.
    check_at: Instant,
    /// Comes when the check may be made.
    granted: Option<oneshot::Receiver<()>>,
    check: Option<BoxFuture<'static, NewestLine>>,
    /// A line that the server has and we have not, and how long it is waited for.
    suspected: Option<(Timestamp, Instant)>,
    /// When to stop in any case.
    leave_at: Option<Instant>,
    /// A gap was passed.
    gap: bool,
    /// The last line was found again.
    joined: bool,
    /// Whether a line with its time has come. All lines of a container have one: what comes before the first is not the container's.
    dated: bool,
    /// What came in place of the log.
    words: Option<Vec<u8>>,
    /// When it is known to work, until that is told.
    works_at: Option<Instant>,
}

/// What is due after a moment of silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Emit,
    Flush,
    CatchUp,
    Works,
    Check,
    Suspect,
    Leave,
}

impl StreamState {
    fn new(opened_at: Option<Timestamp>) -> Self {
        let now = now();
        Self {
            opened: now,
            opened_at,
            heard: now,
            begun: false,
            pending: 0,
            pending_since: None,
            unfinished: false,
            open: None,
            check_at: now + CHECK_AFTER,
            granted: None,
            check: None,
            suspected: None,
            leave_at: None,
            gap: false,
            joined: false,
            dated: false,
            words: None,
            works_at: None,
        }
    }

    /// Keeps since when the record is open that may still go on.
    fn note_open(&mut self, open: Option<u64>) {
        let known = self.open.filter(|(number, _)| Some(*number) == open);
        self.open = known.or_else(|| open.map(|number| (number, now())));
    }

    /// What comes next, and when.
    fn next_due(&self, caught_up: bool) -> (Instant, Due) {
        let always = (self.check_at, Due::Check);
        let quiet = if self.begun { BACKLOG_ENDS } else { NOTHING_COMES };
        [
            self.pending_since.map(|since| (since + BATCH_WITHIN, Due::Emit)),
            self.unfinished.then_some((self.heard + RECORD_ENDS, Due::Flush)),
            // The lines of a backlog come faster than they were written: there, only their own times count.
            self.open
                .filter(|_| caught_up)
                .map(|(_, since)| (since + RECORD_TAKES, Due::Flush)),
            (!caught_up).then_some((self.heard + quiet, Due::CatchUp)),
            self.works_at.map(|at| (at, Due::Works)),
            self.suspected.map(|(_, until)| (until, Due::Suspect)),
            self.leave_at.map(|at| (at, Due::Leave)),
        ]
        .into_iter()
        .flatten()
        .fold(always, |first, next| if next.0 < first.0 { next } else { first })
    }
}

impl Follower {
    /// A follower of one instance that has read nothing yet.
    pub(super) fn new(
        key: ContainerKey,
        part: LogPart,
        shared: Arc<Shared>,
        (instance, mode): (watch::Receiver<InstanceState>, watch::Receiver<ReadMode>),
        context: TaskContext,
    ) -> Self {
        Self {
            id: SourceId::Log(key.clone()),
            reader: LineReader::new(
                Arc::clone(&shared.patterns),
                key.clone(),
                kept_of_each(shared.logs.load(Ordering::Relaxed)),
            ),
            key,
            part,
            shared,
            instance,
            mode,
            context,
            cursor: Cursor::default(),
            lines: LineSplitter::default(),
            failures: 0,
            next: clock::now(),
            cut_at: None,
            broke: false,
            rested: false,
            unread: false,
            ended_well: false,
            unreadable: None,
            doubted: None,
            last_piece: None,
            caught_up: false,
            brought: false,
        }
    }

    /// Runs until the log has come to its end.
    pub(super) async fn run(mut self) {
        self.context.source(&self.id, SourceState::Connecting).await;
        loop {
            let access = self.instance.borrow_and_update().access(self.key.restart);
            let mode = *self.mode.borrow_and_update();
            match access {
                LogAccess::NotYet => self.wait_for_news(STARTS_WITHIN).await,
                LogAccess::Lost => break,
                LogAccess::Follow | LogAccess::Previous if mode == ReadMode::Rest => self.rest().await,
                LogAccess::Follow | LogAccess::Previous => {
                    if self.read_on(access == LogAccess::Previous, mode).await {
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
            // Both senders are in one place: when they are gone, the last state has arrived.
            _ = self.instance.changed() => {}
        }
    }

    /// Reads what can be had by one request. Returns whether that was all there will ever be.
    async fn read_on(&mut self, previous: bool, mode: ReadMode) -> bool {
        let id = self.id.clone();
        let session = self.context.session(&id).await;
        sleep_until(self.next).await;
        // What is asked for after an instance has ended is complete.
        let last = previous || self.instance.borrow().is_over(self.key.restart);
        let shared = Arc::clone(&self.shared);
        // Never closed, so never an error.
        let permit = shared.streams.acquire().await.ok();
        self.next = now() + FLOOR;
        let opened_at = now();
        let once = mode == ReadMode::Once;
        let stop = match self.open(&session, previous, !previous && (!once || last)).await {
            Ok(Some(opened)) => self.read(&session, opened, mode).await,
            Ok(None) => {
                drop(permit);
                self.wait_to_start(once).await;
                return false;
            }
            Err(problem) => StopReason::Failed(problem),
        };
        drop(permit);
        match stop {
            StopReason::End if last => {
                self.take_unfinished();
                return true;
            }
            // It was read to its end; asked once more, the node has removed the container.
            StopReason::Failed(problem)
                if last && self.ended_well && problem.kind == ProblemKind::NotFound =>
            {
                return true;
            }
            StopReason::Enough => return true,
            StopReason::End if once => {
                self.failures = 0;
                self.leave().await;
                self.hand_back(RESTS).await;
            }
            StopReason::Rest => self.leave().await,
            StopReason::End if has_worked(opened_at, self.brought) => {
                self.ended_well |= !self.broke;
                self.ended().await;
            }
            StopReason::End => {
                let problem = ended(&self.doing(&session));
                self.fail(&session, problem, mode).await;
                self.ended().await;
            }
            StopReason::Replaced | StopReason::Stalled => {
                self.broke = true;
                self.cut();
            }
            StopReason::Failed(problem) => self.fail(&session, problem, mode).await,
        }
        false
    }

    /// The container has not started: that is no failure.
    async fn wait_to_start(&mut self, once: bool) {
        if once {
            self.hand_back(STARTS_WITHIN).await;
        } else {
            self.wait_for_news(STARTS_WITHIN).await;
        }
    }

    /// Its turn is over, or another log took its stream: it continues from here another time.
    async fn leave(&mut self) {
        self.cut();
        (self.rested, self.unread) = (true, true);
        self.context.source(&self.id, SourceState::Resting).await;
    }

    /// Gives its turn back, and waits until the supervisor took it; the next turn is not due before `rests` has passed.
    async fn hand_back(&mut self, rests: Duration) {
        // Its end is ours: all tasks stop together.
        let over = FollowerRequest::TurnOver {
            key: self.key.clone(),
            rests,
            failed: self.failures > 0,
        };
        let _ = self.shared.asks.send(over).await;
        let _ = self.mode.wait_for(|mode| *mode != ReadMode::Once).await;
    }

    fn doing(&self, session: &ApiSession) -> String {
        format!(
            "read the log of {}/{} in {}",
            self.key.pod, self.key.container, session.namespace
        )
    }

    /// `Ok(None)`: there is nothing to read, and that is no failure.
    async fn open(
        &mut self,
        session: &ApiSession,
        previous: bool,
        follow: bool,
    ) -> Result<
        Option<super::request::LogStream<impl futures::Stream<Item = super::request::Chunk> + Unpin + use<>>>,
        Problem,
    > {
        let since_time = self.cursor.since();
        let tail = self.part == LogPart::Tail && since_time.is_none();
        let parameters = LogParams {
            follow,
            previous,
            since_time,
            tail_lines: tail.then_some(TAIL),
            ..LogParams::default()
        };
        let doing = self.doing(session);
        self.cursor.reopen();
        let problem = match timeout(self.context.limit, open(session, &self.key, parameters)).await {
            Ok(Ok(opened)) => return Ok(Some(opened)),
            Ok(Err(error)) if is_not_started(&error) => return Ok(None),
            Ok(Err(error)) => explained(&error, &doing),
            Err(_elapsed) => frozen(&doing, self.context.limit),
        };
        self.context.note(session, &problem);
        Err(problem)
    }

    /// Waits until the pod reports something new.
    async fn wait_for_news(&mut self, limit: Duration) {
        let _ = timeout(limit, self.instance.changed()).await;
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

    async fn fail(&mut self, session: &ApiSession, problem: Problem, mode: ReadMode) {
        self.cut();
        self.broke = true;
        self.failures += 1;
        let lasting = self.failures >= KEEPS_FAILING || problem.kind == ProblemKind::Forbidden;
        let over = self.instance.borrow().is_over(self.key.restart);
        let gone = over && problem.kind == ProblemKind::NotFound;
        let wait = match problem.kind {
            ProblemKind::Forbidden => REFUSED_WAIT,
            _ if gone && lasting => REFUSED_WAIT,
            _ => wait_after(&problem, self.failures),
        };
        self.unreadable = Some(problem.what.clone());
        let sharing = match mode {
            // Its turn is one that another log does not get, and most likely in vain.
            ReadMode::Once if gone => self.shared.logs.load(Ordering::Relaxed) * VAIN_TURNS,
            _ => self.shared.followed.load(Ordering::Relaxed),
        };
        let together = LOG_REQUESTS_EVERY.unsigned_abs() * sharing as u32;
        let wait = if lasting { wait.max(together) } else { wait };
        self.next = self.next.max(now() + FLOOR);
        self.context.failing(&self.id, problem, self.failures, wait).await;
        if mode == ReadMode::Once {
            return self.hand_back(wait).await;
        }
        let gone = |now: &InstanceState| now.phase == Phase::Gone;
        tokio::select! {
            () = self.context.rest(wait, session.epoch) => {}
            _ = self.instance.wait_for(gone) => {}
        }
    }

    fn take_unfinished(&mut self) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.finish(|line| {
            if time_of(line).is_some() {
                self.take_line(line);
            }
        });
    }

    async fn finish(&mut self) {
        let lost = self.instance.borrow().access(self.key.restart) == LogAccess::Lost;
        let unreadable = self.unreadable.take().filter(|_| lost && !self.ended_well);
        if let Some(why) = unreadable {
            let text = safe!("its last lines were not read: {why}");
            self.note(1, text).await;
        } else if self.unread && lost {
            self.note(1, "ended between two reads: its last lines were not read")
                .await;
        }
        self.reader.caught_up();
        if let Some(batch) = self.reader.take(true) {
            self.context.emit(Observation::Log(batch)).await;
        }
        self.context.source(&self.id, SourceState::Ended).await;
    }

    /// Emits a note for the log pane.
    async fn note(&self, missed: u64, text: impl Into<Redacted>) {
        let text = text.into();
        self.context
            .emit(Observation::LogNote {
                source: self.key.clone(),
                missed,
                text,
            })
            .await;
    }

    /// Reads a stream until it stops, and why.
    async fn read(
        &mut self,
        session: &ApiSession,
        opened: LogStream<impl Stream<Item = Chunk> + Unpin>,
        mode: ReadMode,
    ) -> StopReason {
        let LogStream { at, mut bytes } = opened;
        let mut stream = StreamState::new(at);
        (self.brought, self.unread) = (false, false);
        stream.leave_at = leave_at(*self.instance.borrow_and_update(), self.key.restart);
        let followed = mode == ReadMode::Follow;
        stream.works_at = (followed || self.failures > 0).then(|| stream.opened + WORKS_AGAIN_AFTER);
        let stop = loop {
            let (due_at, due) = stream.next_due(self.caught_up);
            let stop = tokio::select! {
                chunk = bytes.next() => self.take_chunk(chunk, session, &mut stream).await,
                granted = grant(&mut stream.granted), if stream.granted.is_some() => {
                    stream.granted = None;
                    if granted {
                        self.check(session, &mut stream);
                    }
                    None
                }
                answer = answer(&mut stream.check), if stream.check.is_some() => self.checked(answer, &mut stream).await,
                () = sleep_until(due_at) => self.do_due(due, session, &mut stream).await,
                Ok(()) = self.instance.changed() => {
                    let leave = leave_at(*self.instance.borrow_and_update(), self.key.restart);
                    stream.leave_at = stream.leave_at.or(leave);
                    None
                }
                Ok(()) = self.mode.changed(), if followed => {
                    (*self.mode.borrow_and_update() != ReadMode::Follow).then_some(StopReason::Rest)
                }
                () = self.context.changed() => self.connection_changed(session).await,
            };
            if let Some(stop) = stop {
                break stop;
            }
        };
        let words = self
            .words_at_the_end()
            .filter(|_| matches!(stop, StopReason::End));
        let words = words.map(|words| no_log(words, &self.doing(session)));
        // Lines that came before such words are all that there are for now.
        if matches!(stop, StopReason::End) && (stream.dated || words.is_none()) {
            self.catch_up();
        }
        let stop = words.map_or(stop, StopReason::Failed);
        self.ended_well &= !self.brought;
        if self.brought || matches!(stop, StopReason::End) {
            self.unreadable = None;
        }
        // The last line too, though it might have continued: it may be what the pod said before the connection went down.
        self.emit_lines(&mut stream, true).await;
        stop
    }

    async fn take_chunk(
        &mut self,
        chunk: Option<Chunk>,
        session: &ApiSession,
        stream: &mut StreamState,
    ) -> Option<StopReason> {
        let chunk = match chunk {
            Some(Ok(chunk)) => chunk,
            Some(Err(error)) => return Some(StopReason::Failed(explained(&error, &self.doing(session)))),
            None => return Some(StopReason::End),
        };
        let now = now();
        stream.heard = now;
        stream.begun |= !chunk.is_empty();
        stream.check_at = now + CHECK_AFTER;
        // It is not silent any more.
        stream.granted = None;
        self.take_bytes(&chunk, stream);
        if let Some(words) = stream.words.take() {
            return Some(StopReason::Failed(no_log(&words, &self.doing(session))));
        }
        let works = if self.failures > 0 {
            self.brought
        } else {
            stream.dated
        };
        if works && stream.works_at.is_some() {
            self.works(stream).await;
        }
        self.say_what_is_missing(stream).await;
        let enough = self.caught_up && stream.pending >= BATCH;
        if enough
            || stream
                .pending_since
                .is_some_and(|since| now >= since + BATCH_WITHIN)
        {
            self.emit_lines(stream, false).await;
        }
        None
    }

    fn take_bytes(&mut self, chunk: &[u8], stream: &mut StreamState) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.feed(chunk, |line| {
            if !stream.dated && !self.begins_with(line, stream) {
                return;
            }
            let admit = self.take_line(line);
            stream.gap |= admit == Admit::NewAfterGap;
            stream.joined |= admit == Admit::LastSeen;
            if matches!(admit, Admit::New | Admit::NewAfterGap) {
                stream.pending += 1;
            }
        });
        self.lines = lines;
        if stream.pending > 0 {
            stream.pending_since.get_or_insert_with(Instant::now);
            stream.unfinished = true;
        }
        stream.note_open(self.reader.open_record());
        let written_since =
            |opened_at: Timestamp| self.reader.last_at().is_some_and(|last| last >= opened_at);
        if !self.caught_up && stream.opened_at.is_some_and(written_since) {
            self.catch_up();
        }
    }

    /// Whether a stream begins with this line of the container. Where it goes on from a moment, the rest of a line that began before may come
    /// first; any other line without a time is not the container's.
    fn begins_with(&self, line: &[u8], stream: &mut StreamState) -> bool {
        stream.dated = time_of(line).is_some();
        let other = !stream.dated && !self.cursor.is_looking() && !line.trim_ascii().is_empty();
        if other && stream.words.is_none() {
            stream.words = Some(line[..line.len().min(MAX_WORDS)].to_vec());
        }
        stream.dated
    }

    /// What a stream ends with that is neither a line nor the beginning of one, which has its time or a part of it: the kubelet says there
    /// why it could not read the log, or not go on.
    fn words_at_the_end(&self) -> Option<&[u8]> {
        let words = self.lines.unfinished().trim_ascii_start();
        let dated = words.first().is_none_or(u8::is_ascii_digit);
        (!dated).then(|| &words[..words.len().min(MAX_WORDS)])
    }

    /// Judges a line and reads it if it is new.
    fn take_line(&mut self, line: &[u8]) -> Admit {
        let admit = self.cursor.admit(line);
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

    /// After a cut: notes whether lines are missing, as soon as it is known.
    async fn say_what_is_missing(&mut self, stream: &mut StreamState) {
        let Some(cut_at) = self.cut_at.filter(|_| !self.cursor.is_looking()) else {
            return;
        };
        let after = jiff::SignedDuration::try_from(now() - cut_at)
            .map(brief)
            .unwrap_or_default();
        let rested = std::mem::take(&mut self.rested);
        if std::mem::take(&mut stream.gap) {
            let again = if rested { "read again" } else { "reconnected" };
            self.note(
                1,
                &format!("{again} after {after}, lines may be missing: the last line that was read is gone"),
            )
            .await;
        } else if stream.joined && !rested && !self.closing() {
            self.note(0, &format!("reconnected after {after}, nothing lost"))
                .await;
        }
        self.cut_at = None;
        self.broke = false;
    }

    /// Whether the stream ended because the container did: that it was asked for once more, to be sure of the last words, is nobody's
    /// news.
    fn closing(&self) -> bool {
        !self.broke && self.instance.borrow().is_over(self.key.restart)
    }

    async fn do_due(
        &mut self,
        due: Due,
        session: &ApiSession,
        stream: &mut StreamState,
    ) -> Option<StopReason> {
        if matches!(due, Due::CatchUp | Due::Works) && !stream.dated && !self.cursor.is_looking() {
            let words = self.words_at_the_end();
            if let Some(words) = words {
                return Some(StopReason::Failed(no_log(words, &self.doing(session))));
            }
        }
        match due {
            Due::Emit => self.emit_lines(stream, false).await,
            Due::Flush => {
                stream.unfinished = false;
                self.emit_lines(stream, true).await;
            }
            Due::CatchUp => {
                self.catch_up();
                self.emit_lines(stream, true).await;
            }
            Due::Works => self.works(stream).await,
            Due::Check => self.ask_to_check(session, stream),
            Due::Suspect => {
                let (line, _) = stream.suspected.take()?;
                if Some(line) <= self.newest() {
                    return None;
                }
                self.doubted = Some(line);
                return Some(StopReason::Stalled);
            }
            Due::Leave => {
                return Some(if self.instance.borrow().phase == Phase::Gone {
                    StopReason::Enough
                } else {
                    StopReason::End
                });
            }
        }
        None
    }

    /// Emits what was gathered; waits for room, and so does not read on while nobody takes.
    async fn emit_lines(&mut self, stream: &mut StreamState, flush: bool) {
        stream.pending = 0;
        stream.pending_since = None;
        let batch = self.reader.take(flush);
        stream.note_open(self.reader.open_record());
        if let Some(batch) = batch {
            self.context.emit(Observation::Log(batch)).await;
        }
    }

    async fn works(&mut self, stream: &mut StreamState) {
        stream.works_at = None;
        self.failures = 0;
        self.context.source(&self.id, SourceState::Live).await;
    }

    /// The newest time that is known of the log.
    fn newest(&self) -> Option<Timestamp> {
        self.cursor.newest().max(self.last_piece)
    }

    /// Asks whether the newest line may be asked for, unless the instance is over (then silence is right) or the connection is known to be
    /// down.
    fn ask_to_check(&mut self, session: &ApiSession, stream: &mut StreamState) {
        stream.check_at = now() + CHECK_AFTER;
        let up =
            matches!(self.context.connection_state(), ConnectionState::Up(now) if now.epoch == session.epoch);
        let waits = stream.granted.is_some() || stream.check.is_some();
        if !up || waits || self.instance.borrow().is_over(self.key.restart) {
            return;
        }
        let (grant, granted) = oneshot::channel();
        // Where too many ask, it asks again after the next silence.
        if self.shared.asks.try_send(FollowerRequest::Check(grant)).is_ok() {
            stream.granted = Some(granted);
        }
    }

    /// Asks for the newest line.
    fn check(&mut self, session: &ApiSession, stream: &mut StreamState) {
        stream.check_at = now() + CHECK_AFTER;
        let (session, key, context, doing) = (
            session.clone(),
            self.key.clone(),
            self.context.clone(),
            self.doing(session),
        );
        let limit = context.limit.min(CHECK_AFTER);
        stream.check = Some(
            async move {
                match timeout(limit, newest(&session, &key, &doing)).await {
                    Ok(Ok(newest)) => Ok(newest),
                    Ok(Err(problem)) => {
                        context.note(&session, &problem);
                        Err(problem)
                    }
                    Err(_elapsed) => Err(frozen(&doing, limit)),
                }
            }
            .boxed(),
        );
    }

    async fn checked(&mut self, answer: NewestLine, stream: &mut StreamState) -> Option<StopReason> {
        stream.check = None;
        // The stream was opened again for it, and brought the last line and none after it.
        let is_last_piece = |newest| newest == self.doubted && stream.joined && !self.brought;
        match answer {
            Ok(newest) if newest > self.newest() && !is_last_piece(newest) => {
                stream.suspected = newest.map(|newest| (newest, now() + ON_ITS_WAY));
            }
            Ok(newest) => {
                self.last_piece = newest.filter(|_| newest > self.cursor.newest());
                self.works(stream).await;
            }
            Err(problem) => {
                self.context.failing(&self.id, problem, 1, CHECK_AFTER).await;
            }
        }
        None
    }

    async fn connection_changed(&mut self, session: &ApiSession) -> Option<StopReason> {
        match self.context.connection_state() {
            ConnectionState::Up(now) => (now.epoch != session.epoch).then_some(StopReason::Replaced),
            ConnectionState::Down {
                problem,
                attempt,
                retry_in,
            } if problem.kind == ProblemKind::Frozen => {
                self.context.failing(&self.id, problem, attempt, retry_in).await;
                None
            }
            ConnectionState::Down { .. } | ConnectionState::Connecting => None,
        }
    }
}

/// When a stream that says nothing about its end is left: some time after its pod is gone or the next instance runs.
fn leave_at(pod: InstanceState, restart: u32) -> Option<Instant> {
    match pod.phase {
        Phase::Gone => Some(now() + LAST_WORDS),
        _ if pod.restart > restart => Some(now() + AFTERWARDS),
        _ => None,
    }
}

/// Whether the check may be made; never resolves where none was asked for.
async fn grant(granted: &mut Option<oneshot::Receiver<()>>) -> bool {
    match granted {
        Some(granted) => granted.await.is_ok(),
        None => std::future::pending().await,
    }
}

async fn answer(check: &mut Option<BoxFuture<'static, NewestLine>>) -> NewestLine {
    match check {
        Some(check) => check.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_logs_keep_as_much_of_their_backlogs_together_as_a_few() {
        let kept = [0, 1, 50, 51, 1_000, 1_001, 6_000].map(kept_of_each);
        assert_eq!(kept, [2_000, 2_000, 2_000, 1_960, 100, 100, 100]);
    }
}
