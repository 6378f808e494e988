//! A streaming standby is not taken for the primary.

use jiff::Timestamp;

use super::console::{Console, options, secret_of};
use super::postgres::Postgres;
use sopwatch_core::observe::observation::{Observation, Reading, Standby};
use sopwatch_core::observe::source::SourceId;
use sopwatch_core::observe::state::State;

/// Whether leases and ages of this reading may be judged.
fn counts(reading: &Reading) -> bool {
    let now = Timestamp::UNIX_EPOCH;
    let mut state = State::default();
    state.apply(Observation::Database(reading.clone()), now);
    state.is_fresh(&SourceId::Database, now)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_replays_at_once_counts_and_is_named() {
    let Some(primary) = Postgres::start() else { return };
    let standby = primary.standby("0");
    let mut console = Console::start(options(), Some(&secret_of(&standby)));
    let caught_up = |reading: &Reading| reading.standby == Some(Standby { behind_s: Some(0) });
    let reading = console
        .reading_where("a standby that is up to date", caught_up)
        .await;
    assert!(counts(&reading));
    assert_eq!(reading.leases.as_ref().map(Vec::len), Ok(2));
    // its own master now, the next poll says so
    standby.promote();
    let promoted = console
        .reading_where("a primary", |reading| reading.standby.is_none())
        .await;
    assert!(counts(&promoted));
    console.stop().await;

    let mut console = Console::start(options(), Some(&secret_of(&primary)));
    assert_eq!(console.reading().await.standby, None);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_applies_late_shows_an_expired_lease_and_proves_nothing_by_it() {
    let Some(primary) = Postgres::start() else { return };
    primary
        .execute("update leader_leases set expires = now() - interval '11 minutes' where deleted_at is null");
    let standby = primary.standby("15min");
    primary
        .execute("update leader_leases set expires = now() + interval '3 minutes' where deleted_at is null");
    let behind = "select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()";
    let mut tries = 0;
    while standby.execute(behind).trim() != "t" {
        tries += 1;
        assert!(tries < 3_000, "the standby receives nothing");
    }
    let mut console = Console::start(options(), Some(&secret_of(&standby)));
    let reading = console.reading().await;
    let leases = reading.leases.as_ref().unwrap();
    assert!(leases.iter().all(|lease| lease.ttl_s < -600), "{leases:?}");
    assert!(!counts(&reading), "{:?}", reading.standby);
    console.stop().await;
}
