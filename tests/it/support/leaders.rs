//! Who leads, as the strips beside the panes say it.

/// What the strip of a worker ends with on a screen with panes side by side (`✔ qd74q`, `✘ NONE`), and the line under it.
pub fn leader_on(screen: &str, worker: &str) -> Option<(String, String)> {
    let mut lines = screen.lines();
    let begin = format!("│ {worker} ");
    let within = |line: &str| {
        let (_, rest) = line.rsplit_once("││ ").or_else(|| line.split_once("│ "))?;
        Some(rest.trim_end_matches(['│', ' ']).trim_start().to_owned())
    };
    let strip = lines.find_map(|line| line.split_once(&begin))?.1;
    let verdict = strip.trim_end_matches(['│', ' ']).rsplit("  ").next()?;
    Some((verdict.trim().to_owned(), lines.next().and_then(within)?))
}

/// Whether the strips of both workers name one leader each.
pub fn both_lead(screen: &str) -> bool {
    ["Cluster", "Kafka"]
        .iter()
        .all(|worker| leader_on(screen, worker).is_some_and(|(verdict, _)| verdict.starts_with('✔')))
}
