//! Why this and nothing else: every rule of the decision table, whether it holds, and what shows it.

use jiff::SignedDuration;

use crate::app::App;
use crate::dialogs::dialog_text::{DialogText, Tone};
use sopwatch_core::diagnose::{Recommendation, RuleFinding, Truth};
use sopwatch_core::observe::source::SourceState;
use sopwatch_core::profile::rule::{Advice, RuleAdvice};
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

/// Who takes over what nobody is sure about.
const UNSURE: &str = "control-plane";

/// Columns of a rule's mark.
const MARK: usize = 8;

impl App {
    /// The advice as people say it: `restart the pods`, `escalate to OCM support`.
    pub fn advice_in_words(&self, action: Advice, contact: Option<&str>) -> SafeText {
        self.session.profile.advice_in_words(action, contact)
    }

    pub(crate) fn why_page(&self) -> DialogText {
        let decision = &self.diagnosis.decision;
        let mut page = DialogText::titled("Why");
        page.section("What to do");
        self.add_recommendation(&mut page, &decision.recommendation, Tone::Bad);
        if !decision.also.is_empty() {
            page.section("Also true");
            for also in &decision.also {
                self.add_recommendation(&mut page, also, Tone::Plain);
            }
        }
        if !decision.not_ruled_out.is_empty() {
            page.section("Would take priority, but cannot be checked yet");
            for open in &decision.not_ruled_out {
                page.add(Tone::Doubtful, format!("{}: {}", open.rule, open.missing));
            }
        }
        if let Some(literal) = &decision.literal {
            page.section("Taken literally, the SOP says:");
            self.add_recommendation(&mut page, literal, Tone::Doubtful);
            page.add(Tone::Plain, format!("why this differs: {}", decision.differs));
        }
        if decision.recommendation.unclear {
            self.add_what_to_check(&mut page);
        } else if decision.recommendation.action == Advice::Gather {
            self.add_what_to_get(&mut page);
        }
        page.section("All rules, in order: the first true one decides");
        // The true ones are looked for first; their order stays.
        let (holding, others): (Vec<_>, Vec<_>) =
            decision.rules.iter().partition(|rule| rule.truth.is_true());
        for rule in holding.into_iter().chain(others) {
            self.add_rule(&mut page, rule);
        }
        page
    }

    fn add_recommendation(&self, page: &mut DialogText, recommendation: &Recommendation, tone: Tone) {
        let Recommendation {
            action,
            contact: _,
            rule,
            because,
            until,
            unclear: _,
        } = recommendation;
        let tone = if *action == Advice::None { Tone::Good } else { tone };
        let words = recommendation.in_words(&self.session.profile);
        let left = until.map(|until| {
            format!(
                ", {} left",
                duration::brief(until.duration_since(self.clock.now).max(SignedDuration::ZERO))
            )
        });
        let by = rule.as_ref().map(|rule| format!(" (rule {rule})"));
        page.add(
            tone,
            format!("{words}{}{}", left.unwrap_or_default(), by.unwrap_or_default()),
        );
        for line in because {
            page.add(Tone::Plain, format!("  {line}"));
        }
        let again = rule
            .as_ref()
            .is_some_and(|rule| self.is_again(rule, recommendation));
        if let Some(basis) = rule
            .as_ref()
            .and_then(|rule| self.basis_of(rule))
            .filter(|_| !again)
        {
            page.add(Tone::Faint, format!("  SOP: \"{basis}\""));
        }
    }

    /// Whether a rule gives its second advice, for which it has no words of the SOP.
    fn is_again(&self, id: &str, recommendation: &Recommendation) -> bool {
        let mut rules = self.session.profile.rules.iter();
        let rule = rules.find(|rule| rule.id == id);
        rule.and_then(|rule| rule.again.as_ref()).is_some_and(|again| {
            (again.action, &again.contact) == (recommendation.action, &recommendation.contact)
        })
    }

    fn basis_of(&self, id: &str) -> Option<&str> {
        let profile = &self.session.profile;
        let mut rules = profile.rules.iter().chain(&profile.literal_rules);
        let rule = rules.find(|rule| rule.id == id)?;
        Some(&rule.basis)
    }

    fn add_rule(&self, page: &mut DialogText, rule: &RuleFinding) {
        let RuleAdvice { action, contact } = &rule.advice;
        let then = self.advice_in_words(*action, contact.as_deref());
        let (tone, mark, shown) = match &rule.truth {
            Truth::True { because, again } => {
                let again = if *again { " (again after a restart)" } else { "" };
                (Tone::Bad, "true", safe!("{}{again}", because.join("; ")))
            }
            Truth::False { because } => (Tone::Plain, "false", because.clone()),
            Truth::Unknown { missing } => (Tone::Doubtful, "unknown", missing.clone()),
        };
        page.add(tone, format!("{mark:<MARK$}{} → {then}", rule.title));
        page.add(Tone::Faint, format!("{:<MARK$}{shown}", ""));
        page.add(Tone::Faint, format!("{:<MARK$}changes if {}", "", rule.flips));
    }

    /// The steps that are no reason to act and none to leave it, and the team to ask.
    fn add_what_to_check(&self, page: &mut DialogText) {
        page.section("What to check yourself");
        let open = self.diagnosis.steps.iter().filter(|step| {
            matches!(
                step.status,
                StepStatus::Fail | StepStatus::Unknown | StepStatus::Stale | StepStatus::Waiting
            )
        });
        for step in open {
            page.add(Tone::Doubtful, format!("{}: {}", step.title, step.value));
        }
        if let Some(contact) = self.session.profile.contacts.get(UNSURE) {
            let title = &contact.title;
            page.add(
                Tone::Plain,
                format!("if that does not tell, ask {title} and say what you saw"),
            );
        }
    }

    /// What can't be read, what helps, and the team to ask where it does not help.
    fn add_what_to_get(&self, page: &mut DialogText) {
        page.section("What to restore");
        let troubled = self
            .state
            .sources()
            .filter_map(|(_, source)| match &source.state {
                SourceState::Off(why) => Some((why, None)),
                _ => source
                    .problem()
                    .map(|problem| (&problem.what, problem.advice.as_ref())),
            });
        for (what, advice) in troubled {
            page.add(Tone::Doubtful, what.to_string());
            if let Some(advice) = advice {
                page.add(Tone::Plain, format!("  {advice}"));
            }
        }
        if let Some(sop) = self.session.profile.sop(&self.checklist.sop) {
            for access in &sop.access {
                page.add(Tone::Faint, format!("the SOP needs: {access}"));
            }
            for secret in &sop.secrets {
                page.add(Tone::Faint, format!("the SOP needs: the secret {secret}"));
            }
        }
        if let Some(contact) = self.session.profile.contacts.get(UNSURE) {
            page.add(
                Tone::Plain,
                format!(
                    "if that is not possible, ask {} and say what is missing",
                    contact.title
                ),
            );
        }
    }
}
