//! The listener of the database: a loopback TCP port, and a Unix socket as PostgreSQL has one.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, UnixListener};

/// The longest path of a Unix socket, in bytes. In a folder that is too deep there is no socket, and the server works without.
const LONGEST_PATH: usize = 107;

/// A client's stream, either kind.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for S {}

/// A listener that can be shut. A shut port stays bound without listening, so that the kernel refuses connections and no other program
/// takes the port; the socket's file is removed, as after a stop.
#[derive(Debug)]
pub struct Listener {
    port: u16,
    tcp: Option<TcpListener>,
    closed: Option<TcpSocket>,
    path: Option<PathBuf>,
    socket: Option<UnixListener>,
}

impl Listener {
    /// Opens on a port that the OS chooses, and on `.s.PGSQL.<port>` in a folder.
    ///
    /// # Errors
    /// When no port can be had, or the socket can't be made.
    pub async fn open_in(folder: &Path) -> std::io::Result<Self> {
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = tcp.local_addr()?.port();
        let path = folder.join(format!(".s.PGSQL.{port}"));
        let path = (path.as_os_str().len() <= LONGEST_PATH).then_some(path);
        let socket = path.as_deref().map(listen).transpose()?;
        Ok(Self {
            port,
            tcp: Some(tcp),
            closed: None,
            path,
            socket,
        })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The socket's path, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    fn bound(&self) -> std::io::Result<TcpSocket> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(([127, 0, 0, 1], self.port).into())?;
        Ok(socket)
    }

    pub fn shut(&mut self) {
        if self.tcp.take().is_some() {
            self.closed = self.bound().ok();
            self.remove_socket();
        }
    }

    pub fn open(&mut self) {
        if self.tcp.is_none() {
            let socket = self.closed.take().map_or_else(|| self.bound(), Ok);
            self.tcp = socket.and_then(|socket| socket.listen(128)).ok();
            self.socket = self.path.as_deref().and_then(|path| listen(path).ok());
        }
    }

    fn remove_socket(&mut self) {
        if self.socket.take().is_some()
            && let Some(path) = &self.path
        {
            // the file is gone already if the drill's folder is
            let _ = std::fs::remove_file(path);
        }
    }

    /// The next client.
    pub async fn next(&self) -> Box<dyn Stream> {
        loop {
            let client = tokio::select! {
                biased;
                client = over_socket(self.socket.as_ref()) => client,
                client = over_tcp(self.tcp.as_ref()) => client,
            };
            match client {
                Ok(client) => return client,
                // for example, out of descriptors: it passes
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.remove_socket();
    }
}

fn listen(path: &Path) -> std::io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    Ok(listener)
}

async fn over_tcp(listener: Option<&TcpListener>) -> std::io::Result<Box<dyn Stream>> {
    let Some(listener) = listener else {
        std::future::pending().await
    };
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

async fn over_socket(listener: Option<&UnixListener>) -> std::io::Result<Box<dyn Stream>> {
    let Some(listener) = listener else {
        std::future::pending().await
    };
    let (stream, _) = listener.accept().await?;
    Ok(Box::new(stream))
}
