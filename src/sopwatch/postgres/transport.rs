//! The connection below the driver: TCP or a Unix socket, and TLS as `psql` speaks it. The driver finds it at a Unix socket of ours.
//!
//! By itself the driver would refuse certificates that `psql` accepts, and set the session's time zone: timestamps without a zone are meant in
//! that of the database.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::net::trust::Trust;

/// The longest first message of a session that is passed on, bytes: as long as the server takes it.
const LONGEST_STARTUP: usize = 10_000;

/// The longest refusal that is read, bytes.
const LONGEST_REFUSAL: u64 = 4096;

/// How the server is asked for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum TransportFailure {
    /// The server has no TLS.
    NoTls,
    /// It refuses before anybody has logged in: its code and its words.
    Refused(String, String),
    /// Anything of the socket, of TLS or of the files on the way.
    Io(io::Error),
}

impl From<io::Error> for TransportFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// TLS with a server.
pub(super) struct Tls {
    /// Whom to trust.
    pub(super) trust: Trust,
    /// Our certificate.
    pub(super) identity: Option<CertifiedKey>,
    /// The host that is asked for, and that the certificate has to name.
    pub(super) name: String,
    /// Whether TLS begins at once, without asking (`sslnegotiation=direct`).
    pub(super) direct: bool,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open connection to a server, at a Unix socket for us alone.
pub(super) struct Transport {
    directory: TempDir,
    failure: Arc<Mutex<Option<io::Error>>>,
    _pump: AbortOnDropHandle<()>,
}

impl Transport {
    /// Connects to a host, an address or the directory of a Unix socket.
    pub(super) async fn open(host: &str, port: u16, tls: Option<Tls>) -> Result<Self, TransportFailure> {
        let mut stream = connect(host, port).await?;
        if let Some(tls) = tls {
            stream = encrypted(stream, tls).await?;
        }
        let directory = private_directory()?;
        let listener = UnixListener::bind(directory.path().join(format!(".s.PGSQL.{port}")))?;
        let failure: Arc<Mutex<Option<io::Error>>> = Arc::default();
        let noted = Arc::clone(&failure);
        let pump = tokio::spawn(async move {
            if let Err(error) = pump(listener, stream).await {
                *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        Ok(Self {
            directory,
            failure,
            _pump: AbortOnDropHandle::new(pump),
        })
    }

    /// The directory of the socket.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Why it broke: the driver sees only that it did. A server says only after the handshake that it refuses our certificate.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

async fn connect(host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
    if host.starts_with('/') {
        let path = Path::new(host).join(format!(".s.PGSQL.{port}"));
        return Ok(Box::new(UnixStream::connect(path).await?));
    }
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

async fn encrypted(mut stream: Box<dyn Stream>, tls: Tls) -> Result<Box<dyn Stream>, TransportFailure> {
    if !tls.direct {
        stream.write_all(&SSL_REQUEST).await?;
        // One byte and no more: what came with it unencrypted would count as encrypted.
        match stream.read_u8().await? {
            b'S' => {}
            b'N' => return Err(TransportFailure::NoTls),
            b'E' => return Err(refusal(stream).await),
            _ => return Err(not_postgres().into()),
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(tls.trust))
        .with_no_client_auth();
    if let Some(identity) = tls.identity {
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(identity));
    }
    if tls.direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    let name = ServerName::try_from(tls.name).or_else(|_no_name| ServerName::try_from("127.0.0.1"));
    let name = name.map_err(io::Error::other)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    Ok(Box::new(stream))
}

fn not_postgres() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "an answer that is not PostgreSQL's")
}

/// Reads an error message: fields of a letter and a text each, after the message's length.
async fn refusal(stream: Box<dyn Stream>) -> TransportFailure {
    let mut message = Vec::new();
    // What was read until then counts.
    let _ = stream.take(LONGEST_REFUSAL).read_to_end(&mut message).await;
    let fields = message.get(4..).unwrap_or_default().split(|byte| *byte == 0);
    let field = |letter: u8| {
        let field = fields.clone().find(|field| field.first() == Some(&letter));
        field.map_or_else(String::new, |field| {
            String::from_utf8_lossy(&field[1..]).into_owned()
        })
    };
    TransportFailure::Refused(field(b'C'), field(b'M'))
}

/// A directory for us alone: that of the session, whose path is short, else where temporary files are.
fn private_directory() -> io::Result<TempDir> {
    let mut directory = tempfile::Builder::new();
    directory
        .prefix("sopwatch-")
        .permissions(std::fs::Permissions::from_mode(0o700));
    directory.tempdir()
}

async fn pump(listener: UnixListener, mut remote: Box<dyn Stream>) -> io::Result<()> {
    let (mut local, _) = listener.accept().await?;
    let startup = startup(&mut local).await?;
    remote.write_all(&without_time_zone(&startup)).await?;
    remote.flush().await?;
    tokio::io::copy_bidirectional(&mut local, &mut remote).await?;
    Ok(())
}

/// The session's first message, without its length.
async fn startup(local: &mut UnixStream) -> io::Result<Vec<u8>> {
    let length = usize::try_from(local.read_u32().await?).unwrap_or(usize::MAX);
    if !(8..=LONGEST_STARTUP).contains(&length) {
        return Err(not_postgres());
    }
    let mut message = vec![0; length - 4];
    local.read_exact(&mut message).await?;
    Ok(message)
}

/// The same with its length, and without the parameter `TimeZone`. It is a number and then names and values, each ended by a zero.
fn without_time_zone(message: &[u8]) -> Vec<u8> {
    let (version, parameters) = message.split_at(message.len().min(4));
    let mut texts = parameters.split(|byte| *byte == 0);
    let mut kept = version.to_vec();
    while let (Some(name @ [_, ..]), Some(value)) = (texts.next(), texts.next()) {
        if !name.eq_ignore_ascii_case(b"timezone") {
            kept.extend_from_slice(name);
            kept.push(0);
            kept.extend_from_slice(value);
            kept.push(0);
        }
    }
    kept.push(0);
    let length = u32::try_from(kept.len() + 4).unwrap_or(u32::MAX);
    let mut whole = length.to_be_bytes().to_vec();
    whole.append(&mut kept);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_loses_its_time_zone_and_nothing_else() {
        let message = b"\x00\x03\x00\x00user\0oncall\0TimeZone\0UTC\0application_name\0\0database\0d\0\0";
        let kept = b"\x00\x03\x00\x00user\0oncall\0application_name\0\0database\0d\0\0";
        let length = u32::try_from(kept.len() + 4).unwrap().to_be_bytes();
        assert_eq!(without_time_zone(message), [&length[..], &kept[..]].concat());
        assert_eq!(without_time_zone(kept), [&length[..], &kept[..]].concat());
    }

    #[tokio::test]
    async fn a_refusal_before_tls_is_quoted() {
        let (near, mut far) = tokio::io::duplex(4096);
        let answer = tokio::spawn(async move {
            far.read_exact(&mut [0; 8]).await.unwrap();
            far.write_all(b"E\0\0\0\x30SFATAL\0C53300\0Msorry, too many clients already\0\0")
                .await
                .unwrap();
        });
        let tls = Tls {
            trust: Trust::new(Vec::new(), false, crate::net::trust::Checks::Nothing).unwrap(),
            identity: None,
            name: "localhost".into(),
            direct: false,
        };
        let failure = encrypted(Box::new(near), tls).await.err().unwrap();
        answer.await.unwrap();
        let TransportFailure::Refused(code, message) = failure else {
            unreachable!("{failure:?}");
        };
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("53300", "sorry, too many clients already")
        );
    }
}
