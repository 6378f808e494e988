//! The page of an entry of a log, whole.

use std::collections::BTreeSet;

use crate::app::App;
use crate::dialogs::dialog_text::{DialogText, Tone};
use crate::panes::logs::buffer::Entry;
use crate::panes::logs::log_row;
use sopwatch_core::logparse::whole_lines;

impl App {
    pub(super) fn line_page(&self, entry: &Entry) -> DialogText {
        let source = &entry.source;
        let mut page = DialogText::titled(format!("{} / {}", source.pod, source.container));
        let previous = if log_row::is_previous(self, source) {
            " (previous)"
        } else {
            ""
        };
        page.add(
            Tone::Faint,
            format!(
                "{}  container start {}{previous}",
                entry.record.at,
                source.restart + 1
            ),
        );
        if entry.repeats > 1 {
            page.add(
                Tone::Faint,
                format!(
                    "latest of {} equal lines, the first {}",
                    entry.repeats, entry.first_at
                ),
            );
            let others = entry.others.iter().map(|other| &*other.pod);
            let others: BTreeSet<_> = others.filter(|pod| *pod != &*source.pod).collect();
            if !others.is_empty() {
                let pods: Vec<_> = others.into_iter().collect();
                page.add(Tone::Faint, format!("also by {}", pods.join(", ")));
            }
        }
        let lines = whole_lines(&entry.record.text);
        lines.into_iter().for_each(|line| page.add(Tone::Plain, line));
        page
    }
}
