//! What the pods pane says of pods that carry the service's label and are not its own, and how it knows.

use crate::app::App;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, counted};

/// Below the pods; none where all with the label are the service's own and their controllers say so.
pub(crate) fn lines<'t>(app: &App, theme: &'t Theme) -> Vec<StyledText<'t>> {
    let line = |text: SafeText| StyledText::new(theme).add(Meaning::Doubtful, text);
    texts(app).map(line).collect()
}

/// How many lines there are.
pub(crate) fn rows(app: &App) -> usize {
    texts(app).count()
}

fn texts(app: &App) -> impl Iterator<Item = SafeText> {
    let others = app.state.others_in_words();
    let by_name = app.state.owned_by_name();
    // The number first: it stays where the owners are cut.
    let pods = counted(app.state.other_pods.len(), "pod", "pods");
    let others = others.map(|others| safe!("{pods} not counted: {others}"));
    others
        .into_iter()
        .chain(by_name.map(|why| safe!("ownership by name: {why}")))
}
