//! Profiles: built in, in the user's folder, or any file.

#[cfg(test)]
mod mistake_tests;

use std::path::{Path, PathBuf};

use crate::config::dirs::UserDirs;
use crate::config::errors::{ConfigError, ConfigProblem, all_or};
use crate::config::spanned_toml::TomlDocument;
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::validation::{Mistake, UnknownWord, mistakes_in};

/// The profile that is taken when none is chosen.
pub const DEFAULT_PROFILE: &str = "managed-services-api";

/// The profiles in the program: name and text.
const BUILT_IN: [(&str, &str); 1] = [(
    DEFAULT_PROFILE,
    include_str!("../../../../assets/profiles/managed-services-api.toml"),
)];

/// Where a profile is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileSource {
    /// In the program.
    BuiltIn(&'static str),
    /// In a file.
    File(PathBuf),
}

impl ProfileSource {
    /// Where it is, as people read it.
    pub fn text(&self) -> String {
        match self {
            ProfileSource::BuiltIn(_) => "built in".to_owned(),
            ProfileSource::File(path) => path.display().to_string(),
        }
    }
}

/// The names of the built-in profiles.
pub fn built_in_names() -> impl Iterator<Item = &'static str> + Clone {
    BUILT_IN.into_iter().map(|(name, _)| name)
}

/// A built-in profile, as its file says it. It is read without the checks of [`parse`]: the tests have made them, and the
/// patterns alone would take a good part of the time to the first frame.
pub fn built_in(name: &str) -> Option<Result<Profile, ConfigError>> {
    let (name, text) = BUILT_IN.into_iter().find(|(known, _)| *known == name)?;
    let read = TomlDocument::parse(built_in_file(name), text).and_then(|document| document.read());
    Some(read)
}

/// A built-in profile with all checks made.
pub(super) fn check_built_in(name: &str) -> Result<(), ConfigError> {
    let mut texts = BUILT_IN.into_iter().filter(|(known, _)| *known == name);
    texts.try_for_each(|(name, text)| parse(&built_in_file(name), text).map(|_| ()))
}

fn built_in_file(name: &str) -> String {
    format!("{name} (built in)")
}

/// Reads a profile; `file` is what messages call it.
pub fn parse(file: &str, text: &str) -> Result<Profile, ConfigError> {
    let document = TomlDocument::parse(file, text)?;
    let profile: Profile = document.read()?;
    let mistakes = mistakes_in(&profile).into_iter();
    all_or(mistakes.map(|mistake| problem(mistake, &document)).collect())?;
    Ok(profile)
}

/// A mistake with the file and the line of its key.
fn problem(mistake: Mistake, document: &TomlDocument) -> ConfigProblem {
    let problem = document.problem(&mistake.path, mistake.message);
    match &mistake.unknown {
        Some(UnknownWord { word, known }) => problem.hint_among(word, known.iter().map(String::as_str)),
        None => problem,
    }
}

/// Finds a profile: a file if `name` is a path, else one in the user's folder, else a built-in one. A file in the user's
/// folder is deliberate, so it comes first; where a profile came from is always shown.
///
/// # Errors
/// The names there are, when there is none of this name.
pub(super) fn find(name: &str, base: &Path, dirs: &UserDirs) -> Result<ProfileSource, Vec<String>> {
    if is_path(name) {
        return Ok(ProfileSource::File(dirs.resolve(name, base)));
    }
    if let Some(file) = dirs.profile(name).filter(|file| file.exists()) {
        return Ok(ProfileSource::File(file));
    }
    let built_in = built_in_names().find(|known| *known == name);
    built_in
        .map(ProfileSource::BuiltIn)
        .ok_or_else(|| known_names(dirs))
}

/// Reads the profile that was found.
pub(super) fn read(source: &ProfileSource) -> Result<Profile, ConfigError> {
    match source {
        ProfileSource::BuiltIn(name) => built_in(name).unwrap_or_else(|| {
            Err(ConfigProblem::new("profile", format!("there is no built-in profile `{name}`")).into())
        }),
        ProfileSource::File(path) => {
            let text = crate::config::dirs::read_text(path)?;
            parse(&path.display().to_string(), &text)
        }
    }
}

fn is_path(name: &str) -> bool {
    name.contains('/')
        || Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "toml")
}

/// The names that can be chosen: built in, and in the user's folder.
fn known_names(dirs: &UserDirs) -> Vec<String> {
    let mut names: Vec<String> = built_in_names().map(str::to_owned).collect();
    names.extend(dirs.profile_names());
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use sopwatch_core::diagnose::steps::{Check, Manual};
    use sopwatch_core::profile::Role;

    fn profile() -> Profile {
        built_in(DEFAULT_PROFILE)
            .expect("there")
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_built_in_profile_names_the_service_as_the_procedure_does() {
        let profile = profile();
        let service = &profile.service;
        assert_eq!(
            (service.deployment.as_str(), service.replicas),
            ("managed-services-api", 3)
        );
        assert_eq!(
            (service.selector.as_str(), service.container.as_str()),
            ("app=managed-services-api", "service")
        );
        let environments: Vec<_> = profile
            .environments
            .iter()
            .map(|e| (e.namespace.as_str(), e.production))
            .collect();
        assert_eq!(
            environments,
            [
                ("managed-services-stage", false),
                ("managed-services-production", true)
            ]
        );
        let database = profile.database.expect("a database");
        let secret = &database.secret;
        assert_eq!(
            (database.name.as_str(), secret.name.as_str()),
            ("managed-services-api", "managed-services-api-rds")
        );
        let keys = [
            &secret.host,
            &secret.port,
            &secret.database,
            &secret.user,
            &secret.password,
        ];
        assert_eq!(keys, ["db.host", "db.port", "db.name", "db.user", "db.password"]);
        assert_eq!(secret.ca.as_deref(), Some("db.ca_cert"));
        assert_eq!(profile.leaders.settle(), Duration::from_mins(4));
    }

    #[test]
    fn the_built_in_profiles_pass_every_check() {
        for name in built_in_names() {
            assert_eq!(check_built_in(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn limits_are_those_of_the_procedure() {
        let profile = profile();
        let cases = [
            ("clusters", "cluster_accepted", Role::Accepted, Some(180)),
            ("clusters", "cluster_provisioning", Role::InFlight, Some(2700)),
            ("clusters", "cluster_provisioned", Role::InFlight, Some(2700)),
            ("clusters", "ready", Role::Ready, None),
            ("clusters", "failed", Role::Failed, None),
            ("kafka_requests", "accepted", Role::Accepted, Some(2700)),
            ("kafka_requests", "provisioning", Role::InFlight, Some(2700)),
            ("kafka_requests", "resource_creating", Role::InFlight, Some(2700)),
            ("kafka_requests", "ready", Role::Ready, None),
            ("kafka_requests", "failed", Role::Failed, None),
        ];
        for (table, status, role, limit) in cases {
            let found = profile
                .table(table)
                .and_then(|table| table.status(status))
                .expect(status);
            assert_eq!(
                (found.role, found.limit),
                (role, limit.map(Duration::from_secs)),
                "{table} {status}"
            );
        }
    }

    #[test]
    fn all_eight_procedures_are_complete() {
        let profile = profile();
        let cases = [
            ("api-down", 7, 0, 3),
            ("api-availability", 8, 3, 2),
            ("api-latency", 8, 3, 2),
            ("osd-provisioning-latency", 8, 4, 2),
            ("osd-provisioning-correctness", 8, 4, 2),
            ("kafka-provisioning-latency", 10, 5, 2),
            ("kafka-provisioning-correctness", 10, 5, 2),
            ("kafka-deletion-correctness", 10, 5, 2),
        ];
        let ids: Vec<_> = profile.sops.iter().map(|sop| sop.id.as_str()).collect();
        assert_eq!(ids, cases.map(|(id, ..)| id));
        for (id, steps, handling, access) in cases {
            let sop = profile.sop(id).expect(id);
            assert!(!sop.impact.is_empty() && !sop.summary.is_empty(), "{id}");
            assert!(
                sop.access.len() >= 2 && sop.access.len() <= access,
                "{id}: {:?}",
                sop.access
            );
            assert_eq!(profile.steps_of(sop).len(), steps, "{id}");
            assert_eq!(profile.handling_of(sop).len(), handling, "{id}");
            let (last, step) = *profile.steps_of(sop).last().expect("steps");
            assert!(
                ["escalate", "handle"].contains(&last) && step.check == Check::Manual(Manual {}),
                "{id} ends with {last}"
            );
        }
        assert_eq!(profile.escalations.len(), 5);
    }

    #[test]
    fn steps_stand_in_the_order_of_the_procedure() {
        let profile = profile();
        let ids = |id| -> Vec<&str> {
            let sop = profile.sop(id).expect(id);
            profile.steps_of(sop).into_iter().map(|(id, _)| id).collect()
        };
        assert_eq!(
            ids("api-down")[..4],
            ["replicas", "pods-ready", "events", "metrics-application"]
        );
        assert_eq!(
            ids("osd-provisioning-correctness")[..4],
            ["error-tracker", "pods-ready", "log-errors", "leader-cluster"]
        );
        assert_eq!(
            ids("kafka-deletion-correctness")[3..],
            [
                "leader-kafka",
                "clusters-ready",
                "clusters-idle",
                "clusters-failed",
                "kafkas-idle",
                "kafkas-failed",
                "handle",
            ]
        );
    }

    #[test]
    fn secrets_are_named_where_the_procedure_names_them() {
        let profile = profile();
        for sop in &profile.sops {
            let named = sop.secrets == ["managed-services-api-rds"];
            let expected = sop.id.starts_with("kafka") || sop.id == "osd-provisioning-latency";
            assert_eq!(named, expected, "{}", sop.id);
        }
    }

    #[test]
    fn what_the_procedure_leaves_open_is_open() {
        let profile = profile();
        assert!(
            profile
                .contacts
                .values()
                .all(|contact| contact.reach.is_empty() && !contact.title.is_empty())
        );
        let contacts: Vec<_> = profile.contacts.keys().map(String::as_str).collect();
        assert_eq!(contacts, ["control-plane", "data-plane-or-mk-sre", "ocm-support"]);
        let links = |index: usize| {
            profile.environments[index]
                .links
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
        };
        assert_eq!(links(0), ["grafana-application", "sentry"]);
        assert_eq!(links(1), ["sentry"]);
        assert!(
            profile.steps["metrics-resources"]
                .links
                .iter()
                .all(|key| profile.open_links.contains(key))
        );
    }

    #[test]
    fn every_step_belongs_to_a_procedure() {
        let profile = profile();
        for id in profile.steps.keys() {
            assert!(profile.sops.iter().any(|sop| sop.steps.contains(id)), "{id}");
        }
    }

    #[test]
    fn leader_lines_are_recognised_with_worker_and_id() {
        let lines = profile().leaders.lines;
        let id = "6f0f2f0e-6a3e-4b6f-9f0b-1a5d3c1b7a11";
        let cases = [
            (&lines.gained, "Running as the leader and starting worker"),
            (&lines.lost, "No longer the leader and stopping worker"),
            (&lines.heartbeat, "Starting reconciliation loop for"),
            (&lines.heartbeat, "Timeout triggered reconciliation loop for"),
            (&lines.loop_ended, "Stopping reconciliation loop for"),
            (&lines.not_leader, "not currently leader, skipping reconcile"),
        ];
        for (pattern, text) in cases {
            let line = format!("I0115 13:24:01.482913       1 x.go:80] {text} *workers.KafkaManager [{id}]");
            let regex = regex::Regex::new(pattern).expect("checked");
            let found = regex.captures(&line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((&found["worker"], &found["id"]), ("*workers.KafkaManager", id));
        }
    }

    /// The first class that matches, as the records say it.
    fn class_of(profile: &Profile, record: &str) -> String {
        let matches = |pattern: &String| regex::Regex::new(pattern).expect("checked").is_match(record);
        let class = profile
            .error_classes
            .iter()
            .find(|class| class.patterns.iter().any(matches));
        class.map_or(String::new(), |class| class.id.clone())
    }

    #[test]
    fn the_innermost_cause_of_an_error_is_its_class() {
        let profile = profile();
        let header = "E0115 13:24:32.110457       1 ";
        let cases = [
            (
                "clusters_mgr.go:130] failed to reconcile accepted cluster 1n5: identifier is '400', code is 'CLUSTERS-MGMT-400' and operation identifier is '1h'",
                "ocm",
            ),
            (
                "clusters_mgr.go:191] failed to reconcile cluster 1n5 strimzi operator: identifier is '503'",
                "ocm",
            ),
            (
                "kafkas_mgr.go:129] reconcile resource creating 1n5: failed to get state from observatorium for kafka 1n5",
                "observatorium",
            ),
            (
                "kafkas_mgr.go:99] failed to reconcile accepted kafka 1n5: failed to create sso client 1n5",
                "sso",
            ),
            ("kafkas_mgr.go:114] Unable to create domain record sets: x", "dns"),
            (
                "logger.go:80] Kafka status for Kafka ID \"a\" reported as failed by KAS Fleet Shard Operator: \"b\"",
                "kafka",
            ),
            (
                "x.go:1] failed to retrieve leader leases: pq: too many connections",
                "database",
            ),
            ("x.go:1] something else", "service"),
            (
                "x.go:1] failed to acquire lock on leader lease for update, skipping",
                "normal",
            ),
        ];
        for (text, class) in cases {
            assert_eq!(class_of(&profile, &format!("{header}{text}")), class, "{text}");
        }
        assert_eq!(
            class_of(&profile, "I0115 13:24:32.110457       1 x.go:1] serving"),
            ""
        );
    }
}
