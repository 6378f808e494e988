//! The expiry of a token. Pure.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

/// `exp` of a bearer token, if it is a JWT. OpenShift's `sha256~…` tokens tell nothing.
pub fn of_token(token: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let payload = token.trim().split('.').nth(1)?;
    let json = BASE64_URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .ok()?;
    let claims: Claims = serde_json::from_slice(&json).ok()?;
    Timestamp::from_second(claims.exp as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_jwt_tells_when_it_ends_and_other_tokens_do_not() {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"oncall","exp":1795348800}"#);
        assert_eq!(
            of_token(&format!("e30.{payload}.sig")),
            Some(stamp("2026-11-22T12:00:00Z"))
        );
        assert_eq!(of_token("sha256~abcdef"), None);
        assert_eq!(of_token("a.!!.c"), None);
    }
}
