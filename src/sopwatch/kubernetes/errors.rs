//! Errors of the Kubernetes client as problems for the operator. This is the one place that words them.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use kube::client::AuthError;
use kube::config::{ExecConfig, ExecInteractiveMode};
use kube::core::Status;

use super::credentials::NoCredentials;
use super::response::REDIRECTED;
use crate::net::tls::{TlsFault, fault};
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// The longest text of a server that is repeated.
const MAX_TEXT: usize = 300;

/// How deep causes are looked through: a chain that is longer is a circle.
const MAX_DEPTH: usize = 16;

/// What to do about a failure of the server or of the way to it.
const KEEPS_TRYING: &str = "sopwatch keeps trying; if it persists, check the server and any proxy on the way";

/// What an error means. `doing` says what was tried on what: `watch pods in managed-services-stage`.
pub fn explain(error: &kube::Error, doing: &str) -> Problem {
    if let Some(NoCredentials(problem)) = causes(error).find_map(<dyn StdError>::downcast_ref) {
        return problem.clone();
    }
    if let Some(cause) = causes(error).find_map(<dyn StdError>::downcast_ref::<AuthError>) {
        return explain_credentials(cause, doing);
    }
    match error {
        kube::Error::Api(status) => explain_status(status, doing),
        kube::Error::SerdeError(cause) => problem(
            ProblemKind::ServerError,
            doing,
            &format!("the answer can't be read: {cause}"),
            "check that the server's URL is a Kubernetes API and not a login page or a proxy",
        ),
        kube::Error::RustlsTls(_) | kube::Error::TlsRequired => tls(doing, &innermost(error)),
        kube::Error::InferKubeconfig(_)
        | kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. }
        | kube::Error::BuildRequest(_)
        | kube::Error::HttpError(_) => problem(
            ProblemKind::Configuration,
            doing,
            &said(&error.to_string()),
            "check the kubeconfig's cluster and user",
        ),
        kube::Error::ReadEvents(cause) => explain_transport(cause, doing),
        _ => explain_transport(error, doing),
    }
}

/// Why there are no credentials, where the client library looked for them.
fn explain_credentials(error: &AuthError, doing: &str) -> Problem {
    let why = match error {
        AuthError::ReadTokenFile(cause, path) => format!("token file {}: {cause}", path.display()),
        _ => "the kubeconfig's auth-provider can't be used".into(),
    };
    problem(
        ProblemKind::Unauthorized,
        doing,
        &format!("no credentials: {why}"),
        "log in again (oc login), or use a credential plugin (exec) in the kubeconfig",
    )
}

/// Why a credential plugin gave nothing.
#[derive(Debug)]
pub(super) enum PluginFailure {
    /// It could not be started.
    NotStarted(io::Error),
    /// It ended with a failure.
    Status(std::process::ExitStatus),
    /// It ended well and gave no credential.
    NoCredential,
    /// It has not ended after so long, and goes on.
    StillRuns(Duration),
    /// It had not ended after so long, and was ended.
    Ended(Duration),
    /// Its outcome was lost.
    Lost,
}

/// Names the plugin, what became of it, and its last words. What it printed as its answer, and how it was called, may hold a secret:
/// neither is repeated.
pub(super) fn explain_plugin(exec: &ExecConfig, failure: &PluginFailure, last_words: &str) -> Problem {
    const VERSIONS: [&str; 2] = [
        "client.authentication.k8s.io/v1",
        "client.authentication.k8s.io/v1beta1",
    ];
    let command = exec.command.as_deref().unwrap_or("(no command)");
    let name = command.rsplit('/').next().unwrap_or(command);
    let plugin = format!("no credentials: the credential plugin {name}");
    let what = match failure {
        PluginFailure::NotStarted(error) if error.kind() == io::ErrorKind::NotFound => {
            format!("{plugin} is not installed, or not in PATH")
        }
        PluginFailure::NotStarted(error) => format!("{plugin} can't be started: {error}"),
        PluginFailure::Status(status) => format!("{plugin} failed ({status})"),
        PluginFailure::NoCredential => format!("{plugin} gave neither a token nor a certificate"),
        PluginFailure::StillRuns(after) => {
            format!(
                "{plugin} has not answered for {} s, and is waited for",
                after.as_secs()
            )
        }
        PluginFailure::Ended(after) => {
            format!(
                "{plugin} did not answer within {} min, and was ended",
                after.as_secs() / 60
            )
        }
        PluginFailure::Lost => format!("{plugin} was interrupted"),
    };
    let what = match last_words.trim() {
        "" => what,
        words => format!("{what}: {}", said(words)),
    };
    let hint = exec.install_hint.as_deref().unwrap_or_default().trim();
    let version = exec.api_version.as_deref().unwrap_or_default();
    let asks = exec.interactive_mode == Some(ExecInteractiveMode::Always);
    let advice = match failure {
        PluginFailure::NotStarted(_) if !hint.is_empty() => said(hint),
        PluginFailure::NotStarted(_) => "install it, or correct exec.command in the kubeconfig".into(),
        PluginFailure::NoCredential | PluginFailure::Status(_) if !VERSIONS.contains(&version) => {
            format!("its apiVersion in the kubeconfig, {version}, is out of use: update the plugin and the kubeconfig to v1")
        }
        PluginFailure::StillRuns(_) | PluginFailure::Ended(_) => {
            "it may want a login that it can't ask for here: log in with it in a shell (kubectl get pods)".into()
        }
        _ if asks => {
            "it wants to ask at a terminal (interactiveMode: Always): log in with it in a shell (kubectl get pods)".into()
        }
        _ => "run it in a shell (kubectl get pods), or log in again (oc login)".into(),
    };
    let kind = match failure {
        PluginFailure::StillRuns(_) => ProblemKind::Frozen,
        _ => ProblemKind::Unauthorized,
    };
    Problem::new(kind, &what).advise(&advice)
}

/// A token that no request can carry. `whose` begins the sentence.
pub(super) fn unusable_token(whose: &str) -> Problem {
    let what = format!("{whose} holds a line break or another character that no header may hold");
    Problem::new(ProblemKind::Configuration, &what)
        .advise("write it on one line in the kubeconfig, or log in again (oc login)")
}

/// A certificate or key that can't be used. `which` begins the sentence.
pub(super) fn unusable_certificate(which: &str, why: &str) -> Problem {
    Problem::new(
        ProblemKind::Configuration,
        format!("{which} can't be used: {why}"),
    )
    .advise("repair the kubeconfig, or log in again (oc login)")
}

/// A certificate or key of ours that can't be used, by the sentence that says so.
pub(super) fn unusable_identity(why: &str) -> Problem {
    Problem::new(ProblemKind::Configuration, why).advise("repair the kubeconfig, or log in again (oc login)")
}

/// A proxy's URL that can't be used.
pub(super) fn unusable_proxy(why: &str) -> Problem {
    Problem::new(
        ProblemKind::Configuration,
        format!("the proxy's URL can't be used: {why}"),
    )
    .advise("check proxy-url of the kubeconfig's cluster and HTTPS_PROXY")
}

/// What an answer that is an error means.
pub fn explain_status(status: &Status, doing: &str) -> Problem {
    let seconds = status
        .details
        .as_ref()
        .map_or(0, |details| details.retry_after_seconds);
    let wait = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    let problem = explain_code(status, doing);
    match wait {
        Some(wait) if matches!(status.code, 429 | 503) => {
            let what = format!("{}; it asks to wait {seconds} s", problem.what);
            Problem {
                retry_after: Some(wait),
                advice: problem.advice,
                ..Problem::new(problem.kind, &what)
            }
        }
        _ => problem,
    }
}

fn explain_code(status: &Status, doing: &str) -> Problem {
    let said = said(&status.message);
    match (status.code, status.reason.as_str()) {
        (401, _) => problem(
            ProblemKind::Unauthorized,
            doing,
            "the server does not accept the credentials (401): the token expired or was revoked",
            "log in again (oc login); sopwatch rereads the kubeconfig by itself",
        ),
        (403, _) => problem(
            ProblemKind::Forbidden,
            doing,
            &format!("forbidden (403): {said}"),
            "ask for this permission, or continue without it",
        ),
        (404, _) => problem(
            ProblemKind::NotFound,
            doing,
            &format!("not found (404): {said}"),
            what_to_check(status),
        ),
        (410, _) | (_, "Expired" | "Gone") => Problem::new(
            ProblemKind::Gone,
            sentence(
                doing,
                "the server no longer has this version (410): reading again",
            ),
        ),
        (code, REDIRECTED) => {
            let to = match status.message.as_str() {
                "" => "elsewhere".to_owned(),
                host => format!("to {host}"),
            };
            problem(
                ProblemKind::ServerError,
                doing,
                &format!("the server sends us {to} ({code}): a login page or a proxy, not a Kubernetes API"),
                "check the kubeconfig's server, and whether the VPN or the proxy wants a login in a browser",
            )
        }
        (407, _) => proxy_login(doing),
        (429, _) => Problem::new(
            ProblemKind::Throttled,
            sentence(doing, &format!("the server throttles (429): {said}")),
        ),
        // What refused is not an API server: its JSON has no code.
        (0, _) => problem(
            ProblemKind::ServerError,
            doing,
            &format!("not an answer of a Kubernetes API: {said}"),
            "check that the server's URL is a Kubernetes API and not a login page or a proxy",
        ),
        (code, _) => problem(
            ProblemKind::ServerError,
            doing,
            &format!("the server answers {code}: {said}"),
            KEEPS_TRYING,
        ),
    }
}

/// What to do about an answer that there is no such thing: the server names the object that it does not have, or nothing where it does not
/// serve the path at all.
fn what_to_check(not_found: &Status) -> &'static str {
    let details = not_found.details.as_ref();
    match details.filter(|object| !object.name.is_empty()) {
        Some(object) if object.kind == "pods" => {
            "nothing to do if the pod was just deleted: sopwatch goes on with its replacement"
        }
        Some(_) => "check the namespace, and the name in the profile",
        None => {
            "check server of the kubeconfig's cluster: its path may be wrong, or it does not serve this API"
        }
    }
}

fn proxy_login(doing: &str) -> Problem {
    problem(
        ProblemKind::ServerError,
        doing,
        "the proxy wants a login (407)",
        "put user and password into proxy-url of the kubeconfig's cluster, or into HTTPS_PROXY (http://user:password@proxy:port)",
    )
}

/// No answer within a limit.
pub fn frozen(doing: &str, limit: Duration) -> Problem {
    problem(
        ProblemKind::Frozen,
        doing,
        &format!("no answer within {} s", limit.as_secs_f32().ceil()),
        "check the VPN and the server's load; sopwatch keeps trying",
    )
}

/// Beginnings of what a kubelet says of a container or a log file that it does not have.
const NO_SUCH_LOG: [&str; 5] = [
    "unable to retrieve container logs for",
    "failed to try resolving symlinks in path",
    "failed to open log file",
    "failed to get container status",
    "previous terminated container",
];

/// Whether these are a kubelet's words for a log that it does not have.
pub(super) fn is_no_such_log(words: &str) -> bool {
    NO_SUCH_LOG
        .iter()
        .any(|beginning| words.trim_start().starts_with(beginning))
}

/// Words that came in place of a log, or after its last line.
pub(super) fn no_log(words: &[u8], doing: &str) -> Problem {
    let words = String::from_utf8_lossy(words);
    let said = said(&words);
    if is_no_such_log(&words) {
        return problem(
            ProblemKind::NotFound,
            doing,
            &format!("the node has no log of it: {said}"),
            "look for its last lines where logs are archived; if the container still exists, check the node's container runtime",
        );
    }
    let advice = if words.contains("too many open files") {
        "raise fs.inotify.max_user_instances on the pod's node"
    } else {
        "check the kubelet and the container runtime of the pod's node"
    };
    problem(
        ProblemKind::ServerError,
        doing,
        &format!("not a line of the log, it has no time: {said}"),
        advice,
    )
}

/// A stream ended that should stay open.
pub fn ended(doing: &str) -> Problem {
    problem(
        ProblemKind::Ended,
        doing,
        "the server closed the stream at once",
        KEEPS_TRYING,
    )
}

/// What a failure below HTTP means, from the types of its causes, or from their words where a type is not public.
pub fn explain_transport(error: &(dyn StdError + 'static), doing: &str) -> Problem {
    let why = innermost(error);
    if let Some(error) = causes(error).find_map(<dyn StdError>::downcast_ref::<rustls::Error>) {
        return explain_tls(error, doing);
    }
    if causes(error).any(|cause| {
        cause
            .to_string()
            .starts_with("tunnel error: proxy authorization required")
    }) {
        return proxy_login(doing);
    }
    if causes(error).any(|cause| cause.to_string().starts_with("tunnel error: unsuccessful")) {
        return problem(
            ProblemKind::Refused,
            doing,
            "the proxy refuses to connect to the server",
            "check that the proxy may reach it, or name it in NO_PROXY",
        );
    }
    match transport_kind(error) {
        Some(ProblemKind::Refused) => problem(
            ProblemKind::Refused,
            doing,
            "connection refused: nothing listens there",
            "check that the API server runs and that the kubeconfig's server is right",
        ),
        Some(ProblemKind::Frozen) => problem(
            ProblemKind::Frozen,
            doing,
            "the connection timed out",
            "check the VPN and the route to the server",
        ),
        Some(ProblemKind::Dns) => problem(
            ProblemKind::Dns,
            doing,
            &format!("the server's name can't be resolved: {why}"),
            "check the VPN, /etc/resolv.conf and the kubeconfig's server",
        ),
        Some(ProblemKind::Tls) => tls(doing, &why),
        _ => problem(
            ProblemKind::Reset,
            doing,
            &format!("the connection was cut: {why}"),
            KEEPS_TRYING,
        ),
    }
}

fn explain_tls(error: &rustls::Error, doing: &str) -> Problem {
    let (fault, why) = fault(error);
    let advice = match fault {
        TlsFault::Untrusted => {
            "check certificate-authority of the kubeconfig's cluster; where a proxy opens TLS, its CA belongs there"
        }
        TlsFault::OtherHost => "check server of the kubeconfig's cluster, or set tls-server-name there",
        TlsFault::Expired | TlsFault::NotYetValid => {
            "check this machine's clock; else the server needs a new certificate"
        }
        TlsFault::CaAsServer => {
            "give that very certificate as certificate-authority of the kubeconfig's cluster, or the server one of its own"
        }
        TlsFault::OldVersion => {
            "make the server a version 3 certificate with a subjectAltName; kubectl refuses this one, too"
        }
        TlsFault::OurCertificate => {
            "check client-certificate and client-key of the kubeconfig's user, or log in again"
        }
        TlsFault::NothingInCommon => "the server, or a proxy before it, is too old: update it",
        TlsFault::NotTls => {
            "check server of the kubeconfig's cluster: https where it may be http, or another port"
        }
        TlsFault::Other => "check certificate-authority and server of the kubeconfig's cluster",
    };
    problem(ProblemKind::Tls, doing, &format!("TLS failed: {why}"), advice)
}

fn tls(doing: &str, why: &str) -> Problem {
    problem(
        ProblemKind::Tls,
        doing,
        &format!("TLS failed: {why}"),
        "check certificate-authority and server of the kubeconfig's cluster",
    )
}

fn transport_kind(error: &(dyn StdError + 'static)) -> Option<ProblemKind> {
    causes(error).find_map(|cause| {
        if cause.is::<rustls::Error>() {
            return Some(ProblemKind::Tls);
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return io_kind(io);
        }
        let words = cause.to_string();
        (words.contains("dns error") || words.contains("failed to lookup address"))
            .then_some(ProblemKind::Dns)
    })
}

/// `None`: another cause may tell more.
fn io_kind(error: &io::Error) -> Option<ProblemKind> {
    let words = error.to_string();
    if words.contains("failed to lookup address") || words.contains("dns error") {
        return Some(ProblemKind::Dns);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(ProblemKind::Refused),
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some(ProblemKind::Frozen)
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(ProblemKind::Reset),
        _ => None,
    }
}

/// An error and what caused it, outermost first. An `io::Error` hides the error it was made of from `source()`: it is looked into.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let inner = |error: &'a (dyn StdError + 'static)| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    };
    std::iter::successors(Some(error), move |error| inner(*error)).take(MAX_DEPTH)
}

/// Whether a request failed before there was a connection to send it over.
pub fn is_of_connecting(error: &(dyn StdError + 'static)) -> bool {
    let mut failures =
        causes(error).filter_map(<dyn StdError>::downcast_ref::<hyper_util::client::legacy::Error>);
    failures.any(hyper_util::client::legacy::Error::is_connect)
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    let last = causes(error).last().map(ToString::to_string).unwrap_or_default();
    said(&last)
}

fn problem(kind: ProblemKind, doing: &str, why: &str, advice: &str) -> Problem {
    Problem::new(kind, sentence(doing, why)).advise(advice)
}

fn sentence(doing: &str, why: &str) -> String {
    format!("{doing}: {why}")
}

/// What somebody else said, fit to be repeated: one line, no page, no credential, not long.
pub fn said(text: &str) -> String {
    let text = text.trim();
    let lower = text
        .get(..text.len().min(200))
        .unwrap_or(text)
        .to_ascii_lowercase();
    if lower.starts_with('<') || lower.contains("<html") {
        return "a web page instead of an answer (a proxy or a login page?)".into();
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    truncated(&without_credentials(&line))
}

fn truncated(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

/// Takes out the word after each `Bearer` or `Basic`.
fn without_credentials(line: &str) -> String {
    let mut hide = false;
    let word = |word: &str| {
        let hidden = std::mem::take(&mut hide);
        hide = matches!(
            word.to_ascii_lowercase().trim_matches(['"', '\'', ':']),
            "bearer" | "basic"
        );
        if hidden {
            "[hidden]".to_string()
        } else {
            word.to_string()
        }
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16, reason: &str, message: &str) -> kube::Error {
        kube::Error::Api(Box::new(Status::failure(message, reason).with_code(code)))
    }

    fn io_error(kind: io::ErrorKind) -> kube::Error {
        kube::Error::Service(Box::new(io::Error::from(kind)))
    }

    #[test]
    fn each_answer_of_the_server_has_its_kind_and_what_goes_on_by_itself_needs_no_advice() {
        // the code, the reason, the kind of the problem, and a part of the advice
        let cases = [
            (401, "Unauthorized", ProblemKind::Unauthorized, "log in again"),
            (
                403,
                "Forbidden",
                ProblemKind::Forbidden,
                "ask for this permission",
            ),
            (404, "NotFound", ProblemKind::NotFound, "check server"),
            (410, "Expired", ProblemKind::Gone, ""),
            (429, "TooManyRequests", ProblemKind::Throttled, ""),
            (500, "InternalError", ProblemKind::ServerError, "keeps trying"),
            (504, "Timeout", ProblemKind::ServerError, "keeps trying"),
        ];
        for (code, reason, kind, advice) in cases {
            let problem = explain(&api(code, reason, "why"), "list pods");
            assert_eq!(problem.kind, kind, "{code}");
            let said = problem.advice.unwrap_or_default();
            assert!(said.contains(advice), "{code}: {said}");
            assert_eq!(said.is_empty(), advice.is_empty(), "{code}: {said}");
        }
    }

    #[test]
    fn where_something_is_not_found_the_advice_depends_on_what_it_is() {
        // the kind and the name of what the server does not have, and a part of the advice
        let cases = [
            (Some(("pods", "api-1")), "just deleted"),
            (Some(("deployments", "api")), "name in the profile"),
            (Some(("", "")), "kubeconfig's cluster"),
            (None, "kubeconfig's cluster"),
        ];
        for (object, advice) in cases {
            let details = object.map(|(kind, name)| {
                let details = serde_json::json!({"kind": kind, "name": name});
                serde_json::from_value(details).unwrap()
            });
            let status = Status::failure("why", "NotFound").with_code(404);
            let problem = explain_status(&Status { details, ..status }, "read it");
            assert_eq!(&*problem.what, "read it: not found (404): why");
            assert!(
                problem.advice.is_some_and(|said| said.contains(advice)),
                "{object:?}"
            );
        }
    }

    #[test]
    fn each_failure_of_the_connection_has_its_kind_and_advice() {
        let cases = [
            (
                io::ErrorKind::ConnectionRefused,
                ProblemKind::Refused,
                "the API server runs",
            ),
            (io::ErrorKind::ConnectionReset, ProblemKind::Reset, "keeps trying"),
            (io::ErrorKind::UnexpectedEof, ProblemKind::Reset, "keeps trying"),
            (io::ErrorKind::TimedOut, ProblemKind::Frozen, "check the VPN"),
        ];
        for (io, kind, advice) in cases {
            let problem = explain(&io_error(io), "list pods");
            assert_eq!(problem.kind, kind, "{io}");
            assert!(problem.advice.is_some_and(|said| said.contains(advice)), "{io}");
        }
        assert!(
            ended("follow a log")
                .advice
                .is_some_and(|said| said.contains("keeps trying"))
        );
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_a_matter_of_tls() {
        let cause = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = kube::Error::Service(Box::new(io::Error::new(io::ErrorKind::InvalidData, cause)));
        let problem = explain(&error, "ask for the version");
        assert_eq!(problem.kind, ProblemKind::Tls);
        assert!(problem.what.contains("UnknownIssuer"), "{problem}");
    }

    /// A client whose connections fail.
    async fn failing_to_connect(cause: rustls::Error) -> kube::Error {
        let connect = tower::service_fn(move |_: http::Uri| {
            let error = io::Error::new(io::ErrorKind::InvalidData, cause.clone());
            std::future::ready(Err::<hyper_util::rt::TokioIo<tokio::net::TcpStream>, _>(error))
        });
        let executor = hyper_util::rt::TokioExecutor::new();
        let client = hyper_util::client::legacy::Client::builder(executor)
            .build::<_, http_body_util::Empty<hyper::body::Bytes>>(connect);
        let error = client
            .get(http::Uri::from_static("https://api.test"))
            .await
            .unwrap_err();
        kube::Error::Service(Box::new(error))
    }

    #[tokio::test]
    async fn what_fails_before_there_is_a_connection_is_told_from_what_fails_on_it() {
        let cause = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = failing_to_connect(cause).await;
        assert!(is_of_connecting(&error));
        assert_eq!(explain(&error, "delete pod api-1").kind, ProblemKind::Tls);
        let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        let error = kube::Error::Service(Box::new(error));
        assert!(!is_of_connecting(&error));
        assert_eq!(explain(&error, "delete pod api-1").kind, ProblemKind::Tls);
    }

    #[test]
    fn a_name_without_an_address_is_a_matter_of_dns() {
        let cause = io::Error::other("failed to lookup address information: Name or service not known");
        let problem = explain(&kube::Error::Service(Box::new(cause)), "ask for the version");
        assert_eq!(problem.kind, ProblemKind::Dns);
    }

    #[test]
    fn the_sentence_says_what_was_tried_and_what_the_server_said() {
        let message = "pods is forbidden: User \"oncall\" cannot watch resource \"pods\"";
        let problem = explain(
            &api(403, "Forbidden", message),
            "watch pods in managed-services-stage",
        );
        assert_eq!(
            &*problem.what,
            "watch pods in managed-services-stage: forbidden (403): pods is forbidden: User \"oncall\" cannot watch resource \"pods\""
        );
        assert!(
            explain(&api(401, "", ""), "x")
                .advice
                .is_some_and(|advice| advice.contains("oc login"))
        );
    }

    #[test]
    fn no_page_no_token_and_no_novel_is_repeated() {
        assert!(said("<!DOCTYPE html><html><body>Sign in</body></html>").contains("web page"));
        assert_eq!(
            said("bad header Authorization: Bearer sha256~abc def"),
            "bad header Authorization: Bearer [hidden] def"
        );
        assert_eq!(said(&"x".repeat(5_000)).chars().count(), MAX_TEXT + 1);
        assert_eq!(said("two\nlines"), "two lines");
    }

    #[test]
    fn hostile_bytes_of_a_server_do_not_survive() {
        let problem = explain(
            &api(500, "", "boom \u{1b}]52;c;AAAA\u{7} \u{202e}evil"),
            "list pods",
        );
        assert!(!problem.what.chars().any(char::is_control), "{problem}");
        assert!(!problem.what.contains('\u{202e}'));
    }
}
