//! The protocol by its bytes, where neither sqlx nor psql goes.

use bytes::{BufMut, BytesMut};
use pgwire::api::auth::md5pass::hash_md5_password;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::server::{PASSWORD, TestServer, server};
use crate::database::*;
use crate::patience::Deadline;

/// A message of the server: its kind and its body.
type Message = (char, Vec<u8>);

/// A client that speaks bytes.
struct RawClient {
    stream: UnixStream,
    /// What a cancel request names: process and secret.
    key: Vec<u8>,
}

impl RawClient {
    async fn open(world: &TestServer) -> Self {
        let stream = UnixStream::connect(world.socket().unwrap()).await.unwrap();
        let mut raw = Self {
            stream,
            key: Vec::new(),
        };
        let mut startup = BytesMut::new();
        startup.put_i32(196_608);
        startup.put_slice(b"user\0managed_services_ro\0database\0managed-services-api\0\0");
        raw.send(None, &startup).await;
        let (_, request) = raw.next().await;
        let salt = &request[4..];
        let hash = hash_md5_password("managed_services_ro", PASSWORD, salt);
        raw.send(Some(b'p'), format!("{hash}\0").as_bytes()).await;
        for (kind, body) in raw.answer().await {
            if kind == 'K' {
                raw.key = body;
            }
        }
        raw
    }

    async fn send(&mut self, kind: Option<u8>, body: &[u8]) {
        let mut message = BytesMut::new();
        message.extend(kind);
        message.put_i32(i32::try_from(body.len()).unwrap() + 4);
        message.put_slice(body);
        self.stream.write_all(&message).await.unwrap();
    }

    async fn next(&mut self) -> Message {
        let kind = self.stream.read_u8().await.unwrap();
        let length = usize::try_from(self.stream.read_i32().await.unwrap()).unwrap();
        let mut body = vec![0; length - 4];
        self.stream.read_exact(&mut body).await.unwrap();
        (kind.into(), body)
    }

    /// Everything up to the next "ready".
    async fn answer(&mut self) -> Vec<Message> {
        let mut messages = Vec::new();
        let deadline = Deadline::until("the server is ready for the next query");
        loop {
            deadline.check();
            let message = self.next().await;
            let ready = message.0 == 'Z';
            messages.push(message);
            if ready {
                return messages;
            }
        }
    }

    async fn query(&mut self, sql: &str) -> Vec<Message> {
        self.send(Some(b'Q'), format!("{sql}\0").as_bytes()).await;
        self.answer().await
    }
}

/// The answer in short: tags, codes of errors and warnings, and the state of the transaction.
fn short(messages: &[Message]) -> String {
    let words = messages.iter().filter_map(|(kind, body)| {
        let text = String::from_utf8_lossy(body);
        let code = || text.split('\0').find_map(|field| field.strip_prefix('C'));
        match kind {
            'C' => Some(text.trim_end_matches('\0').to_owned()),
            'E' | 'N' => code().map(str::to_owned),
            'I' => Some("empty".to_owned()),
            'S' => Some(text.replacen('\0', "=", 1).trim_end_matches('\0').to_owned()),
            'Z' => Some(text.into_owned()),
            _ => None,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_transaction_goes_through_its_states() {
    let world = server().await;
    let mut raw = RawClient::open(&world).await;
    // each was tried on PostgreSQL 15
    for (sql, expected) in [
        ("", "empty I"),
        (" ; ;", "empty I"),
        ("commit", "25P01 COMMIT I"),
        ("savepoint a", "25P01 I"),
        ("begin", "BEGIN T"),
        ("begin", "25001 BEGIN T"),
        ("savepoint a", "SAVEPOINT T"),
        ("select * from nope", "42P01 E"),
        ("select 1", "25P02 E"),
        ("select * from nope", "25P02 E"),
        ("rollback to b", "3B001 E"),
        ("rollback to a", "ROLLBACK T"),
        ("select 1; select 1/0; select 2", "SELECT 1 22012 E"),
        ("commit", "ROLLBACK I"),
        ("set application_name = 'x'", "SET application_name=x I"),
        (
            "begin; set application_name = 'y'; rollback",
            "BEGIN SET ROLLBACK I",
        ),
        ("set local lock_timeout = 1", "25P01 SET I"),
        ("selec 1; select 2", "42601 I"),
        ("select 1; select * from nope", "SELECT 1 42P01 I"),
    ] {
        assert_eq!(short(&raw.query(sql).await), expected, "{sql}");
    }
}

#[tokio::test]
async fn a_portal_is_read_in_pieces() {
    let world = server().await;
    let mut raw = RawClient::open(&world).await;
    raw.send(Some(b'P'), b"\0select id from migrations order by id\0\0\0")
        .await;
    raw.send(Some(b'B'), b"\0\0\0\0\0\0\0\0").await;
    for count in [2_u8, 3, 0] {
        raw.send(Some(b'E'), &[0, 0, 0, 0, count]).await;
    }
    raw.send(Some(b'S'), b"").await;
    let kinds: String = raw.answer().await.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, "12DDsDDDsDCZ");
}

#[tokio::test]
async fn a_statement_is_cancelled_from_beside() {
    let world = server().await;
    let mut raw = RawClient::open(&world).await;
    raw.send(Some(b'Q'), b"select pg_sleep(600)\0").await;
    let mut request = BytesMut::new();
    request.put_i32(16);
    request.put_i32(80_877_102);
    request.put_slice(&raw.key);
    let cancelled = async {
        // it may come before the statement has begun, and then does nothing
        let deadline = Deadline::until("the statement is cancelled");
        loop {
            deadline.check();
            let mut beside = UnixStream::connect(world.socket().unwrap()).await.unwrap();
            beside.write_all(&request).await.unwrap();
            let _ = beside.read_u8().await;
        }
    };
    let answer = tokio::select! {
        answer = raw.answer() => answer,
        () = cancelled => Vec::new(),
    };
    assert_eq!(short(&answer), "57014 I");
    assert_eq!(short(&raw.query("select 1").await), "SELECT 1 I");
}

#[tokio::test(start_paused = true)]
async fn a_slow_database_takes_its_time_and_hits_timeouts() {
    let world = server().await;
    let mut raw = RawClient::open(&world).await;
    world.set_fault(Some(DatabaseFault::Slow { milliseconds: 800 }));
    let began = tokio::time::Instant::now();
    raw.query("select 1").await;
    assert_eq!(began.elapsed().as_millis(), 800);
    raw.query("set statement_timeout = 500").await;
    assert_eq!(short(&raw.query("select 1").await), "57014 I");
}

#[tokio::test]
async fn a_lossy_network_cuts_one_statement_in_so_many() {
    let world = server().await;
    world.set_fault(Some(DatabaseFault::Lossy { every: 3 }));
    let mut raw = RawClient::open(&world).await;
    for _ in 0..2 {
        assert_eq!(short(&raw.query("select 1").await), "SELECT 1 I");
    }
    raw.send(Some(b'Q'), b"select 1\0").await;
    assert_eq!(raw.stream.read(&mut [0]).await.unwrap(), 0, "not a word");
}

#[test]
fn faults_have_names_in_a_scenario() {
    #[derive(serde::Deserialize)]
    struct TimelineLine {
        database: DatabaseFault,
    }
    for (text, fault) in [
        ("\"wrong_password\"", DatabaseFault::WrongPassword),
        ("\"too_many_connections\"", DatabaseFault::TooManyConnections),
        ("\"refused\"", DatabaseFault::Refused),
        ("\"starting\"", DatabaseFault::Starting),
        ("\"lock_wait\"", DatabaseFault::LockWait),
        ("\"stalled\"", DatabaseFault::Stalled),
        ("\"cut\"", DatabaseFault::Cut),
        (
            "{ slow = { milliseconds = 800 } }",
            DatabaseFault::Slow { milliseconds: 800 },
        ),
        ("{ lossy = { every = 5 } }", DatabaseFault::Lossy { every: 5 }),
    ] {
        let line: TimelineLine = toml::from_str(&format!("database = {text}")).unwrap();
        assert_eq!(line.database, fault);
    }
}
