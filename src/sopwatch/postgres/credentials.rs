//! The credentials: who logs in where, and where that was written.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::libpq::{LibpqVariables, PasswordFile};
use super::options::{DatabaseOptions, ReadSecret};
use crate::net::postgres_url::{self, PostgresUrl, SessionAttrs};
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
    /// Further hosts, which are tried in this order.
    pub(super) others: Vec<Host>,
    /// Which of several servers will do.
    pub(super) session: SessionAttrs,
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
    /// A certificate of our own and its key, PEM.
    pub(super) identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether TLS begins without asking.
    pub(super) direct_tls: bool,
    /// Settings of the session, names and values.
    pub(super) settings: Vec<(String, String)>,
    /// How long one host may take to log in, where that is asked for.
    pub(super) connect_limit: Option<Duration>,
    /// A password file that is not used because others may read it.
    pub(super) open_passfile: Option<String>,
    /// The `application_name` that is asked for.
    pub(super) application: Option<String>,
    /// Where they were written, for the operator.
    pub(super) origin: String,
}

/// One of several hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// Host name or address.
    pub(super) name: String,
    /// Where to connect, if not to the name.
    pub(super) address: Option<String>,
    /// Port.
    pub(super) port: u16,
}

impl Credentials {
    /// The same for each of the hosts, in their order.
    pub(super) fn each_host(&self) -> Vec<Self> {
        let other = |host: &Host| Self {
            host: host.name.clone(),
            address: host.address.clone(),
            port: host.port,
            ..self.clone()
        };
        let mut all = vec![self.clone()];
        all.extend(self.others.iter().map(other));
        all
    }

    /// Credentials without a password, and without wishes about TLS.
    pub(super) fn new(host: &str, port: u16, database: &str, user: &str, origin: &str) -> Self {
        Self {
            host: host.to_owned(),
            address: None,
            port,
            others: Vec::new(),
            session: SessionAttrs::Any,
            database: database.to_owned(),
            user: user.to_owned(),
            password: None,
            tls: None,
            ca: None,
            identity: None,
            direct_tls: false,
            settings: Vec::new(),
            connect_limit: None,
            open_passfile: None,
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
        let origin = match url.ignored.as_slice() {
            [] => origin.to_owned(),
            ignored => format!("{origin} (ignored: {})", ignored.join(", ")),
        };
        let mut hosts = hosts_of(&url).into_iter();
        let first = hosts
            .next()
            .ok_or_else(|| configuration("the URL names no host"))?;
        let mut credentials = Credentials::new(&first.name, first.port, database, user, &origin);
        credentials.address = first.address;
        credentials.others = hosts.collect();
        let mode = match url.tls {
            Some(mode) => Some(mode),
            None => mode_of(variables)?,
        };
        let wishes = Wishes {
            mode,
            root_cert: url.root_cert.as_deref().or(variables.get("PGSSLROOTCERT")),
            certificate: url.client_cert.0.as_deref().or(variables.get("PGSSLCERT")),
            key: url.client_cert.1.as_deref().or(variables.get("PGSSLKEY")),
            passfile: url.passfile.as_deref(),
            session: match url.session {
                SessionAttrs::Any => session_of(variables)?,
                session => session,
            },
            connect_timeout: url.connect_timeout.or(timeout_of(variables)?),
        };
        credentials.password = url.password;
        credentials.application = url.application;
        credentials.direct_tls = url.direct_tls;
        credentials.settings = url.settings;
        complete(credentials, variables, wishes).await
    }

    async fn in_variables(&self) -> Result<Credentials, Problem> {
        let variables = LibpqVariables(&self.options.variables);
        let origin = "PG* variables";
        let list = |name: &str| -> Vec<String> {
            let list = variables.get(name).unwrap_or_default();
            list.split(',')
                .filter(|_| !list.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let (names, addresses, ports) = (list("PGHOST"), list("PGHOSTADDR"), list("PGPORT"));
        let count = names.len().max(addresses.len());
        let is_odd = |list: &[String]| !list.is_empty() && list.len() != count;
        if is_odd(&names) || is_odd(&addresses) || (ports.len() > 1 && ports.len() != count) {
            return Err(configuration(
                "PGHOST, PGHOSTADDR and PGPORT list another number of hosts each",
            ));
        }
        let host = |index: usize| {
            let port = ports.get(index).or(ports.first()).filter(|port| !port.is_empty());
            let port = match port {
                Some(port) => port_of(port).ok_or_else(|| configuration("PGPORT is not a port number"))?,
                None => DEFAULT_PORT,
            };
            let address = addresses.get(index).cloned();
            let name = names.get(index).cloned().or_else(|| address.clone());
            let name = name.unwrap_or_default();
            Ok(Host { name, address, port })
        };
        let hosts: Vec<_> = (0..count).map(host).collect::<Result<_, Problem>>()?;
        let mut hosts = hosts.into_iter();
        let first = hosts
            .next()
            .ok_or_else(|| configuration("PGHOST names no host"))?;
        let database = variables.get("PGDATABASE").unwrap_or(&self.database.name);
        let user = default_user(variables).ok_or_else(|| no_user(origin))?;
        let mut credentials = Credentials::new(&first.name, first.port, database, user, origin);
        credentials.address = first.address;
        credentials.others = hosts.collect();
        let wishes = Wishes {
            mode: mode_of(variables)?,
            root_cert: variables.get("PGSSLROOTCERT"),
            certificate: variables.get("PGSSLCERT"),
            key: variables.get("PGSSLKEY"),
            passfile: None,
            session: session_of(variables)?,
            connect_timeout: timeout_of(variables)?,
        };
        complete(credentials, variables, wishes).await
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

/// The hosts of a URL, at least one.
fn hosts_of(url: &PostgresUrl) -> Vec<Host> {
    let first = (url.host.clone(), url.port);
    let hosts = std::iter::once(first).chain(url.others.iter().cloned());
    let host = |(index, (name, port)): (usize, (String, Option<u16>))| Host {
        name,
        address: url.addresses.get(index).cloned(),
        port: port.unwrap_or(DEFAULT_PORT),
    };
    hosts.enumerate().map(host).collect()
}

fn session_of(variables: LibpqVariables<'_>) -> Result<SessionAttrs, Problem> {
    let session = variables.get("PGTARGETSESSIONATTRS").map(str::parse).transpose();
    let unknown = |()| {
        configuration(
            "PGTARGETSESSIONATTRS is none of any, read-write, read-only, primary, standby, prefer-standby",
        )
    };
    Ok(session.map_err(unknown)?.unwrap_or_default())
}

/// As libpq reads it, zero or less is without a limit of its own.
fn timeout_of(variables: LibpqVariables<'_>) -> Result<Option<u64>, Problem> {
    let seconds = variables
        .get("PGCONNECT_TIMEOUT")
        .map(str::parse::<i64>)
        .transpose();
    let seconds =
        seconds.map_err(|_not_a_number| configuration("PGCONNECT_TIMEOUT is not a number of seconds"))?;
    Ok(seconds
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0))
}

/// What the source asks for besides who logs in where.
struct Wishes<'a> {
    mode: Option<TlsMode>,
    root_cert: Option<&'a str>,
    certificate: Option<&'a str>,
    key: Option<&'a str>,
    passfile: Option<&'a str>,
    session: SessionAttrs,
    /// Seconds.
    connect_timeout: Option<u64>,
}

/// Adds what libpq adds: the password of the environment or of the password file, the CA's file, and the client's certificate.
async fn complete(
    mut credentials: Credentials,
    variables: LibpqVariables<'_>,
    wishes: Wishes<'_>,
) -> Result<Credentials, Problem> {
    let mode = wishes.mode;
    credentials.session = wishes.session;
    credentials.connect_limit = wishes
        .connect_timeout
        .map(|seconds| Duration::from_secs(seconds.min(60)));
    if credentials.password.is_none() {
        credentials.password = variables.get("PGPASSWORD").map(SecretString::from);
    }
    if credentials.password.is_none() {
        match variables.password_on_file(wishes.passfile, &credentials).await {
            PasswordFile::Has(password) => credentials.password = Some(password),
            PasswordFile::IsOpen(path) => credentials.open_passfile = Some(path),
            PasswordFile::HasNone => {}
        }
    }
    credentials.tls = mode;
    match wishes.root_cert {
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
    credentials.identity = client_certificate(variables, wishes.certificate, wishes.key).await?;
    check(&credentials)?;
    Ok(credentials)
}

/// Our certificate and its key: those that are named, else `postgresql.crt` and `postgresql.key` in `~/.postgresql`, where libpq looks.
async fn client_certificate(
    variables: LibpqVariables<'_>,
    certificate: Option<&str>,
    key: Option<&str>,
) -> Result<Option<(Vec<u8>, Vec<u8>)>, Problem> {
    let default = |name: &str| Some(format!("{}/.postgresql/{name}", variables.get("HOME")?));
    let read = async |given: Option<&str>, name: &str| {
        let Some(path) = given.map(str::to_owned).or_else(|| default(name)) else {
            return Ok(None);
        };
        match tokio::fs::read(&path).await {
            Ok(pem) => Ok(Some(pem)),
            Err(_absent) if given.is_none() => Ok(None),
            Err(error) => Err(configuration(&format!(
                "{path}, which sslcert or sslkey names, can't be read: {error}"
            ))),
        }
    };
    let certificate_pem = read(certificate, "postgresql.crt").await?;
    let Some(certificate_pem) = certificate_pem else {
        return Ok(None);
    };
    match read(key, "postgresql.key").await? {
        Some(key) => Ok(Some((certificate_pem, key))),
        None => Err(configuration(
            "the client certificate of the database has no key (sslkey, PGSSLKEY)",
        )),
    }
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
