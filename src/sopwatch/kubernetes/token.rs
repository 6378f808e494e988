//! The token that the kubeconfig signs in with, for servers that take the same: OpenShift's monitoring routes.

use secrecy::{ExposeSecret, SecretString};

use super::ConnectOptions;
use super::kubeconfig::{ProcessEnv, resolve};
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// The token as the kubeconfig has it now: after `oc login` it is another.
///
/// # Errors
/// The kubeconfig can't be read, or signs in without a token.
#[expect(
    clippy::disallowed_methods,
    reason = "the kubeconfig's token is the login to its cluster's monitoring"
)]
pub async fn kubeconfig_token(options: ConnectOptions) -> Result<SecretString, Problem> {
    let read = tokio::task::spawn_blocking(move || {
        let resolved = resolve(&options, &ProcessEnv::of_process())?;
        let auth = resolved.config.auth_info;
        if let Some(token) = auth.token {
            return Ok(SecretString::from(token.expose_secret().to_owned()));
        }
        let of_file = auth
            .token_file
            .and_then(|path| std::fs::read_to_string(path).ok());
        let token = of_file
            .map(|token| token.trim().to_owned())
            .filter(|token| !token.is_empty());
        token.map(SecretString::from).ok_or_else(|| {
            Problem::new(
                ProblemKind::SecretMissing,
                "the kubeconfig signs in without a token",
            )
            .advise("log in with a token (oc login), or configure token-file for this server")
        })
    });
    match read.await {
        Ok(token) => token,
        Err(_panicked) => Err(Problem::new(
            ProblemKind::Configuration,
            "read the kubeconfig's token: internal error",
        )),
    }
}
