//! Whom TLS trusts: what the given certificates have signed, those themselves, and on request the operating system's roots; and by which
//! certificate we are known. It accepts what OpenSSL and Go accept, where that is safe.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, InconsistentKeys, RootCertStore, SignatureScheme};

use super::certificate;

/// A certificate of our own with its key, both PEM. A certificate of version 1, as many home-made authorities sign them, will do. The
/// error begins with what is wrong: `client key: it is encrypted`.
pub fn identity(certificate: &[u8], key: &[u8], whose: &str) -> Result<CertifiedKey, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| format!("{whose} client certificate can't be used: it is not PEM"))?;
    let of_key = |why: &str| format!("{whose} client key can't be used: {why}");
    if key.windows(9).any(|window| window == b"ENCRYPTED") {
        return Err(of_key(
            "it is encrypted with a password, which nobody can enter here",
        ));
    }
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|_quotes| of_key("it is not a private key in PEM"))?;
    let provider = rustls::crypto::ring::default_provider();
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_quotes| of_key("it is neither RSA, ECDSA nor Ed25519"))?;
    let certified = CertifiedKey::new(chain, key);
    // A certificate of an old version can't be compared; the server takes it all the same.
    match certified.keys_match() {
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(of_key("it does not belong to the client certificate"))
        }
        _ => Ok(certified),
    }
}

/// The authorities that the operating system trusts; those that can't be read are not among them. It reads files, unless a connection
/// still uses what was read before.
pub fn system_authorities() -> Arc<RootCertStore> {
    static KNOWN: Mutex<Weak<RootCertStore>> = Mutex::new(Weak::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.upgrade().unwrap_or_else(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let roots = Arc::new(roots);
        *known = Arc::downgrade(&roots);
        roots
    })
}

/// How much of the server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checks {
    /// Nothing: TLS to whoever answers.
    Nothing,
    /// Who signed it, and when it is valid.
    Authority,
    /// That, and that it names the host.
    Host,
}

/// Verifies a server's certificate.
#[derive(Debug)]
pub struct Trust {
    given: Vec<CertificateDer<'static>>,
    signed: Option<Arc<WebPkiServerVerifier>>,
    checks: Checks,
    schemes: Vec<SignatureScheme>,
}

impl Trust {
    /// Trusts the given certificates and what they signed, and on request what the operating system trusts. It reads files then. The error
    /// says why nothing could be trusted.
    pub fn new(
        given: Vec<CertificateDer<'static>>,
        and_system: bool,
        checks: Checks,
    ) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        let mut roots = RootCertStore::empty();
        let (added, _unusable) = roots.add_parsable_certificates(given.iter().cloned());
        if added == 0 && !given.is_empty() {
            return Err("it holds no certificate that can be read".into());
        }
        if and_system && checks != Checks::Nothing {
            roots.roots.extend(system_authorities().roots.iter().cloned());
        }
        let signed = match checks {
            Checks::Nothing => None,
            _ if roots.is_empty() => {
                return Err("no authority is known: the operating system has none".into());
            }
            _ => {
                let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
                Some(verifier.map_err(|error| error.to_string())?)
            }
        };
        Ok(Self {
            given,
            signed,
            checks,
            schemes,
        })
    }

    fn check_host(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
    ) -> Result<(), rustls::Error> {
        match self.checks {
            Checks::Host => verify_server_name(&ParsedCertificate::try_from(certificate)?, name),
            Checks::Authority | Checks::Nothing => Ok(()),
        }
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(signed) = &self.signed else {
            return Ok(ServerCertVerified::assertion());
        };
        let is_given = self
            .given
            .iter()
            .any(|given| given.as_ref() == certificate.as_ref());
        match signed.verify_server_cert(certificate, between, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }))
                if self.checks == Checks::Authority =>
            {
                Ok(ServerCertVerified::assertion())
            }
            Err(rustls::Error::InvalidCertificate(_)) if is_given => {
                is_current(certificate, now)?;
                self.check_host(certificate, name)?;
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
        match &self.signed {
            Some(signed) => signed.verify_tls12_signature(message, certificate, signature),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match &self.signed {
            Some(signed) => signed.verify_tls13_signature(message, certificate, signature),
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

fn is_current(der: &[u8], now: UnixTime) -> Result<(), rustls::Error> {
    let encoding = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);
    let (from, to) = certificate::validity(der).ok_or(encoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < from.as_second() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > to.as_second() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}
