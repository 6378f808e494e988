//! What several parts of a profile refer to: tables, error classes and workers; and whether contacts and error classes are right.

use super::Mistakes;

impl Mistakes<'_> {
    /// A table that a condition or a check names; `path` is that one's own.
    pub(crate) fn table(&mut self, path: &str, table: &str) {
        let known = self.profile.database.iter();
        let known = known.flat_map(|database| &database.tables);
        let known = known.map(|table| table.name.as_str());
        self.known(&format!("{path}.table"), "table", table, known);
    }

    /// Error classes that a condition names; `path` is the condition's own.
    pub(crate) fn error_classes(&mut self, path: &str, classes: &[String]) {
        let known = self.profile.error_classes.iter().map(|class| class.id.as_str());
        for class in classes.iter().filter(|class| !class.is_empty()) {
            self.known(&format!("{path}.classes"), "error class", class, known.clone());
        }
    }

    /// Workers that a condition names by their lease types; `path` is the condition's own.
    pub(crate) fn lease_types(&mut self, path: &str, workers: &[String]) {
        let known = self.profile.leaders.workers.iter();
        let known = known.map(|worker| worker.lease_type.as_str());
        for worker in workers {
            self.known(
                &format!("{path}.workers"),
                "worker with the lease type",
                worker,
                known.clone(),
            );
        }
    }

    /// What a contact can do something about must exist.
    pub(super) fn contacts(&mut self) {
        let profile = self.profile;
        let tables = profile.database.iter().flat_map(|database| &database.tables);
        let tables = tables.map(|table| table.name.as_str());
        let classes = profile.error_classes.iter().map(|class| class.id.as_str());
        let rules = profile.rules.iter().chain(&profile.literal_rules);
        let rules = rules.map(|rule| rule.id.as_str());
        for (id, contact) in &profile.contacts {
            for table in &contact.tables {
                self.known(&format!("contacts.{id}.tables"), "table", table, tables.clone());
            }
            for class in &contact.error_classes {
                let path = format!("contacts.{id}.error-classes");
                self.known(&path, "error class", class, classes.clone());
            }
            for rule in contact.asks.keys() {
                self.known(&format!("contacts.{id}.asks.{rule}"), "rule", rule, rules.clone());
            }
        }
    }

    pub(super) fn error_class_patterns(&mut self) {
        let classes = &self.profile.error_classes;
        self.unique(
            "error class",
            classes.iter().map(|class| class.id.as_str()),
            |index| format!("error-classes[{index}].id"),
        );
        for (index, class) in classes.iter().enumerate() {
            let path = format!("error-classes[{index}].patterns");
            self.require(!class.patterns.is_empty(), &path, || {
                "there is no pattern".to_owned()
            });
            for (pattern_index, pattern) in class.patterns.iter().enumerate() {
                self.pattern(&format!("{path}[{pattern_index}]"), pattern);
            }
            for (pattern_index, pattern) in class.raw_patterns.iter().enumerate() {
                let path = format!("error-classes[{index}].raw-patterns[{pattern_index}]");
                self.pattern(&path, pattern);
            }
        }
    }
}
