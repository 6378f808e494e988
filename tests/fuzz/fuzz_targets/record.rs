//! Records: lines of JSON after a proper beginning, read, written again, and played on a screen.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sopwatch::journal::reader::parse;
use sopwatch::journal::testkit::{chained, written};
use sopwatch_console::app::App;
use sopwatch_console::keymap::Keymap;

/// How an incident of an older version began, without its chain.
static BEGAN: LazyLock<String> = LazyLock::new(|| {
    let record = include_str!("../../incidents/no-metrics.jsonl");
    let first = record.lines().next().unwrap_or_default();
    // `{"chain":"…64 digits…",`
    format!("{{{}", first.get(76..).unwrap_or_default())
});

fuzz_target!(|bytes: &[u8]| {
    // Torn, changed and foreign files break somewhere and nowhere else.
    let read = parse(bytes);
    assert!(read.lines.is_empty() || read.broken.is_none() || read.integrity_warning().is_some());
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let lines = text.lines().filter(|line| !line.is_empty()).take(40);
    let record = chained(std::iter::once(BEGAN.as_str()).chain(lines));
    let contents = parse(record.as_bytes());
    assert!(!contents.lines.is_empty(), "the beginning is read: {:?}", contents.broken);
    let Some(once) = written(&contents.lines) else {
        return;
    };
    let again = parse(once.as_bytes());
    assert_eq!(again.broken, None);
    assert_eq!(again.lines.len(), contents.lines.len());
    assert_eq!(written(&again.lines).as_ref(), Some(&once), "what was written is written again alike");
    let keymap = Keymap::with(&std::collections::BTreeMap::new()).expect("the usual keys");
    if let Ok(mut app) = App::replay(again.lines, None, keymap) {
        app.play_out();
        let page = app.differences_page();
        for line in &page.lines {
            assert!(!line.text.chars().any(char::is_control), "{:?}", line.text);
        }
    }
});
