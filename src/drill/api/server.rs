//! The API server on loopback: listener, TLS, HTTP/1.1, and the faults below HTTP.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use sopwatch_core::observe::audit::AuditEntry;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::body::Body;
use super::faults::{self, ServerFaults};
use super::identity::Tokens;
use super::in_process::InProcess;
use super::state::{ApiState, ReceivedRequest};
use super::tls;
use crate::accepting::accept;
use crate::faults::ApiFault;
use crate::scenario::TimelineEvent;

/// How long a client may take to read the end of a response.
const FAREWELL: Duration = Duration::from_secs(5);

/// The API server. Its listener and all connections end when it is dropped.
pub struct ApiServer {
    state: Arc<ApiState>,
    address: SocketAddr,
    certificate: String,
    tasks: JoinSet<()>,
}

impl ApiServer {
    /// Serves on a free loopback port.
    pub async fn start(state: Arc<ApiState>) -> io::Result<Self> {
        let identity = tls::identity()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(identity.config);
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listener, address, acceptor, Arc::clone(&state)));
        let timekeeper = Arc::clone(&state);
        tasks.spawn(async move { timekeeper.keep_time().await });
        Ok(Self {
            state,
            address,
            certificate: identity.certificate,
            tasks,
        })
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The server's certificate, as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The users' tokens.
    pub fn tokens(&self) -> &Tokens {
        self.state.tokens()
    }

    /// Begins, plays or (with `None`) ends a fault.
    pub fn set_fault(&self, fault: Option<ApiFault>) {
        self.state.set_fault(fault);
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.state.requests()
    }

    /// How many logs are being read now.
    pub fn open_logs(&self) -> usize {
        self.state.world().logs().readers()
    }

    /// The audit log, oldest entry first; the receiver changes with each entry.
    pub fn audit(&self) -> watch::Receiver<Vec<AuditEntry>> {
        self.state.audit().subscribe()
    }

    /// Schedules an event of the world.
    pub fn schedule(&self, at: Timestamp, event: TimelineEvent) {
        self.state.world().schedule_event(at, event);
        self.state.wake();
    }

    /// The server without sockets, as `kube::Client::new` takes it.
    pub fn in_process(&self) -> InProcess {
        InProcess::over(Arc::clone(&self.state))
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

/// Accepts connections, except while a fault closes the port.
async fn listen(listener: TcpListener, address: SocketAddr, acceptor: TlsAcceptor, state: Arc<ApiState>) {
    let faults = state.faults().subscribe();
    let refuses = |fault: &Option<ApiFault>| matches!(fault, Some(ApiFault::Refuse));
    let serve = |stream| connection(stream, acceptor.clone(), Arc::clone(&state));
    accept(listener, address, faults, refuses, serve).await;
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, state: Arc<ApiState>) {
    // An aborted connection is reset, not closed in order.
    let _ = stream.set_zero_linger();
    let _ = stream.set_nodelay(true);
    thaw(state.faults()).await;
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request| serve(Arc::clone(&state), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    // An error means that the client has left, and nobody needs to know.
    if let Ok(ended) = served.without_shutdown().await {
        close(ended.io.into_inner()).await;
    }
}

/// Closes a connection in order: what was sent arrives before the socket is dropped.
async fn close(mut stream: TlsStream<TcpStream>) {
    let _ = stream.shutdown().await;
    let mut nowhere = tokio::io::sink();
    let rest = tokio::io::copy(&mut stream, &mut nowhere);
    let _ = tokio::time::timeout(FAREWELL, rest).await;
}

/// Waits while the server is frozen: not even the TLS handshake is answered then.
async fn thaw(faults: &ServerFaults) {
    let mut lasting = faults.subscribe();
    let _ = lasting.wait_for(|fault| *fault != Some(ApiFault::Freeze)).await;
}

async fn serve(
    state: Arc<ApiState>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let body = read(body).await?;
    Ok(faults::carry(&state, Request::from_parts(parts, body)).await?)
}

/// Reads the body, or enough of it to show that it is too long.
async fn read(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
        if bytes.len() > super::LONGEST_BODY {
            break;
        }
    }
    Ok(bytes.freeze())
}
