//! Real connections over loopback: what a kubeconfig, the operating system and a credential plugin make of them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::console::profile;
use crate::kubernetes::{CommandRequest, ConnectOptions, Requests, SecretRequest, run};
use crate::patience::soon;
use sopwatch_console::app::event::Event;
use sopwatch_core::logparse::LogFocus;
use sopwatch_core::observe::observation::{Connection, Observation};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};

/// A server that knows one token, and answers a client that says who it is, as audit logs need it.
pub(super) async fn serve(token: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service =
                service_fn(move |request| async move { Ok::<_, Infallible>(answer(&request, token)) });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

pub(super) fn answer(
    request: &hyper::Request<hyper::body::Incoming>,
    token: &str,
) -> hyper::Response<Full<Bytes>> {
    let known = request
        .headers()
        .get("authorization")
        .is_some_and(|value| value == &format!("Bearer {token}"));
    let agent = request.headers().get("user-agent");
    let told = agent.is_some_and(|agent| agent.as_bytes().starts_with(b"sopwatch/"));
    let known = known && told;
    let (code, body) = match (known, request.uri().path()) {
        (false, _) => (
            401,
            r#"{"kind":"Status","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}"#,
        ),
        (_, path) if path.ends_with("/version") => (
            200,
            r#"{"major":"1","minor":"32","gitVersion":"v1.32.13","gitCommit":"","gitTreeState":"","buildDate":"","goVersion":"","compiler":"","platform":""}"#,
        ),
        (_, path) if path.ends_with("selfsubjectreviews") => (
            201,
            r#"{"metadata":{},"status":{"userInfo":{"username":"oncall"}}}"#,
        ),
        _ => (404, "{}"),
    };
    hyper::Response::builder()
        .status(code)
        .body(Full::from(body))
        .unwrap()
}

pub(super) fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: stage\nclusters:\n- {{name: stage, cluster: {{server: '{server}'}}}}\n\
         - {{name: other, cluster: {{server: 'http://127.0.0.1:1'}}}}\ncontexts:\n\
         - {{name: stage, context: {{cluster: stage, user: oncall, namespace: managed-services-stage}}}}\n\
         - {{name: other, context: {{cluster: other, user: oncall}}}}\nusers:\n- {{name: oncall, user: {user}}}\n"
    )
}

/// The adapter on a kubeconfig, and what it tells.
pub(super) struct Running {
    events: mpsc::Receiver<Event>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    _asked: (mpsc::Sender<SecretRequest>, mpsc::Sender<CommandRequest>),
}

impl Running {
    pub(super) fn on(kubeconfig: &Path) -> Self {
        let options = ConnectOptions {
            kubeconfig: Some(kubeconfig.into()),
            context: None,
            namespace: None,
            impersonate: None,
            request_timeout: Duration::from_secs(10),
        };
        let (sender, events) = mpsc::channel(64);
        let (secrets, requests) = mpsc::channel(1);
        let (commands, commanded) = mpsc::channel(1);
        let asked = Requests {
            secrets: requests,
            paths: mpsc::channel(1).1,
            commands: commanded,
            focus: tokio::sync::watch::channel(LogFocus::default()).1,
            reviews: tokio::sync::watch::channel(0).1,
        };
        let cancel = CancellationToken::new();
        let task = tokio::spawn(run(options, Arc::new(profile()), asked, sender, cancel.clone()));
        Self {
            events,
            cancel,
            task,
            _asked: (secrets, commands),
        }
    }

    pub(super) async fn until<T>(&mut self, found: impl Fn(Observation) -> Option<T>) -> T {
        let search = async {
            while let Some(Event::Observation(observation)) = self.events.recv().await {
                if let Some(found) = found(observation) {
                    return found;
                }
            }
            unreachable!("the adapter ended");
        };
        soon("the adapter says so", search).await
    }

    pub(super) async fn connection(&mut self) -> Connection {
        self.until(|observation| match observation {
            Observation::Connection(connection) => Some(connection),
            _ => None,
        })
        .await
    }

    /// The first of both.
    pub(super) async fn connection_or_problem(&mut self) -> Result<Connection, Problem> {
        self.until(|observation| match observation {
            Observation::Connection(connection) => Some(Ok(connection)),
            Observation::Source(SourceId::Api, SourceState::Failing { problem, .. }) => Some(Err(problem)),
            _ => None,
        })
        .await
    }

    pub(super) async fn problem(&mut self) -> Problem {
        self.until(|observation| match observation {
            Observation::Source(SourceId::Api, SourceState::Failing { problem, .. }) => Some(problem),
            _ => None,
        })
        .await
    }
}

async fn problem_on(server: &str) -> Problem {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), kubeconfig(server, "{token: x}")).unwrap();
    Running::on(file.path()).problem().await
}

#[tokio::test]
async fn a_kubeconfig_with_new_credentials_heals_a_401_and_moves_nowhere() {
    let server = format!("http://{}", serve("new").await);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), kubeconfig(&server, "{token: old}")).unwrap();
    let mut running = Running::on(file.path());
    assert_eq!(running.problem().await.kind, ProblemKind::Unauthorized);
    let healed =
        kubeconfig(&server, "{token: new}").replace("current-context: stage", "current-context: other");
    std::fs::write(file.path(), healed).unwrap();
    let connection = running.connection().await;
    assert_eq!(&*connection.server, server.as_str());
    assert_eq!(connection.context.as_deref(), Some("stage"));
    assert_eq!(
        (&*connection.user, &*connection.namespace),
        ("oncall", "managed-services-stage")
    );
    running.cancel.cancel();
    running.task.await.unwrap();
}

#[tokio::test]
async fn a_kubeconfig_that_is_broken_is_said_and_heals() {
    let server = format!("http://{}", serve("new").await);
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut running = Running::on(file.path());
    assert_eq!(running.problem().await.kind, ProblemKind::Configuration);
    std::fs::write(file.path(), kubeconfig(&server, "{token: new}")).unwrap();
    assert_eq!(&*running.connection().await.user, "oncall");
}

/// A kubeconfig whose user is given by a script.
fn with_plugin(folder: &Path, server: &str, script: &str) -> std::path::PathBuf {
    let plugin = folder.join("get-token.sh");
    std::fs::write(&plugin, script).unwrap();
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}'], env: [{{name: KEY, value: secret-key}}], interactiveMode: Always}}}}",
        plugin.display()
    );
    let file = folder.join("config");
    std::fs::write(&file, kubeconfig(server, &exec)).unwrap();
    file
}

#[tokio::test]
async fn a_credential_plugin_gives_the_token_without_a_terminal() {
    let server = format!("http://{}", serve("of-plugin").await);
    let folder = tempfile::tempdir().unwrap();
    let script = r#"read -r line && exit 3
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"of-plugin"}}'"#;
    let file = with_plugin(folder.path(), &server, script);
    assert_eq!(&*Running::on(&file).connection().await.user, "oncall");
}

#[tokio::test]
async fn a_credential_plugin_that_fails_is_quoted_without_its_secrets() {
    let scripts = [
        "echo secret-token; echo 'session expired' >&2; exit 7",
        "echo secret-token: [",
        "echo '{\"secret-token\": 1}'",
    ];
    let mut said = Vec::new();
    for script in scripts {
        let folder = tempfile::tempdir().unwrap();
        let file = with_plugin(folder.path(), "http://127.0.0.1:1", script);
        let problem = Running::on(&file).problem().await;
        assert_eq!(problem.kind, ProblemKind::Unauthorized, "{problem}");
        assert!(!problem.what.contains("secret"), "{problem}");
        said.push(problem.what);
    }
    assert!(
        said[0].contains("exit status: 7") && said[0].contains("session expired"),
        "{}",
        said[0]
    );
}

#[tokio::test]
async fn a_client_certificate_without_a_key_is_a_matter_of_the_kubeconfig() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        kubeconfig("https://127.0.0.1:1", "{client-certificate-data: YWJj}"),
    )
    .unwrap();
    let problem = Running::on(file.path()).problem().await;
    assert_eq!(problem.kind, ProblemKind::Configuration, "{problem}");
}

#[tokio::test]
async fn nobody_listening_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let problem = problem_on(&format!("http://{address}")).await;
    assert_eq!(problem.kind, ProblemKind::Refused, "{problem}");
}

#[tokio::test]
async fn a_connection_that_is_closed_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 16]).await;
        }
    });
    let problem = problem_on(&format!("http://{address}")).await;
    assert_eq!(problem.kind, ProblemKind::Reset, "{problem}");
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told_from_one_that_is_away() {
    let address = serve("x").await;
    let problem = problem_on(&format!("https://{address}")).await;
    assert_eq!(problem.kind, ProblemKind::Tls, "{problem}");
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_said() {
    let problem = problem_on("https://api.nowhere.invalid:6443").await;
    assert_eq!(problem.kind, ProblemKind::Dns, "{problem}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_frozen() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let problem = problem_on(&format!("http://{}", listener.local_addr().unwrap())).await;
    assert_eq!(problem.kind, ProblemKind::Frozen, "{problem}");
}

/// As Rancher's are: the API is below a path.
#[tokio::test]
async fn a_server_may_be_below_a_path() {
    let server = format!("http://{}/k8s/clusters/c-xbqtq/", serve("x").await);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), kubeconfig(&server, "{token: x}")).unwrap();
    let connection = Running::on(file.path()).connection().await;
    assert_eq!(&*connection.user, "oncall");
    assert!(
        connection.server.ends_with("/k8s/clusters/c-xbqtq"),
        "{}",
        connection.server
    );
}
