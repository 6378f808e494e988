//! The recorded exchanges: what was asked, and what a real server answered.

use std::path::PathBuf;

use sopwatch_drill::monitoring::MonitoringServer;

/// A request and its answer, as a `.http` file has them.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The file's name without `.http`.
    pub name: String,
    pub server: MonitoringServer,
    pub method: String,
    /// With the query.
    pub path: String,
    /// The form that was posted.
    pub form: String,
    /// Whether the body was cut or some of its fields were left out.
    pub is_reduced: bool,
    pub answer: Answer,
}

/// What a server answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: String,
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "monitoring"]
        .iter()
        .collect()
}

/// The names of all recordings.
pub fn names() -> impl Iterator<Item = String> {
    let files = std::fs::read_dir(folder()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| Some(name.strip_suffix(".http")?.to_owned()))
}

impl Exchange {
    /// Reads `NAME.http`.
    pub fn read(name: &str) -> Self {
        let path = folder().join(format!("{name}.http"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (asked, answered) = text.split_once("\n\n").expect("a request and its answer");
        let mut lines = asked
            .lines()
            .map(|line| line.strip_prefix('>').expect("a line of the request"));
        let (method, path) = lines.next().unwrap().trim().split_once(' ').unwrap();
        let lines: Vec<&str> = lines.collect();
        let form = lines.iter().position(|line| line.trim().is_empty());
        let form = form
            .and_then(|empty| lines.get(empty + 1))
            .map_or("", |line| line.trim());
        let server = match path {
            _ if name.starts_with("glitchtip") => MonitoringServer::Tracker,
            _ if path.starts_with("/api/v2/") || name.starts_with("am-") => MonitoringServer::Alerts,
            _ => MonitoringServer::Metrics,
        };
        Self {
            name: name.to_owned(),
            server,
            method: method.to_owned(),
            path: path.to_owned(),
            form: form.to_owned(),
            is_reduced: asked.contains("note: body "),
            answer: Answer::parse(answered),
        }
    }
}

impl Answer {
    /// Reads status, headers and body.
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let status = lines.next().unwrap_or_default().split(' ').nth(1);
        let content_type = lines
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        Self {
            status: status.and_then(|code| code.parse().ok()).unwrap_or(0),
            content_type: content_type.map_or(String::new(), |(_, value)| value.to_owned()),
            body: body.to_owned(),
        }
    }
}
