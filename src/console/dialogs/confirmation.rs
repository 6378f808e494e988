//! The question before a change: what it does and where, the dry run, the refusals that block it and the cautions that do not.

use jiff::Timestamp;

use super::button::Button;
use crate::app::App;
use crate::dialogs::Scroll;
use crate::dialogs::dialog_text::{DialogText, Tone};
use sopwatch_core::observe::observation::short_name;
use sopwatch_core::remediate::command::{Command, PlanKind};
use sopwatch_core::remediate::gate::Gate;
use sopwatch_core::remediate::plan::Plan;
use sopwatch_core::text::{SafeText, counted, duration};

/// A plan before the operator's eyes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// Tells this question from an earlier one.
    pub number: u64,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// What is to be done.
    pub plan: Plan,
    /// Refusals and cautions.
    pub gate: Gate,
    /// What the server said when it was asked to do it without doing it.
    pub dry_run: DryRun,
    /// Which button has the focus, where no name is typed.
    pub button: Button,
    /// What was typed so far.
    pub typed: String,
    /// Why it is no question any more: its ground has gone. It stays until it is put away: what is still typed for it means nothing else.
    pub closed: Option<SafeText>,
    /// How far down.
    pub scroll: Scroll,
}

impl Confirm {
    /// Whether it may still be answered.
    pub fn is_open(&self) -> bool {
        self.gate.refusals.is_empty() && self.closed.is_none()
    }

    /// Whether the dry run was refused: then there is nothing to confirm.
    pub fn is_refused(&self) -> bool {
        matches!(self.dry_run, DryRun::Refused(_))
    }
}

/// A dry run's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// The server is being asked.
    Asked,
    /// It would do it.
    Passed,
    /// It can't try without doing; why.
    Untried(SafeText),
    /// It would not; why.
    Refused(SafeText),
}

/// What a plan does, as a title: `Restart all 3 pods, one by one`.
fn heading(plan: &Plan) -> String {
    let pods = |count: usize| counted(count, "pod", "pods");
    match (plan.aim, plan.commands.as_slice()) {
        (PlanKind::RestartAll, all) if all.len() > 1 => {
            format!("Restart all {}, one by one", pods(all.len()))
        }
        (PlanKind::RestartRest, rest) if rest.len() > 1 => {
            format!("Restart the remaining {}, one by one", pods(rest.len()))
        }
        (PlanKind::RollOut, _) => "Restart all pods by a rollout".to_owned(),
        (PlanKind::Start, [Command::Scale { to, .. }]) => format!("Start {}", pods(*to as usize)),
        (_, [Command::Scale { from, to, .. }]) => format!("Scale from {from} to {}", pods(*to as usize)),
        (PlanKind::Start, all) => format!("Start {}", counted(all.len(), "new pod", "new pods")),
        (_, [Command::DeletePod { pod, .. }]) => format!("Restart pod {}", short_name(pod)),
        (_, all) => format!("Restart {}", pods(all.len())),
    }
}

impl App {
    pub(crate) fn confirm_page(&self, confirm: &Confirm) -> DialogText {
        let plan = &confirm.plan;
        let may = confirm.is_open();
        let heading = heading(plan);
        let mut page = DialogText::titled(match (may, &confirm.closed) {
            (true, _) => format!("{heading}?"),
            (false, Some(_)) => format!("Closed: {heading}"),
            (false, None) => format!("Blocked: {heading}"),
        });
        if let Some(why) = &confirm.closed {
            page.add(Tone::Bad, format!("Closed, nothing was sent: {why}"));
            page.add(Tone::Heading, "esc  go back");
            return page;
        }
        for why in &confirm.gate.refusals {
            page.add(Tone::Bad, format!("Blocked: {why}"));
        }
        if may {
            self.add_key(&mut page, confirm);
        } else {
            page.add(Tone::Heading, "esc  go back");
        }
        for caution in &confirm.gate.cautions {
            page.add(Tone::Doubtful, format!("Note: {caution}"));
        }
        self.add_place(&mut page);
        page.section("Effect and risk");
        page.add(Tone::Plain, plan.effect());
        if let Some(rule) = plan.cause.as_ref().filter(|_| !self.holds_back()) {
            page.add(Tone::Plain, format!("recommended by rule {rule}"));
        }
        if let Some(account) = self.account() {
            for risk in plan.risks(&account) {
                page.add(Tone::Plain, risk);
            }
        }
        // Last, for it is the longest: on a small screen the risk is seen without scrolling.
        page.section(if may && !confirm.is_refused() {
            "Commands"
        } else {
            "Commands (sopwatch sends nothing)"
        });
        for command in &plan.commands {
            page.add(Tone::Code, format!("  {}", command.by_hand(self.namespace())));
        }
        page
    }

    fn namespace(&self) -> &str {
        let known = self.state.connection.as_ref();
        known.map_or(&self.session.namespace, |known| known.namespace.as_str())
    }

    /// What the live connection says where it would happen.
    fn add_place(&self, page: &mut DialogText) {
        let Some(known) = &self.state.connection else {
            return;
        };
        let name = match &self.session.environment {
            Some(known) if known.production && !known.name.starts_with("prod") => {
                format!("{}  production", known.name.to_uppercase())
            }
            Some(known) => known.name.to_uppercase(),
            None => "an environment that the profile does not know".to_owned(),
        };
        let drill = self.session.drill.as_ref().map_or("", |_| "DRILL: ");
        page.section(&format!("Where: {drill}{name}"));
        page.add(Tone::Plain, format!("server     {}", known.server));
        if known.unverified {
            let why = "           its certificate is not verified (insecure-skip-tls-verify)";
            page.add(Tone::Doubtful, why.to_owned());
        }
        page.add(Tone::Plain, format!("namespace  {}", known.namespace));
        page.add(Tone::Plain, format!("as         {}", known.user));
    }

    /// What the dry run says, and below it the key that sends.
    fn add_key(&self, page: &mut DialogText, confirm: &Confirm) {
        let waited = duration::brief(self.clock.now.duration_since(confirm.asked_at));
        let (tone, words) = match &confirm.dry_run {
            DryRun::Asked => (Tone::Faint, format!("Dry run running … {waited}")),
            DryRun::Passed => (Tone::Good, "Dry run OK".to_owned()),
            DryRun::Untried(why) => (Tone::Doubtful, format!("No dry run: {why}")),
            DryRun::Refused(why) => (Tone::Bad, format!("Dry run refused: {why}")),
        };
        page.add(tone, words);
        if confirm.is_refused() {
            page.add(Tone::Heading, "esc  go back");
            return;
        }
        match self.to_type(&confirm.plan) {
            Some(wanted) => {
                page.add(Tone::Heading, format!("Type {wanted}, then Enter · esc cancel"));
                // Under the name, letter for letter.
                let (tone, problem) = if wanted.starts_with(&confirm.typed) {
                    (Tone::Heading, "")
                } else {
                    (Tone::Bad, "   does not match")
                };
                page.add(tone, format!("     {}▏{problem}", confirm.typed));
            }
            None => page.add(
                Tone::Heading,
                confirm.button.line("Cancel", &confirm.plan.button()),
            ),
        }
    }
}
