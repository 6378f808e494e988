//! The server without sockets, for clients in the same process and tests in virtual time.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt as _;

use super::body::Body;
use super::faults;
use super::state::ApiState;
use crate::faults::ApiFault;

/// A tower service over the same handler. A request that shows no token is the on-call user's.
#[derive(Clone)]
pub struct InProcess {
    state: Arc<ApiState>,
}

impl InProcess {
    /// A service over what the server shares.
    pub fn over(state: Arc<ApiState>) -> Self {
        Self { state }
    }
}

impl<B> tower::Service<Request<B>> for InProcess
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Response<Body>>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        answer(Arc::clone(&self.state), request).boxed()
    }
}

async fn answer<B>(state: Arc<ApiState>, request: Request<B>) -> io::Result<Response<Body>>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if state.faults().lasting() == Some(ApiFault::Refuse) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    let (mut parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| io::Error::other(error.into()))?;
    if !parts.headers.contains_key(AUTHORIZATION) {
        let token = format!("Bearer {}", state.tokens().on_call);
        let token = HeaderValue::from_str(&token).map_err(io::Error::other)?;
        parts.headers.insert(AUTHORIZATION, token);
    }
    let request = Request::from_parts(parts, body.to_bytes());
    faults::carry(&state, request).await
}
