//! The hash chain: the form of a line on disk, JSON that begins with a hash over the line before it and the rest of its own.

use sha2::{Digest, Sha256};

use sopwatch_core::record::Line;
use sopwatch_core::text::redact::redact_json;

/// What the first line is chained to.
pub(super) const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const HEAD: &str = "{\"chain\":\"";

/// A line as it is written, with its end, and its chain.
///
/// Secrets in it are replaced first.
pub(super) fn encode(previous: &str, line: &Line) -> serde_json::Result<(String, String)> {
    let mut value = serde_json::to_value(line)?;
    redact_json(&mut value);
    let json = serde_json::to_string(&value)?;
    let rest = json.strip_prefix('{').unwrap_or(&json);
    let chain = link(previous, rest);
    Ok((format!("{HEAD}{chain}\",{rest}\n"), chain))
}

/// A line of a file without its end; what it says and its chain, or what is wrong with it.
pub(super) fn decode(previous: &str, text: &str) -> Result<(Line, String), String> {
    let rest = text.strip_prefix(HEAD).ok_or("it is not a line of a record")?;
    let (chain, rest) = rest
        .split_at_checked(START.len())
        .ok_or("it is not a line of a record")?;
    let rest = rest.strip_prefix("\",").ok_or("it is not a line of a record")?;
    if link(previous, rest) != chain {
        return Err("it was changed, or a line before it is missing or was changed".to_owned());
    }
    let line = serde_json::from_str(&format!("{{{rest}")).map_err(|problem| {
        tracing::debug!(%problem, "a line of a record that is not understood");
        "this version of sopwatch can't read it".to_owned()
    })?;
    Ok((line, chain.to_owned()))
}

pub(super) fn link(previous: &str, rest: &str) -> String {
    use std::fmt::Write as _;
    let hash = Sha256::new().chain_update(previous).chain_update(rest).finalize();
    hash.iter()
        .fold(String::with_capacity(START.len()), |mut hex, byte| {
            // Writing to a string can't fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}
