//! The pods, and which worker each of them leads.

pub(crate) mod keys;
pub(crate) mod others;
pub(crate) mod summary;
pub(crate) mod vitals;
#[cfg(test)]
pub(crate) mod vitals_screen_tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::leaders::short_titles;
use crate::app::App;
use crate::panes::Pane;
use crate::screen::borders;
use crate::screen::layout::Region;
use crate::screen::source_error;
use crate::screen::source_error::SourceError;
use crate::style::age;
use crate::style::styled_text;
use crate::style::styled_text::{CellText, StyledText};
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::leaders::LeaderReading;
use sopwatch_core::diagnose::vitals::{Signs, Vitals};
use sopwatch_core::diagnose::waiting::waiting_for;
use sopwatch_core::observe::observation::Pod;
use sopwatch_core::observe::source::{Freshness, SourceId, SourceState};
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// Rows that the pane wants: a heading, the pods, what is said of other pods, the faults of their sources, and the vital signs. Without
/// pods: why there are none, in as many lines as that takes.
pub(crate) fn wanted(app: &App, theme: &Theme, width: usize) -> usize {
    let mut faults = source_error::of_cluster(app);
    let list = if app.state.pods.is_empty() {
        let (_, why) = empty_line(app, &mut faults);
        (empty_lines(why, theme, width).len() + 1).max(3)
    } else {
        app.state.pods.len() + 2
    };
    list + others::rows(app) + faults.len().min(2)
}

pub(crate) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    let inner = region.inner();
    let mut faults = source_error::of_cluster(app);
    let empty = app.state.pods.is_empty().then(|| empty_line(app, &mut faults));
    let most = if inner.height > 5 { 2 } else { 1 };
    let faults = source_error::lines(&faults, theme, app.clock.now, most);
    let notes: Vec<_> = others::lines(app, theme).into_iter().chain(faults).collect();
    let height = inner.height.saturating_sub(notes.len() as u16);
    let list = Rect { height, ..inner };
    let pods = app.pods();
    let rows = usize::from(height).saturating_sub(1);
    let first = borders::first_row(app.panes.pod, pods.len(), rows);
    draw_title(
        app,
        theme,
        region,
        borders::range(theme, first, rows, pods.len()),
        buffer,
    );
    if let Some((meaning, text)) = empty {
        draw_empty(meaning, text, theme, list, buffer);
    } else {
        let vitals = app.vitals_now();
        draw_list(app, theme, &pods, (first, &vitals), list, buffer);
        draw_strip(app, &vitals.together, theme, list, buffer);
    }
    let below = Rect {
        y: inner.y + height,
        height: inner.height - height,
        ..inner
    };
    styled_text::draw_lines(
        notes
            .into_iter()
            .map(|line| StyledText::new(theme).gap(1).join(line)),
        below,
        buffer,
    );
}

/// The vital signs, on the last row of those that no pod needs.
fn draw_strip(app: &App, signs: &Signs, theme: &Theme, list: Rect, buffer: &mut Buffer) {
    if usize::from(list.height) > app.pods().len() + 1 {
        let series = app.vitals_over_time();
        let strip = vitals::strip(signs, &series, theme, usize::from(list.width));
        let row = Rect {
            y: list.bottom() - 1,
            height: 1,
            ..list
        };
        strip.draw(row, buffer);
    }
}

fn draw_title<'t>(app: &App, theme: &'t Theme, region: &Region, range: StyledText<'t>, buffer: &mut Buffer) {
    let stale = stale_words(app, theme);
    let pieces = vec![(0, ready_words(app, theme)), (0, stale), (2, range)];
    borders::title(region, app.panes.focus == Pane::Pods, pieces, theme, buffer);
}

/// That the pods or the deployment are not current.
fn stale_words<'t>(app: &App, theme: &'t Theme) -> StyledText<'t> {
    let pods = source_error::stale_words(app, &SourceId::Pods, theme);
    let deployment = source_error::stale_words(app, &SourceId::Deployment, theme);
    match (pods.width(), deployment.width()) {
        (0, 1..) => StyledText::new(theme)
            .add(Meaning::Doubtful, "deployment ")
            .join(deployment),
        _ => pods,
    }
}

/// `3 of 3 ready`: ready and configured as the deployment says; what the SOP expects where that is something else.
pub(crate) fn ready_words<'t>(app: &App, theme: &'t Theme) -> StyledText<'t> {
    let want = app.session.profile.service.replicas;
    let pods_known = app.state.freshness(&SourceId::Pods, app.clock.now) != Freshness::Missing;
    let counted = app.state.pods.values().filter(|pod| pod.is_ready()).count() as u32;
    let (ready, configured) = match &app.state.deployment {
        Some(deployment) => (Some(deployment.ready), Some(deployment.replicas)),
        None => (pods_known.then_some(counted), None),
    };
    let word = |number: Option<u32>| number.map_or_else(|| "?".into(), |number| safe!("{number}"));
    let meaning = match (ready, configured) {
        _ if source_error::is_stale(app, &SourceId::Deployment) => Meaning::Doubtful,
        (Some(ready), Some(configured)) if ready == want && configured == want => Meaning::Good,
        (Some(_), Some(_)) => Meaning::Bad,
        _ => Meaning::Doubtful,
    };
    let wanted = if configured.is_some_and(|configured| configured != want) {
        safe!(" (SOP expects {want})")
    } else {
        SafeText::default()
    };
    let text = match configured {
        Some(_) => safe!("{} of {} ready{wanted}", word(ready), word(configured)),
        None => safe!("{} ready", word(ready)),
    };
    // Beside pods that nobody read, the number has another source than the list.
    let by = if app.state.deployment.is_some() && !pods_known {
        " (by the deployment)"
    } else {
        ""
    };
    let words = StyledText::new(theme).add(meaning, text).add(Meaning::Faint, by);
    let looked = app.state.freshness(&SourceId::Deployment, app.clock.now) != Freshness::Missing;
    match &app.state.deployment {
        None if looked => words.add(Meaning::Bad, ", no such deployment"),
        Some(deployment) if deployment.paused => words.add(Meaning::Doubtful, ", paused"),
        _ => words,
    }
}

fn draw_empty(meaning: Meaning, text: SafeText, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let lines = empty_lines(text, theme, usize::from(area.width));
    let line = |text: CellText| StyledText::new(theme).gap(1).add(meaning, text);
    styled_text::draw_lines(lines.into_iter().map(line), area, buffer);
}

fn empty_lines(text: SafeText, theme: &Theme, width: usize) -> Vec<CellText> {
    styled_text::wrap(&theme.clean(text), width.saturating_sub(2).max(1), 0)
}

/// Why there is nothing to see: where no pod was ever known, the first fault whole, which is taken from the others.
fn empty_line(app: &App, faults: &mut Vec<SourceError>) -> (Meaning, SafeText) {
    if app.state.freshness(&SourceId::Pods, app.clock.now) == Freshness::Missing
        && let Some(why) = faults.first().and_then(|fault| fault.paragraph(app.clock.now))
    {
        faults.remove(0);
        return (Meaning::Bad, why);
    }
    (Meaning::Doubtful, empty_words(app))
}

/// Where the profile says that the service is, for who looks into another namespace.
fn elsewhere(app: &App) -> SafeText {
    let environments = &app.session.profile.environments;
    if app.session.environment.is_some() || environments.is_empty() {
        return SafeText::default();
    }
    let places: Vec<_> = environments
        .iter()
        .map(|place| place.namespace.as_str())
        .collect();
    safe!(
        " in {}; the profile knows {}: choose with -n",
        app.session.namespace,
        places.join(", ")
    )
}

fn empty_words(app: &App) -> SafeText {
    let service = &app.session.profile.service;
    match (
        app.state.source(&SourceId::Pods).map(|source| &source.state),
        app.state.freshness(&SourceId::Pods, app.clock.now),
    ) {
        (_, Freshness::Fresh(_)) if !app.state.other_pods.is_empty() => {
            safe!("no pod of deployment {}", service.deployment)
        }
        (_, Freshness::Fresh(_)) => safe!("no pod matches {}{}", service.selector, elsewhere(app)),
        (_, Freshness::Stale(_)) => safe!("no pod matched {} when last heard", service.selector),
        (Some(SourceState::Failing { .. }), Freshness::Missing) => {
            let unread = app.state.unread_pods(app.clock.now);
            unread.unwrap_or_else(|| "pods not read yet".into())
        }
        (Some(SourceState::Off(_)), Freshness::Missing) => "pods are not read".into(),
        (_, Freshness::Missing) => "connecting …".into(),
    }
}

/// Characters that Kubernetes appends to the name of a ReplicaSet's pod.
const SHORT_NAME: usize = 5;

/// Widths of the columns; 0: left out.
struct Columns {
    name: usize,
    status: usize,
    age: usize,
    leads: usize,
    node: usize,
    /// CPU and memory, each as a share of its limit.
    usage: bool,
}

impl Columns {
    /// What is fixed: mark, READY, RST, and the gaps.
    const FIXED: usize = 2 + 6 + 4 + 3;
    /// CPU and MEM with their gaps.
    const USAGE: usize = 2 * 7;
    /// The short name with a sign that it is cut.
    const NAME: usize = 6;

    fn of(app: &App, pods: &[&Pod], leads: &[SafeText], room: usize) -> Self {
        let widest = |text: &dyn Fn(&Pod) -> SafeText, least: usize| {
            pods.iter()
                .map(|pod| styled_text::width(&text(pod)))
                .max()
                .unwrap_or(0)
                .max(least)
        };
        let name = widest(&|pod| pod.name.clone(), Self::NAME);
        let node = widest(&|pod| node_of(pod), 4).min(40);
        let age = widest(&|pod| age_of(app, pod), 3).min(7);
        let most = room.saturating_sub(Self::FIXED + age + Self::NAME).min(21);
        let status = widest(&|pod| status_of(pod).clone(), 6).min(most);
        let wanted = leads
            .iter()
            .map(|leads| styled_text::width(leads))
            .max()
            .unwrap_or(0)
            .max(5);
        let room = room.saturating_sub(Self::FIXED + status + age);
        let leads = wanted.min(room.saturating_sub(Self::NAME + 1));
        let leads = if leads < wanted.min(7) { 0 } else { leads };
        let name = name.min(room.saturating_sub(leads + 1)).max(Self::NAME);
        let left = room.saturating_sub(leads + name + 3);
        let node = if left >= node { node } else { 0 };
        let usage = node > 0 && left >= node + Self::USAGE;
        Self {
            name,
            status,
            age,
            leads,
            node,
            usage,
        }
    }
}

fn draw_list(
    app: &App,
    theme: &Theme,
    pods: &[&Pod],
    (first, vitals): (usize, &Vitals),
    area: Rect,
    buffer: &mut Buffer,
) {
    let leads: Vec<_> = pods.iter().map(|pod| leads_of(app, pod)).collect();
    let columns = Columns::of(app, pods, &leads, usize::from(area.width));
    heading(theme, &columns).draw(area, buffer);
    let stale = source_error::is_stale(app, &SourceId::Pods);
    let rows = area.rows().skip(1);
    for ((index, pod), row) in pods.iter().enumerate().skip(first).zip(rows) {
        let chosen = app.panes.focus == Pane::Pods && app.panes.pod == index;
        let mut line = pod_row(app, theme, pod, &leads[index], &columns, chosen);
        if columns.usage {
            line = line.join(vitals::usage_columns(vitals, pod, theme));
        }
        if stale || pod.deletion_at.is_some() {
            line = line.over(Meaning::Stale);
        }
        line.draw(row, buffer);
        if chosen {
            borders::select(row, theme, buffer);
        }
    }
}

fn heading<'t>(theme: &'t Theme, columns: &Columns) -> StyledText<'t> {
    let line = StyledText::new(theme)
        .gap(2)
        .column(Meaning::Faint, "NAME", columns.name)
        .gap(1)
        .column(Meaning::Faint, "READY", 6)
        .column(Meaning::Faint, "STATUS", columns.status)
        .gap(1)
        .right(Meaning::Faint, "RST", 3)
        .gap(1)
        .column(Meaning::Faint, "AGE", columns.age)
        .gap(1)
        .column(Meaning::Faint, "LEADS", columns.leads);
    match (columns.node, columns.usage) {
        (0, _) => line,
        (_, false) => line.gap(2).add(Meaning::Faint, "NODE"),
        (node, true) => line
            .gap(2)
            .column(Meaning::Faint, "NODE", node)
            .gap(2)
            .right(Meaning::Faint, "CPU", 5)
            .gap(2)
            .right(Meaning::Faint, "MEM", 5),
    }
}

fn pod_row<'t>(
    app: &App,
    theme: &'t Theme,
    pod: &Pod,
    leads: &SafeText,
    columns: &Columns,
    chosen: bool,
) -> StyledText<'t> {
    let mark = if chosen { theme.glyphs.chosen } else { "" };
    // The short name is what tells pods apart: where both do not fit, the sign that it is cut goes.
    let sign = if columns.name < SHORT_NAME + styled_text::width(theme.glyphs.ellipsis) {
        ""
    } else {
        theme.glyphs.ellipsis
    };
    let name = styled_text::cut_left(&theme.clean(&pod.name), columns.name, sign);
    let status = status_meaning(pod);
    let restarts = if pod.restarts > 0 {
        Meaning::Doubtful
    } else {
        Meaning::Text
    };
    let line = StyledText::new(theme)
        .column(Meaning::Text, mark, 2)
        .column(Meaning::Text, name, columns.name)
        .gap(1)
        .column(status, safe!("{}/{}", pod.ready, pod.total), 6)
        .column(status, status_of(pod), columns.status)
        .gap(1)
        .right(restarts, pod.restarts, 3)
        .gap(1)
        .column(Meaning::Text, age_of(app, pod), columns.age)
        .gap(1)
        .column(leads_meaning(app, pod), leads, columns.leads);
    if columns.node == 0 {
        line
    } else {
        line.gap(2).column(Meaning::Faint, node_of(pod), columns.node)
    }
}

fn age_of(app: &App, pod: &Pod) -> SafeText {
    pod.created_at.map_or_else(
        || "–".into(),
        |at| age::of_object(app.clock.now.duration_since(at)),
    )
}

/// As `kubectl` prints it: a pod on its way out is `Terminating` until its containers have stopped.
fn status_of(pod: &Pod) -> &SafeText {
    &pod.status
}

fn node_of(pod: &Pod) -> SafeText {
    pod.node.clone().unwrap_or_else(|| "no node yet".into())
}

/// Ready is good; on its way is doubtful; anything else that is not over is bad.
fn status_meaning(pod: &Pod) -> Meaning {
    match &*pod.status {
        _ if pod.deletion_at.is_some() => Meaning::Text,
        _ if pod.is_ready() => Meaning::Good,
        "Completed" | "Succeeded" => Meaning::Faint,
        "Running" | "Pending" => Meaning::Doubtful,
        word if waiting_for(word).is_some_and(|row| !row.ends_wait) => Meaning::Doubtful,
        _ => Meaning::Bad,
    }
}

/// A pod that leads beside another is in red.
fn leads_meaning(app: &App, pod: &Pod) -> Meaning {
    let beside = |reading: &LeaderReading| reading.leading.contains(&pod.name);
    if app.diagnosis.leaders.iter().any(beside) {
        Meaning::Bad
    } else {
        Meaning::Good
    }
}

/// The workers that this pod leads, by short titles.
fn leads_of(app: &App, pod: &Pod) -> SafeText {
    let readings = &app.diagnosis.leaders;
    let titles: Vec<_> = readings.iter().map(|reading| reading.worker.clone()).collect();
    let rows = readings.iter().zip(short_titles(&titles));
    let leads = rows.filter(|(reading, _)| {
        reading.pod.as_ref() == Some(&pod.name) || reading.leading.contains(&pod.name)
    });
    leads.map(|(_, title)| title).collect::<Vec<_>>().join(" ").into()
}
