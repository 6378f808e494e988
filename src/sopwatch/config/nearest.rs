//! What was probably meant.

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

/// The word that differs in the fewest letters, if a slip of the hand explains it.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let ranked = known.iter().map(|known| (distance(word, known), *known));
    let (distance, near) = ranked.min_by_key(|(distance, _)| *distance)?;
    (distance <= limit).then_some(near)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    let left: Vec<char> = left.chars().collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut best = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(0)
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
