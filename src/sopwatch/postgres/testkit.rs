//! The reader of password files, for the fuzz targets.

use secrecy::SecretString;

use super::credentials::Credentials;
use super::libpq::password_of;

/// The password that a line of a password file has for a role, a database and a server.
pub fn password_in(
    line: &str,
    (host, port): (&str, u16),
    database: &str,
    user: &str,
) -> Option<SecretString> {
    password_of(line, &Credentials::new(host, port, database, user, ""))
}
