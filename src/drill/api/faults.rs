//! The server's misbehaviour while it lasts, and how requests and streams meet it.

use std::io;
use std::time::Duration;

use tokio::sync::watch;

use super::status::Refusal;
use crate::drill::faults::ApiFault;

/// How often each passing fault was played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Played {
    resets: u64,
    expiries: u64,
    log_cuts: u64,
}

/// The faults of one server.
#[derive(Debug)]
pub struct Faults {
    lasting: watch::Sender<Option<ApiFault>>,
    played: watch::Sender<Played>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            lasting: watch::Sender::new(None),
            played: watch::Sender::new(Played::default()),
        }
    }
}

impl Faults {
    /// Begins a lasting fault in place of the one before, plays a passing one, or heals.
    pub fn set(&self, fault: Option<ApiFault>) {
        match &fault {
            Some(ApiFault::ResetStreams) => self.played.send_modify(|played| played.resets += 1),
            Some(ApiFault::ExpireWatches) => self.played.send_modify(|played| played.expiries += 1),
            Some(ApiFault::CutLogs) => self.played.send_modify(|played| played.log_cuts += 1),
            _ => {
                self.lasting.send_replace(fault);
            }
        }
    }

    /// The lasting fault now.
    pub fn lasting(&self) -> Option<ApiFault> {
        self.lasting.borrow().clone()
    }

    /// Tells when the lasting fault changes.
    pub fn subscribe(&self) -> watch::Receiver<Option<ApiFault>> {
        self.lasting.subscribe()
    }

    /// What a request meets before it is looked at.
    pub async fn meet(&self) -> Result<(), Refusal> {
        let mut lasting = self.lasting.subscribe();
        loop {
            let now = lasting.borrow_and_update().clone();
            match now {
                Some(ApiFault::Freeze | ApiFault::Refuse) => {
                    if lasting.changed().await.is_err() {
                        return Ok(());
                    }
                }
                Some(ApiFault::Unauthorized) => return Err(Refusal::unauthorized()),
                Some(ApiFault::Answer(code)) => return Err(Refusal::ailing(code)),
                Some(ApiFault::Latency(millis)) => {
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    /// The faults as an open stream meets them.
    pub fn stream(&self, is_log: bool) -> StreamFaults {
        let mut played = self.played.subscribe();
        let seen = *played.borrow_and_update();
        StreamFaults {
            lasting: self.lasting.subscribe(),
            played,
            seen,
            is_log,
        }
    }
}

/// What ends a stream before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The connection breaks.
    Cut,
    /// A watch is told 410.
    Expired,
}

impl Interruption {
    /// The error that breaks the transfer.
    pub fn error() -> io::Error {
        io::Error::new(io::ErrorKind::ConnectionReset, "the connection was cut")
    }
}

/// A stream's view of the faults.
pub struct StreamFaults {
    lasting: watch::Receiver<Option<ApiFault>>,
    played: watch::Receiver<Played>,
    seen: Played,
    is_log: bool,
}

impl StreamFaults {
    /// Returns at once when nothing is wrong, waits while the server is frozen, and says when the stream must end.
    pub async fn pass(&mut self) -> Result<(), Interruption> {
        loop {
            let played = *self.played.borrow_and_update();
            if played.resets != self.seen.resets || (self.is_log && played.log_cuts != self.seen.log_cuts) {
                return Err(Interruption::Cut);
            }
            if !self.is_log && played.expiries != self.seen.expiries {
                return Err(Interruption::Expired);
            }
            let lasting = self.lasting.borrow_and_update().clone();
            match lasting {
                Some(ApiFault::Refuse) => return Err(Interruption::Cut),
                Some(ApiFault::Freeze) => self.changed().await,
                _ => return Ok(()),
            }
        }
    }

    /// Waits until any fault begins, ends or is played.
    pub async fn changed(&mut self) {
        tokio::select! {
            _ = self.lasting.changed() => {}
            _ = self.played.changed() => {}
        }
    }
}
