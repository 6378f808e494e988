//! exec, attach and port-forward: they need a connection to a kubelet, and the drill has none. Who has the right gets the answer of an
//! API server that cannot reach the kubelet.

use serde_json::Value;

use super::ApiRequest;
use super::status::Refusal;
use super::write;
use crate::world::Resource;

/// The port of the kubelet.
const KUBELET: u16 = 10_250;

/// The refusal of the request.
pub fn refuse(request: &ApiRequest<'_>) -> Refusal {
    let name = &request.target.name;
    let pod = match write::find(&request.state.world(), Resource::Pods, request.target) {
        Ok(pod) => pod,
        Err(refusal) => return refusal,
    };
    if let Some(container) = request.query.get("container").filter(|name| !has(&pod, name)) {
        return Refusal::bad_request(format!("container {container} is not valid for pod {name}"));
    }
    match pod["status"]["hostIP"].as_str() {
        None => Refusal::bad_request(format!("pod {name} does not have a host assigned")),
        Some(host) => Refusal::unexplained(format!(
            "error dialing backend: dial tcp {host}:{KUBELET}: connect: connection refused"
        )),
    }
}

fn has(pod: &Value, container: &str) -> bool {
    ["initContainers", "containers"]
        .iter()
        .filter_map(|list| pod["spec"][*list].as_array())
        .flatten()
        .any(|one| one["name"] == container)
}
