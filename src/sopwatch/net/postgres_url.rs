//! `postgres://` URLs: [`parse`] reads one strictly and refuses what a raw character in the password leaves open; [`without_password`] shows
//! any, also one that can't be read, and rather hides too much.

use secrecy::SecretString;

use super::percent_decoded;
use super::tls::TlsMode;

/// What a URL says; what it leaves out is filled from elsewhere. Not `Debug`: it holds the password.
#[derive(Default)]
pub struct PostgresUrl {
    /// Host name, address, or directory of a socket.
    pub host: String,
    /// Port.
    pub port: Option<u16>,
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
    /// `application_name`.
    pub application: Option<String>,
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
    (url.host, url.port) = read_authority(authority)?;
    let database = percent_decoded(database).ok_or("its database name is not percent-encoded properly")?;
    if database.contains('/') {
        return Err("its database name holds a slash".into());
    }
    url.database = (!database.is_empty()).then_some(database);
    for option in query.split('&').filter(|option| !option.is_empty()) {
        read_option(option, &mut url)?;
    }
    Ok(url)
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
    let user = percent_decoded(user).ok_or("its user name is not percent-encoded properly")?;
    url.user = (!user.is_empty()).then_some(user);
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        let password = percent_decoded(password).ok_or("a % in its password has to be written %25")?;
        url.password = Some(password.into());
    }
    Ok(())
}

fn read_authority(text: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']').ok_or("its host lacks a ]")?;
            (host, rest)
        }
        None => text.find(':').map_or((text, ""), |colon| text.split_at(colon)),
    };
    let host = percent_decoded(host).ok_or("its host is not percent-encoded properly")?;
    let is_host = |c: char| c.is_ascii_alphanumeric() || "._-:/".contains(c);
    if host.is_empty() {
        return Err("it names no host".into());
    }
    if !host.chars().all(is_host) {
        return Err("its host is not a host name: one host is expected, and special characters of the password percent-encoded".into());
    }
    match port.strip_prefix(':').unwrap_or(port) {
        "" => Ok((host, None)),
        digits => {
            let port = digits.parse().ok().filter(|port| *port > 0);
            Ok((
                host,
                Some(port.ok_or("its port is not a number from 1 to 65535")?),
            ))
        }
    }
}

fn read_option(option: &str, url: &mut PostgresUrl) -> Result<(), String> {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    let value =
        percent_decoded(value).ok_or_else(|| format!("its option {name} is not percent-encoded properly"))?;
    match name {
        "sslmode" => {
            let mode = value.parse();
            url.tls = Some(mode.map_err(|error| format!("its sslmode is unknown: {error}"))?);
        }
        "sslrootcert" => url.root_cert = Some(value),
        "application_name" => url.application = Some(value),
        _ if is_option_name(name) => {
            return Err(format!(
                "its option {name} is not supported: sslmode, sslrootcert and application_name are"
            ));
        }
        _ => return Err("it holds an option without a proper name".into()),
    }
    Ok(())
}

/// Whether a refused option may be shown by name: short and of letters, as libpq's are; anything else could be a piece of a password.
fn is_option_name(name: &str) -> bool {
    const KNOWN: [&str; 20] = [
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "passfile",
        "connect_timeout",
        "options",
        "client_encoding",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslcrl",
        "sslnegotiation",
        "channel_binding",
        "target_session_attrs",
        "keepalives",
        "gssencmode",
        "statement_timeout",
    ];
    KNOWN.contains(&name)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

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
            ("postgres://u:p@h1,s3cret/d", "host"),
            ("postgres://u:s3cret@/d", "no host"),
            ("postgres://u:p@h/d/s3cret", "slash"),
            ("postgres://u:p@h/d?sslmode=s3cret", "sslmode"),
            ("postgres://u:p@h/d?password=s3cret", "password is not supported"),
            ("postgres://u:p@h/d?options=-c", "options is not supported"),
            ("postgres://u:p@h/d?s3cret=1", "proper name"),
            ("postgres://u:s3cret%00@h/d", "%25"),
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
