//! TLS to the API server: which certificates are trusted, and by which of ours we are known. It accepts what `kubectl` accepts, where that is
//! safe: the server's own certificate given as its CA, and a client certificate of an old version.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use kube::Config;
use kube::client::ConfigExt;
use kube::config::AuthInfo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, InconsistentKeys, RootCertStore, SignatureScheme,
};
use secrecy::{ExposeSecret, SecretString};

use super::credential_expiry;
use super::errors::{explain, unusable_certificate};
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
        let verifier = GivenCertificates::new(roots)?;
        tls.dangerous().set_certificate_verifier(Arc::new(verifier));
    }
    if let Some(identity) = identity(auth, plugins)? {
        tls.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(identity));
    }
    Ok(tls)
}

/// Our certificate and its key, where there are any.
fn identity(
    auth: &AuthInfo,
    plugins: Option<&(String, SecretString)>,
) -> Result<Option<CertifiedKey>, Problem> {
    if let Some((certificate, key)) = plugins {
        let of = "the credential plugin's";
        return certified(certificate.as_bytes(), key.expose_secret().as_bytes(), of).map(Some);
    }
    let key_data = auth.client_key_data.as_ref().map(|key| key.expose_secret());
    let certificate = read(
        auth.client_certificate_data.as_deref(),
        auth.client_certificate.as_deref(),
    )
    .map_err(|why| unusable_certificate("the kubeconfig's client certificate", &why))?;
    let key = read(key_data, auth.client_key.as_deref())
        .map_err(|why| unusable_certificate("the kubeconfig's client key", &why))?;
    match (certificate, key) {
        (Some(certificate), Some(key)) => certified(&certificate, &key, "the kubeconfig's").map(Some),
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

fn certified(certificate: &[u8], key: &[u8], whose: &str) -> Result<CertifiedKey, Problem> {
    let (of_certificate, of_key) = (
        format!("{whose} client certificate"),
        format!("{whose} client key"),
    );
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| unusable_certificate(&of_certificate, "it is not PEM"))?;
    if key.windows(9).any(|window| window == b"ENCRYPTED") {
        return Err(unusable_certificate(
            &of_key,
            "it is encrypted with a password, which nobody can enter here",
        ));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_quotes| unusable_certificate(&of_key, "it is not a private key in PEM"))?;
    let provider = rustls::crypto::ring::default_provider();
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_quotes| unusable_certificate(&of_key, "neither RSA, ECDSA nor Ed25519"))?;
    let certified = CertifiedKey::new(chain, key);
    // A certificate of an old version can't be compared; the server takes it all the same.
    match certified.keys_match() {
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(unusable_certificate(
            &of_key,
            "it does not belong to the client certificate",
        )),
        _ => Ok(certified),
    }
}

/// Trusts what the certificates given as CA have signed, and those themselves: many clusters of one's own have one certificate for both.
#[derive(Debug)]
struct GivenCertificates {
    given: Vec<CertificateDer<'static>>,
    signed: Arc<WebPkiServerVerifier>,
}

impl GivenCertificates {
    fn new(given: &[Vec<u8>]) -> Result<Self, Problem> {
        let given: Vec<_> = given.iter().cloned().map(CertificateDer::from).collect();
        let mut roots = RootCertStore::empty();
        let (added, _unusable) = roots.add_parsable_certificates(given.iter().cloned());
        let unusable = |why: &str| unusable_certificate("the cluster's certificate authority", why);
        if added == 0 {
            return Err(unusable("it holds no certificate that can be read"));
        }
        let signed = WebPkiServerVerifier::builder(Arc::new(roots)).build();
        let signed = signed.map_err(|error| unusable(&error.to_string()))?;
        Ok(Self { given, signed })
    }
}

impl ServerCertVerifier for GivenCertificates {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self
            .signed
            .verify_server_cert(certificate, between, name, ocsp, now);
        let is_given = self
            .given
            .iter()
            .any(|given| given.as_ref() == certificate.as_ref());
        match verified {
            Err(rustls::Error::InvalidCertificate(_)) if is_given => {
                is_current(certificate, now)?;
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}

fn is_current(certificate: &[u8], now: UnixTime) -> Result<(), rustls::Error> {
    let encoding = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    let (from, to) = credential_expiry::validity(certificate).ok_or(encoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let at = |moment: Timestamp| moment.as_second();
    if now < at(from) {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > at(to) {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}
