//! Keys to verbs: the default table with the user's choices over it.

pub mod action;
pub mod available;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::keymap::action::{Action, Context, Row};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// A key with its modifiers, as the configuration writes it: `ctrl-r`, `space`, `G`, `f1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl Key {
    /// Reads a key's name; the error says what is wrong with it.
    pub fn parse(name: &str) -> Result<Self, String> {
        // A blank that is not one of ASCII is a character that can be typed.
        let mut rest = name.trim_matches(|c: char| c.is_ascii_whitespace());
        let mut modifiers = KeyModifiers::NONE;
        loop {
            let (modifier, tail) = match rest.split_once('-') {
                Some(("ctrl", tail)) if !tail.is_empty() => (KeyModifiers::CONTROL, tail),
                Some(("alt", tail)) if !tail.is_empty() => (KeyModifiers::ALT, tail),
                _ => break,
            };
            modifiers |= modifier;
            rest = tail;
        }
        let code = Self::code(rest).ok_or_else(|| format!("`{name}` is no key: write one character, ctrl-x, alt-x, f1 to f12, or one of enter esc tab backtab space backspace delete insert up down left right home end pageup pagedown"))?;
        Ok(Self { code, modifiers })
    }

    fn code(name: &str) -> Option<KeyCode> {
        if let Some((_, code)) = NAMED.iter().find(|(named, _)| *named == name) {
            return Some(*code);
        }
        let mut characters = name.chars();
        match (characters.next(), characters.as_str()) {
            (Some(character), "") if !character.is_control() => Some(KeyCode::Char(character)),
            (Some('f'), number) => number
                .parse()
                .ok()
                .filter(|number| (1..=12).contains(number))
                .map(KeyCode::F),
            _ => None,
        }
    }
}

impl Key {
    /// Its name as a sentence has it: `F9`.
    pub fn in_a_sentence(&self) -> String {
        match self.code {
            KeyCode::F(number) if self.modifiers.is_empty() => format!("F{number}"),
            _ => self.to_string(),
        }
    }
}

impl From<KeyEvent> for Key {
    /// Shift is dropped where it is in the character already.
    fn from(event: KeyEvent) -> Self {
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let mut code = event.code;
        if code == KeyCode::Tab && event.modifiers.contains(KeyModifiers::SHIFT) {
            code = KeyCode::BackTab;
        }
        if let KeyCode::Char(character) = code
            && modifiers.contains(KeyModifiers::CONTROL)
        {
            code = KeyCode::Char(character.to_ascii_lowercase());
        }
        if code == KeyCode::BackTab {
            modifiers = KeyModifiers::NONE;
        }
        Self { code, modifiers }
    }
}

impl From<Key> for KeyEvent {
    fn from(key: Key) -> Self {
        Self::new(key.code, key.modifiers)
    }
}

impl Key {
    /// Reads keys as they are written one after the other, split by blanks; what is in quotes is typed: `4 space 'looked' enter`.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let mut keys = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let typed = rest.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
            if let Some((typed, after)) = typed {
                if typed.chars().any(char::is_control) {
                    return Err(format!(
                        "`{typed}` is no key: a character that can't be seen is not typed"
                    ));
                }
                let typed = typed.chars().map(|character| Self {
                    code: KeyCode::Char(character),
                    modifiers: KeyModifiers::NONE,
                });
                keys.extend(typed);
                rest = after.trim_start();
            } else {
                let (name, after) = rest.split_once(' ').unwrap_or((rest, ""));
                keys.push(Self::parse(name)?);
                rest = after.trim_start();
            }
        }
        Ok(keys)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(character)) => write!(f, "{character}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, other) => write!(f, "{other}"),
        }
    }
}

/// Names of verbs that came, or got their default key, after users had files of their own.
const GIVES_WAY: &[&str] = &[
    "filter",
    "filter-log",
    "find-line",
    "copy-selected",
    "half-page-up",
    "half-page-down",
    "dialog-half-page-up",
    "dialog-half-page-down",
];

/// Which key does what.
#[derive(Clone, Debug)]
pub struct Keymap {
    bound: Vec<(&'static Row, Vec<Key>)>,
}

impl Default for Keymap {
    fn default() -> Self {
        let keys = |row: &Row| row.keys.iter().filter_map(|key| Key::parse(key).ok()).collect();
        Self {
            bound: action::rows().map(|row| (row, keys(row))).collect(),
        }
    }
}

impl Keymap {
    /// The default table with the user's keys, by the verb's name. The error names the verb and what is wrong.
    ///
    /// A verb that is newer than a user's file gives its default keys away to what the file binds to them: a file that was right stays so.
    pub fn with(user: &BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        let mut keymap = Self::default();
        for (name, keys) in user {
            let keys = keys
                .iter()
                .map(|key| Key::parse(key))
                .collect::<Result<Vec<_>, _>>()?;
            let bound = keymap.bound.iter_mut().find(|(row, _)| row.name == name);
            let (_, own) = bound
                .ok_or_else(|| format!("there is no action `{name}`; `sopwatch help keys` lists them"))?;
            *own = keys;
        }
        keymap.give_way(user);
        match keymap.conflict() {
            Some((key, one, other)) => Err(format!("`{key}` is bound to both {one} and {other}")),
            None => Ok(keymap),
        }
    }

    /// Takes from the verbs that give way the keys that the user has chosen for others.
    fn give_way(&mut self, user: &BTreeMap<String, Vec<String>>) {
        let chosen = |row: &Row| user.contains_key(row.name);
        let taken: Vec<(Context, Vec<Key>)> = self
            .bound
            .iter()
            .filter(|(row, _)| chosen(row))
            .map(|(row, keys)| (row.context, keys.clone()))
            .collect();
        for (row, own) in &mut self.bound {
            if GIVES_WAY.contains(&row.name) && !chosen(row) {
                let is_taken = |key: &Key| {
                    let mut others = taken.iter();
                    others.any(|(context, keys)| keys.contains(key) && row.context.overlaps(*context))
                };
                own.retain(|key| !is_taken(key));
            }
        }
    }

    /// Two verbs on one key in places that overlap. One that is in the table for a pane and for all of them is one.
    pub fn conflict(&self) -> Option<(Key, &'static str, &'static str)> {
        for (index, (row, keys)) in self.bound.iter().enumerate() {
            for (other, others) in &self.bound[index + 1..] {
                let shared = keys.iter().find(|key| others.contains(key));
                let overlap = row.action != other.action && row.context.overlaps(other.context);
                if let Some(key) = shared.filter(|_| overlap) {
                    return Some((*key, row.name, other.name));
                }
            }
        }
        None
    }

    /// What a key means where these contexts hold; in the first of them, where it means something in several.
    pub fn resolve(&self, key: Key, contexts: &[Context]) -> Option<Action> {
        let in_context = |context: &Context| {
            let holds =
                |(row, keys): &&(&'static Row, Vec<Key>)| row.context == *context && keys.contains(&key);
            self.bound.iter().find(holds)
        };
        contexts.iter().find_map(in_context).map(|(row, _)| row.action)
    }

    /// All rows with their keys, in the order of the table.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Row, &[Key])> {
        self.bound.iter().map(|(row, keys)| (*row, keys.as_slice()))
    }

    /// The first key of a verb, as text.
    pub fn key_of(&self, action: Action, context: Context) -> Option<SafeText> {
        let bound = self
            .bound
            .iter()
            .find(|(row, _)| row.action == action && row.context == context);
        bound.and_then(|(_, keys)| keys.first()).map(|key| safe!("{key}"))
    }
}

/// The default keys as a Markdown table, for the guide.
pub fn markdown() -> String {
    let keymap = Keymap::default();
    let mut rows: Vec<_> = keymap.rows().collect();
    rows.sort_by_key(|(row, _)| row.context);
    let mut text = String::from("| where | key | name | what it does |\n|---|---|---|---|\n");
    for (row, keys) in rows {
        let keys = keys
            .iter()
            .map(|key| format!("`{key}`"))
            .collect::<Vec<_>>()
            .join(" ");
        let _ = writeln!(
            text,
            "| {} | {keys} | {} | {} |",
            row.context.title(),
            row.name,
            row.help
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_keys_do_not_conflict_and_all_parse() {
        let keymap = Keymap::default();
        assert_eq!(keymap.conflict(), None);
        for (row, keys) in keymap.rows() {
            assert_eq!(keys.len(), row.keys.len(), "{}", row.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = action::rows().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), action::rows().count());
    }

    #[test]
    fn keys_read_as_they_are_written() {
        for name in [
            "ctrl-c", "space", "G", "f12", "alt-x", "-", "ctrl--", "?", "backtab", "\u{3000}",
        ] {
            assert_eq!(Key::parse(name).unwrap().to_string(), name);
        }
        for wrong in ["", "ctrl-", "hyper-x", "f13", "ab"] {
            assert!(Key::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_are_read_one_after_the_other_and_what_is_quoted_is_typed() {
        let names = |text| {
            let keys = Key::parse_all(text)?;
            Ok::<_, String>(keys.iter().map(Key::to_string).collect::<Vec<_>>())
        };
        assert_eq!(
            names("4  ctrl-l 'a b' enter"),
            Ok(["4", "ctrl-l", "a", "space", "b", "enter"]
                .map(str::to_owned)
                .to_vec())
        );
        assert_eq!(names(""), Ok(Vec::new()));
        assert!(names("4 nope").is_err());
        assert!(names("'a\tb'").is_err(), "a tab is a key of its own");
        assert_eq!(names("'\u{3000}'"), Ok(vec!["\u{3000}".to_owned()]));
    }

    #[test]
    fn a_new_verb_gives_its_key_away_to_what_a_users_file_binds_to_it() {
        let user = |name: &str, key: &str| BTreeMap::from([(name.to_owned(), vec![key.to_owned()])]);
        let pods = [Context::In(crate::panes::Pane::Pods), Context::Console];
        let logs = [Context::In(crate::panes::Pane::Logs), Context::Console];
        let key = |key: &str| Key::parse(key).unwrap();
        for (name, bound, action) in [
            ("apply", "y", Action::Apply),
            ("refresh", "f", Action::Refresh),
            ("restart-pod", "ctrl-d", Action::RestartPod),
        ] {
            let keymap = Keymap::with(&user(name, bound)).unwrap();
            assert_eq!(keymap.resolve(key(bound), &pods), Some(action), "{name}");
        }
        // The key that the filter had before.
        let keymap = Keymap::with(&user("filter", "/")).unwrap();
        assert_eq!(keymap.resolve(key("/"), &logs), Some(Action::Filter));
        assert_eq!(keymap.resolve(key("/"), &pods), Some(Action::Search));
        // A pane's own key comes first.
        let keymap = Keymap::with(&user("wrap", "ctrl-d")).unwrap();
        assert_eq!(keymap.resolve(key("ctrl-d"), &logs), Some(Action::Wrap));
    }

    #[test]
    fn a_user_key_replaces_the_default_and_conflicts_are_named() {
        let user = |name: &str, key: &str| BTreeMap::from([(name.to_owned(), vec![key.to_owned()])]);
        let keymap = Keymap::with(&user("refresh", "ctrl-r")).unwrap();
        let contexts = [Context::Always, Context::Console];
        assert_eq!(
            keymap.resolve(Key::parse("ctrl-r").unwrap(), &contexts),
            Some(Action::Refresh)
        );
        assert_eq!(keymap.resolve(Key::parse("r").unwrap(), &contexts), None);
        assert_eq!(
            Keymap::with(&user("refresh", "q")).unwrap_err(),
            "`q` is bound to both refresh and quit"
        );
        assert!(
            Keymap::with(&user("fly", "q"))
                .unwrap_err()
                .starts_with("there is no action `fly`")
        );
    }
}
