//! With any one source taken away, no step that needs it passes or fails, and no restart is recommended that rests on it.
//!
//! At each moment at which a scenario is looked at, one source after the other is taken from the observations, and all SOPs are judged again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sopwatch_console::app::App;
use sopwatch_core::diagnose::steps::{AnyReady, Check, Failed, WithinLimits};
use sopwatch_core::diagnose::{Diagnosis, diagnose};
use sopwatch_core::observe::observation::{Observation, Reading};
use sopwatch_core::observe::source::{Freshness, Problem, ProblemKind, SourceId, SourceState};
use sopwatch_core::observe::state::State;
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::sop::StepStatus;

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

/// What is judged of the observations of a moment although its source is gone, in words; nothing where all is as it should be.
pub fn judged_without_source(app: &App) -> Vec<String> {
    let (state, profile, now) = (&app.state, &*app.session.profile, app.clock.now);
    let all = all_taken(state, profile);
    all.iter()
        .flat_map(|taken| without(taken, state, profile, now))
        .collect()
}

/// Each source that told something, alone, and those that go together.
fn all_taken(state: &State, profile: &Profile) -> Vec<Taken> {
    let told = state
        .sources()
        .filter(|(_, source)| source.heard_at.is_some() && source.state != SourceState::Ended);
    let sources = told.map(|(id, _)| Taken::Source(id.clone()));
    let mut all: Vec<_> = sources
        .filter(|taken| *taken != Taken::Source(SourceId::Api))
        .collect();
    all.extend([Taken::Logs, Taken::Api]);
    if state.reading.is_some() {
        let tables = profile.database.iter().flat_map(|database| &database.tables);
        all.extend(tables.map(|table| Taken::Table(table.name.clone())));
        all.push(Taken::Leases);
    }
    all
}

/// What is judged although its source is gone.
fn without(taken: &Taken, state: &State, profile: &Profile, now: Timestamp) -> Vec<String> {
    let (state, now) = take(taken, state, now);
    let mut missed = Vec::new();
    // One that refers to another is judged as that one is.
    for sop in profile.sops.iter().filter(|sop| sop.steps_from.is_none()) {
        let diagnosis = diagnose(&state, profile, sop, now);
        for (found, (_, step)) in diagnosis.steps.iter().zip(profile.steps_of(sop)) {
            let answered = matches!(found.status, StepStatus::Pass | StepStatus::Fail);
            if answered && !may_answer(&step.check, found.status, &state, now) {
                missed.push(format!("{}: without {taken:?}: {found:?}", sop.id));
            }
        }
        missed
            .extend(unfounded(taken, &diagnosis).map(|why| format!("{}: without {taken:?}: {why}", sop.id)));
    }
    missed
}

/// The observations a while later, when all was heard again but what was taken.
fn take(taken: &Taken, state: &State, now: Timestamp) -> (State, Timestamp) {
    let mut state = state.clone();
    let ids: Vec<_> = state
        .sources()
        .map(|(id, source)| (id.clone(), source.state.clone()))
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
        state.apply(Observation::Source(id.clone(), failing()), now);
    }
    let later = now + LATER;
    for (id, how) in ids {
        if !gone(&id) && how == SourceState::Live && id != SourceId::Database {
            state.apply(Observation::Source(id, SourceState::Live), later);
        }
    }
    if !gone(&SourceId::Database)
        && let Some((_, reading)) = state.reading.clone()
        && matches!(state.freshness(&SourceId::Database, now), Freshness::Fresh(_))
    {
        state.apply(Observation::Database(unread(reading, taken)), later);
    }
    (state, later)
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
fn may_answer(check: &Check, status: StepStatus, state: &State, now: Timestamp) -> bool {
    let current = |id: &SourceId| matches!(state.freshness(id, now), Freshness::Fresh(_));
    let pods = current(&SourceId::Pods);
    let service = |id: &&SourceId| matches!(id, SourceId::Log(key) if &*key.container == "service");
    let living = |id: &&SourceId| {
        let SourceId::Log(key) = id else { return false };
        let pod = state.pods.get(&key.pod_uid);
        pod.is_some_and(|pod| pod.deletion_at.is_none())
    };
    let logs = || state.sources().map(|(id, _)| id).filter(service).filter(living);
    match check {
        Check::Replicas(_) => current(&SourceId::Deployment),
        Check::PodsReady(_) => pods && current(&SourceId::Deployment),
        Check::Events(_) => current(&SourceId::ClusterEvents),
        // That there is an error one log shows; that there is none all of them do.
        Check::LogErrors(_) | Check::Load(_) if status == StepStatus::Pass => pods && logs().all(&current),
        Check::LogErrors(_) => pods && (logs().any(&current) || logs().count() == 0),
        // Two witnesses: the logs, and the leases.
        Check::Leader(_) => {
            let leases = state
                .reading
                .as_ref()
                .is_some_and(|(_, reading)| reading.leases.is_ok());
            let witness = logs().any(&current) || (leases && current(&SourceId::Database));
            pods && (witness || state.pods.values().all(|pod| pod.newest_start().is_none()))
        }
        Check::AnyReady(AnyReady { table })
        | Check::Limits(WithinLimits { table })
        | Check::Failed(Failed { table }) => {
            current(&SourceId::Database) && state.statuses(table).is_some_and(Result::is_ok)
        }
        // What the pods count or use themselves shows it too.
        Check::Load(_) => {
            let counted = |id: &SourceId| matches!(id, SourceId::Usage | SourceId::Scrape(_)) && current(id);
            pods && (logs().any(&current) || state.sources().any(|(id, _)| counted(id)))
        }
        // The last names what a rule rests on, and rules are held elsewhere; no monitoring server is asked here.
        Check::Manual(_) | Check::Dashboard(_) | Check::Tracker(_) | Check::Alert(_) | Check::Other(_) => {
            true
        }
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
                    .any(|why| why.ends_with("(request log)"))
        }
        _ => false,
    };
    rests_on_it.then(|| format!("{recommendation:?}"))
}
