//! Reads the profile inside a record, which another version of the program may have written.
//!
//! A profile file is read strictly: a key that the program doesn't know is a mistake of whoever wrote it. In a record the same key is
//! no mistake but an older or newer version's, and the incident must stay readable. Keys that are not known are dropped here; everything
//! else is read as always.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::{Error, Value};

use crate::diagnose::conditions::{Condition, Shares};
use crate::diagnose::steps::Check;
use crate::profile::Profile;
use crate::profile::monitoring::Figure;

/// A profile out of a record.
///
/// # Errors
/// A key is missing, or a value is not one that this version knows.
pub(super) fn profile<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Profile, D::Error> {
    let mut value = Value::deserialize(deserializer)?;
    for table in ["rules", "literal-rules"] {
        let rules = value.get_mut(table).and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            rule.get_mut("when").map(drop_unknown_of_condition);
        }
    }
    let steps = value.get_mut("steps").and_then(Value::as_object_mut);
    for (_, step) in steps.into_iter().flatten() {
        step.get_mut("check").map(drop_unknown::<Check>);
    }
    let queries = value.pointer_mut("/monitoring/queries");
    if let Some(queries) = queries.and_then(Value::as_object_mut) {
        queries.retain(|figure, _| Figure::named(figure).is_some());
    }
    Profile::deserialize(Lenient(value)).map_err(D::Error::custom)
}

/// The conditions inside a condition first: then an unknown key can only be its own.
fn drop_unknown_of_condition(condition: &mut Value) {
    for key in ["of", "optional"] {
        match condition.get_mut(key) {
            Some(Value::Array(inner)) => inner.iter_mut().for_each(drop_unknown_of_condition),
            Some(inner @ Value::Object(_)) => drop_unknown_of_condition(inner),
            _ => {}
        }
    }
    condition.get_mut("shares").map(drop_unknown::<Shares>);
    drop_unknown::<Condition>(condition);
}

/// Drops what an enum with its kind inside doesn't know. [`Lenient`] can't: serde reads such an enum's keys before it knows the kind, and
/// with it the keys that belong there.
fn drop_unknown<T: DeserializeOwned>(value: &mut Value) {
    while let Err(error) = T::deserialize(&*value) {
        let message = error.to_string();
        let name = message
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.split_once('`'));
        let removed = name.and_then(|(name, _)| value.as_object_mut()?.remove(name));
        if removed.is_none() {
            return;
        }
    }
}

/// A value of which a struct takes the keys that it knows.
struct Lenient(Value);

impl IntoDeserializer<'_, Error> for Lenient {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(values) => visitor.visit_seq(SeqDeserializer::new(values.into_iter().map(Self))),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(key, value)| (key, Self(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            plain => plain.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Value::Object(fields) = &mut self.0 {
            fields.retain(|key, _| known.contains(&key.as_str()));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testkit::built_in_profile;

    fn read(value: Value) -> Result<Profile, Error> {
        profile(value)
    }

    /// Puts a key into every object below `value` that a profile's struct or enum is read from.
    fn strew(value: &mut Value, key: &str) -> usize {
        match value {
            Value::Array(values) => values.iter_mut().map(|value| strew(value, key)).sum(),
            Value::Object(fields) => {
                // maps by name: the key would be one more name
                let maps = ["contacts", "steps", "links", "asks", "variables"];
                let inner = fields.iter_mut().map(|(name, value)| match value {
                    Value::Object(named) if maps.contains(&name.as_str()) => {
                        named.values_mut().map(|value| strew(value, key)).sum()
                    }
                    value => strew(value, key),
                });
                let inner: usize = inner.sum();
                fields.insert(key.to_owned(), json!({"of": [1, null]}));
                inner + 1
            }
            _ => 0,
        }
    }

    #[test]
    fn keys_that_are_not_known_are_dropped_wherever_they_are() {
        let profile = built_in_profile();
        let mut value = serde_json::to_value(&profile).unwrap();
        assert_eq!(read(value.clone()).unwrap(), profile);
        let strewn = strew(&mut value, "of-a-later-version");
        assert!(strewn > 100, "only {strewn}");
        assert_eq!(read(value).unwrap(), profile);
    }

    #[test]
    fn a_profile_of_a_record_may_have_two_rules_of_one_id() {
        let mut twice = built_in_profile();
        let rule = twice.rules[0].clone();
        twice.rules.push(rule);
        let value = serde_json::to_value(&twice).unwrap();
        assert_eq!(read(value).unwrap(), twice);
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_an_error_that_names_it() {
        let mut value = serde_json::to_value(built_in_profile()).unwrap();
        value.as_object_mut().unwrap().remove("title");
        assert!(read(value).unwrap_err().to_string().contains("title"));
        let mut value = serde_json::to_value(built_in_profile()).unwrap();
        value["rules"][0]["when"] = json!({"kind": "moon-phase"});
        assert!(read(value).unwrap_err().to_string().contains("moon-phase"));
    }
}
