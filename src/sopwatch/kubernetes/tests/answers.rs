//! Answers that are not the API server's own: login pages, proxies, and those that ask to wait.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::clock::run;
use super::connecting::{Running, kubeconfig};
use super::console::{Console, pod};
use super::fake::{Fake, Reply, failure};
use sopwatch_core::observe::observation::{Access, Observation};
use sopwatch_core::observe::source::{Problem, ProblemKind, SourceId, SourceState};

/// A server that always answers this.
async fn serve(
    code: u16,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |_request| async move {
                let mut answer = hyper::Response::builder().status(code);
                for (name, value) in headers {
                    answer = answer.header(*name, *value);
                }
                Ok::<_, Infallible>(answer.body(Full::new(Bytes::from(body))).unwrap())
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn problem_of(server: SocketAddr) -> Problem {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), kubeconfig(&format!("http://{server}"), "{token: x}")).unwrap();
    Running::on(file.path()).problem().await
}

#[tokio::test]
async fn a_redirect_to_a_login_page_is_named_without_its_query() {
    let to = &[("location", "https://sso.example/login?state=s3cret")];
    let problem = problem_of(serve(302, to, "<html>").await).await;
    assert!(
        problem.what.ends_with(
            "the server sends us to sso.example (302): a login page or a proxy, not a Kubernetes API"
        ),
        "{problem}"
    );
    assert!(problem.advice.unwrap().contains("wants a login in a browser"));
    let problem = problem_of(serve(307, &[], "").await).await;
    assert!(problem.what.contains("sends us elsewhere (307)"), "{problem}");
}

#[tokio::test]
async fn a_login_page_without_a_redirect_is_named() {
    let problem = problem_of(serve(200, &[], "<!DOCTYPE html><html>Sign in</html>").await).await;
    assert!(problem.advice.unwrap().contains("login page"), "{}", problem.what);
}

/// What is said through a proxy that answers this to `CONNECT`.
async fn through_proxy(answer: &'static str) -> Problem {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let server = "https://api.example:6443";
    let text = kubeconfig(server, "{token: x}");
    let text = text.replace(
        &format!("server: '{server}'"),
        &format!("server: '{server}', proxy-url: 'http://{proxy}'"),
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Running::on(file.path()).problem().await
}

#[tokio::test]
async fn a_proxy_that_wants_a_login_or_refuses_is_named() {
    let problem =
        through_proxy("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n")
            .await;
    assert!(
        problem.what.ends_with("the proxy wants a login (407)"),
        "{problem}"
    );
    assert!(
        problem
            .advice
            .unwrap()
            .contains("http://user:password@proxy:port")
    );
    let problem = through_proxy("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    assert!(
        problem
            .what
            .ends_with("the proxy refuses to connect to the server"),
        "{problem}"
    );
    assert!(problem.advice.unwrap().contains("NO_PROXY"));
}

#[tokio::test]
async fn retry_after_is_read_from_the_header() {
    for code in [429, 503] {
        let server = serve(code, &[("retry-after", "40")], "slow down").await;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), kubeconfig(&format!("http://{server}"), "{token: x}")).unwrap();
        let (problem, retry_in) = Running::on(file.path())
            .until(|observation| match observation {
                Observation::Source(
                    SourceId::Api,
                    SourceState::Failing {
                        problem, retry_in, ..
                    },
                ) => Some((problem, retry_in)),
                _ => None,
            })
            .await;
        assert!(
            problem.what.ends_with("slow down; it asks to wait 40 s"),
            "{problem}"
        );
        assert_eq!(retry_in, Duration::from_secs(40), "{code}");
    }
}

fn asks_to_wait(code: u16, seconds: u32) -> Reply {
    let mut status = failure(code, "TooManyRequests", "too many requests");
    status["details"] = json!({"retryAfterSeconds": seconds});
    Reply::Json(code, status)
}

#[test]
fn no_stream_asks_again_before_the_server_wishes() {
    run(async {
        for (code, seconds, longest) in [(429, 40, 40), (503, 30, 30), (429, 100_000, 300)] {
            for needle in [
                "pods?",
                "pods? watch",
                "/version",
                "selfsubjectreviews",
                "selfsubjectrulesreviews",
                "/log?",
                "metrics.k8s.io",
            ] {
                let fake = Fake::new();
                fake.apply("pods", pod("api-1"));
                fake.always(needle, move || asks_to_wait(code, seconds));
                let mut console = Console::on(&fake);
                console.listen(Duration::from_secs(longest * 3)).await;
                let refused: Vec<_> = fake.pauses(needle);
                assert!(!refused.is_empty(), "{needle}");
                let too_soon = refused
                    .iter()
                    .filter(|pause| **pause < Duration::from_secs(longest));
                assert_eq!(too_soon.count(), 0, "{code} {needle}: {refused:?}");
            }
        }
    });
}

fn rules(incomplete: bool) -> Value {
    let rule = |verbs: &[&str], group: &str, resources: &[&str], names: &[&str]| json!({"verbs": verbs, "apiGroups": [group], "resources": resources, "resourceNames": names});
    json!({"metadata": {}, "spec": {}, "status": {"incomplete": incomplete, "nonResourceRules": [], "resourceRules": [
        rule(&["get", "list", "watch"], "", &["pods", "events", "pods/log"], &[]),
        rule(&["get", "list", "watch"], "apps", &["*"], &[]),
        rule(&["*"], "*", &["*/scale"], &["managed-services-api"]),
        rule(&["get"], "", &["secrets"], &["another"]),
    ]}})
}

async fn rights(console: &mut Console) -> Vec<Access> {
    console
        .until("rights", |observation| {
            matches!(observation, Observation::Access(_))
        })
        .await;
    let last = console
        .told
        .iter()
        .rev()
        .find_map(|(_, observation)| match observation {
            Observation::Access(access) => Some(access.clone()),
            _ => None,
        });
    last.unwrap_or_default()
}

fn allowed(rights: &[Access], permission: &str) -> Option<bool> {
    let of = |access: &&Access| {
        let asked = &access.permission;
        let sub = if asked.subresource.is_empty() { "" } else { "/" };
        format!(
            "{} {}{sub}{}",
            &*asked.verb, &*asked.resource, &*asked.subresource
        ) == permission
    };
    rights
        .iter()
        .find(of)
        .unwrap_or_else(|| unreachable!("{permission}"))
        .allowed
}

#[test]
fn one_review_of_the_rules_answers_all() {
    run(async {
        let fake = Fake::new();
        fake.always("selfsubjectrulesreviews", || Reply::Json(201, rules(false)));
        let mut console = Console::on(&fake);
        let rights = rights(&mut console).await;
        let cases = [
            ("get pods", true),
            ("watch events", true),
            ("get pods/log", true),
            ("delete pods", false),
            ("get pods/proxy", false),
            ("list replicasets", true),
            ("patch deployments", false),
            ("patch deployments/scale", true),
            ("list horizontalpodautoscalers", false),
        ];
        for (permission, expected) in cases {
            assert_eq!(allowed(&rights, permission), Some(expected), "{permission}");
        }
        console.listen(Duration::from_mins(2)).await;
        assert_eq!(fake.asked("selfsubjectrulesreviews").len(), 1);
        assert_eq!(fake.asked("selfsubjectaccessreviews").len(), 0);
    });
}

#[test]
fn a_right_that_was_given_is_known_as_soon_as_the_operator_asks() {
    run(async {
        let fake = Fake::new();
        fake.always("selfsubjectrulesreviews", || Reply::Json(201, rules(false)));
        let mut console = Console::on(&fake);
        assert_eq!(allowed(&rights(&mut console).await, "delete pods"), Some(false));
        let mut with_delete = rules(false);
        with_delete["status"]["resourceRules"][0]["verbs"] = json!(["get", "list", "watch", "delete"]);
        fake.heal();
        fake.always("selfsubjectrulesreviews", move || {
            Reply::Json(201, with_delete.clone())
        });
        console.listen(Duration::from_mins(1)).await;
        assert_eq!(allowed(&rights_so_far(&console), "delete pods"), Some(false));
        console.reviews.send_modify(|reviews| *reviews += 1);
        assert_eq!(allowed(&rights(&mut console).await, "delete pods"), Some(true));
        // However often that is.
        let before = fake.asked("selfsubjectrulesreviews").len();
        for _ in 0..100 {
            console.reviews.send_modify(|reviews| *reviews += 1);
            console.listen(Duration::from_millis(100)).await;
        }
        let reviews = fake.asked("selfsubjectrulesreviews").len() - before;
        assert!((4..=5).contains(&reviews), "{reviews} in 10 s");
    });
}

#[test]
fn what_incomplete_rules_leave_open_is_asked_one_by_one_and_once() {
    run(async {
        let fake = Fake::new();
        fake.always("selfsubjectrulesreviews", || Reply::Json(201, rules(true)));
        let mut answered = 0;
        fake.rule("selfsubjectaccessreviews", move |_| {
            answered += 1;
            (answered == 3).then(|| Reply::Json(500, failure(500, "InternalError", "not now")))
        });
        let mut console = Console::on(&fake);
        console.fails(&SourceId::Access, ProblemKind::ServerError).await;
        console.listen(Duration::from_secs(20)).await;
        let rights = rights_so_far(&console);
        assert_eq!(
            allowed(&rights, "delete pods"),
            Some(true),
            "the fake allows what is asked one by one"
        );
        let open = rights.len() - 15;
        assert_eq!(fake.asked("selfsubjectrulesreviews").len(), 1);
        assert_eq!(
            fake.asked("selfsubjectaccessreviews").len(),
            open + 1,
            "{rights:?}"
        );
    });
}

#[test]
fn a_server_that_refuses_the_rules_is_asked_one_by_one() {
    for code in [403, 404, 405, 500] {
        run(async move {
            let fake = Fake::new();
            fake.always("selfsubjectrulesreviews", move || {
                Reply::Json(code, failure(code, "", "no rules here"))
            });
            let mut console = Console::on(&fake);
            let rights = rights(&mut console).await;
            assert!(
                rights.iter().all(|access| access.allowed == Some(true)),
                "{code}: {rights:?}"
            );
            assert_eq!(fake.asked("selfsubjectaccessreviews").len(), rights.len());
        });
    }
}

fn rights_so_far(console: &Console) -> Vec<Access> {
    let last = console
        .told
        .iter()
        .rev()
        .find_map(|(_, observation)| match observation {
            Observation::Access(access) => Some(access.clone()),
            _ => None,
        });
    last.unwrap_or_default()
}
