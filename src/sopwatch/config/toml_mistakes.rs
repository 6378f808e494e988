//! Reading a file that has mistakes: every mistake is found, and what is right is read.
//!
//! The library stops at the first mistake. So what is wrong is taken out of the parsed file and the rest is read again, until nothing is wrong
//! any more. A complaint that only follows from what was taken out is not reported.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use super::errors::{ConfigError, ConfigProblem};
use super::spanned_toml::{TomlDocument, is_within, joined};

/// How many mistakes of one file are looked for: nobody reads more.
const MOST: usize = 50;

/// Where values stand that are put in for missing ones: no file is so long.
const PUT_IN: Range<usize> = usize::MAX - 1..usize::MAX;

/// A file as far as it could be read.
#[derive(Debug)]
pub(super) struct PartialRead<T> {
    /// The file with its lines.
    pub(super) document: TomlDocument,
    /// The values without those that are wrong; `None` where too much is wrong.
    pub(super) value: Option<T>,
    /// All that is wrong.
    pub(super) problems: Vec<ConfigProblem>,
    /// Paths of what was taken out or put in: what is said of these follows from mistakes that are in `problems`.
    repaired: Vec<String>,
}

impl<T> PartialRead<T> {
    /// What further checks find, apart from what follows from a mistake that is known already.
    pub(super) fn extend(&mut self, found: Vec<ConfigProblem>) {
        let new = |problem: &ConfigProblem| !self.is_repaired(&problem.key);
        let found: Vec<_> = found.into_iter().filter(new).collect();
        self.problems.extend(found);
    }

    /// Whether what is said of this key follows from a mistake that is known already.
    fn is_repaired(&self, path: &str) -> bool {
        let touches = |repaired: &String| is_within(path, repaired) || is_within(repaired, path);
        self.repaired.iter().any(touches)
    }

    /// The whole, where nothing is wrong.
    pub(super) fn whole(self) -> Result<T, ConfigError> {
        match self.value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(ConfigError::of(self.problems)),
        }
    }
}

/// Reads a file and checks its values; `file` is what messages call it.
///
/// # Errors
/// Everything that is wrong: of the file, and what `check` finds in what could be read of it.
pub fn read_checked<T: DeserializeOwned>(
    file: &str,
    text: &str,
    check: impl Fn(&T, &TomlDocument) -> Vec<ConfigProblem>,
) -> Result<T, ConfigError> {
    let mut read: PartialRead<T> = read_all(file, text);
    let found = read.value.as_ref().map(|value| check(value, &read.document));
    read.extend(found.unwrap_or_default());
    read.whole()
}

/// Reads a file as far as it can be read; `file` is what messages call it.
pub(super) fn read_all<T: DeserializeOwned>(file: &str, text: &str) -> PartialRead<T> {
    let (document, mut problems, can_be_read) = TomlDocument::parse_with_mistakes(file, text);
    if problems.is_empty()
        && let Ok(value) = toml::from_str(text)
    {
        return PartialRead {
            document,
            value: Some(value),
            problems,
            repaired: Vec::new(),
        };
    }
    let mut repair = Repair {
        document: &document,
        problems: Vec::new(),
        repaired: Vec::new(),
        is_toml: problems.is_empty(),
    };
    let value = can_be_read.then(|| repair.value(text)).flatten();
    let Repair {
        problems: of_values,
        repaired,
        ..
    } = repair;
    // A line that is not TOML was reported; what was made of it says nothing more.
    let known: Vec<usize> = problems.iter().filter_map(ConfigProblem::line_number).collect();
    problems.extend(
        of_values
            .into_iter()
            .filter(|problem| problem.line_number().is_none_or(|line| !known.contains(&line))),
    );
    PartialRead {
        document,
        value,
        problems,
        repaired,
    }
}

struct Repair<'a> {
    document: &'a TomlDocument,
    problems: Vec<ConfigProblem>,
    repaired: Vec<String>,
    /// Whether the file is TOML: where it is not, a key may be missing only because its line could not be read.
    is_toml: bool,
}

impl Repair<'_> {
    /// What can be read of the text.
    fn value<T: DeserializeOwned>(&mut self, text: &str) -> Option<T> {
        let (mut table, _) = DeTable::parse_recoverable(text);
        for _ in 0..MOST {
            let error = match read::<T>(&table) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            if !self.repair::<T>(&mut table, &error) {
                return None;
            }
        }
        None
    }

    /// Notes the mistake and takes it out; whether that could be done.
    fn repair<T: DeserializeOwned>(
        &mut self,
        table: &mut Spanned<DeTable<'_>>,
        error: &toml::de::Error,
    ) -> bool {
        let wrong = self.document.wrong_value(error);
        let follows = self.repaired.iter().any(|gone| is_within(gone, &wrong.path));
        match &wrong.missing {
            Some(word) => {
                let path = joined(&wrong.path, word);
                // A key that is spelt wrong is missing under its right name.
                let meant = self.problems.iter().any(|problem| problem.suggests(word));
                if self.is_toml && !meant && !self.repaired.contains(&path) {
                    self.problems.push(wrong.problem);
                }
                self.repaired.push(path);
                let inside = wrong.place.as_ref();
                if put_in::<T>(table, inside, word) {
                    return true;
                }
            }
            None if follows => {}
            None => self.problems.push(wrong.problem),
        }
        let Some(place) = wrong.place else {
            return false;
        };
        self.repaired.push(wrong.path);
        take_out(table.get_mut(), &place)
    }
}

fn read<T: DeserializeOwned>(table: &Spanned<DeTable<'_>>) -> Result<T, toml::de::Error> {
    T::deserialize(Deserializer::from(table.clone()))
}

/// A key or an entry of a list, by where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    /// Where the key is; of an entry of a list, where the value is.
    pub(super) key: Range<usize>,
    /// Where the value is.
    pub(super) value: Range<usize>,
}

/// Takes a key or an entry out; whether it was there.
fn take_out(table: &mut DeTable<'_>, place: &Place) -> bool {
    let here = table
        .iter()
        .find(|(key, value)| key.span() == place.key && value.span() == place.value);
    if let Some(key) = here.map(|(key, _)| key.get_ref().to_string()) {
        return table.remove(key.as_str()).is_some();
    }
    table
        .iter_mut()
        .any(|(_, value)| take_out_of_value(value.get_mut(), place))
}

fn take_out_of_value(value: &mut DeValue<'_>, place: &Place) -> bool {
    match value {
        DeValue::Table(table) => take_out(table, place),
        DeValue::Array(items) => {
            if items
                .iter_mut()
                .any(|item| take_out_of_value(item.get_mut(), place))
            {
                return true;
            }
            let before = items.len();
            let all = std::mem::replace(items, DeArray::new());
            *items = all
                .into_iter()
                .filter(|item| place.key != place.value || item.span() != place.value)
                .collect();
            items.len() < before
        }
        _ => false,
    }
}

/// Puts some value in for a missing key of the table at `place` (the file's own without one), so that the reading goes on to the next mistake;
/// whether one was found that fits.
fn put_in<T: DeserializeOwned>(table: &mut Spanned<DeTable<'_>>, place: Option<&Place>, word: &str) -> bool {
    let fits = |value: DeValue<'static>| {
        let mut tried = table.clone();
        match place {
            None => insert(tried.get_mut(), word, &value),
            Some(place) if insert_at(tried.get_mut(), place, word, &value) => {}
            Some(_) => return None,
        }
        match read::<T>(&tried) {
            Err(error) if error.span() == Some(PUT_IN) => None,
            Err(error) if is_missing(&error, word) => None,
            _ => Some(tried),
        }
    };
    let values = [
        DeValue::String("".into()),
        DeValue::Integer(toml::de::DeInteger::default()),
        DeValue::Boolean(false),
        DeValue::Array(DeArray::new()),
        DeValue::Table(DeTable::new()),
    ];
    match values.into_iter().find_map(fits) {
        Some(fitting) => {
            *table = fitting;
            true
        }
        None => false,
    }
}

fn is_missing(error: &toml::de::Error, word: &str) -> bool {
    error.message().contains(&format!("missing field `{word}`"))
}

fn insert(table: &mut DeTable<'_>, word: &str, value: &DeValue<'static>) {
    let key = Spanned::new(PUT_IN, word.to_owned().into());
    table.insert(key, Spanned::new(PUT_IN, value.clone()));
}

/// Inserts a key into the table at a place; whether the table was found.
fn insert_at(table: &mut DeTable<'_>, place: &Place, word: &str, value: &DeValue<'static>) -> bool {
    table.iter_mut().any(|(key, inner)| {
        let here = key.span() == place.key && inner.span() == place.value;
        insert_in_value(inner.get_mut(), here, place, word, value)
    })
}

fn insert_in_value(
    inner: &mut DeValue<'_>,
    here: bool,
    place: &Place,
    word: &str,
    value: &DeValue<'static>,
) -> bool {
    match inner {
        DeValue::Table(table) if here => {
            insert(table, word, value);
            true
        }
        DeValue::Table(table) => insert_at(table, place, word, value),
        DeValue::Array(items) => items.iter_mut().any(|item| {
            let here = place.key == place.value && item.span() == place.value;
            insert_in_value(item.get_mut(), here, place, word, value)
        }),
        _ => false,
    }
}
