//! A bounded channel whose receiving end is opened anew when the task that held it is started again.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

/// The sending end.
#[derive(Debug)]
pub struct Line<T> {
    sender: Arc<Mutex<mpsc::Sender<T>>>,
    capacity: usize,
}

impl<T> Clone for Line<T> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            capacity: self.capacity,
        }
    }
}

impl<T> Line<T> {
    /// A line that nobody listens on yet.
    pub fn new(capacity: usize) -> Self {
        let (sender, _) = mpsc::channel(capacity);
        Self {
            sender: Arc::new(Mutex::new(sender)),
            capacity,
        }
    }

    /// From now on this receiver gets what is sent.
    pub fn listen(&self) -> mpsc::Receiver<T> {
        let (sender, receiver) = mpsc::channel(self.capacity);
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = sender;
        receiver
    }

    /// The sender to whoever listens now.
    pub fn sender(&self) -> mpsc::Sender<T> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
