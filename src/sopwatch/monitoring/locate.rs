//! Where a server is now: at its configured address, behind the API server's service proxy, or behind a route that the cluster is asked for.

use http::{StatusCode, Uri};
use serde::Deserialize;
use tokio::time::timeout;

use super::options::{ClusterRoute, ClusterService, Endpoint, Location, ReadCluster, Server, ThroughCluster};
use super::refusals::visible_up_to;
use sopwatch_core::observe::source::{Problem, ProblemKind};

/// Characters of a refusal that a message has room for.
const VISIBLE: usize = 160;

impl Server {
    /// The server as it can be asked. Only a route is looked for, by one question to the cluster.
    ///
    /// # Errors
    /// The route can't be read, or has no address that a token may go to.
    pub(super) async fn endpoint(&self, cluster: &ReadCluster) -> Result<Endpoint, Problem> {
        match &self.location {
            Location::At(base) => Ok(self.at(base.clone())),
            Location::Service(service) => {
                let ClusterService {
                    namespace,
                    name,
                    path,
                } = service;
                let base = format!("/api/v1/namespaces/{namespace}/services/{name}/proxy{path}");
                // Its parts were checked when they were read.
                let base = base.parse().unwrap_or_default();
                Ok(Endpoint {
                    through_cluster: Some(ThroughCluster {
                        service: service.clone(),
                        read: cluster.clone(),
                    }),
                    ..self.at(base)
                })
            }
            Location::Route(route) => {
                let found = timeout(self.limit, address_of(route, cluster)).await;
                let late = |_elapsed| {
                    let why = format!("no answer within {}s", self.limit.as_secs());
                    Problem::new(ProblemKind::Frozen, said(route, &why))
                };
                Ok(self.at(found.map_err(late)??))
            }
        }
    }

    fn at(&self, base: Uri) -> Endpoint {
        Endpoint {
            proxy: self.proxies.proxy_for(&base, None),
            base,
            credential: self.credential.clone(),
            ca_file: self.ca_file.clone(),
            limit: self.limit,
            through_cluster: None,
        }
    }
}

/// What is read of a route.
#[derive(Deserialize)]
struct Route {
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Spec {
    tls: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    ingress: Vec<Ingress>,
}

#[derive(Deserialize)]
struct Ingress {
    #[serde(default)]
    host: String,
}

/// What the API server says where it has no route for us.
#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    message: String,
}

async fn address_of(route: &ClusterRoute, cluster: &ReadCluster) -> Result<Uri, Problem> {
    let ClusterRoute { namespace, name } = route;
    let path = format!("/apis/route.openshift.io/v1/namespaces/{namespace}/routes/{name}");
    let (status, _, body) = cluster(path).await?;
    if status != StatusCode::OK {
        let refused: Refused = serde_json::from_slice(&body).unwrap_or_default();
        return Err(refusal(route, status, &visible_up_to(&refused.message, VISIBLE)));
    }
    let unusable = |why: &str| {
        let problem = Problem::new(ProblemKind::Configuration, said(route, why));
        problem.advise("configure the server's url")
    };
    let found: Route = serde_json::from_slice(&body).map_err(|_error| unusable("the answer is no route"))?;
    if found.spec.tls.is_none() {
        return Err(unusable(
            "it has no TLS, and the token would be readable on its way",
        ));
    }
    let mut hosts = found.status.ingress.iter().map(|ingress| ingress.host.as_str());
    let Some(host) = hosts.find(|host| !host.is_empty()) else {
        return Err(unusable("no router has admitted it"));
    };
    let address = format!("https://{host}").parse::<Uri>();
    // A port or a user in it would be another server's, or a secret's.
    let address = address.ok().filter(|address| address.host() == Some(host));
    address.ok_or_else(|| unusable("its host is no host"))
}

fn refusal(route: &ClusterRoute, status: StatusCode, words: &str) -> Problem {
    let ClusterRoute { namespace, name } = route;
    let why = format!("{status}: {words}");
    let (kind, advice) = match status.as_u16() {
        401 => (ProblemKind::Unauthorized, "log in again (oc login)".to_owned()),
        403 => (
            ProblemKind::Forbidden,
            format!(
                "ask for `get routes` in {namespace}, or configure the url that `oc get route {name} -n {namespace}` shows others"
            ),
        ),
        404 => (
            ProblemKind::NotFound,
            "configure url or service: this cluster has no such route".to_owned(),
        ),
        _ => (ProblemKind::ServerError, "configure the server's url".to_owned()),
    };
    Problem::new(kind, said(route, &why)).advise(&advice)
}

fn said(route: &ClusterRoute, why: &str) -> String {
    format!("read the route {} in {}: {why}", route.name, route.namespace)
}
