//! Suggestions: the known word that a wrong one was probably meant to be.

/// How many words are listed when none is near.
const LISTED: usize = 12;

/// "did you mean …", or the words there are; `None` when there are none, or too many to list.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = nearest(word, &known) {
        return Some(did_you_mean_this(near));
    }
    let several = holding_all(word, &known);
    if (2..=LISTED).contains(&several.len()) {
        return Some(format!("did you mean one of these? {}", several.join(", ")));
    }
    let listed = !known.is_empty() && known.len() <= LISTED;
    listed.then(|| format!("known: {}", known.join(", ")))
}

/// The hint that names one word.
pub(super) fn did_you_mean_this(near: &str) -> String {
    format!("did you mean `{near}`?")
}

/// The word that was probably meant: a typing slip away, or the only one with all the parts that were typed.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    slip(word, known).or_else(|| shortened(word, known))
}

/// The word that differs in the fewest letters, if a typing slip explains it: letters inserted, left out or replaced, neighbours swapped.
/// Of words that are as near, the one that begins alike.
fn slip<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let typed = plain(word);
    let limit = (typed.chars().count() / 3).max(1);
    let ranked = known.iter().map(|known| {
        let other = plain(known);
        let distance = strsim::osa_distance(&typed, &other);
        (distance, strsim::jaro_winkler(&typed, &other), *known)
    });
    let (distance, _, near) = ranked.min_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)))?;
    (distance <= limit).then_some(near)
}

/// The only word with every part of what was typed: `kafka-deletion` for `kafka-deletion-correctness`.
fn shortened<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    match holding_all(word, known)[..] {
        [only] => Some(only),
        _ => None,
    }
}

/// The words with every part of what was typed.
fn holding_all<'a>(word: &str, known: &[&'a str]) -> Vec<&'a str> {
    let typed = plain(word);
    let holds_all = |known: &&&str| {
        let other = plain(known);
        let mut parts = other.split('-');
        typed
            .split('-')
            .all(|part| part.len() > 1 && parts.any(|of_other| of_other.starts_with(part)))
    };
    known.iter().filter(holds_all).copied().collect()
}

/// Capitals and underscores are no difference.
fn plain(word: &str) -> String {
    word.to_ascii_lowercase().replace('_', "-")
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
            ("COLOR", "did you mean `color`?"),
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
        let sops = ["api-down", "kafka-deletion", "kafka-latency"];
        assert_eq!(
            did_you_mean("kafka", sops).as_deref(),
            Some("did you mean one of these? kafka-deletion, kafka-latency")
        );
    }

    #[test]
    fn the_nearest_of_several_near_words_is_suggested() {
        let known = ["context", "contacts", "read-only", "environment", "environments"];
        let cases = [
            ("contact", "contacts"),
            ("contex", "context"),
            ("read_olny", "read-only"),
            ("enviroments", "environments"),
        ];
        for (word, near) in cases {
            assert_eq!(nearest(word, &known), Some(near), "{word}");
        }
    }

    #[test]
    fn a_name_of_which_parts_were_left_out_is_recognised_where_only_one_fits() {
        let sops = [
            "kafka-provisioning-latency",
            "kafka-provisioning-correctness",
            "kafka-deletion-correctness",
        ];
        let cases = [
            ("kafka-latency", Some("kafka-provisioning-latency")),
            ("kafka-deletion", Some("kafka-deletion-correctness")),
            ("kafka", None),
            ("kafka-", None),
        ];
        for (word, near) in cases {
            assert_eq!(nearest(word, &sops), near, "{word}");
        }
    }
}
