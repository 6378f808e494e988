//! Chains for lines that somebody else wrote, for the fuzz targets: without one, no line of theirs would be looked at.

use super::chain::{START, encode, link};
use sopwatch_core::record::Line;

/// A record of lines of JSON, each with a proper chain.
pub fn chained<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut previous = START.to_owned();
    let mut text = String::new();
    for line in lines {
        let rest = line.strip_prefix('{').unwrap_or(line);
        previous = link(&previous, rest);
        text.extend(["{\"chain\":\"", &previous, "\",", rest, "\n"]);
    }
    text
}

/// Lines as the writer writes them; `None` where one can't be written.
pub fn written(lines: &[Line]) -> Option<String> {
    let mut previous = START.to_owned();
    let mut text = String::new();
    for line in lines {
        let (line, chain) = encode(&previous, line).ok()?;
        text.push_str(&line);
        previous = chain;
    }
    Some(text)
}
