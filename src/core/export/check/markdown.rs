//! The document for a ticket or a chat.

use std::fmt::Write as _;

use super::table::name;
use super::{Assessment, Recommended};
use crate::text::SafeText;
use crate::text::markdown::escaped;

impl Assessment {
    /// The document as Markdown.
    pub fn markdown(&self) -> SafeText {
        let mut text = format!("## {} (`{}`)\n\n", escaped(&self.title), self.sop);
        if let Some(drill) = &self.drill {
            let _ = writeln!(text, "**A drill:** {}\n", escaped(drill));
        }
        let environment = self.environment.as_deref().unwrap_or("unknown environment");
        let place = match (self.server.as_deref(), &*self.namespace) {
            (Some(server), namespace) => format!("`{namespace}` @ {server}"),
            (None, "") => "not connected".to_owned(),
            (None, namespace) => format!("`{namespace}`, not connected"),
        };
        let _ = writeln!(text, "{environment}, {place}, {}\n", self.evaluated_at);
        add(&mut text, "Do", &self.recommendation);
        for also in &self.also {
            add(&mut text, "Also", also);
        }
        for open in &self.not_ruled_out {
            let _ = writeln!(
                text,
                "- Can't be checked yet: `{}`: {}",
                open.rule,
                escaped(&open.missing)
            );
        }
        if self.literal.differs {
            let _ = writeln!(
                text,
                "- Taken literally, the SOP says: {}",
                escaped(&self.literal.words)
            );
        }
        for awaited in &self.incomplete {
            let _ = writeln!(text, "- No data in time: {}", escaped(awaited));
        }
        for trouble in &self.troubles {
            let _ = writeln!(
                text,
                "- {}: {}",
                escaped(&trouble.source),
                escaped(&trouble.problem)
            );
        }
        text += "\n| status | step | seen | expected |\n|---|---|---|---|\n";
        for step in &self.steps {
            let cells = [&step.title, &step.value, &step.threshold].map(|cell| escaped(cell));
            let _ = writeln!(text, "| {} | {} |", name(step.status), cells.join(" | "));
        }
        text += "\n| worker | leaders | evidence |\n|---|---|---|\n";
        for leader in &self.leaders {
            let (worker, log) = (escaped(&leader.worker), escaped(&leader.log));
            let _ = writeln!(text, "| {worker} | {} | {log} |", leader.verdict);
        }
        text += "\n| pod | ready | status | restarts |\n|---|---|---|---|\n";
        for pod in &self.pods {
            let (name, status) = (escaped(&pod.name), escaped(&pod.status));
            let _ = writeln!(text, "| {name} | {} | {status} | {} |", pod.ready, pod.restarts);
        }
        text.into()
    }
}

fn add(text: &mut String, lead: &str, one: &Recommended) {
    let rule = one.rule.as_ref().map(|rule| format!(" (rule `{rule}`)"));
    let until = one.until.as_ref().map(|until| format!(" until {until}"));
    let (until, rule) = (until.unwrap_or_default(), rule.unwrap_or_default());
    let _ = writeln!(text, "**{lead}: {}**{until}{rule}\n", escaped(&one.words));
    for why in &one.because {
        let _ = writeln!(text, "- {}", escaped(why));
    }
    if !one.because.is_empty() {
        text.push('\n');
    }
}
