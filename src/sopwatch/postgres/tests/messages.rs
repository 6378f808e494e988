//! How many messages a poll takes: over a slow connection each is a wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::console::{Console, options, secret_of};
use super::postgres::Postgres;
use crate::postgres::{DatabaseOptions, PollRequest};

/// Passes one connection on to a server and counts what the client sends, each piece that was written at once.
struct CountingRelay {
    port: u16,
    sent: Arc<AtomicUsize>,
}

impl CountingRelay {
    async fn start(server: &Postgres) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, to) = (listener.local_addr().unwrap().port(), server.port());
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        tokio::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            let mut piece = vec![0; 65_536];
            while let Ok(length @ 1..) = from_client.read(&mut piece).await {
                counted.fetch_add(1, Ordering::SeqCst);
                to_server.write_all(&piece[..length]).await.unwrap();
            }
        });
        Self { port, sent }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_takes_one_message_a_statement() {
    let Some(server) = Postgres::start() else { return };
    let relay = CountingRelay::start(&server).await;
    let seldom = DatabaseOptions {
        poll: Duration::from_hours(1),
        port: Some(relay.port),
        ..options()
    };
    let mut console = Console::start(seldom, Some(&secret_of(&server)));
    console.reading().await;
    let before = relay.sent.load(Ordering::SeqCst);
    console.requests.send(PollRequest::Refresh).await.unwrap();
    let reading = console.reading().await;
    // The role; the counts and the rows on their way of either table; the rows that failed; the leases.
    assert_eq!(relay.sent.load(Ordering::SeqCst) - before, 7, "{reading:?}");
    console.stop().await;
}
