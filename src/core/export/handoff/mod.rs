//! The hand-off: the text with which an incident goes to another team.
//!
//! It is plain Markdown that reads well in a chat, a ticket and a mail: paragraphs, lists with dashes, and blocks of code for all that
//! comes from outside, so that nothing in it becomes markup or calls people. The first paragraph says what is asked of the team, then
//! comes what it needs for that, then how the service stands, then what was done and what is not known. Nothing in it names a customer:
//! no such column is ever read.

mod decision;
mod errors;
mod missing_sources;
mod monitoring;
#[cfg(test)]
mod monitoring_tests;
mod note;
mod rows;
mod standing;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use self::note::Note;
use crate::export::case_snapshot::CaseSnapshot;
use crate::profile::Contact;
use crate::safe;
use crate::text::SafeText;
use crate::text::markdown::{Section, clean};

/// What was done about the incident so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Changes to the service, oldest first.
    pub changes: Vec<ChangeLine>,
    /// Manual steps that were looked at, oldest first.
    pub ticks: Vec<Ticked>,
}

/// A change to the service, in one line: the text has no room for what the report says of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeLine {
    /// When.
    pub at: Timestamp,
    /// What was done, who or what did it, and what came of it: `kubectl deleted pod managed-services-api-…`.
    pub what: SafeText,
}

/// A manual step that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticked {
    /// When.
    pub at: Timestamp,
    /// The step's title.
    pub step: String,
    /// What was seen; may be empty.
    pub note: SafeText,
}

/// The text for a contact of the profile, by its id; for an id that the profile does not know the text names everything.
///
/// Where the diagnosis has no decision, the text says nothing of one.
pub fn hand_off(account: &CaseSnapshot<'_>, contact: &str, done: &Done) -> SafeText {
    let known = account.profile.contacts.get(contact);
    let audience = Audience {
        account,
        id: contact,
        contact: known,
    };
    let mut note = Note::default();
    if let Some(title) = account.drill {
        note.banner(&safe!(
            "DRILL - DRILL - DRILL: this is an exercise ({}). Nothing is broken; please take no action.",
            clean(title)
        ));
    }
    note.paragraph(&audience.opening());
    note.add(audience.place());
    note.add(audience.decision());
    note.add(audience.monitoring());
    note.add_all(audience.rows());
    note.add(audience.errors());
    note.add(audience.events());
    note.add(audience.done(done));
    note.add(audience.unread());
    note.add(audience.pods());
    note.add(audience.leaders());
    note.add(audience.counts());
    note.add(audience.steps());
    note.finish(&audience.signature())
}

/// Whom the text is for, and what it draws on.
struct Audience<'a> {
    account: &'a CaseSnapshot<'a>,
    id: &'a str,
    contact: Option<&'a Contact>,
}

impl Audience<'_> {
    fn title(&self) -> &str {
        self.contact.map_or(self.id, |contact| &contact.title)
    }

    /// Whether it is told everything.
    fn gets_all(&self) -> bool {
        self.contact.is_none_or(Contact::gets_all)
    }

    fn gets_table(&self, table: &str) -> bool {
        self.gets_all()
            || self
                .contact
                .is_some_and(|contact| contact.tables.iter().any(|name| name == table))
    }

    fn gets_class(&self, class: &str) -> bool {
        self.gets_all()
            || self
                .contact
                .is_some_and(|contact| contact.error_classes.iter().any(|id| id == class))
    }

    /// `13:59:58 UTC`, with the date where that is another day than the text's.
    fn time(&self, at: Timestamp) -> SafeText {
        let format = if at.strftime("%F").to_string() == self.account.now.strftime("%F").to_string() {
            "%T UTC"
        } else {
            "%F %T UTC"
        };
        at.strftime(format).to_string().into()
    }

    /// Who asks for what, in the first words.
    fn opening(&self) -> SafeText {
        let ask = self.ask();
        let ask = if ask.is_empty() {
            "please take over this incident."
        } else {
            ask
        };
        safe!("{}: {ask}", self.title())
    }

    /// What is asked of the contact: on account of the rule that concerns it, else in general.
    fn ask(&self) -> &str {
        let Some(contact) = self.contact else { return "" };
        let by_rule = self
            .concerning()
            .and_then(|recommendation| contact.asks.get(recommendation.rule.as_ref()?));
        by_rule.map_or(&contact.ask, |ask| ask)
    }

    fn done(&self, done: &Done) -> Section {
        let mut section = Section::new("Done so far");
        if done.changes.is_empty() {
            section.item("no changes made with sopwatch");
        }
        section.listed(&done.changes, MOST_DONE, |change| {
            safe!("{}: {}", self.time(change.at), change.what)
        });
        section.listed(&done.ticks, MOST_DONE, |tick| {
            let note = if tick.note.is_empty() {
                "checked, no note"
            } else {
                &*tick.note
            };
            safe!("{}: {}: {note}", self.time(tick.at), tick.step)
        });
        section
    }

    fn signature(&self) -> SafeText {
        let drill = if self.account.drill.is_some() {
            " DRILL: none of this is real."
        } else {
            ""
        };
        safe!(
            "sopwatch {}, {}.{drill}",
            env!("CARGO_PKG_VERSION"),
            self.account.now.strftime("%F %T UTC")
        )
    }
}

/// Changes and ticks that are listed of many.
const MOST_DONE: usize = 12;
