//! The decision: every rule of the table evaluated, the first that holds is what to do.

#[cfg(test)]
mod tests;
mod truth;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::truth::Truth;
use super::evaluation::Evaluation;
use crate::observe::observation::Autoscaler;
use crate::observe::source::{Freshness, SourceId, SourceState};
use crate::profile::Profile;
use crate::profile::rule::{Advice, Alert, Rule, RuleAdvice};
use crate::text::{Redacted, SafeText};

/// What follows from the observations: one thing to do, and what speaks for and against it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What to do.
    pub recommendation: Recommendation,
    /// What also holds, in the table's order.
    pub also: Vec<Recommendation>,
    /// Rules above the one that decided that can't be evaluated.
    pub not_ruled_out: Vec<NotRuledOut>,
    /// Every rule that applies, in the table's order.
    pub rules: Vec<RuleFinding>,
    /// What the SOP's words would have one do, where that is something else.
    pub literal: Option<Recommendation>,
    /// Why it is not done, where it is something else; empty otherwise.
    pub differs: SafeText,
}

/// One thing to do and why. A record keeps it in this form: its fields' names stay as they are written there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Recommendation {
    /// What.
    pub action: Advice,
    /// For an escalation: the contact's id.
    pub contact: Option<String>,
    /// The rule it follows from; `None` where none holds.
    pub rule: Option<String>,
    /// What shows it.
    pub because: Vec<SafeText>,
    /// For a wait: until when.
    pub until: Option<Timestamp>,
    /// For [`Advice::Gather`]: what the rules rest on was read, and does not tell what to do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unclear: bool,
}

/// What [`Advice::Gather`] is called where nothing is missing.
const UNCLEAR: &str = "check yourself";

impl Recommendation {
    /// As people say it: `restart the pods`, `escalate to OCM support`.
    pub fn in_words(&self, profile: &Profile) -> SafeText {
        if self.unclear {
            UNCLEAR.into()
        } else {
            profile.advice_in_words(self.action, self.contact.as_deref())
        }
    }
}

impl Default for Recommendation {
    fn default() -> Self {
        Self {
            action: Advice::Gather,
            contact: None,
            rule: None,
            because: Vec::new(),
            until: None,
            unclear: false,
        }
    }
}

/// A rule that can't be evaluated. `check` and the report publish it in this form, redacted: its fields' names stay as they are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotRuledOut<Words = SafeText> {
    /// Its id.
    pub rule: Words,
    /// What is missing.
    pub missing: Words,
}

impl From<&NotRuledOut> for NotRuledOut<Redacted> {
    fn from(open: &NotRuledOut) -> Self {
        Self {
            rule: (&open.rule).into(),
            missing: (&open.missing).into(),
        }
    }
}

/// A rule and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFinding {
    /// Its id.
    pub id: String,
    /// What it says.
    pub title: SafeText,
    /// Whether it holds.
    pub truth: Truth,
    /// What it would have one do.
    pub advice: RuleAdvice,
    /// Which observation would turn it: `a row in cluster_accepted is older than 3m (oldest 2m10s)`.
    pub flips: SafeText,
}

impl Evaluation<'_> {
    /// Evaluates the profile's table for an alert.
    pub(super) fn decide(&self, alert: Alert) -> Decision {
        let rules = self.findings(&self.profile.rules, alert);
        let first = rules.iter().position(|rule| rule.truth.is_true());
        let missing = |rule: &RuleFinding| match &rule.truth {
            Truth::Unknown { missing } => Some(NotRuledOut {
                rule: (&rule.id).into(),
                missing: missing.clone(),
            }),
            _ => None,
        };
        let not_ruled_out: Vec<_> = rules[..first.unwrap_or(rules.len())]
            .iter()
            .filter_map(missing)
            .collect();
        let recommendation = match first {
            Some(first) => self.recommend(&rules[first]),
            None => self
                .settle_first(&rules, alert)
                .unwrap_or_else(|| self.nothing_holds(&not_ruled_out)),
        };
        let others = rules.iter().skip(first.map_or(rules.len(), |first| first + 1));
        let also = others
            .filter(|rule| rule.truth.is_true())
            .map(|rule| self.recommend(rule));
        let also = also.collect();
        let literal = self.literally(alert, &recommendation);
        let by = first.map(|first| &rules[first]);
        Decision {
            differs: literal
                .as_ref()
                .map_or(SafeText::default(), |_| self.why_otherwise(by, &recommendation)),
            literal,
            recommendation,
            also,
            not_ruled_out,
            rules,
        }
    }

    /// What the SOP's words say, if it is something else.
    fn literally(&self, alert: Alert, decided: &Recommendation) -> Option<Recommendation> {
        let rules = self.findings(&self.profile.literal_rules, alert);
        let first = rules.iter().find(|rule| rule.truth.is_true())?;
        let literal = self.recommend(first);
        let same = literal.action == decided.action && literal.contact == decided.contact;
        (!same).then_some(literal)
    }

    /// Why the table says otherwise than the SOP's words.
    fn why_otherwise(&self, by: Option<&RuleFinding>, decided: &Recommendation) -> SafeText {
        let again = by.is_some_and(|rule| matches!(rule.truth, Truth::True { again: true, .. }));
        let rule = by.and_then(|by| self.profile.rules.iter().find(|rule| rule.id == by.id));
        let words = match (rule, decided.action) {
            (Some(rule), _) if again && rule.again.is_some() => AGAIN,
            (Some(rule), _) if !rule.differs.is_empty() => &rule.differs,
            (Some(rule), _) => &rule.basis,
            (None, Advice::None) => "the problem that the SOP names is over",
            (None, Advice::Wait) => "the leader is known soon",
            (None, _) => "missing data may change this",
        };
        words.into()
    }

    /// All is well only where every rule could be evaluated and no step fails.
    fn nothing_holds(&self, missing: &[NotRuledOut]) -> Recommendation {
        // A profile without a rule for steps that fail says nothing of what to do then, which is not that nothing is to be done.
        let failing = self.failing_in_words();
        let action = if missing.is_empty() && failing.is_empty() {
            Advice::None
        } else {
            Advice::Gather
        };
        // Several rules may want for the same; that a step can't be answered says less than the rules about the same source.
        let of_steps = |one: &&NotRuledOut| {
            let mut rules = self.profile.rules.iter();
            rules.any(|rule| one.rule == rule.id && rule.when.kind().rests_on_steps())
        };
        let (of_steps, of_sources): (Vec<_>, Vec<_>) = missing.iter().partition(of_steps);
        let reads_all = |one: &&NotRuledOut| {
            let mut rules = self.profile.rules.iter();
            rules.any(|rule| one.rule == rule.id && rule.when.kind().is_unclear(self))
        };
        let unclear = of_sources.is_empty() && of_steps.iter().all(reads_all) || !self.lacks_a_source();
        let said = if of_sources.is_empty() {
            of_steps
        } else {
            of_sources
        };
        let distinct = self.sources_first(said);
        let because = match action {
            Advice::None => vec!["no rule matches".into()],
            _ if distinct.is_empty() => failing,
            _ => distinct,
        };
        Recommendation {
            action,
            because,
            unclear: action == Advice::Gather && unclear,
            ..Recommendation::default()
        }
    }

    /// What is missing, each once: the sources that can't be read before what is unknown for that, and before what only time will tell.
    fn sources_first(&self, missing: Vec<&NotRuledOut>) -> Vec<SafeText> {
        let sources = [
            self.hear(&SourceId::Pods, "pods").trouble(),
            self.unread_logs(),
            self.hear(&SourceId::Database, "database").trouble(),
        ];
        let is_of_source = |one: &NotRuledOut| {
            let mut sources = sources.iter().flatten();
            sources.any(|source| one.missing.contains(source.as_str()))
        };
        let waits = |one: &NotRuledOut| {
            let mut rules = self.profile.rules.iter();
            rules.any(|rule| one.rule == rule.id && rule.when.kind().known_at(self).is_some())
        };
        let ranked = missing.into_iter();
        let mut ranked: Vec<_> = ranked
            .map(|one| (waits(one), !is_of_source(one), one.missing.clone()))
            .collect();
        ranked.sort();
        let mut distinct: Vec<SafeText> = Vec::new();
        for (.., words) in ranked {
            if !distinct.contains(&words) {
                distinct.push(words);
            }
        }
        distinct
    }

    /// Whether a source that is asked does not answer, or is not current.
    fn lacks_a_source(&self) -> bool {
        let database = self.profile.database.is_some().then_some(SourceId::Database);
        let watched = [SourceId::Pods, SourceId::Deployment, SourceId::ClusterEvents];
        let mut needed = watched.into_iter().chain(database);
        if needed.any(|id| self.state.source(&id).is_none()) || self.unread_now().is_some() {
            return true;
        }
        let mut sources = self.state.sources();
        sources.any(|(id, source)| match source.state {
            SourceState::Off(_) => true,
            SourceState::Ended | SourceState::Resting => false,
            _ => {
                source.problem().is_some()
                    || !matches!(self.state.freshness(id, self.now), Freshness::Fresh(_))
            }
        })
    }

    /// Where nothing holds, and nothing but time is missing to know that: wait until who leads is known.
    fn settle_first(&self, rules: &[RuleFinding], alert: Alert) -> Option<Recommendation> {
        let applying = self.profile.rules.iter().filter(|rule| rule.applies_to(alert));
        let open = applying
            .zip(rules)
            .filter(|(_, found)| matches!(found.truth, Truth::Unknown { .. }));
        let open: Vec<_> = open.collect();
        let known: Option<Vec<Timestamp>> = open
            .iter()
            .map(|(rule, _)| rule.when.kind().known_at(self))
            .collect();
        let until = known?.into_iter().max()?;
        let missing = |(_, found): &(&Rule, &RuleFinding)| match &found.truth {
            Truth::Unknown { missing } => Some(missing.clone()),
            Truth::True { .. } | Truth::False { .. } => None,
        };
        let because: BTreeSet<SafeText> = open.iter().filter_map(missing).collect();
        Some(Recommendation {
            action: Advice::Wait,
            because: because.into_iter().collect(),
            until: Some(until),
            ..Recommendation::default()
        })
    }

    fn findings(&self, rules: &[Rule], alert: Alert) -> Vec<RuleFinding> {
        let applying = rules.iter().filter(|rule| rule.applies_to(alert));
        applying.map(|rule| self.find(rule)).collect()
    }

    fn find(&self, rule: &Rule) -> RuleFinding {
        let truth = rule.when.kind().evaluate(self);
        let tried = matches!(truth, Truth::True { again: true, .. });
        let advice = rule.again.as_ref().filter(|_| tried).unwrap_or(&rule.then);
        RuleFinding {
            id: rule.id.clone(),
            title: rule.title.as_str().into(),
            flips: rule.when.flips(&truth, self),
            truth,
            advice: advice.clone(),
        }
    }

    fn recommend(&self, rule: &RuleFinding) -> Recommendation {
        let mut because = match &rule.truth {
            Truth::True { because, .. } => because.clone(),
            _ => Vec::new(),
        };
        if rule.advice.action == Advice::ScaleUp {
            let autoscaler = self.state.autoscaler.as_ref();
            because.extend(autoscaler.map(Autoscaler::undoes_it));
        }
        Recommendation {
            action: rule.advice.action,
            contact: rule.advice.contact.clone(),
            rule: Some(rule.id.clone()),
            because,
            until: (rule.advice.action == Advice::Wait)
                .then(|| self.settles().ok())
                .flatten()
                .map(|settling| settling.until),
            unclear: false,
        }
    }
}

/// Why what was tried is not tried again.
const AGAIN: &str =
    "it was tried already and did not help; another restart only costs minutes without a leader";
