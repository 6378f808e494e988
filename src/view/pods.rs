//! The pods, and which worker each of them leads.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::age;
use super::fault;
use super::frame;
use super::layout::Region;
use super::leaders::short_titles;
use super::theme::{Meaning, Theme};
use super::words::{self, Words};
use crate::app::App;
use crate::app::panes::Pane;
use crate::incident::fact::Pod;
use crate::incident::feed::{FeedId, FeedState, Freshness};

pub(super) fn render(app: &App, theme: &Theme, region: &Region, buffer: &mut Buffer) {
    let inner = region.inner();
    let faults = fault::of_cluster(app);
    let most = usize::from(inner.height / 3).max(1);
    let faults = fault::lines(&faults, theme, app.now, most);
    let height = inner.height.saturating_sub(faults.len() as u16);
    let list = Rect { height, ..inner };
    let pods = app.pods();
    let rows = usize::from(height).saturating_sub(1);
    let first = frame::first_row(app.panes.pod, pods.len(), rows);
    draw_title(
        app,
        theme,
        region,
        frame::range(theme, first, rows, pods.len()),
        buffer,
    );
    if pods.is_empty() {
        Words::new(theme)
            .gap(1)
            .add(Meaning::Doubtful, &empty_words(app))
            .draw(list, buffer);
    } else {
        draw_list(app, theme, &pods, first, list, buffer);
    }
    let below = Rect {
        y: inner.y + height,
        height: inner.height - height,
        ..inner
    };
    words::draw_lines(
        faults.into_iter().map(|line| Words::new(theme).gap(1).join(line)),
        below,
        buffer,
    );
}

fn draw_title<'t>(app: &App, theme: &'t Theme, region: &Region, range: Words<'t>, buffer: &mut Buffer) {
    let pieces = vec![
        (0, ready_words(app, theme)),
        (1, fault::stale_words(app, &FeedId::Pods, theme)),
        (2, range),
    ];
    frame::title(region, app.panes.focus == Pane::Pods, pieces, theme, buffer);
}

/// `3/3 ready, want 3`: ready and configured as the deployment says, wanted as the profile says.
fn ready_words<'t>(app: &App, theme: &'t Theme) -> Words<'t> {
    let want = app.session.profile.service.replicas;
    let pods_known = app.facts.freshness(&FeedId::Pods, app.now) != Freshness::Missing;
    let counted = app.facts.pods.values().filter(|pod| pod.is_ready()).count() as u32;
    let (ready, configured) = match &app.facts.deployment {
        Some(deployment) => (Some(deployment.ready), Some(deployment.replicas)),
        None => (pods_known.then_some(counted), None),
    };
    let word = |number: Option<u32>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    let meaning = match (ready, configured) {
        (Some(ready), Some(configured)) if ready == want && configured == want => Meaning::Good,
        (Some(_), Some(_)) => Meaning::Bad,
        _ => Meaning::Doubtful,
    };
    let text = format!("{}/{} ready, want {want}", word(ready), word(configured));
    let words = Words::new(theme).add(meaning, &text);
    let looked = app.facts.freshness(&FeedId::Deployment, app.now) != Freshness::Missing;
    match &app.facts.deployment {
        None if looked => words.add(Meaning::Bad, ", no such deployment"),
        Some(deployment) if deployment.paused => words.add(Meaning::Doubtful, ", paused"),
        _ => words,
    }
}

fn empty_words(app: &App) -> String {
    let service = &app.session.profile.service;
    match (
        app.facts.feed(&FeedId::Pods).map(|feed| &feed.state),
        app.facts.freshness(&FeedId::Pods, app.now),
    ) {
        (_, Freshness::Fresh(_)) => format!("no pod matches {}", service.selector),
        (_, Freshness::Stale(_)) => format!("no pod matched {} when last heard", service.selector),
        (Some(FeedState::Failing { .. }), Freshness::Missing) => "pods not known yet".to_owned(),
        (Some(FeedState::Off(_)), Freshness::Missing) => "pods are not read".to_owned(),
        (_, Freshness::Missing) => "connecting …".to_owned(),
    }
}

/// Widths of the columns.
struct Columns {
    name: usize,
    status: usize,
    leads: usize,
    node: usize,
}

impl Columns {
    /// What is fixed: mark, READY, RST, AGE and the gaps.
    const FIXED: usize = 2 + 6 + 4 + 6;

    fn of(pods: &[&Pod], leads: &[String], room: usize) -> Self {
        let longest =
            |texts: &mut dyn Iterator<Item = usize>, least: usize| texts.max().unwrap_or(0).max(least);
        let name = longest(&mut pods.iter().map(|pod| words::width(&pod.name)), 4);
        let status = longest(&mut pods.iter().map(|pod| words::width(status_of(pod))), 8).min(21);
        let node = longest(&mut pods.iter().map(|pod| words::width(node_of(pod))), 4).min(40);
        let wanted = longest(&mut leads.iter().map(|leads| words::width(leads)), 5);
        let room = room.saturating_sub(Self::FIXED + status + 1);
        let leads = wanted.min(room.saturating_sub(10));
        let name = name.min(room.saturating_sub(leads + 1)).max(6);
        let left = room.saturating_sub(leads + name + 3);
        let node = if left >= node { node } else { 0 };
        Self {
            name,
            status,
            leads,
            node,
        }
    }
}

fn draw_list(app: &App, theme: &Theme, pods: &[&Pod], first: usize, area: Rect, buffer: &mut Buffer) {
    let leads: Vec<_> = pods.iter().map(|pod| leads_of(app, pod)).collect();
    let columns = Columns::of(pods, &leads, usize::from(area.width));
    heading(theme, &columns).draw(area, buffer);
    let stale = fault::is_stale(app, &FeedId::Pods);
    let rows = area.rows().skip(1);
    for ((index, pod), row) in pods.iter().enumerate().skip(first).zip(rows) {
        let chosen = app.panes.focus == Pane::Pods && app.panes.pod == index;
        let mut line = pod_row(app, theme, pod, &leads[index], &columns, chosen);
        if stale || pod.deletion_at.is_some() {
            line = line.over(Meaning::Stale);
        }
        line.draw(row, buffer);
        if chosen {
            buffer.set_style(row, theme.style(Meaning::Selected));
        }
    }
}

fn heading<'t>(theme: &'t Theme, columns: &Columns) -> Words<'t> {
    let line = Words::new(theme)
        .gap(2)
        .column(Meaning::Faint, "NAME", columns.name)
        .gap(1)
        .column(Meaning::Faint, "READY", 6)
        .column(Meaning::Faint, "STATUS", columns.status)
        .gap(1)
        .right(Meaning::Faint, "RST", 3)
        .gap(1)
        .column(Meaning::Faint, "AGE", 6)
        .column(Meaning::Faint, "LEADS", columns.leads);
    if columns.node == 0 {
        line
    } else {
        line.gap(2).add(Meaning::Faint, "NODE")
    }
}

fn pod_row<'t>(
    app: &App,
    theme: &'t Theme,
    pod: &Pod,
    leads: &str,
    columns: &Columns,
    chosen: bool,
) -> Words<'t> {
    let mark = if chosen { theme.glyphs.chosen } else { "" };
    let name = words::cut_left(&theme.clean(&pod.name), columns.name, theme.glyphs.ellipsis);
    let status = status_meaning(pod);
    let restarts = if pod.restarts > 0 {
        Meaning::Doubtful
    } else {
        Meaning::Text
    };
    let age = pod
        .created_at
        .map_or_else(|| theme.glyphs.dash.to_owned(), |at| age::since(at, app.now));
    let line = Words::new(theme)
        .column(Meaning::Text, mark, 2)
        .column(Meaning::Text, &name, columns.name)
        .gap(1)
        .column(status, &format!("{}/{}", pod.ready, pod.total), 6)
        .column(status, status_of(pod), columns.status)
        .gap(1)
        .right(restarts, &pod.restarts.to_string(), 3)
        .gap(1)
        .column(Meaning::Text, &age, 6)
        .column(Meaning::Good, leads, columns.leads);
    if columns.node == 0 {
        line
    } else {
        line.gap(2).column(Meaning::Faint, node_of(pod), columns.node)
    }
}

fn status_of(pod: &Pod) -> &str {
    if pod.deletion_at.is_some() {
        "Terminating"
    } else {
        &pod.status
    }
}

fn node_of(pod: &Pod) -> &str {
    pod.node.as_deref().unwrap_or("no node yet")
}

/// Ready is good; on its way is doubtful; anything else that is not over is bad.
fn status_meaning(pod: &Pod) -> Meaning {
    match &*pod.status {
        _ if pod.deletion_at.is_some() => Meaning::Text,
        _ if pod.is_ready() => Meaning::Good,
        "Completed" | "Succeeded" => Meaning::Faint,
        "Running" | "Pending" | "ContainerCreating" | "PodInitializing" => Meaning::Doubtful,
        _ => Meaning::Bad,
    }
}

/// The workers that this pod leads, by short titles.
fn leads_of(app: &App, pod: &Pod) -> String {
    let titles = short_titles(app);
    let leads = app
        .diagnosis
        .leaders
        .iter()
        .zip(titles)
        .filter(|(reading, _)| reading.pod.as_ref() == Some(&pod.name));
    leads.map(|(_, title)| title).collect::<Vec<_>>().join(" ")
}
