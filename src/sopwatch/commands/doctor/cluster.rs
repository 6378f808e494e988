//! The cluster: how we get in, what we may do, its clock, and the logs.

use super::facts::Facts;
use super::page::{Section, Status};
use sopwatch_core::observe::observation::Access;
use sopwatch_core::observe::source::{Source, SourceId};
use sopwatch_core::text::duration;

/// Credentials that end within this are soon to be renewed.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

/// The kubeconfig, the server and the credentials.
pub(super) fn connection(facts: &Facts) -> Section {
    let mut section = Section::new("Kubeconfig and credentials");
    let target = match &facts.target {
        Ok(target) => target,
        Err(problem) => {
            section.problem(problem);
            return section;
        }
    };
    let context = target.context.as_deref().unwrap_or("none: in the cluster");
    section.add(
        Status::Works,
        format!("context {context}, namespace {}", target.namespace),
    );
    let api = facts.state.source(&SourceId::Api);
    match &facts.state.connection {
        Some(known) if api.and_then(Source::problem).is_none() => {
            let version = known.version.as_deref().unwrap_or("unknown version");
            section.add(
                Status::Works,
                format!("{} ({version}) as {}", known.server, known.user),
            );
            if known.unverified {
                section.advise(
                    Status::Note,
                    "the server's certificate is not verified (insecure-skip-tls-verify)",
                    "give the cluster's certificate-authority in the kubeconfig instead",
                );
            }
            if let Some(at) = known.expires_at {
                let left = at.duration_since(facts.now);
                match left {
                    left if !left.is_positive() => section.advise(
                        Status::Fails,
                        "the credentials have expired",
                        "log in again (oc login)",
                    ),
                    left if left < SOON => section.advise(
                        Status::Note,
                        format!("the credentials expire in {}", duration::brief(left)),
                        "log in again before (oc login)",
                    ),
                    left => section.add(
                        Status::Works,
                        format!("the credentials are good for {}", duration::brief(left)),
                    ),
                }
            }
        }
        _ => section.source(api, &target.server),
    }
    section
}

/// Whether there is anything to say of what depends on the server.
fn is_connected(facts: &Facts) -> bool {
    let api = facts.state.source(&SourceId::Api);
    facts.state.connection.is_some() && api.and_then(Source::problem).is_none()
}

/// What the console reads, and what it can change.
pub(super) fn rights(facts: &Facts) -> Section {
    let mut section = Section::new("Rights");
    if !is_connected(facts) {
        section.add(
            Status::Unknown,
            "not asked: there is no connection to the cluster",
        );
        return section;
    }
    let watched = [
        (SourceId::Deployment, "deployment"),
        (SourceId::Pods, "pods"),
        (SourceId::ReplicaSets, "ReplicaSets"),
        (SourceId::ClusterEvents, "events"),
    ];
    for (id, name) in &watched {
        let source = facts.state.source(id);
        if source.is_none_or(|source| source.problem().is_some()) {
            section.source(source, name);
        }
    }
    if facts.state.access.is_empty() {
        section.source(facts.state.source(&SourceId::Access), "the review of our rights");
        return section;
    }
    let allowed = facts
        .state
        .access
        .iter()
        .filter(|access| access.allowed == Some(true))
        .count();
    section.add(
        Status::Works,
        format!(
            "{allowed} of the {} that the console may use",
            facts.state.access.len()
        ),
    );
    for access in &facts.state.access {
        let name = name_of(access);
        match access.allowed {
            Some(true) => {}
            Some(false) => section.advise(Status::Note, format!("not allowed: {name}"), without(access)),
            None => section.add(Status::Unknown, format!("no answer whether we may {name}")),
        }
    }
    section
}

fn name_of(access: &Access) -> String {
    let asked = &access.permission;
    let sub = if asked.subresource.is_empty() { "" } else { "/" };
    let group = if asked.group.is_empty() { "" } else { "." };
    format!(
        "{} {}{sub}{}{group}{}",
        asked.verb, asked.resource, asked.subresource, asked.group
    )
}

/// What is missing without a right.
fn without(access: &Access) -> &'static str {
    let asked = &access.permission;
    match (&*asked.verb, &*asked.resource, &*asked.subresource) {
        ("get", "pods", "log") => "without it no log is read, and no leader is known from the logs",
        ("get", "pods", "proxy") => "without it the pods' own metrics are not read",
        ("delete", "pods", _) => "without it pods can't be restarted from here",
        (_, "deployments", "scale") => "without it the deployment can't be scaled from here",
        ("patch", "deployments", _) => "without it the deployment can't be rolled out again from here",
        (_, "secrets", _) => "without it the database needs --database-url or PG* variables",
        ("list", "pods", _) if &*asked.group == "metrics.k8s.io" => "without it CPU and memory are not shown",
        (_, "horizontalpodautoscalers", _) => "without it an autoscaler is not seen",
        (_, "events", _) => "without it node, mount, quota and scheduling problems are not seen",
        _ => "the console needs it: ask for the view role in this namespace",
    }
}

/// Whether both clocks agree.
pub(super) fn clocks(facts: &Facts) -> Section {
    let mut section = Section::new("Clocks");
    if !is_connected(facts) {
        section.add(
            Status::Unknown,
            "not compared: there is no connection to the cluster",
        );
    } else if facts.skew.is_zero() {
        section.add(Status::Works, "within 5s of the cluster's");
    } else {
        let skew = duration::brief(facts.skew.abs());
        let word = if facts.skew.is_positive() {
            "behind"
        } else {
            "ahead of"
        };
        section.advise(
            Status::Note,
            format!("the clock here is {skew} {word} the cluster's, which is the one that counts"),
            "set this machine's clock (chronyc, timedatectl)",
        );
    }
    section
}

/// The logs of the service's containers.
pub(super) fn logs(facts: &Facts) -> Section {
    let mut section = Section::new("Logs");
    let logs: Vec<_> = facts
        .state
        .sources()
        .filter(|(id, _)| matches!(id, SourceId::Log(_)))
        .collect();
    if !is_connected(facts) {
        section.add(Status::Unknown, "not read: there is no connection to the cluster");
        return section;
    }
    if logs.is_empty() {
        let pods = facts.state.pods.len();
        section.add(
            Status::Unknown,
            format!("no log is open; pods of the service: {pods}"),
        );
        return section;
    }
    let (failing, read): (Vec<_>, Vec<_>) = logs.iter().partition(|(_, source)| source.problem().is_some());
    if !read.is_empty() {
        section.add(
            Status::Works,
            format!("{} of {} are read", read.len(), logs.len()),
        );
    }
    for (_, source) in failing.iter().take(3) {
        section.source(Some(source), "log");
    }
    section
}
