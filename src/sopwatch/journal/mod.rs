//! The record on disk: one file an incident, only ever added to, each line chained to the one before by a hash.
//!
//! A [`Journal`] is how the console writes: it never waits for the disk, except with an intent, which must be on disk before what it
//! says is done.

#![warn(missing_docs)]

mod chain;
pub mod index;
mod lock;
pub mod reader;
#[cfg(any(test, feature = "testkit"))]
pub mod testkit;
#[cfg(test)]
mod tests;
mod writer;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

pub use self::lock::is_in_use;
pub use self::writer::{NewRecord, OpenMode, OpenedRecord, RecordHandle, WriteState, open};
use sopwatch_core::record::Line;
use sopwatch_core::text::SafeText;

/// Requests that may wait for the disk: more are counted and left out.
const WAITING: usize = 1024;

/// A request to the writer.
#[derive(Debug)]
pub enum WriteRequest {
    /// To be written, in this order.
    Write(Vec<Line>),
    /// To be written, and synced to disk before it is answered.
    Commit(Line, oneshot::Sender<Result<(), SafeText>>),
    /// To be answered when all before it was written.
    Flush(oneshot::Sender<()>),
    /// To be written into the next line: that so many lines found no room.
    Lost(u64),
}

/// The console's end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    sender: mpsc::Sender<WriteRequest>,
    lost: u64,
}

impl Journal {
    /// A journal, and where its writer takes what is asked.
    pub fn new() -> (Self, mpsc::Receiver<WriteRequest>) {
        let (sender, requests) = mpsc::channel(WAITING);
        (Self { sender, lost: 0 }, requests)
    }

    /// Writes lines as soon as the disk takes them. Where too many wait for it, they are left out and counted.
    pub fn write(&mut self, lines: Vec<Line>) {
        if lines.is_empty() {
            return;
        }
        if self.lost > 0 && self.sender.try_send(WriteRequest::Lost(self.lost)).is_ok() {
            self.lost = 0;
        }
        // A writer that is gone has said why.
        if let Err(TrySendError::Full(WriteRequest::Write(lines))) =
            self.sender.try_send(WriteRequest::Write(lines))
        {
            self.lost += lines.len() as u64;
        }
    }

    /// Counts lines that were lost before they came here: the next line says how many.
    pub fn lose(&mut self, lines: u64) {
        self.lost += lines;
    }

    /// Waits until all that was asked for is written, as far as it can be.
    pub async fn flush(&self) {
        let (answer, written) = oneshot::channel();
        if self.sender.send(WriteRequest::Flush(answer)).await.is_ok() {
            // A writer that is gone has nothing to write any more.
            let _ = written.await;
        }
    }

    /// Writes a line and waits until it is on disk.
    ///
    /// # Errors
    /// Says why it is not.
    pub async fn commit(&self, line: Line) -> Result<(), SafeText> {
        let gone = || SafeText::new("the record is not being written");
        let (answer, written) = oneshot::channel();
        let request = WriteRequest::Commit(line, answer);
        self.sender.send(request).await.map_err(|_gone| gone())?;
        written.await.map_err(|_gone| gone())?
    }
}
