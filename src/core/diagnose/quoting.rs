//! What somebody else said, as evidence (whole, on one line) and as a reason (its telling end).

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::text::SafeText;

/// Longest line of evidence, in characters: what comes from outside is bounded. The screen cuts to its own width.
const LONGEST: usize = 2_000;

/// Longest end of a line in a reason, in characters.
const TELLING: usize = 80;

/// Longest name of what failed behind it.
const FAILED: usize = 40;

/// Characters of an identifier that stay: it is known again by them.
const OF_IDENTIFIER: usize = 4;

/// A line of evidence, on one line.
pub(super) fn line(text: &str) -> SafeText {
    quote("", text)
}

/// The console's own words, and after them what somebody said.
pub(super) fn quote(lead: &str, said: &str) -> SafeText {
    let whole = format!("{lead}{said}").replace('\n', " ");
    SafeText::shortened(&whole, LONGEST)
}

/// The telling end of an error, for a reason: `CLUSTERS-MGMT-503: The service is temporarily unavailable (failed to create cluster …)`.
///
/// Errors are wrapped one into the other, `: ` between them, and the innermost cause stands last. It is said with as many of the errors
/// around it as there is room for, the code with a status in front of it, and what failed behind it. Addresses are cut to their hosts, and
/// identifiers to their beginnings. Of what the scheduler says, the nodes' own reasons count, and not what it says of preemption after them.
pub(super) fn gist(said: &str) -> String {
    let one_line = said.lines().next().unwrap_or_default();
    let plain = in_short(&without_ballast(one_line));
    let parts: Vec<&str> = plain.split(": ").map(str::trim).collect();
    let length = |text: &str| text.chars().count();
    let (mut from, mut room) = (parts.len(), TELLING);
    for (place, part) in parts.iter().enumerate().rev() {
        let is_last = from == parts.len();
        let needs = length(part) + if is_last { 0 } else { 2 };
        if needs > room && !is_last {
            break;
        }
        (from, room) = (place, room.saturating_sub(needs));
    }
    let end = parts[from..].join(": ");
    let end = SafeText::shortened(&end, TELLING).to_string();
    let code = code_in(&plain).map(|place| &plain[place]);
    let code = code.filter(|code| !end.contains(code));
    let code = code.map(|code| format!("{code}: "));
    let failed = parts[..from].iter().rev().find(|part| says_what_failed(part));
    let failed = failed.map(|what| format!(" ({})", SafeText::cut(what, FAILED)));
    [code.unwrap_or_default(), end, failed.unwrap_or_default()].concat()
}

/// The innermost cause alone: `context deadline exceeded`.
pub(super) fn innermost(said: &str) -> String {
    let plain = in_short(said.lines().next().unwrap_or_default());
    let last = plain.rsplit(": ").next().unwrap_or_default().trim();
    SafeText::shortened(last, FAILED).to_string()
}

/// Where a line names the code of its innermost error, one that ends in a status of HTTP: `CLUSTERS-MGMT-503`.
pub fn code_in(line: &str) -> Option<Range<usize>> {
    let code = PATTERNS.code.as_ref().ok()?;
    code.find_iter(line).last().map(|found| found.range())
}

/// Whether a part of an error says what was tried in vain.
fn says_what_failed(part: &str) -> bool {
    let lower = part.to_lowercase();
    ["failed to", "error ", "unable to", "could not", "can't"]
        .iter()
        .any(|start| lower.starts_with(start))
}

/// How errors name things that tell nothing to a reader.
struct Patterns {
    /// `clusters_mgr.go:130] `, `[opid=…][tx_id=…] `.
    place: Result<Regex, regex::Error>,
    /// `Post "https://api.example.com/a/b?c"`.
    address: Result<Regex, regex::Error>,
    /// `dial tcp 10.0.61.9:443`.
    dialled: Result<Regex, regex::Error>,
    /// ` preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.`: no reason of its own.
    preemption: Result<Regex, regex::Error>,
    /// `1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }`.
    taint: Result<Regex, regex::Error>,
    /// `receive series from Addr: 10.128.2.11:10901 LabelSets: {…} MinTime: 1795800000000 MaxTime: 9223372036854775807: `.
    store: Result<Regex, regex::Error>,
    /// A long name of letters and digits, or a UUID.
    identifier: Result<Regex, regex::Error>,
    /// A code that ends in a status of HTTP: `CLUSTERS-MGMT-503`.
    code: Result<Regex, regex::Error>,
}

/// The patterns are constants; the tests prove that each compiles.
static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns {
    place: Regex::new(r"^(?:[\w./-]+\.go:\d+\] ?)?(?:\[[^\]]*\] ?)*"),
    address: Regex::new(r#"(?:\b(?:Get|Head|Post|Put|Patch|Delete) )?"?https?://([^/\s"':]+)[^\s"']*"?"#),
    dialled: Regex::new(r"\bdial tcp [\d.:\[\]a-f]+:\d+"),
    preemption: Regex::new(r"(?i)[.,;]? preemption: .*$"),
    taint: Regex::new(
        r"\b(\d+) node\(s\) had (?:untolerated )?taint \{(?:[^}/]*/)?([^}:]+)(?::[^}]*)?\}(?:, that the pod didn't tolerate)?",
    ),
    store: Regex::new(
        r"\breceive series from Addr: (\S+) LabelSets: .*?MaxTime: \S+: (?:rpc error: code = \w+ desc = )?(?:connection error: )?",
    ),
    identifier: Regex::new(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9A-Za-z]{16,}\b"),
    code: Regex::new(r"\b[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-\d{3}\b"),
});

/// What the scheduler says of nodes and Thanos of a store, without what tells nothing.
fn without_ballast(line: &str) -> String {
    let text = replaced(&PATTERNS.preemption, line, &|_| String::new());
    let text = replaced(&PATTERNS.taint, &text, &|found| {
        let has = if &found[1] == "1" { "has" } else { "have" };
        format!("{} {has} taint {}", &found[1], &found[2])
    });
    replaced(&PATTERNS.store, &text, &|found| format!("store {}: ", &found[1]))
}

fn replaced(
    pattern: &Result<Regex, regex::Error>,
    text: &str,
    with: &dyn Fn(&Captures<'_>) -> String,
) -> String {
    let Ok(pattern) = pattern else {
        return text.to_owned();
    };
    let replaced: Cow<'_, str> = pattern.replace_all(text, |found: &Captures<'_>| with(found));
    replaced.into_owned()
}

/// A line without its place in the code, and with addresses and identifiers shortened.
pub fn in_short(line: &str) -> String {
    let text = replaced(&PATTERNS.place, line, &|_| String::new());
    let text = replaced(&PATTERNS.address, &text, &|found| host_in_short(&found[1]));
    let text = replaced(&PATTERNS.dialled, &text, &|_| "dial tcp".to_owned());
    replaced(&PATTERNS.identifier, &text, &|found| {
        let whole = &found[0];
        let has = |is: fn(&char) -> bool| whole.chars().any(|c| is(&c));
        if !(has(char::is_ascii_digit) && has(char::is_ascii_alphabetic)) {
            return whole.to_owned();
        }
        whole.chars().take(OF_IDENTIFIER).chain(['…']).collect()
    })
}

/// The first name of a long host, `keycloak-sso-stage…`; a short one whole.
fn host_in_short(host: &str) -> String {
    /// A host that stays whole, in characters.
    const SHORT: usize = 26;
    match host.split_once('.') {
        Some((first, _)) if host.len() > SHORT => format!("{first}…"),
        _ => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_evidence_stays_whole_up_to_a_bound() {
        let said = format!(
            "clusters_mgr.go:130] failed: {}the quota is used up",
            "MGD-SERV-API-9: ".repeat(20)
        );
        assert_eq!(
            quote("OCM: 6 by blf5h: ", &said),
            format!("OCM: 6 by blf5h: {said}")
        );
        assert_eq!(line("a\nb"), "a b");
        let flood = line(&"long ".repeat(10_000));
        // it is cut at the ends of words, a few characters before the bound
        assert!((LONGEST - 8..=LONGEST).contains(&flood.chars().count()));
        assert!(flood.contains('…') && flood.ends_with("long "));
        let longest = "x".repeat(LONGEST);
        assert_eq!(line(&longest), longest);
        let longer = line(&"x".repeat(LONGEST + 1));
        assert_eq!(longer.chars().count(), LONGEST);
        assert!(longer.contains('…'));
    }

    #[test]
    fn a_reason_has_the_innermost_cause_with_its_code_and_what_failed() {
        let cases = [
            (
                "clusters_mgr.go:130] failed to reconcile accepted cluster 3MSIEa81OvNtBIQcm3PtNkYyLA6: failed to create cluster for request \
                 3MSIEa81OvNtBIQcm3PtNkYyLA6: MGD-SERV-API-9: MGD-SERV-API-9: identifier is '503', code is 'CLUSTERS-MGMT-503' and operation \
                 identifier is 'u471st4a26ge5l97df6p3uck4sa1uptq': The service is temporarily unavailable",
                "CLUSTERS-MGMT-503: The service is temporarily unavailable (failed to create cluster for request 3M…)",
            ),
            (
                "kafkas_mgr.go:114] failed to reconcile accepted kafka 3MSD0LDqjcWy4kkJyWOWgE20P4o: failed to create sso client \
                 kafka-3msd0ldqjcwy4kkjywowge20p4o: MGD-SERV-API-9: failed to check the sso client exists: Post \
                 \"https://keycloak-mas-sso-stage.apps.osd-stage.example.com/auth/realms/x/token\": dial tcp 10.0.61.9:443: i/o timeout",
                "keycloak-mas-sso-stage…: dial tcp: i/o timeout (failed to check the sso client exists)",
            ),
            (
                "pods \"managed-services-api-44867b9788-\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=0, limited: \
                 pods=0",
                "exceeded quota: compute, requested: pods=1, used: pods=0, limited: pods=0",
            ),
            (
                "logger.go:84] [opid=3MSIyFT7yotkFrPDhwCzHLmozkn][tx_id=4] MGD-SERV-API-9: Unable to read kafka requests: context deadline \
                 exceeded",
                "MGD-SERV-API-9: Unable to read kafka requests: context deadline exceeded",
            ),
            (
                "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 2 node(s) had untolerated \
                 taint {node.kubernetes.io/unreachable: }. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
                "0/3 nodes are available: 1 has taint disk-pressure, 2 have taint unreachable",
            ),
            (
                "0/6 nodes are available: 3 Insufficient memory, 3 node(s) had taint {node-role.kubernetes.io/master: }, that the pod \
                 didn't tolerate.",
                "0/6 nodes are available: 3 Insufficient memory, 3 have taint master.",
            ),
            (
                "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for \
                 incoming pod.",
                "0/3 nodes are available: 3 Insufficient cpu",
            ),
            (
                "receive series from Addr: 10.128.2.11:10901 LabelSets: {prometheus=\"openshift-customer-monitoring/app-sre\"} MinTime: \
                 1795800000000 MaxTime: 9223372036854775807: rpc error: code = Unavailable desc = connection error: dial tcp \
                 10.128.2.11:10901: connect: connection refused",
                "store 10.128.2.11:10901: dial tcp: connect: connection refused",
            ),
            ("", ""),
            ("one line\nand a stack", "one line"),
        ];
        for (said, want) in cases {
            assert_eq!(gist(said), want);
        }
        let long = gist(&"x".repeat(500));
        assert_eq!(long.chars().count(), TELLING);
    }

    #[test]
    fn the_patterns_compile() {
        let Patterns {
            place,
            address,
            dialled,
            preemption,
            taint,
            store,
            identifier,
            code,
        } = &*PATTERNS;
        assert!(
            [
                place, address, dialled, preemption, taint, store, identifier, code
            ]
            .iter()
            .all(|pattern| pattern.is_ok())
        );
    }
}
