//! Whether exactly one pod leads a worker.

use jiff::SignedDuration;

use crate::diagnose::Evaluation;
use crate::diagnose::leaders::{LeaderReading, LeaseReading, Verdict};
use crate::diagnose::step_result::{SourceCheck, StepResult};
use crate::observe::observation::short_name;
use crate::observe::source::SourceId;
use crate::profile::sop::StepStatus;
use crate::text::duration;

impl Evaluation<'_> {
    /// The reading of the worker, as an answer.
    pub(in crate::diagnose) fn leader(&self, worker: &str) -> StepResult {
        let Some(reading) = self.leaders.iter().find(|reading| reading.log_type == worker) else {
            return StepResult::unknown(
                "logs",
                "not judged",
                format!("the profile has no worker {worker}"),
            );
        };
        let source = if reading.lease.is_some() {
            "logs and leases"
        } else {
            "logs"
        };
        let mut answer = StepResult::new(self.status_of(reading), source)
            .value(self.value_of(reading))
            .against("exactly one")
            .because(format!("logs: {}", reading.log))
            .evidence(reading.lease.as_ref().map(in_words))
            .evidence(self.twin_leases(worker))
            .evidence(self.why_no_lease(reading));
        answer.age = reading
            .as_of
            .map(|at| self.now.duration_since(at).max(SignedDuration::ZERO));
        answer
    }

    /// That there are several rows of one type: nobody knows which the pods go by.
    fn twin_leases(&self, worker: &str) -> Option<String> {
        let worker = self
            .profile
            .leaders
            .workers
            .iter()
            .find(|one| one.log_type == worker)?;
        let (_, reading) = self.state.reading.as_ref()?;
        let leases = reading.leases.iter().flatten();
        let rows = leases
            .filter(|lease| *lease.lease_type == *worker.lease_type)
            .count();
        let kind = &worker.lease_type;
        (rows > 1).then(|| format!("{rows} lease rows of type {kind}: which one counts is not known"))
    }

    /// Why the one witness is missing, where the verdict rests on the other.
    fn why_no_lease(&self, reading: &LeaderReading) -> Option<String> {
        let asked = reading.lease.is_none() && self.profile.leaders.lease_table.is_some();
        let leases = self.state.reading.as_ref().map(|(_, reading)| &reading.leases);
        let why = match (self.hear(&SourceId::Database, "database"), leases) {
            (SourceCheck::Never(why) | SourceCheck::Stopped(_, why), _) => why,
            (SourceCheck::Current(_), Some(Err(why))) => why.to_string(),
            (SourceCheck::Current(_), _) => "the table has no row of this type".to_owned(),
        };
        asked.then(|| format!("lease: {why}"))
    }

    fn status_of(&self, reading: &LeaderReading) -> StepStatus {
        match reading.verdict {
            Verdict::One => StepStatus::Pass,
            Verdict::Many | Verdict::None => StepStatus::Fail,
            Verdict::Settling { .. } => StepStatus::Waiting,
            Verdict::Unknown if self.has_stopped_source() => StepStatus::Stale,
            Verdict::Unknown => StepStatus::Unknown,
        }
    }

    fn value_of(&self, reading: &LeaderReading) -> String {
        match (reading.verdict, &reading.pod) {
            (Verdict::One, Some(pod)) => format!("one: {}", short_name(pod)),
            (Verdict::One, None) => "one, by its lease".to_owned(),
            (Verdict::Many, _) => format!("more than one: {}", reading.log),
            (Verdict::None, _) => match lease_out(reading) {
                Some(out) => format!("none, lease out {}", duration::brief(out)),
                None => format!("none, {}", reading.log),
            },
            (Verdict::Settling { until }, _) => {
                let left = until.duration_since(self.now).max(SignedDuration::ZERO);
                format!("settling, known in {}", duration::brief(left))
            }
            (Verdict::Unknown, _) => reading.log.clone(),
        }
    }
}

/// For how long the lease has been out, if it is.
fn lease_out(reading: &LeaderReading) -> Option<SignedDuration> {
    let ttl = SignedDuration::from_secs(reading.lease.as_ref()?.ttl_s);
    ttl.is_negative().then(|| ttl.abs())
}

/// `lease: 1m32s left, advancing, held by blf5h`.
fn in_words(lease: &LeaseReading) -> String {
    let ttl = SignedDuration::from_secs(lease.ttl_s);
    let end = match (lease.live, ttl.is_negative()) {
        (_, true) => format!("ran out {} ago", duration::brief(ttl.abs())),
        (true, false) => format!("{} left", duration::brief(ttl)),
        (false, false) => "never claimed".to_owned(),
    };
    let advancing = match lease.advancing {
        Some(true) => ", advancing",
        Some(false) => ", not advancing",
        None => "",
    };
    let holder = match &lease.pod {
        Some(pod) => format!(", held by {}", short_name(pod)),
        None if lease.live => ", its holder is in no log".to_owned(),
        None => String::new(),
    };
    format!("lease: {end}{advancing}{holder}")
}
