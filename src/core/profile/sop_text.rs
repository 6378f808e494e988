//! A procedure as plain text, and the words that its commands leave open.

use super::sop::{PLACEHOLDERS, Sop, Step};
use crate::profile::dashboard_links::{self, IncidentTime};
use crate::profile::sop_gaps;
use crate::profile::{Environment, Profile};
use crate::text::counted;

/// Width of the text, columns.
const WIDTH: usize = 100;

/// The procedures of a profile, one a line, with how many gaps each has in one environment, or in all when none is given.
pub fn sops_list(profile: &Profile, environment: Option<&Environment>) -> String {
    let width = profile.sops.iter().map(|sop| sop.id.len()).max().unwrap_or(0);
    let line = |sop: &Sop| {
        let steps = counted(profile.steps_of(sop).len(), "step", "steps");
        let source = sop
            .steps_from
            .as_ref()
            .map(|id| format!(", uses the steps of {id}"));
        let gaps = counted(sop_gaps::count(profile, sop, environment), "gap", "gaps");
        format!(
            "{:width$}  {}  ({steps}{}; {gaps})\n",
            sop.id,
            sop.title,
            source.unwrap_or_default()
        )
    };
    profile.sops.iter().map(line).collect()
}

/// One procedure whole; with an environment, its namespace and links are filled in.
pub fn sop_text(profile: &Profile, sop: &Sop, environment: Option<&Environment>) -> String {
    let mut page = Page::default();
    page.line(0, &format!("{}  ({})", sop.title, sop.id));
    if let Some(environment) = environment {
        page.line(
            0,
            &format!(
                "Environment: {}, namespace {}",
                environment.name, environment.namespace
            ),
        );
    }
    page.section("Impact", [sop.impact.as_str()], "none");
    page.section("Summary", [sop.summary.as_str()], "none");
    page.list("Access required", sop.access.iter().map(String::as_str), "none");
    page.list("Secrets", sop.secrets.iter().map(String::as_str), "none");
    steps(&mut page, profile, sop, environment);
    page.list(
        "How to handle",
        profile.handling_of(sop),
        "no list in the SOP: see Escalations",
    );
    page.list(
        "Escalations",
        profile.escalations.iter().map(String::as_str),
        "none",
    );
    let contacts: Vec<String> = profile.contacts.values().map(contact_text).collect();
    page.list("Contacts", contacts.iter().map(String::as_str), "none");
    page.list(
        "Gaps and errors of the SOP",
        sop_gaps::gaps_of_sop(profile, sop),
        "none",
    );
    page.text
}

fn contact_text(contact: &crate::profile::Contact) -> String {
    if contact.reach.is_empty() {
        return format!(
            "{}: no contact configured, add it under [contacts] of the configuration",
            contact.title
        );
    }
    format!("{}: {}", contact.title, contact.reach.join(", "))
}

fn steps(page: &mut Page, profile: &Profile, sop: &Sop, environment: Option<&Environment>) {
    let heading = match &sop.steps_from {
        Some(id) => format!("Steps (uses the steps of {id})"),
        None => "Steps".to_owned(),
    };
    page.heading(&heading);
    for (index, (_, step)) in profile.steps_of(sop).into_iter().enumerate() {
        page.line(2, &format!("{}. {}", index + 1, step.title));
        step_body(page, profile, step, environment);
    }
}

fn step_body(page: &mut Page, profile: &Profile, step: &Step, environment: Option<&Environment>) {
    page.wrapped(
        5,
        "",
        &fill(
            &step.text,
            profile,
            environment.map(|known| known.namespace.as_str()),
            None,
        ),
    );
    for command in &step.commands {
        let command = fill(
            command,
            profile,
            environment.map(|known| known.namespace.as_str()),
            None,
        );
        page.line(5, &format!("$ {command}"));
    }
    for link in link_lines(profile, step, environment, None) {
        page.line(5, &link);
    }
    for gap in sop_gaps::gaps_of_step(profile, step, environment) {
        page.wrapped(5, "! ", &gap);
    }
}

/// The links of a step: of one environment, or of all when none is given. Those that the SOP leaves open are among the
/// [gaps](sop_gaps::gaps_of_step). With an incident's time, dashboards are opened there.
pub fn link_lines(
    profile: &Profile,
    step: &Step,
    environment: Option<&Environment>,
    time: Option<IncidentTime>,
) -> Vec<String> {
    let of = |environment: &Environment, key: &str| {
        let link = environment.links.get(key)?;
        let link = match time {
            Some(time) => dashboard_links::at_incident(link, environment, time),
            None => link.clone(),
        };
        Some(format!("{}, {key}: {link}", environment.name))
    };
    let environments: Vec<&Environment> = match environment {
        Some(environment) => vec![environment],
        None => profile.environments.iter().collect(),
    };
    let lines = |key: &String| {
        environments
            .iter()
            .filter_map(|environment| of(environment, key))
            .collect::<Vec<_>>()
    };
    step.links.iter().flat_map(lines).collect()
}

/// Fills in what the text leaves open; what is not known stays as `<namespace>`, to be seen.
pub fn fill(text: &str, profile: &Profile, namespace: Option<&str>, pod: Option<&str>) -> String {
    let service = &profile.service;
    let database = profile.database.as_ref();
    let mut filled = text.to_owned();
    for word in PLACEHOLDERS {
        let value = match word {
            "namespace" => namespace,
            "deployment" => Some(service.deployment.as_str()),
            "selector" => Some(service.selector.as_str()),
            "container" => Some(service.container.as_str()),
            "secret" => database.map(|database| database.secret.name.as_str()),
            "database" => database.map(|database| database.name.as_str()),
            _ => pod,
        };
        let value = value.map_or_else(|| format!("<{word}>"), str::to_owned);
        filled = filled.replace(&format!("{{{word}}}"), &value);
    }
    filled
}

/// Text that grows by lines.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn heading(&mut self, title: &str) {
        self.text.push('\n');
        self.line(0, title);
    }

    fn section<'a>(&mut self, title: &str, texts: impl IntoIterator<Item = &'a str>, otherwise: &str) {
        self.items(title, texts, "", otherwise);
    }

    fn list<'a>(&mut self, title: &str, texts: impl IntoIterator<Item = &'a str>, otherwise: &str) {
        self.items(title, texts, "- ", otherwise);
    }

    fn items<'a>(
        &mut self,
        title: &str,
        texts: impl IntoIterator<Item = &'a str>,
        mark: &str,
        otherwise: &str,
    ) {
        self.heading(title);
        let mut any = false;
        for text in texts {
            self.wrapped(2, mark, text);
            any = true;
        }
        if !any {
            self.line(2, otherwise);
        }
    }

    /// A paragraph; its lines after the first stand under its text, not under its mark.
    fn wrapped(&mut self, indent: usize, mark: &str, text: &str) {
        let room = WIDTH - indent - mark.len();
        let mut lead = mark.to_owned();
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                self.line(indent, &format!("{lead}{line}"));
                lead = " ".repeat(mark.len());
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(indent, &format!("{lead}{line}"));
    }
}
