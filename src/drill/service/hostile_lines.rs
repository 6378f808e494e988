//! Log lines that would do harm if their bytes reached a terminal.

use crate::random::Random;

/// A line longer than the longest that a container runtime writes in one piece.
const LONG_LINE: usize = 70 * 1024;

/// One of each kind.
pub fn lines(random: &mut Random) -> Vec<Vec<u8>> {
    let mark = random.token(8);
    let mut lines: Vec<Vec<u8>> = vec![
        // writes the clipboard
        format!("hostile {mark} clipboard \x1b]52;c;cm0gLXJmIC8=\x07 end").into_bytes(),
        // clears the screen and goes home
        format!("hostile {mark} clear \x1b[2J\x1b[H end").into_bytes(),
        // sets the window's title, and asks for it to be typed
        format!("hostile {mark} title \x1b]0;owned\x1b\\\x1b[21t end").into_bytes(),
        // device control, and a private mode
        format!("hostile {mark} modes \x1bP+q544e\x1b\\\x1b[?1049l\x1b[?1000h end").into_bytes(),
        // overwrites the line's own beginning
        format!("hostile {mark} return \r\x08\x08all is well").into_bytes(),
        // right-to-left override, isolates, and a zero-width joiner
        format!("hostile {mark} bidi \u{202e}drowssap\u{2066}\u{200d}\u{2069} end").into_bytes(),
        // C1 controls: CSI and OSC as one character
        format!("hostile {mark} c1 \u{9b}2J\u{9d}0;owned\u{9c} end").into_bytes(),
        b"hostile bytes \x9b2J \xff\xfe \xc3( \xed\xa0\x80 \xf0\x9f end".to_vec(),
        b"hostile nul \0 bell \x07 tab \t vertical \x0b delete \x7f end".to_vec(),
    ];
    let mut long = format!("hostile {mark} long ").into_bytes();
    long.resize(LONG_LINE, b'x');
    lines.push(long);
    lines
}
