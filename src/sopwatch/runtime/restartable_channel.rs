//! A bounded channel that gets a new receiver when the task that held the old one is restarted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

/// The sending end.
#[derive(Debug)]
pub struct RestartableChannel<T> {
    ends: Arc<Mutex<Ends<T>>>,
    capacity: usize,
}

#[derive(Debug)]
struct Ends<T> {
    sender: mpsc::Sender<T>,
    /// The receiver that the first listener takes: what is sent before it comes waits for it.
    first: Option<mpsc::Receiver<T>>,
}

impl<T> Clone for RestartableChannel<T> {
    fn clone(&self) -> Self {
        Self {
            ends: self.ends.clone(),
            capacity: self.capacity,
        }
    }
}

impl<T> RestartableChannel<T> {
    /// A line on which somebody will listen.
    pub fn new(capacity: usize) -> Self {
        let (sender, receiver) = mpsc::channel(capacity);
        let ends = Ends {
            sender,
            first: Some(receiver),
        };
        Self {
            ends: Arc::new(Mutex::new(ends)),
            capacity,
        }
    }

    /// Nobody will listen: senders are told so.
    pub fn hang_up(&self) {
        self.ends().first = None;
    }

    /// From now on this receiver gets what is sent.
    pub fn listen(&self) -> mpsc::Receiver<T> {
        let mut ends = self.ends();
        if let Some(first) = ends.first.take() {
            return first;
        }
        let (sender, receiver) = mpsc::channel(self.capacity);
        ends.sender = sender;
        receiver
    }

    /// The sender to whoever listens now.
    pub fn sender(&self) -> mpsc::Sender<T> {
        self.ends().sender.clone()
    }

    fn ends(&self) -> MutexGuard<'_, Ends<T>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_before_somebody_listens_is_not_lost() {
        let channel = RestartableChannel::new(2);
        channel.sender().send("early").await.unwrap();
        let mut first = channel.listen();
        assert_eq!(first.recv().await, Some("early"));
        // the task that listened is started again
        drop(first);
        assert!(channel.sender().try_send("nobody").is_err());
        let mut second = channel.listen();
        channel.sender().send("late").await.unwrap();
        assert_eq!(second.recv().await, Some("late"));
    }

    #[test]
    fn a_line_that_was_hung_up_takes_nothing() {
        let channel = RestartableChannel::new(1);
        channel.hang_up();
        assert!(channel.sender().try_send(1).is_err());
    }
}
