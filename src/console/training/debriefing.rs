//! The debriefing: what was wrong, what there was to find, what the operator said and did, and what was missed. Observations with times.

use sopwatch_core::profile::rule::Advice;
use std::fmt::Write as _;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::answer::AnswerVerdict;
use super::{Assessment, Attempt, worth};
use crate::dialogs::dialog_text::{DialogText, Tone};
use crate::training::expected_finding::{ExpectedFinding, FindingKind};
use crate::training::viewed::Viewed;
use sopwatch_core::profile::Profile;
use sopwatch_core::text::{SafeText, duration};

/// Columns of the text that is printed.
const COLUMNS: usize = 80;

/// Looks that are told: the first ones.
const LOOKS: usize = 12;

/// Acts that are told: the first ones.
const ACTS: usize = 30;

/// A manual step of the chosen SOP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its title.
    pub title: String,
    /// When it was ticked, and with which note.
    pub ticked: Option<(Timestamp, String)>,
}

/// What is told at `now`. `manual` is `None` where no console was open: what was seen and answered is not known then.
pub fn debriefing(
    attempt: &Attempt,
    profile: &Profile,
    manual: Option<&[Step]>,
    now: Timestamp,
) -> DialogText {
    let mut page = DialogText::titled(format!("Debriefing: {}", attempt.lesson.title));
    let mut told = Telling {
        attempt,
        profile,
        page: &mut page,
        missed: Vec::new(),
    };
    told.what_was_wrong(now);
    told.what_there_was_to_find(manual.is_some());
    if let Some(manual) = manual {
        told.what_was_looked_at(manual);
        told.the_answer();
    } else {
        told.the_right_answer();
    }
    told.what_was_done();
    told.what_was_missed(manual);
    page
}

struct Telling<'a> {
    attempt: &'a Attempt,
    profile: &'a Profile,
    page: &'a mut DialogText,
    missed: Vec<String>,
}

impl Telling<'_> {
    /// A moment as time since the start.
    fn time(&self, at: Timestamp) -> String {
        duration::brief(at.duration_since(self.attempt.began))
    }

    fn item(&mut self, tone: Tone, at: &str, text: &str) {
        self.page.add(tone, format!("- {at:>5}  {text}"));
    }

    fn what_was_wrong(&mut self, now: Timestamp) {
        let attempt = self.attempt;
        let length = self.time(now);
        self.page.add(
            Tone::Faint,
            format!(
                "Scenario {}, {length}. Times count from the start, by the drill's clock.",
                attempt.lesson.id
            ),
        );
        self.page.section("What was wrong");
        self.page.add(Tone::Plain, attempt.lesson.story.as_str());
        self.page.add(Tone::Plain, "");
        self.page.add(Tone::Plain, attempt.lesson.because.as_str());
    }

    fn what_there_was_to_find(&mut self, console: bool) {
        let attempt = self.attempt;
        self.page.section("What there was to find");
        let (trouble, calm): (Vec<_>, Vec<_>) = attempt
            .signs
            .iter()
            .partition(|sign| sign.kind_of_finding.is_trouble());
        if !console {
            self.page
                .add(Tone::Faint, "No console was open: what you saw is not known.");
        } else if trouble.is_empty() {
            self.page.add(Tone::Plain, "No failing step.");
        }
        for sign in trouble {
            self.sign(sign, console);
        }
        let calm = calm.iter().filter(|sign| !console || sign.shown_at.is_some());
        let calm: Vec<_> = calm
            .map(|sign| sign.kind_of_finding.words(self.profile))
            .collect();
        if !calm.is_empty() {
            self.page.add(Tone::Plain, format!("OK: {}.", calm.join("; ")));
        }
    }

    fn sign(&mut self, sign: &ExpectedFinding, console: bool) {
        let words = sign.kind_of_finding.words(self.profile);
        let from = duration::brief(sign.from);
        match sign.shown_at {
            _ if !console => self.item(Tone::Plain, &from, &words),
            Some(at) => {
                let opened = self.opened_words(&sign.kind_of_finding);
                let at = self.time(at);
                let over = sign
                    .over_at
                    .map_or_else(String::new, |at| format!("; OK since {}", self.time(at)));
                self.item(
                    Tone::Plain,
                    &at,
                    &format!("the console showed {words}{over}{opened}"),
                );
            }
            None => {
                self.item(Tone::Doubtful, "–", &format!("{words}: not shown before the end"));
                self.missed
                    .push(format!("{words}: visible from {from} on, if nobody acts"));
            }
        }
    }

    /// Whether the step's page, which says what to look at, was opened.
    fn opened_words(&mut self, kind_of_finding: &FindingKind) -> String {
        let FindingKind::Step(id, _) = kind_of_finding else {
            return String::new();
        };
        let look = Viewed::Step(id.clone());
        let opened = self.attempt.looks.iter().find(|(_, known)| *known == look);
        match opened {
            Some((at, _)) => format!(". You opened it at {}.", self.time(*at)),
            None => ". You did not open it.".to_owned(),
        }
    }

    fn what_was_looked_at(&mut self, manual: &[Step]) {
        let attempt = self.attempt;
        self.page.section("What you opened");
        let looks = attempt
            .looks
            .iter()
            .map(|(at, look)| (*at, look.words(self.profile)));
        let ticks = manual.iter().filter_map(|step| {
            let (at, note) = step.ticked.as_ref()?;
            let note = if note.is_empty() {
                String::new()
            } else {
                format!(" ({note})")
            };
            Some((*at, format!("ticked: {}{note}", step.title)))
        });
        let mut all: Vec<_> = looks.chain(ticks).collect();
        all.sort_by_key(|(at, _)| *at);
        if all.is_empty() {
            self.page.add(
                Tone::Doubtful,
                "Only the first screen: you opened and ticked nothing.",
            );
        }
        for (at, words) in all.iter().take(LOOKS) {
            let at = self.time(*at);
            self.item(Tone::Plain, &at, words);
        }
        self.and_more(all.len(), LOOKS);
    }

    fn and_more(&mut self, count: usize, told: usize) {
        if count > told {
            self.page.add(Tone::Faint, format!("and {} more", count - told));
        }
    }

    fn the_answer(&mut self) {
        let attempt = self.attempt;
        self.page.section("The answer");
        if attempt.answers.is_empty() {
            self.page.add(Tone::Doubtful, "No answer.");
            self.missed.push("You did not answer (T).".to_owned());
        }
        for given in &attempt.answers {
            let verdict = AnswerVerdict::of(&given.choice, &attempt.lesson.right);
            let late = if given.after_debriefing {
                ", after the debriefing"
            } else {
                ""
            };
            let tone = match verdict {
                AnswerVerdict::Right => Tone::Good,
                AnswerVerdict::Harmful => Tone::Bad,
                AnswerVerdict::OtherContact | AnswerVerdict::Other => Tone::Doubtful,
            };
            let (at, words) = (self.time(given.at), given.choice.words(self.profile));
            self.item(tone, &at, &format!("{words}{late}: {}", verdict.words()));
        }
        self.right_words();
        let hints: Vec<_> = attempt.hints.iter().map(|at| self.time(*at)).collect();
        let of = attempt.lesson.hints.len();
        let hints = match hints.as_slice() {
            [] => format!("Hints: none of {of}."),
            times => format!("Hints: {} of {of}, at {}.", times.len(), times.join(", ")),
        };
        self.page.add(Tone::Plain, hints);
        if let Some(at) = attempt.revealed_at {
            let words = format!(
                "You revealed the recommendation at {}, before an answer.",
                self.time(at)
            );
            self.page.add(Tone::Plain, words);
        }
    }

    fn the_right_answer(&mut self) {
        self.page.section("The answer");
        self.right_words();
    }

    fn right_words(&mut self) {
        let right = &self.attempt.lesson.right;
        let rights = std::iter::once(&right.choice).chain(&right.or);
        let rights: Vec<_> = rights.map(|choice| choice.words(self.profile)).collect();
        let mut words = format!("Right: {}.", rights.join(", or "));
        if !right.harmful.is_empty() {
            let harmful: Vec<_> = right.harmful.iter().map(|action| action.words()).collect();
            words = format!("{words} Harmful: {}.", harmful.join(", "));
        }
        self.page.add(Tone::Plain, words);
    }

    fn what_was_done(&mut self) {
        let attempt = self.attempt;
        self.page.section("What was done to the cluster");
        let mut helped = false;
        for (index, noted) in attempt.acts.iter().enumerate() {
            let worth = worth(&attempt.acts[..=index], &attempt.lesson.right, attempt.began);
            helped |= worth == Assessment::AsAsked;
            if index >= ACTS {
                continue;
            }
            let tone = match worth {
                Assessment::AsAsked => Tone::Good,
                Assessment::Harmful(_) => Tone::Bad,
                Assessment::Needless => Tone::Doubtful,
                Assessment::Refused | Assessment::Open => Tone::Plain,
            };
            let judged = worth
                .words()
                .map_or_else(String::new, |words| format!(" – {words}"));
            let at = self.time(noted.act.at);
            self.item(tone, &at, &format!("{}{judged}", noted.act.words()));
        }
        self.and_more(attempt.acts.len(), ACTS);
        if attempt.acts.is_empty() {
            self.page.add(Tone::Plain, "Nothing.");
        }
        let asked = attempt.lesson.right.choice.action;
        if !helped && matches!(asked, Advice::StartPods | Advice::RestartPods | Advice::ScaleUp) {
            let missed = match asked {
                Advice::StartPods => "No pod was started.",
                Advice::ScaleUp => "No pod was added.",
                _ => "The pods were not restarted.",
            };
            self.missed.push(missed.to_owned());
        }
    }

    fn what_was_missed(&mut self, manual: Option<&[Step]>) {
        let open = manual.unwrap_or_default().iter();
        let open: Vec<_> = open
            .filter(|step| step.ticked.is_none())
            .map(|step| step.title.as_str())
            .collect();
        if !open.is_empty() {
            self.missed
                .push(format!("Manual steps not ticked: {}.", open.join("; ")));
        }
        // Without a console most of it is not known.
        if self.missed.is_empty() && manual.is_none() {
            return;
        }
        self.page.section("What was missed");
        if self.missed.is_empty() {
            self.page.add(Tone::Good, "Nothing.");
        }
        for missed in std::mem::take(&mut self.missed) {
            self.page.add(Tone::Doubtful, format!("- {missed}"));
        }
    }
}

/// The page as a text of at most 80 columns, which reads as it is and as Markdown.
pub fn markdown(page: &DialogText) -> SafeText {
    let mut text = format!("# {}\n\n", page.title);
    let mut before = "";
    for line in &page.lines {
        let is_item = |text: &str| text.starts_with("- ");
        let apart = is_item(before) != is_item(&line.text) && !before.is_empty() && !line.text.is_empty();
        if apart && line.tone != Tone::Heading && !text.ends_with("\n\n") {
            text.push('\n');
        }
        before = &line.text;
        match line.tone {
            Tone::Heading => {
                // A string takes everything.
                let _ = write!(text, "## {}\n\n", line.text);
            }
            _ => wrap(&line.text, &mut text),
        }
    }
    text.into()
}

/// Adds a line, broken at blanks; an item's further lines are indented.
fn wrap(line: &str, text: &mut String) {
    let item = line.starts_with("- ");
    let indent = if item { "  " } else { "" };
    let mut row = String::new();
    for word in line.split(' ') {
        if !row.trim().is_empty() && row.width() + 1 + word.width() > COLUMNS {
            text.push_str(row.trim_end());
            text.push('\n');
            indent.clone_into(&mut row);
            row.push_str(word);
        } else if row.is_empty() {
            word.clone_into(&mut row);
        } else {
            row.push(' ');
            row.push_str(word);
        }
    }
    text.push_str(row.trim_end());
    text.push('\n');
}
