//! How fast the budget of failed or slow requests is used up: pairs of a short and a long window, as the alerts on it have them.

use super::figures::{Known, Missing, percent, span};
use crate::diagnose::evaluation::Evaluation;
use crate::profile::monitoring::{Burn, Figure, Monitoring};
use crate::safe;
use crate::text::SafeText;

/// What the pairs of windows say of a figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Burning {
    /// In both windows of a pair the share is too high.
    Yes {
        /// The pair, the shortest of those that burn.
        pair: Burn,
        /// What is too much.
        limit: f64,
        /// `5xx: 7.1 % in 30m and 6.4 % in 6h, both over 5.6 %`.
        words: SafeText,
    },
    /// In no pair; also where there is none.
    No,
    /// A pair can't be told, and why.
    Unknown(Missing),
}

impl Evaluation<'_> {
    /// Whether a share burns its budget. One window that is under its limit clears its pair, whatever the other says.
    pub(super) fn burning(&self, monitoring: &Monitoring, figure: Figure) -> Burning {
        let mut unknown = None;
        for (pair, limit) in monitoring.burns(figure) {
            let share = |window| {
                let known = self.scraped_figure(monitoring, figure, Some(window))?;
                share_over(&known, limit)
            };
            match (share(pair.short), share(pair.long)) {
                (Ok(Share::Over(short)), Ok(Share::Over(long))) => {
                    let words = safe!(
                        "{}: {} in {} and {} in {}, both over {}",
                        figure.title(),
                        percent(short),
                        span(pair.short),
                        percent(long),
                        span(pair.long),
                        percent(limit)
                    );
                    return Burning::Yes { pair, limit, words };
                }
                (Ok(Share::Under), _) | (_, Ok(Share::Under)) => {}
                (Err(missing), _) | (_, Err(missing)) => {
                    unknown.get_or_insert(missing);
                }
            }
        }
        unknown.map_or(Burning::No, Burning::Unknown)
    }
}

/// A share against a limit.
enum Share {
    Over(f64),
    Under,
}

/// What is over by the part that was seen is over; what is under must be whole.
fn share_over(known: &Known<'_>, limit: f64) -> Result<Share, Missing> {
    if let Some(share) = known.number().filter(|share| *share > limit) {
        return Ok(Share::Over(share));
    }
    match (known.number(), known.incomplete()) {
        (_, Some(missing)) => Err(missing),
        (None, None) => Err(known
            .complete()
            .err()
            .unwrap_or_else(|| super::figures::unknown("no number".into()))),
        (Some(_), None) => Ok(Share::Under),
    }
}
