//! The API server's certificate. Every start of a drill makes a new one.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The server's certificate: its TLS configuration, and the PEM by which clients know it.
pub struct ServerCertificate {
    /// For the acceptor.
    pub config: Arc<ServerConfig>,
    /// For the kubeconfig.
    pub certificate: String,
}

/// A fresh self-signed certificate for the loopback names. Its key never leaves the process.
pub fn identity() -> io::Result<ServerCertificate> {
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(ServerCertificate {
        config: Arc::new(config),
        certificate: made.cert.pem(),
    })
}
