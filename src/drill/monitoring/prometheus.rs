//! Prometheus' API, as version 2.42 answers it behind OpenShift's sign-in.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};

use super::faults::{MonitoringFault, MonitoringServer};
use super::loaded::Loaded;
use super::matchers::Selector;
use super::metric_names::{METRICS, family};
use super::queries::Query;
use super::reply::{self, Reply, Request};
use super::rules::{ActiveAlert, INTERVAL, Rule};
use super::series::{Labels, Series};
use super::times;
use super::{Monitoring, figures};

/// A range query has at most so many points.
const MOST_POINTS: i64 = 11_000;
/// What Thanos says of a store that does not answer.
const WARNING: &str = "receive series from Addr: 10.128.2.11:10901 LabelSets: \
    {prometheus=\"openshift-customer-monitoring/app-sre\"} MinTime: 1795800000000 MaxTime: 9223372036854775807: \
    rpc error: code = Unavailable desc = connection error: dial tcp 10.128.2.11:10901: connect: connection refused";
/// Series that Prometheus makes of its own alerts.
const ALERTS: [&str; 2] = ["ALERTS", "ALERTS_FOR_STATE"];

/// An error of a request: status, kind, and what is said.
struct ApiError(u16, &'static str, String);

type Answer = Result<Value, ApiError>;

fn bad_data(said: impl Into<String>) -> ApiError {
    ApiError(400, "bad_data", said.into())
}

fn bad_parameter(name: &str, said: &str) -> ApiError {
    bad_data(format!("invalid parameter \"{name}\": {said}"))
}

/// Answers a request of somebody who may ask.
pub fn answer(monitoring: &mut Monitoring, request: &Request) -> Reply {
    let path = request.path.as_str();
    match path {
        "/-/ready" => return plain("Prometheus Server is Ready.\n"),
        "/-/healthy" => return plain("Prometheus Server is Healthy.\n"),
        _ => {}
    }
    let Some(endpoint) = path.strip_prefix("/api/v1/") else {
        return reply::text(404, "404 page not found");
    };
    let values_of = endpoint
        .strip_prefix("label/")
        .and_then(|rest| rest.strip_suffix("/values"));
    let allowed: &[Method] = match endpoint {
        "query" | "query_range" | "labels" | "series" => &[Method::GET, Method::OPTIONS, Method::POST],
        "rules" | "alerts" | "metadata" | "status/buildinfo" => &[Method::GET, Method::OPTIONS],
        _ if values_of.is_some() => &[Method::GET, Method::OPTIONS],
        _ => return reply::text(404, "404 page not found"),
    };
    if !allowed.contains(&request.method) || request.method == Method::OPTIONS {
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        return reply::with(reply::text(405, "Method Not Allowed"), "allow", &names.join(", "));
    }
    let mut api = Api { monitoring, request };
    let found = match endpoint {
        "query" => api.query(),
        "query_range" => api.query_range(),
        "labels" => api.label_names(),
        "series" => api.series(),
        "rules" => api.rules(),
        "alerts" => Ok(api.alerts()),
        "metadata" => Ok(api.metadata()),
        "status/buildinfo" => Ok(build()),
        _ => api.label_values(values_of.unwrap_or_default()),
    };
    let fault = monitoring
        .faults
        .borrow()
        .get(&MonitoringServer::Metrics)
        .copied();
    match found {
        Ok(mut data) => {
            if fault == Some(MonitoringFault::Nan) {
                put_nan(&mut data);
            }
            let mut body = json!({"status": "success", "data": data});
            if fault == Some(MonitoringFault::Partial) {
                body["warnings"] = json!([WARNING]);
            }
            reply::json(200, &body)
        }
        Err(ApiError(status, kind, said)) => reply::json(status, &error(kind, &said)),
    }
}

/// What Prometheus answers when a query takes longer than it may.
pub fn timed_out() -> Reply {
    reply::json(503, &error("timeout", "query timed out in expression evaluation"))
}

/// How long a query may take, s: as the request says, at most two minutes.
pub fn time_limit(request: &Request) -> f64 {
    let limit = request.query.get("timeout").and_then(seconds);
    limit.unwrap_or(120.0).min(120.0)
}

/// What is said of a moment that is none; a range query says it in fewer words.
fn cannot_parse(name: &str, text: &str, of_range: bool) -> String {
    let said = format!("cannot parse \"{text}\" to a valid timestamp");
    if of_range {
        said
    } else {
        format!("Invalid time value for '{name}': {said}")
    }
}

fn error(kind: &str, said: &str) -> Value {
    json!({"status": "error", "errorType": kind, "error": said})
}

fn plain(said: &'static str) -> Reply {
    reply::reply(200, "text/plain; charset=utf-8", said)
}

fn build() -> Value {
    json!({
        "version": "2.42.0",
        "revision": "225c61122d88b01d1f0eaaee0e05b6f3e0567ac0",
        "branch": "HEAD",
        "buildUser": "root@c67d48967507",
        "buildDate": "20230201-07:53:32",
        "goVersion": "go1.19.5",
    })
}

struct Api<'a> {
    monitoring: &'a mut Monitoring,
    request: &'a Request,
}

impl Api<'_> {
    /// A moment among the parameters, ms.
    fn moment(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.request.query.get(name) else {
            return Ok(None);
        };
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let millis = number.map(|number| (number * 1_000.0).round() as i64);
        let written = || {
            text.parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_millisecond)
        };
        let said = cannot_parse(name, text, self.request.path.ends_with("/query_range"));
        let found = millis
            .or_else(written)
            .ok_or_else(|| bad_parameter(name, &said))?;
        Ok(Some(found))
    }

    fn understood(&mut self) -> Result<Query, ApiError> {
        let text = self.request.query.get("query").unwrap_or_default();
        if let Some(limit) = self.request.query.get("timeout")
            && seconds(limit).is_none()
        {
            let said = format!("cannot parse \"{limit}\" to a valid duration");
            return Err(bad_parameter("timeout", &said));
        }
        let expressions = self.monitoring.rules.expressions();
        let query = Query::parse(text, &expressions).map_err(|said| bad_parameter("query", &said))?;
        if !matches!(query, Query::Figure(..)) {
            // series of alerts may be meant
            self.monitoring.rules_at(self.request.now);
        }
        Ok(query)
    }

    fn query(&mut self) -> Answer {
        let at = self.moment("time")?.unwrap_or(self.request.now);
        let query = self.understood()?;
        let found = self.evaluate(&query, at, at, 1);
        let rows = found.into_iter().filter_map(|(labels, values)| {
            let (_, value) = values.first()?;
            Some(json!({"metric": labels, "value": [seconds_of(at), number(*value)]}))
        });
        Ok(json!({"resultType": "vector", "result": rows.collect::<Vec<Value>>()}))
    }

    fn query_range(&mut self) -> Answer {
        let missing = |name: &str| bad_parameter(name, &cannot_parse(name, "", true));
        let start = self.moment("start")?.ok_or_else(|| missing("start"))?;
        let end = self.moment("end")?.ok_or_else(|| missing("end"))?;
        if end < start {
            return Err(bad_parameter(
                "end",
                "end timestamp must not be before start time",
            ));
        }
        let text = self.request.query.get("step").unwrap_or_default();
        let step = seconds(text)
            .ok_or_else(|| bad_parameter("step", &format!("cannot parse \"{text}\" to a valid duration")))?;
        if step <= 0.0 {
            return Err(bad_parameter(
                "step",
                "zero or negative query resolution step widths are not accepted. Try a positive integer",
            ));
        }
        let step = ((step * 1_000.0) as i64).max(1);
        if (end - start) / step > MOST_POINTS {
            return Err(bad_data(
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
            ));
        }
        let query = self.understood()?;
        let found = self.evaluate(&query, start, end, step);
        let rows = found.into_iter().map(|(labels, values)| {
            let values = values
                .into_iter()
                .map(|(at, value)| json!([seconds_of(at), number(value)]));
            json!({"metric": labels, "values": values.collect::<Vec<Value>>()})
        });
        Ok(json!({"resultType": "matrix", "result": rows.collect::<Vec<Value>>()}))
    }

    /// The values of a query at each step of a range, by labels.
    fn evaluate(&self, query: &Query, start: i64, end: i64, step: i64) -> BTreeMap<Labels, Vec<(i64, f64)>> {
        let (window, offset) = match query {
            Query::Figure(figure, window) => (*window, figures::offset(*figure)),
            Query::Selector(_) => (0, 0),
            Query::Rule(_) => (6 * 3_600_000, 0),
        };
        let fault = self.monitoring.data_fault();
        let history = &self.monitoring.history;
        let data = Loaded::new(history, start - offset, end - offset, window, fault);
        let selected = match query {
            Query::Selector(selector) => self.selected(selector, start - super::series::LOOK_BACK, end),
            Query::Figure(..) | Query::Rule(_) => Vec::new(),
        };
        let mut all: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
        for at in (0..).map(|n| start + n * step).take_while(|at| *at <= end) {
            let found = match query {
                Query::Figure(figure, window) => figures::compute(*figure, *window, at, &data),
                Query::Selector(_) => {
                    let each = selected
                        .iter()
                        .filter_map(|one| Some((one.labels.clone(), one.instant(at)?.1)));
                    each.collect()
                }
                Query::Rule(place) => self.monitoring.rules.evaluate(*place, at, &data),
            };
            for (labels, value) in found {
                all.entry(labels).or_default().push((at, value));
            }
        }
        all
    }

    /// The series that a selector means, with their samples in a window.
    fn selected(&self, selector: &Selector, from: i64, to: i64) -> Vec<Series> {
        let fault = self.monitoring.data_fault();
        let data = Loaded::new(&self.monitoring.history, from, to, 0, fault);
        let names = METRICS.iter().map(|(name, ..)| *name).chain(ALERTS);
        let names = names.filter(|name| selector.metric().is_none_or(|metric| metric == *name));
        let mut all = Vec::new();
        for name in names {
            let series = if ALERTS.contains(&name) {
                self.monitoring.rules.series(name, from, to)
            } else {
                data.series(name).to_vec()
            };
            all.extend(series.into_iter().filter(|one| selector.matches(&one.labels)));
        }
        all
    }

    /// The series that any of the selectors of `match[]` means.
    fn matched(&mut self, is_needed: bool) -> Result<Vec<Labels>, ApiError> {
        self.monitoring.rules_at(self.request.now);
        let start = self.moment("start")?.unwrap_or(self.request.now - 3_600_000);
        let end = self.moment("end")?.unwrap_or(self.request.now);
        let texts: Vec<String> = self.request.query.all("match[]").map(str::to_owned).collect();
        if texts.is_empty() {
            if is_needed {
                return Err(bad_data("no match[] parameter provided"));
            }
            let all = self.selected(&Selector::default(), start, end);
            return Ok(all.into_iter().map(|one| one.labels).collect());
        }
        let mut found = BTreeSet::new();
        for text in texts {
            let selector = Selector::parse(&text)
                .and_then(|selector| {
                    selector.ok_or_else(|| "1:1: parse error: unexpected end of input".to_owned())
                })
                .map_err(|said| bad_parameter("match[]", &said))?;
            found.extend(
                self.selected(&selector, start, end)
                    .into_iter()
                    .map(|one| one.labels),
            );
        }
        Ok(found.into_iter().collect())
    }

    fn series(&mut self) -> Answer {
        Ok(json!(self.matched(true)?))
    }

    fn label_names(&mut self) -> Answer {
        let matched = self.matched(false)?;
        let names: BTreeSet<&String> = matched.iter().flat_map(BTreeMap::keys).collect();
        Ok(json!(names))
    }

    fn label_values(&mut self, name: &str) -> Answer {
        let matched = self.matched(false)?;
        let values: BTreeSet<&String> = matched.iter().filter_map(|labels| labels.get(name)).collect();
        Ok(json!(values))
    }

    fn metadata(&self) -> Value {
        let wanted = self.request.query.get("metric");
        let of_metric = METRICS
            .iter()
            .map(|(name, kind, help, _)| (family(name), *kind, *help))
            .filter(|(name, _, help)| !help.is_empty() && wanted.is_none_or(|wanted| wanted == *name));
        let found = of_metric
            .map(|(name, kind, help)| (name.to_owned(), json!([{"type": kind, "help": help, "unit": ""}])));
        Value::Object(found.collect())
    }

    fn alerts(&mut self) -> Value {
        let rules = self.monitoring.rules_at(self.request.now);
        let alerts: Vec<Value> = rules
            .each()
            .flat_map(|(rule, alerts)| alerts.into_iter().map(|alert| alert_json(rule, alert)))
            .collect();
        json!({"alerts": alerts})
    }

    fn rules(&mut self) -> Answer {
        let kind = self.request.query.get("type").unwrap_or_default();
        if !matches!(kind, "" | "alert" | "record") {
            return Err(bad_parameter("type", &format!("not supported value \"{kind}\"")));
        }
        let rules = self.monitoring.rules_at(self.request.now);
        let evaluated = times::nanos(rules.evaluated());
        let all: Vec<Value> = rules
            .each()
            .filter(|_| kind != "record")
            .map(|(rule, alerts)| rule_json(rule, &alerts, &evaluated))
            .collect();
        Ok(json!({"groups": [{
            "name": "managed-services-api.alerts",
            "file": "/etc/prometheus/rules/prometheus-app-sre-rulefiles-0/managed-services-api.yaml",
            "rules": all,
            "interval": INTERVAL / 1_000,
            "limit": 0,
            "evaluationTime": 0.003_369_305,
            "lastEvaluation": evaluated,
        }]}))
    }
}

fn alert_json(rule: &Rule, alert: &ActiveAlert) -> Value {
    json!({
        "labels": alert.labels,
        "annotations": rule.annotations,
        "state": if alert.fired_at.is_some() { "firing" } else { "pending" },
        "activeAt": times::nanos(alert.active_at),
        "value": exponent(alert.value),
    })
}

fn rule_json(rule: &Rule, alerts: &[&ActiveAlert], evaluated: &str) -> Value {
    let fires = alerts.iter().any(|alert| alert.fired_at.is_some());
    let state = match alerts {
        [] => "inactive",
        _ if fires => "firing",
        _ => "pending",
    };
    let alerts: Vec<Value> = alerts.iter().map(|alert| alert_json(rule, alert)).collect();
    json!({
        "state": state,
        "name": rule.name,
        "query": rule.query,
        "duration": rule.hold / 1_000,
        "keepFiringFor": 0,
        "labels": rule.labels,
        "annotations": rule.annotations,
        "alerts": alerts,
        "health": "ok",
        "evaluationTime": 0.000_300_398,
        "lastEvaluation": evaluated,
        "type": "alerting",
    })
}

/// Makes every value of a result `NaN`.
fn put_nan(data: &mut Value) {
    let rows = data.get_mut("result").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten() {
        if let Some(value) = row.pointer_mut("/value/1") {
            *value = json!("NaN");
        }
        let values = row.get_mut("values").and_then(Value::as_array_mut);
        for pair in values.into_iter().flatten() {
            if let Some(value) = pair.get_mut(1) {
                *value = json!("NaN");
            }
        }
    }
}

/// A time as Prometheus writes it: seconds, with milliseconds where there are any.
fn seconds_of(at: i64) -> Value {
    if at % 1_000 == 0 {
        json!(at / 1_000)
    } else {
        json!(at as f64 / 1_000.0)
    }
}

/// A value as Prometheus writes it: a string.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

/// An alert's value: `2.4e-01`.
fn exponent(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return number(value);
    };
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

/// Seconds of a number or of a duration as `1m30s`.
fn seconds(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let letters = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let factor = match &unit[..letters] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            "y" => 31_536_000.0,
            _ => return None,
        };
        sum += number * factor;
        rest = &unit[letters..];
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_as_prometheus_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (2.5, "2.5"),
            (1e21, "1000000000000000000000"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(number(value), text);
        }
        for (value, text) in [(1.0, "1e+00"), (0.24, "2.4e-01"), (f64::NAN, "NaN")] {
            assert_eq!(exponent(value), text);
        }
        assert_eq!(seconds_of(1_795_893_732_195).to_string(), "1795893732.195");
        assert_eq!(seconds_of(1_795_893_732_000).to_string(), "1795893732");
        for (text, found) in [
            ("30", Some(30.0)),
            ("1m30s", Some(90.0)),
            ("500ms", Some(0.5)),
            ("soon", None),
            ("", None),
            ("5", Some(5.0)),
        ] {
            assert_eq!(seconds(text), found, "{text}");
        }
    }
}
