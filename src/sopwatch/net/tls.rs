//! TLS: how much of it a connection to the database uses, whether a text holds CA certificates, and what is wrong when it fails.

use std::str::FromStr;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{AlertDescription, CertificateError, RootCertStore};
use serde::Deserialize;

/// How much TLS is asked for: in the words of libpq's `sslmode`, or of the configuration, where plain text is called `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// TLS, with a certificate of a trusted authority that names the host.
    VerifyFull,
    /// TLS, with a certificate of a trusted authority; its host may be another, as through a tunnel.
    VerifyCa,
    /// TLS to whoever answers.
    Require,
    /// TLS where the server has it, unverified; else plain text. The configuration does not offer it.
    #[serde(skip_deserializing)]
    Prefer,
    /// Plain text.
    #[serde(rename = "none")]
    Disable,
}

impl TlsMode {
    /// As it is shown and written in the configuration: `none` for plain text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "none",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// The word is none of libpq's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of disable, allow, prefer, require, verify-ca, verify-full")]
pub struct UnknownTlsMode;

impl FromStr for TlsMode {
    type Err = UnknownTlsMode;

    /// Reads libpq's words; `allow` is taken as `prefer`.
    fn from_str(word: &str) -> Result<Self, UnknownTlsMode> {
        match word {
            "disable" => Ok(Self::Disable),
            "allow" | "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(UnknownTlsMode),
        }
    }
}

/// Whether a text holds CA certificates in PEM, and nothing that can't be used.
pub fn is_ca_bundle(pem: &str) -> bool {
    let mut roots = RootCertStore::empty();
    let mut certificates = CertificateDer::pem_slice_iter(pem.as_bytes());
    let usable = certificates.all(|found| found.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    usable && !roots.is_empty()
}

/// Why TLS failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// No authority that we trust has signed the server's certificate.
    Untrusted,
    /// The server's certificate names other hosts.
    OtherHost,
    /// The server's certificate has run out.
    Expired,
    /// The server's certificate is not valid yet, by our clock.
    NotYetValid,
    /// The server presents a CA certificate as its own.
    CaAsServer,
    /// The server's certificate is X.509 version 1.
    OldVersion,
    /// The server refuses our certificate, or wants one.
    OurCertificate,
    /// The server has no version or cipher of TLS in common with us.
    NothingInCommon,
    /// What answers does not speak TLS.
    NotTls,
    /// Anything else.
    Other,
}

/// Why TLS failed, and the same in words: which certificate, and what is wrong with it.
pub fn fault(error: &rustls::Error) -> (TlsFault, String) {
    use AlertDescription as Alert;
    let said = |fault, words: &str| (fault, words.to_owned());
    match error {
        rustls::Error::InvalidCertificate(error) => certificate_fault(error),
        rustls::Error::AlertReceived(alert) => match alert {
            Alert::CertificateRequired => {
                said(TlsFault::OurCertificate, "the server wants a client certificate")
            }
            Alert::CertificateExpired => said(
                TlsFault::OurCertificate,
                "the server says that our client certificate has expired",
            ),
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::DecryptError
            | Alert::AccessDenied => said(
                TlsFault::OurCertificate,
                "the server refuses our client certificate",
            ),
            Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity => said(
                TlsFault::NothingInCommon,
                "the server offers neither TLS 1.2 nor 1.3 with a cipher in use today",
            ),
            Alert::UnrecognisedName => said(
                TlsFault::OtherHost,
                "the server does not know the host name that we ask for",
            ),
            alert => (TlsFault::Other, format!("the server ends it: {alert:?}")),
        },
        rustls::Error::PeerIncompatible(_) => said(
            TlsFault::NothingInCommon,
            "the server offers neither TLS 1.2 nor 1.3 with a cipher in use today",
        ),
        rustls::Error::InvalidMessage(_) => said(TlsFault::NotTls, "what answers there does not speak TLS"),
        error => (TlsFault::Other, error.to_string()),
    }
}

fn certificate_fault(error: &CertificateError) -> (TlsFault, String) {
    /// As many of the server's names as a sentence holds.
    const NAMES: usize = 4;
    let said = |fault, words: &str| (fault, words.to_owned());
    match error {
        CertificateError::UnknownIssuer => said(
            TlsFault::Untrusted,
            "the server's certificate is signed by an authority that is not trusted here (UnknownIssuer)",
        ),
        CertificateError::BadSignature => said(
            TlsFault::Untrusted,
            "the server's certificate is signed by an authority of the same name as the one given, with another key: \
             was that authority recreated?",
        ),
        CertificateError::NotValidForName => said(
            TlsFault::OtherHost,
            "the server's certificate is for another host",
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            let names: Vec<_> = presented
                .iter()
                .take(NAMES)
                .map(|name| without_kind(name))
                .collect();
            let names = if names.is_empty() {
                "no host (it has no subjectAltName)".to_owned()
            } else {
                names.join(", ")
            };
            (
                TlsFault::OtherHost,
                format!("the server's certificate is for {names}, not for {expected}"),
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            said(TlsFault::Expired, "the server's certificate has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            said(TlsFault::NotYetValid, "the server's certificate is not valid yet")
        }
        // The library that checks certificates hides its own kinds behind `Other`.
        error if format!("{error:?}").contains("CaUsedAsEndEntity") => said(
            TlsFault::CaAsServer,
            "the server presents a CA certificate as its own",
        ),
        error if format!("{error:?}").contains("UnsupportedCertVersion") => said(
            TlsFault::OldVersion,
            "the server's certificate is X.509 version 1, which can't name its hosts",
        ),
        _ => (
            TlsFault::Other,
            format!("the server's certificate can't be verified: {error:?}"),
        ),
    }
}

/// `DnsName("db.example")` is `db.example`.
fn without_kind(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Settings {
        tls: TlsMode,
    }

    fn configured(word: &str) -> Result<TlsMode, toml::de::Error> {
        toml::from_str(&format!("tls = \"{word}\"")).map(|settings: Settings| settings.tls)
    }

    #[test]
    fn the_configuration_has_four_modes_and_names_them() {
        for mode in [
            TlsMode::VerifyFull,
            TlsMode::VerifyCa,
            TlsMode::Require,
            TlsMode::Disable,
        ] {
            assert_eq!(configured(mode.name()), Ok(mode));
        }
        for word in ["prefer", "disable"] {
            let error = configured(word).unwrap_err();
            let known = "expected one of `verify-full`, `verify-ca`, `require`, `none`";
            assert!(error.message().contains(known), "{error}");
        }
    }

    #[test]
    fn libpq_has_modes_of_its_own() {
        assert_eq!("allow".parse(), Ok(TlsMode::Prefer));
        assert_eq!("disable".parse(), Ok(TlsMode::Disable));
        assert_eq!("none".parse::<TlsMode>(), Err(UnknownTlsMode));
    }
}
