//! The procedures of the built-in profile as plain text.

use crate::config::profiles::{self, DEFAULT_PROFILE};
use crate::incident::profile::Profile;
use crate::incident::sop::PLACEHOLDERS;
use crate::incident::sop_text::{fill, sop_text, sops_list};

fn profile() -> Profile {
    profiles::built_in(DEFAULT_PROFILE).expect("there").expect("good")
}

fn text_of(id: &str, environment: Option<&str>) -> String {
    let profile = profile();
    let sop = profile.sop(id).expect(id);
    let environment = profile
        .environments
        .iter()
        .find(|known| Some(known.name.as_str()) == environment);
    sop_text(&profile, sop, environment)
}

#[test]
fn the_list_has_every_procedure_with_its_steps() {
    let list = sops_list(&profile());
    assert_eq!(list.lines().count(), 8);
    assert!(list.contains("Managed Services API down  (7 steps)"), "{list}");
    assert!(list.contains("(8 steps, those of api-availability)"), "{list}");
}

#[test]
fn a_procedure_is_whole() {
    let text = text_of("kafka-deletion-correctness", Some("production"));
    let expected = [
        "Kafka cluster deletion correctness  (kafka-deletion-correctness)",
        "Environment: production, namespace managed-services-production",
        "Impact\n  Managed Services API has trouble deleting Kafka clusters.",
        "- managed-services-api-rds",
        "Steps, those of kafka-provisioning-latency\n  1. Error tracker",
        "production, sentry: https://sentry.devshift.net",
        "  10. Handle it, or escalate",
        "$ oc get pods -n managed-services-production -l app=managed-services-api",
        "$ oc logs <pod> -n managed-services-production -c service | less",
        "How to handle\n  - An error looks like",
        "Escalations\n",
        "Control Plane team: the SOP leaves this empty",
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
        stage.contains("stage, grafana-resources: no link in the SOP"),
        "{stage}"
    );
    let production = text_of("api-down", Some("production"));
    assert!(
        production.contains("production, grafana-application: no link in the SOP"),
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
    let profile = profile();
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
    for sop in &profile().sops {
        let text = text_of(&sop.id, Some("stage"));
        let long = |line: &&str| line.chars().count() > 100 && !line.contains("$ ") && !line.contains("://");
        assert_eq!(text.lines().find(long), None, "{}", sop.id);
    }
}
