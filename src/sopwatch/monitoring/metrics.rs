//! Rounds of queries: each figure when its turn comes, two in flight.

use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::options::MetricsOptions;
use super::poll_loop::Poll;
use super::prometheus::{Prometheus, QueryError};
use super::refusals::Refusal;
use sopwatch_core::observe::observation::{FigureReading, Observation};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId};
use sopwatch_core::observe::state::METRICS_EVERY;
use sopwatch_core::profile::monitoring::MetricQuery;
use sopwatch_core::text::SafeText;

/// Queries that are under way at a time.
const IN_FLIGHT: usize = 2;

/// A turn that comes this soon is taken now.
const SOON: Duration = Duration::from_secs(2);

/// Asks for the figures.
pub(super) struct Metrics {
    id: SourceId,
    prometheus: Prometheus,
    turns: Vec<(MetricQuery, Option<Instant>)>,
}

impl Metrics {
    /// `id` is [`SourceId::Metrics`] or [`SourceId::ClusterMetrics`].
    pub(super) fn new(id: SourceId, prometheus: Prometheus, options: &MetricsOptions) -> Self {
        let turns = options.queries.iter().cloned().map(|query| (query, None));
        Self {
            id,
            prometheus,
            turns: turns.collect(),
        }
    }
}

impl Poll for Metrics {
    fn id(&self) -> SourceId {
        self.id.clone()
    }

    fn every(&self) -> Duration {
        METRICS_EVERY.unsigned_abs()
    }

    fn client(&self) -> &super::http_client::HttpClient {
        &self.prometheus.client
    }

    async fn poll(&mut self) -> Result<Vec<Observation>, Refusal> {
        let now = Instant::now();
        let is_due = |asked: &Option<Instant>, query: &MetricQuery| {
            asked.is_none_or(|asked| now + SOON >= asked + query.every())
        };
        let due: Vec<_> = self
            .turns
            .iter()
            .enumerate()
            .filter(|(_, (query, asked))| is_due(asked, query))
            .map(|(index, (query, _))| (index, query.clone()))
            .collect();
        let prometheus = &self.prometheus;
        let ask = |(index, query): (usize, MetricQuery)| async move {
            (index, prometheus.query(&query.text).await, query)
        };
        let mut answers = stream::iter(due).map(ask).buffer_unordered(IN_FLIGHT);
        let mut readings = Vec::new();
        let mut asked = Vec::new();
        while let Some((index, answer, query)) = answers.next().await {
            let answer = match answer {
                Ok(answer) => Ok(answer),
                Err(QueryError::Query(why)) => Err(why),
                Err(QueryError::Source(refusal)) => return Err(refusal),
            };
            asked.push(index);
            readings.push(FigureReading {
                figure: query.figure,
                window_s: query.window.map(|window| window.as_secs()),
                answer,
            });
        }
        drop(answers);
        for index in asked {
            self.turns[index].1 = Some(now);
        }
        readings.sort_by_key(|reading| (reading.figure, reading.window_s));
        if let Some(why) = common_failure(&readings) {
            let problem: Problem =
                self.prometheus
                    .client
                    .problem(ProblemKind::ServerError, "read metrics", &why);
            return Err(problem.into());
        }
        Ok(vec![if self.id == SourceId::ClusterMetrics {
            Observation::ClusterMetrics(readings)
        } else {
            Observation::Metrics(readings)
        }])
    }
}

/// Why nothing at all was answered, where that is so.
fn common_failure(readings: &[FigureReading]) -> Option<SafeText> {
    let failures: Option<Vec<&SafeText>> = readings
        .iter()
        .map(|reading| reading.answer.as_ref().err())
        .collect();
    failures?.first().map(|why| (*why).clone())
}
