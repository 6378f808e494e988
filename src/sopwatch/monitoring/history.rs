//! Charts: how figures moved over the last hour, asked for while somebody looks.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::options::Now;
use super::prometheus::{Prometheus, PrometheusFinder, QueryError};
use sopwatch_console::app::event::Event;
use sopwatch_core::observe::observation::{FigureHistory, Observation};
use sopwatch_core::profile::monitoring::{Figure, MetricQuery};
use sopwatch_core::text::SafeText;

/// How far back a chart goes.
const SPAN: SignedDuration = SignedDuration::from_hours(1);

/// Seconds between two points.
const STEP: u64 = 60;

/// How long after one answer the next is asked for.
const EVERY: Duration = Duration::from_secs(30);

/// Asks while `shown` is true, until cancelled.
pub(super) async fn run(
    finder: &PrometheusFinder<'_>,
    queries: &[MetricQuery],
    now: &Now,
    mut shown: watch::Receiver<bool>,
    events: &mpsc::Sender<Event>,
    cancel: &CancellationToken,
) {
    let queries = chart_queries(queries);
    if queries.is_empty() {
        return;
    }
    let mut prometheus = None;
    loop {
        let looks = tokio::select! {
            () = cancel.cancelled() => return,
            looks = shown.wait_for(|shown| *shown) => looks.is_ok(),
        };
        if !looks {
            return;
        }
        let answered = tokio::select! {
            () = cancel.cancelled() => return,
            answered = ask(finder, &mut prometheus, &queries, (now.0)()) => answered,
        };
        let observation = Observation::MetricsHistory(answered);
        if events.send(Event::Observation(observation)).await.is_err() {
            return;
        }
        // Who opens the page again within that time sees the answer that is there.
        let _ = timeout(EVERY, cancel.cancelled()).await;
    }
}

/// Asks the server, which is found first; where it can't be found, every chart says so.
async fn ask(
    finder: &PrometheusFinder<'_>,
    found: &mut Option<Prometheus>,
    queries: &[MetricQuery],
    end: Timestamp,
) -> Vec<FigureHistory> {
    let prometheus = match found {
        Some(prometheus) => prometheus,
        None => match finder.find().await {
            Ok(prometheus) => found.insert(prometheus),
            Err(problem) => {
                let none = |query: &MetricQuery| FigureHistory {
                    figure: query.figure,
                    points: Err(problem.what.clone().into()),
                    warnings: Vec::new(),
                };
                return queries.iter().map(none).collect();
            }
        },
    };
    ask_each(prometheus, queries, end).await
}

/// Asks for each chart in turn. Where the source can't be asked for one, it is not asked for the rest.
async fn ask_each(prometheus: &Prometheus, queries: &[MetricQuery], end: Timestamp) -> Vec<FigureHistory> {
    let start = end.saturating_sub(SPAN).unwrap_or(end);
    let mut histories = Vec::new();
    let mut unreadable: Option<SafeText> = None;
    for query in queries {
        let answered = match &unreadable {
            Some(why) => Err(why.clone()),
            None => match prometheus.query_range(&query.text, start, end, STEP).await {
                Ok(answered) => Ok(answered),
                Err(QueryError::Query(why)) => Err(why),
                Err(QueryError::Source(refusal)) => {
                    unreadable = Some(SafeText::from(&refusal.problem.what));
                    Err(refusal.problem.what.into())
                }
            },
        };
        let (points, warnings) = match answered {
            Ok((points, warnings)) => (Ok(points), warnings),
            Err(why) => (Err(why), Vec::new()),
        };
        histories.push(FigureHistory {
            figure: query.figure,
            points,
            warnings,
        });
    }
    histories
}

/// The query of each chart, over its shortest window.
fn chart_queries(queries: &[MetricQuery]) -> Vec<MetricQuery> {
    let of_figure = |figure: Figure| queries.iter().find(|query| query.figure == figure).cloned();
    Figure::CHARTS.into_iter().filter_map(of_figure).collect()
}
