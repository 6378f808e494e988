//! The service's request log, and what it prints past glog.

use super::hostile;
use super::log::{Log, Place, time};
use super::plan::Plan;
use super::worker::Running;

const LOGGER: Place = Place("logger.go", 71);

/// One request and its response.
struct Exchange {
    method: &'static str,
    url: String,
    remote: String,
    status: u16,
    micros: u64,
    /// The service's reason, for a refused request.
    reason: Option<String>,
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

/// A user's request.
pub fn request(running: &mut Running, at: i64, log: &mut Log) {
    let exchange = draw(running, at);
    if exchange.method == "POST" {
        body(running, at, log);
    }
    write(running, at, &exchange, log);
}

fn draw(running: &mut Running, at: i64) -> Exchange {
    const BASE: &str = "/api/managed-services-api/v1";
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
        remote: format!(
            "10.128.{}.{}:{}",
            random.below(8),
            2 + random.below(250),
            32_768 + random.below(28_000)
        ),
        status,
        micros: 3_000 + random.below(70_000),
        reason,
    }
}

/// The handler prints a request's body as it came, over as many lines as it has.
fn body(running: &mut Running, at: i64, log: &mut Log) {
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
    } else {
        format!("{}.{:03}ms", micros / 1_000, micros % 1_000)
    }
}

fn write(running: &mut Running, at: i64, exchange: &Exchange, log: &mut Log) {
    if log.verbosity() == 0 {
        return;
    }
    let opid = running.random.ksuid(time(at));
    let tx = 100_000 + running.random.below(900_000);
    let everything = log.verbosity() >= 10;
    let header = if everything {
        header(running)
    } else {
        String::new()
    };
    let Exchange {
        method,
        url,
        remote,
        status,
        micros,
        reason,
    } = exchange;
    let asked = format!(
        "[opid={opid}] {{\"request_method\":\"{method}\",\"request_url\":\"{url}\",{header}\"request_remote_ip\":\"{remote}\"}}"
    );
    log.info(&running.process, at, 1, LOGGER, &asked);
    let done = at + *micros as i64;
    if let Some(reason) = reason {
        log.info(
            &running.process,
            done - 40,
            0,
            LOGGER,
            &format!("[opid={opid}][tx_id={tx}] {reason}"),
        );
    }
    let body = if everything {
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

/// Records past glog: what gorm prints for an error, and lines that are out to harm.
pub fn noise(running: &mut Running, at: i64, plan: &Plan, log: &mut Log) {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    if plan.database_errors {
        lines.extend(gorm(at));
    }
    if plan.hostile {
        lines.extend(hostile::lines(&mut running.random));
    }
    for (late, line) in (0..).zip(lines) {
        log.raw(&running.process, at + late * 50, line);
    }
}

/// One error of gorm v1: it begins with CR LF and is coloured.
fn gorm(at: i64) -> [Vec<u8>; 3] {
    let when = time(at).strftime("%Y-%m-%d %H:%M:%S").to_string();
    [
        b"\r".to_vec(),
        b"\x1b[35m(/go/src/managed-services-api/pkg/services/kafka.go:123)\x1b[0m ".to_vec(),
        format!("\x1b[33m[{when}]\x1b[0m \x1b[31;1m pq: canceling statement due to user request \x1b[0m ")
            .into_bytes(),
    ]
}
