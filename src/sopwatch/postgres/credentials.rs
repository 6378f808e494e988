//! The credentials: who logs in where, and where that was written.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::libpq::LibpqVariables;
use super::options::{DatabaseOptions, ReadSecret};
use crate::net::postgres_url;
use crate::net::tls::{TlsMode, is_ca_bundle};
use sopwatch_core::observe::source::{Problem, ProblemKind};
use sopwatch_core::profile::{Database, SecretKeys};

/// PostgreSQL's port.
const DEFAULT_PORT: u16 = 5432;
/// How long reading the secret may take.
const SECRET_LIMIT: Duration = Duration::from_secs(5);

/// What it takes to log in. Not `Debug`: it holds the password.
#[derive(Clone)]
pub(super) struct Credentials {
    /// Host name or address: what the certificate has to name.
    pub(super) host: String,
    /// Where to connect, if not to `host` (`PGHOSTADDR`).
    pub(super) address: Option<String>,
    /// Port.
    pub(super) port: u16,
    /// Database name.
    pub(super) database: String,
    /// Role.
    pub(super) user: String,
    /// Password; `None` where none is given.
    pub(super) password: Option<SecretString>,
    /// The TLS mode that the source itself asks for.
    pub(super) tls: Option<TlsMode>,
    /// CA certificates, PEM.
    pub(super) ca: Option<String>,
    /// The `application_name` that is asked for.
    pub(super) application: Option<String>,
    /// Where they were written, for the operator.
    pub(super) origin: String,
}

impl Credentials {
    /// Credentials without a password, and without wishes about TLS.
    pub(super) fn new(host: &str, port: u16, database: &str, user: &str, origin: &str) -> Self {
        Self {
            host: host.to_owned(),
            address: None,
            port,
            database: database.to_owned(),
            user: user.to_owned(),
            password: None,
            tls: None,
            ca: None,
            application: None,
            origin: origin.to_owned(),
        }
    }
}

/// Where credentials are looked for.
pub(super) struct CredentialSources<'a> {
    /// What the operator gave.
    pub(super) options: &'a DatabaseOptions,
    /// What the profile says of the database and its secret.
    pub(super) database: &'a Database,
    /// Reads a secret of the cluster; `None` where there is no cluster to read it from.
    pub(super) secret: Option<&'a ReadSecret>,
}

impl CredentialSources<'_> {
    /// Whether there is any source at all.
    pub(super) fn exist(&self) -> bool {
        self.are_given() || self.secret.is_some()
    }

    /// Whether the operator gave them, so that the secret is left alone.
    fn are_given(&self) -> bool {
        self.options.url.is_some() || LibpqVariables(&self.options.variables).name_a_host()
    }

    /// Finds the credentials. `last` are those that worked or were tried before: they stand in while the secret can't be read for
    /// a reason that says nothing about them.
    pub(super) async fn find(&self, last: Option<&Credentials>) -> Result<Credentials, Problem> {
        if let Some((url, origin)) = &self.options.url {
            return self.in_url(url, origin.name()).await;
        }
        if self.are_given() {
            return self.in_variables().await;
        }
        let found = self.in_secret().await;
        match (found, last) {
            (Err(problem), Some(last)) if !is_about_the_secret(problem.kind) => Ok(last.clone()),
            (found, _) => found,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the parts of the URL are read, and its password is wrapped again"
    )]
    async fn in_url(&self, text: &SecretString, origin: &str) -> Result<Credentials, Problem> {
        let variables = LibpqVariables(&self.options.variables);
        let url = postgres_url::parse(text.expose_secret()).map_err(|why| {
            Problem::new(
                ProblemKind::Configuration,
                format!("the URL of {origin} can't be used: {why}"),
            )
            .advise(
                "write it as postgres://user:password@host:5432/database, special characters percent-encoded",
            )
        })?;
        let database = url.database.as_deref().or(variables.get("PGDATABASE"));
        let database = database.unwrap_or(&self.database.name);
        let user = url.user.as_deref().or(default_user(variables));
        let user = user.ok_or_else(|| no_user(origin))?;
        let port = url.port.unwrap_or(DEFAULT_PORT);
        let mut credentials = Credentials::new(&url.host, port, database, user, origin);
        credentials.password = url.password;
        credentials.application = url.application;
        let mode = url
            .tls
            .map_or_else(|| mode_of(variables), |mode| Ok(Some(mode)))?;
        let root_cert = url.root_cert.as_deref().or(variables.get("PGSSLROOTCERT"));
        complete(credentials, variables, mode, root_cert).await
    }

    async fn in_variables(&self) -> Result<Credentials, Problem> {
        let variables = LibpqVariables(&self.options.variables);
        let origin = "PG* variables";
        let address = variables.get("PGHOSTADDR");
        let host = variables.get("PGHOST").or(address).unwrap_or_default();
        let port = match variables.get("PGPORT") {
            Some(port) => port_of(port).ok_or_else(|| configuration("PGPORT is not a port number"))?,
            None => DEFAULT_PORT,
        };
        let database = variables.get("PGDATABASE").unwrap_or(&self.database.name);
        let user = default_user(variables).ok_or_else(|| no_user(origin))?;
        let mut credentials = Credentials::new(host, port, database, user, origin);
        credentials.address = address.map(str::to_owned);
        complete(
            credentials,
            variables,
            mode_of(variables)?,
            variables.get("PGSSLROOTCERT"),
        )
        .await
    }

    async fn in_secret(&self) -> Result<Credentials, Problem> {
        let keys = &self.database.secret;
        let Some(read) = self.secret else {
            return Err(configuration(
                "no credentials for the database: neither a URL, PG* variables nor a secret",
            ));
        };
        let data = within(SECRET_LIMIT, read(keys.name.clone()))
            .await
            .ok_or_else(|| {
                let seconds = SECRET_LIMIT.as_secs();
                let what = format!("the secret {} could not be read within {seconds} s", keys.name);
                Problem::new(ProblemKind::Frozen, &what)
            })??;
        from_data(&data, keys)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok()
}

/// Whether a failure to read the secret says that what it held no longer counts.
fn is_about_the_secret(kind: ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::SecretMissing | ProblemKind::SecretIncomplete | ProblemKind::NotFound
    )
}

fn configuration(what: &str) -> Problem {
    Problem::new(ProblemKind::Configuration, what)
}

fn no_user(origin: &str) -> Problem {
    configuration(&format!("{origin} names no user")).advise("name the user in the URL or in PGUSER")
}

fn default_user(variables: LibpqVariables<'_>) -> Option<&str> {
    variables.get("PGUSER").or(variables.get("USER"))
}

fn port_of(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

fn mode_of(variables: LibpqVariables<'_>) -> Result<Option<TlsMode>, Problem> {
    let mode = variables.get("PGSSLMODE").map(str::parse).transpose();
    mode.map_err(|error| configuration(&format!("PGSSLMODE is unknown: {error}")))
}

/// Adds what libpq adds: the password of the environment or of the password file, and the CA's file.
async fn complete(
    mut credentials: Credentials,
    variables: LibpqVariables<'_>,
    mode: Option<TlsMode>,
    root_cert: Option<&str>,
) -> Result<Credentials, Problem> {
    if credentials.password.is_none() {
        credentials.password = variables.get("PGPASSWORD").map(SecretString::from);
    }
    if credentials.password.is_none() {
        credentials.password = variables.password_on_file(&credentials).await;
    }
    credentials.tls = mode;
    match root_cert {
        // libpq's word for the operating system's roots
        Some("system") => credentials.tls = mode.or(Some(TlsMode::VerifyFull)),
        Some(path) => {
            credentials.ca = Some(read_ca(path).await?);
            if mode == Some(TlsMode::Require) {
                credentials.tls = Some(TlsMode::VerifyCa);
            }
        }
        None => {}
    }
    check(&credentials)?;
    Ok(credentials)
}

async fn read_ca(path: &str) -> Result<String, Problem> {
    let pem = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| configuration(&format!("the CA certificate {path} can't be read: {error}")))?;
    if !is_ca_bundle(&pem) {
        return Err(configuration(&format!(
            "{path} holds no usable CA certificate in PEM"
        )));
    }
    Ok(pem)
}

/// The wire protocol ends a string at a NUL, and nothing sensible holds any other control character.
#[expect(
    clippy::disallowed_methods,
    reason = "the password is looked through for a NUL"
)]
fn check(credentials: &Credentials) -> Result<(), Problem> {
    let texts = [&credentials.host, &credentials.database, &credentials.user];
    let odd = texts.iter().any(|text| text.chars().any(char::is_control));
    let password = credentials.password.as_ref();
    let odd = odd || password.is_some_and(|password| password.expose_secret().contains('\0'));
    if odd {
        let what = format!(
            "host, database, user or password of {} holds a control character",
            credentials.origin
        );
        return Err(configuration(&what));
    }
    Ok(())
}

/// Takes the credentials out of a secret's data.
#[expect(
    clippy::disallowed_methods,
    reason = "host, port, database and user are read, and the password is wrapped again"
)]
fn from_data(data: &BTreeMap<String, SecretString>, keys: &SecretKeys) -> Result<Credentials, Problem> {
    let value = |key: &str| {
        let value = data.get(key)?.expose_secret().trim_end_matches(['\r', '\n']);
        (!value.trim().is_empty()).then_some(value)
    };
    let needed = |key: &str| value(key).ok_or_else(|| incomplete(keys, key, "is missing or empty"));
    let port = match value(&keys.port) {
        Some(port) => {
            port_of(port.trim()).ok_or_else(|| incomplete(keys, &keys.port, "is not a port number"))?
        }
        None => DEFAULT_PORT,
    };
    let (host, database) = (needed(&keys.host)?.trim(), needed(&keys.database)?.trim());
    let user = needed(&keys.user)?.trim();
    let origin = format!("secret {}", keys.name);
    let mut credentials = Credentials::new(host, port, database, user, &origin);
    credentials.password = Some(needed(&keys.password)?.into());
    if let Some(key) = &keys.ca
        && let Some(pem) = value(key)
    {
        if !is_ca_bundle(pem) {
            return Err(incomplete(keys, key, "is not a usable CA certificate in PEM"));
        }
        credentials.ca = Some(pem.to_owned());
    }
    check(&credentials).map_err(|problem| Problem::new(ProblemKind::SecretIncomplete, &problem.what))?;
    Ok(credentials)
}

fn incomplete(keys: &SecretKeys, key: &str, why: &str) -> Problem {
    let what = format!("the secret {} can't be used: its key {key} {why}", keys.name);
    Problem::new(ProblemKind::SecretIncomplete, &what)
        .advise("correct the secret, or set the credentials with SOPWATCH_DATABASE_URL or PG* variables")
}
