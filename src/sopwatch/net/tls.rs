//! TLS: how much of it a connection to the database uses, and whether a text holds CA certificates.

use std::str::FromStr;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
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
