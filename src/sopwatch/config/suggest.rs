//! Suggestions: the known word that a wrong one was probably meant to be.

/// How many words are listed when none is near.
const LISTED: usize = 12;

/// "did you mean …", or the words there are; `None` when there are none, or too many to list.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(word, &known) {
        return Some(format!("did you mean `{near}`?"));
    }
    let listed = !known.is_empty() && known.len() <= LISTED;
    listed.then(|| format!("known: {}", known.join(", ")))
}

/// The word that differs in the fewest letters, if a typing slip explains it: letters inserted, left out or replaced, neighbours swapped.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let ranked = known
        .iter()
        .map(|known| (strsim::osa_distance(word, known), *known));
    let (distance, near) = ranked.min_by_key(|(distance, _)| *distance)?;
    (distance <= limit).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_listed() {
        let cases = [
            ("pol", "did you mean `poll`?"),
            ("plol", "did you mean `poll`?"),
            ("colour", "did you mean `color`?"),
            ("flavour", "known: poll, color"),
        ];
        for (word, hint) in cases {
            assert_eq!(
                did_you_mean(word, ["poll", "color"]).as_deref(),
                Some(hint),
                "{word}"
            );
        }
        assert_eq!(did_you_mean("x", []), None);
    }
}
