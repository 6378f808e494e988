//! Each fault leaves the rest working, names itself on its pane, stays within a request a second, and heals without a key.

use std::collections::BTreeMap;

use sopwatch_console::app::App;
use sopwatch_core::observe::source::{Freshness, ProblemKind, SourceId, SourceState};
use sopwatch_drill::database::DatabaseFault;
use sopwatch_drill::faults::ApiFault;

use super::support::harness::Harness;

fn problem(app: &App, id: &SourceId) -> Option<ProblemKind> {
    app.state.source(id)?.problem().map(|problem| problem.kind)
}

fn is_live(app: &App, id: &SourceId) -> bool {
    let live = app
        .state
        .source(id)
        .is_some_and(|source| source.state == SourceState::Live);
    live && matches!(app.state.freshness(id, app.clock.now), Freshness::Fresh(_))
}

fn all_live(app: &App) -> bool {
    let logs = app
        .state
        .sources()
        .filter(|(id, source)| matches!(id, SourceId::Log(_)) && source.state == SourceState::Live);
    logs.count() >= 3
        && [
            SourceId::Api,
            SourceId::Pods,
            SourceId::Deployment,
            SourceId::ClusterEvents,
            SourceId::Database,
        ]
        .iter()
        .all(|id| is_live(app, id))
}

async fn on_a_healthy_drill() -> Harness {
    let mut console = Harness::start("all-well").await;
    console
        .until("every source is live", |app, _| all_live(app))
        .await;
    console
}

/// Plays a fault of the API until the pods' source says so, and heals it.
async fn api_fault(fault: ApiFault, expected: ProblemKind, word: &str) {
    let mut console = on_a_healthy_drill().await;
    console.drill.api().set_fault(Some(fault));
    let named = |app: &App| {
        [SourceId::Pods, SourceId::Api]
            .iter()
            .any(|id| problem(app, id) == Some(expected))
    };
    let screen = console.until(word, |app, _| named(app)).await;
    assert!(
        screen.contains("3 of 3 ready"),
        "what was known stays on the screen\n{screen}"
    );
    assert!(
        is_live(&console.console.app, &SourceId::Database),
        "the database goes on"
    );
    console.until_shows(word).await;
    console.drill.api().set_fault(None);
    console
        .until("every source is live again", |app, _| all_live(app))
        .await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_is_down_is_said_and_healed() {
    api_fault(ApiFault::Refuse, ProblemKind::Refused, "refused").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_api_server_is_noticed_and_healed() {
    api_fault(ApiFault::Freeze, ProblemKind::Frozen, "frozen").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_token_is_said_and_healed() {
    api_fault(ApiFault::Unauthorized, ProblemKind::Unauthorized, "oc login").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttling_server_is_said_and_healed() {
    api_fault(ApiFault::Answer(429), ProblemKind::Throttled, "throttled").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_missing_takes_only_its_own_source_away() {
    let mut console = Harness::start("all-well").await;
    console
        .drill
        .api()
        .set_fault(Some(ApiFault::Forbid("events".to_owned())));
    console
        .until("events are forbidden", |app, _| {
            problem(app, &SourceId::ClusterEvents) == Some(ProblemKind::Forbidden)
        })
        .await;
    console
        .until("the pods are known", |app, _| {
            is_live(app, &SourceId::Pods) && app.state.pods.len() == 3
        })
        .await;
    console.press("i");
    console.until_shows("forbidden").await;
    console.drill.api().set_fault(None);
    console
        .until("events are read", |app, _| is_live(app, &SourceId::ClusterEvents))
        .await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_that_expire_start_again() {
    let mut console = on_a_healthy_drill().await;
    let lists = |console: &Harness| {
        let seen = console.drill.api().requests();
        let of_pods = |path: &str| {
            path.starts_with("/api/v1/") && path.contains("/pods?") && !path.contains("watch=true")
        };
        seen.iter()
            .filter(|seen| seen.method == "GET" && of_pods(&seen.path))
            .count()
    };
    assert_eq!(lists(&console), 1, "one list, then the watch");
    console.drill.api().set_fault(Some(ApiFault::ExpireWatches));
    console
        .until_turned("the pods are listed again", |console| lists(console) > 1)
        .await;
    console
        .until("every source is live", |app, _| all_live(app))
        .await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_cut_goes_on_without_loss_and_without_duplicates() {
    let mut console = on_a_healthy_drill().await;
    console.press("2 A");
    for _ in 0..3 {
        console.drill.api().set_fault(Some(ApiFault::CutLogs));
        let lines = console
            .console
            .app
            .state
            .logs
            .values()
            .map(|log| log.progress.lines)
            .sum::<u64>();
        console
            .until("more lines came", |app, _| {
                app.state.logs.values().map(|log| log.progress.lines).sum::<u64>() > lines + 30
                    && all_live(app)
            })
            .await;
    }
    let mut seen = BTreeMap::new();
    for entry in console
        .console
        .app
        .logs
        .buffer
        .shown()
        .iter()
        .filter(|entry| !entry.note)
    {
        *seen
            .entry((entry.source.clone(), entry.record.at, entry.record.text.clone()))
            .or_insert(0) += 1;
    }
    let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "lines came twice: {twice:?}");
    console.stop().await;
}

async fn database_fault(fault: DatabaseFault, expected: ProblemKind, word: &str) {
    let mut console = on_a_healthy_drill().await;
    // A session that stands is not asked for its password nor counted again: it is cut first.
    console.drill.database().set_fault(Some(DatabaseFault::Cut));
    console.drill.database().set_fault(Some(fault));
    let screen = console
        .until(word, |app, screen| {
            problem(app, &SourceId::Database) == Some(expected) && screen.contains(word)
        })
        .await;
    assert!(screen.contains("3 of 3 ready"), "the pods go on\n{screen}");
    assert!(is_live(&console.console.app, &SourceId::Pods));
    console.drill.database().set_fault(None);
    console
        .until("the database is read again", |app, _| {
            is_live(app, &SourceId::Database)
        })
        .await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_down_is_said_and_healed() {
    database_fault(DatabaseFault::Refused, ProblemKind::Refused, "refused").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_starts_is_said_and_healed() {
    database_fault(DatabaseFault::Starting, ProblemKind::Starting, "starting").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_connections_to_spare_is_said_and_healed() {
    database_fault(
        DatabaseFault::TooManyConnections,
        ProblemKind::TooManyConnections,
        "connections",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_database_is_noticed_and_healed() {
    database_fault(DatabaseFault::Stalled, ProblemKind::Frozen, "frozen").await;
}
