//! The palette: everything that can be opened or done, found by a part of its name.
//!
//! Enter on a change to the cluster opens its confirmation, as its key does, and never more.

pub(crate) mod drawing;
pub(crate) mod keys;
#[cfg(test)]
mod tests;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::app::App;
use crate::keymap::action::{Action, Context, Row};
use sopwatch_core::observe::observation::{PodUid, short_name};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// What an entry opens or does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Does what a key does.
    Action(Action, Context),
    /// Opens an SOP, by its place in the profile.
    Sop(usize),
    /// Opens a pod.
    Pod(PodUid),
    /// Shows one pod's log.
    LogOf(PodUid),
    /// Opens the hand-off to a contact, by its place in the profile.
    HandOff(usize),
    /// Asks whether to leave this scenario of a drill for the one of this id.
    Scenario(String),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What kind of thing it is: `SOP`.
    pub(crate) kind: &'static str,
    /// Its name, which is searched first.
    pub(crate) name: SafeText,
    /// What it is or does.
    pub(crate) about: SafeText,
    /// The key that does the same; empty where none does.
    pub(crate) key: SafeText,
    /// What Enter does.
    pub(crate) target: Target,
}

impl App {
    /// Everything that can be opened or done now.
    fn palette(&self) -> Vec<Entry> {
        let mut entries = self.palette_actions();
        let sops = self.session.profile.sops.iter().enumerate();
        entries.extend(sops.map(|(place, sop)| Entry {
            kind: "SOP",
            name: (&sop.title).into(),
            about: (&sop.id).into(),
            key: SafeText::default(),
            target: Target::Sop(place),
        }));
        for pod in self.pods() {
            entries.push(Entry {
                kind: "pod",
                name: pod.name.clone(),
                about: pod.status.clone(),
                key: SafeText::default(),
                target: Target::Pod(pod.uid.clone()),
            });
            entries.push(Entry {
                kind: "log",
                name: safe!("log of {}", short_name(&pod.name)),
                about: "only this pod's log".into(),
                key: SafeText::default(),
                target: Target::LogOf(pod.uid.clone()),
            });
        }
        if Action::HandOff.available(self) {
            let contacts = self.session.profile.contacts.values().enumerate();
            entries.extend(contacts.map(|(place, contact)| Entry {
                kind: "hand-off",
                name: safe!("hand-off to {}", contact.title),
                about: contact.reach.join(", ").into(),
                key: SafeText::default(),
                target: Target::HandOff(place),
            }));
        }
        entries.extend(self.session.scenarios.iter().map(|item| Entry {
            kind: "scenario",
            name: (&item.id).into(),
            about: (&item.title).into(),
            key: SafeText::default(),
            target: Target::Scenario(item.id.clone()),
        }));
        entries
    }

    fn palette_actions(&self) -> Vec<Entry> {
        let here = |row: &Row| match row.context {
            Context::Dialog => false,
            Context::Drill => self.attempt.is_some(),
            Context::Replay => self.player.is_some(),
            Context::Console | Context::In(_) | Context::Always => true,
        };
        let rows = self.keymap.rows();
        let mut rows: Vec<_> = rows
            .filter(|(row, _)| here(row) && row.action != Action::Prompt && row.action.available(self))
            .collect();
        // What works everywhere, such as to quit, is the last that one looks for.
        rows.sort_by_key(|(row, _)| row.context == Context::Always);
        let entry = |(row, keys): (&'static Row, &[crate::keymap::Key])| Entry {
            kind: kind_of(row.action),
            name: row.name.into(),
            about: row.help.into(),
            key: keys.first().map(|key| safe!("{key}")).unwrap_or_default(),
            target: Target::Action(row.action, row.context),
        };
        rows.into_iter().map(entry).collect()
    }

    /// The entries that match what was typed, the best first; all of them where nothing was.
    pub(crate) fn palette_matches(&self, typed: &str) -> Vec<Entry> {
        let entries = self.palette();
        let typed = typed.trim();
        if typed.is_empty() {
            return entries;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = |kind| Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, kind);
        // Letters of a name may be left out; what is said about it must hold the words as they are.
        let (names, texts) = (pattern(AtomKind::Fuzzy), pattern(AtomKind::Substring));
        let mut found: Vec<(Rank, Entry)> = entries
            .into_iter()
            .filter_map(|entry| Some((Rank::of(&entry, typed, (&names, &texts), &mut matcher)?, entry)))
            .collect();
        found.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        found.into_iter().map(|(_, entry)| entry).collect()
    }
}

fn kind_of(action: Action) -> &'static str {
    match action {
        Action::LeaderLines | Action::ErrorLines | Action::AllLines => "log",
        action if action.changes_cluster() => "change",
        _ => "action",
    }
}

/// How well an entry matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// What is said about it holds the words.
    About(u32),
    /// Its name has the letters in this order.
    Name(u32),
    /// It is its name.
    Whole,
}

impl Rank {
    fn of(
        entry: &Entry,
        typed: &str,
        (names, texts): (&Pattern, &Pattern),
        matcher: &mut Matcher,
    ) -> Option<Self> {
        if entry.name.eq_ignore_ascii_case(typed) {
            return Some(Self::Whole);
        }
        let mut letters = Vec::new();
        let name = names.score(Utf32Str::new(&entry.name, &mut letters), matcher);
        if let Some(score) = name {
            return Some(Self::Name(score));
        }
        let text = format!("{} {} {}", entry.kind, entry.name, entry.about);
        texts
            .score(Utf32Str::new(&text, &mut letters), matcher)
            .map(Self::About)
    }
}
