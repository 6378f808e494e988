//! `postgres://` URLs: [`parse`] reads one strictly and refuses what a raw character in the password leaves open; [`without_password`] shows
//! any, also one that can't be read, and rather hides too much.

use secrecy::SecretString;

use super::percent_decoded;
use super::tls::TlsMode;
use sopwatch_core::text::Redacted;
use sopwatch_core::text::redact::REDACTED;

/// What a URL says; what it leaves out is filled from elsewhere. Not `Debug`: it holds the password.
#[derive(Default)]
pub struct PostgresUrl {
    /// Host name, address, or directory of a socket; the first of several.
    pub host: String,
    /// Port of the first.
    pub port: Option<u16>,
    /// Further hosts, which are tried in this order.
    pub others: Vec<(String, Option<u16>)>,
    /// Where to connect in place of the hosts, in their order (`hostaddr`).
    pub addresses: Vec<String>,
    /// Database name.
    pub database: Option<String>,
    /// Role.
    pub user: Option<String>,
    /// Password.
    pub password: Option<SecretString>,
    /// `sslmode`.
    pub tls: Option<TlsMode>,
    /// `sslrootcert`.
    pub root_cert: Option<String>,
    /// `sslcert` and `sslkey`.
    pub client_cert: (Option<String>, Option<String>),
    /// Whether TLS begins without asking (`sslnegotiation=direct`).
    pub direct_tls: bool,
    /// `application_name`.
    pub application: Option<String>,
    /// `connect_timeout`, seconds.
    pub connect_timeout: Option<u64>,
    /// `target_session_attrs`.
    pub session: SessionAttrs,
    /// `passfile`.
    pub passfile: Option<String>,
    /// Settings of the session (`options`), names and values.
    pub settings: Vec<(String, String)>,
    /// Options of libpq that change nothing here, by name.
    pub ignored: Vec<String>,
}

/// Which server will do, of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionAttrs {
    /// Any.
    #[default]
    Any,
    /// One that takes changes.
    ReadWrite,
    /// One that takes none.
    ReadOnly,
    /// One that is not a standby.
    Primary,
    /// A standby.
    Standby,
    /// A standby, else any.
    PreferStandby,
}

impl std::str::FromStr for SessionAttrs {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "any" => Ok(Self::Any),
            "read-write" => Ok(Self::ReadWrite),
            "read-only" => Ok(Self::ReadOnly),
            "primary" => Ok(Self::Primary),
            "standby" => Ok(Self::Standby),
            "prefer-standby" => Ok(Self::PreferStandby),
            _ => Err(()),
        }
    }
}

/// Reads a URL. The error says what is wrong and shows no part of the URL but the name of an option.
pub fn parse(text: &str) -> Result<PostgresUrl, String> {
    let rest =
        without_scheme(text.trim_end_matches(['\r', '\n'])).ok_or("it does not begin with postgres://")?;
    let (credentials, rest) = split_credentials(rest)?;
    let mut url = PostgresUrl::default();
    if let Some(credentials) = credentials {
        read_credentials(credentials, &mut url)?;
    }
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = location.split_once('/').unwrap_or((location, ""));
    let mut hosts = Hosts::of(authority)?;
    let database = percent_decoded(database).ok_or("its database name is not percent-encoded properly")?;
    if database.contains('/') {
        return Err(
            "its database name holds a slash: leave it out, or give the name as the option dbname".into(),
        );
    }
    url.database = (!database.is_empty()).then_some(database);
    for option in query.split('&').filter(|option| !option.is_empty()) {
        read_option(option, &mut url, &mut hosts)?;
    }
    hosts.fill(&mut url)?;
    let in_credentials = credentials.and_then(|credentials| credentials.split_once(':'));
    let in_options = query
        .split('&')
        .filter_map(|option| option.strip_prefix("password="));
    let passwords = in_credentials.map(|(_, password)| password).into_iter();
    if !passwords
        .chain(in_options)
        .all(|password| is_hidden(text, password))
    {
        return Err(
            "its password could not be hidden where the URL is shown: write all but its letters and digits as %XX".into(),
        );
    }
    Ok(url)
}

/// Whether all of a password is hidden wherever its URL is shown: no piece of it may show that is not elsewhere in the URL as well.
fn is_hidden(url: &str, password: &str) -> bool {
    /// Signs in a row that tell something of a password.
    const TELLING: usize = 5;
    let others = url.replacen(password, " ", 1) + REDACTED;
    let shown = [Redacted::from(url).to_string(), without_password(url)];
    let signs: Vec<char> = password.chars().collect();
    let mut pieces = signs.windows(signs.len().clamp(1, TELLING));
    pieces.all(|piece| {
        let piece: String = piece.iter().collect();
        others.contains(&piece) || !shown.iter().any(|shown| shown.contains(&piece))
    })
}

/// Whether a text is a PostgreSQL URL at all.
pub fn is_postgres(url: &str) -> bool {
    without_scheme(url).is_some()
}

fn without_scheme(url: &str) -> Option<&str> {
    ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))
}

/// Whether a URL holds a password, before the host or among the parameters.
pub fn has_password(url: &str) -> bool {
    let in_user = user_part(url).is_some_and(|(user, _)| user.contains(':'));
    in_user || parameters(url).any(is_secret)
}

/// The URL without its password. A password may hold any sign, so everything up to the last `@` counts as user and password:
/// rather too much is hidden than too little.
pub fn without_password(url: &str) -> String {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let shown = match user_part(url) {
        Some((user, rest)) => {
            let name = user.split(':').next().unwrap_or("");
            format!("{scheme}://{name}@{rest}")
        }
        None => url.to_owned(),
    };
    let Some((head, _)) = shown.split_once('?') else {
        return shown;
    };
    let open: Vec<&str> = parameters(&shown)
        .filter(|parameter| !is_secret(parameter))
        .collect();
    if open.is_empty() {
        head.to_owned()
    } else {
        format!("{head}?{}", open.join("&"))
    }
}

/// The part before the last `@`, and the part after it: a password may hold an `@` itself.
fn user_part(url: &str) -> Option<(&str, &str)> {
    url.split_once("://")?.1.rsplit_once('@')
}

fn parameters(url: &str) -> impl Iterator<Item = &str> {
    url.split_once('?')
        .map_or("", |(_, query)| query)
        .split('&')
        .filter(|parameter| !parameter.is_empty())
}

fn is_secret(parameter: &str) -> bool {
    let key = parameter.split('=').next().unwrap_or("").to_ascii_lowercase();
    key.contains("pass")
}

/// Splits at the last `@`, since a password may hold one; with a `?` before it nobody can tell where the password ends.
fn split_credentials(rest: &str) -> Result<(Option<&str>, &str), String> {
    match rest.rsplit_once('@') {
        Some((credentials, _)) if credentials.contains('?') => {
            Err("it holds an @ after a ?: write @ as %40 and ? as %3F in the password and in options".into())
        }
        Some((credentials, rest)) => Ok((Some(credentials), rest)),
        None => Ok((None, rest)),
    }
}

fn read_credentials(text: &str, url: &mut PostgresUrl) -> Result<(), String> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    // Before the `:` these end the user name for whoever hides the password.
    if user.contains(|sign: char| sign == '/' || ends_a_quotation(sign)) {
        return Err(
            "its user name holds a slash, a quote or a blank: write / as %2F, ' as %27, \" as %22".into(),
        );
    }
    // In the password they may end the whole URL for them.
    if password.is_some_and(|password| password.contains(ends_a_quotation)) {
        return Err(
            "its password holds a quote or a blank: write ' as %27, \" as %22, a blank as %20".into(),
        );
    }
    let user = percent_decoded(user).ok_or("its user name is not percent-encoded properly")?;
    url.user = (!user.is_empty()).then_some(user);
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        let password = percent_decoded(password).ok_or("a % in its password has to be written %25")?;
        url.password = Some(password.into());
    }
    Ok(())
}

/// Whether a URL that is quoted in a text may end before this sign.
fn ends_a_quotation(sign: char) -> bool {
    matches!(sign, '"' | '\'') || sign.is_whitespace()
}

/// The hosts of a URL: before the path, or as the options `host` and `port`.
struct Hosts {
    names: Vec<String>,
    ports: Vec<Option<u16>>,
}

impl Hosts {
    fn of(authority: &str) -> Result<Self, String> {
        let mut hosts = Self {
            names: Vec::new(),
            ports: Vec::new(),
        };
        for one in authority.split(',').filter(|_| !authority.is_empty()) {
            let (name, port) = read_host(one)?;
            hosts.names.push(name);
            hosts.ports.push(port);
        }
        Ok(hosts)
    }

    fn fill(self, url: &mut PostgresUrl) -> Result<(), String> {
        let mut names = self.names;
        if names.is_empty() {
            names.clone_from(&url.addresses);
        }
        if names.is_empty() || names.iter().any(String::is_empty) {
            return Err("it names no host".into());
        }
        let port_of = |index: usize| match self.ports.as_slice() {
            // One port is that of all hosts.
            [port] => *port,
            ports => ports.get(index).copied().flatten(),
        };
        if self.ports.len() > 1 && self.ports.len() != names.len() {
            let hosts = counted(names.len(), "host", "hosts");
            let ports = counted(self.ports.len(), "port", "ports");
            return Err(format!(
                "it names {hosts} but {ports}: give one port, or one for each host"
            ));
        }
        if !url.addresses.is_empty() && url.addresses.len() != names.len() {
            let hosts = counted(names.len(), "host", "hosts");
            let addresses = counted(url.addresses.len(), "address", "addresses");
            return Err(format!(
                "it names {hosts} but {addresses} in hostaddr: give one address for each host"
            ));
        }
        let mut all = names
            .into_iter()
            .enumerate()
            .map(|(index, name)| (name, port_of(index)));
        (url.host, url.port) = all.next().unwrap_or_default();
        url.others = all.collect();
        Ok(())
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn read_host(text: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']').ok_or("its host lacks a ]")?;
            (host, rest)
        }
        None => text.find(':').map_or((text, ""), |colon| text.split_at(colon)),
    };
    let host = percent_decoded(host).ok_or("its host is not percent-encoded properly")?;
    check_host(&host)?;
    match port.strip_prefix(':').unwrap_or(port) {
        "" => Ok((host, None)),
        digits => Ok((host, Some(read_port(digits)?))),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || "._-:/".contains(c);
    if host.is_empty() {
        return Err("it names no host".into());
    }
    if !host.chars().all(is_host) {
        return Err(
            "its host is not a host name: special characters of the password have to be percent-encoded"
                .into(),
        );
    }
    Ok(())
}

fn read_port(digits: &str) -> Result<u16, String> {
    let port = digits.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "its port is not a number from 1 to 65535".into())
}

/// Options of libpq that change nothing here, whatever their value: how a connection is kept alive is ours, what is sent is UTF-8, and
/// there is no GSSAPI.
const HARMLESS: [&str; 15] = [
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "sslcompression",
    "sslsni",
    "tcp_user_timeout",
];

/// Options of libpq that are refused: without them the connection would be less safe than was asked for, or another one.
const REFUSED: [&str; 14] = [
    "channel_binding",
    "gssencmode",
    "options",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslpassword",
];

fn read_option(option: &str, url: &mut PostgresUrl, hosts: &mut Hosts) -> Result<(), String> {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    // The name could be a piece of a password, too.
    let value = percent_decoded(value).ok_or("the value of an option is not percent-encoded properly")?;
    match (name, value.as_str()) {
        ("sslmode", _) => {
            let mode = value.parse();
            url.tls = Some(mode.map_err(|error| format!("its sslmode is unknown: {error}"))?);
        }
        // What other programs' URLs say, libpq takes, too.
        ("ssl", "true") | ("requiressl", "1") => url.tls = url.tls.or(Some(TlsMode::Require)),
        ("sslrootcert", _) => url.root_cert = Some(value),
        ("sslcert", _) => url.client_cert.0 = Some(value),
        ("sslkey", _) => url.client_cert.1 = Some(value),
        ("sslnegotiation", "direct") => url.direct_tls = true,
        ("sslnegotiation", "postgres") => {}
        ("application_name", _) => url.application = Some(value),
        ("host", list) => {
            hosts.names = list.split(',').map(str::to_owned).collect();
            hosts.names.iter().try_for_each(|host| check_host(host))?;
        }
        ("hostaddr", list) => {
            url.addresses = list.split(',').map(str::to_owned).collect();
            url.addresses.iter().try_for_each(|host| check_host(host))?;
        }
        ("port", list) => {
            let ports = list.split(',').map(|port| match port {
                "" => Ok(None),
                digits => read_port(digits).map(Some),
            });
            hosts.ports = ports.collect::<Result<_, _>>()?;
        }
        ("dbname", _) => url.database = Some(value),
        ("user", _) => url.user = Some(value),
        ("password", _) => url.password = Some(value.into()),
        ("passfile", _) => url.passfile = Some(value),
        ("connect_timeout", digits) => {
            let seconds: i64 = digits
                .parse()
                .map_err(|_not_a_number| "its connect_timeout is not a number of seconds")?;
            url.connect_timeout = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
        }
        ("target_session_attrs", word) => {
            url.session = word.parse().map_err(|()| {
                "its target_session_attrs is none of any, read-write, read-only, primary, standby, prefer-standby"
            })?;
        }
        ("options", text) if read_settings(text, &mut url.settings).is_some() => {}
        // As `psql` without GSSAPI, and without what the server has not to offer.
        ("gssencmode" | "channel_binding", "disable" | "prefer")
        | ("ssl_min_protocol_version", "TLSv1" | "TLSv1.1" | "TLSv1.2") => url.ignored.push(name.to_owned()),
        ("channel_binding", "require") => {
            return Err(
                "its channel_binding=require can't be kept: sslmode=verify-full protects as well".into(),
            );
        }
        ("gssencmode", "require") => {
            return Err("its gssencmode=require can't be kept: there is no GSSAPI here, use sslmode".into());
        }
        ("service" | "servicefile", _) => {
            return Err(
                "its service is not looked up here: write host, database and user into the URL".into(),
            );
        }
        _ if HARMLESS.contains(&name) => url.ignored.push(name.to_owned()),
        _ if REFUSED.contains(&name) => {
            return Err(format!(
                "the value of its option {name} is not supported: leave the option out"
            ));
        }
        // It could be a piece of a password.
        _ => {
            return Err(
                "it holds an option that is not known here (not shown, it may be part of the password): write & in the \
                 password as %26"
                    .into(),
            );
        }
    }
    Ok(())
}

/// Reads `-c name=value`, `-cname=value` and `--name=value`; `None` where there is anything else.
fn read_settings(text: &str, settings: &mut Vec<(String, String)>) -> Option<()> {
    let mut words = text.split_ascii_whitespace();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("-c").or_else(|| word.strip_prefix("--")) {
            Some("") => words.next()?,
            Some(setting) => setting,
            None => return None,
        };
        let (name, value) = setting.split_once('=')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if name.is_empty() || !name.chars().all(plain) || value.contains('\\') {
            return None;
        }
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test compares it")]
    fn shown(
        text: &str,
    ) -> (
        String,
        Option<u16>,
        Option<String>,
        Option<String>,
        Option<String>,
    ) {
        let url = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let password = url.password.map(|password| password.expose_secret().to_owned());
        (url.host, url.port, url.database, url.user, password)
    }

    #[test]
    fn urls_are_read() {
        let cases = [
            (
                "postgres://u:p@h:5433/d",
                ("h", Some(5433), Some("d"), Some("u"), Some("p")),
            ),
            ("postgresql://u@h", ("h", None, None, Some("u"), None)),
            ("postgres://h/d", ("h", None, Some("d"), None, None)),
            (
                "postgres://u:p@h/d\n",
                ("h", None, Some("d"), Some("u"), Some("p")),
            ),
            (
                "postgres://u:p%2F%3A%40%25%20%27@h/d",
                ("h", None, Some("d"), Some("u"), Some("p/:@% '")),
            ),
            (
                "postgres://u:p@ss/wo#rd@h/d",
                ("h", None, Some("d"), Some("u"), Some("p@ss/wo#rd")),
            ),
            (
                "postgres://u:a:b@h/d",
                ("h", None, Some("d"), Some("u"), Some("a:b")),
            ),
            (
                "postgres://u:p@[::1]:5433/d",
                ("::1", Some(5433), Some("d"), Some("u"), Some("p")),
            ),
            (
                "postgres://u@%2Frun%2Fpostgresql/d",
                ("/run/postgresql", None, Some("d"), Some("u"), None),
            ),
        ];
        for (text, (host, port, database, user, password)) in cases {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let expected = (
                host.to_owned(),
                port,
                owned(database),
                owned(user),
                owned(password),
            );
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn options_are_honoured() {
        let url =
            parse("postgres://u@h/d?sslmode=verify-full&sslrootcert=%2Fca.pem&application_name=x%20y").ok();
        let url = url.expect("a proper URL");
        assert_eq!(url.tls, Some(TlsMode::VerifyFull));
        assert_eq!(url.root_cert.as_deref(), Some("/ca.pem"));
        assert_eq!(url.application.as_deref(), Some("x y"));
    }

    /// What is compared of a URL: hosts, addresses, database, user, password.
    type Place<'a> = (
        &'a [(&'a str, Option<u16>)],
        &'a [&'a str],
        Option<&'a str>,
        Option<&'a str>,
        Option<&'a str>,
    );

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test compares it")]
    fn hosts_and_names_may_be_options_as_for_libpq() {
        let cases: [(&str, Place<'_>); 7] = [
            (
                "postgres://u@h1:1,h2:2/d",
                (
                    &[("h1", Some(1)), ("h2", Some(2))],
                    &[],
                    Some("d"),
                    Some("u"),
                    None,
                ),
            ),
            (
                "postgres://u@h1,h2:2/d",
                (&[("h1", None), ("h2", Some(2))], &[], Some("d"), Some("u"), None),
            ),
            (
                "postgres:///d?host=/run/pg&user=u",
                (&[("/run/pg", None)], &[], Some("d"), Some("u"), None),
            ),
            (
                "postgres:///?host=h1,h2&port=7&dbname=d",
                (&[("h1", Some(7)), ("h2", Some(7))], &[], Some("d"), None, None),
            ),
            (
                "postgres:///d?host=h1,h2&port=7,",
                (&[("h1", Some(7)), ("h2", None)], &[], Some("d"), None, None),
            ),
            (
                "postgres://h/d?password=p%40w",
                (&[("h", None)], &[], Some("d"), None, Some("p@w")),
            ),
            (
                "postgres://h/d?hostaddr=10.0.0.1",
                (&[("h", None)], &["10.0.0.1"], Some("d"), None, None),
            ),
        ];
        for (text, (hosts, addresses, database, user, password)) in cases {
            let url = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let mut found = vec![(url.host.as_str(), url.port)];
            found.extend(url.others.iter().map(|(host, port)| (host.as_str(), *port)));
            assert_eq!(found, hosts, "{text}");
            assert_eq!(url.addresses, addresses, "{text}");
            let secret = url.password.as_ref().map(ExposeSecret::expose_secret);
            assert_eq!(
                (url.database.as_deref(), url.user.as_deref(), secret),
                (database, user, password),
                "{text}"
            );
        }
    }

    #[test]
    fn options_of_libpq_are_used_or_said_to_be_ignored() {
        let url = parse(
            "postgres://h/d?connect_timeout=7&target_session_attrs=primary&sslcert=%2Fc.pem&sslkey=%2Fk.pem&passfile=%2Fp\
             &options=-c%20search_path%3Da%2Cb%20--work-mem%3D4MB&sslnegotiation=direct&gssencmode=disable&channel_binding=prefer\
             &keepalives=1",
        );
        let url = url.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (url.connect_timeout, url.session),
            (Some(7), SessionAttrs::Primary)
        );
        assert_eq!(url.client_cert, (Some("/c.pem".into()), Some("/k.pem".into())));
        assert_eq!(url.passfile.as_deref(), Some("/p"));
        let settings = [("search_path", "a,b"), ("work_mem", "4MB")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(url.settings, settings);
        assert!(url.direct_tls);
        assert_eq!(url.ignored, ["gssencmode", "channel_binding", "keepalives"]);
        let tls = |option: &str| {
            parse(&format!("postgres://h/d?{option}"))
                .ok()
                .and_then(|url| url.tls)
        };
        assert_eq!(
            (tls("ssl=true"), tls("requiressl=1")),
            (Some(TlsMode::Require), Some(TlsMode::Require))
        );
        assert_eq!(tls("sslmode=verify-full&ssl=true"), Some(TlsMode::VerifyFull));
        // As libpq reads it, zero is without limit.
        assert_eq!(
            parse("postgres://h/d?connect_timeout=0")
                .ok()
                .and_then(|url| url.connect_timeout),
            None
        );
    }

    #[test]
    fn what_can_not_be_read_is_refused_without_showing_the_password() {
        let cases = [
            ("mysql://u:s3cret@h/d", "postgres://"),
            ("host=h password=s3cret", "postgres://"),
            ("postgres://u:s3cret%@h/d", "%25"),
            ("postgres://u:s3cret%zz@h/d", "%25"),
            ("postgres://u:x?s3cret@h/d", "%3F"),
            ("postgres://u:p@h/d?application_name=a@s3cret", "%3F"),
            ("postgres://u:s3cret", "port"),
            ("postgres://u:s3cret/x", "port"),
            ("postgres://u:p@h:s3cret/d", "port"),
            ("postgres://u:p@h:0/d", "port"),
            ("postgres://u:p@h#s3cret", "host"),
            ("postgres://u:s3cret@/d", "no host"),
            ("postgres://u:p@h/d/s3cret", "option dbname"),
            ("postgres://u:p@h/d?sslmode=s3cret", "sslmode"),
            (
                "postgres://u:p@h/d?require_auth=s3cret",
                "the value of its option require_auth is not supported",
            ),
            ("postgres://u:p@h/d?port=s3cret", "port"),
            ("postgres://u:p@h/d?host=s3cret%20x", "host"),
            (
                "postgres://u:p@h1,h2/d?port=1,2,3",
                "names 2 hosts but 3 ports: give",
            ),
            ("postgres://u:p@h/d?port=1,2", "names 1 host but 2 ports: give"),
            (
                "postgres://u:p@h1,h2/d?hostaddr=10.0.0.1",
                "names 2 hosts but 1 address in hostaddr",
            ),
            (
                "postgres://u:p@h/d?hostaddr=10.0.0.1,10.0.0.2",
                "names 1 host but 2 addresses in hostaddr",
            ),
            ("postgres://u:p@h/d?channel_binding=require", "channel_binding"),
            ("postgres://u:p@h/d?gssencmode=require", "gssencmode"),
            ("postgres://u:p@h/d?connect_timeout=s3cret", "connect_timeout"),
            (
                "postgres://u:p@h/d?target_session_attrs=s3cret",
                "target_session_attrs",
            ),
            ("postgres://u:p@h/d?service=s3cret", "service"),
            ("postgres://u:p@h/d?sslcrl=s3cret", "sslcrl"),
            ("postgres:///d?user=s3cret", "no host"),
            (
                "postgres://u:p@h/d?options=-c",
                "its option options is not supported",
            ),
            ("postgres://u:p@h/d?s3cret=1", "password as %26"),
            ("postgres://u:p@h/d?s3cret=%zz", "not percent-encoded"),
            ("postgres://u:s3cret%00@h/d", "%25"),
            ("postgres://u/x:s3cret@h/d", "user name"),
            ("postgres://u\"x:s3cret@h/d", "user name"),
            ("postgres://u x:s3cret@h/d", "user name"),
            ("postgres://u:p@x's3cret@h/d", "its password holds a quote"),
            ("postgres://u:1's3cret@h/d", "its password holds a quote"),
            ("postgres://u:p\"s3cret@h/d", "its password holds a quote"),
            ("postgres://u:p s3cret@h/d", "its password holds a quote"),
            ("postgres://h/d?password=x,h:2/d?y=s3cret", "could not be hidden"),
        ];
        for (text, part) in cases {
            let Err(error) = parse(text) else {
                panic!("{text} was read");
            };
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{text}: {error}");
        }
    }

    #[test]
    fn passwords_are_found_and_never_shown() {
        let cases = [
            (
                "postgres://oncall@db:5432/x",
                false,
                "postgres://oncall@db:5432/x",
            ),
            (
                "postgres://db/x?sslmode=require",
                false,
                "postgres://db/x?sslmode=require",
            ),
            ("postgres://oncall:pw@db/x", true, "postgres://oncall@db/x"),
            ("postgresql://o:p/w:@ %@db/x?a=b", true, "postgresql://o@db/x?a=b"),
            ("postgres://o:p?w@db/x", true, "postgres://o@db/x"),
            ("postgres://db/x?password=pw&a=b", true, "postgres://db/x?a=b"),
            ("postgres://db/x?PassWord=pw", true, "postgres://db/x"),
        ];
        for (url, has, shown) in cases {
            assert_eq!(has_password(url), has, "{url}");
            assert_eq!(without_password(url), shown, "{url}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_password_survives_when_it_is_encoded(password in "[^\\p{Cc}]{1,20}") {
            let encoded: Vec<_> = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let encoded = encoded.concat();
            let (host, .., found) = shown(&format!("postgres://u:{encoded}@h:5432/d"));
            proptest::prop_assert_eq!((host.as_str(), found), ("h", Some(password)));
        }

        #[test]
        fn a_raw_password_is_read_whole_or_refused(password in "[ -~]{1,12}") {
            if let Ok(url) = parse(&format!("postgres://u:{password}@h.example:5432/d")) {
                proptest::prop_assert_eq!(url.host, "h.example");
                proptest::prop_assert_eq!((url.port, url.user.as_deref()), (Some(5432), Some("u")));
            }
        }
    }
}
