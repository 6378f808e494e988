//! The guide for operators: a page a topic, the same text here, in the repository and in `sopwatch help TOPIC`.
//!
//! Each topic is a Markdown file of this folder. It is complete for somebody who has only the program: what the repository has in files of
//! its own (permissions, defaults, samples) follows at the end of the page that speaks of it.
//!
//! A page links to another by its name alone, `[acting]`, and says at its end which file that is. Before the page stands `links.md`, which
//! says the same for this documentation: the first definition of a link counts.
//!
//! To add a topic, add its file, its module and its line in [`TOPICS`], and its line in `links.md`. Tests hold the list, the links and the
//! generated parts.

mod terminal;

pub use self::terminal::rendered;

macro_rules! pages {
    ($($module:ident $file:literal;)*) => {
        $(
            #[allow(missing_docs, reason = "the page is the documentation")]
            pub mod $module {
                #![doc = include_str!("links.md")]
                #![doc = include_str!($file)]
            }
        )*
    };
    ($($module:ident $file:literal, $language:literal $attached:literal;)*) => {
        $(
            #[allow(missing_docs, reason = "the page is the documentation")]
            pub mod $module {
                #![doc = include_str!("links.md")]
                #![doc = include_str!($file)]
                #![doc = concat!("```", $language)]
                #![doc = include_str!($attached)]
                #![doc = "```"]
            }
        )*
    };
}

pages! {
    acting "acting.md";
    check_json "check-json.md";
    cluster "cluster.md";
    database "database.md";
    drills "drills.md";
    exit_codes "exit-codes.md";
    hand_off "hand-off.md";
    install "install.md";
    keys "keys.md";
    logs "logs.md";
    monitoring "monitoring.md";
    profiles "profiles.md";
    records "records.md";
    report_json "report-json.md";
    reports "reports.md";
    scenarios "scenarios.md";
    screen "screen.md";
    scripts "scripts.md";
    sources "sources.md";
    troubleshooting "troubleshooting.md";
    vital_signs "vital-signs.md";
}

pages! {
    configuration "configuration.md", "toml" "../../../config/sopwatch.toml";
    permissions "permissions.md", "yaml" "../../../config/rbac.yaml";
    profile_file "profile-file.md", "toml" "../../../assets/profiles/managed-services-api.toml";
    scenario_file "scenario-file.md", "toml" "../../../config/scenario.toml";
}

/// A page of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What `sopwatch help` takes; its file is `NAME.md`.
    pub name: &'static str,
    /// What it is about, for the list of topics.
    pub about: &'static str,
    /// The page, as Markdown.
    pub text: &'static str,
    /// A file of the repository that follows it, whole.
    pub attached: Option<&'static str>,
}

const fn topic(name: &'static str, about: &'static str, text: &'static str) -> Topic {
    Topic {
        name,
        about,
        text,
        attached: None,
    }
}

const fn with_file(topic: Topic, file: &'static str) -> Topic {
    Topic {
        attached: Some(file),
        ..topic
    }
}

/// The topics, in the order in which somebody new needs them.
pub const TOPICS: &[Topic] = &[
    topic(
        "install",
        "packages, archive, plugin, sources",
        include_str!("install.md"),
    ),
    topic("cluster", "start on a real cluster", include_str!("cluster.md")),
    with_file(
        topic(
            "permissions",
            "the permissions that an on-call role needs, as a file to apply",
            include_str!("permissions.md"),
        ),
        include_str!("../../../config/rbac.yaml"),
    ),
    topic(
        "sources",
        "what is read, how often, and what is never done",
        include_str!("sources.md"),
    ),
    topic(
        "screen",
        "the panes, the steps, the recommendation",
        include_str!("screen.md"),
    ),
    topic("keys", "every key", include_str!("keys.md")),
    topic(
        "logs",
        "search, filter and save the logs",
        include_str!("logs.md"),
    ),
    topic(
        "acting",
        "restart, start, scale: confirmation, gate, what follows",
        include_str!("acting.md"),
    ),
    topic(
        "hand-off",
        "the message for the team that helps",
        include_str!("hand-off.md"),
    ),
    topic(
        "records",
        "the record of an incident: resume, verify, replay",
        include_str!("records.md"),
    ),
    topic("reports", "the report of an incident", include_str!("reports.md")),
    topic(
        "report-json",
        "the keys of the report's JSON",
        include_str!("report-json.md"),
    ),
    topic(
        "vital-signs",
        "requests, errors, latency, CPU, memory, calls to OCM",
        include_str!("vital-signs.md"),
    ),
    topic(
        "monitoring",
        "Prometheus, Alertmanager, error tracker",
        include_str!("monitoring.md"),
    ),
    topic(
        "database",
        "credentials, tunnels, URLs, standbys",
        include_str!("database.md"),
    ),
    topic(
        "scripts",
        "sopwatch check in alert hooks, scripts and status lines",
        include_str!("scripts.md"),
    ),
    topic(
        "check-json",
        "the keys of the diagnosis' JSON",
        include_str!("check-json.md"),
    ),
    topic(
        "exit-codes",
        "what each command exits with",
        include_str!("exit-codes.md"),
    ),
    with_file(
        topic(
            "configuration",
            "files, variables, every key with its default",
            include_str!("configuration.md"),
        ),
        include_str!("../../../config/sopwatch.toml"),
    ),
    topic(
        "profiles",
        "use it for another service",
        include_str!("profiles.md"),
    ),
    with_file(
        topic(
            "profile-file",
            "the built-in profile, whole",
            include_str!("profile-file.md"),
        ),
        include_str!("../../../assets/profiles/managed-services-api.toml"),
    ),
    topic("drills", "practise, step by step", include_str!("drills.md")),
    topic("scenarios", "the drill's scenarios", include_str!("scenarios.md")),
    with_file(
        topic(
            "scenario-file",
            "write a scenario: every key",
            include_str!("scenario-file.md"),
        ),
        include_str!("../../../config/scenario.toml"),
    ),
    topic(
        "troubleshooting",
        "what you see, what it means, what to do",
        include_str!("troubleshooting.md"),
    ),
];

/// The topic of this name.
pub fn find(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.name == name)
}

/// The list of topics: a name and what it is about on each line.
pub fn list() -> String {
    let width = TOPICS.iter().map(|topic| topic.name.len()).max().unwrap_or(0);
    let line = |topic: &Topic| format!("  {:<width$}  {}\n", topic.name, topic.about);
    TOPICS.iter().map(line).collect()
}
