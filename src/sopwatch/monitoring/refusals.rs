//! Answers that are none: who refuses, and what it means. The same refusal looks different on every way to a server.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use super::http_client::{HttpClient, Reply};
use sopwatch_core::observe::source::{Problem, ProblemKind};
use sopwatch_core::text::Redacted;
use sopwatch_core::text::SafeText;

/// Characters of an answer that a message has room for.
const VISIBLE: usize = 80;

/// The shortest wait that a server's limit of requests is given.
const LEAST_WAIT: Duration = Duration::from_secs(10);

/// The longest.
const MOST_WAIT: Duration = Duration::from_mins(10);

/// Why a poll has no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What failed.
    pub(super) problem: Problem,
    /// How long the server asks to be left alone.
    pub(super) wait: Option<Duration>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problem, wait: None }
    }
}

/// A text of a server, fit to be shown: one line, without secrets, not long.
pub(super) fn visible(text: &str) -> SafeText {
    visible_up_to(text, VISIBLE)
}

/// The same up to so many characters.
pub(super) fn visible_up_to(text: &str, most: usize) -> SafeText {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Redacted::cut(line.as_str(), most).into()
}

/// What an object with one of these keys says: the API server's `Status`, Grafana's, Alertmanager's and a tracker's errors.
#[derive(Deserialize)]
struct Said {
    kind: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    detail: Option<serde_json::Value>,
}

/// What an answer means that is not the one that was asked for. `doing` begins the message, `server` is what should have answered.
pub(super) fn refusal(client: &HttpClient, doing: &str, server: &str, reply: &Reply) -> Refusal {
    let asked = Asked {
        client,
        doing,
        server,
    };
    let Reply { status, body, .. } = reply;
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * 1024)]).into_owned();
    if status.is_redirection() {
        return asked.redirected(*status).into();
    }
    let begins = text.trim_start().to_ascii_lowercase();
    if reply.content_type() == "text/html" && (begins.starts_with('<') || !begins.starts_with(['{', '['])) {
        return asked.web_page(*status, &text).into();
    }
    let said: Option<Said> = serde_json::from_str(&text).ok();
    if let Some(said) = said
        .as_ref()
        .filter(|said| said.kind.as_deref() == Some("Status"))
    {
        return asked.of_api_server(*status, said).into();
    }
    let words = said.and_then(said_words).unwrap_or_else(|| text.clone());
    let wait = (*status == StatusCode::TOO_MANY_REQUESTS).then(|| wait_of(reply));
    Refusal {
        problem: asked.of_status(*status, &words, &text),
        wait,
    }
}

/// Whom we asked, and for what.
struct Asked<'a> {
    client: &'a HttpClient,
    /// Begins the message.
    doing: &'a str,
    /// What should have answered.
    server: &'a str,
}

impl Asked<'_> {
    fn problem(&self, kind: ProblemKind, why: &str) -> Problem {
        self.client.problem(kind, self.doing, why)
    }

    fn redirected(&self, status: StatusCode) -> Problem {
        let why = format!("{status}: it redirects, as to a sign-in page; redirects are not followed");
        self.problem(ProblemKind::Unauthorized, &why)
            .advise("configure a token, and the address of the API itself")
    }

    fn web_page(&self, status: StatusCode, text: &str) -> Problem {
        let why = format!(
            "{status} with a web page, which is not {}'s answer: {}",
            self.server,
            visible(&without_tags(text))
        );
        let kind = if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            ProblemKind::Unauthorized
        } else {
            ProblemKind::ServerError
        };
        self.problem(kind, &why)
    }

    /// The API server answers in place of the service behind its proxy.
    fn of_api_server(&self, status: StatusCode, said: &Said) -> Problem {
        if said.reason.as_deref() == Some("Redirected") {
            let why = "it redirects, as to a sign-in page, and the API server's proxy passes on no token";
            let problem = self.problem(ProblemKind::Unauthorized, why);
            return problem.advise("configure the server's own url");
        }
        let message = said.message.as_deref().unwrap_or_default();
        let why = format!("{status} from the API server: {}", visible_up_to(message, 160));
        let (kind, advice) = match status.as_u16() {
            401 => (ProblemKind::Unauthorized, "log in again (oc login)"),
            403 => (
                ProblemKind::Forbidden,
                "ask for the right `get services/proxy` there",
            ),
            404 => (ProblemKind::NotFound, "check the service's name and port"),
            503 => (
                ProblemKind::Refused,
                "check that the service has ready pods: oc get endpoints",
            ),
            _ => (ProblemKind::ServerError, "check the service's name and port"),
        };
        self.problem(kind, &why).advise(advice)
    }

    /// What the server says itself; `words`: what it says of `text` for people.
    fn of_status(&self, status: StatusCode, words: &str, text: &str) -> Problem {
        let server = self.server;
        let why = format!("{status}: {}", visible(words));
        match status.as_u16() {
            400 if text.contains("Authentication to data source failed") => self
                .problem(
                    ProblemKind::Unauthorized,
                    "Grafana's own credential for its data source is refused",
                )
                .advise("ask who runs Grafana; your credential is not the problem"),
            400 if text.contains("The request or configuration is malformed") => self
                .problem(
                    ProblemKind::Configuration,
                    "the tenancy port wants a namespace in the address",
                )
                .advise("set tenancy = true for this source"),
            401 if self.client.endpoint().through_cluster.is_some() => {
                self.problem(ProblemKind::Unauthorized, &why).advise(
                    "the API server's proxy passes on no token: configure the server's own url in place of service",
                )
            }
            401 => self
                .problem(ProblemKind::Unauthorized, &why)
                .advise("renew the token (OpenShift's end after 24 hours); it is read again by itself"),
            403 if is_about_credentials(words) => self
                .problem(ProblemKind::Unauthorized, &why)
                .advise("configure a token that is valid"),
            403 => self
                .problem(ProblemKind::Forbidden, &why)
                .advise("ask for the right to read it"),
            404 => self
                .problem(ProblemKind::NotFound, &why)
                .advise("check the configured address and its path"),
            429 => self.problem(ProblemKind::Throttled, &why),
            502 | 504 => self.problem(
                ProblemKind::ServerError,
                &format!("{status}: a proxy on the way can't reach {server}"),
            ),
            503 => self.problem(ProblemKind::Starting, &why),
            // What it quotes may be about people: only words that are no data are shown.
            200..=299 if text.trim_start().starts_with(['{', '[']) => self.problem(
                ProblemKind::ServerError,
                &format!("{status}, but not {server}'s answer: other data"),
            ),
            200..=299 => self.problem(
                ProblemKind::ServerError,
                &format!("{status}, but not {server}'s answer: {}", visible(text)),
            ),
            _ => self.problem(ProblemKind::ServerError, &why),
        }
    }
}

fn said_words(said: Said) -> Option<String> {
    let detail = |detail: serde_json::Value| match detail {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    };
    said.message.or_else(|| said.detail.and_then(detail))
}

/// Older trackers say 403 where a credential is missing or wrong.
fn is_about_credentials(words: &str) -> bool {
    words.contains("credentials were not provided") || words.contains("Invalid token")
}

/// Whether another credential could help.
pub(super) fn is_about_access(kind: ProblemKind) -> bool {
    matches!(kind, ProblemKind::Unauthorized | ProblemKind::Forbidden)
}

/// How long a server asks to be left alone: until the time that it names by its own clock, or for so many seconds.
fn wait_of(reply: &Reply) -> Duration {
    let seconds = |name: &str| reply.header(name)?.trim().parse::<f64>().ok();
    let now = reply
        .header("date")
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map(|date| date.timestamp().as_second() as f64);
    let until_reset = seconds("x-sentry-rate-limit-reset")
        .zip(now)
        .map(|(reset, now)| reset - now);
    let wait = seconds("retry-after").or(until_reset).unwrap_or(0.0);
    let wait = Duration::try_from_secs_f64(wait.max(0.0)).unwrap_or(MOST_WAIT);
    wait.clamp(LEAST_WAIT, MOST_WAIT)
}

/// The words of a web page.
fn without_tags(page: &str) -> String {
    let mut words = String::new();
    let mut inside = false;
    for character in page.chars() {
        match character {
            '<' => inside = true,
            '>' => {
                inside = false;
                words.push(' ');
            }
            other if !inside => words.push(other),
            _ => {}
        }
    }
    words
}
