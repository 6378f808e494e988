//! `psql`, with the SOP's queries and what is refused.

use regex::Regex;
use sopwatch::runtime::clock::Clock;
use sopwatch_drill::{Drill, Options};
use tokio::process::Command;

use super::allowed::QUERIES;
use super::compare::Fields;
use super::exchange;
use super::judge::Judge;
use super::normal;
use super::stage::{QUIET, scenario};
use crate::support::tools;

/// Rows for the SOP's queries to count.
const ROWS: &str = "
[[database.clusters]]
status = 'ready'
idle = '9m'
[[database.clusters]]
status = 'cluster_accepted'
idle = '59m'
[[database.kafkas]]
status = 'ready'
idle = '2h'
count = 3
[[database.kafkas]]
status = ''
stamp = 'never'
";

/// What `psql` printed for one line of input.
struct Printed {
    asked: String,
    said: String,
}

/// The recorded session: `$ psql: …`, and what came. What follows the last query is what refusals looked like, a line each.
fn recorded() -> (Vec<Printed>, Vec<String>) {
    let text = exchange::text("psql.txt");
    let mut session: Vec<Printed> = Vec::new();
    let mut refusals = Vec::new();
    for line in text.lines() {
        if let Some(asked) = line.strip_prefix("$ psql: ") {
            let asked = asked.to_owned();
            session.push(Printed {
                asked,
                said: String::new(),
            });
        } else if line.starts_with("ERROR:  ca") || line.starts_with("psql: error") {
            refusals.push(line.to_owned());
        } else {
            let last = session.last_mut().unwrap();
            last.said.push_str(line);
            last.said.push('\n');
        }
    }
    (session, refusals)
}

/// Columns and the form of what is in them; or what was said instead.
fn fields(said: &str) -> Fields {
    let mut fields = Fields::new();
    let mut lines = said.lines();
    let head = lines.next().unwrap_or_default();
    let mut add = |path: &str, value: String| {
        fields.entry(path.to_owned()).or_default().insert(value);
    };
    if !head.contains('|') {
        std::iter::once(head)
            .chain(lines)
            .filter(|line| !line.is_empty())
            .for_each(|line| add("said", normal::text(line)));
        return fields;
    }
    let columns: Vec<&str> = head.split('|').map(str::trim).collect();
    add("columns", columns.join(", "));
    for line in lines.filter(|line| line.contains('|')) {
        for (column, cell) in columns.iter().zip(line.split('|')) {
            add(&format!("form of {column}"), form(cell.trim()));
        }
    }
    fields
}

/// A cell with every digit as 9 and every name as a word: numbers of any length, spans and times of one form.
fn form(cell: &str) -> String {
    if cell.parse::<u64>().is_ok() {
        return "a number".to_owned();
    }
    if !cell.starts_with(|c: char| c.is_ascii_digit()) {
        return "a word or nothing".to_owned();
    }
    let form: String = cell
        .chars()
        .map(|c| if c.is_ascii_digit() { '9' } else { c })
        .collect();
    let fraction = Regex::new(r"\.9+").unwrap();
    fraction.replace(&form, ".9").into_owned()
}

async fn run(url: &str, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new("psql");
    let output = command
        .args(["-X", url])
        .args(arguments)
        .args(["-c", input])
        .output()
        .await
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_says_what_it_said() {
    if !tools::has("psql") {
        return;
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        scenario: scenario(&format!("{QUIET}{ROWS}")),
        start: Clock::system().now(),
        speed: 1.0,
        seed: 7,
        folder: folder.path().to_owned(),
    };
    let drill = Drill::start(options).await.unwrap();
    let url = drill.database_url();
    let mut judge = Judge::new(QUERIES);
    let (session, refusals) = recorded();
    assert_eq!(session.len(), 7);
    for Printed { asked, said } in session {
        let here = run(&url, &[], &asked).await;
        judge.fields(&asked, &fields(&said), &fields(&here));
    }
    let read_only = run(
        &url,
        &[],
        "set default_transaction_read_only = on; update clusters set status = 'x'",
    )
    .await;
    let slow = run(&url, &[], "set statement_timeout = 50; select pg_sleep(60)").await;
    let (before, after) = url.rsplit_once('@').unwrap();
    let (user, _) = before.rsplit_once(':').unwrap();
    let stranger = run(&format!("{user}:wrong@{after}"), &[], "select 1").await;
    let last = |text: &str| text.lines().last().unwrap_or_default().to_owned();
    let port = Regex::new(r"port \d+").unwrap();
    for (recorded, here) in refusals.iter().zip([read_only, slow, stranger]) {
        let words = |text: &str| {
            let text = normal::text(
                &text
                    .replace("managed_services_ro", "USER")
                    .replace("managed_services_api", "USER"),
            );
            port.replace(&text, "port N").into_owned()
        };
        judge.same(recorded, "said", words(recorded), words(&last(&here)));
    }
    judge.end();
}
