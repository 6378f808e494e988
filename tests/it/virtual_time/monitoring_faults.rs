//! With metrics, alerts or the error tracker gone, frozen, forbidden, behind a sign-in page, partial or without numbers, no step that needs
//! them passes or fails, and every other step is judged as before.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::SignedDuration;
use sopwatch_core::profile::sop::StepStatus;
use sopwatch_drill::monitoring::{MonitoringFault, MonitoringServer};

use super::super::support::virtual_console::VirtualConsole;
use super::super::support::virtual_time;

/// When the fault begins, and how much later even what was read before it proves nothing.
const BEGINS: SignedDuration = SignedDuration::from_secs(75);
const LATER: SignedDuration = SignedDuration::from_mins(6);

const FAULTS: [MonitoringFault; 7] = [
    MonitoringFault::Down,
    MonitoringFault::Slow,
    MonitoringFault::Frozen,
    MonitoringFault::Forbidden,
    MonitoringFault::SignIn,
    MonitoringFault::Nan,
    MonitoringFault::Partial,
];

/// The steps of the first SOP that need what a fault takes away.
fn needed(server: MonitoringServer, fault: MonitoringFault) -> &'static [&'static str] {
    match (server, fault) {
        (MonitoringServer::Metrics, MonitoringFault::Nan) => &["metrics-application", "metrics-resources"],
        // The alerting rules are asked of the same server, and look at the same samples.
        (MonitoringServer::Metrics, _) => &["alert", "metrics-application", "metrics-resources"],
        (MonitoringServer::Alerts, _) => &["alert"],
        // An error tracker to which nothing is sent any more answers as one with nothing new does.
        (MonitoringServer::Tracker, MonitoringFault::Frozen) => &[],
        (MonitoringServer::Tracker, _) => &["error-tracker"],
    }
}

/// What each step found, some time after a fault began.
fn judged(fault: Option<(MonitoringServer, MonitoringFault)>) -> BTreeMap<String, StepStatus> {
    let mut scenario = sopwatch_drill::scenario("all-well").unwrap();
    "api-down".clone_into(&mut scenario.sop);
    virtual_time::run(|breath| async move {
        let mut console = VirtualConsole::start_monitored(scenario, 1, &breath).await;
        console.run_until(BEGINS).await;
        if let Some((server, fault)) = fault {
            console.drill.monitoring().set_fault(server, Some(fault));
        }
        console.run_until(BEGINS + LATER).await;
        let steps = &console.app().diagnosis.steps;
        steps.iter().map(|step| (step.id.clone(), step.status)).collect()
    })
}

/// What is not as it should be while a server has a fault.
fn wrong_with(
    server: MonitoringServer,
    fault: MonitoringFault,
    well: &BTreeMap<String, StepStatus>,
) -> Vec<String> {
    let needed = needed(server, fault);
    let found = judged(Some((server, fault)));
    let wrong = |(id, status): (&String, &StepStatus)| {
        let is_wrong = if needed.contains(&id.as_str()) {
            matches!(status, StepStatus::Pass | StepStatus::Fail)
        } else {
            well.get(id) != Some(status)
        };
        is_wrong.then(|| format!("{server:?} {fault:?}: {id} was {:?}, is {status:?}", well.get(id)))
    };
    found.iter().filter_map(wrong).collect()
}

#[test]
fn without_a_monitoring_server_no_step_that_needs_it_is_judged_and_nothing_else_changes() {
    let well = judged(None);
    for id in [
        "alert",
        "metrics-application",
        "metrics-resources",
        "error-tracker",
    ] {
        assert_eq!(
            well.get(id),
            Some(&StepStatus::Pass),
            "{id} with all servers: {well:?}"
        );
    }
    let all = MonitoringServer::ALL
        .into_iter()
        .flat_map(|server| FAULTS.map(|fault| (server, fault)));
    let work: Mutex<Vec<_>> = Mutex::new(all.filter(|(server, fault)| fault.is_of(*server)).collect());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((server, fault)) = { work.lock().unwrap().pop() } {
                    let found = wrong_with(server, fault, &well);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    assert_eq!(wrong.into_inner().unwrap(), Vec::<String>::new());
}
