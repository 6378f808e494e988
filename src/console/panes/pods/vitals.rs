//! The vital signs in one line under the pods; the page has them whole.

use crate::dialogs::vitals::{percent, rate};
use crate::style::styled_text;
use crate::style::styled_text::StyledText;
use crate::style::theme::{Meaning, Theme};
use sopwatch_core::diagnose::vitals::{Requests, Series, Sign, Signs, Usage, Vitals, plot};
use sopwatch_core::observe::observation::Pod;
use sopwatch_core::safe;
use sopwatch_core::text::SafeText;

/// `12 req/s ▂▃▅▇  5xx 0 %  >100ms 3 %  >1s 0 %  cpu 23 %  mem 41 %`, cut to what fits; a dash is not known.
pub(crate) fn strip<'t>(signs: &Signs, series: &Series, theme: &'t Theme, width: usize) -> StyledText<'t> {
    let logged = &signs.logged;
    let usage = &signs.usage;
    let requests = |of: fn(&Requests) -> Option<f64>| percent(logged.value.as_ref().and_then(of));
    let used = |of: fn(&Usage) -> Option<u64>| {
        let share = usage.value.as_ref().and_then(of);
        share.map_or_else(|| "–".into(), |share| safe!("{share} %"))
    };
    let speed = logged.value.as_ref().map(|requests| rate(requests.per_second));
    let volume = StyledText::new(theme)
        .add(meaning_of(logged), speed.unwrap_or_else(|| "–".into()))
        .add(Meaning::Faint, " req/s");
    let moved = &series.requests;
    let volume = if moved.iter().any(Option::is_some) {
        volume.gap(1).add(Meaning::Text, plot(moved, None))
    } else {
        volume
    };
    let piece = |name: &'static str, value: SafeText, meaning| {
        StyledText::new(theme)
            .add(Meaning::Faint, name)
            .gap(1)
            .add(meaning, value)
    };
    let of_log = |name, of| piece(name, requests(of), meaning_of(logged));
    let of_usage = |name, of| piece(name, used(of), meaning_of(usage));
    let pieces = vec![
        (0, volume),
        (1, of_log("5xx", Requests::failed_percent)),
        (2, of_log(">100ms", Requests::slow_percent)),
        (5, of_log(">1s", Requests::very_slow_percent)),
        (3, of_usage("cpu", |usage| usage.cpu_percent)),
        (4, of_usage("mem", |usage| usage.memory_percent)),
    ];
    let fitting = styled_text::fit(pieces, 2, width.saturating_sub(2));
    fitting
        .into_iter()
        .fold(StyledText::new(theme), |line, words| line.gap(2).join(words))
}

/// CPU and memory of a pod as shares of their limits, for the list of a wide screen.
pub(crate) fn usage_columns<'t>(vitals: &Vitals, pod: &Pod, theme: &'t Theme) -> StyledText<'t> {
    let signs = vitals
        .pods
        .iter()
        .find(|of| of.uid == pod.uid)
        .map(|of| &of.signs);
    let column = |words: StyledText<'t>, of: fn(&Usage) -> Option<u64>| {
        let share = signs.and_then(|signs| signs.usage.value.as_ref()).and_then(of);
        let text = share.map_or_else(|| "–".into(), |share| safe!("{share} %"));
        words.gap(2).right(Meaning::Text, text, 5)
    };
    let cpu = column(StyledText::new(theme), |usage| usage.cpu_percent);
    column(cpu, |usage| usage.memory_percent)
}

/// What is not known, or not of all pods, is doubtful.
fn meaning_of<T>(sign: &Sign<T>) -> Meaning {
    if sign.complete().is_some() {
        Meaning::Text
    } else {
        Meaning::Doubtful
    }
}
