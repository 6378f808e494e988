//! The kinds of objects that the world stores.

/// A kind of object that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// core/v1 Pod.
    Pods,
    /// core/v1 Event.
    Events,
    /// core/v1 Secret.
    Secrets,
    /// core/v1 Namespace.
    Namespaces,
    /// core/v1 Node.
    Nodes,
    /// apps/v1 Deployment.
    Deployments,
    /// apps/v1 ReplicaSet.
    ReplicaSets,
    /// autoscaling/v2 HorizontalPodAutoscaler.
    Autoscalers,
}

impl Resource {
    /// Every kind.
    pub const ALL: [Resource; 8] = [
        Resource::Pods,
        Resource::Events,
        Resource::Secrets,
        Resource::Namespaces,
        Resource::Nodes,
        Resource::Deployments,
        Resource::ReplicaSets,
        Resource::Autoscalers,
    ];

    /// The name in a path, as `pods`.
    pub fn plural(self) -> &'static str {
        match self {
            Resource::Pods => "pods",
            Resource::Events => "events",
            Resource::Secrets => "secrets",
            Resource::Namespaces => "namespaces",
            Resource::Nodes => "nodes",
            Resource::Deployments => "deployments",
            Resource::ReplicaSets => "replicasets",
            Resource::Autoscalers => "horizontalpodautoscalers",
        }
    }

    /// The name in an object, as `Pod`.
    pub fn kind(self) -> &'static str {
        match self {
            Resource::Pods => "Pod",
            Resource::Events => "Event",
            Resource::Secrets => "Secret",
            Resource::Namespaces => "Namespace",
            Resource::Nodes => "Node",
            Resource::Deployments => "Deployment",
            Resource::ReplicaSets => "ReplicaSet",
            Resource::Autoscalers => "HorizontalPodAutoscaler",
        }
    }

    /// The API group, empty for core.
    pub fn group(self) -> &'static str {
        match self {
            Resource::Deployments | Resource::ReplicaSets => "apps",
            Resource::Autoscalers => "autoscaling",
            _ => "",
        }
    }

    /// `v1`, `apps/v1` or `autoscaling/v2`.
    pub fn api_version(self) -> &'static str {
        match self {
            Resource::Deployments | Resource::ReplicaSets => "apps/v1",
            Resource::Autoscalers => "autoscaling/v2",
            _ => "v1",
        }
    }

    /// Whether its objects lie in namespaces.
    pub fn is_namespaced(self) -> bool {
        !matches!(self, Resource::Namespaces | Resource::Nodes)
    }

    /// The resource of a path.
    pub fn find(group: &str, plural: &str) -> Option<Resource> {
        Resource::ALL
            .into_iter()
            .find(|resource| resource.group() == group && resource.plural() == plural)
    }
}
