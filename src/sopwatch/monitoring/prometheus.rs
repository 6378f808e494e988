//! Prometheus' HTTP API, which Thanos and every proxy before them share: what is asked, and how answers are read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::Instant;

use super::http_client::{HttpClient, LONG_ADDRESS, Reply, encode};
use super::options::{ReadCluster, Server};
use super::refusals::{Refusal, refusal, visible, visible_up_to};
use sopwatch_core::observe::observation::{Answer, Labels, Sample, Value};
use sopwatch_core::observe::source::{Problem, ProblemKind};
use sopwatch_core::text::SafeText;

/// Rows of an answer that are kept.
const MOST_ROWS: usize = 500;

/// Characters of a label's value that are kept.
const LABEL: usize = 200;

/// How long the server may take for a query: less than this side waits.
const SERVER_LIMIT: &str = "5s";

/// Why a query has no answer.
#[derive(Debug)]
pub(super) enum QueryError {
    /// The source itself can't be asked.
    Source(Refusal),
    /// This query failed, and others may not.
    Query(SafeText),
}

impl From<Refusal> for QueryError {
    fn from(refusal: Refusal) -> Self {
        Self::Source(refusal)
    }
}

/// A client of Prometheus' API.
pub(super) struct Prometheus {
    pub(super) client: HttpClient,
    /// The namespace that a tenancy port wants in each address.
    pub(super) tenancy: Option<String>,
}

/// How to find a server of Prometheus' API.
pub(super) struct PrometheusFinder<'o> {
    pub(super) server: &'o Server,
    pub(super) tenancy: Option<&'o str>,
    pub(super) cluster: &'o ReadCluster,
}

impl PrometheusFinder<'_> {
    /// A client of the server, where that is now.
    ///
    /// # Errors
    /// It can't be found, or its credential can't be used.
    pub(super) async fn find(&self) -> Result<Prometheus, Problem> {
        Ok(Prometheus {
            client: HttpClient::new(self.server.endpoint(self.cluster).await?)?,
            tenancy: self.tenancy.map(str::to_owned),
        })
    }
}

impl Prometheus {
    /// One query, for now.
    pub(super) async fn query(&self, query: &str) -> Result<Answer, QueryError> {
        let data: Enveloped<QueryData> = self
            .ask("/api/v1/query", &[("query", query), ("timeout", SERVER_LIMIT)])
            .await?;
        Ok(Answer {
            left_out: data.data.rows.len().saturating_sub(MOST_ROWS) as u64,
            rows: data.data.rows.into_iter().take(MOST_ROWS).map(sample).collect(),
            warnings: data.warnings,
        })
    }

    /// One query over a span: of several rows the highest at each moment.
    pub(super) async fn query_range(
        &self,
        query: &str,
        start: Timestamp,
        end: Timestamp,
        step_s: u64,
    ) -> Result<(Vec<(Timestamp, Value)>, Vec<SafeText>), QueryError> {
        let (start, end, step) = (
            start.as_second().to_string(),
            end.as_second().to_string(),
            step_s.to_string(),
        );
        let params = [
            ("query", query),
            ("start", &start),
            ("end", &end),
            ("step", &step),
            ("timeout", SERVER_LIMIT),
        ];
        let data: Enveloped<RangeData> = self.ask("/api/v1/query_range", &params).await?;
        let mut points: BTreeMap<Timestamp, f64> = BTreeMap::new();
        for series in data.data.result.into_iter().take(MOST_ROWS) {
            for Point(at, value) in series.values {
                let Ok(at) = Timestamp::from_millisecond((at * 1_000.0) as i64) else {
                    continue;
                };
                let highest = points.entry(at).or_insert(f64::NAN);
                *highest = highest.max(value);
            }
        }
        let points = points.into_iter().map(|(at, value)| (at, Value(value)));
        Ok((points.collect(), data.warnings))
    }

    /// The alerting rules of a server, by their groups.
    pub(super) async fn rules(&self) -> Result<(Vec<RuleGroup>, Vec<SafeText>), QueryError> {
        let data: Enveloped<RulesData> = self.ask_in_address("/api/v1/rules", &[("type", "alert")]).await?;
        Ok((data.data.groups, data.warnings))
    }

    async fn ask<T: DeserializeOwned + Default>(
        &self,
        path: &str,
        params: &[(&str, &str)],
    ) -> Result<Enveloped<T>, QueryError> {
        let long = encode(params).len() > LONG_ADDRESS && self.client.endpoint().through_cluster.is_none();
        // A viewer of one namespace may get and not create: there everything stays in the address.
        if !long || self.tenancy.is_some() {
            return self.ask_in_address(path, params).await;
        }
        let reply = self.client.post(DOING, path, &[], params).await;
        self.read(reply.map_err(Refusal::from)?)
    }

    async fn ask_in_address<T: DeserializeOwned + Default>(
        &self,
        path: &str,
        params: &[(&str, &str)],
    ) -> Result<Enveloped<T>, QueryError> {
        let tenancy = self
            .tenancy
            .iter()
            .map(|namespace| ("namespace", namespace.as_str()));
        let params: Vec<_> = params.iter().copied().chain(tenancy).collect();
        let began = Instant::now();
        let reply = self.client.get(DOING, path, &params).await;
        tracing::debug!(
            path,
            took_ms = began.elapsed().as_millis() as u64,
            "asked for metrics"
        );
        self.read(reply.map_err(Refusal::from)?)
    }

    fn read<T: DeserializeOwned + Default>(&self, reply: Reply) -> Result<Enveloped<T>, QueryError> {
        read_envelope(&self.client, &reply)
    }
}

const DOING: &str = "read metrics";

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
}

/// The data of a good answer, and what the server warns of.
pub(super) struct Enveloped<T> {
    pub(super) data: T,
    pub(super) warnings: Vec<SafeText>,
}

fn read_envelope<T: DeserializeOwned + Default>(
    client: &HttpClient,
    reply: &Reply,
) -> Result<Enveloped<T>, QueryError> {
    let foreign = || QueryError::from(refusal(client, DOING, "Prometheus", reply));
    if reply.content_type() == "text/html" {
        return Err(foreign());
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope<T>>(&reply.body) else {
        return Err(foreign());
    };
    if envelope.status == "success" && reply.status.is_success() {
        let warnings = envelope
            .warnings
            .iter()
            .map(|warning| visible_up_to(warning, 400));
        return Ok(Enveloped {
            data: envelope.data.unwrap_or_default(),
            warnings: warnings.collect(),
        });
    }
    if envelope.status != "error" {
        return Err(foreign());
    }
    Err(of_error(client, &envelope.error_type, &envelope.error))
}

/// What an error of the API itself means.
fn of_error(client: &HttpClient, kind: &str, error: &str) -> QueryError {
    let said = visible_up_to(error, 160);
    match kind {
        "timeout" => QueryError::Query("the query timed out on the server".into()),
        "execution" if error.contains("context deadline exceeded") => {
            QueryError::Query("the query timed out on the server".into())
        }
        "unavailable" => {
            let problem = client.problem(ProblemKind::Starting, DOING, &format!("not ready: {said}"));
            QueryError::Source(problem.into())
        }
        "prom-label-proxy" => {
            let why = format!("it only shows another namespace: {said}");
            QueryError::Source(client.problem(ProblemKind::Configuration, DOING, &why).into())
        }
        "unauthorized" | "forbidden" => {
            QueryError::Source(client.problem(ProblemKind::Forbidden, DOING, &said).into())
        }
        "bad_data" => QueryError::Query(SafeText::new(&format!("the server refuses the query: {said}"))),
        _ => QueryError::Query(SafeText::new(&format!("the query failed on the server: {said}"))),
    }
}

/// `data` of a query.
#[derive(Default)]
struct QueryData {
    rows: Vec<(BTreeMap<String, String>, f64)>,
}

impl<'de> Deserialize<'de> for QueryData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Typed {
            #[serde(default, rename = "resultType")]
            kind: String,
            result: serde_json::Value,
        }
        #[derive(Deserialize)]
        struct Row {
            #[serde(default)]
            metric: BTreeMap<String, String>,
            // A native histogram has none.
            value: Option<Point>,
            #[serde(default)]
            values: Vec<Point>,
        }
        let typed = Typed::deserialize(deserializer)?;
        let rows = match typed.kind.as_str() {
            "scalar" => {
                let Point(_, value) = Point::deserialize(typed.result).map_err(D::Error::custom)?;
                vec![(BTreeMap::new(), value)]
            }
            "string" => Vec::new(),
            _ => {
                let rows: Vec<Row> = Vec::deserialize(typed.result).map_err(D::Error::custom)?;
                let newest = |mut row: Row| {
                    let Point(_, value) = row.value.or_else(|| row.values.pop())?;
                    Some((row.metric, value))
                };
                rows.into_iter().filter_map(newest).collect()
            }
        };
        Ok(Self { rows })
    }
}

/// `data` of a query over a span.
#[derive(Default, Deserialize)]
struct RangeData {
    #[serde(default)]
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    #[serde(default)]
    values: Vec<Point>,
}

/// A moment and a number, which comes as a text.
struct Point(f64, f64);

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Point;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a moment and a number in quotes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Point, A::Error> {
                let missing = || A::Error::custom("a pair of two is expected");
                let at = pair.next_element()?.ok_or_else(missing)?;
                let text: String = pair.next_element()?.ok_or_else(missing)?;
                let value = text.parse().map_err(|_error| A::Error::custom("not a number"))?;
                Ok(Point(at, value))
            }
        }
        deserializer.deserialize_seq(Pair)
    }
}

/// `data` of the rules.
#[derive(Default, Deserialize)]
struct RulesData {
    #[serde(default)]
    groups: Vec<RuleGroup>,
}

/// A group of rules.
#[derive(Deserialize)]
pub(super) struct RuleGroup {
    /// How often it is evaluated, seconds.
    #[serde(default)]
    pub(super) interval: Option<f64>,
    /// Its rules.
    #[serde(default)]
    pub(super) rules: Vec<Rule>,
}

/// A rule.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) query: String,
    #[serde(default)]
    pub(super) duration: Option<f64>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) alerts: Vec<Alert>,
    #[serde(default)]
    pub(super) health: String,
    #[serde(default)]
    pub(super) last_error: Option<String>,
    #[serde(default)]
    pub(super) last_evaluation: Option<Timestamp>,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
}

/// An alert of a rule.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) active_at: Option<Timestamp>,
}

fn sample((labels, value): (BTreeMap<String, String>, f64)) -> Sample {
    Sample {
        labels: shown_labels(labels).into_iter().collect(),
        value: Value(value),
    }
}

/// Labels or annotations, fit to be shown.
pub(super) fn shown_labels(labels: BTreeMap<String, String>) -> Labels {
    let shown = |(name, value): (String, String)| (visible(&name), visible_up_to(&value, LABEL));
    labels.into_iter().map(shown).collect()
}
