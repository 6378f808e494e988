//! Accepting connections on a port that a fault may close.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The pause between attempts to bind the port again after a fault.
const RELISTEN: Duration = Duration::from_millis(50);

/// Serves each connection, except while the port is closed: then all connections are cut. Ends with whoever sets the faults, or when it is
/// dropped, and all connections with it.
pub(crate) async fn accept<T, F>(
    listener: TcpListener,
    address: SocketAddr,
    mut faults: watch::Receiver<T>,
    is_closed: impl Fn(&T) -> bool,
    serve: impl Fn(TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let closed = is_closed(&faults.borrow_and_update());
        if closed {
            listener = None;
            connections.abort_all();
            if faults.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(open) = &listener else {
            listener = TcpListener::bind(address).await.ok();
            if listener.is_none() {
                tokio::time::sleep(RELISTEN).await;
            }
            continue;
        };
        tokio::select! {
            accepted = open.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream));
                }
            }
            _ = faults.changed() => {}
            Some(_ended) = connections.join_next() => {}
        }
    }
}
