//! What `sopwatch` knows of an incident: what is wrong, why, and the one thing to do next.
//!
//! This crate is pure. It does no I/O, reads no clock, has no async, and knows no terminal: time and chance enter as arguments. The same
//! observations, the same profile and the same moment give the same diagnosis, always; a replay rests on that.
//!
//! # Rooms
//!
//! | module | what it holds |
//! |---|---|
//! | [`text`] | [`SafeText`](text::SafeText) and [`safe!`], [`Redacted`](text::Redacted), durations in words, Markdown |
//! | [`profile`] | one service: its names, thresholds, SOPs and rules |
//! | [`observe`] | the sources, what they say ([`Observation`](observe::observation::Observation)), and the [`State`](observe::state::State) that this adds up to; the [audit log](observe::audit) of a drill |
//! | [`logparse`] | from bytes of a log to log lines, leader lines and counted errors |
//! | [`diagnose`] | leaders, steps, conditions, the decision, the settle window, vital signs |
//! | [`remediate`] | plans, their commands, the gate before them, executions, and whether they helped |
//! | [`record`] | the history of an incident, line by line, and which observations it keeps |
//! | [`export`] | what leaves the program: the answer of `check`, the hand-off message, the report |
//!
//! # Where to begin
//!
//! - How an incident is judged: [`diagnose::diagnose`], and below it a file for each condition and for each check of a step.
//! - What a service can configure: [`profile::Profile`].
//! - What an adapter sends: [`observe::observation::Observation`].
//! - Where a log line is parsed: [`logparse::LineReader`].
//! - Whether a row is over its limit: [`diagnose::overdue`], asked by steps, rules, panes and texts alike.
//! - What may be done now: [`remediate::gate`].
//!
//! # Glossary
//!
//! | word | means |
//! |---|---|
//! | Profile | one service's names, workload, leaders, tables, statuses, thresholds, SOPs, rules and links, as one TOML file |
//! | Environment | `stage` or `production` in a profile: namespace, links, how careful to be |
//! | Source | where evidence comes from: API server, logs, database, metrics, the operator; it has a state and an age |
//! | Observation | something a source said, with its time; never an opinion |
//! | State | what the observations add up to now |
//! | Log line | one entry of a pod's log, with the lines that continue it |
//! | Finding | a step's or a rule's verdict on the state, with its evidence |
//! | SOP, step | the procedure for one alert, and its items |
//! | Check | what a step asks of the state |
//! | Condition, rule | what a rule asks (true, false or unknown), and a condition with its advice |
//! | Advice | what can be done: nothing, wait, restore access, start, restart, scale up, escalate |
//! | Recommendation | the one next advice, with the findings that it rests on |
//! | Settle window | how long after a pod's start nobody can say who leads |
//! | Overdue | longer in a status than its limit |
//! | Plan | what is proposed: commands with their preconditions |
//! | Command | one request that changes the cluster |
//! | Dry run | the same request, which the server checks and does not carry out |
//! | Gate | what blocks a plan now, and what to be careful of |
//! | Execution | a plan that is being carried out, followed to its end |
//! | Outcome | what came of a command |
//! | Record | the durable history of one incident |
//! | Drill, scenario | a run against the embedded world, and the file that scripts it |
//!
//! # Tests of other crates
//!
//! The feature `testkit` gives sample observations and profiles. It is off by default.

#![warn(missing_docs)]

pub mod diagnose;
pub mod export;
pub mod logparse;
pub mod observe;
#[cfg(test)]
mod plain_words;
pub mod profile;
pub mod record;
pub mod remediate;
#[cfg(any(test, feature = "testkit"))]
#[allow(clippy::unwrap_used, reason = "what tests are made of")]
pub mod testkit;
pub mod text;
