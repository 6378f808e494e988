//! A word from the console that goes away by itself.

use jiff::{SignedDuration, Timestamp};

use sopwatch_core::text::SafeText;

/// How long a notice stays.
pub const NOTICE_STAYS: SignedDuration = SignedDuration::from_secs(6);

/// A word from the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When it was said.
    pub at: Timestamp,
    /// Whether something went wrong.
    pub bad: bool,
    /// What.
    pub text: SafeText,
}

impl Notice {
    /// Whether it still shows.
    pub fn is_current(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) < NOTICE_STAYS
    }
}
