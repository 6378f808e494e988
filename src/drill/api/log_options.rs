//! The options of a log request (`PodLogOptions`), checked as the server checks them.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::request::UrlQuery;
use super::status::Refusal;

/// Which part of a log the client wants, and in which form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Lines from this time on.
    pub since: Option<Timestamp>,
    /// That many lines of the file at most, counted from its end.
    pub tail: Option<u64>,
    /// That many bytes at most.
    pub limit: Option<usize>,
    pub follow: bool,
    /// Of the instance before the current one.
    pub previous: bool,
    /// Each line begins with the time at which the runtime took it.
    pub timestamps: bool,
}

impl LogOptions {
    /// Reads and checks the options of a request for the log of `pod`.
    pub fn of(query: &UrlQuery, pod: &str, now: Timestamp) -> Result<Self, Refusal> {
        let since_time = time(query)?;
        let since_seconds = number::<i64>(query, "sinceSeconds")?;
        let tail = number::<i64>(query, "tailLines")?;
        let limit = number::<i64>(query, "limitBytes")?;
        let mut wrong = Vec::new();
        let mut check = |field: &'static str, value: Option<i64>, least: i64, words: &str| {
            if let Some(value) = value.filter(|value| *value < least) {
                wrong.push((
                    field,
                    "FieldValueInvalid",
                    format!("Invalid value: {value}: {words}"),
                ));
            }
        };
        check("tailLines", tail, 0, "must be greater than or equal to 0");
        check("limitBytes", limit, 1, "must be greater than 0");
        if since_time.is_none() {
            check("sinceSeconds", since_seconds, 1, "must be greater than 0");
        } else if since_seconds.is_some() {
            let why = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified";
            wrong.push(("", "FieldValueForbidden", why.to_owned()));
        }
        if !wrong.is_empty() {
            return Err(invalid(pod, &wrong));
        }
        let ago = since_seconds.map(|seconds| now - SignedDuration::from_secs(seconds));
        Ok(Self {
            since: since_time.or(ago),
            tail: tail.map(|lines| lines as u64),
            limit: limit.map(|bytes| bytes as usize),
            follow: query.is_on("follow"),
            previous: query.is_on("previous"),
            timestamps: query.is_on("timestamps"),
        })
    }
}

/// The 422 of wrong options: of each its name, the reason of the cause, and why.
fn invalid(pod: &str, wrong: &[(&str, &str, String)]) -> Refusal {
    let said: Vec<String> = wrong
        .iter()
        .map(|(field, _, why)| format!("{field}: {why}"))
        .collect();
    let said = match said.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let causes: Vec<Value> = wrong
        .iter()
        .map(|(field, reason, why)| json!({"reason": reason, "message": why, "field": field}))
        .collect();
    let message = format!("PodLogOptions \"{pod}\" is invalid: {said}");
    Refusal::new(422, "Invalid", message)
        .with(json!({"name": pod, "kind": "PodLogOptions", "causes": causes}))
}

fn number<N: FromStr>(query: &UrlQuery, key: &str) -> Result<Option<N>, Refusal> {
    let Some(text) = query.get(key) else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_not_a_number| {
        Refusal::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))
    })
}

fn time(query: &UrlQuery) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = query.get("sinceTime") else {
        return Ok(None);
    };
    text.parse().map(Some).map_err(|_malformed| {
        Refusal::bad_request(format!(
            "parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(query: &str) -> Result<LogOptions, String> {
        let now = "2026-11-22T09:00:00Z".parse().unwrap();
        LogOptions::of(&UrlQuery::of(Some(query)), "p", now)
            .map_err(|refusal| refusal.value()["message"].as_str().unwrap().to_owned())
    }

    #[test]
    fn since_is_a_time_or_seconds_ago() {
        let since = |query: &str| options(query).unwrap().since.unwrap().to_string();
        assert_eq!(since("sinceSeconds=60"), "2026-11-22T08:59:00Z");
        assert_eq!(since("sinceTime=2026-11-22T08:00:00Z"), "2026-11-22T08:00:00Z");
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_the_servers_words() {
        for (query, message) in [
            (
                "tailLines=-1",
                "PodLogOptions \"p\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                "limitBytes=0",
                "PodLogOptions \"p\" is invalid: limitBytes: Invalid value: 0: must be greater than 0",
            ),
            (
                "sinceSeconds=0",
                "PodLogOptions \"p\" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0",
            ),
            (
                "sinceSeconds=1&sinceTime=2026-11-22T08:00:00Z",
                "PodLogOptions \"p\" is invalid: : Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
            ),
            (
                "tailLines=-1&limitBytes=0",
                "PodLogOptions \"p\" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid value: 0: must be greater than 0]",
            ),
            (
                "tailLines=many",
                "strconv.ParseInt: parsing \"many\": invalid syntax",
            ),
        ] {
            assert_eq!(options(query).unwrap_err(), message);
        }
    }
}
