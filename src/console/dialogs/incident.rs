//! The incident as this console keeps it: its record, what was done, and what is asked before something is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use sopwatch_core::record::Snapshot;

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::dialog_text::{DialogText, Tone};
use crate::dialogs::{Dialog, ResumePrompt};
use crate::keymap::action::{Action, Context};
use sopwatch_core::record::{Entry, Line};
use sopwatch_core::remediate::applied_command::AppliedCommand;
use sopwatch_core::remediate::command::CommandOutcome;
use sopwatch_core::remediate::execution::Phase;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, counted, duration};

/// How the record of the incident is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordStatus {
    /// Its file, once it is open.
    pub file: Option<PathBuf>,
    /// Whether one that was written before is being opened: what was done in it is not known yet.
    pub opening: bool,
    /// Why it can't be written.
    pub failing: Option<SafeText>,
    /// Lines that could not be written.
    pub lost: u64,
    /// Why it is another than the one that was to be gone on with.
    pub instead: Option<SafeText>,
    /// Who else works here now, in a record of their own.
    pub beside: Option<SafeText>,
}

/// The incident's history as this console keeps it.
#[derive(Clone, Debug, Default)]
pub struct Incident {
    /// What the operator noted.
    pub notes: Vec<(Timestamp, SafeText)>,
    /// How the record is.
    pub status: RecordStatus,
    /// Moments that an earlier console dated: by the clock of the cluster, which no machine's clock moves.
    pub(crate) already_corrected: BTreeSet<Timestamp>,
    /// What the record was given last.
    pub(crate) last_snapshot: Option<Snapshot>,
}

impl App {
    /// The record was opened; what stood in it is taken over.
    pub(crate) fn take_record(&mut self, file: PathBuf, lines: &[Line], instead: Option<&SafeText>) {
        self.incident.status = RecordStatus {
            file: Some(file),
            instead: instead.cloned(),
            beside: self.incident.status.beside.take(),
            ..RecordStatus::default()
        };
        if let Some(why) = instead {
            self.complain(&format!("new record started: {why}"));
            self.take_over(lines);
            self.ask_for_sop();
            return;
        }
        if lines.is_empty() {
            return;
        }
        // Findings from here on belong to the new incident.
        self.resume(lines);
        let last = self
            .remediation
            .commands
            .iter()
            .rfind(|change| change.may_have_happened());
        let done = last.map_or(String::new(), |change| {
            let ago = duration::brief(self.clock.now.duration_since(change.at));
            format!("; {ago} ago: {}", change.words())
        });
        let cut = self
            .cut_short()
            .map_or(String::new(), |words| format!("; {words}"));
        let began = duration::brief(self.clock.now.duration_since(self.session.started_at));
        self.say(&format!("resumed, started {began} ago{cut}{done}"));
        self.ask_for_sop();
        self.judge();
    }

    /// Another console works here now, in a record of its own.
    pub fn is_beside(&mut self, who: &str) {
        self.incident.status.beside = Some(SafeText::new(who));
        self.complain(who);
    }

    /// There is no place for a record.
    pub fn cannot_record(&mut self, why: &str) {
        self.take_recording(Some(SafeText::new(why)), 0);
    }

    /// The record's state changed.
    pub(crate) fn take_recording(&mut self, failing: Option<SafeText>, lost: u64) {
        if let Some(why) = failing
            .as_ref()
            .filter(|_| self.incident.status.failing.is_none())
        {
            self.complain(&format!("NOT RECORDED, changes are blocked: {why}"));
        }
        self.incident.status.failing = failing;
        self.incident.status.lost = lost;
    }

    /// Writes a note into the record.
    pub(crate) fn note_down(&mut self, text: &str) -> Vec<Effect> {
        if text.trim().is_empty() {
            return Vec::new();
        }
        let text = SafeText::new(text);
        self.incident.notes.push((self.clock.now, text.clone()));
        self.say("note saved");
        vec![Effect::Record(Entry::Note { text })]
    }

    /// An incident is open: asks whether to go on with it.
    pub fn offer(&mut self, offer: ResumePrompt) {
        self.dialogs.push(Dialog::ResumePrompt(Box::new(offer)));
    }

    pub(crate) fn press_offer(&mut self, key: KeyEvent) -> Vec<Effect> {
        let resume = match key.code {
            KeyCode::Enter | KeyCode::Char('y') => true,
            KeyCode::Char('n') => false,
            KeyCode::Char('q') => return vec![Effect::Quit],
            // What is begun stays: not by the key that elsewhere only puts something away.
            _ => return Vec::new(),
        };
        self.dialogs.pop();
        if !resume {
            self.ask_for_sop();
        }
        vec![Effect::OpenRecord { resume }]
    }

    pub(crate) fn offer_page(&self, offer: &ResumePrompt) -> DialogText {
        let mut page = DialogText::titled("An incident is open here");
        let ago = |at| duration::brief(self.clock.now.duration_since(at));
        page.add(Tone::Heading, offer.sop.as_str());
        page.add(
            Tone::Plain,
            format!(
                "began {} ago, last written {} ago by {}",
                ago(offer.began_at),
                ago(offer.last_at),
                offer.by
            ),
        );
        page.add(
            Tone::Plain,
            match offer.actions {
                0 if offer.broken.is_some() => {
                    "no change to the cluster can be read in its record".to_owned()
                }
                0 => "no change to the cluster".to_owned(),
                count => format!("{} to the cluster", counted(count, "change", "changes")),
            },
        );
        if let Some((at, words)) = &offer.last_change {
            page.add(Tone::Doubtful, format!("  {} ago: {words}", ago(*at)));
        }
        page.add(Tone::Faint, offer.name.as_str());
        for (name, actions) in &offer.others {
            let changes = counted(*actions, "change", "changes");
            page.add(
                Tone::Doubtful,
                format!("also open, {changes}: {name}  (choose it with --incident)"),
            );
        }
        page.add(Tone::Plain, "");
        if let Some(why) = &offer.broken {
            page.add(Tone::Bad, why.as_str());
            page.add(
                Tone::Good,
                "enter  start a new incident with the changes that can be read",
            );
        } else {
            page.add(Tone::Good, "enter  resume it");
        }
        page.add(Tone::Plain, "n      start a new incident");
        page.add(Tone::Plain, "q      quit");
        page
    }

    pub(crate) fn incident_page(&self) -> DialogText {
        let mut page = DialogText::titled("This incident");
        match (&self.incident.status.file, &self.incident.status.failing) {
            (Some(file), None) => page.add(Tone::Plain, format!("recorded in {}", file.display())),
            (_, Some(why)) => page.add(Tone::Bad, format!("NOT RECORDED: {why}")),
            (None, None) if self.player.is_some() => page.add(Tone::Plain, "replayed from its record"),
            (None, None) => page.add(Tone::Doubtful, "not recorded"),
        }
        if let Some(why) = &self.incident.status.instead {
            page.add(Tone::Doubtful, format!("new record started: {why}"));
        }
        if let Some(who) = &self.incident.status.beside {
            page.add(Tone::Doubtful, who.as_str());
        }
        if self.incident.status.lost > 0 {
            let lines = counted(self.incident.status.lost, "line", "lines");
            page.add(Tone::Bad, format!("{lines} could not be written"));
        }
        self.add_execution(&mut page);
        page.section("Changes");
        if self.remediation.commands.is_empty() {
            page.add(Tone::Faint, "no changes from this console");
        }
        for change in &self.remediation.commands {
            self.add_change(&mut page, change);
        }
        if let Some(words) = self.cut_short() {
            page.add(Tone::Doubtful, words);
        }
        page.section("Notes");
        if self.incident.notes.is_empty() {
            page.add(Tone::Faint, "none");
        }
        let mut notes: Vec<_> = self.incident.notes.iter().collect();
        notes.sort_by_key(|(at, _)| *at);
        for (at, text) in notes {
            page.add(Tone::Plain, format!("{}  {text}", at.strftime("%T")));
        }
        page
    }

    /// What was carried out and ended before all of it was done: the rest was confirmed for another moment, and the key proposes it again.
    fn cut_short(&self) -> Option<SafeText> {
        if let Some(words) = self.interrupted_words() {
            let key = self.keymap.key_of(Action::RestartRest, Context::Console);
            let key = key.filter(|_| Action::RestartRest.available(self));
            return Some(key.map_or(words.clone(), |key| safe!("{words} ({key}: restart them)")));
        }
        // A record of an older version does not name them.
        if self
            .remediation
            .commands
            .iter()
            .any(|change| !change.intent.rest.is_empty())
        {
            return None;
        }
        let own = self
            .remediation
            .execution
            .as_ref()
            .is_some_and(|execution| !execution.is_again());
        let last = self.remediation.commands.last().filter(|_| !own)?;
        let rest = last.not_sent();
        (rest > 0).then(|| {
            let of = last.intent.part.map_or(rest, |(_, of)| of);
            let pods = counted(of, "pod", "pods");
            safe!("restart interrupted: {rest} of {pods} not restarted")
        })
    }

    fn add_execution(&self, page: &mut DialogText) {
        let Some(execution) = &self.remediation.execution else {
            return;
        };
        page.section(if execution.is_under_way() {
            "Running"
        } else {
            "Finished"
        });
        let since = duration::brief(self.clock.now.duration_since(execution.since));
        let tone = match execution.phase {
            Phase::Over(Some(true)) => Tone::Good,
            Phase::Over(Some(false)) => Tone::Bad,
            _ => Tone::Doubtful,
        };
        let (sent, all) = (execution.sent, execution.confirmed);
        page.add(
            Tone::Plain,
            format!("{}  {sent} of {all} sent", execution.plan.aim.words()),
        );
        page.add(tone, format!("{}  ({since} ago)", execution.words));
    }

    fn add_change(&self, page: &mut DialogText, change: &AppliedCommand) {
        let tone = match change.outcome.as_ref().map(|(_, outcome)| outcome) {
            Some(CommandOutcome::Applied { .. }) => Tone::Plain,
            Some(CommandOutcome::Unknown { .. }) | None => Tone::Doubtful,
            Some(_) => Tone::Bad,
        };
        let ago = duration::brief(self.clock.now.duration_since(change.at));
        page.add(
            tone,
            format!(
                "{}  {ago} ago by {}: {}",
                change.at.strftime("%T"),
                change.intent.user,
                change.words()
            ),
        );
        for (at, words, good) in &change.stages {
            let tone = match good {
                Some(true) => Tone::Good,
                Some(false) => Tone::Bad,
                None => Tone::Faint,
            };
            page.add(tone, format!("  {}  {words}", at.strftime("%T")));
        }
    }
}
