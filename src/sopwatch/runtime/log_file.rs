//! The guard of the log file: it keeps out secrets, whatever `RUST_LOG` says, and control sequences.

use std::io::{self, Write};

use tracing::{Level, Metadata};

use sopwatch_core::text::Redacted;

/// Whether an event may be written at all. Of what libraries say at lower levels nobody knows what it holds: headers, statements,
/// handshakes.
pub fn may_be_written(metadata: &Metadata<'_>) -> bool {
    let ours = metadata.target().split("::").next() == Some(env!("CARGO_PKG_NAME"));
    ours || *metadata.level() <= Level::WARN
}

/// A writer of whole records that takes secrets and control characters out of them.
#[derive(Debug)]
pub struct Guarded<W>(W);

impl<W: Write> Guarded<W> {
    /// Guards a writer.
    pub fn new(writer: W) -> Self {
        Self(writer)
    }
}

impl<W: Write> Write for Guarded<W> {
    /// Takes one record whole, as the subscriber gives it.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let safe = Redacted::from(String::from_utf8_lossy(record));
        self.0.write_all(safe.as_bytes())?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_secret_nor_a_control_sequence_is_written() {
        let mut file = Guarded::new(Vec::new());
        let record = "WARN kube: \u{1b}]0;owned\u{7} Authorization: Bearer abc.def\n";
        file.write_all(record.as_bytes()).unwrap();
        let written = String::from_utf8(file.0).unwrap();
        assert_eq!(
            written,
            "WARN kube: ␛]0;owned␇ Authorization: Bearer ⟨redacted⟩\n"
        );
    }
}
