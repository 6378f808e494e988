//! The access review: what we may do, asked before it is needed, so that the screen can say what is missing.

use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;

use super::clock::{now, timeout_at};
use super::task_context::{ApiSession, TaskContext};
use crate::net::backoff::{RETRY, jitter};
use sopwatch_core::observe::observation::{Access, Observation, Permission};
use sopwatch_core::observe::source::{Problem, SourceId};
use sopwatch_core::profile::Profile;
use sopwatch_core::text::{Redacted, SafeText};

/// How often it is repeated: rights change rarely.
const EVERY: Duration = Duration::from_mins(10);

/// Questions under way at once.
const TOGETHER: usize = 4;

/// Everything the console may want to do, now or when the operator says so.
pub(super) fn wanted(profile: &Profile) -> Vec<Permission> {
    let deployment = profile.service.deployment.as_str();
    let of = |verb, group, resource, subresource, name| Permission {
        verb: SafeText::new(verb),
        group: SafeText::new(group),
        resource: SafeText::new(resource),
        subresource: SafeText::new(subresource),
        name: SafeText::new(name),
    };
    let mut wanted = Vec::new();
    for verb in ["get", "list", "watch"] {
        wanted.push(of(verb, "", "pods", "", ""));
        wanted.push(of(verb, "apps", "deployments", "", ""));
        wanted.push(of(verb, "apps", "replicasets", "", ""));
    }
    for verb in ["list", "watch"] {
        wanted.push(of(verb, "autoscaling", "horizontalpodautoscalers", "", ""));
    }
    for verb in ["list", "watch"] {
        wanted.push(of(verb, "", "events", "", ""));
    }
    wanted.push(of("get", "", "pods", "log", ""));
    wanted.push(of("get", "", "pods", "proxy", ""));
    wanted.push(of("list", "metrics.k8s.io", "pods", "", ""));
    wanted.push(of("delete", "", "pods", "", ""));
    wanted.push(of("patch", "apps", "deployments", "", deployment));
    for verb in ["get", "patch", "update"] {
        wanted.push(of(verb, "apps", "deployments", "scale", deployment));
    }
    if let Some(database) = &profile.database {
        wanted.push(of("get", "", "secrets", "", &database.secret.name));
    }
    wanted
}

/// What the newest review says of sources that are optional; `None`: not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rights {
    /// To read what the pods use.
    pub(super) usage: Option<bool>,
    /// To read the pods' own metrics.
    pub(super) scrape: Option<bool>,
}

impl Rights {
    fn of(access: &[Access]) -> Self {
        let may = |verb: &str, group: &str, subresource: &str| {
            let asked = |access: &&Access| {
                let permission = &access.permission;
                (&*permission.verb, &*permission.group) == (verb, group)
                    && (&*permission.resource, &*permission.subresource) == ("pods", subresource)
            };
            access.iter().find(asked)?.allowed
        };
        Self {
            usage: may("list", "metrics.k8s.io", ""),
            scrape: may("get", "", "proxy"),
        }
    }
}

/// Runs for ever; publishes what the review says of optional sources.
pub(super) async fn run(wanted: Vec<Permission>, publish: watch::Sender<Rights>, mut context: TaskContext) {
    let id = SourceId::Access;
    let mut failures = 0;
    loop {
        let session = context.session(&id).await;
        let (access, problem) = review(&wanted, &session, &context).await;
        let rights = Rights::of(&access);
        publish.send_if_modified(|known| std::mem::replace(known, rights) != rights);
        if access.iter().any(|access| access.allowed.is_some()) {
            context.emit(Observation::Access(access)).await;
        }
        let Some(problem) = problem else {
            failures = 0;
            until_due(&session, &mut context).await;
            continue;
        };
        failures += 1;
        let wait = RETRY.delay(failures, jitter());
        context.failing(&id, problem, failures, wait).await;
        context.rest(wait, session.epoch).await;
    }
}

/// Asks each; what could not be asked stays open, with the first reason.
async fn review(
    wanted: &[Permission],
    session: &ApiSession,
    context: &TaskContext,
) -> (Vec<Access>, Option<Problem>) {
    let mut answers = Vec::with_capacity(wanted.len());
    for group in wanted.chunks(TOGETHER) {
        let asked = group
            .iter()
            .map(|permission| ask(permission.clone(), session.clone(), context.clone()).boxed());
        answers.extend(join_all(asked).await);
    }
    let mut first = None;
    let access = wanted.iter().zip(answers).map(|(permission, answer)| {
        let (allowed, reason) = match answer {
            Ok((allowed, reason)) => (Some(allowed), reason),
            Err(problem) => {
                let reason = problem.what.clone();
                first.get_or_insert(problem);
                (None, reason)
            }
        };
        Access {
            permission: permission.clone(),
            allowed,
            reason,
        }
    });
    (access.collect(), first)
}

async fn ask(
    permission: Permission,
    session: ApiSession,
    context: TaskContext,
) -> Result<(bool, Redacted), Problem> {
    let api: Api<SelfSubjectAccessReview> = Api::all(session.client.clone());
    let question = question(&permission, &session.namespace);
    let doing = format!("ask whether we may {} {}", permission.verb, permission.resource);
    let parameters = PostParams::default();
    let answer = context
        .ask(&session, &doing, api.create(&parameters, &question))
        .await?;
    let status = answer.status.unwrap_or_default();
    let reason = status.reason.or(status.evaluation_error).unwrap_or_default();
    Ok((status.allowed, reason.into()))
}

fn question(permission: &Permission, namespace: &str) -> SelfSubjectAccessReview {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_string());
    let attributes = ResourceAttributes {
        namespace: given(namespace),
        verb: given(&permission.verb),
        group: given(&permission.group),
        resource: given(&permission.resource),
        subresource: given(&permission.subresource),
        name: given(&permission.name),
        ..ResourceAttributes::default()
    };
    SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    }
}

/// Rights belong to the credentials: the review is repeated with other credentials, not with every connection.
async fn until_due(asked: &ApiSession, context: &mut TaskContext) {
    let due = now() + EVERY;
    let mut epoch = asked.epoch;
    while timeout_at(due, context.replaced(epoch)).await.is_ok() {
        let session = context.session(&SourceId::Access).await;
        if session.credentials != asked.credentials {
            return;
        }
        epoch = session.epoch;
    }
}
