//! Certificates, as `kubectl` judges them: which are trusted, and which sentence names the one that is not.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::connecting::{Running, answer, kubeconfig};
use sopwatch_core::observe::observation::Connection;
use sopwatch_core::observe::source::{Problem, ProblemKind};

const V1: &str = include_str!("certificates/v1.pem");
const V1_KEY: &str = include_str!("certificates/v1.key");

/// A certificate and its key, PEM.
struct Pair {
    certificate: String,
    key: String,
}

fn parameters(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn self_signed(parameters: &CertificateParams) -> Pair {
    let key = KeyPair::generate().unwrap();
    Pair {
        certificate: parameters.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn authority() -> CertificateParams {
    let mut parameters = parameters(&["127.0.0.1"]);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
}

/// A CA's certificate, and one that it signed.
fn signed(of: &CertificateParams) -> (String, Pair) {
    let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let ca = authority();
    let certificate = ca.self_signed(&ca_key).unwrap().pem();
    let signed = of.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    let pair = Pair {
        certificate: signed.pem(),
        key: key.serialize_pem(),
    };
    (certificate, pair)
}

/// Takes any certificate of a client, and keeps it.
#[derive(Debug, Default)]
struct AnyClient(Mutex<Vec<Vec<u8>>>);

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn client_auth_mandatory(&self) -> bool {
        false
    }
    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.0.lock().unwrap().push(certificate.to_vec());
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.verify_tls12_signature(message, certificate, signature)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::RSA_PSS_SHA256,
        ]
    }
}

async fn serve(pair: &Pair, clients: Arc<AnyClient>) -> SocketAddr {
    let provider = rustls::crypto::ring::default_provider();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
            vec![certificate],
            key,
        ))));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service =
                    service_fn(|request| async move { Ok::<_, Infallible>(answer(&request, "known")) });
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

/// What becomes of a connection to a server with this certificate, with this CA in the kubeconfig, and these other settings of cluster and user.
async fn connect(pair: &Pair, ca: Option<&str>, cluster: &str, user: &str) -> Result<Connection, Problem> {
    let server = format!("https://{}", serve(pair, Arc::default()).await);
    connect_to(&server, ca, cluster, user).await
}

async fn connect_to(
    server: &str,
    ca: Option<&str>,
    cluster: &str,
    user: &str,
) -> Result<Connection, Problem> {
    let ca = ca.map_or_else(String::new, |ca| {
        format!(", certificate-authority-data: {}", BASE64_STANDARD.encode(ca))
    });
    let text = kubeconfig(server, &format!("{{token: known{user}}}"));
    let text = text.replace(
        &format!("server: '{server}'"),
        &format!("server: '{server}'{ca}{cluster}"),
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let mut running = Running::on(file.path());
    running.connection_or_problem().await
}

#[tokio::test]
async fn a_servers_own_certificate_may_be_given_as_its_ca() {
    let (_, leaf) = signed(&parameters(&["127.0.0.1"]));
    let cases = [
        ("self-signed, a CA", self_signed(&authority())),
        ("self-signed", self_signed(&parameters(&["127.0.0.1"]))),
        ("signed by another", leaf),
    ];
    for (name, pair) in cases {
        let connection = connect(&pair, Some(&pair.certificate), "", "").await;
        let connection = connection.unwrap_or_else(|problem| unreachable!("{name}: {problem}"));
        assert_eq!(&*connection.user, "oncall", "{name}");
        assert!(!connection.unverified);
    }
}

#[tokio::test]
async fn a_certificate_that_is_given_must_still_name_the_host_and_be_in_its_time() {
    let mut over = authority();
    over.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let mut to_come = authority();
    to_come.not_before = rcgen::date_time_ymd(2100, 1, 1);
    let elsewhere = parameters(&["api.elsewhere.example", "10.1.2.3"]);
    let cases = [
        (over, "the server's certificate has expired", "clock"),
        (to_come, "the server's certificate is not valid yet", "clock"),
        (
            elsewhere,
            "the server's certificate is for api.elsewhere.example, 10.1.2.3, not for 127.0.0.1",
            "tls-server-name",
        ),
        (
            parameters(&[]),
            "the server's certificate is for no host (it has no subjectAltName), not for 127.0.0.1",
            "tls-server-name",
        ),
    ];
    for (parameters, words, advice) in cases {
        let pair = self_signed(&parameters);
        let problem = connect(&pair, Some(&pair.certificate), "", "").await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Tls, "{problem}");
        assert!(
            problem.what.ends_with(&format!("TLS failed: {words}")),
            "{problem}"
        );
        assert!(problem.advice.as_deref().unwrap().contains(advice), "{problem:?}");
    }
}

#[tokio::test]
async fn a_name_for_tls_takes_the_place_of_the_host() {
    let pair = self_signed(&parameters(&["api.elsewhere.example"]));
    let cluster = ", tls-server-name: api.elsewhere.example";
    let connection = connect(&pair, Some(&pair.certificate), cluster, "").await;
    assert_eq!(&*connection.unwrap().user, "oncall");
    let problem = connect(&pair, Some(&pair.certificate), ", tls-server-name: 'a b'", "").await;
    assert!(
        problem
            .unwrap_err()
            .what
            .contains("tls-server-name a b is not a host name")
    );
}

#[tokio::test]
async fn an_authority_that_is_not_given_is_not_trusted() {
    let (ca, leaf) = signed(&parameters(&["127.0.0.1"]));
    assert!(connect(&leaf, Some(&ca), "", "").await.is_ok());
    let mut named = authority();
    named
        .distinguished_name
        .push(rcgen::DnType::CommonName, "another authority");
    let cases = [
        (self_signed(&named), "an authority that is not trusted here"),
        (
            self_signed(&authority()),
            "an authority of the same name as the one given, with another key",
        ),
    ];
    for (other, words) in cases {
        let problem = connect(&leaf, Some(&other.certificate), "", "")
            .await
            .unwrap_err();
        assert!(problem.what.contains(words), "{problem}");
        assert!(problem.advice.unwrap().contains("certificate-authority"));
    }
    let problem = connect(&self_signed(&named), Some(&ca), "", "")
        .await
        .unwrap_err();
    assert!(
        problem.what.contains("presents a CA certificate as its own"),
        "{problem}"
    );
    assert!(problem.advice.unwrap().contains("give that very certificate"));
}

#[tokio::test]
async fn a_certificate_of_version_1_is_named_as_that() {
    let pair = Pair {
        certificate: V1.into(),
        key: V1_KEY.into(),
    };
    let (ca, _) = signed(&parameters(&["127.0.0.1"]));
    for ca in [V1, ca.as_str()] {
        let problem = connect(&pair, Some(ca), "", "").await.unwrap_err();
        assert!(
            problem
                .what
                .ends_with("the server's certificate is X.509 version 1, which can't name its hosts"),
            "{problem}"
        );
        assert!(problem.advice.unwrap().contains("subjectAltName"));
    }
}

#[tokio::test]
async fn a_connection_that_is_not_verified_says_so() {
    let pair = self_signed(&parameters(&["api.elsewhere.example"]));
    let connection = connect(&pair, None, ", insecure-skip-tls-verify: true", "")
        .await
        .unwrap();
    assert!(connection.unverified);
}

#[tokio::test]
async fn a_client_certificate_may_be_of_version_1() {
    let clients = Arc::new(AnyClient::default());
    let pair = self_signed(&parameters(&["127.0.0.1"]));
    let server = format!("https://{}", serve(&pair, Arc::clone(&clients)).await);
    let user = format!(
        ", client-certificate-data: {}, client-key-data: {}",
        BASE64_STANDARD.encode(V1),
        BASE64_STANDARD.encode(V1_KEY)
    );
    let connection = connect_to(&server, Some(&pair.certificate), "", &user)
        .await
        .unwrap();
    assert_eq!(
        connection.expires_at.map(|at| at.to_string()).as_deref(),
        Some("2126-11-05T07:54:19Z")
    );
    let sent = clients.0.lock().unwrap().first().cloned().unwrap();
    assert_eq!(
        sent,
        CertificateDer::from_pem_slice(V1.as_bytes()).unwrap().to_vec()
    );
}

#[tokio::test]
async fn a_client_certificate_that_can_not_be_used_is_named() {
    let pair = self_signed(&parameters(&["127.0.0.1"]));
    let other = self_signed(&parameters(&["x"]));
    let encrypted = other.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let cases = [
        (
            pair.certificate.as_str(),
            other.key.as_str(),
            "it does not belong to the client certificate",
        ),
        (
            pair.certificate.as_str(),
            encrypted.as_str(),
            "it is encrypted with a password",
        ),
        (
            pair.certificate.as_str(),
            "nothing",
            "it is not a private key in PEM",
        ),
        (
            "nothing",
            other.key.as_str(),
            "client certificate can't be used: it is not PEM",
        ),
        (pair.certificate.as_str(), "", "its key is missing"),
        ("", other.key.as_str(), "its certificate is missing"),
    ];
    for (certificate, key, words) in cases {
        let user = format!(
            ", client-certificate-data: '{}', client-key-data: '{}'",
            BASE64_STANDARD.encode(certificate),
            BASE64_STANDARD.encode(key)
        );
        let problem = connect(&pair, Some(&pair.certificate), "", &user)
            .await
            .unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Configuration, "{problem}");
        assert!(problem.what.contains(words), "{words}: {problem}");
    }
}
