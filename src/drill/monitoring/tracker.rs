//! The error tracker's API, as GlitchTip of November 2022 answers it: an unknown organisation is an empty list, and a bad token 403.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::issues::Issue;
use super::reply::{self, Reply, Request};
use super::{Monitoring, times};
use crate::world::NAMESPACE;

/// The organisation's short name.
pub const ORGANISATION: &str = "managed-services";
/// Its projects: short name and id. The environment is the same as the first's.
const PROJECTS: [(&str, &str); 2] = [(NAMESPACE, "23"), ("managed-services-production", "27")];
/// The environment that the service's events are tagged with.
pub const ENVIRONMENT: &str = "stage";
/// A page has so many issues, unless the request wants fewer.
const PAGE: usize = 50;
const MOST: usize = 1_000;

/// The refusal of a request without a token, or with an unknown one.
pub fn not_signed_in(showed_token: bool) -> Reply {
    let said = if showed_token {
        "Invalid token."
    } else {
        "Authentication credentials were not provided."
    };
    detail(403, said)
}

/// The refusal of a token without rights.
pub fn forbidden() -> Reply {
    detail(403, "You do not have permission to perform this action.")
}

fn detail(status: u16, said: &str) -> Reply {
    framed(reply::json(status, &json!({"detail": said})))
}

/// With the headers that its framework puts on everything.
fn framed(reply: Reply) -> Reply {
    let reply = reply::with(reply, "vary", "Accept-Language, Origin, Cookie");
    let reply = reply::with(reply, "content-language", "en");
    let reply = reply::with(reply, "x-frame-options", "DENY");
    reply::with(reply, "x-content-type-options", "nosniff")
}

/// Answers a request of somebody who may ask.
pub fn answer(monitoring: &Monitoring, request: &Request, base: &str) -> Reply {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return detail(405, &format!("Method \"{}\" not allowed.", request.method));
    }
    let Some(path) = request.path.strip_prefix("/api/0/") else {
        return not_a_page();
    };
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let issues = monitoring.issues();
    match parts.as_slice() {
        ["organizations"] => listed(&[organisation(monitoring.start)], request, base),
        ["projects"] => listed(&projects(monitoring.start), request, base),
        ["organizations", org, "projects"] => {
            let all = if *org == ORGANISATION {
                projects(monitoring.start)
            } else {
                Vec::new()
            };
            listed(&all, request, base)
        }
        ["organizations", org, "issues"] => list(&issues, request, base, *org == ORGANISATION, None),
        ["projects", org, project, "issues"] => {
            list(&issues, request, base, *org == ORGANISATION, Some(project))
        }
        ["issues", id] | ["organizations", ORGANISATION, "issues", id] => {
            let found = issues.iter().find(|issue| issue.id.to_string() == *id);
            match found {
                Some(issue) => framed(reply::json(200, &issue_json(issue))),
                None => detail(404, "Not found."),
            }
        }
        _ => not_a_page(),
    }
}

fn not_a_page() -> Reply {
    let page = "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>Not Found</title>\n</head>\n<body>\n  \
        <h1>Not Found</h1><p>The requested resource was not found on this server.</p>\n</body>\n</html>\n";
    framed(reply::reply(404, "text/html; charset=utf-8", page))
}

fn broken() -> Reply {
    let page = "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>Server Error (500)</title>\n</head>\n<body>\n  \
        <h1>Server Error (500)</h1><p></p>\n</body>\n</html>\n";
    framed(reply::reply(500, "text/html; charset=utf-8", page))
}

/// One page of the issues.
fn list(issues: &[Issue], request: &Request, base: &str, is_known: bool, project: Option<&str>) -> Reply {
    let query = request.query.get("query").unwrap_or_default();
    if query.matches('"').count() % 2 == 1 {
        return broken();
    }
    let cursor = match request.query.get("cursor").map(read_cursor) {
        None => None,
        Some(Some(at)) => Some(at),
        Some(None) => return detail(404, "Invalid cursor"),
    };
    let is_meant = |issue: &&Issue| {
        is_known
            && project.is_none_or(|project| project == PROJECTS[0].0)
            && request.query.get("project").is_none_or(|id| id == PROJECTS[0].1)
            && request
                .query
                .get("environment")
                .is_none_or(|name| name == ENVIRONMENT)
            && query.split_whitespace().all(|term| fits(issue, term))
            && is_within(issue, request)
    };
    let all: Vec<&Issue> = issues.iter().filter(is_meant).collect();
    let limit = request
        .query
        .number::<usize>("limit")
        .unwrap_or(PAGE)
        .clamp(1, 100);
    let after = cursor.map_or(0, |cursor| {
        all.iter().filter(|issue| issue.last_seen >= cursor).count()
    });
    let page: Vec<&&Issue> = all.iter().skip(after).take(limit).collect();
    let next = page
        .last()
        .filter(|_| after + page.len() < all.len())
        .map(|last| write_cursor(last.last_seen));
    let body: Vec<Value> = page.iter().map(|issue| issue_json(issue)).collect();
    paged(&json!(body), all.len(), next.as_deref(), request, base)
}

/// Whether an issue fits a term of the query. What GlitchTip does not know as a term, nothing fits.
fn fits(issue: &Issue, term: &str) -> bool {
    match term.split_once(':') {
        Some(("is", status)) => status == "unresolved",
        Some(("environment", name)) => name == ENVIRONMENT,
        Some(_) => false,
        None => issue.title().to_lowercase().contains(&term.to_lowercase()),
    }
}

/// `start` and `end` filter on the first event.
fn is_within(issue: &Issue, request: &Request) -> bool {
    let moment = |name: &str| {
        let text = request.query.get(name)?;
        let zoned = text.parse::<Timestamp>();
        zoned.or_else(|_error| format!("{text}Z").parse()).ok()
    };
    moment("start").is_none_or(|start| issue.first_seen >= start)
        && moment("end").is_none_or(|end| issue.first_seen <= end)
}

fn listed(all: &[Value], request: &Request, base: &str) -> Reply {
    paged(&json!(all), all.len(), None, request, base)
}

/// A page, with the links to its neighbours and how many there are in all.
fn paged(body: &Value, hits: usize, next: Option<&str>, request: &Request, base: &str) -> Reply {
    let own = format!("{base}{}", request.url);
    let next = match next {
        Some(cursor) => format!(
            "<{base}{}?cursor={cursor}>; rel=\"next\"; results=\"true\"; cursor=\"{cursor}\"",
            request.path
        ),
        None => format!("<{own}>; rel=\"next\"; results=\"false\""),
    };
    let link = format!("<{own}>; rel=\"previous\"; results=\"false\", {next}");
    let reply = reply::with(reply::json(200, body), "link", &link);
    let reply = reply::with(reply, "x-max-hits", &MOST.to_string());
    framed(reply::with(reply, "x-hits", &hits.to_string()))
}

/// A cursor stands for the moment at which the last issue of a page was seen.
fn write_cursor(at: Timestamp) -> String {
    STANDARD.encode(format!("p={}", at.as_microsecond()))
}

fn read_cursor(text: &str) -> Option<Timestamp> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    Timestamp::from_microsecond(text.strip_prefix("p=")?.parse().ok()?).ok()
}

fn issue_json(issue: &Issue) -> Value {
    let metadata = if issue.kind.is_empty() {
        json!({"title": issue.title()})
    } else {
        json!({"type": issue.kind, "value": issue.value, "filename": "", "function": issue.culprit})
    };
    let assigned = issue
        .assigned_to
        .map(|address| json!({"type": "user", "id": "4", "email": address, "name": address}));
    json!({
        "annotations": [],
        "assignedTo": assigned,
        "count": issue.count.to_string(),
        "culprit": issue.culprit,
        "firstSeen": times::micros(issue.first_seen),
        "hasSeen": false,
        "id": issue.id.to_string(),
        "isBookmarked": false,
        "isPublic": false,
        "isSubscribed": false,
        "lastSeen": times::micros(issue.last_seen),
        "level": issue.level,
        "logger": null,
        "metadata": metadata,
        "numComments": 0,
        "permalink": "Not implemented",
        "project": {"platform": "go", "slug": PROJECTS[0].0, "id": PROJECTS[0].1, "name": PROJECTS[0].0},
        "shareId": null,
        "shortId": format!("{}-{}", PROJECTS[0].0.to_uppercase(), issue.id - 1),
        "stats": {},
        "status": "unresolved",
        "statusDetails": {},
        "subscriptionDetails": null,
        "title": issue.title(),
        "userReportCount": 0,
        "userCount": 0,
        "type": if issue.kind.is_empty() { "default" } else { "error" },
    })
}

fn days_before(start: i64, days: i64) -> String {
    let start = times::timestamp(start);
    let span = SignedDuration::from_hours(24 * days);
    times::micros(start.saturating_sub(span).unwrap_or(start))
}

fn organisation(start: i64) -> Value {
    json!({
        "id": 1,
        "name": ORGANISATION,
        "slug": ORGANISATION,
        "dateCreated": days_before(start, 400),
        "status": {"id": "active", "name": "active"},
        "avatar": {"avatarType": "", "avatarUuid": null},
        "isEarlyAdopter": false,
        "require2FA": false,
        "isAcceptingEvents": true,
    })
}

fn projects(start: i64) -> Vec<Value> {
    let project = |(slug, id): (&str, &str)| {
        json!({
            "avatar": {"avatarType": "", "avatarUuid": null},
            "color": "",
            "features": [],
            "firstEvent": days_before(start, 390),
            "hasAccess": true,
            "id": id,
            "isBookmarked": false,
            "isInternal": false,
            "isMember": true,
            "isPublic": false,
            "name": slug,
            "organization": organisation(start),
            "teams": [{"id": "1", "slug": "msapi"}],
            "scrubIPAddresses": true,
            "slug": slug,
            "dateCreated": days_before(start, 399),
            "platform": "go",
        })
    };
    PROJECTS.into_iter().rev().map(project).collect()
}
