//! sopwatch: a terminal incident console.
//!
//! Someone on call is paged, opens a session on a bastion and starts it beside `oc logs`. It watches a service's pods, its logs and
//! its database, judges the steps of the SOP for the alert, and shows which fails and why. Everything that differs from service to
//! service is a [profile](incident::profile); the code knows Kubernetes, PostgreSQL and the closed set of things a step can ask.
//!
//! # The way of an observation
//!
//! ```text
//!   API server ──watch, log, review──▶ kubernetes┐                      ┌──▶ view ──▶ terminal
//!                                                ├─ Event ─▶ App::update ┤
//!   PostgreSQL ──poll────────────────▶ postgres ─┘   (one bounded        └──▶ Effect ──▶ runtime ──▶ the world
//!   keys, ticks, resizes ────────────────────────┘    channel, one loop)          └─ Outcome ─▶ update
//! ```
//!
//! An adapter turns what a source says into a [`Observation`](incident::observation::Observation) and sends it on the one bounded channel. The loop takes
//! keys first, then what is queued, calls [`App::update`](app::App::update) for each, judges once with
//! [`diagnose`](incident::diagnosis::diagnose) and draws once. Nothing else changes what the screen shows. A source that fails keeps
//! its last observations, says why on its [`Source`](incident::source::Source), and heals by itself; what hangs on it turns stale.
//!
//! # The decision
//!
//! A diagnosis has an answer to each step, a verdict on the leader of each worker, and one
//! [recommendation](incident::diagnosis::Recommendation). It follows from the profile's table of [rules](incident::rule::Rule) over a
//! closed set of [conditions](incident::rule::Condition), each true, false or unknown for want of evidence: the first rule that is true
//! decides, the other true ones are told beside it, and those above it that are unknown are named with what is missing. "Nothing to
//! do" is said only when every rule could be evaluated and no step fails. Steps and rules rest on the same functions, and agree: what a rule
//! acts on and no step of the SOP shows fails a step that is added, and a step that fails without a rule is for the last rule,
//! [`StepFails`](incident::rule::Condition::StepFails). The SOP's words are a second table; where it says otherwise, that is told.
//! Whether a row is over its limit is said by [`overdue`](incident::overdue) alone: steps, rules, panes and texts ask it.
//!
//! # Acting
//!
//! A [`Plan`](incident::plan::Plan) is commands with their preconditions, made from what is seen. The [gate](incident::gate::gate) says
//! what stands against it; the operator confirms it; a [`Walk`](app::Walk) carries it out and follows it to its end, and stops at the
//! first surprise. Pods that were confirmed and not reached are an [`Interrupted`](incident::interrupted::Interrupted), which a key proposes
//! again. [`Effect::Do`](app::event::Effect::Do) becomes, in this order: the intent on disk, the request, the outcome on disk, an
//! event. An outcome that nobody told is [resolved](incident::change::Change::resolve) by what the watch shows.
//!
//! # The record
//!
//! A [`record`](incident::record) is the observations as they came, less what changes nothing, between them what was found and done. Because
//! `diagnose` depends on nothing else, the same lines lead to the same findings. The [`journal`] keeps it on disk on a thread of
//! its own, a line chained to the one before; the console waits for the disk only with an intent.
//!
//! # What leaves the program
//!
//! An [`CaseSnapshot`](incident::account::CaseSnapshot) is the observations of a moment and their diagnosis. From it come the answer of `sopwatch check`
//! ([`assessment`](incident::assessment): JSON, a table, Markdown) and the text for another team ([`handoff`](incident::handoff)), both
//! pure and redacted. `check` runs the console's core without a screen ([`gather`](runtime::headless::gather)) until nothing is
//! [awaited](app::App::awaited), so that there is one diagnosis and no second.
//!
//! # A replay
//!
//! A [`Player`](app::player::Player) leads a console by the lines of a record instead of the world: each observation comes again at its moment,
//! time passes between them, and each recorded finding is compared with what is found now. To go back is to begin anew. No effect that
//! [reaches the world](app::event::Effect::reaches_world) leaves it.
//!
//! # Floors
//!
//! Imports go downward; siblings on a floor do not know each other. `tests/it/floors/list.rs` lists who may import whom, and a test
//! reads every file, tests too, to its end and holds it to that list.
//!
//! | floor | module | what it is | what it never does |
//! |---|---|---|---|
//! | 0 | [`incident`] | observations, sources, log records, leaders, vital signs, profile, SOP, rules, diagnosis, commands, gate, record, texts | I/O, reading a clock, async, anything of a screen |
//! | 1 | [`app`] | the state machine: keys, focus, scroll-back, dialogs | I/O, async, drawing |
//! | 2 | [`view`] | a frame from the state | changing the state |
//! | 1 | [`net`] | proxies, TLS modes, back-off, database URLs | opening a connection |
//! | 2 | [`kubernetes`] | Kubernetes in: watches, logs, access review, a sign of life, usage and counters; Kubernetes out: commands | drawing, judging |
//! | 2 | [`postgres`] | PostgreSQL in: one read-only connection, polled | writing, selecting a customer's column |
//! | 2 | [`journal`] | the record on disk: written, read, verified, listed | judging, waiting on the console's loop |
//! | 2 | [`config`] | files, environment and flags to values with their origin | reading anything but its files |
//! | 2 | [`drill`] | the embedded world: API server, pods, service, database | knowing who asks it |
//! | 3 | [`runtime`] | the loop, the terminal, the tasks; effects become I/O | deciding |
//! | 4 | [`commands`] | what `main` chooses from: live, check, drill, replay, picture; carries a [`lesson`](app::lesson) between drill and console | being imported |
//! | – | [`cli`] | the command line, which [`config`] and [`commands`] read | I/O |
//!
//! # The drill
//!
//! A [`Scenario`](drill::Scenario) is one file: the world at the start, what happens in it, what is to be found, what it teaches. The
//! world (objects, controllers, kubelet, logs) and the service in its pods are pure: time is an argument, chance comes from a seed. The
//! [`api`](drill::api) answers `kubectl` and the console from it, the [`database`](drill::database) answers `psql` and the console from
//! the same rows that the service moves. What is done through the API is noted as an [`AuditEntry`](drill::api::AuditEntry), from whomever it comes;
//! `commands` tells the console, which judges it in the [`debriefing`](app::lesson::debriefing).
//!
//! # Invariants
//!
//! - Text from outside is a [`SafeText`](incident::text::SafeText) from the moment it enters: no control sequence reaches a terminal,
//!   and there is no other way to build one.
//! - Time enters as an argument. `update` and `diagnose` give the same answer for the same input, always.
//! - Evidence is the service's own: [`State::pods`](incident::observations::State::pods) holds the pods of its deployment, by their controllers;
//!   other pods with its label are apart, and nothing that judges or acts reads them.
//! - Missing evidence is unknown: nothing passes or fails on what was not seen.
//! - Every queue is bounded, and what is let go or missed is counted on the screen.
//! - The drill stands behind the real client libraries: the code that reads it is the code that reads production.

pub mod cli;
pub mod commands;
pub mod config;
pub mod journal;
pub mod kubernetes;
pub mod net;
pub mod postgres;
pub mod runtime;

/// How long tests wait.
#[cfg(test)]
#[allow(dead_code, reason = "the tests of each crate use some of it")]
#[path = "../../tests/it/support/patience.rs"]
mod patience;
/// Programs that tests need.
#[cfg(test)]
#[allow(dead_code, reason = "the tests of each crate use some of it")]
#[path = "../../tests/it/support/tools.rs"]
mod tools;
