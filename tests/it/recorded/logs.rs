//! Logs: how many lines, from where, in which form, and when they end. What the lines say is the service's business.

use std::sync::LazyLock;

use regex::Regex;

use super::exchange::{Answer, Exchange};
use super::judge::Judge;

static STAMPED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ").unwrap());

/// Holds what a log request answered to the recorded answer.
pub fn hold(judge: &mut Judge, exchange: &Exchange, answer: &Answer) {
    judge.answer(exchange, answer);
    if exchange.answer.is_json() {
        return;
    }
    let (there, here) = (&exchange.answer.body, &answer.body);
    let name = &exchange.name;
    judge.same(name, "lines are stamped", stamped(there), stamped(here));
    let query = exchange.path.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("tailLines", count)) if !query.contains("follow") => {
                let most = |body: &str| body.lines().count() <= count.parse().unwrap();
                judge.same(name, "no more than the tail", most(there), most(here));
            }
            Some(("limitBytes", _)) => judge.same(name, "length", there.len(), here.len()),
            Some(("sinceTime", _)) => {
                judge.same(name, "there are lines", there.is_empty(), here.is_empty());
            }
            _ => {}
        }
    }
}

fn stamped(body: &str) -> bool {
    body.lines().all(|line| STAMPED.is_match(line))
}

/// The lines with the time of the record replaced: the words of one program.
pub fn words(body: &str) -> Vec<String> {
    let time = Regex::new(r"^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ ").unwrap();
    body.lines()
        .map(|line| time.replace(line, "$1 ").into_owned())
        .collect()
}
