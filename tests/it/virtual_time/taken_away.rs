//! With any one source taken away, no step that needs it passes or fails, and no restart is recommended that rests on it.
//!
//! At each moment at which a scenario is looked at, one source after the other is taken from the facts, and all SOPs are judged anew.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sopwatch_console::app::App;
use sopwatch_core::diagnose::{Diagnosis, diagnose};
use sopwatch_core::observe::observation::{Observation, Reading};
use sopwatch_core::observe::source::{SourceId, SourceState, Freshness, Problem, ProblemKind};
use sopwatch_core::observe::state::State;
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::sop::{Check, StepStatus};

/// After so long what stopped is stale.
const LATER: SignedDuration = SignedDuration::from_secs(16);

/// What is taken away.
#[derive(Clone, Debug, PartialEq)]
enum Taken {
    /// A source stops, and says why or not.
    Source(SourceId),
    /// All logs stop.
    Logs,
    /// The API server: every watch and every log.
    Api,
    /// One table can't be read.
    Table(String),
    /// The leases can't be read.
    Leases,
}

/// What is judged of the facts of a moment although its source is gone, in words; nothing where all is as it should be.
pub fn judged_without_source(app: &App) -> Vec<String> {
    let (facts, profile, now) = (&app.facts, &*app.session.profile, app.now);
    let all = all_taken(facts, profile);
    all.iter()
        .flat_map(|taken| without(taken, facts, profile, now))
        .collect()
}

/// Each source that told something, alone, and those that go together.
fn all_taken(facts: &State, profile: &Profile) -> Vec<Taken> {
    let told = facts
        .feeds()
        .filter(|(_, feed)| feed.heard_at.is_some() && feed.state != SourceState::Ended);
    let sources = told.map(|(id, _)| Taken::Source(id.clone()));
    let mut all: Vec<_> = sources
        .filter(|taken| *taken != Taken::Source(SourceId::Api))
        .collect();
    all.extend([Taken::Logs, Taken::Api]);
    if facts.reading.is_some() {
        let tables = profile.database.iter().flat_map(|database| &database.tables);
        all.extend(tables.map(|table| Taken::Table(table.name.clone())));
        all.push(Taken::Leases);
    }
    all
}

/// What is judged although its source is gone.
fn without(taken: &Taken, facts: &State, profile: &Profile, now: Timestamp) -> Vec<String> {
    let (facts, now) = take(taken, facts, now);
    let mut missed = Vec::new();
    // One that refers to another is judged as that one is.
    for sop in profile.sops.iter().filter(|sop| sop.steps_from.is_none()) {
        let diagnosis = diagnose(&facts, profile, sop, now);
        for (found, (_, step)) in diagnosis.steps.iter().zip(profile.steps_of(sop)) {
            let answered = matches!(found.status, StepStatus::Pass | StepStatus::Fail);
            if answered && !may_answer(&step.check, found.status, &facts, now) {
                missed.push(format!("{}: without {taken:?}: {found:?}", sop.id));
            }
        }
        missed
            .extend(unfounded(taken, &diagnosis).map(|why| format!("{}: without {taken:?}: {why}", sop.id)));
    }
    missed
}

/// The facts a while later, when all was heard again but what was taken.
fn take(taken: &Taken, facts: &State, now: Timestamp) -> (State, Timestamp) {
    let mut facts = facts.clone();
    let ids: Vec<_> = facts
        .feeds()
        .map(|(id, feed)| (id.clone(), feed.state.clone()))
        .collect();
    let gone = |id: &SourceId| match taken {
        Taken::Source(source) => id == source,
        Taken::Logs => matches!(id, SourceId::Log(_)),
        Taken::Api => *id != SourceId::Database,
        Taken::Table(_) | Taken::Leases => false,
    };
    for (id, _) in ids
        .iter()
        .filter(|(id, state)| gone(id) && *state != SourceState::Ended)
    {
        facts.apply(Observation::Source(id.clone(), failing()), now);
    }
    let later = now + LATER;
    for (id, state) in ids {
        if !gone(&id) && state == SourceState::Live && id != SourceId::Database {
            facts.apply(Observation::Source(id, SourceState::Live), later);
        }
    }
    if !gone(&SourceId::Database)
        && let Some((_, reading)) = facts.reading.clone()
        && matches!(facts.freshness(&SourceId::Database, now), Freshness::Fresh(_))
    {
        facts.apply(Observation::Database(unread(reading, taken)), later);
    }
    (facts, later)
}

fn unread(mut reading: Reading, taken: &Taken) -> Reading {
    for table in &mut reading.tables {
        if *taken == Taken::Table(table.table.to_string()) {
            table.statuses = Err("permission denied".into());
            table.standing = Err("permission denied".into());
        }
    }
    for lease in reading.leases.iter_mut().flatten() {
        lease.ttl_s -= LATER.as_secs();
    }
    if *taken == Taken::Leases {
        reading.leases = Err("permission denied".into());
    }
    reading
}

fn failing() -> SourceState {
    SourceState::Failing {
        problem: Problem::new(ProblemKind::Frozen, "it is taken away"),
        attempt: 1,
        retry_in: Duration::from_secs(5),
    }
}

/// Which sources a step needs: what is judged without them is a guess.
fn may_answer(check: &Check, status: StepStatus, facts: &State, now: Timestamp) -> bool {
    let current = |id: &SourceId| matches!(facts.freshness(id, now), Freshness::Fresh(_));
    let pods = current(&SourceId::Pods);
    let service = |id: &&SourceId| matches!(id, SourceId::Log(key) if &*key.container == "service");
    let living = |id: &&SourceId| {
        let SourceId::Log(key) = id else { return false };
        let pod = facts.pods.get(&key.pod_uid);
        pod.is_some_and(|pod| pod.deletion_at.is_none())
    };
    let logs = || facts.feeds().map(|(id, _)| id).filter(service).filter(living);
    match check {
        Check::Replicas => current(&SourceId::Deployment),
        Check::PodsReady => pods && current(&SourceId::Deployment),
        Check::Events => current(&SourceId::ClusterEvents),
        // That there is an error one log shows; that there is none all of them do.
        Check::LogErrors | Check::Load { .. } if status == StepStatus::Pass => pods && logs().all(&current),
        Check::LogErrors => pods && (logs().any(&current) || logs().count() == 0),
        // Two witnesses: the logs, and the leases.
        Check::Leader { .. } => {
            let leases = facts
                .reading
                .as_ref()
                .is_some_and(|(_, reading)| reading.leases.is_ok());
            let witness = logs().any(&current) || (leases && current(&SourceId::Database));
            pods && (witness || facts.pods.values().all(|pod| pod.newest_start().is_none()))
        }
        Check::AnyReady { table } | Check::Limits { table } | Check::Failed { table } => {
            current(&SourceId::Database) && facts.statuses(table).is_some_and(Result::is_ok)
        }
        // What the pods count or use themselves shows it too.
        Check::Load { .. } => {
            let counted = |id: &SourceId| matches!(id, SourceId::Usage | SourceId::Scrape(_)) && current(id);
            pods && (logs().any(&current) || facts.feeds().any(|(id, _)| counted(id)))
        }
        // The last names what a rule rests on, and rules are held elsewhere.
        Check::Manual | Check::Dashboard { .. } | Check::Other => true,
    }
}

/// A change that is recommended without what it rests on.
fn unfounded(taken: &Taken, diagnosis: &Diagnosis) -> Option<String> {
    let recommendation = &diagnosis.decision.recommendation;
    if !recommendation.action.is_change() {
        return None;
    }
    let rule = recommendation.rule.as_deref().unwrap_or_default();
    let pods = [Taken::Source(SourceId::Pods), Taken::Api];
    let database = [
        Taken::Source(SourceId::Database),
        Taken::Table("clusters".to_owned()),
    ];
    let rests_on_it = match rule {
        _ if pods.contains(taken) => true,
        "down" => *taken == Taken::Source(SourceId::Deployment),
        "cluster-accepted" => database.contains(taken) || *taken == Taken::Logs,
        "crashing" | "service-errors" => *taken == Taken::Logs,
        // What the pods count or use themselves may show it too.
        "saturated" => {
            *taken == Taken::Logs
                && recommendation
                    .because
                    .iter()
                    .any(|why| why.starts_with("request log"))
        }
        _ => false,
    };
    rests_on_it.then(|| format!("{recommendation:?}"))
}
