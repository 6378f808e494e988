//! Why this team: the rule that concerns it, its threshold, its basis in the SOP, and what speaks against it.

use super::Audience;
use crate::diagnose::{Recommendation, Truth, window};
use crate::export::case_snapshot::CaseSnapshot;
use crate::profile::rule::{Advice, Rule};
use crate::safe;
use crate::text::SafeText;
use crate::text::markdown::Section;

/// Lines that show why.
const REASONS: usize = 6;

/// Other rules that are named of many.
const OTHERS: usize = 6;

impl Audience<'_> {
    /// What of the decision concerns this contact: what is recommended, else what also holds, else the SOP's words.
    pub(super) fn concerning(&self) -> Option<&Recommendation> {
        let decision = &self.account.diagnosis.decision;
        let all = std::iter::once(&decision.recommendation)
            .chain(&decision.also)
            .chain(&decision.literal);
        let mut of_contact = all.filter(|one| one.contact.as_deref() == Some(self.id));
        of_contact.next()
    }

    /// The decision with its reasons; nothing where nothing was decided.
    pub(super) fn decision(&self) -> Section {
        let mut section = Section::new("Why we are contacting you");
        let decision = &self.account.diagnosis.decision;
        if decision.rules.is_empty() {
            return section;
        }
        let concerning = self.concerning();
        if let Some(concerning) = concerning {
            self.reason(&mut section, concerning);
        } else {
            section.item("no rule names you: the on-call engineer decided to contact you");
        }
        if concerning != Some(&decision.recommendation) {
            section.item(safe!(
                "first recommendation: {}",
                self.in_words(&decision.recommendation)
            ));
            section.listed(&decision.recommendation.because, REASONS, Clone::clone);
        }
        let other = |one: &&Recommendation| Some(*one) != concerning;
        let also: Vec<_> = decision.also.iter().filter(other).collect();
        self.others(&mut section, "also true", &also);
        self.open(&mut section);
        if let Some(literal) = decision.literal.iter().find(other) {
            section.item(safe!("taken literally, the SOP says: {}", self.in_words(literal)));
        }
        section
    }

    fn reason(&self, section: &mut Section, recommendation: &Recommendation) {
        section.item(self.in_words(recommendation));
        section.listed(&recommendation.because, REASONS, Clone::clone);
        let Some(rule) = recommendation.rule.as_deref().and_then(|id| self.rule(id)) else {
            return;
        };
        let CaseSnapshot { state, now, .. } = *self.account;
        let window = now.duration_since(window(state, now));
        for limit in rule.when.kind().threshold(self.account.profile, window) {
            section.item(safe!("threshold: {limit}"));
        }
        // What it rests on in the SOP is about its first advice.
        if rule.again.is_none() || !self.is_again(recommendation) {
            section.item(safe!("SOP: \"{}\"", rule.basis));
        }
    }

    /// `restart the pods (rule no-leader: No leader)`.
    fn in_words(&self, recommendation: &Recommendation) -> SafeText {
        let profile = self.account.profile;
        let words = recommendation.in_words(profile);
        let rule = recommendation.rule.as_deref().and_then(|id| self.rule(id));
        let by = rule.map(|rule| safe!(" (rule {}: {})", rule.id, rule.title));
        let until = recommendation
            .until
            .filter(|_| recommendation.action == Advice::Wait)
            .map(|until| safe!(" until {}", self.time(until)));
        let again = if self.is_again(recommendation) {
            ", after a restart that did not help"
        } else {
            ""
        };
        safe!(
            "{words}{}{}{again}",
            until.unwrap_or_default(),
            by.unwrap_or_default()
        )
    }

    fn is_again(&self, recommendation: &Recommendation) -> bool {
        let rules = &self.account.diagnosis.decision.rules;
        let finding = rules
            .iter()
            .find(|rule| Some(&rule.id) == recommendation.rule.as_ref());
        finding.is_some_and(|finding| matches!(finding.truth, Truth::True { again: true, .. }))
    }

    /// The profile's rule of this id for this alert.
    fn rule(&self, id: &str) -> Option<&Rule> {
        let profile = self.account.profile;
        let mut rules = profile.rules.iter().chain(&profile.literal_rules);
        rules.find(|rule| rule.id == id && rule.applies_to(self.account.sop.alert))
    }

    fn others(&self, section: &mut Section, what: &str, others: &[&Recommendation]) {
        for other in others.iter().take(OTHERS) {
            section.item(safe!("{what}: {}", self.in_words(other)));
            section.listed(&other.because, 2, Clone::clone);
        }
        section.and_more(others.len().saturating_sub(OTHERS));
    }

    /// The rules that may apply as well, but can't be checked.
    fn open(&self, section: &mut Section) {
        let open = &self.account.diagnosis.decision.not_ruled_out;
        if open.is_empty() {
            return;
        }
        section.item("rules that can't be checked yet:");
        section.listed(open, OTHERS, |one| safe!("{}: {}", one.rule, one.missing));
    }
}
