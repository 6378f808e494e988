//! What keys do with the selected status.

use crate::app::event::Effect;
use crate::app::{App, DatabaseRow};
use crate::dialogs::{Dialog, Scroll};
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

impl App {
    fn selected_status(&self) -> Option<DatabaseRow> {
        self.grid().into_iter().nth(self.panes.status)
    }

    /// The selected status with its count, for a copy: `kafka_requests accepted: 3, oldest 7m11s, 1 overdue`.
    pub(crate) fn selected_status_words(&self) -> Option<SafeText> {
        let row = self.selected_status()?;
        let status = if row.of.status.is_empty() {
            "(no status)"
        } else {
            &*row.of.status
        };
        let oldest = row.oldest_s.filter(|_| row.count > 0).map(|seconds| {
            let age = duration::age(seconds);
            let least = if row.at_least { "at least " } else { "" };
            format!(", oldest {least}{age}")
        });
        let overdue = row.over.filter(|over| *over > 0);
        let overdue = overdue.map(|over| {
            let least = if row.over_at_least { "at least " } else { "" };
            format!(", {least}{over} overdue")
        });
        Some(safe!(
            "{} {status}: {}{}{}",
            row.of.table,
            row.count,
            oldest.unwrap_or_default(),
            overdue.unwrap_or_default()
        ))
    }

    /// What the rows say, for a search.
    pub(crate) fn status_texts(&self) -> Vec<String> {
        let rows = self.grid().into_iter();
        rows.map(|row| format!("{} {}", row.of.table, row.of.status))
            .collect()
    }

    /// Opens the rows behind the selected status, and has them read from now on.
    pub(crate) fn open_rows(&mut self) -> Vec<Effect> {
        let Some(row) = self.selected_status() else {
            return Vec::new();
        };
        self.dialogs.push(Dialog::Rows {
            of: row.of.clone(),
            scroll: Scroll::default(),
        });
        vec![Effect::WatchRows(Some(row.of))]
    }
}
