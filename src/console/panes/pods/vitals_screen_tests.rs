//! The vital signs on the screen, in known states and sizes.

use super::vitals;
use crate::screen::Theme;
use crate::screen::fixture;
use crate::screen::fixture::learn;
use crate::screen::tests::{press, screen, themed};
use sopwatch_core::observe::observation::Observation;
use sopwatch_core::observe::source::{SourceId, SourceState};

/// The line under the pods, as drawn at a width.
fn strip(app: &crate::app::App, width: u16) -> String {
    let theme = Theme::named("dark", true, false).unwrap();
    let area = ratatui::layout::Rect::new(0, 0, width, 1);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    let vitals = app.vitals();
    vitals::strip(&vitals.together, &vitals.series, &theme, usize::from(width)).draw(area, &mut buffer);
    buffer
        .content
        .iter()
        .map(ratatui::buffer::Cell::symbol)
        .collect::<String>()
}

#[test]
fn the_page_shows_every_figure_with_its_source_and_age() {
    let mut app = fixture::measured();
    insta::assert_snapshot!("panes_120x40", screen(&app, 120, 40));
    insta::assert_snapshot!("panes_200x50", screen(&app, 200, 50));
    press(&mut app, "v");
    insta::assert_snapshot!("page_120x40", screen(&app, 120, 40));
    insta::assert_snapshot!("page_80x24", screen(&app, 80, 24));
    let ascii = Theme::named("dark", false, true).unwrap();
    insta::assert_snapshot!(
        "page_ascii_100x30",
        themed(&app, 100, 30, &ascii).backend().to_string()
    );
}

#[test]
fn the_page_says_why_a_figure_is_not_known() {
    let mut app = fixture::well();
    let off = SourceState::Off("this cluster does not serve metrics.k8s.io: it has no metrics server".into());
    learn(&mut app, 1, Observation::Source(SourceId::Usage, off));
    press(&mut app, "v");
    insta::assert_snapshot!("page_unknown_100x30", screen(&app, 100, 30));
}

#[test]
fn the_line_under_the_pods_is_cut_to_what_fits() {
    let app = fixture::measured();
    let lines: Vec<_> = [90, 60, 50, 40, 30]
        .map(|width| strip(&app, width).trim_end().to_owned())
        .to_vec();
    insta::assert_snapshot!("strip", lines.join("\n"));
    let unknown = strip(&fixture::well(), 90);
    assert_eq!(unknown.trim(), "– req/s  5xx –  >100ms –  >1s –  cpu –  mem –");
}

#[test]
fn at_80_by_24_the_line_takes_no_row_from_the_panes() {
    let app = fixture::measured();
    let screen = screen(&app, 80, 24);
    assert!(!screen.contains("req/s"), "{screen}");
}
