//! The search: one text for all panes. It is marked where it shows, and keys go from match to match.

use std::ops::Range;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::app::App;
use crate::keymap::action::{Action, Context};
use crate::panes::Pane;
use crate::panes::logs::buffer::Entry;

/// What is searched for, in upper or lower case.
#[derive(Clone, Debug)]
pub struct Search {
    text: String,
    pattern: Regex,
}

impl PartialEq for Search {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Search {}

impl Search {
    /// A search for this text as it is; `None` where there is nothing to search for.
    pub fn new(text: &str) -> Option<Self> {
        let pattern = RegexBuilder::new(&regex::escape(text))
            .case_insensitive(true)
            .build();
        let pattern = pattern.ok().filter(|_| !text.is_empty())?;
        Some(Self {
            text: text.to_owned(),
            pattern,
        })
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a text holds it.
    pub fn is_in(&self, text: &str) -> bool {
        self.pattern.is_match(text)
    }

    /// Where in a text it is, in bytes.
    pub fn places_in(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        self.pattern.find_iter(text).map(|found| found.range())
    }
}

/// Which match to go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The nearest: in a list from the selected row on, in the log from the selected line back, for the newest is read first.
    Nearest,
    /// The one below.
    Next,
    /// The one above.
    Previous,
}

impl App {
    /// Searches for a text; for none: goes on with the search before.
    pub(crate) fn search(&mut self, text: &str) {
        if text.is_empty() {
            return self.go_to_match(Way::Next);
        }
        self.panes.search = Search::new(text);
        self.go_to_match(Way::Nearest);
    }

    /// Selects a row that matches. Past the last comes the first again.
    pub(crate) fn go_to_match(&mut self, way: Way) {
        let Some(search) = &self.panes.search else {
            let key = self.keymap.key_of(Action::Search, Context::In(self.panes.focus));
            let how = key.map_or(String::new(), |key| format!(": {key} searches"));
            return self.say(&format!("no search yet{how}"));
        };
        let found = self.matches(search);
        let selected = match self.panes.focus {
            Pane::Pods => self.panes.pod,
            Pane::Database => self.panes.status,
            Pane::Sop => self.panes.step,
            Pane::Logs => {
                let last = self.logs.buffer.shown().len().saturating_sub(1);
                self.logs.buffer.chosen().unwrap_or(last)
            }
        };
        let Some(number) = chosen_match(&found, selected, way, self.panes.focus == Pane::Logs) else {
            let what = if self.panes.focus == Pane::Logs {
                "line"
            } else {
                "row"
            };
            let mut words = format!(
                "no {what} in {} has `{}`",
                self.panes.focus.title(),
                search.text()
            );
            let folded = |entry: &Arc<Entry>| entry.repeats > 1;
            if self.panes.focus == Pane::Logs && self.logs.buffer.shown().iter().any(folded) {
                let key = self.keymap.key_of(Action::Unfold, Context::In(Pane::Logs));
                words.extend(key.map(|key| format!("; {key} unfolds equal lines")));
            }
            return self.complain(&words);
        };
        let (place, count) = (found[number], found.len());
        match self.panes.row(self.panes.focus) {
            Some(row) => *row = place,
            None => self.logs.buffer.go_to(place),
        }
        self.say(&format!("match {} of {count}", number + 1));
    }

    /// The places of the rows of the focused pane that match, from top to bottom.
    fn matches(&self, search: &Search) -> Vec<usize> {
        let texts = match self.panes.focus {
            Pane::Pods => self.pod_texts(),
            Pane::Database => self.status_texts(),
            Pane::Sop => self.step_texts(),
            Pane::Logs => return self.matching_lines(search),
        };
        let rows = texts.iter().enumerate();
        rows.filter(|(_, text)| search.is_in(text))
            .map(|(place, _)| place)
            .collect()
    }
}

/// Which of the matches to go to from the selected row; `None` where there is none.
fn chosen_match(found: &[usize], selected: usize, way: Way, newest_first: bool) -> Option<usize> {
    let last = found.len().checked_sub(1)?;
    // Matches above the selected row, and above or on it.
    let (above, until) = (
        found.partition_point(|place| *place < selected),
        found.partition_point(|place| *place <= selected),
    );
    let at_or = |place: usize| if place > last { 0 } else { place };
    Some(match way {
        Way::Nearest if newest_first => until.checked_sub(1).unwrap_or(last),
        Way::Nearest => at_or(above),
        Way::Next => at_or(until),
        Way::Previous => above.checked_sub(1).unwrap_or(last),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_goes_from_match_to_match_and_around_the_end() {
        let found = [2, 5, 9];
        for (selected, way, newest_first, place) in [
            (0, Way::Nearest, false, 2),
            (5, Way::Nearest, false, 5),
            (6, Way::Nearest, false, 9),
            (10, Way::Nearest, false, 2),
            (10, Way::Nearest, true, 9),
            (5, Way::Nearest, true, 5),
            (4, Way::Nearest, true, 2),
            (1, Way::Nearest, true, 9),
            (2, Way::Next, false, 5),
            (3, Way::Next, false, 5),
            (9, Way::Next, true, 2),
            (9, Way::Previous, false, 5),
            (6, Way::Previous, false, 5),
            (2, Way::Previous, true, 9),
        ] {
            let chosen = chosen_match(&found, selected, way, newest_first);
            assert_eq!(
                chosen.map(|number| found[number]),
                Some(place),
                "{selected} {way:?}"
            );
        }
        assert_eq!(chosen_match(&[], 3, Way::Next, false), None);
    }

    #[test]
    fn a_search_takes_its_text_as_it_is_in_any_case() {
        let search = Search::new("a.B").unwrap();
        assert!(search.is_in("xA.bx") && !search.is_in("axb"));
        assert_eq!(search.places_in("a.b A.B").collect::<Vec<_>>(), [0..3, 4..7]);
        assert_eq!(Search::new(""), None);
    }
}
