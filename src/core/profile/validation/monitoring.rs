//! Whether queries, thresholds and matchers of monitoring can work. Whether a query is right only the server can tell.

use std::time::Duration;

use super::Mistakes;
use crate::profile::monitoring::matcher::Matcher;
use crate::profile::monitoring::{
    BUILT_IN_VARIABLES, Limits, Monitoring, SopAlerts, Thresholds, variables_in,
};

/// The longest window that is asked for.
const LONGEST: Duration = Duration::from_hours(24);

/// The longest window of a pair that shows how fast a budget burns.
const LONGEST_BURN: Duration = Duration::from_hours(30 * 24);

impl Mistakes<'_> {
    /// What `[monitoring]` says.
    pub(super) fn monitoring(&mut self) {
        let Some(monitoring) = &self.profile.monitoring else {
            return;
        };
        self.variables(monitoring);
        self.windows(monitoring);
        self.burn(monitoring);
        self.queries(monitoring);
        self.figure_thresholds(&monitoring.thresholds);
        self.alerts(monitoring);
        let levels = &monitoring.tracker.levels;
        self.require(!levels.is_empty(), "monitoring.tracker.levels", || {
            "no level would count: name `error` at least".to_owned()
        });
    }

    fn variables(&mut self, monitoring: &Monitoring) {
        for (name, text) in &monitoring.variables {
            let path = format!("monitoring.variables.{name}");
            let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            self.require(plain && !name.is_empty(), &path, || {
                format!("`{name}` is not a name of lower-case letters and `_`")
            });
            self.require(!BUILT_IN_VARIABLES.contains(&name.as_str()), &path, || {
                format!("`{name}` is built in: choose another name")
            });
            for used in variables_in(text) {
                self.known(&path, "built-in variable", used, BUILT_IN_VARIABLES.into_iter());
            }
        }
    }

    fn windows(&mut self, monitoring: &Monitoring) {
        let windows = &monitoring.windows;
        let each = [
            ("short", windows.short),
            ("long", windows.long),
            ("quiet", windows.quiet),
            ("outbound", windows.outbound),
            ("restarts", windows.restarts),
        ];
        for (key, window) in each {
            let fits = (Duration::from_mins(1)..=LONGEST).contains(&window);
            self.require(fits, &format!("monitoring.windows.{key}"), || {
                format!("{} is not from 60 to 86400 seconds", window.as_secs())
            });
        }
        for (key, window) in [("long", windows.long), ("quiet", windows.quiet)] {
            self.require(
                window > windows.short,
                &format!("monitoring.windows.{key}"),
                || "must be longer than `short`".to_owned(),
            );
        }
    }

    fn burn(&mut self, monitoring: &Monitoring) {
        for (place, burn) in monitoring.burn.iter().enumerate() {
            let at = |key: &str| format!("monitoring.burn[{place}].{key}");
            for (key, window) in [("short", burn.short), ("long", burn.long)] {
                let fits = (Duration::from_mins(1)..=LONGEST_BURN).contains(&window);
                self.require(fits, &at(key), || {
                    format!("{} is not from 60 to 2592000 seconds", window.as_secs())
                });
            }
            self.require(burn.long > burn.short, &at("long"), || {
                "must be longer than `short`".to_owned()
            });
            self.require(
                burn.factor.is_finite() && burn.factor > 0.0,
                &at("factor"),
                || format!("{} is not above 0", burn.factor),
            );
        }
    }

    fn queries(&mut self, monitoring: &Monitoring) {
        let own = monitoring.variables.keys().map(String::as_str);
        let known = own.chain(BUILT_IN_VARIABLES);
        for (figure, query) in &monitoring.queries {
            let path = format!("monitoring.queries.{figure}");
            self.require(!query.trim().is_empty(), &path, || {
                "the query is empty: write one, or remove the line".to_owned()
            });
            for used in variables_in(query) {
                self.known(&path, "variable", used, known.clone());
            }
            let mut names = variables_in(query);
            let looks_back = names.any(|name| name == "window");
            let wanted = !figure.windows(&monitoring.windows).is_empty();
            self.require(looks_back || !wanted, &path, || {
                "the query must look back over `[$window]`".to_owned()
            });
            self.require(wanted || !looks_back, &path, || {
                "this figure has no window: write the query without `$window`".to_owned()
            });
        }
    }

    fn figure_thresholds(&mut self, thresholds: &Thresholds) {
        let at = |key: &str| format!("monitoring.thresholds.{key}");
        let shares = [
            ("objective-availability", thresholds.objective_availability),
            ("slow", thresholds.slow),
            ("very-slow", thresholds.very_slow),
        ];
        for (key, share) in shares {
            self.require(share > 0.0 && share < 1.0, &at(key), || {
                format!("{share} is not a share between 0 and 1")
            });
        }
        let limits = [
            ("outbound", thresholds.outbound),
            ("cpu", thresholds.cpu),
            ("throttled", thresholds.throttled),
            ("memory", thresholds.memory),
        ];
        for (key, Limits { pass, fail }) in limits {
            let fits = pass > 0.0 && pass <= fail && fail <= 1.0;
            self.require(fits, &at(key), || {
                format!("`pass` {pass} and `fail` {fail} are not shares from 0 to 1, `pass` the lower one")
            });
        }
        let rates = [
            ("usual-volume", thresholds.usual_volume),
            ("network", thresholds.network),
        ];
        for (key, rate) in rates {
            self.require(rate.is_finite() && rate >= 0.0, &at(key), || {
                format!("{rate} is not a number of 0 or more")
            });
        }
        let counts = [
            ("least-requests", thresholds.least_requests),
            ("least-calls", thresholds.least_calls),
        ];
        for (key, count) in counts {
            self.require(count > 0, &at(key), || "must be at least 1".to_owned());
        }
        let age = thresholds.sample_age;
        self.require(age >= Duration::from_secs(30), &at("sample-age"), || {
            format!(
                "{} is less than 30 seconds, the time between two scrapes",
                age.as_secs()
            )
        });
    }

    fn alerts(&mut self, monitoring: &Monitoring) {
        let alerts = &monitoring.alerts;
        self.require(!alerts.filters.is_empty(), "monitoring.alerts.filters", || {
            "without a filter no alert is the service's".to_owned()
        });
        for (index, all) in alerts.filters.iter().enumerate() {
            self.matchers(&format!("monitoring.alerts.filters[{index}]"), all);
        }
        for (index, one) in alerts.always_firing.iter().enumerate() {
            let path = format!("monitoring.alerts.always-firing[{index}]");
            self.matcher(&path, one);
        }
        self.unique(
            "severity",
            self.profile
                .monitoring
                .iter()
                .flat_map(|monitoring| monitoring.alerts.severities.iter().map(String::as_str)),
            |index| format!("monitoring.alerts.severities[{index}]"),
        );
        for (index, of_sop) in alerts.sops.iter().enumerate() {
            self.alerts_of_sop(&format!("monitoring.alerts.sops[{index}]"), of_sop);
        }
    }

    fn alerts_of_sop(&mut self, path: &str, of_sop: &SopAlerts) {
        let ids = self.profile.sops.iter().map(|sop| sop.id.as_str());
        self.known(&format!("{path}.sop"), "SOP", &of_sop.sop, ids);
        for (index, name) in of_sop.names.iter().enumerate() {
            self.pattern(&format!("{path}.names[{index}]"), name.text());
        }
        for (index, all) in of_sop.labels.iter().enumerate() {
            self.matchers(&format!("{path}.labels[{index}]"), all);
        }
    }

    /// Matchers that must hold together: none would hold for anything.
    fn matchers(&mut self, path: &str, all: &[impl AsRef<str>]) {
        self.require(!all.is_empty(), path, || {
            "an empty entry would mean every alert".to_owned()
        });
        for (index, one) in all.iter().enumerate() {
            self.matcher(&format!("{path}[{index}]"), one.as_ref());
        }
    }

    fn matcher(&mut self, path: &str, text: &str) {
        let read = Matcher::parse(&Monitoring::in_namespace(text, "namespace"));
        self.require(read.is_ok(), path, || read.err().unwrap_or_default());
        for used in variables_in(text) {
            self.known(path, "variable of matchers", used, ["namespace"].into_iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::validation::mistakes_in;
    use crate::testkit::BUILT_IN_PROFILE;

    /// The mistakes in the built-in profile where a text in it is another: path and message.
    fn mistakes(from: &str, to: &str) -> Vec<(String, String)> {
        assert!(BUILT_IN_PROFILE.contains(from), "{from} is not in the profile");
        let profile = toml::from_str(&BUILT_IN_PROFILE.replacen(from, to, 1)).unwrap();
        let pair = |mistake: crate::profile::validation::Mistake| (mistake.path, mistake.message);
        mistakes_in(&profile).into_iter().map(pair).collect()
    }

    /// A text of the profile, what stands there instead, the path of the mistake, and its message.
    const MISTAKES: [(&str, &str, &str, &str); 26] = [
        (
            "up = 'up{$service}'",
            "up = 'up{$servce}'",
            "queries.up",
            "there is no variable `servce`",
        ),
        (
            "up = 'up{$service}'",
            "up = ' '",
            "queries.up",
            "the query is empty: write one, or remove the line",
        ),
        (
            "up = 'up{$service}'",
            "up = 'up{$service}[$window]'",
            "queries.up",
            "this figure has no window: write the query without `$window`",
        ),
        (
            "path=\"$probe_path\"}[$window]",
            "path=\"$probe_path\"}[5m]",
            "queries.probes",
            "the query must look back over `[$window]`",
        ),
        (
            "users = 'path!=\"$probe_path\"'",
            "users = 'path!=\"$service\"'",
            "variables.users",
            "there is no built-in variable `service`",
        ),
        (
            "users = 'path",
            "namespace = ''\nusers = 'path",
            "variables.namespace",
            "`namespace` is built in: choose another name",
        ),
        (
            "short = 300",
            "short = 59",
            "windows.short",
            "59 is not from 60 to 86400 seconds",
        ),
        (
            "quiet = 600",
            "quiet = 300",
            "windows.quiet",
            "must be longer than `short`",
        ),
        (
            "long = 1800",
            "long = 300",
            "windows.long",
            "must be longer than `short`",
        ),
        (
            "long = 3600\nfactor",
            "long = 300\nfactor",
            "burn[0].long",
            "must be longer than `short`",
        ),
        (
            "long = 259200\nfactor",
            "long = 2592001\nfactor",
            "burn[3].long",
            "2592001 is not from 60 to 2592000 seconds",
        ),
        (
            "factor = 1.0",
            "factor = 0.0",
            "burn[3].factor",
            "0 is not above 0",
        ),
        (
            "outbound = 600",
            "outbound = 86401",
            "windows.outbound",
            "86401 is not from 60 to 86400 seconds",
        ),
        (
            "objective-availability = 0.99",
            "objective-availability = 1.0",
            "thresholds.objective-availability",
            "1 is not a share between 0 and 1",
        ),
        (
            "slow = 0.10",
            "slow = 10.0",
            "thresholds.slow",
            "10 is not a share between 0 and 1",
        ),
        (
            "cpu = { pass = 0.70, fail = 0.90 }",
            "cpu = { pass = 0.91, fail = 0.90 }",
            "thresholds.cpu",
            "`pass` 0.91 and `fail` 0.9 are not shares from 0 to 1, `pass` the lower one",
        ),
        (
            "network = 1.0",
            "network = -1.0",
            "thresholds.network",
            "-1 is not a number of 0 or more",
        ),
        (
            "least-requests = 30",
            "least-requests = 0",
            "thresholds.least-requests",
            "must be at least 1",
        ),
        (
            "sample-age = 90",
            "sample-age = 29",
            "thresholds.sample-age",
            "29 is less than 30 seconds, the time between two scrapes",
        ),
        (
            "['namespace=\"$namespace\"']",
            "['namespace=$namespace']",
            "alerts.filters[1][0]",
            "the value of `namespace=namespace` must stand in double quotes",
        ),
        (
            "['namespace=\"$namespace\"']",
            "[]",
            "alerts.filters[1]",
            "an empty entry would mean every alert",
        ),
        (
            "'severity=\"deadman\"'",
            "'severity'",
            "alerts.always-firing[1]",
            "`severity` is not a matcher such as `severity=\"critical\"`",
        ),
        (
            "severities = [\"critical\", ",
            "severities = [\"high\", ",
            "alerts.severities[2]",
            "the severity `high` is there twice",
        ),
        (
            "sop = \"api-down\"",
            "sop = \"api-dwn\"",
            "alerts.sops[0].sop",
            "there is no SOP `api-dwn`",
        ),
        (
            "names = ['(?i)kafka.*delet']",
            "names = ['(']",
            "alerts.sops[5].names[0]",
            "not a regular expression: unclosed group",
        ),
        (
            "levels = [\"fatal\", \"error\"]",
            "levels = []",
            "tracker.levels",
            "no level would count: name `error` at least",
        ),
    ];

    #[test]
    fn each_mistake_of_monitoring_names_its_key() {
        for (from, to, path, message) in MISTAKES {
            let expected = (format!("monitoring.{path}"), message.to_owned());
            assert_eq!(mistakes(from, to), [expected], "{to}");
        }
    }

    #[test]
    fn limits_that_are_just_right_are_no_mistake() {
        let table = [
            ("short = 300", "short = 60"),
            ("outbound = 600", "outbound = 86400"),
            ("quiet = 600", "quiet = 301"),
            ("sample-age = 90", "sample-age = 30"),
            (
                "cpu = { pass = 0.70, fail = 0.90 }",
                "cpu = { pass = 0.90, fail = 0.90 }",
            ),
            ("least-requests = 30", "least-requests = 1"),
            ("network = 1.0", "network = 0.0"),
        ];
        for (from, to) in table {
            assert_eq!(mistakes(from, to), [], "{to}");
        }
    }
}
