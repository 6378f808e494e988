//! Kubernetes clients with TCP settings of our own, so that a dead path is noticed, without silent retries, and with credential plugins off the
//! async threads.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::HeaderValue;
use http::header::USER_AGENT;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tower::util::option_layer;
use tower::{BoxError, Layer, ServiceExt};

use super::clock::timeout;
use super::credential_expiry;
use super::errors::{explain, frozen};
use super::kubeconfig::{ProcessEnv, Resolved, resolve};
use super::{ConnectOptions, Target};
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// What the server's audit log knows us by.
const AGENT: &str = concat!("sopwatch/", env!("CARGO_PKG_VERSION"));

/// Silence after which the kernel asks the other end whether it still lives; how often it repeats that, and how many times.
/// Together 11 s: less than what counts as stale.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(5), Duration::from_secs(3), 2);

/// How long sent bytes may stay unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// How long credential plugins may take.
const BUILD_LIMIT: Duration = Duration::from_secs(30);

/// A client, and the target it is connected to.
pub(super) struct Connected {
    /// The client.
    pub(super) client: Client,
    /// The server and the namespace.
    pub(super) target: Target,
    /// When the credentials expire; `None` where they do not say.
    pub(super) expires_at: Option<Timestamp>,
}

/// Connects each time it is called.
pub(super) type Connect = Arc<dyn Fn() -> BoxFuture<'static, Result<Connected, Problem>> + Send + Sync>;

/// Connects as the options and the kubeconfig say. What they leave open (the current context) is settled by the first success: a later
/// `oc project` or `use-context` in another window must not move this console to another cluster.
pub(super) fn from_kubeconfig(options: ConnectOptions, env: ProcessEnv) -> Connect {
    let from_kubeconfig = Arc::new(KubeconfigConnector {
        options,
        env,
        pinned: OnceLock::new(),
        building: Mutex::new(None),
    });
    Arc::new(move || Arc::clone(&from_kubeconfig).connect().boxed())
}

/// Gives the same client each time.
pub(super) fn always(client: Client, target: Target) -> Connect {
    Arc::new(move || {
        let connected = Connected {
            client: client.clone(),
            target: target.clone(),
            expires_at: None,
        };
        std::future::ready(Ok(connected)).boxed()
    })
}

struct KubeconfigConnector {
    options: ConnectOptions,
    env: ProcessEnv,
    pinned: OnceLock<Target>,
    /// What is under way: a credential plugin that hangs is waited for again, not started again.
    building: Mutex<Option<JoinHandle<Result<Connected, Problem>>>>,
}

impl KubeconfigConnector {
    async fn connect(self: Arc<Self>) -> Result<Connected, Problem> {
        let mut building = self.building.lock().await;
        let from_kubeconfig = Arc::clone(&self);
        let task =
            building.get_or_insert_with(|| tokio::task::spawn_blocking(move || from_kubeconfig.build()));
        let built = timeout(BUILD_LIMIT, task).await;
        if built.is_ok() {
            *building = None;
        }
        match built {
            Ok(Ok(built)) => built,
            Ok(Err(_panicked)) => Err(Problem::new(
                ProblemKind::Configuration,
                "get credentials: internal error",
            )),
            Err(_elapsed) => {
                let problem = frozen("get credentials", BUILD_LIMIT);
                Err(problem.advise("run the kubeconfig's credential plugin in a shell"))
            }
        }
    }

    fn build(&self) -> Result<Connected, Problem> {
        let resolved = resolve(&as_pinned(&self.options, self.pinned.get()), &self.env)?;
        check_pinned(&resolved.target, self.pinned.get())?;
        let connected = build(resolved)?;
        self.pinned.get_or_init(|| connected.target.clone());
        Ok(connected)
    }
}

fn as_pinned(options: &ConnectOptions, pinned: Option<&Target>) -> ConnectOptions {
    let mut options = options.clone();
    if let Some(target) = pinned {
        options.context.clone_from(&target.context);
        options.namespace = Some(target.namespace.clone());
    }
    options
}

fn check_pinned(target: &Target, pinned: Option<&Target>) -> Result<(), Problem> {
    match pinned {
        Some(pinned) if pinned.server != target.server => {
            let what = format!(
                "the kubeconfig now points to {} instead of {}",
                target.server, pinned.server
            );
            Err(Problem::new(ProblemKind::Configuration, &what).advise("restart sopwatch to work there"))
        }
        _ => Ok(()),
    }
}

/// Blocks: reads files and may run a credential plugin. Needs the runtime's context.
fn build(resolved: Resolved) -> Result<Connected, Problem> {
    // Fails only if it is set already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Resolved { target, mut config } = resolved;
    config.headers.push((USER_AGENT, HeaderValue::from_static(AGENT)));
    let told = expires_at(&config);
    let doing = format!("connect to {}", target.server);
    let client = client(config).map_err(|error| explain(&error, &doing))?;
    let expires_at = told.or(*client.valid_until());
    Ok(Connected {
        client,
        target,
        expires_at,
    })
}

/// A client with our own TCP settings; through a proxy the client library's own.
fn client(config: Config) -> Result<Client, kube::Error> {
    if config.proxy_url.is_some() {
        return Client::try_from(config);
    }
    let https = config.rustls_https_connector_with_connector(connector(config.connect_timeout))?;
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new()).build(https);
    let service = config.extra_headers_layer()?.layer(http.map_err(BoxError::from));
    let service = option_layer(config.auth_layer()?).layer(service);
    let service = config.base_uri_layer().layer(service);
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).build())
}

fn connector(connect_timeout: Option<Duration>) -> HttpConnector {
    let (silence, interval, retries) = KEEPALIVE;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(connect_timeout);
    connector.set_keepalive(Some(silence));
    connector.set_keepalive_interval(Some(interval));
    connector.set_keepalive_retries(Some(retries));
    #[cfg(target_os = "linux")]
    connector.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    connector
}

/// When the kubeconfig's own credentials run out. The token outranks the certificate, as it does for the server.
#[expect(clippy::disallowed_methods, reason = "a token says when it expires")]
fn expires_at(config: &Config) -> Option<Timestamp> {
    let auth = &config.auth_info;
    let of_file = || {
        let text = std::fs::read_to_string(auth.token_file.as_ref()?).ok()?;
        Some(SecretString::from(text))
    };
    let token = auth.token.clone().or_else(of_file);
    match token {
        Some(token) => credential_expiry::of_token(token.expose_secret()),
        None => credential_expiry::of_certificate(&client_certificate(
            auth.client_certificate_data.as_ref(),
            auth.client_certificate.as_ref(),
        )?),
    }
}

fn client_certificate(data: Option<&String>, path: Option<&String>) -> Option<Vec<u8>> {
    use base64::Engine;
    let pem = match data {
        Some(data) => base64::prelude::BASE64_STANDARD.decode(data.trim()).ok()?,
        None => std::fs::read(path?).ok()?,
    };
    CertificateDer::from_pem_slice(&pem).ok().map(|der| der.to_vec())
}
