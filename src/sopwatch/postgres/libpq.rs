//! The `PG*` variables and the password file, as libpq reads them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt;

use super::credentials::Credentials;

/// The largest password file that is read, bytes.
const PASSFILE_LIMIT: u64 = 1 << 20;

/// The variables that were given.
#[derive(Clone, Copy)]
pub(super) struct LibpqVariables<'a>(pub(super) &'a BTreeMap<String, SecretString>);

impl<'a> LibpqVariables<'a> {
    /// A variable that is set and not empty.
    #[expect(
        clippy::disallowed_methods,
        reason = "all but PGPASSWORD is no secret, and that is wrapped again"
    )]
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        let value = self.0.get(name)?.expose_secret();
        (!value.is_empty()).then_some(value)
    }

    /// Whether they say where the database is.
    pub(super) fn name_a_host(self) -> bool {
        self.get("PGHOST").is_some() || self.get("PGHOSTADDR").is_some()
    }

    /// Where passwords are kept: where the URL says, `PGPASSFILE`, else `~/.pgpass`.
    fn passfile(self, given: Option<&str>) -> Option<PathBuf> {
        let default = || Some(Path::new(self.get("HOME")?).join(".pgpass"));
        let given = given.or(self.get("PGPASSFILE")).map(PathBuf::from);
        given.or_else(default)
    }

    /// The password of the password file, where it has one; as libpq does, a file that others may read is not used.
    pub(super) async fn password_on_file(
        self,
        given: Option<&str>,
        credentials: &Credentials,
    ) -> PasswordFile {
        let found = async {
            let path = self.passfile(given)?;
            let file = tokio::fs::File::open(&path).await.ok()?;
            let metadata = file.metadata().await.ok()?;
            if !metadata.is_file() {
                return None;
            }
            if metadata.permissions().mode() & 0o077 != 0 {
                return Some(PasswordFile::IsOpen(path.display().to_string()));
            }
            let mut text = String::new();
            file.take(PASSFILE_LIMIT).read_to_string(&mut text).await.ok()?;
            let password = text.lines().find_map(|line| password_of(line, credentials))?;
            Some(PasswordFile::Has(password))
        };
        found.await.unwrap_or(PasswordFile::HasNone)
    }
}

/// What a password file has for somebody.
pub(super) enum PasswordFile {
    /// A password.
    Has(SecretString),
    /// It may not be used: others may read it. Its path.
    IsOpen(String),
    /// None, or there is no file.
    HasNone,
}

/// The password of a line `host:port:database:user:password` that matches; `*` matches all, `\` keeps a colon.
pub(super) fn password_of(line: &str, credentials: &Credentials) -> Option<SecretString> {
    let fields = fields_of(line.trim_end_matches('\r'))?;
    let port = credentials.port.to_string();
    let socket = credentials.host.starts_with('/') && fields[0] == "localhost";
    let wanted = [&credentials.host, &port, &credentials.database, &credentials.user];
    let matches = |(field, wanted): (&String, &&String)| field == "*" || field == *wanted;
    let mut pairs = fields.iter().zip(&wanted);
    let host = pairs.next().is_some_and(matches) || socket;
    (host && pairs.all(matches)).then(|| fields[4].as_str().into())
}

/// The five fields of a line; `None` for comments and lines that are not of that form.
fn fields_of(line: &str) -> Option<[String; 5]> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            '\\' => fields[last].push(chars.next().unwrap_or('\\')),
            ':' if last < 4 => fields.push(String::new()),
            _ => fields[last].push(c),
        }
    }
    fields.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test compares it")]
    fn the_password_file_is_read_as_libpq_does() {
        let credentials = Credentials::new("h", 5432, "d", "u", "test");
        let cases = [
            ("h:5432:d:u:secret", Some("secret")),
            ("*:*:*:*:any", Some("any")),
            (r"h:5432:d:u:a\:b\\c", Some(r"a:b\c")),
            ("h:5432:d:u:a:b", Some("a:b")),
            ("h:5433:d:u:other port", None),
            ("h:5432:d:x:other user", None),
            ("# h:5432:d:u:comment", None),
            ("h:5432:d:u", None),
            ("", None),
        ];
        for (line, password) in cases {
            let found = password_of(line, &credentials);
            let found = found.as_ref().map(ExposeSecret::expose_secret);
            assert_eq!(found, password, "{line}");
        }
    }
}
