//! Numbers with their nouns: `1 row`, `2 rows`.

use std::fmt::Display;

use super::SafeText;
use crate::safe;

/// A number, then its noun in the singular or the plural; a verb that agrees may follow the noun: `1 pod is`, `2 pods are`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> SafeText {
    let noun = noun(count, one, many);
    safe!("{count} {noun}")
}

/// The noun alone, where words stand between it and its number: `1 OCM error`, `2 OCM errors`.
pub fn noun<'w, N: PartialEq + From<u8>>(count: N, one: &'w str, many: &'w str) -> &'w str {
    if count == N::from(1) { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_is_singular() {
        for (count, rows, are_ready) in [
            (0_u64, "0 rows", "0 pods are ready"),
            (1, "1 row", "1 pod is ready"),
            (2, "2 rows", "2 pods are ready"),
        ] {
            assert_eq!(counted(count, "row", "rows"), rows);
            assert_eq!(counted(count, "pod is ready", "pods are ready"), are_ready);
        }
        assert_eq!(noun(1_usize, "error", "errors"), "error");
        assert_eq!(noun(2_i64, "error", "errors"), "errors");
    }
}
