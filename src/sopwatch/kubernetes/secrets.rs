//! The values of secrets, for whoever asks for them.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use secrecy::SecretString;
use tokio::sync::mpsc;

use super::SecretRequest;
use super::clock::timeout;
use super::errors::frozen;
use super::task_context::{CONNECTS_WITHIN, TaskContext};
use sopwatch_core::observe::source::{Problem, ProblemKind};
use sopwatch_core::safe;

/// Runs until nobody can ask any more; then stays, so as not to end the others.
pub(super) async fn run(mut requests: mpsc::Receiver<SecretRequest>, mut context: TaskContext) {
    while let Some(SecretRequest { name, reply }) = requests.recv().await {
        // Whoever asked may have given up.
        let _ = reply.send(answer(&name, &mut context).await);
    }
    std::future::pending::<()>().await;
}

async fn answer(name: &str, context: &mut TaskContext) -> Result<BTreeMap<String, SecretString>, Problem> {
    let session = match timeout(CONNECTS_WITHIN, context.connected()).await {
        Ok(Ok(session)) => session,
        Ok(Err(problem)) => return Err(without_cluster(name, problem)),
        Err(_elapsed) => {
            return Err(frozen(
                &format!("read the secret {name}: connect to the cluster"),
                CONNECTS_WITHIN,
            ));
        }
    };
    let api: Api<Secret> = Api::namespaced(session.client.clone(), &session.namespace);
    let doing = format!("read the secret {name} in {}", session.namespace);
    let secret = context.ask(&session, &doing, api.get(name)).await;
    let secret = secret.map_err(|problem| match problem.kind {
        ProblemKind::NotFound => Problem {
            kind: ProblemKind::SecretMissing,
            ..problem
        }
        .advise("check the namespace and the profile's secret name, or pass --database-url"),
        _ => problem,
    })?;
    values(name, secret)
}

/// The secret fails as the cluster does, and says so: it is shown with the database.
fn without_cluster(name: &str, problem: Problem) -> Problem {
    let what = safe!(
        "the secret {name} can't be read without the cluster: {}",
        problem.what
    )
    .into();
    Problem { what, ..problem }
}

fn values(name: &str, secret: Secret) -> Result<BTreeMap<String, SecretString>, Problem> {
    let value = |(key, ByteString(bytes)): (String, ByteString)| match String::from_utf8(bytes) {
        Ok(text) => Ok((key, SecretString::from(text))),
        // The error would hold the bytes.
        Err(_holds_the_value) => Err(Problem::new(
            ProblemKind::SecretIncomplete,
            format!("secret {name}: the value of {key} is not text"),
        )),
    };
    secret.data.unwrap_or_default().into_iter().map(value).collect()
}
