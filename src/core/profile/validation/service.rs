//! Whether the service and its environments are named as Kubernetes names things.

use super::Mistakes;
use super::identifier::{is_key, is_link, is_object_name, is_selector};
use crate::profile::Environment;

impl Mistakes<'_> {
    pub(super) fn service(&mut self) {
        let (id, service) = (&self.profile.id, &self.profile.service);
        self.require(is_key(id), "id", || {
            format!("`{id}` is not a name of lower-case letters, digits and `-`")
        });
        self.object_name("service.deployment", &service.deployment);
        self.object_name("service.container", &service.container);
        let selector = &service.selector;
        self.require(is_selector(selector), "service.selector", || {
            format!("`{selector}` is not a label selector such as `app=name`")
        });
        self.require(service.replicas > 0, "service.replicas", || {
            "at least one pod is needed".to_owned()
        });
        if let Some(metrics) = &service.metrics {
            self.metrics(metrics);
        }
    }

    pub(super) fn object_name(&mut self, path: &str, name: &str) {
        self.require(is_object_name(name), path, || {
            format!("`{name}` is not a name of a Kubernetes object")
        });
    }

    pub(super) fn environments(&mut self) {
        let environments = &self.profile.environments;
        self.require(!environments.is_empty(), "environments", || {
            "there is no environment".to_owned()
        });
        self.unique(
            "environment",
            environments.iter().map(|environment| environment.name.as_str()),
            |index| format!("environments[{index}].name"),
        );
        self.unique(
            "namespace",
            environments
                .iter()
                .map(|environment| environment.namespace.as_str()),
            |index| format!("environments[{index}].namespace"),
        );
        for (index, environment) in environments.iter().enumerate() {
            self.environment(&format!("environments[{index}]"), environment);
        }
    }

    fn environment(&mut self, path: &str, environment: &Environment) {
        let name = &environment.name;
        self.require(is_key(name), &format!("{path}.name"), || {
            format!("`{name}` is not a name of lower-case letters, digits and `-`")
        });
        self.object_name(&format!("{path}.namespace"), &environment.namespace);
        for (key, link) in &environment.links {
            let path = format!("{path}.links.{key}");
            self.require(is_link(link), &path, || {
                "not an http(s) link without user and password".to_owned()
            });
            self.known(&path, "step with the link", key, self.profile.link_keys());
        }
    }
}
