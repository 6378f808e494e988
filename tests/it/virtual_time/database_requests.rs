//! What the console may ask of the database's adapter while it polls.

use std::time::Duration;

use sopwatch::config::profiles;
use sopwatch::postgres::{self, DatabaseOptions, PollRequest, UrlOrigin};
use sopwatch_console::app::event::Event;
use sopwatch_core::observe::observation::{Observation, Reading};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::virtual_console::drill;
use crate::support::virtual_time;

async fn reading(events: &mut mpsc::Receiver<Event>) -> Reading {
    loop {
        if let Event::Observation(Observation::Database(reading)) = events.recv().await.unwrap() {
            return reading;
        }
    }
}

#[test]
fn keys_bring_a_poll_each_second_and_no_more() {
    virtual_time::run(|breath| async move {
        let (drill, _folder) = drill(sopwatch_drill::scenario("all-well").unwrap(), 1, &breath).await;
        let profile = profiles::built_in("managed-services-api").unwrap().unwrap();
        let options = DatabaseOptions {
            url: Some((drill.socket_url().unwrap().into(), UrlOrigin::CommandLine)),
            poll: Duration::from_hours(1),
            ..DatabaseOptions::default()
        };
        let (sender, mut events) = mpsc::channel(64);
        let (requests, asked) = mpsc::channel(16);
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        let adapter = tokio::spawn(async move {
            let database = profile.database.clone().unwrap();
            postgres::run(options, database, &profile.leaders, None, asked, sender, token).await;
        });
        reading(&mut events).await;
        let began = Instant::now();
        let hammer = tokio::spawn(async move {
            while requests.send(PollRequest::Refresh).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        for polls in 1..=5 {
            reading(&mut events).await;
            assert_eq!(began.elapsed(), Duration::from_secs(polls));
        }
        hammer.abort();
        cancel.cancel();
        adapter.await.unwrap();
    });
}
