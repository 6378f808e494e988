//! The signals that end the console from outside: SIGTERM, SIGINT, SIGHUP, and a terminal that is gone.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::terminal;

/// How long the loop has to end by itself: it may be blocked in a write to a terminal that takes nothing.
const GRACE: Duration = Duration::from_secs(2);

/// Why the console must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Signal number; the exit status is 128 more, as shells have it.
    pub signal: u8,
}

/// Until when an interrupt is the pager's; the terminal sends ctrl-c to it and to us.
static PAGERS: Mutex<Option<Until>> = Mutex::new(None);

#[derive(Clone, Copy, Debug)]
enum Until {
    PagerEnds,
    Moment(Instant),
}

/// How much later than the end of the pager an interrupt that ended it may reach us.
const LATE: Duration = Duration::from_millis(500);

/// How long giving the terminal back may take after that.
const FAREWELL: Duration = Duration::from_millis(300);

/// As if the terminal had sent it: it is gone.
pub(super) const SIGHUP: u8 = 1;
const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;

/// Watches for the end; the receiver changes once, to `Some`. When the loop does not end in time, the process does. With `terminal`,
/// standard input is one, and its loss is an end too.
pub fn watch_for_end(terminal: bool) -> io::Result<watch::Receiver<Option<Ended>>> {
    let (sender, receiver) = watch::channel(None);
    for (kind, number) in [
        (SignalKind::hangup(), SIGHUP),
        (SignalKind::interrupt(), SIGINT),
        (SignalKind::terminate(), SIGTERM),
    ] {
        let mut stream = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if number != SIGINT || !is_the_pagers() {
                    return end(&sender, number);
                }
            }
        });
    }
    if terminal {
        watch_terminal(sender);
    }
    Ok(receiver)
}

/// From now on a pager has the terminal.
pub(super) fn pager_began() {
    set_pagers(Until::PagerEnds);
}

/// The pager has ended. From when the terminal is raw again it sends no interrupt, but one may be on its way.
pub(super) fn pager_ended() {
    set_pagers(Until::Moment(Instant::now() + LATE));
}

fn set_pagers(until: Until) {
    *PAGERS.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
}

/// Whether an interrupt that came now is meant for the pager.
fn is_the_pagers() -> bool {
    match *PAGERS.lock().unwrap_or_else(PoisonError::into_inner) {
        None => false,
        Some(Until::PagerEnds) => true,
        Some(Until::Moment(moment)) => Instant::now() < moment,
    }
}

/// Waits until the console must end.
pub async fn ended(end: &mut watch::Receiver<Option<Ended>>) -> Ended {
    match end.wait_for(Option::is_some).await.map(|ended| *ended) {
        Ok(Some(ended)) => ended,
        // The watchers live as long as the process; without them nothing ends it from outside.
        Ok(None) | Err(_) => std::future::pending().await,
    }
}

fn end(sender: &watch::Sender<Option<Ended>>, signal: u8) {
    tracing::info!(signal, "ending on a signal");
    sender.send_replace(Some(Ended { signal }));
    thread::spawn(move || {
        thread::sleep(GRACE);
        // The loop may hold the lock of the output while it waits for the terminal: what is tried here must not hold up the end.
        terminal::end_raw_mode();
        thread::spawn(terminal::leave);
        thread::sleep(FAREWELL);
        std::process::exit(128 + i32::from(signal));
    });
}

/// A terminal that hangs up without SIGHUP reaching us (it may be ignored) shows as POLLHUP; reading it would spin.
fn watch_terminal(sender: watch::Sender<Option<Ended>>) {
    thread::spawn(move || {
        loop {
            match hangs_up(None) {
                Ok(true) => return end(&sender, SIGHUP),
                Ok(false) => thread::sleep(Duration::from_secs(1)),
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    });
}

/// Whether standard input was a terminal that is no more.
pub(super) fn terminal_is_gone() -> bool {
    hangs_up(Some(&Timespec::default())).is_ok_and(|gone| gone)
}

/// Whether the terminal hung up; waits for it.
fn hangs_up(longest: Option<&Timespec>) -> rustix::io::Result<bool> {
    let stdin = io::stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::empty())];
    poll(&mut watched, longest)?;
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    Ok(watched[0].revents().intersects(gone))
}
