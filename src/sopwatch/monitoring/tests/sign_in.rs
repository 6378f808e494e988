//! Credentials go to the configured server, over a way that keeps them secret, and nowhere else.

use std::time::Duration;

use http::header::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::http_client::HttpClient;
use super::super::options::{Credential, Secret};
use super::server::{Exchange, Server};
use super::{endpoint, token};
use sopwatch_core::observe::source::ProblemKind;

#[tokio::test]
async fn a_token_and_a_password_are_sent_to_the_configured_server() {
    let server = Server::always(Exchange::json("{}")).await;
    let basic = Credential::Basic {
        user: "oncall".to_owned(),
        password: Secret::Variable("PASSWORD".to_owned(), "pass".to_owned().into()),
    };
    for credential in [Credential::None, token("t0ken"), basic] {
        let mut endpoint = endpoint(&server.address);
        endpoint.credential = credential;
        let client = HttpClient::new(endpoint).unwrap();
        client.get("read", "/api", &[]).await.unwrap();
    }
    let sent: Vec<_> = server
        .asked()
        .into_iter()
        .map(|asked| asked.authorization)
        .collect();
    let expected = [None, Some("Bearer t0ken"), Some("Basic b25jYWxsOnBhc3M=")];
    assert_eq!(sent, expected.map(|text| text.map(str::to_owned)));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_stays() {
    let other = Server::always(Exchange::json("{}")).await;
    let mut redirect = Exchange::json("").status(302);
    let location = HeaderValue::from_str(&format!("{}/oauth/start", other.address)).unwrap();
    redirect.headers.insert("location", location);
    let server = Server::always(redirect).await;
    let mut endpoint = endpoint(&server.address);
    endpoint.credential = token("t0ken");
    let client = HttpClient::new(endpoint).unwrap();
    let reply = client.get("read metrics", "/api/v1/query", &[]).await.unwrap();
    let refusal = super::super::refusals::refusal(&client, "read metrics", "Prometheus", &reply);
    assert_eq!(refusal.problem.kind, ProblemKind::Unauthorized);
    assert!(
        refusal.problem.what.contains("redirects are not followed"),
        "{refusal:?}"
    );
    assert_eq!(other.asked(), []);
}

#[tokio::test]
async fn no_credential_goes_over_plain_http_to_another_machine() {
    // the address, whether a credential may go there
    let table = [
        ("http://prometheus.test:9090", false),
        ("http://10.0.0.1:9090", false),
        ("https://prometheus.test", true),
        ("http://127.0.0.1:9090", true),
        ("http://localhost:9090", true),
        ("http://[::1]:9090", true),
    ];
    for (address, may) in table {
        let mut signed = endpoint(address);
        signed.credential = token("t0ken");
        let made = HttpClient::new(signed);
        assert_eq!(made.is_ok(), may, "{address}");
        if let Err(problem) = made {
            assert_eq!(problem.kind, ProblemKind::Configuration);
            assert!(!problem.what.contains("t0ken"));
        }
        assert!(
            HttpClient::new(endpoint(address)).is_ok(),
            "{address} without a credential"
        );
    }
}

#[tokio::test]
async fn a_credential_in_a_file_is_read_with_each_request_and_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let server = Server::always(Exchange::json("{}")).await;
    let mut endpoint = endpoint(&server.address);
    endpoint.credential = Credential::Bearer(Secret::File(file.clone()));
    let client = HttpClient::new(endpoint).unwrap();
    let missing = client.get("read", "/", &[]).await.unwrap_err();
    assert_eq!(missing.kind, ProblemKind::SecretMissing);
    std::fs::write(&file, " \n").unwrap();
    let empty = client.get("read", "/", &[]).await.unwrap_err();
    assert!(empty.what.contains("it is empty"), "{empty}");
    for text in ["one\n", "two"] {
        std::fs::write(&file, text).unwrap();
        client.get("read", "/", &[]).await.unwrap();
    }
    let sent: Vec<_> = server
        .asked()
        .into_iter()
        .filter_map(|asked| asked.authorization)
        .collect();
    assert_eq!(sent, ["Bearer one", "Bearer two"]);
}

#[test]
fn no_secret_is_in_what_is_printed_of_the_options() {
    let mut endpoint = endpoint("https://prometheus.test");
    endpoint.credential = token("t0ken");
    let printed = format!("{endpoint:?}");
    assert!(
        printed.contains("TOKEN") && !printed.contains("t0ken"),
        "{printed}"
    );
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_none() {
    let large = "x".repeat((4 << 20) + 1);
    let server = Server::always(Exchange::json(&large)).await;
    let client = HttpClient::new(endpoint(&server.address)).unwrap();
    let problem = client.get("read metrics", "/", &[]).await.unwrap_err();
    assert!(problem.what.contains("larger than 4 MiB"), "{problem}");
    let server = Server::always(Exchange::json(&large[..4 << 20])).await;
    let client = HttpClient::new(endpoint(&server.address)).unwrap();
    assert!(client.get("read metrics", "/", &[]).await.is_ok());
}

/// The address of a server that answers each request so and hangs up; `None`: it says nothing.
async fn saying(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut silent = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let Some(answer) = answer else {
                silent.push(connection);
                continue;
            };
            let _request = connection.read(&mut [0; 1024]).await.unwrap();
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn each_failure_of_the_connection_has_its_kind_and_advice() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let no_tls = Server::always(Exchange::json("{}")).await;
    let no_tls = no_tls.address.replace("http:", "https:");
    let (cut, silent) = (saying(Some("")).await, saying(None).await);
    let half = saying(Some("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}")).await;
    // the address, the path, the kind of the problem, a part of the sentence, and a part of the advice
    let table = [
        (
            &*closed,
            "/",
            ProblemKind::Refused,
            "connection refused",
            "url and port",
        ),
        (
            "http://no-such-host.invalid",
            "/",
            ProblemKind::Dns,
            "resolved",
            "host in the configured url",
        ),
        (&*no_tls, "/", ProblemKind::Tls, "", "ca-file"),
        (&*cut, "/", ProblemKind::Reset, "", "keeps trying"),
        (
            &*half,
            "/",
            ProblemKind::Reset,
            "the answer was cut off",
            "keeps trying",
        ),
        (
            &*silent,
            "/",
            ProblemKind::Frozen,
            "no answer within 1s",
            "the server's load",
        ),
        (
            &*closed,
            "/a b",
            ProblemKind::Configuration,
            "url or path is not valid",
            "correct the url",
        ),
    ];
    for (address, path, kind, why, advice) in table {
        let mut endpoint = endpoint(address);
        if kind == ProblemKind::Frozen {
            endpoint.limit = Duration::from_secs(1);
        }
        let client = HttpClient::new(endpoint).unwrap();
        let problem = client.get("read metrics", path, &[]).await.unwrap_err();
        assert_eq!(problem.kind, kind, "{address}: {problem}");
        assert!(problem.what.contains(why), "{address}: {problem}");
        let said = problem.advice.unwrap_or_default();
        assert!(said.contains(advice), "{address}: {said}");
    }
}
