//! Our user name, as the server knows it.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Api;
use kube::api::PostParams;

use super::task_context::{ApiSession, TaskContext};
use sopwatch_core::observe::source::{Problem, ProblemKind};
use sopwatch_core::text::SafeText;

/// The user's name as the server knows it, else `otherwise` where the server can't say: those before Kubernetes 1.28, unless it is OpenShift,
/// which has a way of its own. The error: it did not answer, ask again.
pub(super) async fn user(
    session: &ApiSession,
    context: &TaskContext,
    otherwise: &SafeText,
) -> Result<SafeText, Problem> {
    let answer = match review(session, context).await {
        Err(problem) if problem.kind == ProblemKind::NotFound => openshift_user(session, context).await,
        answer => answer,
    };
    match answer {
        Err(problem) if matches!(problem.kind, ProblemKind::NotFound | ProblemKind::Forbidden) => {
            Ok(otherwise.clone())
        }
        answer => answer,
    }
}

async fn review(session: &ApiSession, context: &TaskContext) -> Result<SafeText, Problem> {
    let api: Api<SelfSubjectReview> = Api::all(session.client.clone());
    let question = SelfSubjectReview::default();
    let parameters = PostParams::default();
    let doing = "ask the server for our user name";
    let answer = context
        .ask(session, doing, api.create(&parameters, &question))
        .await?;
    let name = answer.status.and_then(|status| status.user_info?.username);
    name.map(SafeText::from)
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, "the server does not tell our user name"))
}

async fn openshift_user(session: &ApiSession, context: &TaskContext) -> Result<SafeText, Problem> {
    let doing = "ask OpenShift for our user name";
    let request = http::Request::get("/apis/user.openshift.io/v1/users/~").body(Vec::new());
    let request = request.map_err(|error| Problem::new(ProblemKind::Configuration, error.to_string()))?;
    let answer: serde_json::Value = context
        .ask(session, doing, session.client.request(request))
        .await?;
    let name = answer["metadata"]["name"].as_str();
    name.map(SafeText::from)
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, "OpenShift does not tell our user name"))
}
