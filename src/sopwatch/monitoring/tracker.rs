//! The error tracker, Sentry's API as far as GlitchTip has it too: whether the project is there, and its unresolved issues. Never an event.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use regex::Regex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::http_client::{HttpClient, Reply};
use super::options::TrackerOptions;
use super::poll_loop::Poll;
use super::refusals::{Refusal, is_about_access, refusal, visible_up_to};
use sopwatch_core::observe::observation::{Confirmed, Issue, Observation, TrackerReading};
use sopwatch_core::observe::source::{ProblemKind, SourceId};
use sopwatch_core::observe::state::TRACKER_EVERY;
use sopwatch_core::text::SafeText;

/// Issues of one poll.
const MOST: usize = 25;

/// How long the list of projects is believed.
const PROJECTS_FOR: Duration = Duration::from_hours(1);

/// How long that the project is missing, or never had an event, is believed.
const MISSING_FOR: Duration = Duration::from_mins(5);

/// Characters of a title that are kept.
const TITLE: usize = 160;

const DOING: &str = "read issues";

/// Asks for the issues.
pub(super) struct Tracker {
    client: HttpClient,
    organisation: String,
    project: String,
    environment: Option<String>,
    known: Option<(Instant, Known)>,
}

/// What the list of projects said.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The project's number; `None` where it is not known.
    id: Option<String>,
    confirmed: Option<Confirmed>,
}

impl Tracker {
    pub(super) fn new(client: HttpClient, options: &TrackerOptions) -> Self {
        Self {
            client,
            organisation: options.organisation.clone(),
            project: options.project.clone(),
            environment: options.environment.clone(),
            known: None,
        }
    }

    /// Which project it is, as of a while ago.
    pub(super) async fn project(&mut self) -> Result<Known, Refusal> {
        if let Some((at, known)) = &self.known {
            let believed = match known.confirmed {
                Some(Confirmed::Used) => PROJECTS_FOR,
                _ => MISSING_FOR,
            };
            if at.elapsed() < believed {
                return Ok(known.clone());
            }
        }
        let path = format!("/api/0/organizations/{}/projects/", self.organisation);
        let known = match self.ask::<Vec<Project>>(&path, &[]).await {
            Ok((projects, _)) => {
                let found = projects.into_iter().find(|one| one.slug == self.project);
                Known {
                    confirmed: Some(match &found {
                        Some(one) if one.first_event.is_some() => Confirmed::Used,
                        Some(_) => Confirmed::NeverUsed,
                        None => Confirmed::Missing,
                    }),
                    id: found.and_then(|one| text_of(&one.id)),
                }
            }
            // A token may read issues and not projects: then nothing confirms that the project is there.
            Err(refusal) if refusal.problem.kind == ProblemKind::Forbidden => Known {
                id: None,
                confirmed: None,
            },
            Err(refusal) => return Err(refusal),
        };
        self.known = Some((Instant::now(), known.clone()));
        Ok(known)
    }

    /// The newest issues of a project.
    pub(super) async fn read_issues(&self, project: Option<&str>) -> Result<TrackerReading, Refusal> {
        let path = format!("/api/0/organizations/{}/issues/", self.organisation);
        let limit = MOST.to_string();
        let mut params = vec![
            ("query", "is:unresolved"),
            ("statsPeriod", "1h"),
            ("limit", limit.as_str()),
            ("collapse", "stats"),
        ];
        params.extend(project.map(|id| ("project", id)));
        params.extend(self.environment.as_deref().map(|name| ("environment", name)));
        let (issues, reply) = self.ask::<Vec<IssueBody>>(&path, &params).await?;
        let more = issues.len() >= MOST || has_next(reply.header("link").unwrap_or_default());
        let issues = issues.into_iter().filter_map(|issue| self.issue(issue));
        Ok(TrackerReading {
            issues: issues.take(MOST).collect(),
            total: reply.header("x-hits").and_then(|hits| hits.trim().parse().ok()),
            more,
            ..TrackerReading::default()
        })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        params: &[(&str, &str)],
    ) -> Result<(T, Reply), Refusal> {
        let reply = self.client.get(DOING, path, params).await?;
        if reply.status.is_success()
            && let Ok(value) = serde_json::from_slice(&reply.body)
        {
            return Ok((value, reply));
        }
        Err(refusal(&self.client, DOING, "the error tracker", &reply))
    }

    fn issue(&self, issue: IssueBody) -> Option<Issue> {
        let id = text_of(&issue.id)?;
        let of_project = issue.project.as_ref().and_then(|project| project.slug.as_deref());
        if of_project.is_some_and(|slug| slug != self.project) {
            return None;
        }
        let count = issue.lifetime.and_then(|lifetime| text_of(&lifetime.count));
        let count = count.or_else(|| text_of(&issue.count));
        let link = issue.permalink.filter(|link| link.starts_with("http"));
        let base = self.client.endpoint().base.to_string();
        Some(Issue {
            link: SafeText::new(&link.unwrap_or_else(|| {
                format!("{}/{}/issues/{id}", base.trim_end_matches('/'), self.organisation)
            })),
            id: SafeText::new(&id),
            short_id: impersonal(issue.short_id.as_deref().unwrap_or_default()),
            title: impersonal(issue.title.as_deref().unwrap_or_default()),
            culprit: impersonal(issue.culprit.as_deref().unwrap_or_default()),
            level: impersonal(issue.level.as_deref().unwrap_or_default()),
            count: count.and_then(|count| count.parse().ok()).unwrap_or_default(),
            first_at: issue.first_seen,
            last_at: issue.last_seen,
        })
    }
}

impl Poll for Tracker {
    fn id(&self) -> SourceId {
        SourceId::Tracker
    }

    fn every(&self) -> Duration {
        TRACKER_EVERY.unsigned_abs()
    }

    fn client(&self) -> &HttpClient {
        &self.client
    }

    async fn poll(&mut self) -> Result<Vec<Observation>, Refusal> {
        let known = self.project().await?;
        // Without its number, a tracker would answer for all projects, or for none.
        let mut reading = if known.confirmed == Some(Confirmed::Missing) {
            TrackerReading::default()
        } else {
            let read = self.read_issues(known.id.as_deref()).await;
            read.inspect_err(|refusal| {
                if is_about_access(refusal.problem.kind) {
                    self.known = None;
                }
            })?
        };
        reading.project = SafeText::new(&self.project);
        reading.confirmed = known.confirmed;
        Ok(vec![Observation::Tracker(reading)])
    }
}

/// Whether there is another page: a link to it is always there, and says whether it has results.
fn has_next(link: &str) -> bool {
    let mut parts = link.split(", <");
    parts.any(|part| part.contains("rel=\"next\"") && part.contains("results=\"true\""))
}

/// A text without addresses of people and machines: titles quote what users sent.
fn impersonal(text: &str) -> SafeText {
    let text = visible_up_to(text, TITLE);
    let Some(pattern) = PERSONAL.as_ref() else {
        return text;
    };
    SafeText::new(&pattern.replace_all(&text, "⟨redacted⟩"))
}

/// E-mail addresses, and addresses of version 4 and 6.
static PERSONAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-fA-F]{1,4}:){2,7}(?::?[0-9a-fA-F]{1,4}){1,6}\b",
    )
    .ok()
});

/// A number or a text, as text: trackers write ids and counts both ways.
fn text_of(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    #[serde(default)]
    id: serde_json::Value,
    #[serde(default)]
    slug: String,
    first_event: Option<String>,
}

/// What is kept of an issue: nothing about people.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssueBody {
    #[serde(default)]
    id: serde_json::Value,
    short_id: Option<String>,
    title: Option<String>,
    culprit: Option<String>,
    level: Option<String>,
    #[serde(default)]
    count: serde_json::Value,
    lifetime: Option<Lifetime>,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    permalink: Option<String>,
    project: Option<ProjectOfIssue>,
}

#[derive(Deserialize)]
struct Lifetime {
    #[serde(default)]
    count: serde_json::Value,
}

#[derive(Deserialize)]
struct ProjectOfIssue {
    slug: Option<String>,
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_title_names_no_person_and_no_machine() {
        let table = [
            ("no user jane.doe+x@example.com here", "no user ⟨redacted⟩ here"),
            (
                "dial tcp 10.0.3.7:5432: refused",
                "dial tcp ⟨redacted⟩:5432: refused",
            ),
            (
                "dial tcp [fe80:0:0:1::1]: refused",
                "dial tcp [⟨redacted⟩]: refused",
            ),
            ("Bearer abcdef1234567890", "Bearer ⟨redacted⟩"),
            (
                "failed to list clusters at 12:30",
                "failed to list clusters at 12:30",
            ),
        ];
        for (title, shown) in table {
            assert_eq!(&*impersonal(title), shown);
        }
    }

    #[test]
    fn only_a_next_page_with_results_is_one() {
        let none = r#"<http://t/?cursor=1>; rel="previous"; results="true", <http://t/?cursor=2>; rel="next"; results="false""#;
        let some = none.replace(r#""next"; results="false""#, r#""next"; results="true""#);
        assert_eq!(
            (has_next(none), has_next(&some), has_next("")),
            (false, true, false)
        );
    }
}
