//! TLS to the API server: which certificates are trusted, and by which of ours we are known. It accepts what `kubectl` accepts, where that is
//! safe: the server's own certificate given as its CA, and a client certificate of an old version.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kube::Config;
use kube::client::ConfigExt;
use kube::config::AuthInfo;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use secrecy::{ExposeSecret, SecretString};

use super::errors::{explain, unusable_certificate, unusable_identity};
use crate::net::trust::{Checks, Trust, identity as certified};
use sopwatch_core::observe::source::Problem;

/// The client's side of TLS. `plugins` is the certificate and key that a credential plugin gave.
pub(super) fn client_config(
    config: &Config,
    auth: &AuthInfo,
    plugins: Option<&(String, SecretString)>,
    doing: &str,
) -> Result<ClientConfig, Problem> {
    // Without an identity: the library would refuse what `kubectl` accepts.
    let mut tls = config
        .rustls_client_config()
        .map_err(|error| explain(&error, doing))?;
    if let Some(roots) = config.root_cert.as_ref().filter(|_| !config.accept_invalid_certs)
        && config.root_cert_file.is_none()
    {
        let given: Vec<_> = roots.iter().cloned().map(CertificateDer::from).collect();
        let verifier = Trust::new(given, false, Checks::Host)
            .map_err(|why| unusable_certificate("the cluster's certificate authority", &why))?;
        tls.dangerous().set_certificate_verifier(Arc::new(verifier));
    }
    if let Some(identity) = identity(auth, plugins)? {
        tls.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(identity));
    }
    Ok(tls)
}

/// Our certificate and its key, where there are any.
#[expect(clippy::disallowed_methods, reason = "the client key is needed for TLS")]
fn identity(
    auth: &AuthInfo,
    plugins: Option<&(String, SecretString)>,
) -> Result<Option<CertifiedKey>, Problem> {
    if let Some((certificate, key)) = plugins {
        let of = "the credential plugin's";
        let certified = certified(certificate.as_bytes(), key.expose_secret().as_bytes(), of);
        return certified.map(Some).map_err(|why| unusable_identity(&why));
    }
    let key_data = auth.client_key_data.as_ref().map(ExposeSecret::expose_secret);
    let certificate = read(
        auth.client_certificate_data.as_deref(),
        auth.client_certificate.as_deref(),
    )
    .map_err(|why| unusable_certificate("the kubeconfig's client certificate", &why))?;
    let key = read(key_data, auth.client_key.as_deref())
        .map_err(|why| unusable_certificate("the kubeconfig's client key", &why))?;
    match (certificate, key) {
        (Some(certificate), Some(key)) => certified(&certificate, &key, "the kubeconfig's")
            .map(Some)
            .map_err(|why| unusable_identity(&why)),
        (Some(_), None) => Err(unusable_certificate(
            "the kubeconfig's client certificate",
            "its key is missing (client-key or client-key-data)",
        )),
        (None, Some(_)) => Err(unusable_certificate(
            "the kubeconfig's client key",
            "its certificate is missing (client-certificate or client-certificate-data)",
        )),
        (None, None) => Ok(None),
    }
}

/// Data outranks a file.
fn read(data: Option<&str>, path: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    match (
        data.filter(|data| !data.is_empty()),
        path.filter(|path| !path.is_empty()),
    ) {
        (Some(data), _) => decode(data).map(Some),
        (None, Some(path)) => {
            let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
            Ok(Some(bytes))
        }
        (None, None) => Ok(None),
    }
}

/// Decodes base64, also where it is wrapped over several lines.
pub(super) fn decode(data: &str) -> Result<Vec<u8>, String> {
    let data: String = data.split_ascii_whitespace().collect();
    // Its words would quote the data.
    BASE64_STANDARD
        .decode(data)
        .map_err(|_quotes| "not base64".to_owned())
}
