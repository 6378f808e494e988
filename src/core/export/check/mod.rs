//! What leaves the program of a diagnosis: one document, as JSON (schema 1, documented in the guide), as a table for people, as
//! Markdown for a ticket, or as one line for a status line.

mod changes;
mod line;
mod markdown;
mod monitoring;
mod parts;
mod table;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::Serialize;

pub use self::monitoring::{AlertRow, FigureRow, IssueRow, TrackerRow};
pub use self::parts::{
    DatabaseRow, LeaderRow, LeaseRow, Literal, OtherPod, PodRow, PodSigns, Recommended, SourceTrouble,
    StandbyRow, StepRow, VitalSigns,
};
use crate::diagnose::NotRuledOut;
use crate::export::case_snapshot::CaseSnapshot;
use crate::profile::rule::Advice;
use crate::text::{Redacted, SafeText};

/// The version of the JSON document: it changes when a named key changes its meaning or goes.
pub const SCHEMA: u32 = 1;

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assessment {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The SOP's id.
    pub sop: Redacted,
    /// The profile's id.
    pub profile: Redacted,
    /// The environment's name; `None` where the profile does not know the namespace.
    pub environment: Option<Redacted>,
    /// The API server's URL; `None` while not connected.
    pub server: Option<Redacted>,
    /// The namespace.
    pub namespace: Redacted,
    /// The scenario's title where this is a drill: nobody must take it for the world.
    pub drill: Option<Redacted>,
    /// The moment of the diagnosis, by the cluster's clock.
    pub evaluated_at: Redacted,
    /// How long the evidence was gathered, milliseconds.
    pub took_ms: u64,
    /// What was still awaited when the time ran out.
    pub incomplete: Vec<Redacted>,
    /// What to do.
    pub recommendation: Recommended,
    /// What also holds, in the table's order.
    pub also: Vec<Recommended>,
    /// Rules above the one that decided that can't be evaluated.
    pub not_ruled_out: Vec<NotRuledOut<Redacted>>,
    /// What the SOP's words would have one do.
    pub literal: Literal,
    /// Sources that fail or are not used.
    pub troubles: Vec<SourceTrouble>,
    /// One a step, in the SOP's order.
    pub steps: Vec<StepRow>,
    /// One a worker of the profile, in its order.
    pub leaders: Vec<LeaderRow>,
    /// One a status that has living rows.
    pub database: Vec<DatabaseRow>,
    /// Where the database's server is a standby; `None` of a primary.
    pub standby: Option<StandbyRow>,
    /// The service's own pods, by name.
    pub pods: Vec<PodRow>,
    /// Pods that carry its label and are not its own, by name: they do not count.
    pub other_pods: Vec<OtherPod>,
    /// Why names and not uids tell whose the pods are, where that is so.
    pub owned_by_name: Option<&'static str>,
    /// How the service does.
    pub vitals: VitalSigns,
    /// The service's alerts, those that fire first; empty also where no source of alerts is configured.
    pub alerts: Vec<AlertRow>,
    /// The figures of the metrics source; empty also where none is configured.
    pub metrics: Vec<FigureRow>,
    /// What the error tracker has; `None` where none is configured.
    pub tracker: Option<TrackerRow>,
    #[serde(skip)]
    action: Advice,
    #[serde(skip)]
    title: Redacted,
}

impl Assessment {
    /// What an account says; the evidence was gathered for `took_ms` milliseconds, and `incomplete` was awaited in vain.
    pub fn of(account: &CaseSnapshot<'_>, took_ms: u64, incomplete: Vec<SafeText>) -> Self {
        let decision = &account.diagnosis.decision;
        let recommended = |one| Recommended::of(account, one);
        let server = account.state.connection.as_ref();
        let namespace = server.map_or(account.namespace, |known| known.namespace.as_str());
        Self {
            schema: SCHEMA,
            sop: (&account.sop.id).into(),
            profile: (&account.profile.id).into(),
            environment: account.environment.map(|known| (&known.name).into()),
            server: server.map(|known| known.server.clone()),
            namespace: namespace.into(),
            drill: account.drill.map(Redacted::from),
            evaluated_at: moment(account.now),
            took_ms,
            incomplete: incomplete.into_iter().map(Redacted::from).collect(),
            recommendation: recommended(&decision.recommendation),
            also: decision.also.iter().map(recommended).collect(),
            not_ruled_out: decision.not_ruled_out.iter().map(NotRuledOut::from).collect(),
            literal: Literal::of(account),
            troubles: parts::troubles(account),
            steps: account.diagnosis.steps.iter().map(StepRow::from).collect(),
            leaders: account.diagnosis.leaders.iter().map(LeaderRow::from).collect(),
            database: parts::database(account),
            standby: parts::standby(account),
            pods: parts::pods(account),
            other_pods: parts::other_pods(account),
            owned_by_name: account.state.owned_by_name(),
            vitals: VitalSigns::of(account),
            alerts: monitoring::alerts(account),
            metrics: monitoring::metrics(account),
            tracker: monitoring::tracker(account),
            action: decision.recommendation.action,
            title: (&account.sop.title).into(),
        }
    }

    /// What `check` exits with.
    pub fn exit_status(&self) -> u8 {
        exit_status(self.action)
    }

    /// The document as JSON in one line.
    pub fn json_line(&self) -> serde_json::Result<SafeText> {
        serde_json::to_string(self).map(SafeText::from)
    }

    /// The document as JSON for reading.
    pub fn json(&self) -> serde_json::Result<SafeText> {
        serde_json::to_string_pretty(self).map(SafeText::from)
    }
}

/// What a recommendation exits with, as monitoring plugins do: 0 nothing found wrong, 1 wait, 2 act or escalate, 3 unknown.
pub fn exit_status(action: Advice) -> u8 {
    match action {
        Advice::None => 0,
        Advice::Wait => 1,
        Advice::StartPods | Advice::RestartPods | Advice::ScaleUp | Advice::Escalate => 2,
        Advice::Gather => 3,
    }
}

/// RFC 3339, in whole seconds.
fn moment(at: Timestamp) -> Redacted {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}
