//! The Kubernetes API over the world: one handler, behind TLS on loopback and behind an in-process service.
//!
//! Answers are held to recordings of a real 1.32 server: fields, status codes, reasons and wording.

mod acts;
mod body;
mod discovery;
mod faults;
mod in_process;
mod logs;
mod read;
mod request;
mod reviews;
mod rights;
mod selectors;
mod server;
mod shared;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod tls;
mod watch;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, header};

use super::world::Resource;
use request::{Query, Target};
use status::Refusal;

pub use acts::{Act, ActEffect};
pub use body::Body;
pub use in_process::InProcess;
pub use rights::Rights;
pub use server::ApiServer;
pub use shared::{Seen, Shared};

/// Answers one request.
pub async fn handle(shared: &Arc<Shared>, request: Request<Bytes>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts
        .uri
        .path_and_query()
        .map_or_else(|| parts.uri.path(), |path| path.as_str());
    shared.note(parts.method.as_str(), path);
    let attempt = acts::attempt(shared, &parts, &body);
    let answer = answer(shared, &parts, &body).await;
    let mut response = answer.unwrap_or_else(|refusal| refusal.response());
    if let Some(attempt) = attempt {
        attempt.note(shared, response.status().as_u16());
    }
    let date = shared.clock().now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    if let Ok(date) = HeaderValue::try_from(date.to_string()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn answer(shared: &Arc<Shared>, parts: &Parts, body: &[u8]) -> Result<Response<Body>, Refusal> {
    shared.faults().meet().await?;
    authenticate(shared, parts)?;
    let query = Query::of(parts.uri.query());
    let Some(target) = Target::of(parts.uri.path()) else {
        return answer_path(parts);
    };
    let verb = request::verb(&parts.method, &target, &query);
    let rights = shared.rights();
    if !rights.allow(verb, &target) {
        return Err(rights::forbidden(verb, &target));
    }
    if target.group.starts_with("auth") && target.version == "v1" && parts.method == Method::POST {
        return reviews::answer(&target.plural, &rights, parts, body, shared.clock().now());
    }
    serve(shared, verb, &target, &query, parts, body).await
}

fn authenticate(shared: &Shared, parts: &Parts) -> Result<(), Refusal> {
    let value = parts
        .headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let shown = value.and_then(|value| value.strip_prefix("Bearer "));
    if shown == Some(shared.token()) {
        Ok(())
    } else {
        Err(Refusal::unauthorized())
    }
}

fn answer_path(parts: &Parts) -> Result<Response<Body>, Refusal> {
    let path = parts.uri.path();
    let verb = parts.method.as_str().to_lowercase();
    if parts.method != Method::GET || !Rights::allow_path(path) {
        return Err(rights::forbidden_path(&verb, path));
    }
    discovery::answer(parts).ok_or_else(Refusal::no_such_resource)
}

async fn serve(
    shared: &Arc<Shared>,
    verb: &str,
    target: &Target,
    query: &Query,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<Body>, Refusal> {
    let known = discovery::knows(&target.group, &target.version, &target.plural);
    let Some(resource) = Resource::find(&target.group, &target.plural).filter(|_| known) else {
        return Err(Refusal::no_such_resource());
    };
    let form = request::form(parts);
    match (resource, verb, target.subresource.as_str()) {
        (Resource::Pods, "get", "log") => logs::log(shared, target, query),
        (Resource::Pods, "delete", "") => write::delete_pod(shared, target, query, parts, body),
        (Resource::Deployments, _, "scale") => {
            write::scale(shared, &parts.method, target, query, parts, body)
        }
        // An old form of a watch names the object in the path.
        (_, "get", "") if query.is_on("watch") => watch::watch(shared, resource, target, query, form),
        (_, "get", "") => read::get(shared, resource, target, query, form),
        (_, "list", "") => read::list(shared, resource, target, query, form).await,
        (_, "watch", "") => watch::watch(shared, resource, target, query, form),
        (_, _, "") => Err(Refusal::method_not_allowed()),
        _ => Err(Refusal::no_such_resource()),
    }
}
