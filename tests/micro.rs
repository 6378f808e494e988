//! `cargo bench --bench micro`: what the three inner loops take: reading a log line, one diagnosis, one frame.
//!
//! The whole program is measured by `cargo bench --bench measure`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark that can't go on says so and ends"
)]

use std::path::Path;
use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sopwatch::journal::reader::read;
use sopwatch_console::app::App;
use sopwatch_console::keymap::Keymap;
use sopwatch_console::panes::logs::buffer::{ALL_CAPACITY, LineFilter, LogBuffer, LogMode};
use sopwatch_console::screen::{Theme, render};
use sopwatch_core::diagnose::diagnose;
use sopwatch_core::logparse::{ContainerKey, LineReader, LogPatterns, LogRecord, Severity};
use sopwatch_core::observe::observation::PodUid;
use sopwatch_core::record::Entry;

fn main() {
    divan::main();
}

/// A recorded incident, followed to its end.
fn console(record: &str) -> App {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
    let lines = read(&folder.join(record)).unwrap().lines;
    let Entry::Began(began) = &lines[0].entry else {
        panic!("{record} begins with {}", lines[0].entry.name());
    };
    let mut app = App::recorded(began, &lines[0], Keymap::default());
    for line in &lines[1..] {
        app.follow(line);
    }
    app
}

/// Lines as the service writes them; most say nothing of leaders or errors.
const LINES: [&str; 4] = [
    "2021-01-15T14:00:00.123456789Z I0115 14:00:00.123456       1 logger.go:80] GET /api/managed-services-api/v1/kafkas 200 3.2ms",
    "2021-01-15T14:00:00.223456789Z I0115 14:00:00.223456       1 leader_election_mgr.go:80] Timeout triggered reconciliation loop for \
     *workers.KafkaManager [6f0f2f0e-6a3e-4b6f-9f0b-1a5d3c1b7a11]",
    "2021-01-15T14:00:00.323456789Z E0115 14:00:00.323456       1 kafkas_mgr.go:129] failed to reconcile accepted kafka 1n5: identifier is '503'",
    "2021-01-15T14:00:00.423456789Z \tat some/stack.go:17",
];

fn source() -> ContainerKey {
    ContainerKey {
        pod_uid: PodUid("a".into()),
        pod: "managed-services-api-6d9fc8b649-2mgcp".into(),
        container: "service".into(),
        restart: 0,
    }
}

#[divan::bench]
fn read_a_log_line(bencher: Bencher<'_, '_>) {
    let app = console("two-leaders.jsonl");
    let profile = &app.session.profile;
    let patterns = LogPatterns::new(&profile.leaders, &profile.error_classes, "/healthz").unwrap();
    let mut reader = LineReader::new(Arc::new(patterns), source(), 1_000);
    bencher.counter(ItemsCount::new(LINES.len())).bench_local(|| {
        for line in LINES {
            reader.push(black_box(line.as_bytes()));
        }
        black_box(reader.take(true));
    });
}

#[divan::bench(args = ["two-leaders.jsonl", "kafka-stuck-two-days.jsonl", "node-lost.jsonl"])]
fn diagnose_once(bencher: Bencher<'_, '_>, record: &str) {
    let app = console(record);
    let sop = app.sop().unwrap().clone();
    bencher.bench_local(|| diagnose(black_box(&app.state), &app.session.profile, &sop, app.clock.now));
}

/// A scroll-back as full as it gets, of lines as the service writes them.
fn full_buffer() -> LogBuffer {
    let mut buffer = LogBuffer::default();
    buffer.set_mode(LogMode::All);
    let source = Arc::new(source());
    let began: Timestamp = "2021-01-15T14:00:00Z".parse().unwrap();
    let record = |number: usize| {
        let line = LINES[number % 3].split_once(' ').unwrap().1;
        LogRecord {
            at: began + SignedDuration::from_millis(number as i64),
            severity: Severity::Info,
            text: format!("{line} [opid={number}]").as_str().into(),
            leader: None,
        }
    };
    buffer.push(&source, (0..ALL_CAPACITY).map(record).collect());
    buffer
}

/// What a search for a text does to each line of a full scroll-back.
#[divan::bench]
fn search_a_full_buffer(bencher: Bencher<'_, '_>) {
    let buffer = full_buffer();
    let wanted = LineFilter::new("no such text").unwrap();
    bencher.bench_local(|| {
        let entries = buffer.shown().iter();
        entries
            .filter(|entry| entry.shows(|text| wanted.is_in(text)))
            .count()
    });
}

/// A key more in a filter, and its place found again.
#[divan::bench]
fn filter_a_full_buffer(bencher: Bencher<'_, '_>) {
    let mut buffer = full_buffer();
    let filter = LineFilter::new("reconcile").unwrap();
    bencher.bench_local(|| buffer.set_filter(Some(filter.clone())));
}

#[divan::bench(args = [(80, 24), (120, 40), (200, 60)])]
fn draw_one_frame(bencher: Bencher<'_, '_>, (width, height): (u16, u16)) {
    let app = console("two-leaders.jsonl");
    let theme = Theme::named("dark", true, false).unwrap();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    bencher.bench_local(|| {
        terminal
            .draw(|frame| {
                render(black_box(&app), &theme, frame);
            })
            .unwrap();
    });
}
