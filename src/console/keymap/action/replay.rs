//! The verbs of a replay.

use super::Context::Replay;
use super::rows::row;
use super::{Action, Row};
use crate::replay::Turn;

/// All of them, in the order of the help and the footer.
pub(crate) const ROWS: &[Row] = &[
    row(
        Action::Replay(Turn::PlayOrPause),
        "play",
        Replay,
        &["space"],
        "play/pause",
        "let the clock run; again: hold it",
    ),
    row(
        Action::Replay(Turn::NextMoment),
        "next-moment",
        Replay,
        &["."],
        "next",
        "to the next thing that was found or done",
    ),
    row(
        Action::Replay(Turn::PreviousMoment),
        "previous-moment",
        Replay,
        &[","],
        "before",
        "to the one before",
    ),
    row(
        Action::Replay(Turn::Forward),
        "forward",
        Replay,
        &["right"],
        "+10s",
        "ten seconds forward",
    ),
    row(
        Action::Replay(Turn::Back),
        "back",
        Replay,
        &["left"],
        "-10s",
        "ten seconds back",
    ),
    row(
        Action::Replay(Turn::ForwardFar),
        "forward-minute",
        Replay,
        &["}"],
        "+1m",
        "a minute forward",
    ),
    row(
        Action::Replay(Turn::BackFar),
        "back-minute",
        Replay,
        &["{"],
        "-1m",
        "a minute back",
    ),
    row(
        Action::Replay(Turn::Faster),
        "faster",
        Replay,
        &["+"],
        "faster",
        "play faster, up to 100 times",
    ),
    row(
        Action::Replay(Turn::Slower),
        "slower",
        Replay,
        &["-"],
        "slower",
        "play slower, down to a quarter",
    ),
    row(
        Action::Replay(Turn::ToBeginning),
        "to-beginning",
        Replay,
        &["0"],
        "",
        "to the beginning of the record",
    ),
    row(
        Action::Replay(Turn::ToEnd),
        "to-end",
        Replay,
        &["$"],
        "",
        "to its end",
    ),
    row(
        Action::Replay(Turn::Differences),
        "differences",
        Replay,
        &["D"],
        "differences",
        "what is not found as it was recorded",
    ),
];
