//! What is typed and how the terminal changes, read by a task of its own.
//!
//! Asking crossterm whether there is something takes the lock that its reading thread holds: with a hundred logs that was a tenth of the
//! console's CPU time, as the loop asked each time that anything else happened.

use std::io;

use crossterm::event::{Event, EventStream};
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Events that are read ahead; more wait in the terminal.
const AHEAD: usize = 256;

/// The terminal's events.
#[derive(Debug)]
pub struct Input {
    events: mpsc::Receiver<io::Result<Event>>,
    /// Why the terminal can't be read, seen while nobody waited.
    failed: Option<io::Error>,
    reader: JoinHandle<()>,
}

impl Input {
    /// Begins to read the terminal.
    pub fn open() -> Self {
        Self::of(EventStream::new())
    }

    fn of(mut stream: impl Stream<Item = io::Result<Event>> + Send + Unpin + 'static) -> Self {
        let (sender, events) = mpsc::channel(AHEAD);
        let reader = tokio::spawn(async move {
            while let Some(event) = stream.next().await {
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        });
        Self {
            events,
            failed: None,
            reader,
        }
    }

    /// Waits for the next event; `None` when the terminal has no more.
    pub async fn next(&mut self) -> Option<io::Result<Event>> {
        match self.failed.take() {
            Some(why) => Some(Err(why)),
            None => self.events.recv().await,
        }
    }

    /// The next event if one waits. A terminal that can't be read is for [`Self::next`] to say.
    pub fn waiting(&mut self) -> Option<Event> {
        match self.events.try_recv().ok()? {
            Ok(event) => Some(event),
            Err(why) => {
                self.failed = Some(why);
                None
            }
        }
    }

    /// Ends the reading: afterwards what is typed is for another program. What was read ahead is lost.
    pub async fn close(self) {
        self.reader.abort();
        // An error says that it was ended, which was asked for.
        let _ended = self.reader.await;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    /// Keys from elsewhere. As with crossterm's stream, only the first task that asks is woken.
    #[derive(Clone, Default)]
    struct Keys(Arc<Mutex<(VecDeque<char>, Option<Waker>)>>);

    impl Keys {
        fn typed(&self, key: char) {
            let mut inside = self.0.lock().unwrap();
            inside.0.push_back(key);
            if let Some(waker) = inside.1.take() {
                waker.wake();
            }
        }
    }

    impl Stream for Keys {
        type Item = io::Result<Event>;

        fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Event>>> {
            let mut inside = self.0.lock().unwrap();
            if let Some(key) = inside.0.pop_front() {
                return Poll::Ready(Some(Ok(Event::Paste(key.into()))));
            }
            inside.1.get_or_insert_with(|| context.waker().clone());
            Poll::Pending
        }
    }

    fn text(event: Option<io::Result<Event>>) -> Option<String> {
        match event?.unwrap() {
            Event::Paste(text) => Some(text),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_wakes_the_loop_after_it_looked_whether_one_waits() {
        let keys = Keys::default();
        let mut input = Input::of(keys.clone());
        keys.typed('a');
        assert_eq!(text(input.next().await).as_deref(), Some("a"));
        assert_eq!(input.waiting(), None);
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            keys.typed('b');
        });
        let before = Instant::now();
        let key = tokio::time::timeout(Duration::from_secs(1), input.next()).await;
        assert_eq!(text(key.unwrap()).as_deref(), Some("b"));
        assert_eq!(before.elapsed(), Duration::ZERO, "no tick was waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn a_terminal_that_cannot_be_read_is_said_to_who_waits() {
        let events = [Ok(Event::FocusGained), Err(io::Error::other("gone"))];
        let mut input = Input::of(futures::stream::iter(events));
        tokio::task::yield_now().await;
        assert_eq!(input.waiting(), Some(Event::FocusGained));
        assert_eq!(input.waiting(), None);
        assert_eq!(input.next().await.unwrap().unwrap_err().to_string(), "gone");
        assert!(input.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_typed_after_the_end_is_left_to_others() {
        let keys = Keys::default();
        let mut input = Input::of(keys.clone());
        keys.typed('a');
        assert_eq!(text(input.next().await).as_deref(), Some("a"));
        input.close().await;
        keys.typed('b');
        tokio::task::yield_now().await;
        assert_eq!(keys.0.lock().unwrap().0, ['b']);
        assert_eq!(Arc::strong_count(&keys.0), 1, "the reader is gone");
    }
}
