//! One client of a small database, without a socket.

use std::sync::{Arc, Mutex};

use bytes::{BufMut, BytesMut};
use pgwire::api::auth::md5pass::hash_md5_password;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::watch;

use super::client;
use super::seed::SeedRows;
use super::server::{Credentials, DatabaseState, FaultState};
use super::session::{Reply, Session, SessionEnvironment};
use super::sql::split;
use super::tables::Tables;
use crate::clock::Clock;

const USER: &str = "u";
const PASSWORD: &str = "test";

/// Bytes on their way in each direction.
const PIPE: usize = 1 << 16;

/// What one statement is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Columns, and their values as text.
    Rows(Vec<String>, Vec<Vec<Option<String>>>),
    /// Its command.
    Done(&'static str),
    /// SQLSTATE, and the place in the statement, counted in characters from 1.
    Refused(&'static str, Option<usize>),
}

fn environment() -> (watch::Sender<FaultState>, SessionEnvironment) {
    let seed: SeedRows = toml::from_str(
        "clusters = [{ status = 'ready', idle = '80d' }, { status = '', idle = '1h' }, { status = 'failed', deleted = true, idle = '2d' }]\n\
         kafkas = [{ status = 'ready', idle = '3d' }, { status = 'accepted', idle = '2m' }]",
    )
    .unwrap_or_default();
    let start = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(500_000);
    let (faults, state) = watch::channel(FaultState::default());
    let environment = SessionEnvironment {
        tables: Arc::new(Mutex::new(Tables::seeded(&seed, start))),
        clock: Clock::starting_at(start, 1.0),
        state,
    };
    (faults, environment)
}

/// Runs the statements of a query string one after the other; stops after the first that is refused. Each value is also written in its
/// binary form, which must work wherever the text does.
pub async fn answer_sql(sql: &str) -> Vec<Answer> {
    let (_faults, environment) = environment();
    let mut session = Session::new(environment, 7);
    let statements = match split(sql) {
        Ok(statements) => statements,
        Err(error) => return vec![Answer::Refused(error.code, error.position)],
    };
    let mut answers = Vec::new();
    for statement in statements {
        let reply = match statement.resolve(sql, &[]) {
            Ok(statement) => session.execute(&statement, &[], false).await,
            Err(error) => Err(error),
        };
        match reply {
            Ok(Reply::Rows { columns, rows, .. }) => {
                for row in &rows {
                    for (value, (_, ty)) in row.iter().zip(&columns) {
                        if let Err(error) = value.put_binary(*ty, &mut BytesMut::new()) {
                            answers.push(Answer::Refused(error.code, error.position));
                            return answers;
                        }
                    }
                }
                let rows = rows
                    .iter()
                    .map(|row| row.iter().map(super::value::Value::text).collect());
                let columns = columns.into_iter().map(|(name, _)| name);
                answers.push(Answer::Rows(columns.collect(), rows.collect()));
            }
            Ok(Reply::Done(tag) | Reply::Began(tag) | Reply::Ended(tag)) => answers.push(Answer::Done(tag)),
            Err(error) => {
                answers.push(Answer::Refused(error.code, error.position));
                return answers;
            }
        }
    }
    answers
}

/// Sends bytes to the server, after a proper sign-in or in place of one, and closes the connection; everything that the server writes
/// after that point. Ends when the server has left.
pub async fn converse(bytes: &[u8], sign_in: bool) -> Vec<u8> {
    let (_faults, environment) = environment();
    let shared = Arc::new(DatabaseState::new(
        environment,
        Credentials {
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
            database: USER.to_owned(),
        },
    ));
    let (mut ours, theirs) = duplex(PIPE);
    let serving = tokio::spawn(client::serve(Box::new(theirs), shared));
    if sign_in && signed_in(&mut ours).await.is_none() {
        return Vec::new();
    }
    let (mut reader, mut writer) = tokio::io::split(ours);
    let sent = async {
        // The server may leave before it has read everything.
        let _ = writer.write_all(bytes).await;
        let _ = writer.shutdown().await;
    };
    let mut written = Vec::new();
    let ((), _) = tokio::join!(sent, reader.read_to_end(&mut written));
    drop(serving.await);
    written
}

/// Signs in and reads up to the server's readiness.
async fn signed_in(stream: &mut DuplexStream) -> Option<()> {
    let mut startup = BytesMut::new();
    startup.put_i32(3 << 16);
    for word in ["user", USER, "database", USER] {
        startup.put_slice(word.as_bytes());
        startup.put_u8(0);
    }
    startup.put_u8(0);
    stream.write_i32(startup.len() as i32 + 4).await.ok()?;
    stream.write_all(&startup).await.ok()?;
    let (_, asked) = message(stream).await?;
    let salt = asked.get(4..8)?;
    let password = hash_md5_password(USER, PASSWORD, salt);
    stream.write_u8(b'p').await.ok()?;
    stream.write_i32(password.len() as i32 + 5).await.ok()?;
    stream.write_all(password.as_bytes()).await.ok()?;
    stream.write_u8(0).await.ok()?;
    while message(stream).await?.0 != b'Z' {}
    Some(())
}

async fn message(stream: &mut DuplexStream) -> Option<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await.ok()?;
    let length = stream.read_i32().await.ok()?;
    let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
    stream.read_exact(&mut body).await.ok()?;
    Some((kind, body))
}
