//! The monitoring servers on loopback: listeners, HTTP/1.1, sign-in, and the faults that stand before an answer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use http::request::Parts;
use http::{HeaderValue, Method};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::faults::{MonitoringFault, MonitoringServer};
use super::reply::{self, Reply, Request};
use super::{Faults, alertmanager, prometheus, tracker};
use crate::accepting::accept;
use crate::api::{ApiState, ReceivedRequest, UrlQuery};

/// How late a slow server answers.
const SLOW: Duration = Duration::from_secs(30);
/// The longest form that is read, bytes.
const LONGEST_FORM: usize = 64 * 1024;
/// How many requests are kept of each server.
const REMEMBERED: usize = 10_000;
/// Who the token belongs to.
const USER: &str = "oncall@example.com";

/// The three servers. Their listeners and connections end when this is dropped.
pub struct MonitoringServers {
    state: Arc<ApiState>,
    servers: Vec<Running>,
    tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Running {
    server: MonitoringServer,
    address: SocketAddr,
    token: String,
    requests: Arc<Mutex<VecDeque<ReceivedRequest>>>,
}

impl MonitoringServers {
    /// Serves each on a free loopback port; `token` makes a token.
    pub async fn start(state: Arc<ApiState>, token: impl Fn() -> io::Result<String>) -> io::Result<Self> {
        let mut servers = Vec::new();
        let mut tasks = JoinSet::new();
        for server in MonitoringServer::ALL {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let running = Running {
                server,
                address: listener.local_addr()?,
                token: token()?,
                requests: Arc::default(),
            };
            tasks.spawn(listen(listener, running.clone(), Arc::clone(&state)));
            servers.push(running);
        }
        Ok(Self {
            state,
            servers,
            tasks,
        })
    }

    fn running(&self, server: MonitoringServer) -> &Running {
        // `start` makes each of them
        let place = self.servers.iter().position(|one| one.server == server);
        &self.servers[place.unwrap_or_default()]
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self, server: MonitoringServer) -> String {
        format!("http://{}", self.running(server).address)
    }

    /// The bearer token that a server wants.
    pub fn token(&self, server: MonitoringServer) -> &str {
        &self.running(server).token
    }

    /// The organisation, project and environment of the tracker.
    pub fn tracker_names(&self) -> (&'static str, &'static str, &'static str) {
        (
            tracker::ORGANISATION,
            crate::world::NAMESPACE,
            tracker::ENVIRONMENT,
        )
    }

    /// The requests to a server so far, oldest first; at most the last 10,000.
    pub fn requests(&self, server: MonitoringServer) -> Vec<ReceivedRequest> {
        let requests = &self.running(server).requests;
        let requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().cloned().collect()
    }

    /// Begins a fault of a server in place of the one before, or (with `None`) ends it.
    pub fn set_fault(&self, server: MonitoringServer, fault: Option<MonitoringFault>) {
        let mut world = self.state.world();
        let now = self.state.clock().now();
        world.monitoring_mut().set_fault(now, server, fault);
    }

    /// The names of the alerts that are pending or fire now.
    pub fn active_alerts(&self) -> Vec<&'static str> {
        let mut world = self.state.world();
        let now = self.state.clock().now();
        world.monitoring_mut().active_alerts(now)
    }
}

impl Drop for MonitoringServers {
    fn drop(&mut self) {
        self.tasks.abort_all();
    }
}

fn fault_of(faults: &Faults, server: MonitoringServer) -> Option<MonitoringFault> {
    faults.get(&server).copied()
}

/// Accepts connections, except while the server is down.
async fn listen(listener: TcpListener, running: Running, state: Arc<ApiState>) {
    let faults = state.world().monitoring_mut().subscribe();
    let is_down = |faults: &Faults| fault_of(faults, running.server) == Some(MonitoringFault::Down);
    let serve = |stream| connection(stream, running.clone(), Arc::clone(&state), faults.clone());
    accept(listener, running.address, faults.clone(), is_down, serve).await;
}

async fn connection(
    stream: TcpStream,
    running: Running,
    state: Arc<ApiState>,
    faults: watch::Receiver<Faults>,
) {
    let _ = stream.set_zero_linger();
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (running, state, faults) = (running.clone(), Arc::clone(&state), faults.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, LONGEST_FORM).collect().await;
            let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            Ok::<Reply, Infallible>(handle(&running, &state, faults, parts, &body).await)
        }
    });
    // An error means that the client has left, and nobody needs to know.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn handle(
    running: &Running,
    state: &ApiState,
    mut faults: watch::Receiver<Faults>,
    parts: Parts,
    body: &[u8],
) -> Reply {
    let url = parts
        .uri
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    {
        let mut requests = running.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == REMEMBERED {
            requests.pop_front();
        }
        requests.push_back(ReceivedRequest {
            at: state.clock().now(),
            method: parts.method.to_string(),
            path: url.clone(),
        });
    }
    let fault = fault_of(&faults.borrow_and_update(), running.server);
    let request = Request {
        query: UrlQuery::of(Some(&parameters(&parts, body))),
        path: parts.uri.path().to_owned(),
        method: parts.method.clone(),
        url,
        now: 0,
    };
    let mut reply = match refusal(running, fault, &parts) {
        Some(refusal) => refusal,
        None => timely(running.server, running.address, state, faults, request).await,
    };
    let date = state.clock().now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    if let Ok(date) = HeaderValue::try_from(date.to_string()) {
        reply.headers_mut().insert(DATE, date);
    }
    reply
}

/// What a server says to those who come through the API server's service proxy, which passes on no token: there it asks for none. `None`
/// while nothing listens.
pub async fn through_proxy(
    server: MonitoringServer,
    state: &ApiState,
    parts: &Parts,
    path: &str,
) -> Option<Reply> {
    let faults = state.world().monitoring_mut().subscribe();
    let fault = fault_of(&faults.borrow(), server);
    match fault {
        Some(MonitoringFault::Down) => return None,
        Some(MonitoringFault::SignIn) => return Some(reply::sign_in()),
        Some(MonitoringFault::Forbidden) => return Some(reply::text(401, "Unauthorized")),
        _ => {}
    }
    let query = parts.uri.query().unwrap_or_default();
    let request = Request {
        query: UrlQuery::of(Some(query)),
        path: path.to_owned(),
        method: parts.method.clone(),
        url: format!("{path}?{query}"),
        now: 0,
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Some(timely(server, address, state, faults, request).await)
}

/// The answer, once a slow server has it.
async fn timely(
    server: MonitoringServer,
    address: SocketAddr,
    state: &ApiState,
    faults: watch::Receiver<Faults>,
    mut request: Request,
) -> Reply {
    let is_slow = fault_of(&faults.borrow(), server) == Some(MonitoringFault::Slow);
    let is_late = is_slow && wait(server, &request, faults).await;
    request.now = state.clock().now().as_millisecond();
    if is_late && server == MonitoringServer::Metrics {
        prometheus::timed_out()
    } else {
        answer(server, address, state, &request)
    }
}

/// The parameters of the URL and of a form.
fn parameters(parts: &Parts, body: &[u8]) -> String {
    let mut text = parts.uri.query().unwrap_or_default().to_owned();
    let is_form = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if is_form && parts.method == Method::POST {
        text.push('&');
        text.push_str(&String::from_utf8_lossy(body));
    }
    text
}

/// Why a request is not even looked at.
fn refusal(running: &Running, fault: Option<MonitoringFault>, parts: &Parts) -> Option<Reply> {
    if fault == Some(MonitoringFault::SignIn) {
        return Some(reply::sign_in());
    }
    let is_tracker = running.server == MonitoringServer::Tracker;
    let shown = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let is_right = shown == Some(format!("Bearer {}", running.token).as_bytes());
    if !is_right {
        return Some(if is_tracker {
            tracker::not_signed_in(shown.is_some())
        } else {
            reply::text(401, "Unauthorized")
        });
    }
    if fault != Some(MonitoringFault::Forbidden) {
        return None;
    }
    let resource = match running.server {
        MonitoringServer::Metrics => "prometheuses",
        MonitoringServer::Alerts => "alertmanagers",
        MonitoringServer::Tracker => return Some(tracker::forbidden()),
    };
    let verb = if parts.method == Method::POST {
        "create"
    } else {
        "get"
    };
    Some(reply::text(
        403,
        &format!("Forbidden (user={USER}, verb={verb}, resource={resource}, subresource=api)"),
    ))
}

/// Holds an answer up; whether the time ran out. The wait ends with the fault. A client's patience is real time, not the drill's.
async fn wait(server: MonitoringServer, request: &Request, mut faults: watch::Receiver<Faults>) -> bool {
    let limit = match server {
        MonitoringServer::Metrics => Duration::from_secs_f64(prometheus::time_limit(request).max(0.0)),
        MonitoringServer::Alerts | MonitoringServer::Tracker => SLOW,
    };
    let is_over = |faults: &Faults| fault_of(faults, server) != Some(MonitoringFault::Slow);
    tokio::select! {
        () = tokio::time::sleep(limit) => true,
        _ = faults.wait_for(is_over) => false,
    }
}

fn answer(server: MonitoringServer, address: SocketAddr, state: &ApiState, request: &Request) -> Reply {
    let mut world = state.world();
    let monitoring = world.monitoring_mut();
    match server {
        MonitoringServer::Metrics => prometheus::answer(monitoring, request),
        MonitoringServer::Alerts => alertmanager::answer(monitoring, request),
        MonitoringServer::Tracker => tracker::answer(monitoring, request, &format!("http://{address}")),
    }
}
