//! What a request says about who we are: a token, the token of a file, that of a credential plugin, or a user and password; in the order that
//! `kubectl` takes them in.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use kube::config::{AuthInfo, ExecConfig};
use secrecy::{ExposeSecret, SecretString};
use tokio_util::task::AbortOnDropHandle;

use super::clock::{Instant, now, wall_time};
use super::credential_expiry;
use super::errors::unusable_token;
use super::exec_plugin::{PluginCredential, PluginRunner};
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// How old the content of a token file may be.
const FILE_IS_FRESH_FOR: Duration = Duration::from_secs(10);

/// How long before its end a plugin's token is renewed; of a short-lived one a third of its life.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// A token that came over already counts as good for so long: our clock may be ahead.
const GOOD_AT_LEAST: SignedDuration = SignedDuration::from_secs(10);

/// There are no credentials for a request. It comes through the client library's errors as it is.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct NoCredentials(pub(super) Problem);

/// Gives each request its `Authorization`.
#[derive(Clone)]
pub(super) struct Authorization(Arc<Kind>);

enum Kind {
    /// None: anonymous, or known by a certificate.
    Anonymous,
    Fixed(HeaderValue),
    File(TokenFile),
    Plugin(Box<PluginToken>),
}

/// Who we are, as far as the kubeconfig and its plugin say.
pub(super) struct Credentials {
    /// For each request.
    pub(super) authorization: Authorization,
    /// A client certificate and its key that a plugin gave, PEM.
    pub(super) certificate: Option<(String, SecretString)>,
    /// When they run out, where they say so.
    pub(super) expires_at: Option<Timestamp>,
}

impl Credentials {
    fn new(kind: Kind, expires_at: Option<Timestamp>) -> Self {
        Self {
            authorization: Authorization(Arc::new(kind)),
            certificate: None,
            expires_at,
        }
    }

    /// Finds them. A plugin is run only where nothing else says who we are.
    #[expect(
        clippy::disallowed_methods,
        reason = "a token says when it ends, and goes into the header of a request"
    )]
    pub(super) async fn find(
        auth: &AuthInfo,
        user: &str,
        plugins: &Arc<PluginRunner>,
    ) -> Result<Self, Problem> {
        let given = |token: &&SecretString| !token.expose_secret().is_empty();
        let token = auth.token.as_ref().filter(given);
        let basic = auth.username.as_ref().zip(auth.password.as_ref());
        let path = auth.token_file.as_ref().filter(|path| !path.is_empty());
        match (path, token, basic) {
            (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => Err(Problem::new(
                ProblemKind::Configuration,
                format!("user {user} of the kubeconfig has both a token and a password"),
            )
            .advise("keep one of them in the kubeconfig")),
            (Some(path), token, None) => Self::in_file(path, token, user).await,
            (None, Some(token), None) => {
                let expires_at = credential_expiry::of_token(token.expose_secret());
                let header = bearer(token.expose_secret())
                    .ok_or_else(|| unusable_token(&format!("the token of user {user}")))?;
                Ok(Self::new(Kind::Fixed(header), expires_at))
            }
            (None, None, Some((name, password))) => {
                Ok(Self::new(Kind::Fixed(basic_header(name, password)), None))
            }
            (None, None, None) => match &auth.exec {
                Some(exec) if !has_certificate(auth) => Self::of_plugin(exec, plugins).await,
                _ => Ok(Self::new(Kind::Anonymous, None)),
            },
        }
    }

    /// The file outranks the token beside it, which stands in while the file can't be read.
    #[expect(
        clippy::disallowed_methods,
        reason = "the old token goes into the header of a request"
    )]
    async fn in_file(path: &str, token: Option<&SecretString>, user: &str) -> Result<Self, Problem> {
        let file = TokenFile {
            path: path.into(),
            read: Mutex::new((None, now())),
        };
        let read = match (file.read().await, token) {
            (Ok(read), _) => read,
            (Err(_unreadable), Some(token)) => token.expose_secret().to_owned(),
            (Err(problem), None) => return Err(problem),
        };
        let header = bearer(&read).ok_or_else(|| unusable_token(&format!("the token of user {user}")))?;
        file.keep(Some(header));
        Ok(Self::new(Kind::File(file), credential_expiry::of_token(&read)))
    }

    async fn of_plugin(exec: &ExecConfig, plugins: &Arc<PluginRunner>) -> Result<Self, Problem> {
        let credential = plugins.credential(exec).await?;
        let kind = match &credential.token {
            None => Kind::Anonymous,
            Some(_) => Kind::Plugin(Box::new(PluginToken {
                exec: exec.clone(),
                plugins: Arc::clone(plugins),
                current: Arc::new(Mutex::new(CurrentToken::of(&credential)?)),
                renewal: Mutex::new(None),
            })),
        };
        Ok(Self {
            certificate: credential.certificate,
            ..Self::new(kind, credential.expires_at)
        })
    }
}

/// Where the kubeconfig has a certificate, `kubectl` does not ask the plugin.
fn has_certificate(auth: &AuthInfo) -> bool {
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    given(&auth.client_certificate) || given(&auth.client_certificate_data)
}

impl Authorization {
    /// The header of a request that is sent now.
    pub(super) async fn header(&self) -> Result<Option<HeaderValue>, NoCredentials> {
        match &*self.0 {
            Kind::Anonymous => Ok(None),
            Kind::Fixed(header) => Ok(Some(header.clone())),
            Kind::File(file) => Ok(file.header().await),
            Kind::Plugin(token) => token.header(wall_time()).await.map(Some).map_err(NoCredentials),
        }
    }
}

/// A header that is not printed; `None` for what no header may hold, such as a line break.
fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the password goes into the header of a request"
)]
fn basic_header(name: &str, password: &SecretString) -> HeaderValue {
    let both = BASE64_STANDARD.encode(format!("{name}:{}", password.expose_secret()));
    // base64 fits any header.
    let mut header = HeaderValue::try_from(format!("Basic {both}")).unwrap_or(HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// A token file. It is read again while we run, because a renewed token is written to the same file.
struct TokenFile {
    path: PathBuf,
    /// What it said last, and when.
    read: Mutex<(Option<HeaderValue>, Instant)>,
}

impl TokenFile {
    async fn header(&self) -> Option<HeaderValue> {
        let (known, at) = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if now() - at < FILE_IS_FRESH_FOR {
            return known;
        }
        // While it can't be read, what it said last stands: it may be in the middle of being written.
        let read = self.read().await.ok().and_then(|token| bearer(&token));
        let header = read.or(known);
        self.keep(header.clone());
        header
    }

    fn keep(&self, header: Option<HeaderValue>) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = (header, now());
    }

    /// The token without the line break that files end with.
    async fn read(&self) -> Result<String, Problem> {
        let text = tokio::fs::read_to_string(&self.path).await;
        let text = text.map_err(|error| unreadable(&self.path, &without_number(&error)))?;
        let token = text.trim();
        if token.is_empty() {
            return Err(unreadable(&self.path, "it is empty"));
        }
        Ok(token.to_owned())
    }
}

fn unreadable(path: &Path, why: &str) -> Problem {
    let what = format!("no credentials: token file {}: {why}", path.display());
    Problem::new(ProblemKind::Unauthorized, &what)
        .advise("log in again (oc login), or correct tokenFile in the kubeconfig")
}

/// An error of the system without its number.
fn without_number(error: &std::io::Error) -> String {
    let error = error.to_string();
    error.split(" (os error").next().unwrap_or(&error).to_owned()
}

/// The token of a plugin. It is renewed before its end, and used to its end while the plugin is slow or fails.
struct PluginToken {
    exec: ExecConfig,
    plugins: Arc<PluginRunner>,
    current: Arc<Mutex<CurrentToken>>,
    renewal: Mutex<Option<AbortOnDropHandle<()>>>,
}

#[derive(Clone)]
struct CurrentToken {
    header: HeaderValue,
    /// From when on it is renewed, and until when it is good. `None`: until the server refuses it.
    renew_and_end: Option<(Timestamp, Timestamp)>,
}

impl CurrentToken {
    #[expect(
        clippy::disallowed_methods,
        reason = "the token goes into the header of a request"
    )]
    fn of(credential: &PluginCredential) -> Result<Self, Problem> {
        let unusable = || unusable_token("the token of the credential plugin");
        let token = credential.token.as_ref().ok_or_else(unusable)?;
        let header = bearer(token.expose_secret()).ok_or_else(unusable)?;
        let now = wall_time();
        let renew_and_end = credential.expires_at.map(|end| {
            let end = end.max(now + GOOD_AT_LEAST);
            let before = RENEWED_BEFORE.min(end.duration_since(now) / 3);
            (end - before, end)
        });
        Ok(Self {
            header,
            renew_and_end,
        })
    }
}

impl PluginToken {
    async fn header(&self, now: Timestamp) -> Result<HeaderValue, Problem> {
        let current = locked(&self.current).clone();
        match current.renew_and_end {
            Some((renew, end)) if now >= renew => {
                if now < end {
                    self.renew_meanwhile();
                    return Ok(current.header);
                }
            }
            _ => return Ok(current.header),
        }
        let renewed = CurrentToken::of(&self.plugins.credential(&self.exec).await?)?;
        let header = renewed.header.clone();
        *locked(&self.current) = renewed;
        Ok(header)
    }

    fn renew_meanwhile(&self) {
        let mut renewal = locked(&self.renewal);
        if renewal.as_ref().is_some_and(|renewal| !renewal.is_finished()) {
            return;
        }
        let (exec, plugins) = (self.exec.clone(), Arc::clone(&self.plugins));
        let current = Arc::clone(&self.current);
        *renewal = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            // Why it failed is said once the token is over: until then all works.
            if let Ok(credential) = plugins.credential(&exec).await
                && let Ok(renewed) = CurrentToken::of(&credential)
            {
                *locked(&current) = renewed;
            }
        })));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patience::Deadline;

    /// A plugin that gives a token for 90 s at once, and another only when it may.
    fn slow_the_second_time(folder: &Path) -> ExecConfig {
        let script = r#"cd "$1"; echo run >> runs
[ -f first ] && while [ ! -f go ]; do read -r _ < wait; done
touch first
printf '{"status": {"token": "token-%s", "expirationTimestamp": "%s"}}' "$(wc -l < runs | tr -d ' ')" "$2""#;
        std::fs::write(folder.join("plugin"), script).unwrap();
        let end = (wall_time() + SignedDuration::from_secs(90)).to_string();
        let text = |text: &str| text.to_owned();
        ExecConfig {
            command: Some(text("sh")),
            args: Some(vec![
                folder.join("plugin").display().to_string(),
                folder.display().to_string(),
                end,
            ]),
            ..ExecConfig::default()
        }
    }

    #[tokio::test]
    async fn a_token_is_used_to_its_end_while_the_plugin_is_slow() {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(folder.path().join("wait"))
            .status();
        assert!(made.unwrap().success());
        let auth = AuthInfo {
            exec: Some(slow_the_second_time(folder.path())),
            ..AuthInfo::default()
        };
        let plugins = Arc::new(PluginRunner::patient_for(Duration::from_millis(100)));
        let answers = Deadline::until("the plugin gives its first token");
        let found = loop {
            answers.check();
            match Credentials::find(&auth, "oncall", &plugins).await {
                Ok(found) => break found,
                Err(problem) => assert_eq!(problem.kind, ProblemKind::Frozen, "{problem}"),
            }
        };
        let Kind::Plugin(token) = &*found.authorization.0 else {
            unreachable!("it came from a plugin");
        };
        let (now, second) = (wall_time(), SignedDuration::from_secs(1));
        for after in [0, 40, 70, 80] {
            let header = token.header(now + second * after).await.unwrap();
            assert_eq!(header, "Bearer token-1", "after {after} s");
        }
        let problem = token.header(now + second * 91).await.unwrap_err();
        assert!(problem.what.contains("plugin sh has not answered"), "{problem}");
        let runs = || {
            std::fs::read_to_string(folder.path().join("runs"))
                .unwrap()
                .lines()
                .count()
        };
        assert_eq!(runs(), 2, "one for each token");
        std::fs::write(folder.path().join("go"), "").unwrap();
        let go = folder.path().join("wait");
        tokio::task::spawn_blocking(move || std::fs::write(go, "\n"))
            .await
            .unwrap()
            .unwrap();
        let answers = Deadline::until("the plugin gives its second token");
        let renewed = loop {
            answers.check();
            match token.header(now + second * 91).await {
                Ok(header) => break header,
                Err(problem) => assert_eq!(problem.kind, ProblemKind::Frozen, "{problem}"),
            }
        };
        assert_eq!((renewed.to_str().unwrap(), runs()), ("Bearer token-2", 2));
    }

    #[tokio::test]
    async fn a_token_file_that_is_written_anew_is_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "old\n").unwrap();
        let auth = AuthInfo {
            token_file: Some(file.path().display().to_string()),
            ..AuthInfo::default()
        };
        let found = Credentials::find(&auth, "oncall", &Arc::default()).await.unwrap();
        let header = || async { found.authorization.header().await.unwrap().unwrap() };
        assert_eq!(header().await, "Bearer old");
        std::fs::write(file.path(), "new\n").unwrap();
        let Kind::File(known) = &*found.authorization.0 else {
            unreachable!("it came from a file");
        };
        assert_eq!(header().await, "Bearer old", "it was read a moment ago");
        let long_ago = now().checked_sub(FILE_IS_FRESH_FOR).unwrap();
        locked(&known.read).1 = long_ago;
        assert_eq!(header().await, "Bearer new");
        std::fs::remove_file(file.path()).unwrap();
        locked(&known.read).1 = long_ago;
        assert_eq!(header().await, "Bearer new", "what it said last stands");
    }

    #[tokio::test]
    async fn credentials_are_taken_in_the_order_of_kubectl() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "of-file\n").unwrap();
        let empty = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let cases = [
            (serde_json::json!({"tokenFile": path}), Ok("Bearer of-file")),
            (
                serde_json::json!({"token": "inline", "tokenFile": path}),
                Ok("Bearer of-file"),
            ),
            (
                serde_json::json!({"token": "inline", "tokenFile": "/nowhere"}),
                Ok("Bearer inline"),
            ),
            (
                serde_json::json!({"tokenFile": "/nowhere"}),
                Err("token file /nowhere: No such file or directory"),
            ),
            (serde_json::json!({"tokenFile": empty.path()}), Err("it is empty")),
            (serde_json::json!({"token": "inline "}), Ok("Bearer inline ")),
            (
                serde_json::json!({"token": "in\nline"}),
                Err("the token of user oncall holds a line break"),
            ),
            (
                serde_json::json!({"token": "inline\n"}),
                Err("the token of user oncall holds a line break"),
            ),
            (
                serde_json::json!({"token": "t", "username": "u", "password": "p"}),
                Err("both a token and a password"),
            ),
            (
                serde_json::json!({"username": "u", "password": "p:"}),
                Ok("Basic dTpwOg=="),
            ),
            (
                serde_json::json!({"token": "inline", "exec": {"command": "false"}}),
                Ok("Bearer inline"),
            ),
        ];
        for (auth, expected) in cases {
            let text = auth.to_string();
            let auth: AuthInfo = serde_json::from_value(auth).unwrap();
            let found = Credentials::find(&auth, "oncall", &Arc::default()).await;
            match (found, expected) {
                (Ok(found), Ok(expected)) => {
                    let header = found.authorization.header().await.unwrap().unwrap();
                    assert_eq!(header, expected, "{text}");
                    assert!(header.is_sensitive());
                }
                (Err(problem), Err(expected)) => {
                    assert!(problem.what.contains(expected), "{text}: {problem}");
                }
                (found, _) => unreachable!("{text}: {:?}", found.err()),
            }
        }
    }
}
