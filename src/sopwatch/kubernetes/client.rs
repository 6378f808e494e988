//! Kubernetes clients with TCP settings of our own, so that a dead path is noticed, without silent retries, and with credentials,
//! certificates and answers read as `kubectl` reads them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Uri};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connect as HttpConnect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::config::AuthInfo;
use kube::{Client, Config};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tower::util::option_layer;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::clock::timeout;
use super::credentials::{Authorization, Credentials};
use super::errors::{explain, frozen, unusable_proxy};
use super::exec_plugin::PluginRunner;
use super::kubeconfig::{ProcessEnv, Resolved, resolve};
use super::{ConnectOptions, Target, response, tls};
use crate::net::{certificate, percent_decoded};
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// What the server's audit log knows us by.
const AGENT: &str = concat!("sopwatch/", env!("CARGO_PKG_VERSION"));

/// Bytes of an answer that are read ahead, and the most that its headers may have. hyper's own 400 kB would stay with each log that is
/// followed once it has been read.
const READ_AHEAD: usize = 64 * 1024;

/// Silence after which the kernel asks the other end whether it still lives; how often it repeats that, and how many times.
/// Together 11 s: less than what counts as stale.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(5), Duration::from_secs(3), 2);

/// How long sent bytes may stay unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);

/// How long reading the kubeconfig and its files may take.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// A client, and the target it is connected to.
pub(super) struct Connected {
    /// The client.
    pub(super) client: Client,
    /// The server and the namespace.
    pub(super) target: Target,
    /// When the credentials expire; `None` where they do not say.
    pub(super) expires_at: Option<Timestamp>,
    /// Whether the server's certificate is not verified, because the kubeconfig says so.
    pub(super) unverified: bool,
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
        reading: Mutex::new(None),
        plugins: Arc::default(),
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
            unverified: false,
        };
        std::future::ready(Ok(connected)).boxed()
    })
}

struct KubeconfigConnector {
    options: ConnectOptions,
    env: ProcessEnv,
    pinned: OnceLock<Target>,
    /// What is being read: a file system that hangs is waited for again, not asked again.
    reading: Mutex<Option<JoinHandle<Result<Resolved, Problem>>>>,
    /// Runs credential plugins, for this connection and the next.
    plugins: Arc<PluginRunner>,
}

impl KubeconfigConnector {
    async fn connect(self: Arc<Self>) -> Result<Connected, Problem> {
        let resolved = Arc::clone(&self).read().await?;
        let connected = build(resolved, &self.plugins).await?;
        self.pinned.get_or_init(|| connected.target.clone());
        Ok(connected)
    }

    async fn read(self: Arc<Self>) -> Result<Resolved, Problem> {
        let mut reading = self.reading.lock().await;
        let from_kubeconfig = Arc::clone(&self);
        let task =
            reading.get_or_insert_with(|| tokio::task::spawn_blocking(move || from_kubeconfig.resolve()));
        let read = timeout(READ_LIMIT, task).await;
        if read.is_ok() {
            *reading = None;
        }
        match read {
            Ok(Ok(read)) => read,
            Ok(Err(_panicked)) => Err(internal("read the kubeconfig")),
            Err(_elapsed) => Err(frozen("read the kubeconfig", READ_LIMIT)
                .advise("check the file system that the kubeconfig is on")),
        }
    }

    fn resolve(&self) -> Result<Resolved, Problem> {
        let resolved = resolve(&as_pinned(&self.options, self.pinned.get()), &self.env)?;
        check_pinned(&resolved.target, self.pinned.get())?;
        Ok(resolved)
    }
}

fn internal(doing: &str) -> Problem {
    Problem::new(ProblemKind::Configuration, format!("{doing}: internal error"))
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

async fn build(resolved: Resolved, plugins: &Arc<PluginRunner>) -> Result<Connected, Problem> {
    // Fails only if it is set already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Resolved { target, mut config } = resolved;
    let doing = format!("connect to {}", target.server);
    let auth = std::mem::take(&mut config.auth_info);
    let user = target.user.as_deref().unwrap_or("of the pod");
    let credentials = Credentials::find(&auth, user, plugins).await?;
    config.headers.push((USER_AGENT, HeaderValue::from_static(AGENT)));
    // All that is left to the library: who we act as, and providers that are built into `kubectl`.
    config.auth_info = AuthInfo {
        impersonate: auth.impersonate.clone(),
        impersonate_uid: auth.impersonate_uid.clone(),
        impersonate_groups: auth.impersonate_groups.clone(),
        impersonate_user_extra: auth.impersonate_user_extra.clone(),
        auth_provider: auth.auth_provider.clone(),
        ..AuthInfo::default()
    };
    let unverified = config.accept_invalid_certs;
    // It reads files.
    let made = tokio::task::spawn_blocking(move || {
        let plugins = credentials.certificate.as_ref();
        let tls = tls::client_config(&config, &auth, plugins, &doing)?;
        let expires_at = credentials
            .expires_at
            .or_else(|| certificate_expires_at(&auth, plugins));
        let client = client(&config, tls, credentials.authorization, &doing)?;
        Ok((client, expires_at))
    });
    let (client, expires_at) = made.await.map_err(|_panicked| internal("connect"))??;
    Ok(Connected {
        client,
        target,
        expires_at,
        unverified,
    })
}

/// A client with our own TCP settings, directly or through a proxy.
fn client(
    config: &Config,
    tls: ClientConfig,
    authorization: Authorization,
    doing: &str,
) -> Result<Client, Problem> {
    let tcp = connector(config.connect_timeout);
    let Some(proxy) = config.proxy_url.clone() else {
        return through(tcp, config, tls, authorization, doing);
    };
    match proxy.scheme_str() {
        Some("socks5") => through(SocksV5::new(proxy, tcp), config, tls, authorization, doing),
        Some("http") => through(tunnel(proxy, tcp)?, config, tls, authorization, doing),
        Some("https") => {
            let to_proxy = HttpsConnectorBuilder::new()
                .with_tls_config(tls.clone())
                .https_or_http()
                .enable_http1()
                .wrap_connector(tcp);
            through(tunnel(proxy, to_proxy)?, config, tls, authorization, doing)
        }
        _ => Err(unusable_proxy("it is neither http, https nor socks5")),
    }
}

/// A tunnel through a proxy, with the user and password of its URL.
fn tunnel<C>(proxy: Uri, to_proxy: C) -> Result<Tunnel<C>, Problem> {
    use base64::Engine;
    let user = proxy
        .authority()
        .and_then(|authority| authority.as_str().rsplit_once('@'));
    let header = user.map(|(user, _)| {
        let user = percent_decoded(user).unwrap_or_else(|| user.to_owned());
        let both = base64::prelude::BASE64_STANDARD.encode(user);
        let header = HeaderValue::try_from(format!("Basic {both}"));
        header.map_err(|_holds_the_password| unusable_proxy("its password can't be sent"))
    });
    let header = header.transpose()?;
    let tunnel = Tunnel::new(proxy, to_proxy);
    Ok(match header {
        Some(header) => tunnel.with_auth(header),
        None => tunnel,
    })
}

fn through<C>(
    connector: C,
    config: &Config,
    tls: ClientConfig,
    authorization: Authorization,
    doing: &str,
) -> Result<Client, Problem>
where
    HttpsConnector<C>: HttpConnect + Clone + Send + Sync + 'static,
{
    let mut https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = ServerName::try_from(name.clone()).map_err(|_not_a_name| {
            let what = format!("{doing}: tls-server-name {name} is not a host name");
            Problem::new(ProblemKind::Configuration, &what).advise("correct it in the kubeconfig")
        })?;
        https = https.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let https = https.enable_http1().wrap_connector(connector);
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new())
        .http1_max_buf_size(READ_AHEAD)
        .build(https);
    let service = service_fn(move |mut request: http::Request<Body>| {
        let (http, authorization) = (http.clone(), authorization.clone());
        async move {
            if let Some(header) = authorization.header().await? {
                request.headers_mut().insert(AUTHORIZATION, header);
            }
            let answer = http.oneshot(request).await?;
            Ok::<_, BoxError>(response::named(answer).await)
        }
    });
    let explained = |error: kube::Error| explain(&error, doing);
    let service = config.extra_headers_layer().map_err(explained)?.layer(service);
    let service = option_layer(config.auth_layer().map_err(explained)?).layer(service);
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

/// When our client certificate runs out.
fn certificate_expires_at(auth: &AuthInfo, plugins: Option<&(String, SecretString)>) -> Option<Timestamp> {
    let pem = match (plugins, auth.client_certificate_data.as_deref()) {
        (Some((certificate, _)), _) => certificate.clone().into_bytes(),
        (None, Some(data)) if !data.is_empty() => tls::decode(data).ok()?,
        (None, _) => std::fs::read(auth.client_certificate.as_ref()?).ok()?,
    };
    let der = CertificateDer::from_pem_slice(&pem).ok()?;
    certificate::not_after(&der)
}
