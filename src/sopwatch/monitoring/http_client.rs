//! One server over HTTP: a request, its credential, and the whole answer up to a limit.

use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::options::{Credential, Endpoint, Secret};
use crate::net::trust::system_authorities;
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// Bytes of an answer that are read.
pub(super) const MAX_ANSWER: usize = 4 << 20;

/// Addresses that are longer go as a form.
pub(super) const LONG_ADDRESS: usize = 2_000;

/// What the server's log knows us by.
const AGENT: &str = concat!("sopwatch/", env!("CARGO_PKG_VERSION"));

/// Bytes of a file that may be a token.
const MAX_TOKEN: u64 = 64 << 10;

/// An answer, whatever it says.
#[derive(Debug)]
pub(super) struct Reply {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// Its body, whole.
    pub(super) body: Bytes,
}

impl Reply {
    /// The media type without parameters, in lower case.
    pub(super) fn content_type(&self) -> String {
        let value = self.headers.get(CONTENT_TYPE);
        let value = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = value.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A client of one server. `doing` of its requests begins every message: `read metrics`.
pub(super) struct HttpClient {
    endpoint: Endpoint,
    /// `None` where the API server makes the connection.
    sender: Option<Sender>,
}

enum Sender {
    Direct(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
    Tunnel(Client<HttpsConnector<Tunnel<HttpConnector>>, Full<Bytes>>),
    Socks(Client<HttpsConnector<SocksV5<HttpConnector>>, Full<Bytes>>),
}

impl HttpClient {
    /// A client that has not connected yet.
    ///
    /// # Errors
    /// The CA file, the proxy or the credential can't be used.
    pub(super) fn new(endpoint: Endpoint) -> Result<Self, Problem> {
        // Fails only if it is set already, which is what is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if !matches!(endpoint.credential, Credential::None)
            && !endpoint.is_private()
            && endpoint.through_cluster.is_none()
        {
            let what = format!(
                "sign in to {}: its address is plain http, and the credential would be readable on the way",
                endpoint.host()
            );
            return Err(Problem::new(ProblemKind::Configuration, &what).advise("configure its https address"));
        }
        let sender = match endpoint.through_cluster {
            Some(_) => None,
            None => Some(sender(&endpoint, tls_config(endpoint.ca_file.as_deref())?)?),
        };
        Ok(Self { endpoint, sender })
    }

    /// The server.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks with everything in the address.
    ///
    /// # Errors
    /// No whole answer came.
    pub(super) async fn get(
        &self,
        doing: &str,
        path: &str,
        params: &[(&str, &str)],
    ) -> Result<Reply, Problem> {
        let query = encode(params);
        if let Some(through) = &self.endpoint.through_cluster {
            let mut whole = format!("{}{path}", self.endpoint.base.path().trim_end_matches('/'));
            if !query.is_empty() {
                whole.push('?');
                whole.push_str(&query);
            }
            let sent = (through.read)(whole);
            return match timeout(self.endpoint.limit, sent).await {
                Ok(answered) => answered.map(|(status, headers, body)| Reply {
                    status,
                    headers,
                    body,
                }),
                Err(_elapsed) => Err(self.frozen(doing)),
            };
        }
        self.send(doing, Method::GET, path, &query, None).await
    }

    /// Asks with a form; `in_address` stays in the address.
    ///
    /// # Errors
    /// No whole answer came.
    pub(super) async fn post(
        &self,
        doing: &str,
        path: &str,
        in_address: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Result<Reply, Problem> {
        let (query, form) = (encode(in_address), encode(form));
        self.send(doing, Method::POST, path, &query, Some(form)).await
    }

    async fn send(
        &self,
        doing: &str,
        method: Method,
        path: &str,
        query: &str,
        form: Option<String>,
    ) -> Result<Reply, Problem> {
        let token = self.authorization().await?;
        let uri = self.address(path, query)?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, AGENT);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        if form.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::new(Bytes::from(form.unwrap_or_default()));
        let request = request
            .body(body)
            .map_err(|error| self.problem(ProblemKind::Configuration, doing, &error.to_string()))?;
        match timeout(self.endpoint.limit, self.exchange(doing, request)).await {
            Ok(reply) => reply,
            Err(_elapsed) => Err(self.frozen(doing)),
        }
    }

    async fn exchange(&self, doing: &str, request: Request<Full<Bytes>>) -> Result<Reply, Problem> {
        let response = match &self.sender {
            Some(Sender::Direct(client)) => client.request(request).await,
            Some(Sender::Tunnel(client)) => client.request(request).await,
            Some(Sender::Socks(client)) => client.request(request).await,
            None => {
                let why = "the API server's proxy is asked by GET only";
                return Err(self.problem(ProblemKind::Configuration, doing, why));
            }
        };
        let response = response.map_err(|error| self.explain(doing, &error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                let why = format!("the answer is larger than {} MiB", MAX_ANSWER >> 20);
                return self.problem(ProblemKind::ServerError, doing, &why);
            }
            self.failed(ProblemKind::Reset, doing, "the answer was cut off")
        })?;
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }

    fn address(&self, path: &str, query: &str) -> Result<Uri, Problem> {
        let base = self.endpoint.base.to_string();
        let mut address = format!("{}{path}", base.trim_end_matches('/'));
        if !query.is_empty() {
            address.push('?');
            address.push_str(query);
        }
        address.parse().map_err(|_error| {
            let why = "the configured url or path is not valid";
            self.problem(ProblemKind::Configuration, "make a request address", why)
                .advise("correct the url of this server in the configuration")
        })
    }

    /// The credential as it is now, for comparing only; `None` where it can't be read.
    pub(super) async fn credential(&self) -> Option<SecretString> {
        let secret = match &self.endpoint.credential {
            Credential::None => return None,
            Credential::Bearer(secret) => secret,
            Credential::Basic { password, .. } => password,
        };
        read(secret).await.ok()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the login goes into the header of a request"
    )]
    async fn authorization(&self) -> Result<Option<HeaderValue>, Problem> {
        let text = match &self.endpoint.credential {
            Credential::None => return Ok(None),
            Credential::Bearer(secret) => format!("Bearer {}", read(secret).await?.expose_secret()),
            Credential::Basic { user, password } => {
                let password = read(password).await?;
                let both = format!("{user}:{}", password.expose_secret());
                format!("Basic {}", BASE64_STANDARD.encode(both))
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_error| {
            let why = "the credential has characters that no header can have";
            self.problem(ProblemKind::Configuration, "sign in", why)
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// A problem with this server: what was being done, where, and why it failed.
    pub(super) fn problem(&self, kind: ProblemKind, doing: &str, why: &str) -> Problem {
        Problem::new(kind, format!("{doing} from {}: {why}", self.endpoint.host()))
    }

    fn frozen(&self, doing: &str) -> Problem {
        let why = format!("no answer within {}", in_seconds(self.endpoint.limit));
        self.failed(ProblemKind::Frozen, doing, &why)
    }

    fn explain(&self, doing: &str, error: &hyper_util::client::legacy::Error) -> Problem {
        let (kind, why) = cause_of(error);
        self.failed(kind, doing, &why)
    }

    /// A failure of the connection, with what to do.
    fn failed(&self, kind: ProblemKind, doing: &str, why: &str) -> Problem {
        let advice = match kind {
            ProblemKind::Tls => "configure its CA certificate (ca-file), or its right address",
            ProblemKind::Refused => {
                "check that the server runs, and the configured url and port; sopwatch keeps trying"
            }
            ProblemKind::Dns => "check the VPN and the host in the configured url; sopwatch keeps trying",
            _ => "check the VPN and the server's load; sopwatch keeps trying",
        };
        self.problem(kind, doing, why).advise(advice)
    }
}

/// The innermost cause of a failed connection, with its kind.
fn cause_of(error: &(dyn StdError + 'static)) -> (ProblemKind, String) {
    let mut kind = ProblemKind::Reset;
    let mut why = "the connection was cut".to_owned();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return (ProblemKind::Tls, tls.to_string());
        }
        if error.to_string().contains("dns error") {
            (kind, why) = (ProblemKind::Dns, "its name can't be resolved".to_owned());
        }
        let io = error.downcast_ref::<std::io::Error>();
        if let Some(io) = io {
            (kind, why) = of_io(io, kind, why);
        }
        // An I/O error names as its source what is below the error that it wraps.
        next = match io.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    (kind, why)
}

fn of_io(io: &std::io::Error, kind: ProblemKind, why: String) -> (ProblemKind, String) {
    use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, InvalidData, TimedOut, UnexpectedEof};
    match io.kind() {
        ConnectionRefused => (ProblemKind::Refused, "connection refused".to_owned()),
        ConnectionReset | UnexpectedEof => (ProblemKind::Reset, "the connection was cut".to_owned()),
        TimedOut => (ProblemKind::Frozen, "no connection in time".to_owned()),
        InvalidData => (ProblemKind::Tls, io.to_string()),
        _ if kind == ProblemKind::Dns => (kind, why),
        _ => (kind, io.to_string()),
    }
}

/// Reads a token or a password; white space around it is none of it.
#[expect(
    clippy::disallowed_methods,
    reason = "the login goes into the header of a request"
)]
async fn read(secret: &Secret) -> Result<SecretString, Problem> {
    match secret {
        Secret::Variable(_, value) => Ok(value.clone()),
        Secret::Kubeconfig(read) => read().await,
        Secret::File(path) => {
            let unreadable = |why: &str| {
                let what = format!("read the credential in {}: {why}", path.display());
                Problem::new(ProblemKind::SecretMissing, &what)
                    .advise("check the file's path and rights; it is read again by itself")
            };
            let about = tokio::fs::metadata(path).await;
            if about.map_err(|error| unreadable(&error.to_string()))?.len() > MAX_TOKEN {
                return Err(unreadable("it is too large to be one"));
            }
            let text = tokio::fs::read_to_string(path).await;
            let text = SecretString::from(text.map_err(|error| unreadable(&error.to_string()))?);
            let trimmed = text.expose_secret().trim();
            if trimmed.is_empty() {
                return Err(unreadable("it is empty"));
            }
            Ok(SecretString::from(trimmed.to_owned()))
        }
    }
}

/// Parameters as an address or a form has them.
pub(super) fn encode(params: &[(&str, &str)]) -> String {
    let mut encoder = form_urlencoded::Serializer::new(String::new());
    encoder.extend_pairs(params);
    encoder.finish()
}

fn in_seconds(limit: Duration) -> String {
    format!("{}s", limit.as_secs())
}

/// The system's authorities, and those of a file.
fn tls_config(ca_file: Option<&Path>) -> Result<ClientConfig, Problem> {
    let mut roots = system_authorities();
    if let Some(path) = ca_file {
        let roots = Arc::make_mut(&mut roots);
        let unusable = |why: &str| {
            let what = format!("read the CA certificates in {}: {why}", path.display());
            Problem::new(ProblemKind::Configuration, &what)
        };
        let certificates =
            CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error.to_string()))?;
        let mut added = 0;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unusable(&error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| unusable(&error.to_string()))?;
            added += 1;
        }
        if added == 0 {
            return Err(unusable("there is none in it"));
        }
    }
    Ok(ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn sender(endpoint: &Endpoint, tls: ClientConfig) -> Result<Sender, Problem> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(endpoint.limit));
    http.set_keepalive(Some(Duration::from_secs(5)));
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_max_idle_per_host(2);
    builder.pool_idle_timeout(Duration::from_mins(1));
    builder.pool_timer(hyper_util::rt::TokioTimer::new());
    let Some(proxy) = &endpoint.proxy else {
        return Ok(Sender::Direct(builder.build(https(tls, http))));
    };
    let unusable = |_error| {
        let what = format!("connect to {}: its proxy has no usable address", endpoint.host());
        Problem::new(ProblemKind::Configuration, &what)
    };
    let address: Uri = proxy.parse().map_err(unusable)?;
    let user = address.authority().and_then(|authority| {
        let (user, _) = authority.as_str().rsplit_once('@')?;
        Some(percent_decoded(user))
    });
    if address.scheme_str() == Some("socks5") {
        let mut socks = SocksV5::new(address, http);
        if let Some((name, password)) = user.as_deref().and_then(|user| user.split_once(':')) {
            socks = socks.with_auth(name.to_owned(), password.to_owned());
        }
        return Ok(Sender::Socks(builder.build(https(tls, socks))));
    }
    let mut tunnel = Tunnel::new(address, http);
    if let Some(user) = user {
        let text = format!("Basic {}", BASE64_STANDARD.encode(user));
        if let Ok(mut value) = HeaderValue::from_str(&text) {
            value.set_sensitive(true);
            tunnel = tunnel.with_auth(value);
        }
    }
    Ok(Sender::Tunnel(builder.build(https(tls, tunnel))))
}

fn https<C>(tls: ClientConfig, connector: C) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector)
}

/// What is escaped with `%` in an address, as it is meant.
fn percent_decoded(text: &str) -> String {
    // A form's `+` is a space; here it is itself.
    let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    let decoded = form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map_or_else(String::new, |(_, value)| value.into_owned())
}
