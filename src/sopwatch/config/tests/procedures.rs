//! The procedures of the built-in profile as plain text.

use sopwatch_core::profile::Profile;
use sopwatch_core::profile::sop::PLACEHOLDERS;
use sopwatch_core::profile::sop_gaps::{gaps_of_sop, gaps_of_step};
use sopwatch_core::profile::sop_text::{fill, sop_text, sops_list};
use sopwatch_core::testkit::built_in_profile;

fn text_of(id: &str, environment: Option<&str>) -> String {
    let profile = built_in_profile();
    let sop = profile.sop(id).expect(id);
    let environment = profile
        .environments
        .iter()
        .find(|known| Some(known.name.as_str()) == environment);
    sop_text(&profile, sop, environment)
}

#[test]
fn the_list_has_every_procedure_with_its_steps() {
    let list = sops_list(&built_in_profile(), None);
    assert_eq!(list.lines().count(), 8);
    assert!(list.contains("Managed Services API down  (7 steps; "), "{list}");
    assert!(
        list.contains("(8 steps, uses the steps of api-availability; "),
        "{list}"
    );
}

#[test]
fn a_procedure_is_whole() {
    let text = text_of("kafka-deletion-correctness", Some("production"));
    let expected = [
        "Kafka cluster deletion correctness  (kafka-deletion-correctness)",
        "Environment: production, namespace managed-services-production",
        "Impact\n  Managed Services API has trouble deleting Kafka clusters.",
        "- managed-services-api-rds",
        "Steps (uses the steps of kafka-provisioning-latency)\n  1. Error tracker",
        "production, sentry: https://sentry.devshift.net",
        "  10. Handle or escalate",
        "$ oc get pods -n managed-services-production -l app=managed-services-api",
        "$ oc logs <pod> -n managed-services-production -c service | less",
        "How to handle\n  - An error looks like",
        "Escalations\n",
        "Control Plane team: no contact configured",
    ];
    for part in expected {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_link_that_the_procedure_leaves_open_is_said_to_be_open() {
    let stage = text_of("api-down", Some("stage"));
    assert!(
        stage.contains("stage, grafana-application: https://grafana.stage."),
        "{stage}"
    );
    assert!(
        stage.contains("! No link grafana-resources configured for stage:"),
        "{stage}"
    );
    let production = text_of("api-down", Some("production"));
    assert!(
        production.contains("! No link grafana-application configured for production:"),
        "{production}"
    );
    assert!(!production.contains("stage.devshift"), "{production}");
    let both = text_of("api-down", None);
    assert!(
        both.contains("stage, sentry:") && both.contains("production, sentry:"),
        "{both}"
    );
}

#[test]
fn nothing_in_braces_is_left_and_what_is_not_known_is_seen() {
    let profile = built_in_profile();
    assert_eq!(
        fill("{namespace} {pod} {selector}", &profile, Some("a"), None),
        "a <pod> app=managed-services-api"
    );
    for sop in &profile.sops {
        let text = text_of(&sop.id, None);
        for word in PLACEHOLDERS {
            assert!(!text.contains(&format!("{{{word}}}")), "{word} in {}", sop.id);
        }
    }
}

#[test]
fn paragraphs_fit_their_width() {
    for sop in &built_in_profile().sops {
        let text = text_of(&sop.id, Some("stage"));
        let long = |line: &&str| line.chars().count() > 100 && !line.contains("$ ") && !line.contains("://");
        assert_eq!(text.lines().find(long), None, "{}", sop.id);
    }
}

/// Every `TODO` in the source's text: the procedure that has it, in which environment one must see it, and what the gap says.
const TODOS: &[(&str, &str, &str)] = &[
    (
        "api-down",
        "production",
        "No link grafana-application configured for production",
    ),
    (
        "api-down",
        "stage",
        "No link grafana-resources configured for stage",
    ),
    (
        "api-down",
        "production",
        "No link grafana-resources configured for production",
    ),
    (
        "api-availability",
        "production",
        "No link grafana-application configured for production",
    ),
    (
        "api-availability",
        "stage",
        "No link grafana-resources configured for stage",
    ),
    (
        "api-availability",
        "production",
        "No link grafana-resources configured for production",
    ),
    (
        "api-availability",
        "stage",
        "Missing in the SOP: background workers do not scale",
    ),
];

fn gaps_of(profile: &Profile, id: &str, environment: &str) -> Vec<String> {
    let sop = profile.sop(id).expect(id);
    let environment = profile
        .environments
        .iter()
        .find(|known| known.name == environment);
    let steps = profile.steps_of(sop).into_iter();
    steps
        .flat_map(|(_, step)| gaps_of_step(profile, step, environment))
        .chain(gaps_of_sop(profile, sop).into_iter().map(str::to_owned))
        .collect()
}

#[test]
fn every_todo_of_the_source_is_a_gap_until_it_is_filled_in() {
    let profile = built_in_profile();
    for (id, environment, gap) in TODOS {
        let gaps = gaps_of(&profile, id, environment);
        assert!(
            gaps.iter().any(|known| known.starts_with(gap)),
            "{id}: {gap} in {gaps:#?}"
        );
    }
    let stage = gaps_of(&profile, "api-down", "stage");
    assert!(
        !stage.iter().any(|gap| gap.contains("grafana-application")),
        "stage has it: {stage:#?}"
    );
    for sop in &profile.sops {
        let gaps = gaps_of(&profile, &sop.id, "stage");
        let contacts =
            "No contact configured for Control Plane team, Data Plane or MK SRE support and OCM support:";
        assert!(
            gaps.iter().any(|gap| gap.starts_with(contacts)),
            "{}: {gaps:#?}",
            sop.id
        );
    }
}

#[test]
fn a_contact_and_a_link_that_are_filled_in_are_no_gap_any_more() {
    let mut profile = built_in_profile();
    let before = sops_list(&profile, None);
    let reach = vec!["#ocm".to_owned()];
    profile
        .contacts
        .get_mut("ocm-support")
        .expect("there")
        .reach
        .clone_from(&reach);
    let gaps = gaps_of(&profile, "api-down", "stage").join("\n");
    assert!(
        gaps.contains("No contact configured for Control Plane team and Data Plane or MK SRE support:"),
        "{gaps}"
    );
    for contact in profile.contacts.values_mut() {
        contact.reach.clone_from(&reach);
    }
    for environment in &mut profile.environments {
        for key in ["grafana-application", "grafana-resources"] {
            environment
                .links
                .insert(key.to_owned(), "https://x.example".to_owned());
        }
    }
    for sop in &profile.sops {
        let gaps = gaps_of(&profile, &sop.id, "production").join("\n");
        assert!(
            !gaps.contains("how to reach") && !gaps.contains("the link"),
            "{gaps}"
        );
        let step = gaps_of_step(&profile, &profile.steps["escalate"], None);
        assert_eq!(step.len(), 1, "what the profile notes stays: {step:?}");
    }
    assert_ne!(before, sops_list(&profile, None), "they are counted");
}

/// What misleads in the source beyond its TODOs, by the step that shows it.
#[test]
fn what_misleads_is_said_at_its_step() {
    let profile = built_in_profile();
    for (step, words) in [
        ("clusters-idle", "2 days and 10 minutes read as 10 minutes"),
        ("clusters-idle", "includes deleted rows"),
        ("clusters-idle", "drops the seconds"),
        (
            "clusters-idle",
            "after 45 minutes, but the handling rules use 3 minutes",
        ),
        ("kafkas-idle", "2 days and 10 minutes read as 10 minutes"),
        ("kafkas-idle", "stays accepted"),
        ("clusters-ready", "includes deleted rows"),
        ("leader-kafka", "has rotated away"),
        ("leader-cluster", "with two"),
        ("log-errors", "--tail=-1"),
        ("events", "no event contains these words"),
    ] {
        let gaps = gaps_of_step(&profile, &profile.steps[step], None).join("\n");
        assert!(gaps.contains(words), "{step}: {words} in\n{gaps}");
    }
    for (sop, words) in [
        (
            "kafka-provisioning-latency",
            "Data Plane or MK SRE, but not which of the two",
        ),
        ("kafka-deletion-correctness", "are about provisioning"),
        ("kafka-deletion-correctness", "no rule for a failed deletion"),
        ("api-availability", "never closed"),
    ] {
        let text = text_of(sop, None).replace("\n    ", " ");
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "{sop}: {words} in\n{text}");
    }
}
