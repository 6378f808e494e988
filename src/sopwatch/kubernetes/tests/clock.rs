//! A clock that stands still while anybody has work, and jumps to the next moment somebody waits for when nobody has.
//!
//! It is that of the thread that [`run`]s a test; on all other threads time is tokio's.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::{Either, select};
use tokio::time::Instant;

struct Clock {
    now: Instant,
    /// Who waits for which moment.
    waiting: BTreeMap<(Instant, u64), Waker>,
    numbers: u64,
}

thread_local! {
    static CLOCK: RefCell<Option<Clock>> = const { RefCell::new(None) };
}

/// Runs a test on its own clock.
pub(super) fn run(test: impl Future<Output = ()>) {
    let clock = Clock {
        now: Instant::now(),
        waiting: BTreeMap::new(),
        numbers: 0,
    };
    CLOCK.set(Some(clock));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_park(jump)
        .build()
        .unwrap();
    runtime.block_on(test);
    drop(runtime);
    CLOCK.set(None);
}

/// Nobody has work: goes to the next moment that somebody waits for.
fn jump() {
    let wakers = CLOCK.with_borrow_mut(|clock| {
        let clock = clock.as_mut()?;
        let ((next, _), _) = clock.waiting.first_key_value()?;
        clock.now = *next;
        let later = clock.waiting.split_off(&(clock.now, u64::MAX));
        Some(std::mem::replace(&mut clock.waiting, later))
    });
    wakers.into_iter().flatten().for_each(|(_, waker)| waker.wake());
}

pub(in crate::kubernetes) fn now() -> Instant {
    CLOCK
        .with_borrow(|clock| clock.as_ref().map(|clock| clock.now))
        .unwrap_or_else(Instant::now)
}

pub(in crate::kubernetes) enum Sleep {
    OfTest { until: Instant, number: Option<u64> },
    OfTokio(Pin<Box<tokio::time::Sleep>>),
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut *self {
            Self::OfTokio(sleep) => sleep.as_mut().poll(context),
            Self::OfTest { until, .. } if now() >= *until => Poll::Ready(()),
            Self::OfTest { until, number } => {
                CLOCK.with_borrow_mut(|clock| {
                    let clock = clock.as_mut().unwrap();
                    clock.numbers += 1;
                    let number = *number.get_or_insert(clock.numbers);
                    clock.waiting.insert((*until, number), context.waker().clone());
                });
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Self::OfTest {
            until,
            number: Some(number),
        } = self
        {
            CLOCK.with_borrow_mut(|clock| {
                clock
                    .as_mut()
                    .map(|clock| clock.waiting.remove(&(*until, *number)))
            });
        }
    }
}

pub(in crate::kubernetes) fn sleep_until(until: Instant) -> Sleep {
    if CLOCK.with_borrow(Option::is_some) {
        Sleep::OfTest { until, number: None }
    } else {
        Sleep::OfTokio(Box::pin(tokio::time::sleep_until(until)))
    }
}

pub(in crate::kubernetes) fn sleep(span: Duration) -> Sleep {
    sleep_until(now() + span)
}

/// It took too long.
#[derive(Debug)]
pub(in crate::kubernetes) struct Elapsed;

pub(in crate::kubernetes) async fn timeout_at<F: Future>(
    until: Instant,
    future: F,
) -> Result<F::Output, Elapsed> {
    match select(pin!(future), sleep_until(until)).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(_) => Err(Elapsed),
    }
}

pub(in crate::kubernetes) async fn timeout<F: Future>(
    span: Duration,
    future: F,
) -> Result<F::Output, Elapsed> {
    timeout_at(now() + span, future).await
}
