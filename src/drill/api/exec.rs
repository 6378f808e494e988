//! What needs a connection to the kubelet: exec, attach and port-forward. The drill's nodes take none, so everybody who may ask is
//! told what a server says that cannot reach them.

use serde_json::Value;

use super::ApiRequest;
use super::status::Refusal;
use super::write;
use crate::world::Resource;

/// The port of the kubelet.
const KUBELET: u16 = 10_250;

/// Why it cannot be done.
pub fn refuse(asked: &ApiRequest<'_>) -> Refusal {
    let name = &asked.target.name;
    let pod = match write::find(&asked.state.world(), Resource::Pods, asked.target) {
        Ok(pod) => pod,
        Err(refusal) => return refusal,
    };
    if let Some(container) = asked.query.get("container").filter(|name| !has(&pod, name)) {
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
