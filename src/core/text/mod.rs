//! Text from outside, made safe to show.

pub mod duration;
pub(crate) mod markdown;
mod plural;
pub mod redact;

use std::borrow::{Borrow, Cow};
use std::fmt::{self, Write as _};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_width::UnicodeWidthChar;

pub use self::plural::{counted, noun};
pub use self::redact::Redacted;

/// Combining marks that may stand on one base; more of them would draw over the lines above and below.
const MAX_MARKS: usize = 8;

/// A string from outside (a log line, a name, a row, an error) that cannot reach the terminal as a control sequence.
///
/// What was taken out stays visible: control characters as control pictures (`␛`), the rest as its code in angle brackets
/// (`⟨202e⟩`), a flood of combining marks as its number. Tabs become spaces, and the carriage return of a CRLF goes. Lines stay
/// split by `\n`. Making safe text safe again changes nothing. There is no way to build one that skips this.
///
/// A sentence that quotes one stays safe text with [`safe!`](crate::safe), and becomes an ordinary string with `format!`. Whatever shows,
/// prints or writes text takes safe text, so that a string has to be made safe on its way there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeText(Arc<str>);

impl SafeText {
    /// Makes one line (or several, split by `\n`) safe.
    pub fn new(text: &str) -> Self {
        if is_plain_ascii(text.as_bytes()) {
            return Self(text.into());
        }
        let mut safe = Sanitizer::with_capacity(text.len());
        safe.push_str(text);
        safe.finish()
    }

    /// Makes bytes safe; what is not UTF-8 shows as its code.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self::new(text);
        }
        let mut safe = Sanitizer::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            safe.push_str(chunk.valid());
            chunk.invalid().iter().for_each(|byte| safe.push_byte(*byte));
        }
        safe.finish()
    }

    /// A sentence with what it quotes, made safe as it is written; [`safe!`](crate::safe) reads better.
    pub fn of(sentence: fmt::Arguments<'_>) -> Self {
        if let Some(words) = sentence.as_str() {
            return Self::new(words);
        }
        let mut safe = Sanitizer::with_capacity(0);
        // A value that fails to show itself leaves what it has written.
        let _ = safe.write_fmt(sentence);
        safe.finish()
    }

    /// Makes the first `max_chars` characters safe; what was longer ends with `…` and is no longer than that either.
    pub fn cut(text: &str, max_chars: usize) -> Self {
        // Making safe can only lengthen a text, apart from what it drops or counts: read a bounded piece of the input either way.
        let end = text.char_indices().nth(max_chars).map(|(at, _)| at);
        let safe = Self::new(&text[..end.unwrap_or(text.len())]);
        if end.is_none() && safe.chars().count() <= max_chars {
            return safe;
        }
        let mut short: String = safe.chars().take(max_chars.saturating_sub(1)).collect();
        if max_chars > 0 {
            short.push('…');
        }
        Self::new(&short)
    }

    /// Makes a text safe and leaves out its middle where it has more than so many characters. What a line begins with says where it comes
    /// from, and what it ends with why: errors are wrapped one into the other, and the innermost cause stands last.
    pub fn shortened(text: &str, max_chars: usize) -> Self {
        let head = text.char_indices().nth(max_chars).map(|(at, _)| &text[..at]);
        let Some(head) = head else {
            let safe = Self::new(text);
            let fits = safe.chars().count() <= max_chars;
            return if fits {
                safe
            } else {
                Self::new(&without_middle(&safe, &safe, max_chars))
            };
        };
        let tail = text.char_indices().nth_back(max_chars.saturating_sub(1));
        let tail = tail.map_or("", |(at, _)| &text[at..]);
        Self::new(&without_middle(&Self::new(head), &Self::new(tail), max_chars))
    }
}

/// The beginning of one text and the end of another with a `…` between them: a third and two thirds of so many characters, each at the
/// end of a word where one is near.
fn without_middle(head: &str, tail: &str, max_chars: usize) -> String {
    /// How far a word's end may be.
    const NEAR: usize = 12;
    let Some(room) = max_chars.checked_sub(1) else {
        return String::new();
    };
    let end = head.char_indices().nth(room / 3).map_or(head.len(), |(at, _)| at);
    let (head, cut_off) = head.split_at(end);
    let blank = head
        .rfind(' ')
        .map(|at| at + 1)
        .filter(|_| !cut_off.starts_with(' '));
    let near = blank.filter(|at| head[*at..].chars().count() <= NEAR);
    let head = &head[..near.unwrap_or(head.len())];
    let start = match room - room / 3 {
        0 => tail.len(),
        least => tail.char_indices().nth_back(least - 1).map_or(0, |(at, _)| at),
    };
    let (cut_off, tail) = tail.split_at(start);
    let word = tail
        .find(' ')
        .map(|at| at + 1)
        .filter(|_| !cut_off.ends_with(' '));
    let near = word.filter(|at| tail[..*at].chars().count() <= NEAR);
    format!("{head}…{}", &tail[near.unwrap_or(0)..])
}

/// Whether bytes can stand as they are: printable ASCII and line ends. Looks at blocks without branches, as most text is plain.
fn is_plain_ascii(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| (0x20..0x7f).contains(byte) || *byte == b'\n';
    bytes
        .chunks(64)
        .all(|block| block.iter().fold(true, |so_far, byte| so_far & plain(byte)))
}

/// Builds safe text character by character.
struct Sanitizer {
    text: String,
    /// A carriage return that may be the first half of a line end.
    pending_return: bool,
    /// How many combining marks end the text, and where they begin.
    marks: usize,
    marks_at: usize,
}

impl Sanitizer {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes + 16),
            pending_return: false,
            marks: 0,
            marks_at: 0,
        }
    }

    fn push_str(&mut self, text: &str) {
        if text.is_empty() || !is_plain_ascii(text.as_bytes()) {
            return text.chars().for_each(|c| self.push(c));
        }
        if std::mem::take(&mut self.pending_return) && !text.starts_with('\n') {
            self.put('␍');
        }
        self.end_marks();
        self.text.push_str(text);
    }

    fn push(&mut self, c: char) {
        if std::mem::take(&mut self.pending_return) && c != '\n' {
            self.put('␍');
        }
        match c {
            '\r' => self.pending_return = true,
            '\t' => "    ".chars().for_each(|space| self.put(space)),
            '\n' => self.put(c),
            '\u{7f}' => self.put('␡'),
            '\0'..='\u{1f}' => self.put(char::from_u32(0x2400 + u32::from(c)).unwrap_or('␦')),
            _ if c.is_control() || is_invisible(c) => self.put_code(u32::from(c)),
            _ if c.width() == Some(0) => self.put_mark(c),
            _ => self.put(c),
        }
    }

    fn push_byte(&mut self, byte: u8) {
        if std::mem::take(&mut self.pending_return) {
            self.put('␍');
        }
        self.put_code(u32::from(byte));
    }

    fn put(&mut self, c: char) {
        self.end_marks();
        self.text.push(c);
    }

    fn put_code(&mut self, code: u32) {
        self.end_marks();
        // Writing to a string cannot fail.
        let _ = write!(self.text, "⟨{code:02x}⟩");
    }

    /// A mark needs a base of its own text: at the start of a line it would join whatever the screen shows before it.
    fn put_mark(&mut self, mark: char) {
        if self.marks == 0 {
            if self.text.is_empty() || self.text.ends_with('\n') {
                self.text.push('◌');
            }
            self.marks_at = self.text.len();
        }
        self.marks += 1;
        if self.marks <= MAX_MARKS {
            self.text.push(mark);
        }
    }

    fn end_marks(&mut self) {
        let marks = std::mem::take(&mut self.marks);
        if marks > MAX_MARKS {
            self.text.truncate(self.marks_at);
            let _ = write!(self.text, "⟨{marks} marks⟩");
        }
    }

    fn finish(mut self) -> SafeText {
        self.end_marks();
        SafeText(self.text.into())
    }
}

impl fmt::Write for Sanitizer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

/// A sentence as [`SafeText`](crate::text::SafeText), written like that of `format!`: what it quotes is made safe as it is written.
///
/// ```
/// let name = "api\u{1b}[2J";
/// assert_eq!(sopwatch_core::safe!("pod {name} is gone"), "pod api␛[2J is gone");
/// ```
#[macro_export]
macro_rules! safe {
    ($($sentence:tt)*) => {
        $crate::text::SafeText::of(format_args!($($sentence)*))
    };
}

/// Characters that reorder, hide or restyle what stands around them, or that look like nothing at all.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{70f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

impl Default for SafeText {
    fn default() -> Self {
        Self("".into())
    }
}

impl From<&str> for SafeText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// What both kinds of text have: they are read as strings, compared with them and made from them, in code and in files.
macro_rules! is_text {
    ($kind:ty) => {
        impl $kind {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $kind {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $kind {
            fn as_ref(&self) -> &str {
                self
            }
        }

        /// Both hash and compare as the string that they hold.
        impl Borrow<str> for $kind {
            fn borrow(&self) -> &str {
                self
            }
        }

        impl PartialEq<str> for $kind {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $kind {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl PartialEq<String> for $kind {
            fn eq(&self, other: &String) -> bool {
                self.as_str() == other
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.as_str().fmt(f)
            }
        }

        impl From<String> for $kind {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl From<&String> for $kind {
            fn from(text: &String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl From<Cow<'_, str>> for $kind {
            fn from(text: Cow<'_, str>) -> Self {
                Self::from(&*text)
            }
        }

        impl From<&Self> for $kind {
            fn from(text: &Self) -> Self {
                text.clone()
            }
        }

        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

is_text!(SafeText);
is_text!(Redacted);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_taken_out_stays_visible() {
        let cases: &[(&[u8], &str)] = &[
            (b"plain ~ text", "plain ~ text"),
            (b"\x1b]52;c;cm0=\x07", "␛]52;c;cm0=␇"),
            (b"\x1b[2J\x1b[6n", "␛[2J␛[6n"),
            ("c1 \u{9b}2J".as_bytes(), "c1 ⟨9b⟩2J"),
            (b"raw c1 \x9b2J \xff", "raw c1 ⟨9b⟩2J ⟨ff⟩"),
            (b"nul \0 del \x7f", "nul ␀ del ␡"),
            (b"a\tb", "a    b"),
            (b"one\r\ntwo\r", "one\ntwo"),
            (b"Error\rok   ", "Error␍ok   "),
            (b"\r\r\n", "␍\n"),
            ("bidi \u{202e}txt\u{2066}".as_bytes(), "bidi ⟨202e⟩txt⟨2066⟩"),
            ("zero\u{200b}width\u{feff}".as_bytes(), "zero⟨200b⟩width⟨feff⟩"),
            (
                "line\u{2028}para\u{2029}nel\u{85}".as_bytes(),
                "line⟨2028⟩para⟨2029⟩nel⟨85⟩",
            ),
            (
                "vs\u{fe0f} tag\u{e0041} vs17\u{e0100}".as_bytes(),
                "vs⟨fe0f⟩ tag⟨e0041⟩ vs17⟨e0100⟩",
            ),
            ("filler\u{3164}\u{115f}".as_bytes(), "filler⟨3164⟩⟨115f⟩"),
            (
                "Zürich, 東京, Re\u{301}sume\u{301}".as_bytes(),
                "Zürich, 東京, Re\u{301}sume\u{301}",
            ),
            ("\u{301}x\n\u{301}".as_bytes(), "◌\u{301}x\n◌\u{301}"),
            (b"cut \xe2\x82", "cut ⟨e2⟩⟨82⟩"),
            (b"\r\xff", "␍⟨ff⟩"),
        ];
        for (bytes, want) in cases {
            assert_eq!(SafeText::from_bytes(bytes).as_str(), *want, "{bytes:?}");
        }
    }

    #[test]
    fn a_flood_of_combining_marks_is_counted() {
        let flood = |marks: usize| format!("e{}x", "\u{301}".repeat(marks));
        assert_eq!(SafeText::new(&flood(8)).as_str(), flood(8));
        assert_eq!(SafeText::new(&flood(9)).as_str(), "e⟨9 marks⟩x");
        assert_eq!(SafeText::new(&flood(70_000)).as_str(), "e⟨70000 marks⟩x");
    }

    #[test]
    fn a_cut_text_says_so_and_keeps_to_its_length() {
        for (text, max, want) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("a\tb", 3, "a …"),
            ("\u{202e}x", 4, "⟨20…"),
            ("anything", 0, ""),
            (
                "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
                30,
                "e⟨9 marks⟩",
            ),
        ] {
            assert_eq!(SafeText::cut(text, max).as_str(), want, "{text:?} to {max}");
        }
    }

    #[test]
    fn what_is_shortened_loses_its_middle_and_keeps_its_end() {
        for (text, max, want) in [
            ("short", 5, "short"),
            ("longer", 5, "l…ger"),
            (
                "it failed to list: it failed to read: the disk is full",
                30,
                "it failed…the disk is full",
            ),
            ("anything", 1, "…"),
            ("anything", 0, ""),
            ("", 0, ""),
        ] {
            assert_eq!(SafeText::shortened(text, max).as_str(), want, "{text:?} to {max}");
        }
    }

    #[test]
    fn a_sentence_is_made_safe_with_all_that_it_quotes() {
        let (name, safe) = ("a\u{1b}[2J\u{202e}", SafeText::new("b\u{7}"));
        assert_eq!(
            safe!("pod {name}, {safe} of {}: {:>3}", 3, "x"),
            "pod a␛[2J⟨202e⟩, b␇ of 3:   x"
        );
        assert_eq!(safe!("nothing quoted\u{1b}"), "nothing quoted␛");
        // Marks and line ends that meet where two pieces meet.
        let (mark, cr) = ("\u{301}", "\r");
        assert_eq!(safe!("{mark}x{cr}\n{cr}y"), "◌\u{301}x\n␍y");
    }

    proptest! {
        #[test]
        fn a_sentence_is_as_safe_as_the_whole_made_safe(pieces in proptest::collection::vec("(?s).{0,9}", 3)) {
            let [one, two, three] = &pieces[..] else { unreachable!() };
            prop_assert_eq!(safe!("{one}{two} {three}"), SafeText::new(&format!("{one}{two} {three}")));
        }

        #[test]
        fn no_bytes_reach_the_terminal_as_control_or_format(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let safe = SafeText::from_bytes(&bytes);
            prop_assert!(safe.chars().all(|c| c == '\n' || !(c.is_control() || is_invisible(c))));
        }

        #[test]
        fn no_text_does_either_and_making_safe_twice_changes_nothing(text in "(?s).{0,200}") {
            let safe = SafeText::new(&text);
            prop_assert!(safe.chars().all(|c| c == '\n' || !(c.is_control() || is_invisible(c))));
            prop_assert_eq!(SafeText::new(&safe), safe.clone());
            prop_assert_eq!(SafeText::from_bytes(text.as_bytes()), safe);
        }

        #[test]
        fn floods_of_marks_and_returns_stay_the_same_when_made_safe_again(
            text in "[a\r\n\t\u{301}\u{200b}\u{fe0f}]{0,60}"
        ) {
            let safe = SafeText::new(&text);
            prop_assert_eq!(SafeText::new(&safe), safe);
        }

        #[test]
        fn a_cut_is_never_longer_than_asked(text in "(?s).{0,60}", max in 0usize..40) {
            prop_assert!(SafeText::cut(&text, max).chars().count() <= max);
            let short = SafeText::shortened(&text, max);
            prop_assert!(short.chars().count() <= max, "{short}");
            let safe = SafeText::new(&text);
            prop_assert!(short == safe || short.contains('…') || max == 0);
        }
    }
}
