//! Which consoles wrote a record.

use jiff::Timestamp;
use serde::Serialize;

use super::value;
use crate::record::{Entry, Line, Writer};
use crate::safe;
use crate::text::Redacted;

/// A console that came or went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConsoleRow {
    /// When.
    pub at: Timestamp,
    /// `began`, `joined`, `left` or `closed`.
    pub what: &'static str,
    /// The login name on its machine; `None` for `left`, which is of the console before.
    pub user: Option<Redacted>,
    /// The machine.
    pub host: Option<Redacted>,
    /// The program's process there.
    pub pid: Option<u32>,
    /// The program's version.
    pub version: Option<Redacted>,
    /// For `left`: `q`, a signal, …
    pub how: Option<Redacted>,
}

/// Who came and went, in their order.
pub(super) fn writings(lines: &[Line]) -> Vec<ConsoleRow> {
    let writing = |line: &Line| {
        let (writer, how) = match &line.entry {
            Entry::Began(began) => (Some(&began.by), None),
            Entry::Joined(writer) | Entry::Closed(writer) => (Some(writer), None),
            Entry::Left { how } => (None, Some(how)),
            _ => return None,
        };
        Some(ConsoleRow {
            at: line.at,
            what: line.entry.name(),
            user: writer.map(|writer| value(&writer.user)),
            host: writer.map(|writer| value(&writer.host)),
            pid: writer.map(|writer| writer.pid),
            version: writer.map(|writer| value(&writer.version)),
            how: how.map(|how| value(how)),
        })
    };
    lines.iter().filter_map(writing).collect()
}

/// `oncall on bastion (process 4711, sopwatch 0.1.0)`.
pub(super) fn words(writer: &Writer) -> Redacted {
    value(&safe!(
        "{} on {} (process {}, sopwatch {})",
        writer.user,
        writer.host,
        writer.pid,
        writer.version
    ))
}
