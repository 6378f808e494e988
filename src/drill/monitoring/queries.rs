//! Which queries the drill's Prometheus answers: the profile's, plain selectors, and the expressions of its own rules. It knows no PromQL.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::monitoring::{Figure, Monitoring};

use super::matchers::Selector;
use crate::world::NAMESPACE;

/// The profile of the service that the world plays.
const PROFILE: &str = include_str!("../../../assets/profiles/managed-services-api.toml");

/// A query that is understood.
#[derive(Clone, Debug)]
pub enum Query {
    /// A figure of the profile over a window, ms.
    Figure(Figure, i64),
    /// All series that it means.
    Selector(Selector),
    /// The expression of the rule with this place.
    Rule(usize),
}

static SERVICE: LazyLock<Option<(Profile, Monitoring)>> = LazyLock::new(|| {
    let profile: Profile = toml::from_str(PROFILE).ok()?;
    let monitoring = profile.monitoring.clone()?;
    Some((profile, monitoring))
});
static WINDOW: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\[(\d+)([smhd])\]").ok());
static FUNCTION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*([A-Za-z_]\w*)\s*\(").ok());
/// The functions and aggregations of the known queries.
const FUNCTIONS: [&str; 17] = [
    "absent",
    "and",
    "by",
    "count",
    "histogram_quantile",
    "increase",
    "max",
    "min",
    "on",
    "or",
    "predict_linear",
    "rate",
    "sum",
    "time",
    "timestamp",
    "topk",
    "vector",
];

impl Query {
    /// Understands a query; `rules` are the expressions of the rules.
    ///
    /// # Errors
    /// In Prometheus' words, without what stands before the place.
    pub fn parse(text: &str, rules: &[String]) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("1:1: parse error: no expression found in input".to_owned());
        }
        if let Some((figure, window)) = figure(text) {
            return Ok(Self::Figure(figure, window));
        }
        if let Some(place) = rules.iter().position(|rule| is_same(rule, text)) {
            return Ok(Self::Rule(place));
        }
        if let Some(selector) = Selector::parse(text)? {
            return Ok(Self::Selector(selector));
        }
        Err(refusal(text))
    }
}

/// The figure that a text is the query of, and its window in ms: that of the text, whichever it is.
fn figure(text: &str) -> Option<(Figure, i64)> {
    let (profile, monitoring) = SERVICE.as_ref()?;
    let window = window(text);
    let duration = window.map(|millis| Duration::from_millis(millis.unsigned_abs()));
    let found = Figure::ALL.into_iter().find(|figure| {
        let query = monitoring.query(profile, NAMESPACE, *figure, duration);
        query.is_some_and(|query| is_same(&query.text, text))
    });
    Some((found?, window.unwrap_or(0)))
}

/// The first window in a text, ms.
fn window(text: &str) -> Option<i64> {
    let found = WINDOW.as_ref()?.captures(text)?;
    let unit = match &found[2] {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 86_400_000,
    };
    found[1].parse::<i64>().ok()?.checked_mul(unit)
}

fn is_same(left: &str, right: &str) -> bool {
    let words = |text: &str| -> String { text.split_whitespace().collect() };
    words(left) == words(right)
}

/// Why a text is not answered, as a parser would say it.
fn refusal(text: &str) -> String {
    let function = FUNCTION.as_ref().and_then(|pattern| pattern.captures(text));
    if let Some(name) = function.and_then(|found| found.get(1))
        && !FUNCTIONS.contains(&name.as_str())
    {
        return format!(
            "1:{}: parse error: unknown function with name \"{}\"",
            name.start() + 1,
            name.as_str()
        );
    }
    let brace = text.find('{').map(|place| &text[..place]);
    if let Some(before) = brace {
        let name = before.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
        let start = name.map_or(0, |place| place + 1);
        let end = text[start..]
            .find('}')
            .map_or(text.len(), |place| start + place + 1);
        if let Err(said) = Selector::parse(&text[start..end]) {
            return moved(&said, start);
        }
    }
    "1:1: parse error: not a query that this server knows: it answers those of the profile, selectors, and the \
     expressions of its rules"
        .to_owned()
}

/// The same error, so many characters further on.
fn moved(said: &str, by: usize) -> String {
    let place = said
        .strip_prefix("1:")
        .and_then(|rest| rest.split_once(':'))
        .and_then(|(place, rest)| Some((place.parse::<usize>().ok()?, rest)));
    place.map_or_else(
        || said.to_owned(),
        |(place, rest)| format!("1:{}:{rest}", place + by),
    )
}

/// The query of a figure by the figure's name, over the first of its windows.
#[cfg(test)]
pub fn text_of(name: &str) -> Option<String> {
    let (profile, monitoring) = SERVICE.as_ref()?;
    let queries = monitoring.queries(profile, NAMESPACE);
    let own = queries.into_iter().find(|query| query.figure.name() == name);
    own.map(|query| query.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_of_the_profile_is_understood_with_any_window() {
        let (profile, monitoring) = SERVICE.as_ref().unwrap();
        for query in monitoring.queries(profile, NAMESPACE) {
            let found = Query::parse(&query.text, &[]).unwrap();
            let window = query.window.map_or(0, |window| window.as_millis() as i64);
            let Query::Figure(figure, millis) = found else {
                panic!("{query:?}")
            };
            assert_eq!((figure, millis), (query.figure, window));
        }
        let odd = "sum(rate(api_inbound_request_count{job=\"managed-services-api-metrics\",\
                   namespace=\"managed-services-stage\",path!=\"/api/managed-services-api\"}[7m]))";
        assert!(matches!(
            Query::parse(odd, &[]).unwrap(),
            Query::Figure(Figure::Volume, 420_000)
        ));
    }

    #[test]
    fn what_is_not_understood_is_refused_in_prometheus_words() {
        for (text, said) in [
            ("", "1:1: parse error: no expression found in input"),
            (
                "sumup(up)",
                "1:1: parse error: unknown function with name \"sumup\"",
            ),
            (
                "sum(rate(up{[5m])",
                "1:13: parse error: unexpected character inside braces: '['",
            ),
        ] {
            assert_eq!(Query::parse(text, &[]).unwrap_err(), said, "{text}");
        }
        for text in ["sum(up)", "1 + 1", "up[5m]", "count by (job) (up)"] {
            let said = Query::parse(text, &[]).unwrap_err();
            assert!(
                said.starts_with("1:1: parse error: not a query"),
                "{text}: {said}"
            );
        }
    }

    #[test]
    fn selectors_and_the_expressions_of_rules_are_understood() {
        assert!(matches!(Query::parse("ALERTS", &[]).unwrap(), Query::Selector(_)));
        let rules = ["absent(up == 1)".to_owned()];
        assert!(matches!(
            Query::parse("absent( up ==1 )", &rules).unwrap(),
            Query::Rule(0)
        ));
    }
}
