//! The readers of what monitoring servers answer, for the fuzz targets: an answer is given without a server.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use jiff::{SignedDuration, Timestamp};
use sopwatch_core::observe::observation::{Answer, Observation};
use sopwatch_core::profile::monitoring::matcher::Matcher;

use super::alertmanager::Alertmanager;
use super::http_client::HttpClient;
use super::options::{
    AlertsOptions, ClusterService, Credential, Endpoint, Location, ReadCluster, Server, ServiceFilter,
    ThroughCluster, TrackerOptions,
};
use super::poll_loop::Poll;
use super::prometheus::{Prometheus, QueryError};
use super::rules::Rules;
use super::tracker::Tracker;
use crate::net::proxy::ProxyVariables;

/// How long an answer may take, which comes at once.
const LIMIT: Duration = Duration::from_secs(5);

/// What every request is answered.
type Given = Arc<Mutex<(StatusCode, Bytes)>>;

/// The readers of all servers.
pub struct Readers {
    given: Given,
    prometheus: Prometheus,
    rules: Rules,
    alertmanager: Alertmanager,
    tracker: Tracker,
}

impl Readers {
    /// Readers of one project's or service's answers; `None` where no client can be made on this machine.
    pub fn new() -> Option<Self> {
        let given: Given = Arc::default();
        let client = || HttpClient::new(endpoint(&given)).ok();
        let matchers = vec![Matcher::parse("service=\"x\"").ok()?];
        let filter = ServiceFilter(vec![matchers.clone()]);
        let prometheus = || {
            Some(Prometheus {
                client: client()?,
                tenancy: None,
            })
        };
        let alerts = AlertsOptions {
            server: server(),
            filter: filter.clone(),
            always_firing: matchers,
        };
        let tracker = TrackerOptions {
            server: server(),
            organisation: "o".to_owned(),
            project: "p".to_owned(),
            environment: None,
        };
        Some(Self {
            prometheus: prometheus()?,
            rules: Rules::new(prometheus()?, filter),
            alertmanager: Alertmanager::new(client()?, &alerts),
            tracker: Tracker::new(client()?, &tracker),
            given,
        })
    }

    fn give(&self, status: u16, body: &[u8]) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        *given = (status, Bytes::copy_from_slice(body));
    }

    /// What Prometheus' answer to a query means; an error is what the screen would say.
    pub async fn query(&mut self, status: u16, body: &[u8]) -> Result<Answer, String> {
        self.give(status, body);
        self.prometheus.query("up").await.map_err(|error| words(&error))
    }

    /// The points of an answer to a query over a span.
    pub async fn points(&mut self, status: u16, body: &[u8]) -> Result<Vec<(Timestamp, f64)>, String> {
        self.give(status, body);
        let end = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let found = self
            .prometheus
            .query_range("up", Timestamp::UNIX_EPOCH, end, 30)
            .await;
        let (points, _) = found.map_err(|error| words(&error))?;
        Ok(points.into_iter().map(|(at, value)| (at, value.0)).collect())
    }

    /// What the rules, Alertmanager and the tracker would be reported as, were this their answer.
    pub async fn polled(&mut self, status: u16, body: &[u8]) -> Vec<Result<Vec<Observation>, String>> {
        self.give(status, body);
        let said = |refusal: super::refusals::Refusal| refusal.problem.to_string();
        let rules = self.rules.poll().await.map_err(said);
        let alerts = self.alertmanager.poll().await.map_err(said);
        let issues = self.tracker.read_issues(None).await.map_err(said);
        let issues = issues.map(|reading| vec![Observation::Tracker(reading)]);
        let project = self.tracker.project().await.map_err(said);
        vec![rules, alerts, issues, project.map(|_| Vec::new())]
    }
}

fn words(error: &QueryError) -> String {
    match error {
        QueryError::Source(refusal) => refusal.problem.to_string(),
        QueryError::Query(why) => why.to_string(),
    }
}

/// A service that the API server stands before: the one that answers with what is given.
fn service() -> ClusterService {
    ClusterService {
        namespace: "n".to_owned(),
        name: "s:1".to_owned(),
        path: String::new(),
    }
}

/// The readers take the rest of their options from beside it.
fn server() -> Server {
    Server {
        location: Location::Service(service()),
        credential: Credential::None,
        ca_file: None,
        proxies: ProxyVariables::default(),
        limit: LIMIT,
    }
}

fn endpoint(given: &Given) -> Endpoint {
    let given = Arc::clone(given);
    let read: ReadCluster = Arc::new(move |_path| {
        let (status, body) = given.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        async move { Ok((status, headers, body)) }.boxed()
    });
    Endpoint {
        base: Uri::from_static("/proxy"),
        credential: Credential::None,
        ca_file: None,
        proxy: None,
        limit: LIMIT,
        through_cluster: Some(ThroughCluster {
            service: service(),
            read,
        }),
    }
}
