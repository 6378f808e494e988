//! A cluster whose pods' logs come from elsewhere: a plain HTTP server that answers requests for logs itself and passes all others on
//! to a drill.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use futures::StreamExt;
use http::{HeaderValue, Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use sopwatch_drill::Drill;
use sopwatch_drill::api::{Body, InProcess};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tower::Service;

/// Where the logs come from.
pub trait Source: Send + Sync + 'static {
    /// The bytes of a pod's log, with the kubelet's times whether these are asked for or not.
    fn stream(&self, pod: &str, follow: bool) -> impl Stream<Item = Bytes> + Send + 'static;
}

/// The server. Ends when it is dropped.
pub struct Front {
    /// By which the console and `kubectl` find it.
    pub kubeconfig: PathBuf,
    task: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Front {
    /// Serves on a free loopback port.
    pub fn before(drill: &Drill, source: impl Source, folder: &Path) -> Self {
        let listener = Handle::current()
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .unwrap();
        let kubeconfig = folder.join("front");
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::fs::write(&kubeconfig, config(&url)).unwrap();
        let task = tokio::spawn(listen(listener, drill.api().in_process(), Arc::new(source)));
        Self { kubeconfig, task }
    }
}

fn config(url: &str) -> String {
    let context = json!({"cluster": "front", "user": "oncall", "namespace": "managed-services-stage"});
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "front", "cluster": {"server": url}}],
        "users": [{"name": "oncall", "user": {}}],
        "contexts": [{"name": "front", "context": context}],
        "current-context": "front",
    });
    config.to_string()
}

async fn listen(listener: TcpListener, drill: InProcess, source: Arc<impl Source>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, drill.clone(), Arc::clone(&source)));
    }
}

async fn serve(stream: TcpStream, drill: InProcess, source: Arc<impl Source>) {
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| answer(request, drill.clone(), Arc::clone(&source)));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), answer);
    // Clients leave when they like; there is nobody to tell.
    let _ = served.await;
}

async fn answer(
    request: Request<Incoming>,
    mut drill: InProcess,
    source: Arc<impl Source>,
) -> io::Result<Response<Body>> {
    let path = request.uri().path();
    let Some(pod) = path.strip_suffix("/log").and_then(|path| path.rsplit('/').next()) else {
        return drill.call(request).await;
    };
    let query = request.uri().query().unwrap_or_default();
    let of_service = query.contains("container=service");
    if !of_service || query.contains("previous=true") || query.contains("limitBytes") {
        return drill.call(request).await;
    }
    let bytes = source.stream(pod, query.contains("follow=true"));
    let frames = bytes.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)));
    let body = StreamBody::new(frames)
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    let plain = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    Ok(response)
}
