//! A runtime in which waiting is free: its time stands still while anything runs, and jumps to the next timer when all wait.
//!
//! Tokio's own paused clock jumps whenever no task is ready, also when a message lies in a socket that the driver was not asked about yet:
//! a client of the drill's database would see seconds pass between its question and the answer. Here the driver is asked again and again
//! until nothing comes, and only then time passes. That suffices for Unix sockets, whose messages arrive within the write.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Waker;

use tokio::runtime::Builder;

/// So often in a row the driver must have nothing before time passes: a message on its way makes two tasks ready, one at each end.
const QUIET: u32 = 3;

/// What holds the time.
#[derive(Default)]
pub struct Breath {
    main: Mutex<Option<Waker>>,
    heard: OnceLock<Arc<AtomicU64>>,
    state: Mutex<(u64, u32)>,
}

impl Breath {
    /// Time does not pass while this counter goes on.
    pub fn listen(&self, heard: Arc<AtomicU64>) {
        let _ = self.heard.set(heard);
    }

    /// Called when no task is ready. Waking the main task makes the driver look for messages without letting time pass.
    fn before_rest(&self) {
        let heard = self.heard.get().map_or(0, |heard| heard.load(Ordering::Relaxed));
        let mut state = self.state.lock().unwrap();
        if state.0 != heard {
            *state = (heard, 0);
        }
        state.1 = (state.1 + 1) % (QUIET + 1);
        if state.1 != 0
            && let Some(main) = self.main.lock().unwrap().as_ref()
        {
            main.wake_by_ref();
        }
    }
}

/// Runs a test in virtual time.
pub fn run<F: Future>(test: impl FnOnce(Arc<Breath>) -> F) -> F::Output {
    let breath = Arc::new(Breath::default());
    let at_rest = breath.clone();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .on_thread_park(move || at_rest.before_rest())
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut test = pin!(test(breath.clone()));
        poll_fn(|context| {
            *breath.main.lock().unwrap() = Some(context.waker().clone());
            test.as_mut().poll(context)
        })
        .await
    })
}
