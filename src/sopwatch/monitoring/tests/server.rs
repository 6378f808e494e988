//! A server that answers with what another once answered, and notes what it was asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// An answer as it was recorded, with the request that it came for.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) method: String,
    /// With its query.
    pub(super) path: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Exchange {
    /// Reads a recording: request lines after `>`, then the answer.
    pub(super) fn read(text: &str) -> Self {
        let request = text.lines().next().unwrap().trim_start_matches("> ");
        let (method, path) = request.split_once(' ').unwrap();
        let at = text.find("\nHTTP/").unwrap() + 1;
        let (head, body) = text[at..].split_once("\n\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            // The body stands here as it was, unpacked and in one piece.
            let is_framing =
                ["transfer-encoding", "content-length", "content-encoding"].contains(&name.as_str());
            (!is_framing).then(|| (name, HeaderValue::from_str(value.trim()).unwrap()))
        });
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            status: StatusCode::from_bytes(status.as_bytes()).unwrap(),
            headers: headers.collect(),
            body: Bytes::copy_from_slice(body.trim_end_matches('\n').as_bytes()),
        }
    }

    /// An answer of our own.
    pub(super) fn json(body: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            path: String::new(),
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(
                HeaderName::from_static("content-type"),
                HeaderValue::from_static("application/json"),
            )]),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap();
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }
}

/// What the server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: String,
    /// With its query.
    pub(super) path: String,
    pub(super) authorization: Option<String>,
    pub(super) body: String,
}

/// Gives the answer to a request.
pub(super) type Answer = Arc<dyn Fn(&Asked) -> Exchange + Send + Sync>;

/// The server; it ends with this value.
pub(super) struct Server {
    pub(super) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// One that gives the same answer to everything.
    pub(super) async fn always(exchange: Exchange) -> Self {
        Self::answering(Arc::new(move |_| exchange.clone())).await
    }

    pub(super) async fn answering(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let notes = asked.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, notes) = (answer.clone(), notes.clone());
                let serve = service_fn(move |request| respond(request, answer.clone(), notes.clone()));
                connections.spawn(async move {
                    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), serve);
                    let _ = served.await;
                });
            }
        });
        Self {
            address,
            asked,
            _tasks: tasks,
        }
    }

    /// What it was asked until now, in order.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn respond(
    request: Request<Incoming>,
    answer: Answer,
    notes: Arc<Mutex<Vec<Asked>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        authorization: parts
            .headers
            .get("authorization")
            .map(|value| value.to_str().unwrap().to_owned()),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let exchange = answer(&asked);
    notes.lock().unwrap().push(asked);
    let mut response = Response::new(Full::new(exchange.body));
    *response.status_mut() = exchange.status;
    *response.headers_mut() = exchange.headers;
    Ok(response)
}
