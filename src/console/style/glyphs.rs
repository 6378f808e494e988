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
    /// A line with a side above it.
    pub(crate) tee_up: &'static str,
    /// A source that answers, and one that does not yet.
    pub(crate) full_dot: &'static str,
    pub(crate) empty_dot: &'static str,
    /// A part of a bar that is reached, and one that is not.
    pub(crate) bar_full: &'static str,
    pub(crate) bar_empty: &'static str,
    /// A leader over time, a sign for each of three pods; the first is the one that leads now.
    pub(crate) led: [&'static str; 3],
    /// Nobody led.
    pub(crate) gap: &'static str,
    /// Nobody looked.
    pub(crate) unseen: &'static str,
    /// Two led.
    pub(crate) two_led: &'static str,
    /// Between what is done and what comes next.
    pub(crate) then: &'static str,
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
    tee_up: "┴",
    full_dot: "●",
    empty_dot: "○",
    bar_full: "▇",
    bar_empty: "░",
    led: ["█", "▓", "▒"],
    gap: "·",
    unseen: "╌",
    two_led: "╳",
    then: "→",
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
    tee_up: "+",
    full_dot: "*",
    empty_dot: "o",
    bar_full: "#",
    bar_empty: ".",
    led: ["#", "=", "%"],
    gap: ".",
    unseen: "?",
    two_led: "X",
    then: "->",
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
        '▒' => "%",
        '╌' => "?",
        '╳' => "X",
        '\u{a0}' => " ",
        '▁' => "_",
        '▂' | '░' => ".",
        '▃' => ":",
        '▅' | '▓' => "=",
        '▆' | '└' | '┴' => "+",
        '█' => "#",
        _ => {
            // Writing to a String can't fail.
            let _ = write!(ascii, "<{:x}>", u32::from(c));
            return;
        }
    };
    ascii.push_str(likeness);
}
