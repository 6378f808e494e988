//! Whether steps and SOPs name what exists, and references to another SOP end.

use super::Mistakes;
use super::identifier::is_key;
use crate::profile::sop::{ALERT, OTHER, PLACEHOLDERS, Sop, Step};

impl<'a> Mistakes<'a> {
    pub(super) fn steps(&mut self) {
        let profile = self.profile;
        for (id, step) in &profile.steps {
            self.step(id, step);
        }
    }

    fn step(&mut self, id: &str, step: &Step) {
        let path = format!("steps.{id}");
        self.require(is_key(id), &path, || {
            format!("`{id}` is not a name of lower-case letters, digits and `-`")
        });
        self.require(id != OTHER && id != ALERT, &path, || {
            format!("`{id}` is reserved: choose another name")
        });
        step.check.kind().validate(&format!("{path}.check"), self);
        for (index, link) in step.links.iter().enumerate() {
            self.link(&format!("{path}.links[{index}]"), link);
        }
        for (index, command) in step.commands.iter().enumerate() {
            self.placeholders(&format!("{path}.commands[{index}]"), command);
        }
        self.placeholders(&format!("{path}.text"), &step.text);
    }

    /// A link must be somewhere, or be said to be open.
    fn link(&mut self, path: &str, key: &str) {
        let environments = &self.profile.environments;
        let somewhere = environments
            .iter()
            .flat_map(|environment| environment.links.keys());
        let known = somewhere.chain(&self.profile.open_links).map(String::as_str);
        self.known_or(path, key, known, || {
            format!("no environment has the link `{key}`, and `open-links` does not name it")
        });
    }

    fn placeholders(&mut self, path: &str, text: &str) {
        for word in words_in_braces(text) {
            self.known(path, "placeholder", word, PLACEHOLDERS.into_iter());
        }
    }

    pub(super) fn sops(&mut self) {
        let sops = &self.profile.sops;
        self.require(!sops.is_empty(), "sops", || "there is no SOP".to_owned());
        self.unique("SOP", sops.iter().map(|sop| sop.id.as_str()), |index| {
            format!("sops[{index}].id")
        });
        for (index, sop) in sops.iter().enumerate() {
            self.sop(&format!("sops[{index}]"), sop);
        }
    }

    fn sop(&mut self, path: &str, sop: &'a Sop) {
        let id = &sop.id;
        self.require(is_key(id), &format!("{path}.id"), || {
            format!("`{id}` is not a name of lower-case letters, digits and `-`")
        });
        self.unique("step", sop.steps.iter().map(String::as_str), |index| {
            format!("{path}.steps[{index}]")
        });
        for (index, step) in sop.steps.iter().enumerate() {
            let steps = self.profile.steps.keys().map(String::as_str);
            self.known(&format!("{path}.steps[{index}]"), "step", step, steps);
        }
        match &sop.steps_from {
            Some(other) => self.reference(&format!("{path}.steps-from"), sop, other),
            None => self.require(!sop.steps.is_empty(), &format!("{path}.steps"), || {
                "the SOP has no steps: give `steps` or `steps-from`".to_owned()
            }),
        }
    }

    /// A reference to another SOP must end at one that has steps.
    fn reference(&mut self, path: &str, sop: &Sop, other: &str) {
        let ids = self.profile.sops.iter().map(|sop| sop.id.as_str());
        self.known(path, "SOP", other, ids);
        self.require(sop.steps.is_empty(), path, || {
            "the SOP has `steps` of its own: keep one of the two".to_owned()
        });
        let end = self.profile.source_of(sop);
        self.require(
            end.steps_from.is_none() || self.profile.sop(other).is_none(),
            path,
            || "`steps-from` refers to itself in a circle".to_owned(),
        );
    }
}

/// The words in braces that look like placeholders: lower-case letters only.
fn words_in_braces(text: &str) -> impl Iterator<Item = &str> {
    let closed = text
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0));
    closed.filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}
