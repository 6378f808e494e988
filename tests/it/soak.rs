//! Half an hour of faults, at sixty times the speed: what the bench looks at for hours.

use std::time::{Duration, Instant};

use super::support::soak::{Load, Sample, Soak};

/// How often the program counts its tasks while it is looked at.
const COUNTS: usize = 8;

/// What may be more at the end: streams and their tasks come and go with the faults.
const MORE: usize = 12;

#[test]
fn half_an_hour_of_faults_leaves_no_task_and_no_descriptor_behind() {
    let load = Load {
        drill_minutes: 45.0,
        speed: 60.0,
        lines: 20.0,
    };
    let mut soak = Soak::start(env!("CARGO_BIN_EXE_sopwatch"), &load);
    let deadline = Instant::now() + Duration::from_mins(3);
    let mut counted = 0;
    while counted < COUNTS {
        let left = deadline.saturating_duration_since(Instant::now());
        let bytes = soak.console.output.recv_timeout(left);
        soak.console
            .show(&bytes.expect("the console draws until it is left"));
        let counts = soak.counts_of_tasks();
        if counts > counted {
            counted = counts;
            soak.look();
        }
    }
    let samples = &soak.watched[0].samples;
    let (before, after) = samples.split_at(samples.len() / 2);
    for (what, figure) in [
        (
            "descriptors",
            (|sample| sample.descriptors) as fn(&Sample) -> usize,
        ),
        ("tasks", |sample| sample.tasks.unwrap_or_default()),
    ] {
        let most = before.iter().map(figure).max().unwrap();
        let least = after.iter().map(figure).min().unwrap();
        assert!(
            least > 0 && least <= most + MORE,
            "{what}: at most {most}, then at least {least}"
        );
    }
    let record = soak.records.last().copied().unwrap();
    assert!((1_000..20_000_000).contains(&record), "{record} bytes of record");
    soak.console.type_keys("q");
    assert_eq!(soak.console.wait(), 0);
}
