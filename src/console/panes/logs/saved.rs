//! The lines that show as a text: for a file, and for a pager.

use std::fmt::Write as _;

use crate::app::App;
use crate::panes::logs::buffer::{Entry, LogMode};
use sopwatch_core::logparse::Severity;
use sopwatch_core::text::{SafeText, counted};

impl App {
    /// Every line of the view, oldest first, each whole, under what was shown and how it was narrowed. Records hold no secrets.
    pub(crate) fn shown_lines(&self) -> SafeText {
        let shown = self.logs.buffer.shown();
        let entries = counted(shown.len(), "entry", "entries");
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# {}", self.view_words());
        let _ = writeln!(text, "# {entries}, saved {}", self.clock.now);
        shown.iter().for_each(|entry| add_entry(&mut text, entry));
        text.into()
    }

    /// What the view shows, in words.
    fn view_words(&self) -> String {
        let buffer = &self.logs.buffer;
        let view = match buffer.mode {
            LogMode::Leader => "leader lines",
            LogMode::Errors => "errors and warnings",
            LogMode::All => "all lines",
        };
        let mut words = vec![format!("{view} of {}", self.session.namespace)];
        if let Some(only) = &buffer.only {
            let container = only.container.as_ref();
            let container = container.map_or(String::new(), |name| format!("/{name}"));
            words.push(format!("only {}{container}", only.pod));
        }
        words.extend(
            buffer
                .filter
                .iter()
                .map(|filter| format!("with /{}/", filter.as_str())),
        );
        words.extend(
            buffer
                .hidden
                .iter()
                .map(|hidden| format!("without /{}/", hidden.as_str())),
        );
        words.extend(level_words(buffer.level).map(ToOwned::to_owned));
        words.join(", ")
    }
}

/// The levels that show, where not all do.
pub(crate) fn level_words(level: Severity) -> Option<&'static str> {
    match level {
        Severity::Plain | Severity::Info => None,
        Severity::Warning => Some("warnings and worse"),
        Severity::Error | Severity::Fatal => Some("errors and worse"),
    }
}

fn add_entry(text: &mut String, entry: &Entry) {
    let source = &entry.source;
    let _ = write!(text, "{} {}/{} ", entry.record.at, source.pod, source.container);
    if entry.note {
        let _ = writeln!(text, "-- {} --", entry.record.text);
        return;
    }
    if entry.repeats > 1 {
        let _ = write!(text, "[{} times since {}", entry.repeats, entry.first_at);
        for other in &entry.others {
            let _ = write!(text, ", also {}/{}", other.pod, other.container);
        }
        text.push_str("] ");
    }
    let _ = writeln!(text, "{}", entry.record.text);
}
