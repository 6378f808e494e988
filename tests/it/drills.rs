//! Each scenario as the operator meets it: what the panes say, and what the keys do.

use sopwatch::runtime::console::LoopAction;
use sopwatch_console::panes::Pane;

use super::support::harness::Harness;
use super::support::leaders::{both_lead, leader_on};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_is_well_every_pane_says_so() {
    let mut console = Harness::start("all-well").await;
    let screen = console
        .until("every step that answers itself passes", |app, _| {
            let steps = &app.diagnosis.steps;
            steps.iter().any(|step| step.status == Pass)
                && steps.iter().all(|step| matches!(step.status, Pass | Manual))
        })
        .await;
    for text in [
        "DRILL",
        "STAGE",
        "managed-services-stage",
        "Kafka cluster provisioning latency",
        "NO ACTION NEEDED",
        "3 of 3 ready",
        "ready",
    ] {
        assert!(screen.contains(text), "`{text}` is not on the screen\n{screen}");
    }
    assert!(both_lead(&screen), "{screen}");
    console.resize(200, 40);
    let screen = console.screen();
    assert!(
        screen.contains("managed-services-stage @"),
        "a wide screen says where\n{screen}"
    );
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_kafka_leader_fails_its_step_with_the_evidence() {
    let mut console = Harness::start("no-kafka-leader").await;
    let verdict = |screen: &str, worker| leader_on(screen, worker).map(|(verdict, _)| verdict);
    console
        .until(
            "Kafka's step fails, and the cluster leader is fine",
            |app, screen| {
                app.diagnosis
                    .steps
                    .iter()
                    .any(|step| step.status == Fail && step.title.contains("Kafka"))
                    && verdict(screen, "Kafka").as_deref() == Some("✘ NONE")
                    && verdict(screen, "Cluster").is_some_and(|verdict| verdict.starts_with('✔'))
            },
        )
        .await;
    console.press("2 m m");
    let screen = console.until_shows("not currently leader").await;
    assert!(screen.contains("KafkaManager"), "{screen}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_down_by_an_image_pull_are_named_with_their_reason() {
    let mut console = Harness::start("api-down-image-pull").await;
    console
        .until("the pods step fails for the image", |app, screen| {
            app.diagnosis.steps.iter().any(|step| step.status == Fail)
                && app.state.pods.len() == 3
                && screen.contains("ImagePull")
        })
        .await;
    console.press("1 enter");
    let screen = console.until_shows("Containers").await;
    assert!(screen.contains("image"), "{screen}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_behind_a_status_open_with_their_ids() {
    let mut console = Harness::start("no-kafka-leader").await;
    console
        .until("the database was read", |app, _| !app.grid().is_empty())
        .await;
    console.press("3 / 'accepted' enter enter");
    let screen = console
        .until("rows are shown", |app, screen| {
            app.state.rows.is_some() && screen.contains("OCM ID")
        })
        .await;
    assert!(screen.contains("REGION"), "{screen}");
    console.press("esc");
    assert!(console.console.app.dialogs.is_empty());
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manual_steps_are_ticked_with_a_note_and_other_sops_picked() {
    let mut console = Harness::start("all-well").await;
    console
        .until("steps are judged", |app, _| !app.diagnosis.steps.is_empty())
        .await;
    console.press("4 home");
    let manual = console
        .console
        .app
        .diagnosis
        .steps
        .iter()
        .position(|step| step.status == Manual)
        .unwrap();
    for _ in 0..manual {
        console.press("j");
    }
    console.press("space 'looked' enter");
    let id = console.console.app.diagnosis.steps[manual].id.clone();
    assert_eq!(&*console.console.app.checklist.ticks[&id].note, "looked");
    console.press("s home enter");
    assert_eq!(
        console.console.app.checklist.sop,
        console.console.app.session.profile.sops[0].id
    );
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_filtered_held_and_narrowed_by_keys() {
    let mut console = Harness::start("all-well").await;
    console.press("2 A");
    console
        .until("lines came", |app, _| app.logs.buffer.shown().len() > 20)
        .await;
    console.press("f 'Running");
    assert!(
        console.console.app.logs.buffer.filter.is_some(),
        "the filter works while it is typed"
    );
    console.press("enter x p");
    assert!(console.console.app.logs.buffer.is_held());
    console
        .until("lines came meanwhile", |app, _| app.logs.buffer.arrived > 0)
        .await;
    console.press("end");
    assert!(!console.console.app.logs.buffer.is_held());
    console.press("1 l");
    let uid = console.console.app.logs.buffer.only.clone().unwrap().pod_uid;
    assert!(
        console
            .console
            .app
            .logs
            .buffer
            .shown()
            .iter()
            .all(|entry| entry.note || entry.source.pod_uid == uid)
    );
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_that_show_are_saved_to_a_file_of_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let mut console = Harness::start("ocm-outage").await;
    console
        .until("the errors show by themselves", |app, screen| {
            app.logs.buffer.shown().len() == 1 && screen.contains("[errors]")
        })
        .await;
    console.press("2 S");
    let screen = console.until_shows("lines saved to ").await;
    let notice = console.console.app.notice.as_ref().unwrap().text.to_string();
    let file = notice
        .strip_prefix("lines saved to ")
        .unwrap_or_else(|| panic!("{notice}\n{screen}"));
    let saved = std::fs::read_to_string(file).unwrap();
    assert!(
        saved.contains("The service is temporarily unavailable"),
        "{saved}"
    );
    assert_eq!(
        std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    std::fs::remove_file(file).unwrap();
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_size_of_terminal_is_drawn_and_a_storm_of_resizes_survived() {
    let mut console = Harness::start("all-well").await;
    console
        .until("the pods are known", |app, _| app.state.pods.len() == 3)
        .await;
    for step in 0..400_u16 {
        let (columns, rows) = (1 + step * 7 % 160, 1 + step * 5 % 55);
        console.resize(columns, rows);
        let screen = console.screen();
        assert_eq!(screen.split('\n').count(), usize::from(rows), "{columns}x{rows}");
    }
    console.resize(120, 40);
    let screen = console.screen();
    for title in ["1 Pods", "2 Logs", "3 Database", "4 SOP"] {
        assert!(screen.contains(title), "{title}\n{screen}");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn focus_goes_by_tab_and_number_and_quitting_is_one_key() {
    let mut console = Harness::sized("all-well", 80, 24).await;
    console.press("1 tab tab tab tab backtab");
    assert_eq!(console.console.app.panes.focus, Pane::Sop);
    console.press("3 z");
    assert!(console.screen().contains("Database"));
    assert_eq!(console.press("q"), LoopAction::Quit);
    console.stop().await;
}

use sopwatch_core::profile::sop::StepStatus::{Fail, Manual, Pass};
