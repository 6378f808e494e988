//! Alertmanager's API, as version 0.27 answers it: `/api/v1` is gone.

use http::Method;
use regex::Regex;
use serde_json::{Value, json};

use super::matchers::LabelMatcher;
use super::reply::{self, Reply, Request};
use super::rules::{INTERVAL, Rule, Rules};
use super::series::Labels;
use super::silences::Silence;
use super::{Monitoring, times};

/// How long Prometheus waits at least before it sends an alert again, ms: `--rules.alert.resend-delay`.
const RESEND_DELAY: i64 = 60_000;
/// An alert that fires is sent again after so long, ms: at the first evaluation after more than that.
const RESEND: i64 = (RESEND_DELAY / INTERVAL + 1) * INTERVAL;
/// An alert that is not sent again ends so long after it was sent, ms: four times the delay, which is longer than the rules' interval.
const ENDS_AFTER: i64 = 4 * RESEND_DELAY;
/// Of the host that Prometheus believes to have.
const GENERATOR: &str = "http://prometheus-app-sre-0.openshift-customer-monitoring.svc:9090/graph?g0.expr=";
/// The label that Prometheus adds when it sends an alert.
const EXTERNAL: (&str, &str) = ("prometheus", "openshift-customer-monitoring/app-sre");
/// The receivers: people, and a service that calls them when it hears nothing.
const PAGER: &str = "pagerduty-msapi";
const SNITCH: &str = "deadmanssnitch";

/// An alert as Prometheus sent it.
#[derive(Clone, Debug)]
pub struct SentAlert {
    labels: Labels,
    annotations: Labels,
    query: String,
    /// ms since 1970.
    starts_at: i64,
    updated_at: i64,
}

impl SentAlert {
    /// As Prometheus writes it into each word of an alert: it moves on while the alert fires.
    fn ends_at(&self) -> i64 {
        self.updated_at + ENDS_AFTER
    }
}

/// The alerts that fire, as they were sent last.
pub fn sent(rules: &Rules) -> Vec<SentAlert> {
    let evaluated = rules.evaluated();
    let of_rule = |(rule, alerts): (&Rule, Vec<&super::rules::ActiveAlert>)| -> Vec<SentAlert> {
        let firing = alerts.into_iter().filter_map(|alert| {
            let starts_at = alert.fired_at?;
            let resends = (evaluated - starts_at).max(0) / RESEND;
            let mut labels = alert.labels.clone();
            labels.insert(EXTERNAL.0.to_owned(), EXTERNAL.1.to_owned());
            Some(SentAlert {
                labels,
                annotations: rule.annotations.clone(),
                query: rule.query.clone(),
                starts_at,
                updated_at: starts_at + resends * RESEND,
            })
        });
        firing.collect()
    };
    rules.each().flat_map(of_rule).collect()
}

/// Prometheus' fingerprint of labels: FNV-1a over names and values.
fn fingerprint(labels: &Labels) -> String {
    let bytes = labels
        .iter()
        .flat_map(|(name, value)| name.bytes().chain([255]).chain(value.bytes()).chain([255]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Answers a request of somebody who may ask.
pub fn answer(monitoring: &mut Monitoring, request: &Request) -> Reply {
    let path = request.path.as_str();
    match path {
        "/-/healthy" | "/-/ready" => return reply::reply(200, "text/plain; charset=utf-8", "OK"),
        _ if path.starts_with("/api/v1/") => return gone(),
        _ => {}
    }
    let found = path.strip_prefix("/api/v2/").unwrap_or_default();
    let is_known = matches!(
        found,
        "alerts" | "alerts/groups" | "silences" | "receivers" | "status"
    );
    let silence = found.strip_prefix("silence/");
    if !is_known && silence.is_none() {
        let said = format!("path {path} was not found");
        return answered(404, &json!({"code": 404, "message": said}));
    }
    if request.method != Method::GET {
        let said = format!("method {} is not allowed, but [GET] are", request.method);
        return answered(405, &json!({"code": 405, "message": said}));
    }
    match (found, silence) {
        (_, Some(id)) => one_silence(monitoring, id, request.now),
        ("silences", _) => silences(monitoring, request),
        ("receivers", _) => answered(200, &json!([{"name": PAGER}, {"name": SNITCH}])),
        ("status", _) => answered(200, &status(monitoring.start)),
        ("alerts/groups", _) => match alerts(monitoring, request) {
            Ok(alerts) => answered(200, &groups(&alerts)),
            Err(said) => answered(400, &json!(said)),
        },
        _ => match alerts(monitoring, request) {
            Ok(alerts) => answered(200, &json!(alerts)),
            Err(said) => answered(400, &json!(said)),
        },
    }
}

fn answered(status: u16, value: &Value) -> Reply {
    reply::with(reply::json_line(status, value), "vary", "Origin")
}

/// The first version of the API.
fn gone() -> Reply {
    let said = "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use \
                the equivalent route in the v2 API";
    reply::json_line(410, &json!({"status": "deprecated", "error": said}))
}

/// A switch of the query: any word that does not mean yes is no.
fn is_on(request: &Request, name: &str) -> bool {
    let yes = [
        "true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled",
    ];
    let said = request.query.get(name);
    said.is_none_or(|said| yes.contains(&said.to_lowercase().as_str()))
}

fn filters(request: &Request) -> Result<Vec<LabelMatcher>, String> {
    request.query.all("filter").map(LabelMatcher::of_filter).collect()
}

fn alerts(monitoring: &mut Monitoring, request: &Request) -> Result<Vec<Value>, String> {
    let filters = filters(request)?;
    let receiver = match request.query.get("receiver") {
        None => None,
        Some(text) => Some(Regex::new(&format!("^(?:{text})$")).map_err(|_error| {
            format!("failed to parse receiver param: error parsing regexp: missing closing ): `^(?:{text})$`")
        })?),
    };
    let now = request.now;
    let mut all = match monitoring.frozen.alerts.clone() {
        Some(frozen) => frozen,
        None => monitoring.firing(now),
    };
    // Of what nobody sends any more it forgets each when that ends.
    all.retain(|alert| alert.ends_at() >= now);
    let (active, silenced, inhibited) = (
        is_on(request, "active"),
        is_on(request, "silenced"),
        is_on(request, "inhibited"),
    );
    let mut found: Vec<(String, Value)> = Vec::new();
    for alert in &all {
        let silenced_by = silenced_by(&monitoring.silences, alert, now);
        let inhibited_by = inhibited_by(&all, alert);
        let is_suppressed = !silenced_by.is_empty() || !inhibited_by.is_empty();
        let receiver_name = receiver_of(alert);
        let is_left_out = (!active && !is_suppressed)
            || (!silenced && !silenced_by.is_empty())
            || (!inhibited && !inhibited_by.is_empty())
            || receiver
                .as_ref()
                .is_some_and(|pattern| !pattern.is_match(receiver_name))
            || !filters.iter().all(|filter| filter.matches(&alert.labels));
        if is_left_out {
            continue;
        }
        let fingerprint = fingerprint(&alert.labels);
        let value = json!({
            "annotations": alert.annotations,
            "endsAt": times::millis(alert.ends_at()),
            "fingerprint": fingerprint,
            "receivers": [{"name": receiver_name}],
            "startsAt": times::millis(alert.starts_at),
            "status": {
                "inhibitedBy": inhibited_by,
                "silencedBy": silenced_by,
                "state": if is_suppressed { "suppressed" } else { "active" },
            },
            "updatedAt": times::millis(alert.updated_at + 7),
            "generatorURL": format!("{GENERATOR}{}&g0.tab=1", escaped(&alert.query)),
            "labels": alert.labels,
        });
        found.push((fingerprint, value));
    }
    found.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(found.into_iter().map(|(_, value)| value).collect())
}

fn receiver_of(alert: &SentAlert) -> &'static str {
    if alert
        .labels
        .get("alertname")
        .is_some_and(|name| name == "Watchdog")
    {
        SNITCH
    } else {
        PAGER
    }
}

fn silenced_by(silences: &[Silence], alert: &SentAlert, now: i64) -> Vec<String> {
    let those = silences
        .iter()
        .filter(|silence| silence.silences(&alert.labels, now));
    those.map(|silence| silence.id.clone()).collect()
}

/// A critical alert of a namespace inhibits the informing ones of the same.
fn inhibited_by(all: &[SentAlert], alert: &SentAlert) -> Vec<String> {
    let severity = |alert: &SentAlert| alert.labels.get("severity").cloned().unwrap_or_default();
    if severity(alert) != "info" {
        return Vec::new();
    }
    let sources = all.iter().filter(|other| {
        severity(other) == "critical" && other.labels.get("namespace") == alert.labels.get("namespace")
    });
    sources.map(|other| fingerprint(&other.labels)).take(1).collect()
}

fn groups(alerts: &[Value]) -> Value {
    let group = |alert: &Value| {
        let labels = &alert["labels"];
        let mut by = json!({"alertname": labels["alertname"]});
        if labels["namespace"].is_string() {
            by["namespace"] = labels["namespace"].clone();
        }
        json!({"alerts": [alert], "labels": by, "receiver": alert["receivers"][0]})
    };
    alerts.iter().map(group).collect()
}

fn silences(monitoring: &Monitoring, request: &Request) -> Reply {
    match filters(request) {
        Ok(filters) => {
            let meant = |silence: &&Silence| filters.iter().all(|filter| silence.fits(filter));
            let found = monitoring.silences.iter().filter(meant);
            let found: Vec<Value> = found.map(|silence| silence.json(request.now)).collect();
            answered(200, &json!(found))
        }
        Err(said) => answered(400, &json!(said)),
    }
}

fn one_silence(monitoring: &Monitoring, id: &str, now: i64) -> Reply {
    if !is_uuid(id) {
        let said = format!("silenceID in path must be of type uuid: \"{id}\"");
        return answered(422, &json!({"code": 601, "message": said}));
    }
    if let Some(silence) = monitoring.silences.iter().find(|silence| silence.id == id) {
        return answered(200, &silence.json(now));
    }
    let mut reply = reply::reply(404, "text/plain", "");
    reply.headers_mut().remove(http::header::CONTENT_TYPE);
    reply::with(reply, "vary", "Origin")
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// The status, with the whole configuration: that is nobody's business on a screen.
fn status(start: i64) -> Value {
    let config = "route:\n  receiver: pagerduty-msapi\n  group_by:\n  - namespace\n  - alertname\n  routes:\n  - receiver: \
        deadmanssnitch\n    matchers:\n    - alertname=\"Watchdog\"\ninhibit_rules:\n- source_matchers:\n  - \
        severity=\"critical\"\n  target_matchers:\n  - severity=\"info\"\n  equal:\n  - namespace\nreceivers:\n- name: \
        pagerduty-msapi\n  pagerduty_configs:\n  - service_key: <secret>\n- name: deadmanssnitch\n  webhook_configs:\n  - url: \
        <secret>\ntemplates: []\n";
    json!({
        "cluster": {"peers": [], "status": "disabled"},
        "config": {"original": config},
        "uptime": times::millis(start - 86_400_000 * 12),
        "versionInfo": {
            "branch": "HEAD",
            "buildDate": "20240228-11:51:20",
            "buildUser": "root@22cd11f671e9",
            "goVersion": "go1.21.7",
            "revision": "0aa3c2aad14cff039931923ab16b26b7481783b5",
            "version": "0.27.0",
        },
    })
}

/// As a form writes it: a space is `+`.
fn escaped(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b' ' => "+".to_owned(),
        plain if plain.is_ascii_alphanumeric() || b"-_.~".contains(&plain) => char::from(plain).to_string(),
        other => format!("%{other:02X}"),
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::super::series::labels;
    use super::*;

    #[test]
    fn a_fingerprint_is_that_of_a_real_alertmanager() {
        let watchdog = labels(&[
            ("alertname", "Watchdog"),
            ("prometheus", "openshift-monitoring/k8s"),
            ("severity", "none"),
        ]);
        assert_eq!(fingerprint(&watchdog), "e25963d69425c836");
    }

    #[test]
    fn an_expression_is_escaped_as_in_the_link_of_an_alert() {
        assert_eq!(
            escaped("absent(up{a=\"b\"} == 1)"),
            "absent%28up%7Ba%3D%22b%22%7D+%3D%3D+1%29"
        );
    }
}
