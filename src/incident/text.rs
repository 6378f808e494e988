//! Text from outside, made safe to show.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A string from outside (a log line, a name, a row, an error) that cannot reach the terminal as a control sequence.
///
/// What was taken out stays visible: control characters as control pictures, the rest as its code in angle brackets. There is no
/// way to build one that skips this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeText(Arc<str>);

impl SafeText {
    /// Makes one line (or several, split by `\n`) safe.
    pub fn new(text: &str) -> Self {
        if text.chars().all(is_plain) {
            return Self(text.into());
        }
        let mut safe = String::with_capacity(text.len() + 16);
        text.chars().for_each(|c| push_safe(&mut safe, c));
        Self(safe.into())
    }

    /// Makes bytes safe; what is not UTF-8 shows as its code.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            chunk.valid().chars().for_each(|c| push_safe(&mut text, c));
            for byte in chunk.invalid() {
                text.push_str(&format!("⟨{byte:02x}⟩"));
            }
        }
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character may stand as it is.
fn is_plain(c: char) -> bool {
    c == '\n' || !(c.is_control() || is_invisible(c))
}

/// Characters that reorder or hide what stands around them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn push_safe(safe: &mut String, c: char) {
    match c {
        '\t' => safe.push_str("    "),
        _ if is_plain(c) => safe.push(c),
        '\u{7f}' => safe.push('␡'),
        '\0'..='\u{1f}' => safe.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('␦')),
        _ => safe.push_str(&format!("⟨{:x}⟩", u32::from(c))),
    }
}

impl Default for SafeText {
    fn default() -> Self {
        Self("".into())
    }
}

impl Deref for SafeText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&str> for SafeText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for SafeText {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl Serialize for SafeText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for SafeText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
