//! What the decision table of a profile must hold beyond its shape: that what a rule names exists.

use super::check::Checker;
use sopwatch_core::profile::Profile;
use sopwatch_core::profile::rule::{Advice, Condition, Rule, RuleAdvice};

impl Checker<'_> {
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
        self.condition(&format!("{path}.when"), &rule.when);
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
                "a rule can't advise `none`: that is said where no rule holds",
            ),
            (None, _) => {}
        }
    }

    fn condition(&mut self, path: &str, condition: &Condition) {
        let profile: &Profile = self.profile;
        match condition {
            Condition::Leader { workers, .. } | Condition::Led { workers } => {
                let known = profile
                    .leaders
                    .workers
                    .iter()
                    .map(|worker| worker.lease_type.as_str());
                for worker in workers {
                    self.known(
                        &format!("{path}.workers"),
                        "worker with the lease type",
                        worker,
                        known.clone(),
                    );
                }
            }
            Condition::Errors { classes, .. } => self.known_classes(path, classes),
            Condition::NewlyFailed { table, classes } => {
                self.known_table(path, table);
                self.known_classes(path, classes);
            }
            Condition::OverLimit { table, .. }
            | Condition::UnknownStatus { table, .. }
            | Condition::Blank { table }
            | Condition::NoneReady { table } => self.known_table(path, table),
            Condition::All { of } => self.conditions(&format!("{path}.of"), of),
            Condition::Any { of, optional } => {
                self.require(!of.is_empty(), path, || {
                    "something that need not be optional must be able to say that none holds: `of` is empty"
                        .to_owned()
                });
                self.conditions(&format!("{path}.of"), of);
                self.conditions(&format!("{path}.optional"), optional);
            }
            Condition::Saturated { shares, cpu, .. } => self.saturated(path, *shares, *cpu),
            Condition::Outbound { at_least, share, .. } => self.outbound(path, *at_least, *share),
            Condition::Not { of } => self.condition(&format!("{path}.of"), of),
            Condition::Unreadable
            | Condition::Settling
            | Condition::NoPodReady { .. }
            | Condition::Crashing
            | Condition::ClusterEvents
            | Condition::StepFails => {}
        }
    }

    fn known_classes(&mut self, path: &str, classes: &[String]) {
        let profile: &Profile = self.profile;
        let known = profile.error_classes.iter().map(|class| class.id.as_str());
        for class in classes.iter().filter(|class| !class.is_empty()) {
            self.known(&format!("{path}.classes"), "error class", class, known.clone());
        }
    }

    fn known_table(&mut self, path: &str, table: &str) {
        let profile: &Profile = self.profile;
        let database = profile.database.iter();
        let known = database.flat_map(|database| &database.tables);
        let known = known.map(|table| table.name.as_str());
        self.known(&format!("{path}.table"), "table", table, known);
    }

    fn conditions(&mut self, path: &str, conditions: &[Condition]) {
        for (index, one) in conditions.iter().enumerate() {
            self.condition(&format!("{path}[{index}]"), one);
        }
    }
}
