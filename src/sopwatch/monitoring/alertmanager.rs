//! Alertmanager's API, version 2: the service's alerts, the silences that hold them, and an alert that always fires.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::http_client::HttpClient;
use super::options::AlertsOptions;
use super::poll_loop::Poll;
use super::prometheus::shown_labels;
use super::refusals::{Refusal, refusal, visible, visible_up_to};
use sopwatch_core::observe::observation::{AlertsReading, Alive, FiringAlert, Observation, Silence};
use sopwatch_core::observe::source::SourceId;
use sopwatch_core::observe::state::ALERTS_EVERY;
use sopwatch_core::profile::monitoring::matcher::Matcher;
use sopwatch_core::text::SafeText;

/// Alerts that are kept.
const MOST: usize = 200;

/// Silences that are asked for in one poll.
const MOST_SILENCES: usize = 5;

/// Characters of a comment or an expression that are kept.
const TEXT: usize = 300;

const DOING: &str = "read alerts";

/// Asks for the alerts.
pub(super) struct Alertmanager {
    client: HttpClient,
    filters: Vec<Vec<Matcher>>,
    always_firing: Vec<Matcher>,
}

impl Alertmanager {
    pub(super) fn new(client: HttpClient, options: &AlertsOptions) -> Self {
        Self {
            client,
            filters: options.filter.0.clone(),
            always_firing: options.always_firing.clone(),
        }
    }

    pub(super) async fn alerts(&self, matchers: &[Matcher]) -> Result<Vec<Alert>, Refusal> {
        let filters: Vec<_> = matchers.iter().map(ToString::to_string).collect();
        let params: Vec<_> = filters.iter().map(|filter| ("filter", filter.as_str())).collect();
        self.ask("/api/v2/alerts", &params).await
    }

    /// The newest word of an alert that always fires.
    async fn alive(&self) -> Result<Option<Alive>, Refusal> {
        for matcher in &self.always_firing {
            let alerts = self.alerts(std::slice::from_ref(matcher)).await?;
            let alive = alerts.into_iter().filter_map(|alert| {
                Some(Alive {
                    name: visible(alert.labels.get("alertname").map_or("", String::as_str)),
                    updated_at: alert.updated_at?,
                })
            });
            if let Some(newest) = alive.max_by_key(|alive| alive.updated_at) {
                return Ok(Some(newest));
            }
        }
        Ok(None)
    }

    /// A silence; `None` where it is gone, or can't be read.
    pub(super) async fn silence(&self, id: &str) -> Option<Silence> {
        let is_id = id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_id || id.is_empty() {
            return None;
        }
        let found: SilenceBody = self.ask(&format!("/api/v2/silence/{id}"), &[]).await.ok()?;
        Some(Silence {
            ends_at: found.ends_at?,
            by: visible(&found.created_by),
            comment: visible_up_to(&found.comment, TEXT),
        })
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, params: &[(&str, &str)]) -> Result<T, Refusal> {
        let reply = self.client.get(DOING, path, params).await?;
        let foreign = || refusal(&self.client, DOING, "Alertmanager", &reply);
        if !reply.status.is_success() || reply.content_type() == "text/html" {
            return Err(foreign());
        }
        serde_json::from_slice(&reply.body).map_err(|_error| foreign())
    }
}

impl Poll for Alertmanager {
    fn id(&self) -> SourceId {
        SourceId::Alerts
    }

    fn every(&self) -> Duration {
        ALERTS_EVERY.unsigned_abs()
    }

    fn client(&self) -> &HttpClient {
        &self.client
    }

    async fn poll(&mut self) -> Result<Vec<Observation>, Refusal> {
        let mut found: BTreeMap<String, FiringAlert> = BTreeMap::new();
        for matchers in &self.filters {
            let alerts = self.alerts(matchers).await?;
            let of_service = alerts.into_iter().filter_map(firing);
            found.extend(of_service.map(|alert| (alert.fingerprint.to_string(), alert)));
        }
        let left_out = found.len().saturating_sub(MOST) as u64;
        let alerts: Vec<_> = found.into_values().take(MOST).collect();
        let mut silences = BTreeMap::new();
        let mut ids: Vec<SafeText> = alerts
            .iter()
            .flat_map(|alert| alert.silenced_by.clone())
            .collect();
        ids.sort();
        ids.dedup();
        for id in ids.into_iter().take(MOST_SILENCES) {
            if let Some(silence) = self.silence(&id).await {
                silences.insert(id, silence);
            }
        }
        Ok(vec![Observation::Alerts(AlertsReading {
            alerts,
            left_out,
            silences,
            alive: self.alive().await?,
        })])
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    fingerprint: String,
    starts_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    #[serde(default)]
    status: Status,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    silenced_by: Vec<String>,
    inhibited_by: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SilenceBody {
    ends_at: Option<Timestamp>,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

/// An alert, where it has what tells it from others.
fn firing(alert: Alert) -> Option<FiringAlert> {
    let starts_at = alert.starts_at?;
    Some(FiringAlert {
        fingerprint: visible(&alert.fingerprint),
        expression: expression_of(&alert.generator_url).map(|text| visible_up_to(&text, TEXT)),
        labels: shown_labels(alert.labels),
        annotations: shown_labels(alert.annotations),
        starts_at,
        updated_at: alert.updated_at.unwrap_or(starts_at),
        // Go's zero time, the year 1, is none.
        ends_at: alert.ends_at.filter(|ends_at| *ends_at > starts_at),
        silenced_by: alert.status.silenced_by.iter().map(|id| visible(id)).collect(),
        inhibited: !alert.status.inhibited_by.is_empty(),
    })
}

/// The expression in the link to its graph: the link itself names an internal host.
fn expression_of(link: &str) -> Option<String> {
    let (_, query) = link.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, expression) = pairs.find(|(name, _)| name == "g0.expr")?;
    Some(expression.into_owned())
}
