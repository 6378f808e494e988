//! A line of evidence loses its middle when it is too long: its end stays, which tells the cause.

use crate::safe;
use crate::text::SafeText;

/// Longest line of evidence, in characters.
const LONGEST: usize = 160;

/// Characters that what somebody said may take at least, however long the words before it are.
const LEAST: usize = 60;

/// A line of evidence, on one line.
pub(super) fn line(text: &str) -> SafeText {
    quote("", text)
}

/// The console's own words, and after them what somebody said: that is made short first.
pub(super) fn quote(lead: &str, said: &str) -> SafeText {
    let lead = SafeText::shortened(&lead.replace('\n', " "), LONGEST);
    let room = LONGEST.saturating_sub(lead.chars().count()).max(LEAST);
    safe!("{lead}{}", SafeText::shortened(&said.replace('\n', " "), room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_telling_end_of_a_long_line_stay() {
        let said = format!(
            "clusters_mgr.go:130] failed to reconcile: {}: identifier is '503' and operation identifier is 'x': the quota is used up",
            "MGD-SERV-API-9: ".repeat(20)
        );
        let short = quote("OCM: 6 by blf5h: ", &said);
        assert!(short.chars().count() <= LONGEST, "{short}");
        assert!(
            short.starts_with("OCM: 6 by blf5h: clusters_mgr.go:130] failed "),
            "{short}"
        );
        assert!(
            short.ends_with("and operation identifier is 'x': the quota is used up"),
            "{short}"
        );
        assert_eq!(line("a\nb"), "a b");
    }

    #[test]
    fn words_of_the_console_s_own_are_never_cut_for_what_somebody_said() {
        let lead = "x".repeat(150);
        let short = quote(&lead, &"long ".repeat(100));
        assert!(short.starts_with(&lead) && short.ends_with("long "), "{short}");
        assert_eq!(short.chars().count(), 150 + LEAST);
    }
}
