//! How the service stands: where it runs, its pods, its leaders, the steps.

use jiff::SignedDuration;

use super::Audience;
use crate::diagnose::leaders::{LeaderReading, Verdict};
use crate::observe::observation::{Container, ContainerState, Lease, Pod};
use crate::profile::sop::StepStatus;
use crate::safe;
use crate::text::markdown::Section;
use crate::text::{SafeText, duration};

/// Pods that are listed of many.
const PODS: usize = 10;

/// Images that are named of many.
const IMAGES: usize = 4;

impl Audience<'_> {
    /// Which alert, where, and what runs there.
    pub(super) fn place(&self) -> Section {
        let account = self.account;
        let mut section = Section::new("The incident");
        section.item(safe!("alert: {} (SOP {})", account.sop.title, account.sop.id));
        let environment = account
            .environment
            .map_or("unknown environment", |known| &known.name);
        let (namespace, server) = match &account.state.connection {
            Some(connection) => (&*connection.namespace, &*connection.server),
            None => (account.namespace, "unknown server"),
        };
        section.item(safe!(
            "service: {}, {environment}, namespace {namespace} at {server}",
            account.profile.title
        ));
        if let Some(began) = account.state.began_at {
            let ago = account.now.duration_since(began).max(SignedDuration::ZERO);
            section.item(safe!(
                "watched since {} ({}); started earlier",
                self.time(began),
                duration::exact(ago)
            ));
        }
        let images = self.images();
        section.item(match images.len() {
            0 => "deployed image: unknown".into(),
            count => safe!(
                "deployed image: {}{}",
                images[..count.min(IMAGES)].join(", "),
                if count > IMAGES {
                    safe!(" and {} more", count - IMAGES)
                } else {
                    SafeText::default()
                }
            ),
        });
        section
    }

    /// The images of the deployment's template; where that is not known, those of the pods.
    fn images(&self) -> Vec<SafeText> {
        let state = self.account.state;
        if let Some(deployment) = state.deployment.as_ref().filter(|one| !one.images.is_empty()) {
            let images = deployment.images.iter();
            return images.map(|(_, image)| image.clone()).collect();
        }
        let containers = state.pods.values().flat_map(|pod| &pod.containers);
        let mut images: Vec<_> = containers
            .filter(|container| !container.init)
            .map(|container| container.image.clone())
            .collect();
        images.sort();
        images.dedup();
        images
    }

    pub(super) fn pods(&self) -> Section {
        let state = self.account.state;
        let mut pods: Vec<_> = state.pods.values().collect();
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        let ready = pods.iter().filter(|pod| pod.is_ready()).count();
        let asked = state
            .deployment
            .as_ref()
            .map_or(String::new(), |deployment| format!(" of {}", deployment.replicas));
        let want = self.account.profile.service.replicas;
        let mut section = Section::new(safe!("Pods: {ready}{asked} ready (SOP expects {want})"));
        if state.source(&crate::observe::source::SourceId::Pods).is_none() {
            section.item("no data");
        }
        section.listed(&pods, PODS, |pod| self.pod(pod));
        section
    }

    fn pod(&self, pod: &Pod) -> SafeText {
        let age = pod.created_at.map_or("unknown".into(), |created| {
            duration::exact(self.account.now.duration_since(created).max(SignedDuration::ZERO))
        });
        let restarted = pod
            .restarted_at
            .map_or(SafeText::default(), |at| safe!(" (last {})", self.time(at)));
        let going = if pod.deletion_at.is_some() {
            ", being deleted"
        } else {
            ""
        };
        safe!(
            "{} {}/{} {}, restarts {}{restarted}, age {age}{going}{}",
            pod.name,
            pod.ready,
            pod.total,
            pod.status,
            pod.restarts,
            trouble_of(pod)
        )
    }

    pub(super) fn leaders(&self) -> Section {
        let mut section = Section::new("Leaders of the workers");
        for reading in &self.account.diagnosis.leaders {
            section.code(safe!(
                "{}: {} ({})",
                reading.worker,
                self.verdict(reading),
                reading.log
            ));
            for lease in self.leases(reading) {
                section.code(lease_words(reading, lease));
            }
        }
        section
    }

    fn verdict(&self, reading: &LeaderReading) -> SafeText {
        let pod = reading
            .pod
            .as_ref()
            .map_or(SafeText::default(), |pod| safe!(", {pod}"));
        match reading.verdict {
            Verdict::One => safe!("one leader{pod}"),
            Verdict::Many => "more than one leader".into(),
            Verdict::None => "no leader".into(),
            Verdict::Settling { until } => {
                safe!("{}, certain at {}", reading.awaited.words(), self.time(until))
            }
            Verdict::Unknown => "leader unknown".into(),
        }
    }

    /// The lease rows of a worker: there should be one.
    fn leases(&self, reading: &LeaderReading) -> Vec<&Lease> {
        let profile = self.account.profile;
        let workers = &profile.leaders.workers;
        let worker = workers.iter().find(|worker| worker.log_type == reading.log_type);
        let rows = self.account.state.reading.as_ref();
        let rows = rows.and_then(|(_, reading)| reading.leases.as_ref().ok());
        let of_worker = |lease: &&Lease| worker.is_some_and(|worker| *lease.lease_type == *worker.lease_type);
        rows.into_iter().flatten().filter(of_worker).collect()
    }

    /// Every step with its answer, for who gets everything.
    pub(super) fn steps(&self) -> Section {
        let mut section = Section::new("The SOP's steps");
        if !self.gets_all() {
            return section;
        }
        for step in &self.account.diagnosis.steps {
            let answer = match step.status {
                StepStatus::Pass => "pass",
                StepStatus::Fail => "FAIL",
                StepStatus::Unknown => "unknown",
                StepStatus::Stale => "stale",
                StepStatus::Waiting => "waiting",
                StepStatus::Manual => continue,
            };
            let against = if step.threshold.is_empty() {
                SafeText::default()
            } else {
                safe!(" (expected: {})", step.threshold)
            };
            section.code(safe!("{answer}: {}: {}{against}", step.title, step.value));
        }
        section
    }
}

/// What is wrong with a pod: why it waits, else how its last container ended.
fn trouble_of(pod: &Pod) -> SafeText {
    let waits = |container: &Container| match &container.state {
        ContainerState::Waiting { message, .. } if !message.is_empty() => Some(safe!(": {message}")),
        _ => None,
    };
    let ended = |container: &Container| {
        let last = container.last.as_ref()?;
        Some(safe!(
            ": {} ended with {} (exit code {})",
            container.name,
            last.reason,
            last.exit_code
        ))
    };
    let of_pod = (!pod.message.is_empty()).then(|| safe!(": {}", pod.message));
    let waits = pod.containers.iter().find_map(waits);
    let ended = pod.containers.iter().find_map(ended);
    of_pod.or(waits).or(ended).unwrap_or_default()
}

/// `lease kafka: renewed, 1m33s left, held by worker b8c5…`.
fn lease_words(reading: &LeaderReading, lease: &Lease) -> SafeText {
    let known = reading.lease.as_ref();
    let ttl = SignedDuration::from_secs(known.map_or(lease.ttl_s, |known| known.ttl_s));
    let left = duration::exact(ttl.abs());
    let end = match (ttl.is_negative(), known.and_then(|known| known.advancing)) {
        (true, _) => format!("expired {left} ago"),
        (false, Some(true)) => format!("renewed, {left} left"),
        (false, Some(false)) => format!("not renewed, {left} left"),
        (false, None) => format!("{left} left"),
    };
    let holder = match lease.holder.as_deref() {
        Some(holder) => format!("held by worker {holder}"),
        None => "nobody holds it".to_owned(),
    };
    safe!("lease {}: {end}, {holder}", lease.lease_type)
}
