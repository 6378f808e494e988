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
        let (mut because, mut again, mut missing) = (Vec::new(), false, None);
        for truth in truths {
            match truth {
                Self::False { .. } => return truth,
                Self::Unknown { .. } => missing = missing.or(Some(truth)),
                Self::True {
                    because: more,
                    again: more_again,
                } => {
                    because.extend(more);
                    again |= more_again;
                }
            }
        }
        missing.unwrap_or(Self::True { because, again })
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
                    true_ones.extend(because);
                    again |= more_again;
                }
                Self::Unknown { .. } => missing = missing.or(Some(truth)),
                Self::False { because } => false_ones.push(because),
            }
        }
        if holds {
            return Self::True {
                because: true_ones,
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
        let (open, told): (Vec<_>, Vec<_>) = optional
            .into_iter()
            .partition(|truth| matches!(truth, Self::Unknown { .. }));
        match Self::any(truths.into_iter().chain(told)) {
            Self::False { because } => {
                let open = open.into_iter().filter_map(|truth| match truth {
                    Self::Unknown { missing } => Some(safe!("not seen: {missing}")),
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
        assert_eq!(open, Truth::holds_not("f; not seen: u"));
        assert_eq!(
            "tfu".chars().map(|c| letter(&of(c).not())).collect::<String>(),
            "ftu"
        );
    }
}
