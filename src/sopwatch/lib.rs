//! The program: adapters to the outside, configuration, command line, the loop, the commands.
//!
//! Someone on call is paged, opens a session on a bastion and starts `sopwatch` beside `oc logs`. It watches a service's pods, its logs and
//! its database, judges the steps of the SOP for the alert, and shows which fails and why. Everything that differs from service to
//! service is a [profile](sopwatch_core::profile); the code knows Kubernetes, PostgreSQL and the closed set of things a step can ask.
//!
//! # The crates
//!
//! | crate | what it is | what it never does |
//! |---|---|---|
//! | [`sopwatch_core`] | what is wrong and what to do: observations, profile, diagnosis, remediation, record, texts | I/O, reading a clock, async, anything of a screen |
//! | [`sopwatch_console`] | the state machine, its keys and its drawing | I/O, async; its drawing changes no state |
//! | [`sopwatch_drill`] | the embedded world: API server, pods, service, database | knowing who asks it |
//! | `sopwatch` | this crate: the adapters, and what `main` chooses from | judging, drawing |
//!
//! The compiler holds these floors. Within this crate imports go downward, and modules on one floor do not know each other;
//! `tests/it/floors/list.rs` lists which module may name which, and a test reads every file to its end and holds it to that list.
//!
//! | floor | module | what it is | what it never does |
//! |---|---|---|---|
//! | 1 | [`net`] | proxies, TLS and its trusted authorities, back-off, database URLs | opening a connection |
//! | 2 | [`kubernetes`] | watches, logs, access review, sign of life, usage and counters; commands | drawing, judging |
//! | 2 | [`postgres`] | one read-only connection, polled | writing, selecting a customer's column |
//! | 2 | [`monitoring`] | Prometheus or Thanos, Alertmanager, the error tracker, polled | judging, reading an event of the tracker |
//! | 2 | [`journal`] | the record on disk: written, read, verified, listed | judging, waiting on the console's loop |
//! | 2 | [`config`] | files, environment and flags to values with their origin | reading anything but its files |
//! | 3 | [`runtime`] | the loop, the terminal, the tasks; effects become I/O | deciding |
//! | 4 | [`commands`] | what `main` chooses from: live, check, doctor, drill, replay, screenshot | being imported |
//! | – | [`cli`] | the command line, which [`config`] and [`commands`] read | I/O |
//! | – | [`guide`] | the guide for operators, which `sopwatch help TOPIC` shows | I/O |
//!
//! # How an observation reaches the screen
//!
//! ```text
//!   API server ──watch, log, review──▶ kubernetes ─┐                       ┌──▶ screen ──▶ terminal
//!                                                  ├─ Event ─▶ App::update ┤
//!   PostgreSQL ──poll────────────────▶ postgres ───┤   (one bounded        └──▶ Effect ──▶ runtime ──▶ the world
//!   Prometheus, … ──poll─────────────▶ monitoring ─┘
//!   keys, ticks, resizes ─────────────────────────┘    channel, one loop)          └─ Outcome ─▶ update
//! ```
//!
//! An adapter turns what a source says into an [`Observation`](sopwatch_core::observe::observation::Observation) and sends it on the one
//! bounded channel. The loop takes keys first, then what is queued, calls [`App::update`](sopwatch_console::app::App::update) for each,
//! judges once with [`diagnose`](sopwatch_core::diagnose::diagnose()) and draws once. Nothing else changes what the screen shows. A source that
//! fails keeps its last observations, says why on its [`Source`](sopwatch_core::observe::source::Source), and heals by itself; everything
//! derived from it is marked stale.
//!
//! # The decision
//!
//! A diagnosis has a finding for each step, a verdict on the leader of each worker, and one
//! [recommendation](sopwatch_core::diagnose::Recommendation). It follows from the profile's table of rules over a closed set of conditions,
//! each true, false, or unknown for want of evidence: the first rule that is true decides, the other true ones are listed beside it, and
//! those above it that are unknown are listed with what is missing. "Nothing to do" is said only when every rule could be evaluated and
//! no step fails. Steps and rules rest on the same functions, and agree: where a rule acts on what no step of the SOP shows, a step is added
//! that fails; where a step fails and no rule is about it, the last rule decides. The SOP's words are a second table; where it says
//! otherwise, that is shown. [`overdue`](sopwatch_core::diagnose::overdue) alone decides whether a row is over its limit.
//!
//! # Acting
//!
//! A [`Plan`](sopwatch_core::remediate::plan::Plan) is commands with their preconditions, made from the state. The
//! [gate](sopwatch_core::remediate::gate) says what blocks it; the operator confirms it; an
//! [`Execution`](sopwatch_core::remediate::execution::Execution) follows it to its end, and stops at the first surprise. Pods that were
//! confirmed and not reached are an [`Interrupted`](sopwatch_core::remediate::interrupted::Interrupted) restart, which a key proposes again. A
//! command becomes, in this order: the intent on disk, the request, the outcome on disk, an event. An outcome that is unknown is resolved
//! by what the watch shows.
//!
//! # The record
//!
//! A [record](sopwatch_core::record) is the observations as they came, less what changes nothing, and between them what was found and
//! done. The same lines lead to the same findings. The [`journal`] keeps it on disk on a thread of its own, each line chained to the one
//! before; the console waits for the disk only when it writes an intent.
//!
//! A [`Player`](sopwatch_console::replay::Player) leads a console by the lines of a record instead of the world: each observation comes again at
//! its moment, and each recorded finding is compared with what is found now. No effect that reaches the world leaves it.
//!
//! # What leaves the program
//!
//! A [`CaseSnapshot`](sopwatch_core::export::case_snapshot::CaseSnapshot) is the state of a moment and its diagnosis. From it come the answer
//! of `sopwatch check` (JSON, a table, Markdown) and the hand-off message, both pure and redacted. `check` runs the console's core without
//! a screen until no source is pending, so that there is one diagnosis and no second.
//!
//! # Invariants
//!
//! - Text is a [`SafeText`](sopwatch_core::text::SafeText) wherever it is drawn, printed, copied or kept, and what somebody else worded is
//!   [`Redacted`](sopwatch_core::text::Redacted): the places that let text out take nothing else, so no control sequence reaches a
//!   terminal. A password or a token is a `SecretString`, which shows nothing; `config/clippy.toml` lists the ways past these types, and
//!   clippy refuses them.
//! - Time enters as an argument. `update` and `diagnose` give the same answer for the same input, always.
//! - Evidence is the service's own: [`State::pods`](sopwatch_core::observe::state::State::pods) holds the pods of its deployment, by their
//!   controllers; other pods with its label are apart, and nothing that judges or acts reads them.
//! - Missing evidence is unknown: nothing passes or fails on what was not seen.
//! - Every queue is bounded, and what is dropped or missed is counted on the screen.
//! - The drill stands behind the real client libraries: the code that reads it is the code that reads production.

pub mod cli;
pub mod commands;
pub mod config;
pub mod guide;
pub mod journal;
pub mod kubernetes;
pub mod monitoring;
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
