//! What a console recorded leads to the same diagnoses again, at the same moments.
//!
//! `SCENARIO=no-kafka-leader cargo test --test it virtual_time::replayed` looks at one, or all whose id contains the word.

use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::SignedDuration;
use sopwatch_core::record::Line;
use sopwatch_drill;

use crate::record_regressions::differing;
use crate::support::virtual_console::VirtualConsole;
use crate::support::virtual_disk::began;
use crate::support::virtual_time;

/// How long each is watched at most: beyond it a scenario goes on as it is.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

#[test]
fn every_drills_record_leads_to_the_same_diagnoses_again() {
    let choice = std::env::var("SCENARIO").ok();
    let chosen = |id: &str| choice.as_deref().is_none_or(|part| id.contains(part));
    let ids = sopwatch_drill::scenarios().into_iter().map(|info| info.id);
    let work: Mutex<VecDeque<String>> = Mutex::new(ids.filter(|id| chosen(id)).collect());
    let missed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(id) = { work.lock().unwrap().pop_front() } {
                    let found = judge(&id);
                    missed.lock().unwrap().extend(found);
                }
            });
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(
        missed.is_empty(),
        "{} differ:\n{}",
        missed.len(),
        missed.join("\n")
    );
}

fn judge(id: &str) -> Option<String> {
    let text = recorded(id, LONGEST);
    let lines: Vec<Line> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (differing, found) = differing(&lines);
    assert!(found > 0, "{id} has nothing to compare");
    let (index, differs) = differing.first()?;
    Some(format!("{id} at {}: {differs:#?}", lines[*index].at))
}

/// The lines of a scenario as they stand in a file; it is watched for so long at most.
pub fn recorded(id: &str, longest: SignedDuration) -> String {
    let scenario = sopwatch_drill::scenario(id).unwrap();
    let last = scenario.expect.iter().map(|expected| expected.at).max().unwrap();
    let lines = virtual_time::run(|breath| async move {
        let mut console = VirtualConsole::start(scenario, 1, &breath).await;
        let recorded = console.record();
        let first = began(console.app());
        console.run_until(last.min(longest)).await;
        let rest = recorded.lock().unwrap().clone();
        std::iter::once(first).chain(rest).collect::<Vec<_>>()
    });
    let text = lines
        .iter()
        .map(|line| serde_json::to_string(line).unwrap() + "\n");
    text.collect()
}
