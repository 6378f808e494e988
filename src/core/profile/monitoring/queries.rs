//! The queries of an environment: the profile's, with everything filled in.

use std::time::Duration;

use super::{Figure, Monitoring};
use crate::profile::Profile;

/// The names that every query may use: `$namespace`, `$deployment`, `$container`, `$probe_path` and `$window`.
pub const BUILT_IN_VARIABLES: [&str; 5] = ["namespace", "deployment", "container", "probe_path", "window"];

/// One query, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricQuery {
    /// The figure that it asks for.
    pub figure: Figure,
    /// How far back; `None` where the query has no window.
    pub window: Option<Duration>,
    /// The query, in PromQL.
    pub text: String,
}

impl MetricQuery {
    /// How long after one answer the next is asked for.
    pub fn every(&self) -> Duration {
        self.figure.every(self.window)
    }
}

impl Monitoring {
    /// Every query in a namespace, in the order of the figures, the short window first.
    pub fn queries(&self, profile: &Profile, namespace: &str) -> Vec<MetricQuery> {
        let of_figure = |figure: Figure| {
            let windows = self.windows_of(figure);
            let windows = windows.into_iter().map(Some);
            let windows: Vec<_> = if windows.len() == 0 {
                vec![None]
            } else {
                windows.collect()
            };
            windows
                .into_iter()
                .filter_map(move |window| self.query(profile, namespace, figure, window))
        };
        Figure::ALL.into_iter().flat_map(of_figure).collect()
    }

    /// One query; `None` where the profile has none for the figure.
    pub fn query(
        &self,
        profile: &Profile,
        namespace: &str,
        figure: Figure,
        window: Option<Duration>,
    ) -> Option<MetricQuery> {
        let service = &profile.service;
        let window_text = window.map_or_else(String::new, in_promql);
        let built_in = |name: &str| match name {
            "namespace" => Some(namespace),
            "deployment" => Some(service.deployment.as_str()),
            "container" => Some(service.container.as_str()),
            "probe_path" => Some(service.probe_path.as_str()),
            "window" => Some(window_text.as_str()),
            _ => None,
        };
        let own = |name: &str| self.variables.get(name).map(String::as_str);
        let with_own = fill_in(self.queries.get(&figure)?, own);
        Some(MetricQuery {
            figure,
            window,
            text: fill_in(&with_own, built_in),
        })
    }

    /// A matcher of the profile with the namespace filled in.
    pub fn in_namespace(matcher: &str, namespace: &str) -> String {
        fill_in(matcher, |name| (name == "namespace").then_some(namespace))
    }
}

/// A span as PromQL writes it: `5m`, `90s`, `6h`, `1d`.
fn in_promql(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let whole = units
        .into_iter()
        .find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    whole.map_or_else(
        || format!("{seconds}s"),
        |(unit, name)| format!("{}{name}", seconds / unit),
    )
}

/// The names after a `$`, in the order of the text: lower-case letters and `_`.
pub fn variables_in(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split('$').skip(1).map(|rest| &rest[..name_length(rest)]);
    after.filter(|name| !name.is_empty())
}

fn name_length(text: &str) -> usize {
    let is_name = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
    text.bytes().take_while(|byte| is_name(byte)).count()
}

/// Puts values in the place of `$name`; a name without a value stays.
fn fill_in<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut parts = text.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_at(name_length(part));
        let known = value(name).filter(|_| !name.is_empty());
        if known.is_none() {
            filled.push('$');
        }
        filled.push_str(known.unwrap_or(name));
        filled.push_str(rest);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::built_in_profile;

    fn text_of(figure: Figure, window: Option<u64>) -> String {
        let profile = built_in_profile();
        let monitoring = profile.monitoring.as_ref().unwrap();
        let window = window.map(Duration::from_secs);
        let query = monitoring.query(&profile, "managed-services-stage", figure, window);
        query.unwrap().text
    }

    #[test]
    fn a_query_is_sent_with_everything_filled_in() {
        assert_eq!(
            text_of(Figure::Up, None),
            r#"up{job="managed-services-api-metrics",namespace="managed-services-stage"}"#
        );
        assert_eq!(
            text_of(Figure::Volume, Some(300)),
            "sum(rate(api_inbound_request_count{job=\"managed-services-api-metrics\",\
             namespace=\"managed-services-stage\",path!=\"/api/managed-services-api\"}[5m]))"
        );
        assert!(text_of(Figure::Cpu, Some(90)).contains("[90s]"));
        assert!(text_of(Figure::VerySlow, Some(1800)).contains(r#"le=~"1(\\.0)?"}[30m]"#));
    }

    #[test]
    fn every_figure_of_the_built_in_profile_has_its_query_and_nothing_is_left_open() {
        let profile = built_in_profile();
        let monitoring = profile.monitoring.as_ref().unwrap();
        let queries = monitoring.queries(&profile, "managed-services-stage");
        for figure in Figure::ALL {
            assert!(queries.iter().any(|query| query.figure == figure), "{figure}");
        }
        for query in &queries {
            assert_eq!(variables_in(&query.text).next(), None, "{query:?}");
        }
        let mut texts: Vec<_> = queries.iter().map(|query| &query.text).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), queries.len(), "no query is there twice");
    }

    #[test]
    fn a_dollar_that_begins_no_name_stays() {
        assert_eq!(
            fill_in("a$\"$x$y", |name| (name == "x").then_some("1")),
            "a$\"1$y"
        );
        assert_eq!(variables_in("a$\"$x$y_z-1").collect::<Vec<_>>(), ["x", "y_z"]);
    }
}
