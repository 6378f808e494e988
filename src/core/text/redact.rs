//! Secrets in text from outside are replaced before anything else sees them.

use std::borrow::Cow;
use std::sync::{LazyLock, OnceLock};

use memchr::memmem::Finder;
use regex::{Captures, Regex};
use serde_json::Value;

use super::SafeText;

/// What stands where a secret stood.
pub const REDACTED: &str = "⟨redacted⟩";

/// Text that somebody else worded (a log line, a server's error, a reason, a value of a report): safe, and without secrets.
///
/// There is no way to build one that skips either, so what holds one needs no second look. A name that is shown as it is, such as a pod's,
/// is [`SafeText`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Redacted(pub(super) SafeText);

impl Redacted {
    /// The first `max_chars` characters; what was longer ends with `…` and is no longer than that either.
    pub fn cut(text: impl Into<Self>, max_chars: usize) -> Self {
        // No secret is looked for in what is left: beside a cut, plain text looks like the rest of one.
        Self(SafeText::cut(&text.into(), max_chars))
    }

    /// The text without its middle where it has more than so many characters, as [`SafeText::shortened`] leaves it out.
    pub fn shortened(text: impl Into<Self>, max_chars: usize) -> Self {
        Self(SafeText::shortened(&text.into(), max_chars))
    }
}

impl From<SafeText> for Redacted {
    fn from(text: SafeText) -> Self {
        if let Cow::Owned(redacted) = redact(&text) {
            return Self(SafeText::new(&redacted));
        }
        Self(text)
    }
}

impl From<&SafeText> for Redacted {
    fn from(text: &SafeText) -> Self {
        Self::from(text.clone())
    }
}

impl From<&str> for Redacted {
    /// A secret is looked for before and after: a control character inside one may hide it from either look.
    fn from(text: &str) -> Self {
        Self::from(SafeText::new(&redact(text)))
    }
}

impl From<Redacted> for SafeText {
    fn from(text: Redacted) -> Self {
        text.0
    }
}

impl From<&Redacted> for SafeText {
    fn from(text: &Redacted) -> Self {
        text.0.clone()
    }
}

/// Replaces tokens and passwords: `Authorization` and `Cookie` headers in any notation, `Bearer …`, `password=…`, `token=…` and their kin,
/// private keys, OpenShift's `sha256~…` tokens, JSON web tokens, and passwords inside URLs.
///
/// Text without any of these costs one search: nearly all lines of a log are such.
fn redact(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if ANY_HINT.as_ref().is_ok_and(|any| !any.is_match(&text)) {
        return text;
    }
    for rule in RULES.iter() {
        if !rule.hints.iter().any(|hint| hint.find(text.as_bytes()).is_some()) {
            continue;
        }
        let Ok(pattern) = rule.pattern() else { continue };
        if let Cow::Owned(redacted) = pattern.replace_all(&text, |found: &Captures<'_>| rule.replace(found)) {
            text = Cow::Owned(redacted);
        }
    }
    text
}

/// Replaces secrets in every text of a JSON value, and changes nothing else.
pub fn redact_json(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(redacted) = redact(text) {
                *text = redacted;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact_json),
        Value::Object(fields) => fields.values_mut().for_each(redact_json),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// One kind of secret. The group `keep` of its pattern stays, the rest goes.
struct Rule {
    /// One of these is in every text that holds such a secret.
    hints: Vec<Finder<'static>>,
    source: Cow<'static, str>,
    /// Made when a text first has a hint: most runs never see most kinds, and each takes a millisecond and 100 kB.
    pattern: OnceLock<Result<Regex, regex::Error>>,
    /// What follows in plain speech instead of a secret.
    innocent: fn(&str) -> bool,
}

impl Rule {
    fn new(hints: &[&'static str], source: impl Into<Cow<'static, str>>, innocent: fn(&str) -> bool) -> Self {
        Self {
            hints: hints.iter().map(|hint| Finder::new(*hint)).collect(),
            source: source.into(),
            pattern: OnceLock::new(),
            innocent,
        }
    }

    fn pattern(&self) -> &Result<Regex, regex::Error> {
        self.pattern.get_or_init(|| Regex::new(&self.source))
    }

    fn replace(&self, found: &Captures<'_>) -> String {
        let part = |name| found.name(name).map_or("", |part| part.as_str());
        if (self.innocent)(part("secret")) {
            return found[0].to_owned();
        }
        format!("{}{REDACTED}{}", part("keep"), part("rest"))
    }
}

/// The patterns are constants; the tests prove that each compiles.
static RULES: LazyLock<[Rule; 14]> = LazyLock::new(|| {
    [
        // Before the names that passwords go by: the password of a URL may hold one, whose rule would take the `@` that ends it.
        Rule::new(
            &["postgres"],
            r#"(?P<keep>postgres(?:ql)?://[^\s:/"']*:)(?P<secret>[^\s"'?]+)(?P<rest>@)"#,
            |_| false,
        ),
        Rule::new(
            &["uthorization", "UTHORIZATION"],
            r#"(?i)(?P<keep>authorization["'\\]*\s*[:=]\s*[\["'\\]*(?:(?:bearer|basic|digest|negotiate|token)\s+)?)(?P<secret>[^\s"'\\,\]]+)"#,
            |_| false,
        ),
        Rule::new(
            &["earer", "EARER"],
            r#"(?i)(?P<keep>\bbearer["'\\]*[\s:=]+["'\\]*)(?P<secret>[^\s"'\\,;\])}]+)"#,
            is_said_of_bearers,
        ),
        Rule::new(KEY_HINTS, keyed(r#""(?P<secret>(?:[^"\\\n]|\\.)+)"#), |_| false),
        Rule::new(KEY_HINTS, keyed(r#"\\"(?P<secret>[^"\\\n]+)"#), |_| false),
        Rule::new(
            KEY_HINTS,
            keyed(r#"(?P<secret>'(?:[^'\\\n]|\\.)*'?|[^\s"'\\,;&\[\]\{\})][^\s"\\,;&\])}]*)"#),
            |_| false,
        ),
        // Short names are said in sentences too (`failed to get secret: …`): only what assigns is meant.
        Rule::new(
            SHORT_HINTS,
            r#"(?i)(?P<keep>(?:^|[^a-z])(?:token|secret|pass|pwd)=)(?P<secret>'[^'\n]*'?|"[^"\n]*"?|[^\s"'\\,;&\[\]{})]+)"#,
            |_| false,
        ),
        Rule::new(
            SHORT_HINTS,
            r#"(?i)(?P<keep>[^a-z](?:token|secret|pass|pwd)\\*"\s*:\s*\\*")(?P<secret>[^"\\\n]+)"#,
            |_| false,
        ),
        Rule::new(
            &["ookie", "OOKIE", "oken", "OKEN"],
            r#"(?i)(?P<keep>\b(?:(?:set-)?cookie|x-[a-z-]*token)["'\\]*\s*[:=]\s*[\["'\\]*)(?P<secret>[^"'\\\]\n]+)"#,
            |_| false,
        ),
        Rule::new(
            &["PRIVATE KEY-----"],
            r"(?s)(?P<keep>-----BEGIN [A-Z ]*PRIVATE KEY-----)(?P<secret>.+?)(?P<rest>-----END|$)",
            |_| false,
        ),
        Rule::new(&["sha256~"], r"(?P<secret>sha256~[\w-]+)", |_| false),
        Rule::new(&["eyJ"], r"(?P<secret>eyJ[\w-]{8,}(?:\.[\w-]*)+)", |_| false),
        Rule::new(
            &["postgres"],
            r#"(?P<keep>postgres(?:ql)?://[^\s:/"']*:)(?P<secret>[^\s"']+|[^"'\n]{1,128}?|\S{1,128})(?P<rest>@)"#,
            is_port_and_more,
        ),
        Rule::new(
            &["://"],
            r#"(?P<keep>://[^\s:/@?#"']*:)(?P<secret>[^\s/@?#"']+)(?P<rest>@)"#,
            |_| false,
        ),
    ]
});

/// The hints of all rules at once.
static ANY_HINT: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    let hints = RULES.iter().flat_map(|rule| &rule.hints);
    let hints: Vec<_> = hints
        .map(|hint| regex::escape(&String::from_utf8_lossy(hint.needle())))
        .collect();
    Regex::new(&hints.join("|"))
});

/// Parts of the names that passwords and tokens go by.
const KEY_HINTS: &[&str] = &[
    "assw", "ASSW", "ecret", "ECRET", "oken", "OKEN", "key", "Key", "KEY",
];

/// Parts of the short names that they go by.
const SHORT_HINTS: &[&str] = &[
    "oken", "OKEN", "ecret", "ECRET", "pass", "Pass", "PASS", "pwd", "Pwd", "PWD",
];

/// A pattern for the value of such a name, which ends with the pattern of the value itself.
fn keyed(value: &str) -> String {
    let names = "password|passwd|client[_-]?secret|(?:access|refresh|id|offline)[_-]?token|api[_-]?key|\
                 secret[_-]?(?:access[_-]?)?key|private[_-]?key";
    // The value's opening quote is kept: it stands before the group `secret`.
    let (opening, value) = value.split_once("(?P<secret>").unwrap_or(("", value));
    format!(r#"(?i)(?P<keep>(?:{names})["'\\]*\s*[=:]\s*\[?{opening})(?P<secret>{value}"#)
}

/// Words that follow "bearer" in sentences and challenges.
fn is_said_of_bearers(word: &str) -> bool {
    let word = word.trim_end_matches([':', '.']).to_ascii_lowercase();
    let words = [
        "token",
        "tokens",
        "auth",
        "authentication",
        "authorization",
        "header",
        "is",
        "was",
        "not",
        "scheme",
        "of",
        "error",
        "and",
        "or",
    ];
    word.starts_with("realm=") || words.contains(&&*word)
}

/// `postgres://host:5432/db …` names a port where a password would stand; the `@` comes later and is not of the URL.
fn is_port_and_more(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let after = text[digits..].chars().next();
    let is_quote = |sign: char| matches!(sign, '"' | '\'');
    (1..=5).contains(&digits)
        && text.contains(|sign: char| sign.is_whitespace() || is_quote(sign))
        && after.is_some_and(|sign| matches!(sign, '/' | '?' | ' ') || is_quote(sign))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(RULES.iter().all(|rule| rule.pattern().is_ok()));
    }

    #[test]
    fn the_password_of_a_url_goes_whole_though_a_part_of_it_looks_like_another() {
        for (text, shown) in [
            (
                "postgres://u:a@b:password=c@host/db",
                "postgres://u:⟨redacted⟩@host/db",
            ),
            (
                "postgres://h:5432/d?password=a@b",
                "postgres://h:5432/d?password=⟨redacted⟩",
            ),
        ] {
            assert_eq!(&*Redacted::from(text), shown);
        }
    }

    #[test]
    fn secrets_go_and_what_is_around_them_stays() {
        let cases = [
            (
                "Authorization: Bearer abc.def",
                "Authorization: Bearer ⟨redacted⟩",
            ),
            (
                "authorization: Basic dXNlcjpwYXNz next",
                "authorization: Basic ⟨redacted⟩ next",
            ),
            (
                r#"{"request_header":{"Authorization":["Bearer sekret"],"Accept":["*/*"]}}"#,
                r#"{"request_header":{"Authorization":["Bearer ⟨redacted⟩"],"Accept":["*/*"]}}"#,
            ),
            (
                r#"{\"Authorization\":[\"Bearer sekret\"]}"#,
                r#"{\"Authorization\":[\"Bearer ⟨redacted⟩\"]}"#,
            ),
            (
                "map[Authorization:[Bearer s3] Accept:[*]]",
                "map[Authorization:[Bearer ⟨redacted⟩] Accept:[*]]",
            ),
            ("curl -H 'Bearer sekrettoken'", "curl -H 'Bearer ⟨redacted⟩'"),
            ("Bearer ab\u{241b}[0mcd x", "Bearer ⟨redacted⟩ x"),
            (
                "host=h password=p@ss:/% dbname=d",
                "host=h password=⟨redacted⟩ dbname=d",
            ),
            (
                r"host=h password='a b\' c' user=u",
                "host=h password=⟨redacted⟩ user=u",
            ),
            (
                r#"{"db.password": "x y z", "a": 1}"#,
                r#"{"db.password": "⟨redacted⟩", "a": 1}"#,
            ),
            (
                r#"{"password":"a\"b c","a":1}"#,
                r#"{"password":"⟨redacted⟩","a":1}"#,
            ),
            (
                r#"{\"password\":\"a b\",\"a\":1}"#,
                r#"{\"password\":\"⟨redacted⟩\",\"a\":1}"#,
            ),
            ("PGPASSWORD=hunter2 psql", "PGPASSWORD=⟨redacted⟩ psql"),
            ("?client_secret=x&grant=y", "?client_secret=⟨redacted⟩&grant=y"),
            ("token sha256~Ab-c_9 used", "token ⟨redacted⟩ used"),
            (
                "got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln-_ now",
                "got ⟨redacted⟩ now",
            ),
            ("cut eyJhbGciOiJSUzI1NiJ9.eyJzd", "cut ⟨redacted⟩"),
            (
                "postgres://u:p@host:5432/db",
                "postgres://u:⟨redacted⟩@host:5432/db",
            ),
            (
                "postgresql://u:a/b:c@d%e@host/db",
                "postgresql://u:⟨redacted⟩@host/db",
            ),
            (
                "postgres://u:two words@host/db",
                "postgres://u:⟨redacted⟩@host/db",
            ),
            ("postgres://u:p\"a'ss@host/db", "postgres://u:⟨redacted⟩@host/db"),
            (
                "postgres://u@server:p@host/db",
                "postgres://u@server:⟨redacted⟩@host/db",
            ),
            (
                "proxy http://me:pw@proxy:3128/ fails",
                "proxy http://me:⟨redacted⟩@proxy:3128/ fails",
            ),
        ];
        goes(&cases);
    }

    /// What is written, and what is left of it; nothing more goes when it is done twice.
    fn goes(cases: &[(&str, &str)]) {
        for (text, want) in cases {
            assert_eq!(redact(text), *want);
            assert_eq!(redact(want), *want, "twice");
        }
    }

    #[test]
    fn what_goes_by_a_short_name_goes_too_and_cookies_and_keys() {
        goes(&[
            ("GET /x?token=3f9a77&a=b", "GET /x?token=⟨redacted⟩&a=b"),
            (
                "db_pass=hunter2 pwd=x secret='y z'",
                "db_pass=⟨redacted⟩ pwd=⟨redacted⟩ secret=⟨redacted⟩",
            ),
            (r#"{"token":"3f9a","a":1}"#, r#"{"token":"⟨redacted⟩","a":1}"#),
            (
                r#"{\"pull_secret\": \"3f9a\"}"#,
                r#"{\"pull_secret\": \"⟨redacted⟩\"}"#,
            ),
            ("X-Auth-Token: 3f9a77", "X-Auth-Token: ⟨redacted⟩"),
            ("Set-Cookie: session=3f9a; Path=/", "Set-Cookie: ⟨redacted⟩"),
            (
                r#""Cookie":["session=3f9a"],"Accept""#,
                r#""Cookie":["⟨redacted⟩"],"Accept""#,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN RSA PRIVATE KEY-----⟨redacted⟩-----END RSA PRIVATE KEY-----",
            ),
            (
                "-----BEGIN PRIVATE KEY----- MIIE",
                "-----BEGIN PRIVATE KEY-----⟨redacted⟩",
            ),
        ]);
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "I0115 13:24:01.482913       1 leader_election_mgr.go:80] Running as the leader",
            "FATAL: password authentication failed for user \"app\"",
            "Bearer token is missing",
            "Www-Authenticate: Bearer realm=\"x\"",
            "image quay.io/x@sha256:0123abcd",
            "dial tcp 10.0.0.1:5432: connect: connection refused",
            "GET https://host:6443/api?x=a@b",
            "postgres://host:5432/db failed, ask a@b",
            r#"{"url":"postgres://host:5432/db","mail":"a@b"}"#,
            r#"{"url":"postgres://host:5432","mail":"a@b"}"#,
            "key not found, token expired",
            "failed to get secret: secrets \"managed-services-api-rds\" is forbidden",
            "the pod's token: none; bypass=true is no key",
        ] {
            assert!(
                matches!(redact(text), Cow::Borrowed(_)) || redact(text) == text,
                "{}",
                redact(text)
            );
        }
    }

    #[test]
    fn redacted_text_is_made_of_anything_and_holds_neither_secret_nor_control_sequence() {
        let hostile = "\u{1b}[2Jpassword=hunter2 Authorization:\u{b}Bearer s3kret";
        let made = [
            Redacted::from(hostile),
            Redacted::from(hostile.to_owned()),
            Redacted::from(Cow::Borrowed(hostile)),
            Redacted::from(&SafeText::new(hostile)),
            Redacted::cut(hostile, 200),
            Redacted::shortened(hostile, 200),
            serde_json::from_value(serde_json::Value::from(hostile)).unwrap(),
        ];
        for text in made {
            assert!(text.starts_with("␛[2Jpassword=⟨redacted⟩"), "{text}");
            assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
        }
        assert!(!Redacted::from(hostile).contains("s3kret"));
    }

    #[test]
    fn text_beside_a_cut_is_no_part_of_a_secret() {
        let text = format!("password=hunter2 {}", "é".repeat(90));
        let short = Redacted::shortened(&*text, 30);
        assert!(
            short.starts_with("password=") && short.ends_with("éééé"),
            "{short}"
        );
        let short = Redacted::cut("password=hunter2", 14);
        assert_eq!(short, "password=⟨red…");
    }

    proptest! {
        #[test]
        fn no_bearer_token_survives(token in "[A-Za-z0-9._~+/-]{24,60}", before in "[ -~]{0,20}") {
            let line = format!("{before} Authorization: Bearer {token}");
            prop_assert!(!redact(&line).contains(&token));
        }
    }
}
