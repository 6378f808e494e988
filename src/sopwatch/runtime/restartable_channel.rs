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
    /// The receiver for the first listener: what is sent before somebody listens waits in it.
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
    /// A channel to which somebody will listen.
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

    /// Closes the channel: nobody will listen, and sending fails.
    pub fn close(&self) {
        self.ends().first = None;
    }

    /// A receiver for everything that is sent from now on.
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
        // the task that listened is restarted
        drop(first);
        assert!(channel.sender().try_send("nobody").is_err());
        let mut second = channel.listen();
        channel.sender().send("late").await.unwrap();
        assert_eq!(second.recv().await, Some("late"));
    }

    #[test]
    fn a_channel_that_was_closed_takes_nothing() {
        let channel = RestartableChannel::new(1);
        channel.close();
        assert!(channel.sender().try_send(1).is_err());
    }
}
