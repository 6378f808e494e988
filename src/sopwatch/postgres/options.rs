//! The options of this adapter, and what may be asked of it while it runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use secrecy::SecretString;

use crate::net::tls::TlsMode;
use sopwatch_core::observe::observation::RowsOf;
use sopwatch_core::observe::source::Problem;

/// Where to connect, and how. Not `Debug`: it may hold passwords.
#[derive(Clone)]
pub struct DatabaseOptions {
    /// A `postgres://` URL and who gave it.
    pub url: Option<(SecretString, UrlOrigin)>,
    /// The `PG*` variables that are set, and `HOME` and `USER` for their defaults. Nothing is read from the environment here.
    pub variables: BTreeMap<String, SecretString>,
    /// Connect to this host instead: the near end of a tunnel.
    pub host: Option<String>,
    /// Connect to this port instead.
    pub port: Option<u16>,
    /// The configured TLS mode; the credentials' own `sslmode` outranks it.
    pub tls: Option<TlsMode>,
    /// From the end of a poll to the next.
    pub poll: Duration,
    /// Seed of the jitter of the waits between tries: another one in every console, so that they do not come back in step.
    pub seed: u64,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            url: None,
            variables: BTreeMap::new(),
            host: None,
            port: None,
            tls: None,
            poll: Duration::from_secs(5),
            seed: 0,
        }
    }
}

/// Who gave a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlOrigin {
    /// `--database-url`. Others on the machine can read it in the process list.
    CommandLine,
    /// `SOPWATCH_DATABASE_URL`.
    Environment,
}

impl UrlOrigin {
    /// As the operator wrote it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CommandLine => "--database-url",
            Self::Environment => "SOPWATCH_DATABASE_URL",
        }
    }
}

/// Reads a secret's data by the secret's name.
pub type ReadSecret =
    Arc<dyn Fn(String) -> BoxFuture<'static, Result<BTreeMap<String, SecretString>, Problem>> + Send + Sync>;

/// A request of the console to the running adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollRequest {
    /// Poll now, though never more than once a second.
    Refresh,
    /// Read the rows behind this status with each poll, and at once; `None`: no rows.
    WatchRows(Option<RowsOf>),
}
