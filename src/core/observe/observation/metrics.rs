//! What a metrics source says: figures, each with the window it was asked for.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::profile::monitoring::Figure;
use crate::text::SafeText;

/// What one query was answered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FigureReading {
    /// What was asked for.
    pub figure: Figure,
    /// How far back, seconds; `None` where the query has no window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_s: Option<u64>,
    /// The answer, or why there is none.
    pub answer: Result<Answer, SafeText>,
}

/// An answer of a metrics source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Answer {
    /// The rows, none of which is of a native histogram.
    pub rows: Vec<Sample>,
    /// Rows that are not in it, because there were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// What the source warns of: something may be missing from the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<SafeText>,
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Sample {
    /// Its labels, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<(SafeText, SafeText)>,
    /// Its value.
    pub value: Value,
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&SafeText> {
        let (_, value) = self.labels.iter().find(|(label, _)| &**label == name)?;
        Some(value)
    }
}

/// A number of a metrics source, which may be none (`NaN`) or endless. Written as a text, as JSON has no such numbers.
#[derive(Clone, Copy, Debug)]
pub struct Value(pub f64);

impl Value {
    /// The number, where it is one.
    pub fn finite(self) -> Option<f64> {
        self.0.is_finite().then_some(self.0)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.0.total_cmp(&other.0).is_eq()
    }
}

impl Eq for Value {}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let number = text.parse();
        number
            .map(Self)
            .map_err(|_error| D::Error::custom("not a number in quotes"))
    }
}

/// How a figure moved over the last hour.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FigureHistory {
    /// Which.
    pub figure: Figure,
    /// The points, oldest first, or why there are none: of several rows the highest.
    pub points: Result<Vec<(Timestamp, Value)>, SafeText>,
    /// What the source warns of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<SafeText>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference to the field"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
