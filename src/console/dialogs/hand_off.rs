//! The hand-off in the console: its reader, its page, and that it was copied.

use std::path::Path;

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::dialog_text::{DialogText, Tone};
use crate::dialogs::{Dialog, Scroll};
use crate::keymap::action::{Action, Context};
use sopwatch_core::diagnose::{Decision, Diagnosis};
use sopwatch_core::export::case_snapshot::CaseSnapshot;
use sopwatch_core::export::handoff::{ChangeLine, Done, Ticked, hand_off};
use sopwatch_core::profile::Contact;
use sopwatch_core::record::Entry;
use sopwatch_core::text::SafeText;
use sopwatch_core::text::duration;

impl App {
    /// Opens the text for the team that the recommendation names; where it names none, or in a lesson that keeps it back, asks which team it is for.
    pub(crate) fn open_hand_off(&mut self) {
        if self.needs_sop() {
            return;
        }
        let contacts = &self.session.profile.contacts;
        if contacts.is_empty() {
            self.complain("no contacts in the profile: add [contacts]");
            return;
        }
        let advised = self.diagnosis.decision.recommendation.contact.as_ref();
        let advised = advised.filter(|_| !self.holds_back());
        let place = advised.and_then(|advised| contacts.keys().position(|id| id == advised));
        match place {
            Some(contact) => self.show_hand_off(contact),
            None => self.dialogs.push(Dialog::Contacts { chosen: 0 }),
        }
    }

    pub(crate) fn choose_contact(&mut self, chosen: usize) {
        self.dialogs.pop();
        self.show_hand_off(chosen);
    }

    pub(crate) fn show_hand_off(&mut self, contact: usize) {
        self.copied = None;
        let scroll = Scroll::default();
        self.dialogs.push(Dialog::HandOff { contact, scroll });
    }

    /// Whether a text for another team is what is read.
    pub(crate) fn hand_off_is_open(&self) -> bool {
        matches!(self.dialog(), Some(Dialog::HandOff { .. }))
    }

    /// Shows the text for the contact that many places on.
    pub(crate) fn switch_contact(&mut self, by: isize) {
        let count = self.session.profile.contacts.len() as isize;
        if let Some(Dialog::HandOff { contact, scroll }) = self.dialogs.last_mut() {
            *contact = (*contact as isize + by).rem_euclid(count.max(1)) as usize;
            *scroll = Scroll::default();
            self.copied = None;
        }
    }

    fn contact(&self, place: usize) -> Option<(&String, &Contact)> {
        self.session.profile.contacts.iter().nth(place)
    }

    /// The text for the contact in this place.
    pub(crate) fn hand_off_text(&self, place: usize) -> Option<SafeText> {
        let (id, _) = self.contact(place)?;
        let account = self.account()?;
        if !self.holds_back() {
            return Some(hand_off(&account, id, &self.done()));
        }
        // Who reads the decision in a text learns it as well.
        let undecided = Diagnosis {
            decision: Decision::default(),
            ..self.diagnosis.clone()
        };
        let account = CaseSnapshot {
            diagnosis: &undecided,
            ..account
        };
        Some(hand_off(&account, id, &self.done()))
    }

    /// What the record keeps of a text that is copied for another team.
    pub(crate) fn handed_off(&self, text: &SafeText) -> Option<Effect> {
        let Some(Dialog::HandOff { contact, .. }) = self.dialog() else {
            return None;
        };
        let (id, _) = self.contact(*contact)?;
        Some(Effect::Record(Entry::HandOff {
            contact: id.clone(),
            text: text.clone(),
        }))
    }

    /// What was done so far: what was ticked, and in a lesson what was done to the cluster.
    fn done(&self) -> Done {
        let acts = self.attempt.iter().flat_map(|attempt| &attempt.acts);
        let noted = |noted: &crate::training::Noted| ChangeLine {
            at: noted.act.at,
            what: noted.act.words(),
        };
        let changes = self.remediation.commands.iter().map(|change| ChangeLine {
            at: change.at,
            what: change.words(),
        });
        let steps = &self.session.profile.steps;
        let ticks = self.checklist.ticks.iter().map(|(id, tick)| Ticked {
            at: tick.at,
            step: steps
                .get(id)
                .map_or_else(|| id.clone(), |step| step.title.clone()),
            note: tick.note.clone(),
        });
        let mut ticks: Vec<_> = ticks.collect();
        ticks.sort_by_key(|tick| tick.at);
        Done {
            changes: if self.attempt.is_some() {
                acts.map(noted).collect()
            } else {
                changes.collect()
            },
            ticks,
        }
    }

    pub(crate) fn hand_off_page(&self, place: usize) -> DialogText {
        let Some((id, contact)) = self.contact(place) else {
            return DialogText::titled("Hand-off");
        };
        let count = self.session.profile.contacts.len();
        let mut page = DialogText::titled(format!("Hand-off to {}  {} of {count}", contact.title, place + 1));
        add_reach(&mut page, id, contact);
        self.add_copy(&mut page);
        let text = self.hand_off_text(place).unwrap_or_default();
        page.add(Tone::Plain, "");
        add_text(&mut page, &text);
        page
    }

    fn add_copy(&self, page: &mut DialogText) {
        if let Some((at, to)) = &self.copied {
            let ago = duration::brief(self.clock.now.duration_since(*at));
            page.add(Tone::Good, format!("{to}, {ago} ago"));
            return;
        }
        let key = |action| self.keymap.key_of(action, Context::Dialog);
        let copy: Vec<_> = [Action::CopyText, Action::Choose]
            .into_iter()
            .filter_map(key)
            .collect();
        let next = key(Action::NextContact).map(|key| format!("; {key}: next team"));
        page.add(
            Tone::Faint,
            format!(
                "{}: copy the text below{}",
                copy.join(" or "),
                next.unwrap_or_default()
            ),
        );
    }

    /// Says where a text was copied to; in an open hand-off that stays.
    pub(crate) fn note_copy(&mut self, to: Option<&str>, file: Option<&Path>) {
        let file = file.map(|file| file.display().to_string());
        let words = match (to, file) {
            (Some(to), Some(file)) => format!("copied to {file} and {to}"),
            (Some(to), None) => format!("copied to {to}"),
            (None, Some(file)) => format!("copied to {file} (no clipboard)"),
            (None, None) => return,
        };
        self.say(&words);
        if self.hand_off_is_open() {
            self.copied = Some((self.clock.now, SafeText::new(&words)));
        }
    }
}

/// How the contact is reached; where nobody has written that down, where to.
fn add_reach(page: &mut DialogText, id: &str, contact: &Contact) {
    if contact.reach.is_empty() {
        page.add(
            Tone::Doubtful,
            format!(
                "No contact configured for {}: add it under [contacts] in config.toml (`sopwatch config paths` shows where):",
                contact.title
            ),
        );
        page.add(Tone::Code, format!("{id} = [\"#a-channel\", \"an@address\"]"));
        return;
    }
    page.add(Tone::Heading, "How to reach them");
    for reach in &contact.reach {
        page.add(Tone::Code, format!("  {reach}"));
    }
}

/// The text as it is copied, marks included.
fn add_text(page: &mut DialogText, text: &str) {
    let mut in_block = false;
    for line in text.lines() {
        let fence = line == "```";
        let tone = if fence {
            Tone::Faint
        } else if in_block {
            Tone::Code
        } else if line.starts_with("***") {
            Tone::Bad
        } else if line.starts_with('*') {
            Tone::Heading
        } else {
            Tone::Plain
        };
        in_block ^= fence;
        page.add(tone, line);
    }
}
