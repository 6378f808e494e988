//! The access review: what we may do, asked before it is needed, so that the screen can say what is missing.
//!
//! One question (`SelfSubjectRulesReview`) answers all, where the server knows its rules; what it leaves open is asked one by one.

use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, ResourceRule, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
    SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;

use super::clock::{now, sleep_until, timeout_at};
use super::task_context::{ApiSession, TaskContext, wait_after};
use sopwatch_core::observe::observation::{Access, Observation, Permission};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId};
use sopwatch_core::profile::Profile;
use sopwatch_core::text::{Redacted, SafeText};

/// How often it is repeated: rights change rarely.
pub(super) const EVERY: Duration = Duration::from_mins(10);

/// The shortest time from one review to the next that the operator asks for.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(2);

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
pub(super) async fn run(
    wanted: Vec<Permission>,
    mut asked: watch::Receiver<u64>,
    publish: watch::Sender<Rights>,
    mut context: TaskContext,
) {
    let id = SourceId::Access;
    let mut failures = 0;
    let mut review = Review::default();
    loop {
        let session = context.session(&id).await;
        if review.credentials != Some(session.credentials) {
            review = Review::of(&session);
        }
        asked.mark_unchanged();
        let problem = review.go_on(&wanted, &session, &context).await.err();
        let access = review.access(&wanted, problem.as_ref());
        let rights = Rights::of(&access);
        publish.send_if_modified(|known| std::mem::replace(known, rights) != rights);
        if access.iter().any(|access| access.allowed.is_some()) {
            context.emit(Observation::Access(access)).await;
        }
        let Some(problem) = problem else {
            failures = 0;
            until_due(&session, &mut asked, &mut context).await;
            review = Review::default();
            continue;
        };
        failures += 1;
        let wait = wait_after(&problem, failures);
        context.failing(&id, problem, failures, wait).await;
        context.rest(wait, session.epoch).await;
    }
}

/// Whether something is allowed, and why.
type Verdict = (bool, Redacted);

/// One review of the rights of some credentials. What was answered before a failure is not asked again.
#[derive(Default)]
struct Review {
    /// Whose rights: [`ApiSession::credentials`].
    credentials: Option<u64>,
    /// Whether the rules were asked for.
    rules_are_in: bool,
    /// In the order of what is wanted; `None`: not answered yet.
    verdicts: Vec<Option<Verdict>>,
}

impl Review {
    fn of(session: &ApiSession) -> Self {
        Self {
            credentials: Some(session.credentials),
            ..Self::default()
        }
    }

    /// Asks what is open, up to the first failure.
    async fn go_on(
        &mut self,
        wanted: &[Permission],
        session: &ApiSession,
        context: &TaskContext,
    ) -> Result<(), Problem> {
        self.verdicts.resize(wanted.len(), None);
        if !self.rules_are_in {
            match rules(session, context).await {
                Ok(rules) => {
                    self.verdicts = wanted
                        .iter()
                        .map(|permission| rules.verdict(permission))
                        .collect();
                }
                // It serves no rules, or not to us: the questions remain.
                Err(problem) if is_no_answer(&problem) => {}
                Err(problem) => return Err(problem),
            }
            self.rules_are_in = true;
        }
        for (permission, verdict) in wanted.iter().zip(&mut self.verdicts) {
            if verdict.is_none() {
                *verdict = Some(ask(permission, session, context).await?);
            }
        }
        Ok(())
    }

    fn access(&self, wanted: &[Permission], problem: Option<&Problem>) -> Vec<Access> {
        let open = problem.map(|problem| problem.what.clone()).unwrap_or_default();
        let of = |(permission, verdict): (&Permission, &Option<Verdict>)| Access {
            permission: permission.clone(),
            allowed: verdict.as_ref().map(|(allowed, _)| *allowed),
            reason: verdict
                .as_ref()
                .map_or_else(|| open.clone(), |(_, reason)| reason.clone()),
        };
        wanted.iter().zip(&self.verdicts).map(of).collect()
    }
}

/// Whether the server answers, and not this question: the next one may fare better.
fn is_no_answer(problem: &Problem) -> bool {
    use ProblemKind::{Forbidden, NotFound, ServerError};
    matches!(problem.kind, NotFound | Forbidden | ServerError) && problem.retry_after.is_none()
}

/// The server's rules about us in a namespace.
struct Rules {
    rules: Vec<ResourceRule>,
    /// Whether there may be more: another authorizer than RBAC does not list its own.
    incomplete: bool,
}

async fn rules(session: &ApiSession, context: &TaskContext) -> Result<Rules, Problem> {
    let api: Api<SelfSubjectRulesReview> = Api::all(session.client.clone());
    let question = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec {
            namespace: Some(session.namespace.to_string()),
        },
        ..SelfSubjectRulesReview::default()
    };
    let doing = format!("ask what we may do in {}", session.namespace);
    let parameters = PostParams::default();
    let answer = context
        .ask(session, &doing, api.create(&parameters, &question))
        .await?;
    let status = answer.status.unwrap_or_default();
    Ok(Rules {
        incomplete: status.incomplete || status.evaluation_error.is_some_and(|error| !error.is_empty()),
        rules: status.resource_rules,
    })
}

impl Rules {
    /// `None`: the rules at hand don't say.
    fn verdict(&self, permission: &Permission) -> Option<Verdict> {
        if self.rules.iter().any(|rule| allows(rule, permission)) {
            return Some((true, "".into()));
        }
        (!self.incomplete).then(|| (false, "no rule of this namespace allows it".into()))
    }
}

/// Whether a rule covers a permission, as RBAC matches them.
fn allows(rule: &ResourceRule, permission: &Permission) -> bool {
    let has = |list: &[String], word: &str| list.iter().any(|entry| entry == "*" || entry == word);
    let any = |list: &Option<Vec<String>>, word: &str| list.as_ref().is_some_and(|list| has(list, word));
    let (resource, of_every_resource) = match &*permission.subresource {
        "" => (permission.resource.to_string(), None),
        sub => (format!("{}/{sub}", permission.resource), Some(format!("*/{sub}"))),
    };
    let resources = any(&rule.resources, &resource)
        || of_every_resource.is_some_and(|resource| any(&rule.resources, &resource));
    let names = rule.resource_names.as_deref().unwrap_or_default();
    has(&rule.verbs, &permission.verb)
        && any(&rule.api_groups, &permission.group)
        && resources
        && (names.is_empty() || names.iter().any(|name| **name == *permission.name))
}

async fn ask(
    permission: &Permission,
    session: &ApiSession,
    context: &TaskContext,
) -> Result<Verdict, Problem> {
    let api: Api<SelfSubjectAccessReview> = Api::all(session.client.clone());
    let question = question(permission, &session.namespace);
    let doing = format!("ask whether we may {} {}", permission.verb, permission.resource);
    let parameters = PostParams::default();
    let answer = context
        .ask(session, &doing, api.create(&parameters, &question))
        .await?;
    let status = answer.status.unwrap_or_default();
    let reason = status.reason.or(status.evaluation_error).unwrap_or_default();
    Ok((status.allowed, reason.as_str().into()))
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

/// Rights belong to the credentials: the review is repeated with other credentials, not with every connection. Whoever was given a right
/// need not wait for it.
async fn until_due(reviewed: &ApiSession, asked: &mut watch::Receiver<u64>, context: &mut TaskContext) {
    let (due, earliest) = (now() + EVERY, now() + ASKED_AGAIN_AFTER);
    let mut epoch = reviewed.epoch;
    loop {
        tokio::select! {
            replaced = timeout_at(due, context.replaced(epoch)) => if replaced.is_err() {
                return;
            },
            () = is_asked(asked) => return sleep_until(earliest).await,
        }
        let session = context.session(&SourceId::Access).await;
        if session.credentials != reviewed.credentials {
            return;
        }
        epoch = session.epoch;
    }
}

/// Ends when the operator asks; never where nobody can.
async fn is_asked(asked: &mut watch::Receiver<u64>) {
    if asked.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
