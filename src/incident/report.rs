//! A recorded incident as a text.

use super::record::Line;

/// The incident for people.
pub fn markdown(lines: &[Line], doubt: Option<&str>) -> String {
    format!("{} lines{}", lines.len(), doubt.unwrap_or_default())
}
