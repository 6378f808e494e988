//! The lines of a log: splitting, going on after a cut, joining, reading, and what is shown of them.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use sopwatch::kubernetes::testkit::{LONGEST_LINE, LogPosition, lines};
use sopwatch_core::logparse::{LineParts, LineReader, LogPatterns, whole_lines};
use sopwatch_core::testkit;
use sopwatch_core::text::{Redacted, SafeText};

static PATTERNS: LazyLock<Arc<LogPatterns>> = LazyLock::new(|| {
    let profile = testkit::built_in_profile();
    let patterns = LogPatterns::new(&profile.leaders, &profile.error_classes, "/healthz");
    Arc::new(patterns.expect("the built-in profile's patterns"))
});

fuzz_target!(|bytes: &[u8]| {
    let whole = lines(&[bytes]);
    let cut = bytes.first().map_or(0, |first| usize::from(*first) % (bytes.len() + 1));
    assert_eq!(lines(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
    read(&whole);
    go_on_after_a_cut(&whole, cut);
});

fn read(lines: &[Vec<u8>]) {
    let mut reader = LineReader::new(Arc::clone(&PATTERNS), testkit::source("a"), 2_000);
    reader.caught_up();
    let mut records = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        reader.push(line);
        if number % 7 == 6 {
            records.extend(reader.take(false).into_iter().flat_map(|batch| batch.records));
        }
    }
    records.extend(reader.take(true).into_iter().flat_map(|batch| batch.records));
    keeps_every_word(lines, records.iter().map(|record| record.text.as_str()));
    for record in &records {
        let text = &record.text;
        assert!(text.chars().all(|one| one == '\n' || !one.is_control()), "{text:?}");
        assert_eq!(SafeText::new(text).as_str(), text.as_str(), "safe text stays as it is");
        assert_eq!(Redacted::from(text.as_str()), *text, "what is redacted once is redacted");
        let parts = LineParts::of(text);
        assert!(parts.visible().chars().count() <= 2 * text.chars().count() + 64);
        parts.shape();
        whole_lines(text);
    }
}

/// Where no time is taken off, no secret and no line cut, each letter and digit is in one record, in its place.
fn keeps_every_word<'a>(lines: &[Vec<u8>], texts: impl Iterator<Item = &'a str> + Clone) {
    let has_time = |line: &Vec<u8>| line.first().is_some_and(u8::is_ascii_digit);
    let marked = |text: &str| text.contains(['⟨', '…']);
    if lines.iter().any(|line| has_time(line) || line.len() >= LONGEST_LINE) || texts.clone().any(marked) {
        return;
    }
    let written = lines.iter().flatten().filter(|byte| byte.is_ascii_alphanumeric());
    let read = texts.flat_map(str::bytes).filter(u8::is_ascii_alphanumeric);
    assert!(read.eq(written.copied()));
}

/// Lines with times that never go back, read up to a place, cut there, and asked for again.
fn go_on_after_a_cut(lines: &[Vec<u8>], cut: usize) {
    let mut at = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(500_000);
    let stamped: Vec<(jiff::Timestamp, Vec<u8>)> = lines
        .iter()
        .map(|line| {
            let later = line.first().copied().unwrap_or_default();
            at += jiff::SignedDuration::from_millis(i64::from(later % 16) * 100);
            (at, [format!("{at:.9} ").as_bytes(), line].concat())
        })
        .collect();
    let read = if stamped.is_empty() { 0 } else { cut % stamped.len() };
    let mut position = LogPosition::default();
    for (_, line) in &stamped[..read] {
        assert!(position.takes(line));
    }
    let since = position.since();
    position.reopen();
    let again = stamped.iter().filter(|(at, _)| since.is_none_or(|since| *at >= since));
    let new: Vec<&Vec<u8>> = again.map(|(_, line)| line).filter(|line| position.takes(line)).collect();
    let rest: Vec<&Vec<u8>> = stamped[read..].iter().map(|(_, line)| line).collect();
    assert_eq!(new, rest, "no line is lost, and none comes twice");
}
