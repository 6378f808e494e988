//! The verbs of a replay.

use super::Context::Replay;
use super::rows::row;
use super::{Action, Row};
use crate::replay::ReplayAction;

/// All of them, in the order of the help and the footer.
pub(crate) const ROWS: &[Row] = &[
    row(
        Action::Replay(ReplayAction::PlayOrPause),
        "play",
        Replay,
        &["space"],
        "play/pause",
        "play; again: pause",
    ),
    row(
        Action::Replay(ReplayAction::NextMoment),
        "next-moment",
        Replay,
        &["."],
        "next",
        "to the next finding or action",
    ),
    row(
        Action::Replay(ReplayAction::PreviousMoment),
        "previous-moment",
        Replay,
        &[","],
        "before",
        "to the one before",
    ),
    row(
        Action::Replay(ReplayAction::Forward),
        "forward",
        Replay,
        &["right"],
        "+10s",
        "ten seconds forward",
    ),
    row(
        Action::Replay(ReplayAction::Back),
        "back",
        Replay,
        &["left"],
        "-10s",
        "ten seconds back",
    ),
    row(
        Action::Replay(ReplayAction::ForwardFar),
        "forward-minute",
        Replay,
        &["}"],
        "+1m",
        "a minute forward",
    ),
    row(
        Action::Replay(ReplayAction::BackFar),
        "back-minute",
        Replay,
        &["{"],
        "-1m",
        "a minute back",
    ),
    row(
        Action::Replay(ReplayAction::Faster),
        "faster",
        Replay,
        &["+"],
        "faster",
        "play faster, up to 100 times",
    ),
    row(
        Action::Replay(ReplayAction::Slower),
        "slower",
        Replay,
        &["-"],
        "slower",
        "play slower, down to a quarter",
    ),
    row(
        Action::Replay(ReplayAction::ToBeginning),
        "to-beginning",
        Replay,
        &["0"],
        "",
        "to the beginning of the record",
    ),
    row(
        Action::Replay(ReplayAction::ToEnd),
        "to-end",
        Replay,
        &["$"],
        "",
        "to its end",
    ),
    row(
        Action::Replay(ReplayAction::Mismatches),
        "differences",
        Replay,
        &["D"],
        "differences",
        "findings that differ from the record",
    ),
];
