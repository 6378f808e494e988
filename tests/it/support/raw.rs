//! The bytes that a program wrote to its terminal, held against what a screen needs.

/// What the screen's own library writes: colours and attributes, the cursor's place, clearing, and the modes that are taken and given back.
const MODES: [&str; 6] = ["?1049h", "?1049l", "?2004h", "?2004l", "?25h", "?25l"];

/// Every byte that has no business on a terminal, in words; empty when all is well.
pub fn trespassers(raw: &[u8]) -> Vec<String> {
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text,
        Err(error) => return vec![format!("not UTF-8 at {}", error.valid_up_to())],
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}' {
            let sequence = sequence_of(rest);
            if !is_the_screens(sequence) {
                found.push(format!("{sequence:?} before {:?}", around(rest)));
            }
            rest = &rest[sequence.len()..];
            continue;
        }
        if steers(c) {
            found.push(format!("{:?} before {:?}", c, around(rest)));
        }
        rest = &rest[c.len_utf8()..];
    }
    found
}

fn around(text: &str) -> String {
    text.chars().skip(1).take(30).collect()
}

/// An escape character with what belongs to it, if it introduces a CSI; else alone.
fn sequence_of(text: &str) -> &str {
    let Some(body) = text.strip_prefix("\u{1b}[") else {
        return &text[..1];
    };
    let end = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c));
    &text[..2 + end.map_or(0, |end| end + 1)]
}

fn is_the_screens(sequence: &str) -> bool {
    let Some(body) = sequence.strip_prefix("\u{1b}[") else {
        return false;
    };
    let plain = |parameters: &str| parameters.chars().all(|c| c.is_ascii_digit() || ";:".contains(c));
    MODES.contains(&body)
        || body.strip_suffix(['m', 'G', 'H']).is_some_and(plain)
        || ["2J", "J", "K"].contains(&body)
}

/// Controls, C1 among them, and what reorders or hides: the program itself writes none but line ends.
fn steers(c: char) -> bool {
    let invisible = matches!(c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    invisible || (c.is_control() && c != '\r' && c != '\n')
}

#[test]
fn what_steers_is_found_and_what_the_screen_needs_is_not() {
    for well in [
        "\u{1b}[?1049h\u{1b}[1;1H\u{1b}[38;5;2mtext ␛]0;x␇ é\u{1b}[0m\r\n\u{1b}[?25l",
        "",
    ] {
        assert_eq!(trespassers(well.as_bytes()), Vec::<String>::new());
    }
    for bad in [
        &b"\x1b]0;owned\x07"[..],
        b"\x1b[21t",
        b"\x1b[?1000h",
        b"\x1bP+q\x1b\\",
        b"\x1b[6n",
        b"\x9b2J",
        b"a\x08",
        "\u{9b}2J".as_bytes(),
        "\u{202e}".as_bytes(),
        "\u{200b}".as_bytes(),
    ] {
        assert!(!trespassers(bad).is_empty(), "{bad:?}");
    }
}
