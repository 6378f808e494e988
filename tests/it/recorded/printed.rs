//! What `kubectl` printed, field by field: columns and rows of tables, keys and values of descriptions, or lines.

use std::sync::LazyLock;

use regex::Regex;

use super::compare::Fields;
use super::exchange;
use super::normal;

/// A recorded command, or what the drill's `kubectl` said.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Without the program's name.
    pub arguments: String,
    /// The exit status in words, as `0` or `still running after 45 s`.
    pub exit: String,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Reads `NAME.txt`.
    pub fn read(name: &str) -> Self {
        let text = exchange::text(&format!("{name}.txt"));
        let (command, rest) = text.split_once('\n').expect("a command");
        let (exit, rest) = rest.split_once('\n').expect("an exit status");
        let arguments = command.strip_prefix("$ kubectl ").expect("kubectl");
        let exit = exit.strip_prefix("# exit: ").expect("an exit status");
        let (out, err) = rest.split_once("# stderr\n").unwrap_or((rest, ""));
        let out = out.strip_prefix("# stdout\n").unwrap_or("");
        Self {
            arguments: arguments.to_owned(),
            exit: exit.to_owned(),
            out: out.to_owned(),
            err: err.to_owned(),
        }
    }

    /// What was said as fields.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        let mut add = |path: &str, value: String| {
            fields.entry(path.to_owned()).or_default().insert(value);
        };
        add("exit", self.exit.clone());
        for line in self.err.lines() {
            add(subject(line, "stderr"), normal::printed(line));
        }
        if self.arguments.starts_with("logs ") {
            self.logged(&mut add);
        } else if self.out.starts_with("Name:") {
            described(&self.out, &mut add);
        } else if is_table(&self.out) {
            tabulated(&self.out, &mut add);
        } else {
            for line in self.out.lines() {
                add(subject(line, "stdout"), normal::printed(line));
            }
        }
        fields
    }

    /// Of a log only how many lines there are, and what `kubectl` put before them: what they say is the service's business.
    fn logged(&self, add: &mut impl FnMut(&str, String)) {
        add("lines of the log", self.out.lines().count().to_string());
        for line in self.out.lines().filter(|_| self.arguments.contains("--prefix")) {
            let prefix = line.split(' ').next().unwrap_or_default();
            add("prefix", normal::printed(prefix));
        }
    }
}

/// What a line is about that differs by its nature; or the stream it came on.
fn subject(line: &str, stream: &'static str) -> &'static str {
    match line.split([' ', ':']).next() {
        Some("Defaulted") => "defaulted container",
        Some("Server") => "server version",
        Some(number) if number.parse::<u32>().is_ok() => "revisions",
        _ => stream,
    }
}

static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\s{2,}").unwrap());
static COUNT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" \(x\d+ over AGE\)").unwrap());

/// The cells of a line of a table.
pub fn cells(line: &str) -> Vec<String> {
    GAP.split(line.trim()).map(normal::printed).collect()
}

fn is_table(out: &str) -> bool {
    let head = out.lines().next().unwrap_or_default();
    head.contains("  ") && !head.chars().any(char::is_lowercase) || head.starts_with("Resources ")
}

fn tabulated(out: &str, add: &mut impl FnMut(&str, String)) {
    let mut lines = out.lines();
    let columns = cells(lines.next().unwrap_or_default());
    add("columns", columns.join(", "));
    // The first column of what stands by itself is empty in some tables, so that cells are not always told apart by their place.
    let named = |row: &[String], name: &str| {
        let index = columns.iter().position(|column| column == name)?;
        row.get(index).cloned()
    };
    for line in lines {
        let row = cells(line);
        if row.len() != columns.len() {
            add("rows of few", row.join(" | "));
            continue;
        }
        let name = match named(&row, "REASON") {
            Some(reason) => format!("{reason} {}", row.last().map_or("", String::as_str)),
            None => row[0].clone(),
        };
        for (column, cell) in columns.iter().zip(row) {
            add(&format!("[{name}].{column}"), cell);
        }
    }
}

/// The lines of a description: keys are told apart by what they are indented under.
fn described(out: &str, add: &mut impl FnMut(&str, String)) {
    let mut above: Vec<(usize, String)> = Vec::new();
    for line in out.lines().filter(|line| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        above.retain(|(other, _)| *other < indent);
        let parents: Vec<&str> = above.iter().map(|(_, key)| key.as_str()).collect();
        let path = parents.join(".");
        if path == "Events" {
            event(line, add);
            continue;
        }
        let (key, value) = match line.trim().split_once(':') {
            Some((key, value)) if !key.contains(' ') || value.starts_with("  ") || value.is_empty() => {
                (key, value.trim())
            }
            _ => ("", line.trim()),
        };
        let value = GAP.replace_all(&normal::printed(value), " ").into_owned();
        let dot = if path.is_empty() || key.is_empty() {
            ""
        } else {
            "."
        };
        let path = format!("{path}{dot}{key}");
        if !value.is_empty() {
            add(&path, value);
        }
        if !key.is_empty() {
            above.push((indent, normal::text(key)));
        }
    }
}

fn event(line: &str, add: &mut impl FnMut(&str, String)) {
    let row = cells(line);
    let [kind, reason, age, from, message] = row.as_slice() else {
        panic!("an event is five cells: {line}");
    };
    if reason.starts_with('-') {
        return;
    }
    let age = COUNT.replace(age, " (counted)");
    add(&format!("Events.[{reason} {message}]"), format!("{kind} {from}"));
    if kind == "Type" {
        add(
            "Events.columns",
            format!("{kind} {reason} {age} {from} {message}"),
        );
    }
}
