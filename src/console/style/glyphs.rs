//! The console's own signs, and what stands for them where only ASCII may be drawn.

use std::fmt::Write as _;

/// The signs.
#[derive(Debug)]
pub(crate) struct Glyphs {
    pub(crate) pass: &'static str,
    pub(crate) fail: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) stale: &'static str,
    pub(crate) waiting: &'static str,
    pub(crate) manual: &'static str,
    pub(crate) ticked: &'static str,
    /// Before the chosen row and the focused title.
    pub(crate) chosen: &'static str,
    pub(crate) ellipsis: &'static str,
    pub(crate) dash: &'static str,
    /// Heads the column of changes.
    pub(crate) change: &'static str,
    pub(crate) times: &'static str,
    /// Before an age that may be more.
    pub(crate) at_least: &'static str,
    /// Before a time left that may be less.
    pub(crate) at_most: &'static str,
    /// Between keys or words.
    pub(crate) dot: &'static str,
    pub(crate) horizontal: &'static str,
    pub(crate) vertical: &'static str,
    pub(crate) top_left: &'static str,
    pub(crate) top_right: &'static str,
    pub(crate) bottom_left: &'static str,
    pub(crate) bottom_right: &'static str,
    /// A side with a line to its right.
    pub(crate) tee_left: &'static str,
    /// A side with a line to its left.
    pub(crate) tee_right: &'static str,
}

pub(crate) const UNICODE: Glyphs = Glyphs {
    pass: "✔",
    fail: "✘",
    unknown: "?",
    stale: "~",
    waiting: "◔",
    manual: "▢",
    ticked: "☑",
    chosen: "▸",
    ellipsis: "…",
    dash: "–",
    change: "Δ",
    times: "×",
    at_least: "≥",
    at_most: "≤",
    dot: "·",
    horizontal: "─",
    vertical: "│",
    top_left: "┌",
    top_right: "┐",
    bottom_left: "└",
    bottom_right: "┘",
    tee_left: "├",
    tee_right: "┤",
};

pub(crate) const ASCII: Glyphs = Glyphs {
    pass: "+",
    fail: "X",
    unknown: "?",
    stale: "~",
    waiting: "w",
    manual: "_",
    ticked: "v",
    chosen: ">",
    ellipsis: "...",
    dash: "-",
    change: "chg",
    times: "x",
    at_least: ">",
    at_most: "<",
    dot: "-",
    horizontal: "-",
    vertical: "|",
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    tee_left: "+",
    tee_right: "+",
};

/// The same text in ASCII. What was control characters reads `^[`, what has no likeness its code in angle brackets.
pub(crate) fn ascii_of(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len());
    text.chars().for_each(|c| push_ascii(&mut ascii, c));
    ascii
}

fn push_ascii(ascii: &mut String, c: char) {
    let likeness = match c {
        ' '..='~' => return ascii.push(c),
        '\u{2400}'..='\u{241f}' => {
            ascii.push('^');
            return ascii.push(char::from((u32::from(c) - 0x2400) as u8 + b'@'));
        }
        '␡' => "^?",
        '…' => "...",
        '–' | '—' | '─' | '·' | '▄' => "-",
        '→' => "->",
        '←' => "<-",
        '×' => "x",
        '≥' => ">=",
        '≤' => "<=",
        '⟨' => "<",
        '⟩' => ">",
        '‘' | '’' => "'",
        '“' | '”' => "\"",
        '•' | '▇' => "*",
        '│' => "|",
        '\u{a0}' => " ",
        '▁' => "_",
        '▂' => ".",
        '▃' => ":",
        '▅' => "=",
        '▆' => "+",
        '█' => "#",
        _ => {
            // Writing to a String can't fail.
            let _ = write!(ascii, "<{:x}>", u32::from(c));
            return;
        }
    };
    ascii.push_str(likeness);
}
