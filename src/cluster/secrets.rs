//! Answers who asks for a secret's values.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use secrecy::SecretString;
use tokio::sync::mpsc;

use super::SecretRequest;
use super::explain::frozen;
use super::scope::{LinkState, Scope, Session};
use crate::cluster::clock::timeout;
use crate::incident::feed::{Problem, ProblemKind};

/// Runs until nobody can ask any more; then stays, so as not to end the others.
pub(super) async fn run(mut requests: mpsc::Receiver<SecretRequest>, mut scope: Scope) {
    while let Some(SecretRequest { name, reply }) = requests.recv().await {
        // Who asked may have given up: nobody is told then.
        let _ = reply.send(answer(&name, &mut scope).await);
    }
    std::future::pending::<()>().await;
}

async fn answer(name: &str, scope: &mut Scope) -> Result<BTreeMap<String, SecretString>, Problem> {
    let limit = scope.limit;
    let session = match timeout(limit, connected(scope)).await {
        Ok(session) => session,
        Err(_elapsed) => return Err(no_connection(name, scope)),
    };
    let api: Api<Secret> = Api::namespaced(session.client.clone(), &session.namespace);
    let doing = format!("read the secret {name} in {}", session.namespace);
    let secret = scope.ask(&session, &doing, api.get(name)).await;
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

async fn connected(scope: &mut Scope) -> Session {
    loop {
        if let LinkState::Up(session) = scope.link_now() {
            return session;
        }
        scope.changed().await;
    }
}

fn no_connection(name: &str, scope: &mut Scope) -> Problem {
    match scope.link_now() {
        LinkState::Down { problem, .. } => problem,
        LinkState::Up(_) | LinkState::Connecting => {
            frozen(&format!("read the secret {name}: connect"), scope.limit)
        }
    }
}

fn values(name: &str, secret: Secret) -> Result<BTreeMap<String, SecretString>, Problem> {
    let value = |(key, ByteString(bytes)): (String, ByteString)| match String::from_utf8(bytes) {
        Ok(text) => Ok((key, SecretString::from(text))),
        // The error would hold the bytes.
        Err(_holds_the_value) => Err(Problem::new(
            ProblemKind::SecretIncomplete,
            &format!("secret {name}: the value of {key} is not text"),
        )),
    };
    secret.data.unwrap_or_default().into_iter().map(value).collect()
}
