//! The reader of a record: its lines, and where its chain breaks.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::chain::{START, decode};
use sopwatch_core::record::{Entry, Line, VERSION};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// The largest record that is read, bytes: a noisy incident of days.
const LARGEST: u64 = 1 << 30;

/// The contents of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordContents {
    /// Its lines, up to where it breaks.
    pub lines: Vec<Line>,
    /// Bytes of a last line that was not written whole, such as by a console that was killed; it is not among the lines.
    pub torn: Option<usize>,
    /// Where it breaks, if it does.
    pub broken: Option<Break>,
    /// Bytes of the whole lines.
    pub(super) whole: u64,
    /// The chain of the last of them.
    pub(super) chain: String,
}

/// Where a record breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Its line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl RecordContents {
    /// A warning if the record is damaged or its last line is cut; `None` where it is whole.
    pub fn integrity_warning(&self) -> Option<String> {
        if let Some(broken) = &self.broken {
            return Some(format!(
                "line {} is damaged ({}); later lines are ignored",
                broken.line, broken.why
            ));
        }
        let bytes = self.torn?;
        Some(format!(
            "the last line is incomplete ({bytes} bytes) and is ignored"
        ))
    }
}

/// Reads a record.
///
/// # Errors
/// Says why the file can't be read. A damaged record is no error: the contents say where it breaks.
pub fn read(path: &Path) -> Result<RecordContents, SafeText> {
    let failed = |why: &dyn std::fmt::Display| safe!("can't read {}: {why}", path.display());
    let mut file = File::open(path).map_err(|why| failed(&why))?;
    let bytes = read_open(&mut file).map_err(|why| failed(&why))?;
    Ok(parse(&bytes))
}

/// Reads an open file to its end; an error where it is too large to be a record.
pub(super) fn read_open(file: &mut File) -> io::Result<Vec<u8>> {
    if file.metadata()?.len() > LARGEST {
        return Err(io::Error::other("it is larger than 1 GiB"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the bytes of a record say.
pub fn parse(bytes: &[u8]) -> RecordContents {
    let mut contents = RecordContents {
        chain: START.to_owned(),
        ..RecordContents::default()
    };
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            contents.torn = Some(rest.len());
            break;
        };
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        let decoded = std::str::from_utf8(line)
            .map_err(|_not_text| "it is not text".to_owned())
            .and_then(|text| {
                if text.ends_with('\r') {
                    return Err("its end was changed: copy the file again in binary mode".to_owned());
                }
                decode(&contents.chain, text)
            })
            .and_then(|(line, chain)| known(&line).map(|()| (line, chain)));
        match decoded {
            Ok((line, chain)) => {
                contents.lines.push(line);
                contents.chain = chain;
                contents.whole += end as u64 + 1;
            }
            Err(why) => {
                let line = contents.lines.len() + 1;
                contents.broken = Some(Break { line, why });
                break;
            }
        }
        rest = after;
    }
    contents
}

/// Whether a line can be relied on to mean what it says here: what a newer program adds, an older one must not guess at, nor write behind.
fn known(line: &Line) -> Result<(), String> {
    match &line.entry {
        Entry::Began(began) if began.record > VERSION => Err(format!(
            "its format is {}, and this sopwatch knows {VERSION}: read it with the newer one that wrote it ({})",
            began.record,
            SafeText::new(&began.by.version)
        )),
        _ => Ok(()),
    }
}
