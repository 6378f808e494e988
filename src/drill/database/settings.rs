//! A session's run-time parameters: SET, SHOW and the startup packet's options.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cast::boolean;
use super::error::{SqlError, SqlResult};
use super::sql::SERVER_VERSION;

#[derive(Clone, Copy, PartialEq, Eq)]
enum SettingKind {
    Text,
    Flag,
    /// A duration, in milliseconds if it has no unit; 0 is "no limit".
    Span,
    /// The drill's database keeps UTC.
    Zone,
    Fixed,
}

/// Name as SHOW prints it, its value in a fresh session, and what it takes.
const KNOWN: [(&str, &str, SettingKind); 22] = [
    ("application_name", "", SettingKind::Text),
    ("bytea_output", "hex", SettingKind::Text),
    ("client_encoding", "UTF8", SettingKind::Text),
    ("client_min_messages", "notice", SettingKind::Text),
    ("DateStyle", "ISO, MDY", SettingKind::Text),
    ("default_transaction_read_only", "off", SettingKind::Flag),
    ("extra_float_digits", "1", SettingKind::Text),
    ("idle_in_transaction_session_timeout", "0", SettingKind::Span),
    ("in_hot_standby", "off", SettingKind::Fixed),
    ("integer_datetimes", "on", SettingKind::Fixed),
    ("IntervalStyle", "postgres", SettingKind::Text),
    ("is_superuser", "off", SettingKind::Fixed),
    ("lock_timeout", "0", SettingKind::Span),
    ("max_connections", "100", SettingKind::Fixed),
    ("search_path", "\"$user\", public", SettingKind::Text),
    ("server_encoding", "UTF8", SettingKind::Fixed),
    ("server_version", SERVER_VERSION, SettingKind::Fixed),
    ("server_version_num", "150018", SettingKind::Fixed),
    ("standard_conforming_strings", "on", SettingKind::Text),
    ("statement_timeout", "0", SettingKind::Span),
    ("TimeZone", "Etc/UTC", SettingKind::Zone),
    ("transaction_isolation", "read committed", SettingKind::Fixed),
];

/// The values of one session, and those of its transaction above them.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What the client asked for at its start: RESET returns to it.
    start: BTreeMap<&'static str, String>,
    session: BTreeMap<&'static str, String>,
    local: BTreeMap<&'static str, String>,
}

fn known(name: &str) -> SqlResult<(&'static str, &'static str, SettingKind)> {
    // sqlx and psql spell SHOW TIME ZONE and the isolation level in words
    let name = match name {
        "time zone" => "timezone",
        "transaction isolation level" => "transaction_isolation",
        other => other,
    };
    KNOWN
        .into_iter()
        .find(|(known, _, _)| known.eq_ignore_ascii_case(name))
        .ok_or_else(|| {
            SqlError::new(
                "42704",
                format!("unrecognized configuration parameter \"{name}\""),
            )
        })
}

fn checked(name: &str, kind: SettingKind, value: &str) -> SqlResult<String> {
    let invalid = || {
        SqlError::new(
            "22023",
            format!("invalid value for parameter \"{name}\": \"{value}\""),
        )
    };
    match kind {
        SettingKind::Text => Ok(value.to_owned()),
        SettingKind::Fixed => Err(SqlError::new(
            "55P02",
            format!("parameter \"{name}\" cannot be changed"),
        )),
        SettingKind::Flag => {
            let on = boolean(value).ok_or_else(|| {
                SqlError::new("22023", format!("parameter \"{name}\" requires a Boolean value"))
            })?;
            Ok(if on { "on" } else { "off" }.to_owned())
        }
        SettingKind::Span => milliseconds(value).map(span_text).ok_or_else(invalid),
        SettingKind::Zone
            if matches!(
                value.to_uppercase().as_str(),
                "UTC" | "ETC/UTC" | "GMT" | "Z" | "0"
            ) =>
        {
            Ok(value.to_owned())
        }
        SettingKind::Zone => Err(SqlError::unanswered(&format!(
            "in the time zone {value}; it keeps UTC"
        ))),
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// As SHOW prints a span: in the largest unit that leaves no fraction.
fn span_text(milliseconds: u64) -> String {
    if milliseconds == 0 {
        return "0".to_owned();
    }
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "min"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let unit = units
        .into_iter()
        .find(|(size, _)| milliseconds.is_multiple_of(*size))
        .unwrap_or((1, "ms"));
    format!("{}{}", milliseconds / unit.0, unit.1)
}

impl Settings {
    /// Sets a value; `None` is its default. A local one ends with the transaction.
    pub fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> SqlResult<()> {
        let (name, default, kind) = known(name)?;
        let value = match value {
            Some(value) => checked(name, kind, value)?,
            None => self
                .start
                .get(name)
                .cloned()
                .unwrap_or_else(|| default.to_owned()),
        };
        let place = if local { &mut self.local } else { &mut self.session };
        place.insert(name, value);
        if !local {
            self.local.remove(name);
        }
        Ok(())
    }

    /// Name as it is printed, and value.
    pub fn show(&self, name: &str) -> SqlResult<(&'static str, String)> {
        let (name, default, _) = known(name)?;
        let value = self.local.get(name).or_else(|| self.session.get(name));
        let value = value.or_else(|| self.start.get(name));
        Ok((name, value.cloned().unwrap_or_else(|| default.to_owned())))
    }

    /// Makes the current values those of the session's start.
    pub fn begin(&mut self) {
        self.start = std::mem::take(&mut self.session);
    }

    pub fn reset_all(&mut self) {
        self.session.clear();
        self.local.clear();
    }

    pub fn end_of_transaction(&mut self) {
        self.local.clear();
    }

    pub fn flag(&self, name: &str) -> bool {
        self.show(name).is_ok_and(|(_, value)| value == "on")
    }

    /// A timeout; `None` where it is 0.
    pub fn span(&self, name: &str) -> Option<Duration> {
        let (_, text) = self.show(name).ok()?;
        milliseconds(&text)
            .filter(|span| *span > 0)
            .map(Duration::from_millis)
    }

    /// The `options` of a startup packet: `-c name=value` and `--name=value`, blanks escaped by `\`.
    pub fn set_options(&mut self, options: &str) -> SqlResult<()> {
        let words = words(options);
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let assignment = match word
                .strip_prefix("--")
                .or_else(|| word.strip_prefix("-c").filter(|rest| !rest.is_empty()))
            {
                Some(assignment) => assignment,
                None if word == "-c" => words.next().unwrap_or_default(),
                None => "",
            };
            let Some((name, value)) = assignment.split_once('=') else {
                return Err(SqlError::new(
                    "42601",
                    format!("invalid command-line argument for server process: {word}"),
                ));
            };
            self.set(&name.replace('-', "_"), Some(value), false)?;
        }
        Ok(())
    }
}

fn words(options: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = options.chars();
    while let Some(c) = chars.next() {
        match (c, words.last_mut()) {
            ('\\', Some(word)) => word.extend(chars.next()),
            (c, _) if c.is_whitespace() => words.push(String::new()),
            (c, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_show_in_their_largest_unit() {
        let mut settings = Settings::default();
        for (value, shown) in [
            ("5000", "5s"),
            ("1500ms", "1500ms"),
            ("2min", "2min"),
            ("0", "0"),
            ("60 s", "1min"),
        ] {
            settings.set("statement_timeout", Some(value), false).unwrap();
            assert_eq!(
                settings.show("STATEMENT_TIMEOUT").unwrap(),
                ("statement_timeout", shown.to_owned())
            );
        }
        assert_eq!(
            settings
                .set("statement_timeout", Some("soon"), false)
                .unwrap_err()
                .code,
            "22023"
        );
    }

    #[test]
    fn startup_options_are_read_as_the_server_reads_them() {
        let mut settings = Settings::default();
        settings
            .set_options(
                "-c default_transaction_read_only=on -cstatement_timeout=5000 --application-name=a\\ b",
            )
            .unwrap();
        assert!(settings.flag("default_transaction_read_only"));
        assert_eq!(settings.span("statement_timeout"), Some(Duration::from_secs(5)));
        assert_eq!(settings.show("application_name").unwrap().1, "a b");
        assert_eq!(settings.set_options("-c no_such=1").unwrap_err().code, "42704");
        assert_eq!(settings.set_options("-x").unwrap_err().code, "42601");
    }

    #[test]
    fn a_local_value_ends_with_the_transaction() {
        let mut settings = Settings::default();
        settings.set("lock_timeout", Some("1s"), false).unwrap();
        settings.set("lock_timeout", Some("9s"), true).unwrap();
        assert_eq!(settings.show("lock_timeout").unwrap().1, "9s");
        settings.end_of_transaction();
        assert_eq!(settings.show("lock_timeout").unwrap().1, "1s");
    }

    #[test]
    fn what_a_server_fixes_cannot_be_set() {
        let mut settings = Settings::default();
        assert_eq!(
            settings.set("server_version", Some("9"), false).unwrap_err().code,
            "55P02"
        );
        assert_eq!(
            settings
                .set("timezone", Some("Europe/Dublin"), false)
                .unwrap_err()
                .code,
            "0A000"
        );
        settings.set("timezone", Some("UTC"), false).unwrap();
    }
}
