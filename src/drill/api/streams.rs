//! What needs a connection to the kubelet or into a pod: exec, attach, port-forward and proxy. The drill's nodes take none, so
//! everybody who may ask is told what a server says that cannot reach them.

use serde_json::Value;

use super::Asked;
use super::request::Target;
use super::status::Refusal;
use super::write;
use crate::drill::world::Resource;

/// The port of the kubelet.
const KUBELET: u16 = 10_250;

/// Why it cannot be done.
pub fn refuse(asked: &Asked<'_>) -> Refusal {
    // A proxy's name may carry a scheme and a port: `http:NAME:8080`.
    let parts: Vec<&str> = asked.target.name.split(':').collect();
    let (name, port) = match parts.as_slice() {
        [_, name, port] | [name, port] => (*name, Some(*port)),
        _ => (asked.target.name.as_str(), None),
    };
    let target = Target {
        name: name.to_owned(),
        ..asked.target.clone()
    };
    let pod = match write::find(&asked.shared.world(), Resource::Pods, &target) {
        Ok(pod) => pod,
        Err(refusal) => return refusal,
    };
    if target.subresource == "proxy" {
        let address = pod["status"]["podIP"].as_str().unwrap_or_default();
        return Refusal::new(
            503,
            "ServiceUnavailable",
            format!(
                "error trying to reach service: dial tcp {address}:{}: connect: connection refused",
                port.unwrap_or("80")
            ),
        );
    }
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
