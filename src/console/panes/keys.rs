//! What keys do in whichever pane has the focus: they mean the same in each.

use ratatui::layout::Rect;

use crate::app::App;
use crate::app::event::Effect;
use crate::dialogs::drawing::frame_of;
use crate::panes::Pane;
use crate::screen::layout::{self, Content, Plan};
use crate::style::theme::Theme;

/// Rows of a page before the first frame.
const PAGE: u16 = 10;

/// Moves a place by so many rows within `count` of them.
pub(crate) fn moved(place: usize, by: isize, count: usize) -> usize {
    place.saturating_add_signed(by).min(count.saturating_sub(1))
}

/// Rows that a page moves by: one row of the page before stays in view.
fn page_of(height: u16) -> isize {
    isize::from(height.saturating_sub(1).max(1).cast_signed())
}

impl App {
    /// The size of the frame that was drawn last, columns and rows: it says how far a page goes.
    pub fn note_size(&mut self, size: (u16, u16)) {
        self.panes.size = Some(size);
    }

    fn screen(&self) -> Option<Rect> {
        self.panes
            .size
            .map(|(width, height)| Rect::new(0, 0, width, height))
    }

    /// Rows that a page of the focused pane moves by.
    pub(crate) fn page_rows(&self) -> isize {
        let height = self
            .screen()
            .and_then(|screen| match layout::plan(screen, self, Theme::plain()) {
                Plan::Console(regions) => {
                    let focused = Content::Pane(self.panes.focus);
                    let region = regions.panes.iter().find(|region| region.content == focused);
                    region.map(|region| region.inner().height)
                }
                Plan::TooSmall => None,
            });
        page_of(height.unwrap_or(PAGE + 1))
    }

    /// Rows that a page of the topmost dialog moves by.
    pub(crate) fn dialog_page_rows(&self) -> isize {
        let height = self.screen().map(|screen| frame_of(screen, u16::MAX).height);
        page_of(height.map_or(PAGE + 1, |height| height.saturating_sub(2)))
    }

    fn rows_of(&self, pane: Pane) -> usize {
        match pane {
            Pane::Pods => self.state.pods.len(),
            Pane::Database => self.grid().len(),
            Pane::Sop => self.steps().len(),
            Pane::Logs => self.logs.buffer.shown().len(),
        }
    }

    pub(crate) fn step(&mut self, by: isize) {
        let count = self.rows_of(self.panes.focus);
        match self.panes.row(self.panes.focus) {
            Some(row) => *row = moved(*row, by, count),
            None => self.logs.buffer.step(by),
        }
    }

    /// To the first row, or to the last.
    pub(crate) fn jump(&mut self, first: bool) {
        let count = self.rows_of(self.panes.focus);
        match (self.panes.row(self.panes.focus), first) {
            (Some(row), true) => *row = 0,
            (Some(row), false) => *row = count.saturating_sub(1),
            (None, true) => self.logs.buffer.go_to_top(),
            (None, false) => self.logs.buffer.release(),
        }
    }

    /// Opens what is selected.
    pub(crate) fn open(&mut self) -> Vec<Effect> {
        match self.panes.focus {
            Pane::Pods => self.open_pod(),
            Pane::Logs => self.open_line(),
            Pane::Sop => self.open_step(),
            Pane::Database => return self.open_rows(),
        }
        Vec::new()
    }

    /// Copies what is selected.
    pub(crate) fn copy_selected(&mut self) -> Vec<Effect> {
        let text = match self.panes.focus {
            Pane::Pods => self.selected_pod_name(),
            Pane::Logs => self.selected_line(),
            Pane::Database => self.selected_status_words(),
            Pane::Sop => self.selected_step_words(),
        };
        if let Some(text) = text {
            return vec![Effect::Copy(text)];
        }
        self.say("nothing is selected here");
        Vec::new()
    }
}
