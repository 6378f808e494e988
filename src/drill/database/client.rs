//! Serves one client's stream, from the first byte to the last: messages in, answers out, and the server's end of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use pgwire::api::cancel::DefaultCancelHandler;
use pgwire::api::{ClientInfo, DefaultClient, NoopHandler, PgWireConnectionState};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::response::{GssEncResponse, SslResponse};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage, SslNegotiationMetaMessage};
use pgwire::tokio::server::{PgWireMessageServerCodec, process_error, process_message};
use tokio::sync::watch;
use tokio_util::codec::Framed;

use super::checked_stream::CheckedStream;
use super::error::SqlError;
use super::listener::Stream;
use super::server::{DatabaseState, Disconnect, FaultState};
use super::wire::{Connection, Prepared, not_stalled};

/// PostgreSQL's `authentication_timeout`.
const LOG_IN_LIMIT: Duration = Duration::from_mins(1);

type ClientStream = Framed<CheckedStream, PgWireMessageServerCodec<Prepared>>;

/// Serves one client until it leaves, or is cut off.
pub async fn serve(stream: Box<dyn Stream>, shared: Arc<DatabaseState>) {
    // the client's address makes no difference here
    let client = DefaultClient::new(([127, 0, 0, 1], 0).into(), false);
    let mut line = Framed::new(CheckedStream::new(stream), PgWireMessageServerCodec::new(client));
    let connection = Arc::new(Connection::new(shared.clone()));
    let cut = tokio::select! {
        biased;
        cut = cut_off(shared.environment.state.clone()) => cut,
        // an error means that the client has left
        _ = talk(&mut line, &connection, &shared) => None,
    };
    if cut == Some(Disconnect::ByCommand) && has_logged_in(&line) {
        say_goodbye(&mut line).await;
    }
}

/// Waits until a fault disconnects all sessions.
async fn cut_off(mut state: watch::Receiver<FaultState>) -> Option<Disconnect> {
    let cuts = state.borrow_and_update().cuts;
    let state = state.wait_for(|state| state.cuts != cuts).await.ok()?;
    state.cut
}

/// Sends the error that every session gets when an administrator stops the server.
async fn say_goodbye(line: &mut ClientStream) {
    let message = "terminating connection due to administrator command";
    let info: ErrorInfo = PgWireError::from(SqlError::fatal("57P01", message)).into();
    // whether it is heard does not matter: the stream is closed either way
    let _ = line.send(PgWireBackendMessage::ErrorResponse(info.into())).await;
}

fn has_logged_in(line: &ClientStream) -> bool {
    !matches!(
        line.state(),
        PgWireConnectionState::AwaitingSslRequest
            | PgWireConnectionState::AwaitingStartup
            | PgWireConnectionState::AuthenticationInProgress
    )
}

async fn talk(
    line: &mut ClientStream,
    connection: &Arc<Connection>,
    shared: &DatabaseState,
) -> io::Result<()> {
    not_stalled(&shared.environment.state).await;
    let log_in_limit = tokio::time::sleep(LOG_IN_LIMIT);
    tokio::pin!(log_in_limit);
    loop {
        let logged_in = has_logged_in(line);
        let message = tokio::select! {
            message = line.next() => message,
            () = &mut log_in_limit, if !logged_in => None,
        };
        let Some(Ok(message)) = message else {
            return Ok(());
        };
        shared.heard.fetch_add(1, Ordering::Relaxed);
        if !answer(line, connection, shared, message).await? {
            return Ok(());
        }
    }
}

/// Answers one message; `false` if it was the last.
async fn answer(
    line: &mut ClientStream,
    connection: &Arc<Connection>,
    shared: &DatabaseState,
    message: PgWireFrontendMessage,
) -> io::Result<bool> {
    match message {
        PgWireFrontendMessage::Terminate(_) => return Ok(false),
        PgWireFrontendMessage::SslNegotiation(asked) => {
            refuse_encryption(line, &asked).await?;
            return Ok(true);
        }
        _ => {}
    }
    let extended = message.is_extended_query();
    let last = matches!(message, PgWireFrontendMessage::CancelRequest(_));
    let outcome = process_message(
        message,
        line,
        connection.clone(),
        connection.clone(),
        connection.clone(),
        Arc::new(NoopHandler),
        Arc::new(DefaultCancelHandler::new(shared.connections.clone())),
    )
    .await;
    let Err(error) = outcome else {
        return Ok(!last);
    };
    if let PgWireError::IoError(error) = error {
        return Err(error);
    }
    let fatal = error.is_fatal();
    process_error(line, error, extended).await?;
    Ok(!last && !fatal)
}

/// Declines encryption: the drill's database listens on loopback only.
async fn refuse_encryption(line: &mut ClientStream, asked: &SslNegotiationMetaMessage) -> io::Result<()> {
    match asked {
        SslNegotiationMetaMessage::PostgresSsl(_) => {
            line.send(PgWireBackendMessage::SslResponse(SslResponse::Refuse))
                .await
        }
        SslNegotiationMetaMessage::PostgresGss(_) => {
            line.send(PgWireBackendMessage::GssEncResponse(GssEncResponse::Refuse))
                .await
        }
        SslNegotiationMetaMessage::None => {
            line.set_state(PgWireConnectionState::AwaitingStartup);
            Ok(())
        }
    }
}
