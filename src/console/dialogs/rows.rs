//! The rows behind one status: how long each is in it, how long until its limit, and how they move.

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::dialogs::dialog_text::{DialogText, Tone};
use sopwatch_core::diagnose::overdue;
use sopwatch_core::observe::observation::{Row, RowsOf};
use sopwatch_core::profile::{ClockBasis, Status, Table};
use sopwatch_core::text::duration;

impl App {
    pub(crate) fn rows_page(&self, of: &RowsOf) -> DialogText {
        let status = if of.status.is_empty() {
            "(no status)"
        } else {
            &of.status
        };
        let mut page = DialogText::titled(format!("{}  {status}", of.table));
        let table = self.session.profile.table(&of.table);
        if let Some(table) = table {
            self.add_movement(&mut page, table, &of.status);
        }
        let read = self.state.rows.as_ref().filter(|(_, rows)| rows.of == *of);
        let Some((read_at, rows)) = read else {
            let words = if self.player.is_some() {
                "these rows are not in the record"
            } else {
                "reading …"
            };
            page.add(Tone::Doubtful, words);
            return page;
        };
        page.add(
            Tone::Faint,
            format!(
                "read {} ago",
                duration::brief(self.clock.now.duration_since(*read_at))
            ),
        );
        match &rows.rows {
            Err(problem) => page.add(Tone::Bad, problem.as_str()),
            Ok(found) if found.is_empty() => page.add(Tone::Plain, "no active row has this status"),
            Ok(found) => {
                let reasons = found.iter().any(|row| !row.reason.is_empty());
                let heading = ["ID", "IDLE", "DUE IN", "HERE FOR", "AGE", "REGION", "OCM ID"];
                let heading = columns(heading, if reasons { "REASON" } else { "" });
                page.add(Tone::Heading, heading);
                for row in found {
                    let (tone, text) = self.row_words(row, of, *read_at);
                    page.add(tone, text);
                }
                if rows.more {
                    page.add(
                        Tone::Doubtful,
                        format!("only the oldest {} are shown", found.len()),
                    );
                }
            }
        }
        page
    }

    /// The limit and what it is counted from; how the rows move.
    fn add_movement(&self, page: &mut DialogText, table: &Table, status: &str) {
        if let Some(known) = table.status(status) {
            page.add(Tone::Faint, clock_words(known));
        }
        let movement = self.state.movement(table, status);
        let tone = match movement.moves {
            Some(true) => Tone::Good,
            Some(false) => Tone::Doubtful,
            None => Tone::Plain,
        };
        match self.state.passed(table, status) {
            // Then nothing moved within the shorter window either.
            Some((watched, 0, 0)) => {
                let watched = duration::brief(watched);
                page.add(tone, format!("no row entered or left in the last {watched}"));
            }
            passed => {
                movement
                    .in_words()
                    .into_iter()
                    .for_each(|words| page.add(tone, words));
                if let Some((watched, entered, left)) = passed {
                    let watched = duration::brief(watched);
                    let words = format!("{entered} entered, {left} left in the last {watched}");
                    page.add(Tone::Faint, words);
                }
            }
        }
        if let Some(words) = self.state.oldest_in_words(table, status) {
            page.add(Tone::Plain, words);
        }
    }

    /// A row as it was read: over its limit, it is red. It does not age before the next poll, as nothing does that is judged by the rows.
    fn row_words(&self, row: &Row, of: &RowsOf, read_at: Timestamp) -> (Tone, String) {
        let age_words = |seconds: Option<i64>| seconds.map_or_else(|| "–".to_owned(), duration::age);
        let seen = self.state.seen(&of.table, &row.id);
        let seen = seen.filter(|seen| seen.status == of.status);
        let seen_s = seen.map(|seen| read_at.duration_since(seen.at).as_secs().max(0));
        let table = self.session.profile.table(&of.table);
        let status = table.and_then(|table| table.status(&of.status));
        let left = status.and_then(|status| {
            let age_s = overdue::age_s(status.clock, row, seen_s)?;
            overdue::left_s(status, age_s)
        });
        let tone = match left {
            Some(..0) => Tone::Bad,
            _ => Tone::Code,
        };
        // of a row that was there when we began to watch, more is not known
        let before = seen.is_some_and(|seen| seen.absent_at.is_none());
        let seen = seen_s.map_or_else(
            || "–".to_owned(),
            |seen| format!("{}{}", if before { ">" } else { "" }, brief(seen)),
        );
        let ocm = if row.ocm_id.is_empty() { "–" } else { &row.ocm_id };
        let left = left.map_or_else(
            || "–".to_owned(),
            |left| {
                if left < 0 {
                    format!("overdue by {}", brief(-left))
                } else {
                    brief(left)
                }
            },
        );
        let (idle, age) = (age_words(row.idle_s), age_words(row.age_s));
        let cells = [&*row.id, &idle, &left, &seen, &age, &row.region, ocm];
        (tone, columns(cells, &row.reason))
    }
}

fn brief(seconds: i64) -> String {
    duration::brief(SignedDuration::from_secs(seconds))
}

/// The columns of a row. What is seen for longer than we watch has a `>`.
fn columns([id, idle, left, seen, age, region, ocm]: [&str; 7], reason: &str) -> String {
    let text = format!("{id:<27} {idle:>7} {left:>17} {seen:>8} {age:>7}  {region:<14}  {ocm:<32}  {reason}");
    text.trim_end().to_owned()
}

/// `limit 3m since updated_at`.
fn clock_words(status: &Status) -> String {
    let clock = match status.clock {
        ClockBasis::UpdatedAt => "updated_at",
        ClockBasis::CreatedAt => "created_at",
        ClockBasis::FirstSeen => "first seen here or last written, so at least",
    };
    match status.limit {
        Some(limit) => format!("limit {} since {clock}", duration::brief(duration::of(limit))),
        None => format!("no limit; age since {clock}"),
    }
}
