//! URLs of databases and lines of password files: no part of a password is ever shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;
use sopwatch::net::postgres_url::{has_password, parse, without_password};
use sopwatch::postgres::testkit::password_in;
use sopwatch_core::text::Redacted;

/// A password as the corpus has it.
const PASSWORD: &str = "qzx7vkq9w";

fuzz_target!(|text: &str| {
    password_file(text);
    let read = parse(text);
    // Names of options and of other things are shown.
    let elsewhere = text.contains(&format!("{PASSWORD}=")) || text.matches(PASSWORD).count() != 1;
    match read {
        Ok(url) => {
            let password = url.password.as_ref().map(ExposeSecret::expose_secret);
            assert!(password.is_none_or(str::is_empty) || has_password(text), "{text}");
            if password.is_some_and(|password| password.contains(PASSWORD)) && !elsewhere {
                assert!(!without_password(text).contains(PASSWORD), "{text}");
                assert!(!Redacted::from(text).contains(PASSWORD), "{text}");
            }
        }
        Err(why) => {
            assert!(elsewhere || !why.contains(PASSWORD), "{why}");
        }
    }
});

/// What a line gives is in it, with every colon and backslash that it holds.
fn password_file(line: &str) {
    if let Some(found) = password_in(line, ("h", 5432), "d", "u") {
        let found = found.expose_secret();
        let quoted = found.replace('\\', "\\\\").replace(':', "\\:");
        let again = password_in(&format!("h:5432:d:u:{quoted}"), ("h", 5432), "d", "u");
        assert_eq!(again.as_ref().map(ExposeSecret::expose_secret), Some(found.trim_end_matches('\r')));
    }
}
