//! Whether what a client sends is messages of PostgreSQL's protocol, before they are read: the reader relies on the lengths in them.

/// The longest message without a type, which a client begins with, as PostgreSQL has it.
const LONGEST_STARTUP: usize = 10_000;

/// The longest message with a type: far more than any statement here.
const LONGEST: usize = 1 << 20;

/// Rows that a client may want at once: more than any table here has. The reader makes room for as many as are wanted.
const MOST_ROWS: u32 = 100_000;

/// Codes in place of a version: a client asks for TLS or GSS first, or cancels a query of another connection.
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
const CANCEL: u32 = 80_877_102;

/// How far a client is.
#[derive(Debug, Default)]
pub struct MessageCheck {
    /// Whether it has begun: from then on messages have a type.
    begun: bool,
}

/// What a client's next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextMessage {
    /// The beginning of a message.
    Partial,
    /// A message of so many bytes.
    Whole(usize),
    /// No message.
    Malformed,
}

impl MessageCheck {
    /// Looks at the bytes that come next, and counts a whole message as read.
    pub fn next(&mut self, bytes: &[u8]) -> NextMessage {
        let (kind, rest) = if self.begun {
            let Some((kind, rest)) = bytes.split_first() else {
                return NextMessage::Partial;
            };
            (Some(*kind), rest)
        } else {
            (None, bytes)
        };
        let Some(length) = rest.first_chunk::<4>() else {
            return NextMessage::Partial;
        };
        let length = u32::from_be_bytes(*length) as usize;
        // A beginning has a version or a code at least.
        let allowed = if kind.is_some() {
            4..=LONGEST
        } else {
            8..=LONGEST_STARTUP
        };
        if !allowed.contains(&length) {
            return NextMessage::Malformed;
        }
        let Some(body) = rest.get(4..length) else {
            return NextMessage::Partial;
        };
        let is_well_formed = match kind {
            Some(kind) => is_message(kind, &mut Fields(body)),
            None => self.is_beginning(body),
        };
        if is_well_formed {
            NextMessage::Whole(length + usize::from(kind.is_some()))
        } else {
            NextMessage::Malformed
        }
    }

    fn is_beginning(&mut self, body: &[u8]) -> bool {
        let Some((code, mut rest)) = body.split_first_chunk::<4>() else {
            return false;
        };
        match u32::from_be_bytes(*code) {
            SSL | GSS => rest.is_empty(),
            CANCEL => rest.len() >= 8,
            _ => {
                self.begun = true;
                // Pairs of a name and a value, and an empty name.
                let mut fields = Fields(rest);
                while fields.0.first().is_some_and(|first| *first != 0) {
                    if fields.text().and_then(|()| fields.text()).is_none() {
                        return false;
                    }
                }
                rest = fields.0;
                rest == [0]
            }
        }
    }
}

/// Makes an `Execute` that wants more rows than there can be, or fewer than none, want all of them, as it does with PostgreSQL.
pub fn bound_rows(message: &mut [u8]) {
    if message.first() == Some(&b'E')
        && let Some(most) = message.last_chunk_mut::<4>()
        && u32::from_be_bytes(*most) > MOST_ROWS
    {
        *most = [0; 4];
    }
}

/// Whether a body is what its type says, to its last byte. Of a type that is not known the reader says so itself.
fn is_message(kind: u8, fields: &mut Fields<'_>) -> bool {
    let read = match kind {
        b'B' => bind(fields),
        b'P' => fields
            .text()
            .and_then(|()| fields.text())
            .and_then(|()| fields.list(4)),
        b'D' | b'C' => fields.skip(1).and_then(|()| fields.text()),
        b'E' => fields.text().and_then(|()| fields.skip(4)),
        b'Q' | b'p' | b'f' => fields.text(),
        b'H' | b'S' | b'X' | b'c' => Some(()),
        _ => return true,
    };
    read.is_some() && fields.0.is_empty()
}

/// Names of a portal and a statement, formats, values with their lengths, formats.
fn bind(fields: &mut Fields<'_>) -> Option<()> {
    fields.text()?;
    fields.text()?;
    fields.list(2)?;
    for _ in 0..fields.count()? {
        let length = i32::from_be_bytes(fields.take::<4>()?);
        match usize::try_from(length) {
            Ok(length) => fields.skip(length)?,
            Err(_) if length == -1 => {}
            Err(_) => return None,
        }
    }
    fields.list(2)
}

/// What is left of a body.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }

    /// A text up to its zero.
    fn text(&mut self) -> Option<()> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        self.skip(end + 1)
    }

    fn count(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    /// A number of elements, and these.
    fn list(&mut self, bytes_each: usize) -> Option<()> {
        let count = usize::from(self.count()?);
        self.skip(count * bytes_each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32 + 4).to_be_bytes();
        [&[kind][..], &length, body].concat()
    }

    fn startup(body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32 + 8).to_be_bytes();
        [&length[..], &[0, 3, 0, 0], body].concat()
    }

    fn after_startup(bytes: &[u8]) -> NextMessage {
        let mut check = MessageCheck { begun: true };
        check.next(bytes)
    }

    #[test]
    fn a_client_s_messages_are_taken_one_by_one_and_a_part_of_one_is_waited_for() {
        let (first, second) = (startup(b"user\0u\0\0"), message(b'Q', b"select 1\0"));
        let all = [&first[..], &second].concat();
        for length in 0..all.len() {
            let mut check = MessageCheck::default();
            let part = &all[..length];
            if length < first.len() {
                assert_eq!(check.next(part), NextMessage::Partial, "{length}");
            } else {
                assert_eq!(check.next(part), NextMessage::Whole(first.len()), "{length}");
                assert_eq!(check.next(&part[first.len()..]), NextMessage::Partial, "{length}");
            }
        }
        let mut check = MessageCheck::default();
        assert_eq!(check.next(&all), NextMessage::Whole(first.len()));
        assert_eq!(check.next(&all[first.len()..]), NextMessage::Whole(second.len()));
    }

    #[test]
    fn tls_may_be_asked_for_before_the_beginning() {
        let mut check = MessageCheck::default();
        let ssl = [&8_u32.to_be_bytes()[..], &SSL.to_be_bytes()].concat();
        assert_eq!(check.next(&ssl), NextMessage::Whole(8));
        let startup = startup(b"\0");
        assert_eq!(check.next(&startup), NextMessage::Whole(startup.len()));
    }

    #[test]
    fn who_wants_more_rows_than_there_can_be_gets_all_and_no_room_is_made_for_more() {
        let (most, more) = (MOST_ROWS as i32, MOST_ROWS as i32 + 1);
        for (wanted, bound) in [
            (0, 0),
            (1, 1),
            (most, most),
            (more, 0),
            (i32::MAX, 0),
            (-1, 0),
            (i32::MIN, 0),
        ] {
            let execute = |rows: i32| message(b'E', &[&b"portal\0"[..], &rows.to_be_bytes()].concat());
            let mut given = execute(wanted);
            bound_rows(&mut given);
            assert_eq!(given, execute(bound), "{wanted}");
        }
        let query = message(b'Q', b"select 'zzzz\0");
        let mut given = query.clone();
        bound_rows(&mut given);
        assert_eq!(given, query);
    }

    #[test]
    fn what_does_not_hold_what_it_says_is_no_message() {
        let bind = |parameter: i32, value: &[u8]| {
            let head = [&b"\0s\0"[..], &[0, 1, 0, 1], &[0, 1], &parameter.to_be_bytes()].concat();
            message(b'B', &[&head[..], value, &[0, 1, 0, 1]].concat())
        };
        for whole in [bind(2, b"42"), bind(0, b""), bind(-1, b"")] {
            assert_eq!(after_startup(&whole), NextMessage::Whole(whole.len()));
        }
        for (what, bytes) in [
            ("a longer value than there is", bind(21_233_664, b"42")),
            ("a negative length", bind(-2, b"")),
            ("a byte more than the value", bind(1, b"42")),
            ("a statement without its end", message(b'Q', b"select 1")),
            (
                "more types than there are",
                message(b'P', b"\0select 1\0\0\x02\0\0\0\x17"),
            ),
            ("nothing to describe", message(b'D', b"")),
            ("half a number of rows", message(b'E', b"\0\0\0")),
            ("a sync that says something", message(b'S', b"x")),
            ("a length that is none", vec![b'Q', 0, 0, 0, 3]),
            ("a length beyond any statement", vec![b'Q', 0x7f, 0, 0, 0]),
        ] {
            assert_eq!(after_startup(&bytes), NextMessage::Malformed, "{what}");
        }
        for (what, bytes) in [
            ("a name without a value", startup(b"user\0")),
            ("no end", startup(b"")),
            ("a length that is none", vec![0, 0, 0, 7]),
            ("the beginning of a web page", b"GET / HTTP/1.1\r\n".to_vec()),
        ] {
            assert_eq!(
                MessageCheck::default().next(&bytes),
                NextMessage::Malformed,
                "{what}"
            );
        }
    }
}
