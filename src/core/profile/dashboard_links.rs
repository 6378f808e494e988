//! Links to Grafana's dashboards, opened at the incident's time and namespace.

use jiff::Timestamp;

use super::Environment;

/// How long before the incident's beginning a dashboard begins, ms: what was usual shows beside what is not.
const BEFORE: i64 = 30 * 60_000;

/// Dashboards end at a whole minute, ms: a link that changes each second can't be copied.
const MINUTE: i64 = 60_000;

/// The time of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentTime {
    /// When it began.
    pub began_at: Timestamp,
    /// Until when it is looked at.
    pub until: Timestamp,
}

/// The link as it is opened: a dashboard of the environment's Grafana at the incident's time and namespace, anything else as it is. What
/// the link says itself stays.
pub fn at_incident(link: &str, environment: &Environment, time: IncidentTime) -> String {
    let is_dashboard = environment.grafana.as_deref().is_some_and(|grafana| {
        let below = link.strip_prefix(grafana.trim_end_matches('/'));
        below.is_some_and(|below| below.starts_with("/d/"))
    });
    if !is_dashboard {
        return link.to_owned();
    }
    let (link, fragment) = link.split_at(link.find('#').unwrap_or(link.len()));
    let (path, query) = link.split_once('?').unwrap_or((link, ""));
    let until = time.until.as_millisecond();
    let parameters = [
        ("from", (time.began_at.as_millisecond() - BEFORE).to_string()),
        ("to", (until - until.rem_euclid(MINUTE) + MINUTE).to_string()),
        ("var-namespace", environment.namespace.clone()),
    ];
    let own = query.split('&').filter(|pair| !pair.is_empty());
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let added = parameters
        .into_iter()
        .filter(|(name, _)| !has(name))
        .map(|(name, value)| format!("{name}={value}"));
    let query: Vec<_> = own.map(str::to_owned).chain(added).collect();
    format!("{path}?{}{fragment}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::built_in_profile;

    fn opened(link: &str, grafana: Option<&str>) -> String {
        let mut environment = built_in_profile().environments[0].clone();
        environment.grafana = grafana.map(str::to_owned);
        let time = IncidentTime {
            began_at: "2026-11-28T19:28:17Z".parse().unwrap(),
            until: "2026-11-28T20:00:17Z".parse().unwrap(),
        };
        at_incident(link, &environment, time)
    }

    #[test]
    fn a_dashboard_of_the_environment_s_grafana_opens_at_the_incident() {
        let range = "from=1795892297000&to=1795896060000&var-namespace=managed-services-stage";
        // the link, Grafana's address, the link as it is opened
        let table = [
            (
                "https://g.test/d/Tbw1/slos?orgId=1",
                "https://g.test",
                format!("https://g.test/d/Tbw1/slos?orgId=1&{range}"),
            ),
            (
                "https://g.test/d/Tbw1/slos",
                "https://g.test/",
                format!("https://g.test/d/Tbw1/slos?{range}"),
            ),
            (
                "https://g.test/grafana/d/Tbw1/slos#panel",
                "https://g.test/grafana",
                format!("https://g.test/grafana/d/Tbw1/slos?{range}#panel"),
            ),
        ];
        for (link, grafana, expected) in table {
            assert_eq!(opened(link, Some(grafana)), expected);
        }
    }

    #[test]
    fn other_links_stay_as_they_are() {
        let link = "https://g.test/d/Tbw1/slos?orgId=1";
        assert_eq!(opened(link, None), link);
        for grafana in ["https://g.tes", "https://other.test", "https://g.test/grafana"] {
            assert_eq!(opened(link, Some(grafana)), link, "{grafana}");
        }
        let sentry = "https://g.test/issues/?project=1";
        assert_eq!(opened(sentry, Some("https://g.test")), sentry);
    }

    #[test]
    fn what_the_link_says_itself_stays() {
        let link = "https://g.test/d/Tbw1/slos?from=now-6h&var-namespace=other";
        assert_eq!(
            opened(link, Some("https://g.test")),
            format!("{link}&to=1795896060000")
        );
    }
}
