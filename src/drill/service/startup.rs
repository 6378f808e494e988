//! The start of a process, and how it fails.

use super::connection::{self, ConnectionState};
use super::events::StartFailure;
use super::log::{CodeLocation, SECOND};
use super::panics;
use super::worker::{Next, Running, ServiceContext};
use super::{Task, requests, users};

/// How often a start checks whether the database answers.
const LOOK: i64 = SECOND;
/// The initial delay of the liveness probe.
const FIRST_PROBE: i64 = 15 * SECOND;

/// From the first line to the listening servers.
pub fn start_up(running: &mut Running, at: i64, context: &mut ServiceContext<'_>) -> Next {
    let mut now = at + 300_000 + running.random.below(400_000) as i64;
    let session = connection::new_session(context.outages.database);
    if session == ConnectionState::Hangs {
        return vec![(at + LOOK, Task::Startup)];
    }
    let text = format!("Initializing {} environment", context.behaviour.environment);
    context.log.info(
        &running.process,
        now,
        0,
        CodeLocation("environment.go", 76),
        &text,
    );
    now += running.moment();
    if let ConnectionState::Fails(reason) = session {
        return panic(running, now, &connection::panic_text(reason), context);
    }
    match context.outages.start {
        Some(StartFailure::Panic) => panic(
            running,
            now,
            "runtime error: index out of range [1] with length 1",
            context,
        ),
        Some(StartFailure::Environment) => {
            let text = "Unable to initialize environment: unable to read config file secrets/ocm-service.clientId: open /secrets/service/ocm-service.clientId: no such file or directory";
            context
                .log
                .fatal(&running.process, now, CodeLocation("cmd.go", 54), text);
            context
                .log
                .text(&running.process, now + 40, &panics::all_goroutines());
            running.end(now + 40, panics::FATAL_EXIT)
        }
        None => serve(running, now, at, context),
    }
}

fn panic(running: &mut Running, at: i64, message: &str, context: &mut ServiceContext<'_>) -> Next {
    context.log.text(&running.process, at, &panics::at_start(message));
    running.end(at, panics::PANIC_EXIT)
}

fn serve(running: &mut Running, mut now: i64, started: i64, context: &mut ServiceContext<'_>) -> Next {
    const LINES: [(u8, CodeLocation, &str); 6] = [
        (
            0,
            CodeLocation("environment.go", 203),
            "Disabling Sentry error reporting",
        ),
        (
            1,
            CodeLocation("leader_election_mgr.go", 45),
            "Starting LeaderElectionManager",
        ),
        (0, CodeLocation("metrics_server.go", 52), "start metrics server"),
        (
            0,
            CodeLocation("metrics_server.go", 67),
            "Serving Metrics without TLS at :8080",
        ),
        (
            0,
            CodeLocation("healthcheck_server.go", 57),
            "Serving HealthCheck with TLS at :8083",
        ),
        (0, CodeLocation("api_server.go", 184), "Serving with TLS at :8000"),
    ];
    for (level, place, text) in LINES {
        context.log.info(&running.process, now, level, place, text);
        now += running.moment();
    }
    running.listens_since = Some(now);
    let first_tick = now + running.random.below(2_000_000) as i64;
    let mut next = traffic(running, started, context);
    next.push((first_tick, Task::Election));
    next
}

/// The first tasks of a process: probe, request, users, noise.
fn traffic(running: &mut Running, at: i64, context: &mut ServiceContext<'_>) -> Next {
    let mut next = Vec::new();
    if context.behaviour.probes {
        let late = running.random.below(5_000_000) as i64;
        next.push((at + FIRST_PROBE + late, Task::Probe));
    }
    let first = requests::until_next(running, context);
    next.push((at + 20 * SECOND + first, Task::Request));
    for task in [Task::Create, Task::Delete] {
        next.extend(users::next(running, at + 20 * SECOND, context, task));
    }
    let late = running.random.below(5_000_000) as i64;
    next.push((at + 10 * SECOND + late, Task::Noise));
    next
}
