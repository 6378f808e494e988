//! Any log at any pace: each of its lines is shown, once, and soon.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use proptest::prelude::*;

use super::{ContainerKey, LineReader, LogPatterns};
use crate::observe::observation::PodUid;
use crate::testkit::leaders;
use crate::text::SafeText;

static PATTERNS: LazyLock<Arc<LogPatterns>> =
    LazyLock::new(|| Arc::new(LogPatterns::new(&leaders(), &[], "").unwrap()));

fn source() -> ContainerKey {
    ContainerKey {
        pod_uid: PodUid("u1".into()),
        pod: "msa-x-blf5h".into(),
        container: "service".into(),
        restart: 0,
    }
}

/// A line of one of the kinds that a log mixes, so many milliseconds after the one before.
fn any_line() -> impl Strategy<Value = (u32, &'static str)> {
    let texts = [
        "I0115 13:24:33.000000       1 a.go:22] headed",
        "E0115 13:24:33.000000       1 a.go:22] an error",
        "2021/01/15 13:24:01 of the standard log",
        r#"{"level":"error","msg":"json"}"#,
        "panic: out of luck",
        "goroutine 7 [running]:",
        "\t/app/main.go:12 +0x1d",
        " caused by: identifier is '400'",
        "\u{1b}[35m(/app/db.go:123)\u{1b}[0m ",
        "\u{1b}[33m[2021]\u{1b}[0m \u{1b}[31;1m pq: no \u{1b}[0m",
        "a plain line",
        "main.main()",
    ];
    let pause = prop_oneof![4 => Just(0_u32), 4 => 1..40_u32, 2 => 40..400_u32, 1 => 400..3_000_u32];
    (pause, proptest::sample::select(texts.to_vec()))
}

proptest! {
    /// What is asked for between the lines is as any silence and any clock would have it.
    #[test]
    fn every_line_is_in_one_record_and_no_record_takes_lines_for_more_than_a_second(
        lines in proptest::collection::vec((any_line(), 0..12_u8), 1..300),
        stamped in proptest::bool::weighted(0.9),
    ) {
        let mut reader = LineReader::new(Arc::clone(&PATTERNS), source(), 5);
        reader.caught_up();
        let start: Timestamp = "2021-01-15T13:00:00Z".parse().unwrap();
        let (mut millis, mut written, mut records) = (0_i64, Vec::new(), Vec::new());
        for (number, ((pause, text), ask)) in lines.iter().enumerate() {
            millis += i64::from(*pause);
            let at = start + jiff::SignedDuration::from_millis(millis);
            // Told apart by its number, so that none can be taken for another.
            let text = format!("{text} #{number}#{millis}");
            let line = if stamped { format!("{at:.9} {text}") } else { text.clone() };
            reader.push(line.as_bytes());
            written.push(SafeText::new(&text).to_string());
            if *ask < 2 {
                records.extend(reader.take(*ask == 0).into_iter().flat_map(|batch| batch.records));
            }
        }
        records.extend(reader.take(true).into_iter().flat_map(|batch| batch.records));
        let shown: Vec<_> = records.iter().flat_map(|record| record.text.lines()).collect();
        prop_assert_eq!(shown, written);
        let of = |line: &str| line.rsplit('#').next().unwrap().parse::<i64>().unwrap();
        for record in records.iter().filter(|_| stamped) {
            let lines: Vec<_> = record.text.lines().collect();
            prop_assert!(of(lines[lines.len() - 1]) - of(lines[0]) <= 1_000, "{}", record.text);
            prop_assert!(lines.len() <= super::MAX_LINES as usize);
        }
    }
}
