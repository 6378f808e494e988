//! Errors of the Kubernetes client as problems for the operator. This is the one place that words them.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use kube::client::AuthError;
use kube::core::Status;

use sopwatch_core::observe::source::{Problem, ProblemKind};

/// The longest text of a server that is repeated.
const MAX_TEXT: usize = 300;

/// How deep causes are looked through: a chain that is longer is a circle.
const MAX_DEPTH: usize = 16;

/// What an error means. `doing` says what was tried on what: `watch pods in managed-services-stage`.
pub fn explain(error: &kube::Error, doing: &str) -> Problem {
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

/// Why there are no credentials. What a credential plugin printed, and how it was called, may hold a secret: only what it said on standard
/// error, last, is repeated.
fn explain_credentials(error: &AuthError, doing: &str) -> Problem {
    let why = match error {
        AuthError::AuthExecRun { out, .. } => {
            let complaint = String::from_utf8_lossy(&out.stderr);
            let last = complaint
                .lines()
                .rev()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("it printed nothing");
            format!("the credential plugin failed ({}): {}", out.status, said(last))
        }
        AuthError::AuthExecStart(cause) => format!("the credential plugin can't be started: {cause}"),
        AuthError::ReadTokenFile(cause, path) => format!("token file {}: {cause}", path.display()),
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed | AuthError::MissingCommand => {
            "the credential plugin returned no credential".into()
        }
        _ => "the kubeconfig's user can't be used".into(),
    };
    let advice = "run the kubeconfig's credential plugin in a shell, or log in again (oc login)";
    problem(
        ProblemKind::Unauthorized,
        doing,
        &format!("no credentials: {why}"),
        advice,
    )
}

/// What an answer that is an error means.
pub fn explain_status(status: &Status, doing: &str) -> Problem {
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
        (404, _) => Problem::new(
            ProblemKind::NotFound,
            sentence(doing, &format!("not found (404): {said}")),
        ),
        (410, _) | (_, "Expired" | "Gone") => Problem::new(
            ProblemKind::Gone,
            sentence(
                doing,
                "the server no longer has this version (410): reading again",
            ),
        ),
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
        (code, _) => Problem::new(
            ProblemKind::ServerError,
            sentence(doing, &format!("the server answers {code}: {said}")),
        ),
    }
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

/// A stream ended that should stay open.
pub fn ended(doing: &str) -> Problem {
    Problem::new(
        ProblemKind::Ended,
        sentence(doing, "the server closed the stream at once"),
    )
}

/// What a failure below HTTP means, from the types of its causes, or from their words where a type is not public.
pub fn explain_transport(error: &(dyn StdError + 'static), doing: &str) -> Problem {
    let why = innermost(error);
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
        _ => Problem::new(
            ProblemKind::Reset,
            sentence(doing, &format!("the connection was cut: {why}")),
        ),
    }
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
    fn each_answer_of_the_server_has_its_kind() {
        let cases = [
            (401, "Unauthorized", ProblemKind::Unauthorized),
            (403, "Forbidden", ProblemKind::Forbidden),
            (404, "NotFound", ProblemKind::NotFound),
            (410, "Expired", ProblemKind::Gone),
            (429, "TooManyRequests", ProblemKind::Throttled),
            (500, "InternalError", ProblemKind::ServerError),
            (504, "Timeout", ProblemKind::ServerError),
        ];
        for (code, reason, kind) in cases {
            assert_eq!(
                explain(&api(code, reason, "why"), "list pods").kind,
                kind,
                "{code}"
            );
        }
    }

    #[test]
    fn each_failure_of_the_connection_has_its_kind() {
        let cases = [
            (io::ErrorKind::ConnectionRefused, ProblemKind::Refused),
            (io::ErrorKind::ConnectionReset, ProblemKind::Reset),
            (io::ErrorKind::UnexpectedEof, ProblemKind::Reset),
            (io::ErrorKind::TimedOut, ProblemKind::Frozen),
        ];
        for (io, kind) in cases {
            assert_eq!(explain(&io_error(io), "list pods").kind, kind, "{io}");
        }
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_a_matter_of_tls() {
        let cause = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = kube::Error::Service(Box::new(io::Error::new(io::ErrorKind::InvalidData, cause)));
        let problem = explain(&error, "ask for the version");
        assert_eq!(problem.kind, ProblemKind::Tls);
        assert!(problem.what.contains("UnknownIssuer"), "{problem}");
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
