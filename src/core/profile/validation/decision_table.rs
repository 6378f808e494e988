//! Whether the decision table names what exists: contacts, and what its conditions are about.

use super::Mistakes;
use crate::profile::rule::{Advice, Rule, RuleAdvice};

impl Mistakes<'_> {
    pub(super) fn rules(&mut self) {
        let profile = self.profile;
        self.decision_table("rules", &profile.rules);
        self.decision_table("literal-rules", &profile.literal_rules);
        self.rule_ids();
    }

    /// A rule is looked up by its id alone, whichever table it is in: by a contact's `asks`, by a record, by a step.
    fn rule_ids(&mut self) {
        let profile = self.profile;
        let tables = [
            ("rules", &profile.rules),
            ("literal-rules", &profile.literal_rules),
        ];
        let places = tables.into_iter().flat_map(|(key, rules)| {
            let of_table = rules.iter().enumerate();
            of_table.map(move |(index, rule)| (format!("{key}[{index}].id"), rule.id.as_str()))
        });
        let (paths, ids): (Vec<_>, Vec<_>) = places.unzip();
        self.unique("rule", ids.into_iter(), |index| paths[index].clone());
    }

    fn decision_table(&mut self, key: &str, rules: &[Rule]) {
        for (index, rule) in rules.iter().enumerate() {
            self.rule(&format!("{key}[{index}]"), rule);
        }
    }

    fn rule(&mut self, path: &str, rule: &Rule) {
        self.advice(&format!("{path}.then"), &rule.then);
        if let Some(again) = &rule.again {
            self.advice(&format!("{path}.again"), again);
        }
        rule.when.kind().validate(&format!("{path}.when"), self);
    }

    fn advice(&mut self, path: &str, advice: &RuleAdvice) {
        let contacts = self.profile.contacts.keys().map(String::as_str);
        match (&advice.contact, advice.action) {
            (Some(contact), Advice::Escalate) => {
                self.known(&format!("{path}.contact"), "contact", contact, contacts);
            }
            (None, Advice::Escalate) => self.wrong(path, "an escalation needs a `contact`"),
            (Some(_), _) => self.wrong(path, "only an escalation has a `contact`"),
            (None, Advice::None) => self.wrong(
                &format!("{path}.action"),
                "a rule can't advise `none`: that is the advice when no rule matches",
            ),
            (None, _) => {}
        }
    }
}
