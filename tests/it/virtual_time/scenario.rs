//! Every scenario with the console's core: at each `[[expect]]` it finds what the file says.
//!
//! `SCENARIO=no-kafka-leader cargo test --test it virtual_time::scenario` judges one (or all whose id contains the word) and tells at
//! each of its moments what was found.

use sopwatch_core::diagnose::leaders::VerdictKind;
use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::Mutex;

use jiff::SignedDuration;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, Client};
use sopwatch::config::profiles;
use sopwatch_core::diagnose::Recommendation;

use sopwatch_core::observe::observation::{Container, ContainerState};
use sopwatch_core::observe::source::SourceState;
use sopwatch_drill::scenario::{Expectation, ExpectedAdvice, Scenario};

use super::{first_screen, source_loss};
use crate::support::virtual_console::{NAMESPACE, VirtualConsole};
use crate::support::virtual_time;

/// Judged with the first; with all of them where a scenario is named, since a lesson that holds with one seed alone is luck.
const SEEDS: [u64; 2] = [1, 7];

/// So many of the newest log records are shown with a failure.
const LINES: usize = 8;

/// Names the scenarios to judge.
const CHOICE: &str = "SCENARIO";

#[test]
fn every_scenario_is_found_as_it_says() {
    find_all(false);
}

#[test]
fn every_scenario_that_says_so_is_found_with_its_monitoring_servers() {
    find_all(true);
}

/// Judges the scenarios at each of their moments; with `monitored` those that say what is found with the monitoring servers.
fn find_all(monitored: bool) {
    let choice = std::env::var(CHOICE).ok();
    let chosen = |id: &str| choice.as_deref().is_none_or(|part| id.contains(part));
    let ids = sopwatch_drill::scenarios().into_iter().map(|info| info.id);
    let seeds = if choice.is_some() { &SEEDS[..] } else { &SEEDS[..1] };
    let work: VecDeque<_> = ids
        .filter(|id| chosen(id) && !expected(id, monitored).is_empty())
        .flat_map(|id| seeds.iter().map(move |seed| (id.clone(), *seed)))
        .collect();
    assert!(
        !work.is_empty() || monitored && choice.is_some(),
        "no scenario has {choice:?} in its id"
    );
    let work = Mutex::new(work);
    let missed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((id, seed)) = { work.lock().unwrap().pop_front() } {
                    let found = judge(&id, seed, monitored, choice.is_some());
                    missed.lock().unwrap().extend(found);
                }
            });
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(
        missed.is_empty(),
        "{} moments are not as their scenario says\n\n{}",
        missed.len(),
        missed.join("\n\n")
    );
}

/// When the first hints are read, and somebody may answer: all sources have spoken, the monitoring servers too.
const ASKED_AT: [SignedDuration; 2] = [SignedDuration::from_secs(60), SignedDuration::from_secs(100)];

/// Where the table says otherwise at a later moment, with the reason.
const LATER: [(&str, SignedDuration); 1] = [
    // The pods start again, and fail with the same stack as before: the rule `crashing` then decides.
    ("down-while-rates-flow", SignedDuration::from_secs(100)),
];

#[test]
fn the_answer_of_each_lesson_is_the_advice_of_the_console_as_the_drill_is_played() {
    let choice = std::env::var(CHOICE).ok();
    let chosen = |id: &str| choice.as_deref().is_none_or(|part| id.contains(part));
    let ids = sopwatch_drill::scenarios().into_iter().map(|info| info.id);
    let work: Mutex<VecDeque<String>> = Mutex::new(ids.filter(|id| chosen(id)).collect());
    let missed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(id) = { work.lock().unwrap().pop_front() } {
                    missed.lock().unwrap().extend(against_lesson(&id));
                }
            });
        }
    });
    let mut missed = missed.into_inner().unwrap();
    missed.sort();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Where the lesson's answer is not what the console advises, a line a moment.
fn against_lesson(id: &str) -> Vec<String> {
    let scenario = sopwatch_drill::scenario(id).unwrap();
    let Some(lesson) = scenario.lesson.clone() else {
        return Vec::new();
    };
    virtual_time::run(|breath| async move {
        let mut console = VirtualConsole::start_monitored(scenario, 1, &breath).await;
        let mut missed = Vec::new();
        for at in ASKED_AT {
            console.run_until(at).await;
            let advised = &console.app().diagnosis.decision.recommendation;
            let right = &lesson.answer;
            let others = right.or.iter().map(|one| (one.action, &one.contact));
            let mut rights = std::iter::once((right.action, &right.contact)).chain(others);
            let is_right = rights.any(|right| right == (advised.action, &advised.contact));
            if !is_right && !LATER.contains(&(id, at)) {
                missed.push(format!(
                    "{id} at {at:#}: {:?} {:?} advised, {:?} {:?} taught, {:?}",
                    advised.action, advised.contact, right.action, right.contact, advised.because
                ));
            }
        }
        missed
    })
}

#[test]
fn every_rule_of_the_table_and_every_verdict_on_leaders_is_met_in_a_scenario() {
    use VerdictKind::{Many, None, One, Settling, Unknown};
    let all = sopwatch_drill::scenarios()
        .into_iter()
        .map(|info| sopwatch_drill::scenario(&info.id).unwrap());
    let all: Vec<Expectation> = all.flat_map(|scenario| scenario.expect).collect();
    let profile = profiles::built_in("managed-services-api").unwrap().unwrap();
    let met: BTreeSet<&str> = all
        .iter()
        .filter_map(|expected| expected.recommendation.as_ref()?.rule.as_deref())
        .collect();
    let rules: BTreeSet<&str> = profile.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(
        met, rules,
        "a rule decides in no scenario, or there is no such rule"
    );
    for verdict in [One, Many, None, Settling, Unknown] {
        let met = all
            .iter()
            .any(|expected| expected.leaders.values().any(|one| *one == verdict));
        assert!(met, "{verdict:?} is expected in no scenario");
    }
}

#[test]
fn whoever_turns_to_the_right_team_is_helped() {
    // how long after the answer the rule that decided holds no more
    for (id, minutes) in [("ocm-outage", 7), ("api-down-quota", 7), ("two-leaders", 9)] {
        let scenario = sopwatch_drill::scenario(id).unwrap();
        let right = scenario.lesson.clone().unwrap().answer;
        let (before, after) = virtual_time::run(|breath| async move {
            let mut console = VirtualConsole::start(scenario, 1, &breath).await;
            console.run_until(SignedDuration::from_secs(20)).await;
            let before = decided(&console);
            console.drill.answer(right.action, right.contact.as_deref());
            console.run_until(SignedDuration::from_mins(minutes)).await;
            (before, decided(&console))
        });
        assert!(before.is_some(), "{id}");
        assert_ne!(before, after, "{id}");
        let healed = after.as_deref().is_none_or(|rule| rule == "settling");
        assert!(healed, "{id}: {after:?}");
    }
}

/// The rule that decides.
fn decided(console: &VirtualConsole) -> Option<String> {
    console.app().diagnosis.decision.recommendation.rule.clone()
}

/// What a scenario says of its moments.
fn expected(id: &str, monitored: bool) -> Vec<Expectation> {
    let scenario = sopwatch_drill::scenario(id).unwrap();
    if monitored {
        scenario.expect_monitored
    } else {
        scenario.expect
    }
}

/// What is not as the scenario says, a text a moment.
fn judge(id: &str, seed: u64, monitored: bool, tell: bool) -> Vec<String> {
    let scenario = sopwatch_drill::scenario(id).unwrap();
    let mut expectations = expected(id, monitored);
    expectations.sort_by_key(|expectation| expectation.at);
    virtual_time::run(|breath| async move {
        let mut console = if monitored {
            VirtualConsole::start_monitored(scenario.clone(), seed, &breath).await
        } else {
            VirtualConsole::start(scenario.clone(), seed, &breath).await
        };
        let mut missed = Vec::new();
        for expectation in &expectations {
            console.run_until(expectation.at).await;
            let pods = pods(&console).await;
            let mut wrong = differences(&scenario, &console, expectation, &pods);
            // Which source an answer rests on is held where no monitoring server is asked.
            if !monitored {
                wrong.extend(source_loss::judged_without_source(console.app()));
            }
            wrong.extend(first_screen::missing(console.app(), expectation));
            let head = format!("=== {id}, seed {seed}, at {:#}", expectation.at);
            let found = found(&console, &pods);
            if tell {
                eprintln!("{head}\n{found}");
            }
            if !wrong.is_empty() {
                missed.push(format!("{head}:\n{}\nFound:\n{found}", wrong.join("\n")));
            }
        }
        missed
    })
}

fn differences(
    scenario: &Scenario,
    console: &VirtualConsole,
    expected: &Expectation,
    pods: &str,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let app = console.app();
    let workers = &app.session.profile.leaders.workers;
    for (lease, want) in &expected.leaders {
        let place = workers.iter().position(|worker| worker.lease_type == *lease);
        let Some(place) = place else {
            wrong.push(format!("  leaders.{lease}: the profile has no such lease"));
            continue;
        };
        let got = app.diagnosis.leaders[place].verdict.kind();
        if got != *want {
            wrong.push(format!("  leaders.{lease}: {want:?} expected, {got:?} found"));
        }
    }
    for (id, want) in &expected.steps {
        match app.diagnosis.steps.iter().find(|step| step.id == *id) {
            None => wrong.push(format!("  steps.{id}: the SOP {} has no such step", scenario.sop)),
            Some(step) if step.status != *want => {
                wrong.push(format!(
                    "  steps.{id}: {want:?} expected, {:?} found",
                    step.status
                ));
            }
            Some(_) => {}
        }
    }
    let decision = &app.diagnosis.decision;
    if let Some(want) = &expected.recommendation
        && !fits(&decision.recommendation, want)
    {
        wrong.push(format!(
            "  recommendation: {want:?} expected, {:?} found, not ruled out {:?}",
            decision.recommendation, decision.not_ruled_out
        ));
    }
    for want in &expected.also {
        if !decision.also.iter().any(|also| fits(also, want)) {
            wrong.push(format!("  also: {want:?} expected, {:?} found", decision.also));
        }
    }
    if expected.pods.as_deref().is_some_and(|want| want != pods) {
        wrong.push(format!(
            "  pods: {} expected, {pods} found",
            expected.pods.as_deref().unwrap()
        ));
    }
    for (of, want) in &expected.rows {
        let got = rows(console, of);
        if got != Ok(u64::from(*want)) {
            wrong.push(format!("  rows.\"{of}\": {want} expected, {got:?} found"));
        }
    }
    wrong
}

/// Whether a recommendation is the one that was expected; a rule that is not named may be any.
fn fits(found: &Recommendation, want: &ExpectedAdvice) -> bool {
    let rule = want.rule.is_none() || found.rule == want.rule;
    found.action == want.action && found.contact == want.contact && rule
}

/// `ready/wanted`, as `kubectl get deployment` shows them, or why that can't be told.
async fn pods(console: &VirtualConsole) -> String {
    let client = Client::new(console.drill.api().in_process(), NAMESPACE);
    let deployments = Api::<Deployment>::namespaced(client, NAMESPACE);
    let asked = deployments.get_opt("managed-services-api");
    let asked = tokio::time::timeout(std::time::Duration::from_secs(1), asked).await;
    let deployment = match asked {
        Ok(Ok(Some(deployment))) => deployment,
        Ok(Ok(None)) => return "no deployment".to_owned(),
        // What the API does not tell now the console may have heard before.
        Ok(Err(_)) | Err(_) => return heard_of_pods(console),
    };
    let ready = deployment.status.and_then(|status| status.ready_replicas);
    let wanted = deployment.spec.and_then(|spec| spec.replicas);
    format!("{}/{}", ready.unwrap_or(0), wanted.unwrap_or(1))
}

fn heard_of_pods(console: &VirtualConsole) -> String {
    let deployment = console.app().state.deployment.as_ref();
    deployment.map_or("not known".to_owned(), |known| {
        format!("{}/{}", known.ready, known.replicas)
    })
}

/// How many living rows a `table.status` has by the newest reading.
fn rows(console: &VirtualConsole, of: &str) -> Result<u64, String> {
    let (table, status) = of.split_once('.').ok_or("write it as table.status")?;
    let statuses = console.app().state.statuses(table).ok_or("never read")?;
    let statuses = statuses.as_ref().map_err(ToString::to_string)?;
    let counted = statuses.iter().find(|counted| &*counted.status == status);
    Ok(counted.map_or(0, |counted| counted.count))
}

/// What was found, with the evidence.
fn found(console: &VirtualConsole, pods: &str) -> String {
    let app = console.app();
    let mut text = format!("  pods {pods}\n");
    let decision = &app.diagnosis.decision;
    for (what, recommendation) in std::iter::once(("do", &decision.recommendation))
        .chain(decision.also.iter().map(|also| ("also", also)))
    {
        let Recommendation {
            action,
            contact,
            rule,
            because,
            ..
        } = recommendation;
        let _ = writeln!(text, "  {what} {action:?} {contact:?} by {rule:?}: {because:?}");
    }
    let workers = &app.session.profile.leaders.workers;
    for (worker, leader) in workers.iter().zip(&app.diagnosis.leaders) {
        let _ = writeln!(
            text,
            "  leader {}: {:?}; log: {}; lease: {:?}",
            worker.lease_type,
            leader.verdict,
            leader.log,
            leader
                .lease
                .as_ref()
                .map(|lease| (lease.live, lease.ttl_s, lease.advancing))
        );
    }
    for step in &app.diagnosis.steps {
        let _ = writeln!(
            text,
            "  step {}: {:?} {} {} {:?}",
            step.id, step.status, step.value, step.threshold, step.evidence
        );
    }
    for pod in app.state.pods.values() {
        let states: Vec<_> = pod.containers.iter().map(container).collect();
        let _ = writeln!(text, "  pod {} {} {}", pod.name, pod.phase, states.join(" "));
    }
    for (id, source) in app.state.sources() {
        if !matches!(source.state, SourceState::Live | SourceState::Ended) {
            let _ = writeln!(text, "  feed {id:?}: {:?}", source.state);
        }
    }
    if let Some((_, reading)) = &app.state.reading {
        for table in &reading.tables {
            let counts = table.statuses.as_ref().map(|statuses| {
                let one = |status: &sopwatch_core::observe::observation::StatusCount| {
                    format!(
                        "{}={} (oldest {:?} s)",
                        status.status, status.count, status.oldest_s
                    )
                };
                statuses.iter().map(one).collect::<Vec<_>>().join(", ")
            });
            let _ = writeln!(text, "  rows {}: {counts:?}", table.table);
        }
    }
    for event in app.state.cluster_events.values().filter(|event| event.warning) {
        let _ = writeln!(
            text,
            "  event {} of {} x{}: {}",
            event.reason, event.object_name, event.count, event.message
        );
    }
    for entry in app.logs.buffer.shown().iter().rev().take(LINES).rev() {
        let (source, record) = (&entry.source, &entry.record);
        let _ = writeln!(
            text,
            "  log {}/{}.{} {}",
            source.pod, source.container, source.restart, record.text
        );
    }
    text
}

fn container(container: &Container) -> String {
    let state = match &container.state {
        ContainerState::Waiting { reason, .. } => format!("waiting {reason}"),
        ContainerState::Running { since } => format!("running since {since:?}"),
        ContainerState::Terminated(ended) => format!("ended {} {}", ended.reason, ended.exit_code),
    };
    format!(
        "{}({}ready, {} restarts): {state}",
        container.name,
        if container.ready { "" } else { "not " },
        container.restarts
    )
}
