//! The strip of leaders: one line a worker.

use ratatui::buffer::Buffer;

use super::age;
use super::fault;
use super::frame;
use super::layout::Region;
use super::theme::{Meaning, Theme};
use super::words::{self, Words};
use crate::app::App;
use crate::incident::fact::short_name;
use crate::incident::feed::FeedId;
use crate::incident::leader::{LeaderReading, LeaseReading, Verdict};
use crate::incident::span;
use jiff::SignedDuration;

pub(super) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    frame::title(region, false, Vec::new(), theme, buffer);
    let inner = region.inner();
    let readings = &app.diagnosis.leaders;
    if readings.is_empty() {
        let workers = &app.session.profile.leaders.workers;
        let line = |title: &String| {
            Words::new(theme)
                .gap(1)
                .add(Meaning::Text, title)
                .gap(2)
                .add(Meaning::Doubtful, "? UNKNOWN  no evidence yet")
        };
        return words::draw_lines(workers.iter().map(|worker| line(&worker.title)), inner, buffer);
    }
    let room = usize::from(inner.width).saturating_sub(1);
    let lines = worker_lines(app, theme, room);
    words::draw_lines(
        lines.into_iter().map(|line| Words::new(theme).gap(1).join(line)),
        inner,
        buffer,
    );
}

/// The workers' lines with their whole titles where that fits, else with the short ones.
fn worker_lines<'t>(app: &App, theme: &'t Theme, room: usize) -> Vec<Words<'t>> {
    let readings = &app.diagnosis.leaders;
    let whole: Vec<_> = readings.iter().map(|reading| reading.worker.clone()).collect();
    for titles in [whole, short_titles(app)] {
        let lines = lines_with(app, theme, &titles, true);
        if lines.iter().all(|line| line.width() <= room) {
            return lines;
        }
    }
    let lines = lines_with(app, theme, &short_titles(app), true);
    let without_log = lines_with(app, theme, &short_titles(app), false);
    let pick = |(line, short): (Words<'t>, Words<'t>)| if line.width() <= room { line } else { short };
    lines.into_iter().zip(without_log).map(pick).collect()
}

fn lines_with<'t>(app: &App, theme: &'t Theme, titles: &[String], with_log: bool) -> Vec<Words<'t>> {
    let readings = &app.diagnosis.leaders;
    let title_width = titles.iter().map(|title| words::width(title)).max().unwrap_or(0);
    let verdicts: Vec<_> = readings
        .iter()
        .map(|reading| verdict_words(app, theme, reading))
        .collect();
    let verdict_width = verdicts.iter().map(Words::width).max().unwrap_or(0);
    let rows = readings.iter().zip(titles).zip(verdicts);
    rows.map(|((reading, title), verdict)| {
        let rest = verdict_width - verdict.width();
        let line = Words::new(theme)
            .column(Meaning::Text, title, title_width)
            .gap(2)
            .join(verdict)
            .gap(rest);
        evidence(app, theme, reading, line, with_log)
    })
    .collect()
}

/// What the verdict rests on: the pod, what the logs say, what the lease says.
fn evidence<'t>(
    app: &App,
    theme: &'t Theme,
    reading: &LeaderReading,
    mut line: Words<'t>,
    with_log: bool,
) -> Words<'t> {
    let pod = reading.pod.as_ref().map(|pod| short_name(pod));
    if let Some(pod) = pod {
        let label = words::cut_left(&theme.clean(pod), 10, theme.glyphs.ellipsis);
        line = line.gap(2).add(Meaning::Pod, &label);
    }
    let log = pod
        .and_then(|pod| reading.log.strip_prefix(pod))
        .unwrap_or(&reading.log)
        .trim_start_matches([',', ' ']);
    let lease = lease_words(app, theme, reading.lease.as_ref());
    if !log.is_empty() && (with_log || lease.width() == 0) {
        line = line.gap(2).add(Meaning::Text, log);
    }
    if lease.width() > 0 {
        line.gap(2).join(lease)
    } else {
        line
    }
}

fn verdict_words<'t>(app: &App, theme: &'t Theme, reading: &LeaderReading) -> Words<'t> {
    let glyphs = theme.glyphs;
    let (meaning, text) = match reading.verdict {
        Verdict::One => (Meaning::Good, format!("{} ONE", glyphs.pass)),
        Verdict::Many => (Meaning::Bad, format!("{} MANY", glyphs.fail)),
        Verdict::None => (Meaning::Bad, format!("{} NONE", glyphs.fail)),
        Verdict::Settling { until } => (
            Meaning::Waiting,
            format!("{} SETTLING {}", glyphs.waiting, age::exact(app.now, until)),
        ),
        Verdict::Unknown => (Meaning::Doubtful, format!("{} UNKNOWN", glyphs.unknown)),
    };
    Words::new(theme).add(meaning, &text)
}

/// What the lease row says; nothing where the service has no table of leases.
fn lease_words<'t>(app: &App, theme: &'t Theme, lease: Option<&LeaseReading>) -> Words<'t> {
    let words = Words::new(theme);
    if app.session.profile.leaders.lease_table.is_none() {
        return words;
    }
    let read = app
        .facts
        .reading
        .as_ref()
        .is_some_and(|(_, reading)| reading.leases.is_ok());
    let Some(lease) = lease else {
        let text = if read { "no lease row" } else { "lease not read" };
        return words.add(Meaning::Doubtful, text);
    };
    let words = match (lease.live, lease.ttl_s) {
        (false, ttl) if ttl < 0 => {
            let ago = span::clock(SignedDuration::from_secs(-ttl));
            words.add(Meaning::Bad, &format!("lease ran out {ago} ago"))
        }
        (false, _) => words.add(Meaning::Bad, "lease has no holder"),
        (true, ttl) => live_lease(words, ttl, lease.advancing),
    };
    if fault::is_stale(app, &FeedId::Database) {
        words.over(Meaning::Stale).add(Meaning::Doubtful, " (stale)")
    } else {
        words
    }
}

/// A lease that is being renewed is told in tens of seconds: that it is renewed is what counts.
fn live_lease(words: Words<'_>, ttl_s: i64, advancing: Option<bool>) -> Words<'_> {
    let brief = |seconds| span::brief(SignedDuration::from_secs(seconds));
    match advancing {
        Some(true) => words.add(
            Meaning::Text,
            &format!("lease {}, advancing", brief(ttl_s / 10 * 10)),
        ),
        Some(false) => words.add(Meaning::Doubtful, &format!("lease {}, not renewed", brief(ttl_s))),
        None => words.add(Meaning::Text, &format!("lease {}", brief(ttl_s))),
    }
}

/// The workers' titles without the ending that all share: `Cluster`, `Kafka`.
pub(super) fn short_titles(app: &App) -> Vec<String> {
    let titles: Vec<_> = app
        .diagnosis
        .leaders
        .iter()
        .map(|reading| reading.worker.as_str())
        .collect();
    let shared = shared_ending(&titles);
    titles
        .iter()
        .map(|title| title[..title.len() - shared].to_owned())
        .collect()
}

/// Bytes of the ending, from a capital letter on, that all titles share and that is none of them whole.
fn shared_ending(titles: &[&str]) -> usize {
    let Some((first, others)) = titles.split_first() else {
        return 0;
    };
    if others.is_empty() {
        return 0;
    }
    let ending = |(at, c): (usize, char)| (at > 0 && c.is_uppercase()).then(|| &first[at..]);
    let shared = |ending: &&str| {
        others
            .iter()
            .all(|title| title.len() > ending.len() && title.ends_with(*ending))
    };
    first
        .char_indices()
        .filter_map(ending)
        .find(shared)
        .map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lose_the_ending_they_share() {
        assert_eq!(
            shared_ending(&["ClusterManager", "KafkaManager"]),
            "Manager".len()
        );
        assert_eq!(shared_ending(&["ClusterManager", "Manager"]), 0);
        assert_eq!(shared_ending(&["KafkaManager"]), 0);
        assert_eq!(shared_ending(&["Éa", "Öa"]), 0);
    }
}
