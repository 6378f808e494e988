//! The recorded exchanges: the request, its user, and what a real API server answered.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// A request and its answer, as a `.http` file has them.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The file's name without `.http`.
    pub name: String,
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// Who asked: `oncall`, `readonly` or `badtoken`.
    pub user: String,
    pub body: String,
    pub answer: Answer,
}

/// What a server answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub code: u16,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// The folder of the recordings.
pub fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "recorded"].iter().collect()
}

/// The text of a recording.
pub fn text(file: &str) -> String {
    let path = folder().join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Exchange {
    /// Reads `NAME.http`.
    pub fn read(name: &str) -> Self {
        let text = text(&format!("{name}.http"));
        let (asked, rest) = text.split_once("\n\n").expect("a request and its answer");
        let (head, body) = rest.split_once("\n\n").expect("a head and a body");
        let mut exchange = Self {
            name: name.to_owned(),
            method: String::new(),
            path: String::new(),
            headers: Vec::new(),
            user: "oncall".to_owned(),
            body: String::new(),
            answer: Answer::parse(head, body),
        };
        for line in asked.lines() {
            exchange.take(line.strip_prefix("> ").expect("a line of the request"));
        }
        exchange
    }

    fn take(&mut self, line: &str) {
        if self.method.is_empty() {
            let (method, path) = line.split_once(' ').expect("a method and a path");
            (self.method, self.path) = (method.to_owned(), path.to_owned());
            return;
        }
        let (key, value) = line
            .split_once(": ")
            .expect("a header or a word about the request");
        match key {
            "as" => value.clone_into(&mut self.user),
            "body" => value.clone_into(&mut self.body),
            // What the recorder did: the tests that play it know.
            "note" => {}
            header => self.headers.push((header.to_owned(), value.to_owned())),
        }
    }
}

impl Answer {
    fn parse(head: &str, body: &str) -> Self {
        let mut lines = head.lines();
        let status = lines.next().unwrap_or_default();
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            code: code.unwrap_or_else(|| panic!("no status: {status}")),
            headers: headers
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    /// The JSON documents of the body: one, or one for each event of a watch.
    pub fn documents(&self) -> Vec<Value> {
        let values = serde_json::Deserializer::from_str(&self.body).into_iter();
        values
            .collect::<Result<_, _>>()
            .unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// The only document.
    pub fn json(&self) -> Value {
        let mut documents = self.documents();
        assert_eq!(documents.len(), 1, "{}", self.body);
        documents.remove(0)
    }

    pub fn is_json(&self) -> bool {
        let kind = self.headers.get("content-type");
        kind.is_some_and(|kind| kind.starts_with("application/json"))
    }
}
