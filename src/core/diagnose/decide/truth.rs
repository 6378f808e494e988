//! Three-valued truth with what it rests on.

use crate::safe;
use crate::text::SafeText;

/// Whether a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    True {
        /// What shows it.
        because: Vec<SafeText>,
        /// Whether what was done about it already did not help.
        again: bool,
    },
    /// It does not, by complete evidence.
    False {
        /// What is seen instead.
        because: SafeText,
    },
    /// It is not known.
    Unknown {
        /// What is missing.
        missing: SafeText,
    },
}

impl Truth {
    pub(in crate::diagnose) fn holds(because: impl IntoIterator<Item: Into<SafeText>>) -> Self {
        Self::True {
            because: because.into_iter().map(Into::into).collect(),
            again: false,
        }
    }

    pub(in crate::diagnose) fn holds_not(because: impl Into<SafeText>) -> Self {
        Self::False {
            because: because.into(),
        }
    }

    pub(in crate::diagnose) fn unknown(missing: impl Into<SafeText>) -> Self {
        Self::Unknown {
            missing: missing.into(),
        }
    }

    pub(in crate::diagnose) fn again(self, again: bool) -> Self {
        match self {
            Self::True { because, .. } => Self::True { because, again },
            other => other,
        }
    }

    /// Whether it holds for certain.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::True { .. })
    }

    /// All of them: false as soon as one is, else unknown as soon as one is.
    pub(in crate::diagnose) fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let (mut true_ones, mut again, mut missing) = (Vec::new(), false, None);
        for truth in truths {
            match truth {
                Self::False { .. } => return truth,
                Self::Unknown { .. } => missing = missing.or(Some(truth)),
                Self::True {
                    because,
                    again: more_again,
                } => {
                    true_ones.push(because);
                    again |= more_again;
                }
            }
        }
        missing.unwrap_or_else(|| Self::True {
            because: heads_first(true_ones),
            again,
        })
    }

    /// Any of them: true as soon as one is, else unknown as soon as one is.
    pub(in crate::diagnose) fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        let (mut true_ones, mut again, mut missing, mut false_ones) = (Vec::new(), false, None, Vec::new());
        let mut holds = false;
        for truth in truths {
            match truth {
                Self::True {
                    because,
                    again: more_again,
                } => {
                    holds = true;
                    true_ones.push(because);
                    again |= more_again;
                }
                Self::Unknown { .. } => missing = missing.or(Some(truth)),
                Self::False { because } => false_ones.push(because),
            }
        }
        if holds {
            return Self::True {
                because: heads_first(true_ones),
                again,
            };
        }
        missing.unwrap_or_else(|| Self::holds_not(false_ones.join("; ")))
    }

    /// Any of them or of the optional ones: the optional ones can make it true; where one is unknown, that is said beside what the others say.
    pub(in crate::diagnose) fn any_or_optional(
        truths: impl IntoIterator<Item = Self>,
        optional: impl IntoIterator<Item = Self>,
    ) -> Self {
        let (open, known): (Vec<_>, Vec<_>) = optional
            .into_iter()
            .partition(|truth| matches!(truth, Self::Unknown { .. }));
        match Self::any(truths.into_iter().chain(known)) {
            Self::False { because } => {
                let open = open.into_iter().filter_map(|truth| match truth {
                    Self::Unknown { missing } if missing.starts_with("no data") => Some(missing),
                    Self::Unknown { missing } => Some(safe!("no data: {missing}")),
                    _ => None,
                });
                let because: Vec<_> = std::iter::once(because).chain(open).collect();
                Self::holds_not(because.join("; "))
            }
            other => other,
        }
    }

    pub(in crate::diagnose) fn not(self) -> Self {
        match self {
            Self::True { because, .. } => Self::holds_not(because.join("; ")),
            Self::False { because } => Self::holds([because]),
            unknown @ Self::Unknown { .. } => unknown,
        }
    }
}

/// What shows several conditions that hold: of each its first line, which says it in short, then the rest.
fn heads_first(all: Vec<Vec<SafeText>>) -> Vec<SafeText> {
    let (mut heads, mut rest) = (Vec::new(), Vec::new());
    for because in all {
        let mut lines = because.into_iter();
        heads.extend(lines.next());
        rest.extend(lines);
    }
    heads.extend(rest);
    heads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(letter: char) -> Truth {
        match letter {
            't' => Truth::holds(["t".to_owned()]),
            'f' => Truth::holds_not("f"),
            _ => Truth::unknown("u"),
        }
    }

    fn letter(truth: &Truth) -> char {
        match truth {
            Truth::True { .. } => 't',
            Truth::False { .. } => 'f',
            Truth::Unknown { .. } => 'u',
        }
    }

    #[test]
    fn truths_are_joined_as_kleene_joins_them() {
        // (parts, all, any)
        let table = [
            ("tt", 't', 't'),
            ("tf", 'f', 't'),
            ("tu", 'u', 't'),
            ("ff", 'f', 'f'),
            ("fu", 'f', 'u'),
            ("uu", 'u', 'u'),
        ];
        for (parts, all, any) in table {
            for parts in [parts.to_owned(), parts.chars().rev().collect()] {
                assert_eq!(letter(&Truth::all(parts.chars().map(of))), all, "all of {parts}");
                assert_eq!(letter(&Truth::any(parts.chars().map(of))), any, "any of {parts}");
            }
        }
        // (parts, optional, joined): what is optional decides only by holding
        let table = [
            ("f", "u", 'f'),
            ("f", "f", 'f'),
            ("f", "t", 't'),
            ("t", "u", 't'),
            ("u", "f", 'u'),
            ("u", "u", 'u'),
            ("u", "t", 't'),
            ("ff", "uf", 'f'),
        ];
        for (parts, optional, joined) in table {
            let truth = Truth::any_or_optional(parts.chars().map(of), optional.chars().map(of));
            assert_eq!(letter(&truth), joined, "{parts} or {optional}");
        }
        let open = Truth::any_or_optional([of('f')], [of('u')]);
        assert_eq!(open, Truth::holds_not("f; no data: u"));
        let open = Truth::any_or_optional([of('f')], [Truth::unknown("no data on u")]);
        assert_eq!(open, Truth::holds_not("f; no data on u"), "it is said once");
        assert_eq!(
            "tfu".chars().map(|c| letter(&of(c).not())).collect::<String>(),
            "ftu"
        );
    }

    #[test]
    fn whether_it_was_tried_before_and_what_shows_it_is_kept_of_all_that_hold() {
        let tried = |again| of('t').again(again);
        for (first, second, again) in [
            (false, false, false),
            (false, true, true),
            (true, false, true),
            (true, true, true),
        ] {
            let because = vec!["t".into(), "t".into()];
            let both = Truth::True { because, again };
            assert_eq!(
                Truth::all([tried(first), tried(second)]),
                both,
                "{first} {second}"
            );
            assert_eq!(
                Truth::any([tried(first), tried(second)]),
                both,
                "{first} {second}"
            );
        }
        for letter in ['f', 'u'] {
            assert_eq!(
                of(letter).again(true),
                of(letter),
                "what does not hold was not tried"
            );
        }
    }

    #[test]
    fn only_what_holds_for_certain_is_true() {
        assert_eq!(
            ['t', 'f', 'u'].map(|letter| of(letter).is_true()),
            [true, false, false]
        );
    }

    #[test]
    fn what_is_seen_instead_and_what_is_missing_is_said() {
        let ones = |letters: &str| letters.chars().map(of).collect::<Vec<_>>();
        assert_eq!(Truth::any(ones("ff")), Truth::holds_not("f; f"));
        assert_eq!(Truth::all(ones("tf")), Truth::holds_not("f"));
        assert_eq!(Truth::all(ones("tu")), Truth::unknown("u"));
        assert_eq!(Truth::any(ones("fu")), Truth::unknown("u"));
        assert_eq!(of('t').not(), Truth::holds_not("t"));
        assert_eq!(of('f').not(), Truth::holds(["f".to_owned()]));
        assert_eq!(of('u').not(), Truth::unknown("u"));
    }
}
