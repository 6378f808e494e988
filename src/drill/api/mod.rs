//! The Kubernetes API server. One function, [`handle`], answers every request, for TLS clients on loopback and for clients in the process.
//!
//! A request goes through `identity` (who asks), `rights` (may they), and one of `read`, `watch`, `write`, `delete`, `logs` and their like
//! (the answer); `audit` notes what it changed. Answers are compared with recordings of a real 1.32 server: fields, status codes, reasons
//! and wording.

mod audit;
mod body;
mod columns;
mod delete;
mod discovery;
mod exec;
mod faults;
mod identity;
mod in_process;
mod log_options;
mod logs;
mod metrics;
mod openapi;
mod patch;
mod proxy;
mod read;
mod request;
mod response_headers;
mod reviews;
mod rights;
mod scale;
mod schema;
mod selectors;
mod server;
mod service_proxy;
mod state;
mod status;
mod table;
#[cfg(test)]
mod tests;
mod tls;
mod validation;
mod view;
mod watch;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, header};

use super::world::Resource;
use identity::Identity;
use request::{Form, Target};
use status::Refusal;
use view::View;

pub use body::Body;
pub use identity::Tokens;
pub use in_process::InProcess;
pub(crate) use request::UrlQuery;
pub use rights::Rights;
pub use server::ApiServer;
pub use state::{ApiState, ReceivedRequest};

/// The longest body a request may have: 3 MiB.
const LONGEST_BODY: usize = 3 * 1024 * 1024;

/// Answers one request.
pub async fn handle(state: &Arc<ApiState>, request: Request<Bytes>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts
        .uri
        .path_and_query()
        .map_or_else(|| parts.uri.path(), |path| path.as_str());
    state.note(parts.method.as_str(), path);
    let change = audit::change(state, &parts, &body);
    let mut who = None;
    let answer = answer(state, &parts, &body, &mut who).await;
    let response = answer.unwrap_or_else(|refusal| refusal.response());
    let mut response = state.response_headers().add_to(response, &parts, who.as_ref());
    if let Some(change) = change {
        change.note(state, response.status().as_u16());
    }
    let date = state.clock().now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    if let Ok(date) = HeaderValue::try_from(date.to_string()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// `known` is set to the user whose rights count, once that is known.
async fn answer(
    state: &Arc<ApiState>,
    parts: &Parts,
    body: &[u8],
    known: &mut Option<Identity>,
) -> Result<Response<Body>, Refusal> {
    state.faults().meet().await?;
    let rights = state.rights();
    let asking = identity::authenticate(state.tokens(), &parts.headers)?;
    let who = identity::impersonated(asking, &rights, parts)?;
    *known = Some(who.clone());
    let query = UrlQuery::of(parts.uri.query());
    let Some(target) = Target::of(parts.uri.path()) else {
        return answer_path(state, parts, &who);
    };
    let verb = request::verb(&parts.method, &target, &query);
    if !rights.allow(&who, verb, &target) {
        return Err(rights::forbidden(&who, verb, &target));
    }
    if body.len() > LONGEST_BODY {
        return Err(Refusal::too_large(LONGEST_BODY));
    }
    if target.group.starts_with("auth") && target.version == "v1" && parts.method == Method::POST {
        return reviews::answer(&target.plural, &rights, &who, parts, body, state.clock().now());
    }
    let request = ApiRequest {
        state,
        target: &target,
        query: &query,
        parts,
        body,
    };
    if target.group == metrics::GROUP {
        return metrics::answer(&request);
    }
    serve(&request, verb).await
}

fn answer_path(state: &ApiState, parts: &Parts, who: &Identity) -> Result<Response<Body>, Refusal> {
    let path = parts.uri.path();
    let verb = parts.method.as_str().to_lowercase();
    let verb = if verb == "head" { "get" } else { &verb };
    if !Rights::allow_path(who, verb, path) {
        return Err(rights::forbidden_path(who, verb, path));
    }
    if verb != "get" {
        return Err(Refusal::method_not_allowed());
    }
    let documents = openapi::answer(parts)?;
    let metrics = state.world().metrics().state;
    documents
        .or_else(|| discovery::answer(parts, metrics))
        .ok_or_else(Refusal::no_such_resource)
}

/// One request for an object or a collection, read and authorised.
#[derive(Clone, Copy)]
struct ApiRequest<'a> {
    state: &'a Arc<ApiState>,
    target: &'a Target,
    query: &'a UrlQuery,
    parts: &'a Parts,
    body: &'a [u8],
}

async fn serve(request: &ApiRequest<'_>, verb: &str) -> Result<Response<Body>, Refusal> {
    let ApiRequest {
        state,
        target,
        query,
        parts,
        ..
    } = *request;
    let Some(entry) = discovery::find(&target.group, &target.version, &target.plural) else {
        return Err(Refusal::no_such_resource());
    };
    request::check_accept(parts, target)?;
    if parts.method == Method::HEAD {
        return Err(Refusal::method_not_allowed());
    }
    if target.subresource.is_empty() && !entry.verbs.contains(&verb) {
        return Err(Refusal::method_not_allowed());
    }
    if target.plural == "services" && target.subresource == "proxy" {
        return service_proxy::answer(request).await;
    }
    let (view, form) = (View::of(entry), request::form(parts));
    match (verb, target.subresource.as_str()) {
        // An old form of a watch names the object in the path.
        ("get", "") if query.is_on("watch") => watch::watch(state, view, target, query, form),
        ("get", "") => read::get(state, view, target, query, form),
        ("list", "") => read::list(state, view, target, query, form).await,
        ("watch", "") => watch::watch(state, view, target, query, form),
        // The world stores no objects of this kind: there is nothing to delete.
        ("deletecollection", "") if view.stored.is_none() => {
            read::list(state, view, target, query, form).await
        }
        _ => match Resource::find(&target.group, &target.plural) {
            Some(resource) => serve_stored(request, resource, verb, form).await,
            None => Err(refuse_change(target, view)),
        },
    }
}

/// Answers requests for stored objects, except get, list and watch of whole objects.
async fn serve_stored(
    request: &ApiRequest<'_>,
    resource: Resource,
    verb: &str,
    form: Form,
) -> Result<Response<Body>, Refusal> {
    let ApiRequest {
        state, target, query, ..
    } = *request;
    match (resource, verb, target.subresource.as_str()) {
        (Resource::Pods, "get", "log") => logs::log(state, target, query),
        (Resource::Pods, "get" | "create", "exec" | "attach" | "portforward") => Err(exec::refuse(request)),
        (Resource::Pods, _, "proxy") => proxy::answer(request),
        (Resource::Pods | Resource::Deployments | Resource::ReplicaSets, "delete", "") => {
            delete::one(request, resource)
        }
        (Resource::Pods, "deletecollection", "") => delete::collection(request, resource).await,
        (Resource::Deployments | Resource::ReplicaSets, _, "scale") => scale::scale(request, resource),
        // Neither the console nor a SOP changes an autoscaler.
        (Resource::Autoscalers, _, _) => Err(Refusal::method_not_allowed()),
        (_, "update" | "patch", "") => write::update(request, resource),
        (Resource::Pods | Resource::Deployments | Resource::ReplicaSets, "get", "status") => {
            read::get(state, resource.into(), target, query, form)
        }
        (_, _, "") => Err(Refusal::method_not_allowed()),
        _ => Err(Refusal::no_such_resource()),
    }
}

/// The refusal to change a kind that the world does not store: objects are not found, and `events.k8s.io` is read-only.
fn refuse_change(target: &Target, view: View) -> Refusal {
    let path = target.resource_path();
    if discovery::find(&target.group, &target.version, &path).is_none() {
        Refusal::no_such_resource()
    } else if view.stored.is_some() || target.name.is_empty() {
        Refusal::method_not_allowed()
    } else {
        Refusal::not_found(&target.group, &target.plural, &target.name)
    }
}
