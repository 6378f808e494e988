//! A recorded incident on the console: the place in the record, and the clock that runs or stands there.
//!
//! The console is led by the record's lines ([`App::follow`]) instead of the world. Between two lines time passes as it did then, so
//! that ages grow and sources turn stale. To go back is to begin again and follow the record up to that place: it is fast, and leads
//! to the same as going there straight.

pub(crate) mod bar;
pub(crate) mod milestone;
pub(crate) mod mismatch;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
pub(crate) mod screen_tests;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::keymap::Keymap;
use crate::app::App;
use crate::app::apply_record::Mismatch;
use crate::app::event::Effect;
use crate::dialogs::{Dialog, Scroll};
use crate::keymap::action::Action;
use sopwatch_core::record::{Entry, Line};
use sopwatch_core::text::SafeText;

/// How fast it can play; another first speed may be asked for.
pub const SPEEDS: [f64; 9] = [0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 100.0];

/// The most that passes between two events, before it is multiplied: a console that was suspended goes on where it was.
const LONGEST: SignedDuration = SignedDuration::from_secs(2);

const NEAR: SignedDuration = SignedDuration::from_secs(10);
const FAR: SignedDuration = SignedDuration::from_mins(1);

/// What the operator does with a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    missing_docs,
    reason = "the table of actions says what each does, for the help and the guide"
)]
pub enum ReplayAction {
    PlayOrPause,
    /// To the next line that tells of something found or done.
    NextMoment,
    PreviousMoment,
    /// Ten seconds.
    Forward,
    Back,
    /// A minute.
    ForwardFar,
    BackFar,
    Faster,
    Slower,
    ToBeginning,
    ToEnd,
    /// Opens what differs from the record.
    Mismatches,
}

/// A finding that is not as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct DatedMismatch {
    /// When, from the beginning of the incident.
    pub after: SignedDuration,
    /// What.
    pub differs: Mismatch,
}

/// A record that is played.
#[derive(Clone, Debug)]
pub struct Player {
    lines: Arc<[Line]>,
    /// When each line was written, from the first on, by one clock that never goes back.
    times: Arc<[SignedDuration]>,
    /// How many lines were followed.
    followed: usize,
    position: SignedDuration,
    playing: bool,
    speed: f64,
    /// When it heard of the world's time last.
    heard: Option<Timestamp>,
    /// The SOP that was open then; the operator may look at another.
    sop: String,
    /// Findings up to here.
    findings: usize,
    differences: Vec<DatedMismatch>,
    /// Entries that the record lost up to here.
    lost: u64,
    /// Log records that changed nothing and are not in the record.
    pub left_out: u64,
    /// What is wrong with the file.
    flaw: Option<SafeText>,
}

impl Player {
    fn new(lines: Vec<Line>, flaw: Option<SafeText>) -> Self {
        Self {
            times: times(&lines).into(),
            lines: lines.into(),
            followed: 1,
            position: SignedDuration::ZERO,
            playing: false,
            speed: 1.0,
            heard: None,
            sop: String::new(),
            findings: 0,
            differences: Vec::new(),
            lost: 0,
            left_out: 0,
            flaw,
        }
    }

    /// Where it is, from the beginning of the incident.
    pub fn position(&self) -> SignedDuration {
        self.position
    }

    /// How long the record is.
    pub fn length(&self) -> SignedDuration {
        self.times.last().copied().unwrap_or_default()
    }

    /// The SOP that was open then.
    pub fn sop(&self) -> &str {
        &self.sop
    }

    /// Whether its clock runs.
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// How fast its clock runs when it does.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Findings up to here.
    pub fn findings(&self) -> usize {
        self.findings
    }

    /// Those of them that are not as recorded.
    pub fn differences(&self) -> &[DatedMismatch] {
        &self.differences
    }

    /// What is wrong with the file, in words.
    pub fn flaw(&self) -> Option<&SafeText> {
        self.flaw.as_ref()
    }

    /// How many lines were written up to a moment; the first always was.
    fn lines_until(&self, position: SignedDuration) -> usize {
        self.times.partition_point(|time| *time <= position).max(1)
    }

    /// Where its clock is after so long. What passed while no console was running is not waited for.
    fn after(&self, span: SignedDuration) -> SignedDuration {
        let moved = SignedDuration::try_from_secs_f64(span.as_secs_f64() * self.speed).unwrap_or_default();
        let reached = self.position.saturating_add(moved);
        let resumed = self.lines.get(self.followed);
        match resumed.filter(|line| matches!(line.entry, Entry::Joined(_))) {
            Some(_) => reached.max(self.times[self.followed]),
            None => reached,
        }
    }

    /// The next moment's line.
    fn next_moment(&self) -> Option<usize> {
        let mut ahead = self.lines.iter().skip(self.followed);
        let steps = ahead.position(|line| milestone::is_one(&line.entry))?;
        Some(self.followed + steps)
    }

    /// The last moment's line before this place; not the one it stands on.
    fn previous_moment(&self) -> Option<usize> {
        let on = self.followed - 1;
        let stands = self.times[on] == self.position;
        let before = if stands { on } else { self.followed };
        self.lines[..before]
            .iter()
            .rposition(|line| milestone::is_one(&line.entry))
    }
}

/// When each line was written, from the first on: by the machine's clock as it was then, for the cluster's is only learned on the way.
fn times(lines: &[Line]) -> Vec<SignedDuration> {
    let Some(first) = lines.first() else {
        return Vec::new();
    };
    let (mut ahead, mut latest) = (SignedDuration::ZERO, SignedDuration::ZERO);
    let time = |line: &Line| {
        match &line.entry {
            Entry::ClockAhead(now) => ahead = *now,
            // A second console learns it again.
            Entry::Joined(_) => ahead = SignedDuration::ZERO,
            _ => {}
        }
        latest = latest.max(line.at.duration_since(first.at).saturating_sub(ahead));
        latest
    };
    lines.iter().map(time).collect()
}

impl App {
    /// A console at the beginning of a record, standing still. `flaw` says what is wrong with the file. The error says why the lines
    /// are no record.
    pub fn replay(lines: Vec<Line>, flaw: Option<SafeText>, keymap: Keymap) -> Result<Self, String> {
        let first = lines.first().ok_or("it holds no line")?;
        let Entry::Began(began) = &first.entry else {
            return Err(format!(
                "its first line says `{}`, not how the incident began",
                first.entry.name()
            ));
        };
        let mut app = Self::recorded(began, first, keymap);
        let mut player = Player::new(lines, flaw);
        player.sop.clone_from(&app.checklist.sop);
        app.player = Some(Box::new(player));
        app.go_to(SignedDuration::ZERO);
        app.judge();
        let flaw = app.player.as_ref().and_then(|player| player.flaw.clone());
        if let Some(flaw) = flaw {
            app.complain(&flaw);
        }
        Ok(app)
    }

    /// Lets a replay's clock run from here on.
    pub fn play(&mut self, speed: f64) {
        if let Some(player) = &mut self.player {
            player.speed = speed;
            player.playing = true;
        }
    }

    /// Follows a replay's record to its end.
    pub fn play_out(&mut self) {
        self.seek(SignedDuration::MAX);
        self.judge();
    }

    /// Lets the world's time pass in a replay; the moment it is there then. A word from the console ages by the world's time.
    pub(crate) fn pass(&mut self, now: Timestamp) -> Timestamp {
        let Some(player) = &mut self.player else {
            return now;
        };
        let heard = player.heard.replace(now).unwrap_or(now);
        let span = now.duration_since(heard).clamp(SignedDuration::ZERO, LONGEST);
        if player.playing {
            let (position, end) = (player.after(span), player.length());
            player.playing = position < end;
            self.go_to(position.min(end));
            if position >= end {
                self.say("end of the record");
            }
        }
        self.date_words(|at| at.saturating_sub(span).unwrap_or(at));
        self.clock.now
    }

    /// Does what the operator wants of the replay.
    pub(crate) fn turn(&mut self, turn: ReplayAction) {
        match turn {
            ReplayAction::PlayOrPause => self.play_or_pause(),
            ReplayAction::NextMoment => self.step_to(Player::next_moment),
            ReplayAction::PreviousMoment => self.step_to(Player::previous_moment),
            ReplayAction::Forward => self.seek(NEAR),
            ReplayAction::Back => self.seek(-NEAR),
            ReplayAction::ForwardFar => self.seek(FAR),
            ReplayAction::BackFar => self.seek(-FAR),
            ReplayAction::ToBeginning => self.seek(SignedDuration::MIN),
            ReplayAction::ToEnd => self.seek(SignedDuration::MAX),
            ReplayAction::Faster => {
                self.change_speed(|speed| SPEEDS.into_iter().find(|other| *other > speed));
            }
            ReplayAction::Slower => {
                self.change_speed(|speed| SPEEDS.into_iter().rfind(|other| *other < speed));
            }
            ReplayAction::Mismatches => self.open_differences(),
        }
    }

    fn play_or_pause(&mut self) {
        let Some(player) = &mut self.player else { return };
        if player.position >= player.length() {
            self.say("end of the record");
        } else {
            player.playing = !player.playing;
        }
    }

    fn change_speed(&mut self, other: impl Fn(f64) -> Option<f64>) {
        if let Some(player) = &mut self.player {
            player.speed = other(player.speed).unwrap_or(player.speed);
        }
    }

    fn open_differences(&mut self) {
        if !matches!(self.dialog(), Some(Dialog::Mismatches(_))) {
            self.dialogs.push(Dialog::Mismatches(Scroll::default()));
        }
    }

    /// Stands still on a line that `choose` finds.
    fn step_to(&mut self, choose: impl Fn(&Player) -> Option<usize>) {
        let Some(player) = &mut self.player else { return };
        player.playing = false;
        match choose(player) {
            Some(place) => {
                let position = player.times[place];
                self.go(place + 1, position);
            }
            None => self.say("nothing more in this direction"),
        }
    }

    fn seek(&mut self, by: SignedDuration) {
        if let Some(player) = &self.player {
            let position = player.position.saturating_add(by);
            self.go_to(position.clamp(SignedDuration::ZERO, player.length()));
        }
    }

    fn go_to(&mut self, position: SignedDuration) {
        if let Some(player) = &self.player {
            self.go(player.lines_until(position), position);
        }
    }

    /// Has followed so many lines then, and stands at this moment. An SOP of the operator's own choice stays open.
    fn go(&mut self, followed: usize, position: SignedDuration) {
        let Some(mut player) = self.player.take() else {
            return;
        };
        let before = self.clock.now;
        let own = (self.checklist.sop != player.sop).then(|| self.checklist.sop.clone());
        let (notice, copied) = (self.notice.take(), self.copied.take());
        let panes = self.panes.clone();
        if followed < player.followed {
            self.begin_again(&mut player);
        } else {
            self.checklist.sop.clone_from(&player.sop);
        }
        let (lines, times) = (player.lines.clone(), player.times.clone());
        let ahead = lines.iter().zip(times.iter()).take(followed);
        for (line, after) in ahead.skip(player.followed) {
            self.follow_one(&mut player, line, *after);
        }
        player.sop.clone_from(&self.checklist.sop);
        if let Some(own) = own {
            self.checklist.sop = own;
        }
        player.followed = followed;
        player.position = position;
        self.player = Some(player);
        (self.notice, self.copied) = (notice, copied);
        // What was there for a moment on the way has not moved the operator's choice.
        self.panes = panes;
        self.hold_choices();
        let started_at = self.session.started_at;
        self.clock.now = started_at.saturating_add(position).unwrap_or(started_at);
        let moved = self.clock.now.duration_since(before);
        self.date_words(|at| at.saturating_add(moved).unwrap_or(at));
    }

    fn follow_one(&mut self, player: &mut Player, line: &Line, after: SignedDuration) {
        match &line.entry {
            Entry::Snapshot(_) => player.findings += 1,
            Entry::Lost { entries, .. } => player.lost = player.lost.saturating_add(*entries),
            Entry::LeftOut { records } => player.left_out = player.left_out.saturating_add(*records),
            _ => {}
        }
        let differs = self.follow(line);
        player
            .differences
            .extend(differs.map(|differs| DatedMismatch { after, differs }));
    }

    /// Knows nothing but the first line again; what the operator looks at stays.
    fn begin_again(&mut self, player: &mut Player) {
        let first = &player.lines[0];
        let Entry::Began(began) = &first.entry else {
            return;
        };
        let old = std::mem::replace(self, Self::recorded(began, first, self.keymap.clone()));
        self.dialogs = old.dialogs;
        self.logs.buffer = old.logs.buffer.emptied();
        player.followed = 1;
        player.findings = 0;
        player.differences.clear();
        player.lost = 0;
        player.left_out = 0;
    }

    /// Moves the moments of the console's own words.
    fn date_words(&mut self, date: impl Fn(Timestamp) -> Timestamp) {
        if let Some(notice) = &mut self.notice {
            notice.at = date(notice.at);
        }
        if let Some((at, _)) = &mut self.copied {
            *at = date(*at);
        }
    }

    /// Says so where a verb would ask or change something in the world, in a replay.
    pub(crate) fn is_refused_in_replay(&mut self, action: Action) -> bool {
        let refused = self.player.is_some() && action.needs_world();
        if refused {
            self.complain("replay: actions are disabled");
        }
        refused
    }

    /// What may leave the console: in a replay nothing that reaches the world.
    pub(crate) fn let_out(&self, mut effects: Vec<Effect>) -> Vec<Effect> {
        if self.player.is_some() {
            effects.retain(|effect| !effect.reaches_world());
        }
        effects
    }
}
