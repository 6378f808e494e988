//! The service's request log, and what it prints without glog.

use super::behaviour::Behaviour;
use super::connection::{self, ConnectionState, gorm};
use super::hostile_lines;
use super::log::{CodeLocation, Log, SECOND, time};
use super::ocm;
use super::worker::{Running, ServiceContext};

const LOGGER: CodeLocation = CodeLocation("logger.go", 71);
const ERRORS: CodeLocation = CodeLocation("logger.go", 84);
/// The path of the service's API.
pub const BASE: &str = "/api/managed-services-api/v1";
/// Above this use of the capacity requests wait for each other, in percent.
const BUSY: u64 = 70;

/// One request and its response.
pub struct Exchange {
    pub method: &'static str,
    pub url: String,
    pub remote: String,
    pub status: u16,
    pub micros: u64,
    /// The service's reason, for a refused request.
    pub reason: Option<String>,
}

/// The kubelet's liveness probe.
pub fn probe(running: &mut Running, at: i64, log: &mut Log) {
    let port = 32_768 + running.random.below(28_000);
    let exchange = Exchange {
        method: "GET",
        url: "/api/managed-services-api".to_owned(),
        remote: format!("10.131.0.1:{port}"),
        status: 200,
        micros: 200 + running.random.below(900),
        reason: None,
    };
    write(running, at, &exchange, log);
}

/// The time to a process's next request: half to one and a half times the mean.
pub fn until_next(running: &mut Running, context: &ServiceContext<'_>) -> i64 {
    let mean = match context.outages.load {
        Some(load) => {
            60 * SECOND * context.serving.max(1) as i64 / i64::from(load.requests_per_minute.max(1))
        }
        None => 60 * SECOND / i64::from(context.behaviour.requests_per_minute.max(1)),
    };
    mean / 2 + running.random.below(mean.unsigned_abs()) as i64
}

/// A user's request; nothing where `[service]` has none and there is no load.
pub fn request(running: &mut Running, at: i64, context: &mut ServiceContext<'_>) {
    if context.behaviour.requests_per_minute == 0 && context.outages.load.is_none() {
        return;
    }
    let mut exchange = draw(running, at);
    match connection::session(context.outages.database) {
        ConnectionState::Works if running.defective && running.random.below(3) == 0 => {
            exchange.status = 500;
            exchange.reason = Some("MGD-SERV-API-9: Undefined error code".to_owned());
        }
        ConnectionState::Works => slow_down(&mut exchange, running, context),
        ConnectionState::Fails(reason) => {
            exchange.status = 500;
            exchange.micros = 900;
            exchange.reason = Some(format!("Could not create transaction: {reason}"));
        }
        ConnectionState::Hangs => {
            ask(running, at, &exchange, context.log);
            return;
        }
    }
    if exchange.method == "POST" && exchange.status < 500 {
        body(running, at, context.log);
        running.counters.call(at, ocm::AUTHORISATION, None);
    }
    write(running, at, &exchange, context.log);
}

/// Slows a request down when the processes have too much to do: it waits, and above the capacity some requests fail.
fn slow_down(exchange: &mut Exchange, running: &mut Running, context: &ServiceContext<'_>) {
    let used = context.outages.used_percent(context.serving);
    if used <= BUSY {
        return;
    }
    let random = &mut running.random;
    // this many of a hundred find no free connection to the database
    let in_vain = 100 - 10_000 / used.max(100);
    if random.below(100) < in_vain {
        exchange.status = 500;
        exchange.micros = 10_000_000 + random.below(5_000_000);
        exchange.reason =
            Some("MGD-SERV-API-9: Unable to read kafka requests: context deadline exceeded".to_owned());
    } else if used > 100 {
        exchange.micros = 1_200_000 + random.below(7_000_000);
    } else {
        exchange.micros += (used - BUSY) * 20_000 + random.below(200_000);
    }
}

/// Draws a request of one of the users.
pub fn by_somebody(running: &mut Running) -> Exchange {
    let random = &mut running.random;
    Exchange {
        method: "GET",
        url: String::new(),
        remote: format!(
            "10.128.{}.{}:{}",
            random.below(8),
            2 + random.below(250),
            32_768 + random.below(28_000)
        ),
        status: 200,
        micros: 3_000 + random.below(70_000),
        reason: None,
    }
}

fn draw(running: &mut Running, at: i64) -> Exchange {
    let random = &mut running.random;
    let id = random.ksuid(time(at));
    let (method, url, status, reason) = match random.below(20) {
        0..=7 => ("GET", format!("{BASE}/kafkas?page=1"), 200, None),
        8..=12 => ("GET", format!("{BASE}/kafkas/{id}"), 200, None),
        13..=14 => ("GET", format!("{BASE}/cloud_providers"), 200, None),
        // the text goes through a printf, which takes %3D for a verb
        15 => (
            "GET",
            format!("{BASE}/kafkas?search=name+%!D(MISSING)+orders"),
            200,
            None,
        ),
        16..=17 => ("POST", format!("{BASE}/kafkas?async=true"), 202, None),
        18 => {
            let reason = format!("MGD-SERV-API-7: KafkaResource with id='{id}' not found");
            ("GET", format!("{BASE}/kafkas/{id}"), 404, Some(reason))
        }
        _ => {
            let reason = "MGD-SERV-API-21: region not-a-region is not supported for aws".to_owned();
            ("POST", format!("{BASE}/kafkas?async=true"), 400, Some(reason))
        }
    };
    Exchange {
        method,
        url,
        status,
        reason,
        ..by_somebody(running)
    }
}

/// The handler prints a request's body as it came, over as many lines as it has.
pub fn body(running: &mut Running, at: i64, log: &mut Log) {
    let name = running.random.token(6).to_lowercase();
    let lines = [
        "{".to_owned(),
        "  \"cloud_provider\": \"aws\",".to_owned(),
        format!("  \"name\": \"orders-{name}\","),
        "  \"region\": \"us-east-1\",".to_owned(),
        "  \"multi_az\": true".to_owned(),
        "}".to_owned(),
    ];
    for (late, line) in (900..).zip(lines) {
        log.raw(&running.process, at + late, line.into_bytes());
    }
}

fn elapsed(micros: u64) -> String {
    if micros < 1_000 {
        format!("{micros}µs")
    } else if micros < 1_000_000 {
        format!("{}.{:03}ms", micros / 1_000, micros % 1_000)
    } else {
        format!("{}.{:06}s", micros / 1_000_000, micros % 1_000_000)
    }
}

/// A request's line. Returns its operation id.
fn ask(running: &mut Running, at: i64, exchange: &Exchange, log: &mut Log) -> String {
    let opid = running.random.ksuid(time(at));
    let header = if log.verbosity() >= 10 {
        header(running)
    } else {
        String::new()
    };
    let Exchange {
        method, url, remote, ..
    } = exchange;
    let asked = format!(
        "[opid={opid}] {{\"request_method\":\"{method}\",\"request_url\":\"{url}\",{header}\"request_remote_ip\":\"{remote}\"}}"
    );
    log.info(&running.process, at, 1, LOGGER, &asked);
    opid
}

/// Logs a request, the reason of a refusal and the response. Errors of the service are logged at any verbosity.
pub fn write(running: &mut Running, at: i64, exchange: &Exchange, log: &mut Log) {
    let Exchange {
        status,
        micros,
        reason,
        ..
    } = exchange;
    running
        .counters
        .answer(at, exchange.method, &exchange.url, *status, *micros);
    if log.verbosity() == 0 && *status < 500 {
        return;
    }
    let opid = ask(running, at, exchange, log);
    let tx = 100_000 + running.random.below(900_000);
    let done = at + *micros as i64;
    if let Some(reason) = reason {
        let text = if reason.starts_with("Could not create transaction") {
            format!("[opid={opid}] {reason}")
        } else {
            format!("[opid={opid}][tx_id={tx}] {reason}")
        };
        if *status >= 500 {
            log.error(&running.process, done - 40, ERRORS, &text);
        } else {
            log.info(&running.process, done - 40, 0, LOGGER, &text);
        }
    }
    let body = if log.verbosity() >= 10 {
        "\"response_body\":{\"kind\":\"KafkaRequestList\"},"
    } else {
        ""
    };
    let answered = format!(
        "[opid={opid}][tx_id={tx}] {{\"response_status\":{status},{body}\"elapsed\":\"{}\"}}",
        elapsed(*micros)
    );
    log.info(&running.process, done, 1, LOGGER, &answered);
}

/// What `-v=10` adds to every request: all headers, with the caller's token.
fn header(running: &mut Running) -> String {
    let random = &mut running.random;
    let token = format!(
        "eyJ{}.eyJ{}.{}",
        random.token(30),
        random.token(80),
        random.token(43)
    );
    format!(
        "\"request_header\":{{\"Accept\":[\"application/json\"],\"Authorization\":[\"Bearer {token}\"],\"User-Agent\":[\"OCM-CLI/0.1.48\"]}},\"request_body\":{{}},"
    )
}

/// Prints lines without glog: gorm's errors, and hostile lines.
pub fn noise(running: &mut Running, at: i64, behaviour: &Behaviour, log: &mut Log) {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    if behaviour.database_errors {
        lines.extend(gorm(
            at,
            "services/kafka.go:123",
            "pq: canceling statement due to user request",
        ));
    }
    if behaviour.hostile {
        lines.extend(hostile_lines::lines(&mut running.random));
    }
    for (late, line) in (0..).zip(lines) {
        log.raw(&running.process, at + late * 50, line);
    }
}
