//! The verdict on each worker type.
//!
//! Logs and lease are two witnesses. Where both speak the lease decides between one and none, as it is what the pods themselves go
//! by; only the logs can show two. Where neither suffices the verdict is `Unknown`: "none" makes people restart the pods, which takes
//! the leader away for minutes.

use jiff::{SignedDuration, Timestamp};

use super::evidence::WorkerEvidence;
use super::lease::{LeaseNow, lease_of};
use super::{Awaited, LOG_WORDS, LeaderReading, Verdict};
use crate::diagnose::leaders::claim::{Claim, PodLog, leads_for, silence, witnesses};
use crate::diagnose::settle;
use crate::logparse::LeaderLineKind;
use crate::observe::SKEW;
use crate::observe::observation::Pod;
use crate::observe::source::{Freshness, SourceId};
use crate::observe::state::State;
use crate::profile::{Leaders, Profile, Worker};
use crate::safe;
use crate::text::{SafeText, counted, duration};

/// How far the clocks of pods and nodes may be apart: a lease's end is written by a pod's clock, a log line is dated by a node's.
const LEASE_SKEW: SignedDuration = SKEW;

/// How far the clocks of two nodes that date log lines may be apart. A leader that has handed over may thus seem to beat on for so long;
/// one that does beats again within the next loop.
const LINE_SKEW: SignedDuration = LEASE_SKEW;

/// How long to mention a short lease loss.
const BLIP_TOLD_FOR: SignedDuration = SignedDuration::from_mins(15);

/// Reads the evidence for every worker of the profile, in its order.
pub fn read_leaders(state: &State, profile: &Profile, now: Timestamp) -> Vec<LeaderReading> {
    let scene = Input {
        state,
        leaders: &profile.leaders,
        now,
        log_now: state
            .logs
            .values()
            .filter_map(|log| log.progress.last_at)
            .fold(now, Timestamp::max),
        pods: state.freshness(&SourceId::Pods, now),
        settles_at: settle::settling(state, &profile.leaders, now)
            .ok()
            .map(|settling| settling.until),
        witnesses: witnesses(state, profile, now),
    };
    profile
        .leaders
        .workers
        .iter()
        .map(|worker| scene.read(worker))
        .collect()
}

/// The pods that say that they lead, by name.
fn leading(all: &[Testimony<'_>]) -> Vec<SafeText> {
    let leads = all.iter().filter(|one| one.leads_at().is_some());
    let mut names: Vec<_> = leads.map(|one| one.witness.pod.name.clone()).collect();
    names.sort();
    names
}

/// How many pods said of late that they can't read or renew a worker's lease.
pub fn pods_without_lease(state: &State, profile: &Profile, worker: &str, now: Timestamp) -> usize {
    let witnesses = witnesses(state, profile, now);
    let blocked = witnesses.iter();
    blocked
        .filter(|witness| witness.misses_lease(state, worker, &profile.leaders, now))
        .count()
}

/// All that the verdicts on the workers have in common.
struct Input<'a> {
    state: &'a State,
    leaders: &'a Leaders,
    now: Timestamp,
    /// The same by the clocks that date log lines: where ours is behind, no line may stay young for that.
    log_now: Timestamp,
    pods: Freshness,
    /// Until when nothing can be concluded from the pods.
    settles_at: Option<Timestamp>,
    witnesses: Vec<PodLog<'a>>,
}

/// What one witness says about the worker in question.
struct Testimony<'a> {
    witness: &'a PodLog<'a>,
    evidence: Option<&'a WorkerEvidence>,
    stand: Claim,
}

/// A verdict, the pods it names and what confirmed it.
struct Judgement<'a> {
    verdict: Verdict,
    awaited: Awaited,
    pod: Option<&'a Pod>,
    worker_id: Option<SafeText>,
    as_of: Option<Timestamp>,
}

impl<'a> Judgement<'a> {
    fn new(verdict: Verdict, as_of: Option<Timestamp>) -> Self {
        Self {
            verdict,
            awaited: Awaited::Election,
            pod: None,
            worker_id: None,
            as_of,
        }
    }

    fn one(of: &Testimony<'a>, as_of: Option<Timestamp>) -> Self {
        Self {
            verdict: Verdict::One,
            awaited: Awaited::Election,
            pod: Some(of.witness.pod),
            worker_id: of.evidence.map(|evidence| evidence.worker_id.clone()),
            as_of,
        }
    }
}

impl Input<'_> {
    fn read(&self, worker: &Worker) -> LeaderReading {
        let all = self.testimonies(worker);
        let lease = lease_of(self.state, self.leaders, worker, self.now);
        let judgement = self.settle(self.judge(worker, &all, lease.as_ref()), &all);
        let awaited = if all.is_empty() {
            Awaited::Pod
        } else {
            judgement.awaited
        };
        let of_holder =
            |lease: &LeaseNow| holder_of(&all, lease).map(|holder| holder.witness.pod.name.clone());
        let log = self.words(worker, &all);
        LeaderReading {
            worker: worker.title.as_str().into(),
            log_type: worker.log_type.clone(),
            verdict: judgement.verdict,
            awaited,
            pod: judgement.pod.map(|pod| pod.name.clone()),
            leading: if judgement.verdict == Verdict::Many {
                leading(&all)
            } else {
                Vec::new()
            },
            worker_id: judgement.worker_id,
            log: log.whole(),
            log_tells: log.tells,
            log_unnamed: log.without(judgement.pod.map(Pod::short_name)),
            lease: lease.map(|lease| lease.reading(of_holder(&lease))),
            as_of: judgement.as_of,
        }
    }

    fn testimonies(&self, worker: &Worker) -> Vec<Testimony<'_>> {
        let testimony = |witness| {
            let witness: &PodLog<'_> = witness;
            let evidence = witness.evidence(self.state, &worker.log_type);
            let stand = witness.stand(evidence, self.leaders, self.log_now);
            Testimony {
                witness,
                evidence,
                stand,
            }
        };
        let mut all: Vec<_> = self.witnesses.iter().map(testimony).collect();
        hand_over(&mut all);
        all
    }

    fn judge<'t>(&self, worker: &Worker, all: &[Testimony<'t>], lease: Option<&LeaseNow>) -> Judgement<'t> {
        let Freshness::Fresh(age) = self.pods else {
            return Judgement::new(Verdict::Unknown, None);
        };
        if self.state.pods.values().all(Pod::is_over) {
            // Whatever is left of a lease, nobody waits to take it.
            return Judgement::new(Verdict::None, self.now.checked_sub(age).ok());
        }
        let leads: Vec<_> = all.iter().filter(|one| one.leads_at().is_some()).collect();
        let usable = lease.filter(|lease| lease.fresh && lease.only);
        match (&leads[..], usable) {
            ([], Some(lease)) => self.judge_by_lease(worker, all, lease),
            ([], None) => self.judge_by_logs(worker, all, lease.filter(|lease| lease.only)),
            ([leader], Some(lease)) => self.judge_both(all, leader, lease),
            ([leader], None) => judge_leader(all, leader),
            _ => Judgement::new(Verdict::Many, leads.iter().filter_map(|one| one.leads_at()).min()),
        }
    }

    /// No log says that its pod leads.
    fn judge_by_lease<'t>(&self, worker: &Worker, all: &[Testimony<'t>], lease: &LeaseNow) -> Judgement<'t> {
        let read_at = Some(lease.read_at);
        let wait = || Judgement::new(self.wait_for(lease), read_at);
        if !lease.is_live() {
            return match self.is_out(lease) {
                true if self.beat_after(all, lease.end) => Judgement::new(Verdict::Unknown, read_at),
                true => Judgement::new(Verdict::None, read_at),
                false => wait(),
            };
        }
        if lease.is_endless(self.leaders, LEASE_SKEW) {
            // It proves no life, and nobody lives to see it run out: the logs decide.
            return self.judge_by_logs(worker, all, None);
        }
        if let Some(holder) = holder_of(all, lease) {
            return match holder.stand {
                Claim::Follows { at, .. } if lease.advanced_at.is_none_or(|advanced| advanced <= at) => {
                    wait()
                }
                _ => Judgement::one(holder, read_at),
            };
        }
        let mut unread = all.iter().filter(|one| one.stand == Claim::Unknown);
        let running: Vec<_> = all.iter().filter_map(|one| one.witness.source.as_ref()).collect();
        let killed = |id: &SafeText| self.state.leaders.has_ended(&worker.log_type, id, &running);
        let killed = lease.holder.as_ref().is_some_and(killed);
        let renewed = self.proves_life(lease) && !killed;
        match unread.next() {
            Some(one) if renewed => {
                let only = unread.next().is_none().then_some(one.witness.pod);
                Judgement {
                    verdict: Verdict::One,
                    awaited: Awaited::Election,
                    pod: only,
                    worker_id: lease.holder.clone(),
                    as_of: read_at,
                }
            }
            // Somebody renews it who is none of the pods, all of which were heard.
            None if renewed => Judgement::new(Verdict::Unknown, read_at),
            // One of the logs that are not read may be the holder's: it leads if it is seen to renew the lease.
            Some(_) if !killed => Judgement {
                awaited: Awaited::Leader,
                ..wait()
            },
            // A holder that no pod knows was killed: its lease has to run out, unless somebody is seen to renew it.
            _ => wait(),
        }
    }

    /// One log says that its pod leads, and there is a lease.
    fn judge_both<'t>(
        &self,
        all: &[Testimony<'t>],
        leader: &Testimony<'t>,
        lease: &LeaseNow,
    ) -> Judgement<'t> {
        let as_of = leader.leads_at().map(|at| at.min(lease.read_at));
        if !lease.is_live() {
            let beats_on = leader.leads_at().is_some_and(|at| at > lease.end);
            return match self.is_out_beyond_doubt(lease) {
                true if beats_on => Judgement::new(Verdict::Unknown, as_of),
                true => Judgement::new(Verdict::None, Some(lease.read_at)),
                false => judge_leader(all, leader),
            };
        }
        match holder_of(all, lease) {
            Some(holder) if std::ptr::eq(holder.witness, leader.witness) => Judgement::one(leader, as_of),
            Some(holder) => Judgement::one(holder, Some(lease.read_at)),
            // The row was read before it won the lease.
            None if leader.since().is_some_and(|since| since > lease.read_at) => judge_leader(all, leader),
            None => Judgement::new(Verdict::Unknown, as_of),
        }
    }

    /// Whether a lease ran out so long ago that any living pod would have taken it.
    fn is_out(&self, lease: &LeaseNow) -> bool {
        lease.was_out() > duration::of(self.leaders.tick)
    }

    /// The same, where a log says otherwise: the clocks may differ.
    fn is_out_beyond_doubt(&self, lease: &LeaseNow) -> bool {
        lease.was_out() > duration::of(self.leaders.tick) + LEASE_SKEW
    }

    /// Whether a log that can't be read any more last told of a leader that outlived its lease, a moment ago.
    fn beat_after(&self, all: &[Testimony<'_>], end: Timestamp) -> bool {
        let unread = all.iter().filter(|one| one.stand == Claim::Unknown);
        let mut beats = unread.filter_map(|one| one.evidence?.leads_at());
        beats.any(|at| at > end && self.log_now.duration_since(at) <= leads_for(self.leaders))
    }

    /// No log says that its pod leads, and there is no lease to ask. One that was read once still holds until its end: until then nobody
    /// can take it. So does that of a leader which was heard a moment ago, and is silent now.
    fn judge_by_logs<'t>(
        &self,
        worker: &Worker,
        all: &[Testimony<'t>],
        last_read: Option<&LeaseNow>,
    ) -> Judgement<'t> {
        let confirmed: Option<Vec<_>> = all.iter().map(Testimony::follows_at).collect();
        let Some(at) = confirmed else {
            return Judgement::new(Verdict::Unknown, None);
        };
        let live = last_read.filter(|lease| lease.is_live() && !lease.is_endless(self.leaders, LEASE_SKEW));
        let verdict = match live {
            Some(lease) => self.wait_for(lease),
            None => self
                .free_again(worker)
                .map_or(Verdict::None, |until| Verdict::Settling { until }),
        };
        Judgement::new(verdict, at.into_iter().min())
    }

    /// When the lease of whoever was last heard to lead has run out and a tick has passed, if that is to come.
    fn free_again(&self, worker: &Worker) -> Option<Timestamp> {
        let led_at = self.state.leaders.last_led(&worker.log_type)?;
        let silent = self.log_now.duration_since(led_at).max(SignedDuration::ZERO);
        let left = duration::of(self.leaders.lease) + duration::of(self.leaders.tick) - silent;
        left.is_positive()
            .then(|| self.now.checked_add(left).ok())
            .flatten()
    }

    /// Whether the lease was renewed by a process that must be alive: after the newest pod came.
    fn proves_life(&self, lease: &LeaseNow) -> bool {
        let renewed = lease.advanced_at.filter(|_| lease.advancing == Some(true));
        let newest = settle::newest_start(self.state, self.now);
        renewed.is_some_and(|at| newest.is_none_or(|start| at > start))
    }

    /// A tick after the lease's end the others will have taken it, or nobody will.
    fn wait_for(&self, lease: &LeaseNow) -> Verdict {
        let until = lease
            .end
            .checked_add(duration::of(self.leaders.tick) + SignedDuration::from_secs(1));
        until.map_or(Verdict::Unknown, |until| Verdict::Settling { until })
    }

    /// Within the settle window "none" is too early, and so is "unknown" unless a log is in trouble.
    fn settle<'t>(&self, judgement: Judgement<'t>, all: &[Testimony<'t>]) -> Judgement<'t> {
        let (early, awaited) = match judgement.verdict {
            Verdict::None => (true, Awaited::Election),
            Verdict::Unknown => {
                let helps =
                    matches!(self.pods, Freshness::Fresh(_)) && !all.iter().any(|one| one.witness.in_trouble);
                (helps, Awaited::Leader)
            }
            Verdict::One | Verdict::Many | Verdict::Settling { .. } => (false, judgement.awaited),
        };
        match self.settles_at.filter(|_| early) {
            Some(until) => Judgement {
                verdict: Verdict::Settling { until },
                awaited,
                ..judgement
            },
            None => judgement,
        }
    }

    /// What the logs say, in a few words.
    fn words(&self, worker: &Worker, all: &[Testimony<'_>]) -> LogWords {
        match self.pods {
            Freshness::Missing => {
                let unread = self.state.unread_pods(self.now);
                LogWords::of_nothing(unread.unwrap_or_else(|| "pods not read yet".into()))
            }
            Freshness::Stale(age) => {
                LogWords::of_nothing(safe!("no data on the pods for {}", duration::brief(age)))
            }
            Freshness::Fresh(_) => self.words_on(worker, all),
        }
    }

    fn words_on(&self, worker: &Worker, all: &[Testimony<'_>]) -> LogWords {
        let leads: Vec<_> = all.iter().filter(|one| one.leads_at().is_some()).collect();
        match &leads[..] {
            [] => self.words_without_leader(worker, all),
            [leader] => self.words_on_leader(leader),
            [first, second] => LogWords::of_all(safe!(
                "both {} and {} are acting as leader",
                first.name(),
                second.name()
            )),
            many => {
                let names: Vec<_> = many.iter().map(|one| one.name().to_string()).collect();
                LogWords::of_all(safe!(
                    "{} pods ({}) are acting as leader",
                    many.len(),
                    names.join(", ")
                ))
            }
        }
    }

    fn words_on_leader(&self, leader: &Testimony<'_>) -> LogWords {
        let blip = if self.had_blip(leader) {
            ", database blip"
        } else {
            ""
        };
        LogWords {
            tells: true,
            pod: Some(leader.name()),
            words: safe!("{}{blip}", self.last_word(leader, tens)),
        }
    }

    /// `heartbeat 10s ago`.
    fn last_word(&self, of: &Testimony<'_>, age: fn(SignedDuration) -> String) -> SafeText {
        let Some((at, kind)) = of.evidence.and_then(|evidence| evidence.latest) else {
            return "silent".into();
        };
        let word = if kind == LeaderLineKind::Gained {
            "became leader"
        } else {
            "heartbeat"
        };
        safe!("{word} {} ago", age(self.log_now.duration_since(at)))
    }

    fn words_without_leader(&self, worker: &Worker, all: &[Testimony<'_>]) -> LogWords {
        let of = all.len();
        let count = |is: &dyn Fn(&Testimony<'_>) -> bool| all.iter().filter(|one| is(one)).count();
        let said = count(&|one| matches!(one.stand, Claim::Follows { said: true, .. }));
        let read = count(&|one| one.witness.is_read());
        let went_silent =
            |one: &&Testimony<'_>| one.evidence.is_some_and(|evidence| evidence.leads_at().is_some());
        let misses = |one: &Testimony<'_>| {
            let witness = one.witness;
            witness.misses_lease(self.state, &worker.log_type, self.leaders, self.log_now)
        };
        let missed = count(&misses);
        let silent = all.iter().filter(|one| one.witness.is_read()).find(went_silent);
        if let Some(one) = silent {
            return LogWords {
                tells: true,
                pod: Some(one.name()),
                words: self.last_word(one, duration::brief),
            };
        }
        let share = |some: usize| match of {
            1 => "the pod".into(),
            2 if some == 2 => "both pods".into(),
            of if some == of => safe!("all {of} pods"),
            of => safe!("{some} of {of} pods"),
        };
        if of == 0 || missed > 0 || said > 0 {
            return LogWords::of_all(match () {
                () if of == 0 => "no pod is up".into(),
                () if missed > 0 => cant_read_the_lease(missed, of),
                () if of == 1 => "the pod reports \"not leader\"".into(),
                () => safe!("{} report \"not leader\"", share(said)),
            });
        }
        LogWords::of_nothing(match () {
            () if read == 0 => safe!("no current log of {}", counted(of, "pod", "pods")),
            () if !all.iter().any(|one| one.witness.is_verbose()) => {
                "logs are too terse (verbosity below 1)".into()
            }
            () => safe!("no leader line in {read} of {}", counted(of, "log", "logs")),
        })
    }

    /// Whether it lost its lease for a moment and took it again: a hiccup of the database, no failover.
    fn had_blip(&self, leader: &Testimony<'_>) -> bool {
        let last = |kind| {
            leader
                .evidence
                .and_then(|evidence| evidence.last.get(&kind).copied())
        };
        let (Some(lost), Some(gained)) = (last(LeaderLineKind::Lost), last(LeaderLineKind::Gained)) else {
            return false;
        };
        let gap = gained.duration_since(lost);
        let soon = gap >= SignedDuration::ZERO && gap <= silence(self.leaders);
        soon && self.log_now.duration_since(gained) <= BLIP_TOLD_FOR
    }
}

/// What the logs say, in words, and whose log it is.
struct LogWords {
    /// Whether they tell of the leader; else of why the logs don't.
    tells: bool,
    /// The pod that the words are about; `None` where they are about all.
    pod: Option<SafeText>,
    words: SafeText,
}

impl LogWords {
    fn of_all(words: impl Into<SafeText>) -> Self {
        Self {
            tells: true,
            pod: None,
            words: words.into(),
        }
    }

    /// Why the logs don't tell of the leader.
    fn of_nothing(words: impl Into<SafeText>) -> Self {
        Self {
            tells: false,
            ..Self::of_all(words)
        }
    }

    fn whole(&self) -> SafeText {
        let name = self
            .pod
            .as_ref()
            .map_or(SafeText::default(), |pod| safe!("{pod}, "));
        SafeText::cut(&safe!("{name}{}", self.words), LOG_WORDS)
    }

    /// The same without this pod's name.
    fn without(&self, leader: Option<&str>) -> SafeText {
        if self.pod.as_deref() == leader {
            SafeText::cut(&self.words, LOG_WORDS)
        } else {
            self.whole()
        }
    }
}

/// That so many of the pods can't read the lease: `none of 3 pods can read the lease`.
fn cant_read_the_lease(missed: usize, of: usize) -> SafeText {
    match (missed, of) {
        (_, 1) => "the pod can't read the lease".into(),
        (2, 2) => "neither pod can read the lease".into(),
        (missed, of) if missed == of => safe!("none of {of} pods can read the lease"),
        (missed, of) => safe!("{missed} of {of} pods can't read the lease"),
    }
}

/// One log says that its pod leads, and there is no lease to ask.
fn judge_leader<'t>(all: &[Testimony<'t>], leader: &Testimony<'t>) -> Judgement<'t> {
    let confirmed: Option<Vec<_>> = all
        .iter()
        .map(|one| one.leads_at().or(one.follows_at()))
        .collect();
    match confirmed {
        Some(at) => Judgement::one(leader, at.into_iter().min()),
        None => Judgement::new(Verdict::Unknown, leader.leads_at()),
    }
}

/// The pod whose log carries the lease holder's id.
fn holder_of<'s, 't>(all: &'s [Testimony<'t>], lease: &LeaseNow) -> Option<&'s Testimony<'t>> {
    let holder = lease.holder.as_ref()?;
    let is_holder = |one: &&Testimony<'_>| one.evidence.is_some_and(|evidence| evidence.worker_id == *holder);
    all.iter().find(is_holder)
}

/// A leader that has said nothing since another one started has handed over; only one that has makes two.
fn hand_over(all: &mut [Testimony<'_>]) {
    let starts: Vec<_> = all.iter().filter_map(Testimony::since).collect();
    for one in all.iter_mut().filter(|one| one.witness.is_read()) {
        let led = one
            .evidence
            .and_then(|evidence| evidence.leading_since.zip(evidence.leads_at()));
        let Some((since, last)) = led else {
            continue;
        };
        let later = starts.iter().filter(|start| **start > since);
        let heir = later
            .filter(|start| last.duration_since(**start) <= LINE_SKEW)
            .min();
        if let Some(at) = heir {
            one.stand = Claim::Follows { at: *at, said: false };
        }
    }
}

impl Testimony<'_> {
    fn leads_at(&self) -> Option<Timestamp> {
        match self.stand {
            Claim::Leads { last, .. } => Some(last),
            Claim::Follows { .. } | Claim::Unknown => None,
        }
    }

    fn since(&self) -> Option<Timestamp> {
        match self.stand {
            Claim::Leads { since, .. } => Some(since),
            Claim::Follows { .. } | Claim::Unknown => None,
        }
    }

    fn follows_at(&self) -> Option<Timestamp> {
        match self.stand {
            Claim::Follows { at, .. } => Some(at),
            Claim::Leads { .. } | Claim::Unknown => None,
        }
    }

    fn name(&self) -> SafeText {
        SafeText::cut(self.witness.pod.short_name(), 12)
    }
}

/// An age in tens of seconds: that a heart beats is what counts, and what is told stays as it is for a while.
fn tens(age: SignedDuration) -> String {
    match age.as_secs() {
        ..10 => "<10s".to_owned(),
        seconds => duration::brief(SignedDuration::from_secs(seconds / 10 * 10)),
    }
}
