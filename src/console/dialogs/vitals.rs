//! The page of the vital signs: every figure with its source, its age and how much it rests on.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::app::App;
use crate::dialogs::charts::{self, Chart};
use crate::dialogs::dialog_text::{DialogText, Tone};
use sopwatch_core::diagnose::conditions::Saturated;
use sopwatch_core::diagnose::vitals::{
    Outbound, PodVitals, Requests, SLOTS, Series, Sign, Signs, Usage, Vitals, WINDOW, plot,
};
use sopwatch_core::observe::observation::short_name;
use sopwatch_core::safe;
use sopwatch_core::text::{SafeText, duration};

/// Shares below this are drawn low: a plot must not look dramatic where two percent fail.
const LEAST_TOP: f64 = 10.0;

/// Columns of a pod's name.
const NAME: usize = 5;

/// Columns of a called service's name.
const SERVICE: usize = 24;

/// Reasons that are told of one source.
const REASONS: usize = 6;

impl App {
    /// The vital signs as they are now.
    pub fn vitals(&self) -> Vitals {
        Vitals::of(&self.state, &self.session.profile, self.clock.now)
    }

    /// The vital signs without how they moved, of each pod and of all together.
    pub(crate) fn vitals_now(&self) -> Arc<Vitals> {
        let reckon = || Vitals::within(&self.state, &self.session.profile, self.clock.now, WINDOW);
        self.vitals.clone().unwrap_or_else(|| Arc::new(reckon()))
    }

    /// How the signs of all pods together moved.
    pub(crate) fn vitals_over_time(&self) -> Series {
        Series::of_all(&self.state, &self.session.profile, self.clock.now)
    }

    pub(crate) fn vitals_page(&self) -> DialogText {
        let vitals = self.vitals();
        let window = duration::brief(SignedDuration::from_secs(vitals.window_s.cast_signed()));
        let mut page = DialogText::titled(format!("Vital signs of the last {window}"));
        let sections: [Section; 3] = [
            Section {
                title: "Requests (from the log",
                head: REQUESTS_HEAD,
                about: |signs| about(&signs.logged),
                row: |signs, series| requests_row(&signs.logged, Some(series)),
            },
            Section {
                title: "Requests (from the pods' counters",
                head: REQUESTS_HEAD,
                about: |signs| about(&signs.counted),
                row: |signs, _| requests_row(&signs.counted, None),
            },
            Section {
                title: "CPU and memory (from metrics.k8s.io",
                head: USAGE_HEAD,
                about: |signs| about(&signs.usage),
                row: |signs, series| usage_row(&signs.usage, series),
            },
        ];
        // Where a metrics source is configured it goes further back, and comes first.
        self.add_metric_charts(&mut page);
        add_charts(&mut page, self, &vitals);
        for section in sections {
            let (rests_on, missing) = (section.about)(&vitals.together);
            page.section(&safe!("{}{rests_on}", section.title));
            page.add(Tone::Faint, section.head);
            add_rows(&mut page, &vitals, section.row);
            add_missing(&mut page, &missing);
        }
        add_outbound(&mut page, &vitals);
        self.add_metric_figures(&mut page);
        page.section("How to read it");
        page.add(
            Tone::Faint,
            "Each bar is 30s, newest right (current 30s not shown). Dash or blank: no data. CPU and memory are percentages of the \
             limits; kubelet probes are not counted.",
        );
        page
    }
}

/// Cells that the charts may take beside one another: a dialog on 80 columns.
const CHARTS: usize = 76;

/// Volume, failed, slow and CPU of all pods over time, with the profile's thresholds.
fn add_charts(page: &mut DialogText, app: &App, vitals: &Vitals) {
    const SLOT_S: f64 = 30.0;
    let series = &vitals.series;
    let a_second: Vec<_> = series
        .requests
        .iter()
        .map(|count| count.map(|count| count / SLOT_S))
        .collect();
    let back = SignedDuration::from_secs(30 * i64::try_from(SLOTS).unwrap_or(0));
    let since = format!("-{}", duration::brief(back));
    let saturated = Saturated::of_profile(&app.session.profile);
    let chart = |title, values, least_top, threshold: Option<u64>| Chart {
        title,
        values,
        least_top,
        threshold: threshold.map(|threshold| threshold as f64),
        since: &since,
        mark: None,
    };
    let charts = [
        chart("requests/s", a_second.as_slice(), 1.0, None),
        chart("5xx %", &series.failed, LEAST_TOP, None),
        chart(
            ">100ms %",
            &series.slow,
            LEAST_TOP,
            saturated.map(|of| of.shares.slow),
        ),
        chart(
            "CPU % of limit",
            &series.cpu,
            100.0,
            saturated.and_then(|of| of.cpu),
        ),
    ];
    let is_empty = |chart: &Chart<'_>| chart.values.iter().all(Option::is_none);
    if app.has_metrics_source() && charts.iter().all(is_empty) {
        return;
    }
    page.section("All pods over time (·: threshold)");
    for line in charts::in_rows(&charts, CHARTS) {
        page.add(Tone::Code, line);
    }
}

/// What one source tells of the pods, as a table.
struct Section {
    title: &'static str,
    head: &'static str,
    /// What it rests on, and what is missing from it.
    about: fn(&Signs) -> (SafeText, Vec<SafeText>),
    /// The line of one pod, or of all.
    row: fn(&Signs, &Series) -> String,
}

/// Heads the columns of [`requests_row`].
const REQUESTS_HEAD: &str = "       req/s             5xx             >100ms               >1s";

/// Heads the columns of [`usage_row`].
const USAGE_HEAD: &str = "         CPU                        memory";

fn about<T>(sign: &Sign<T>) -> (SafeText, Vec<SafeText>) {
    let brief = |seconds: u64| duration::brief(SignedDuration::from_secs(seconds.cast_signed()));
    let rests_on = match (sign.covers_s, sign.age_s) {
        // The age says itself where it is none.
        (Some(covers), Some(0)) => safe!(", last {})", brief(covers)),
        (Some(covers), Some(age)) => safe!(", last {}, {} ago)", brief(covers), brief(age)),
        _ => ", no data)".into(),
    };
    let missing = if sign.value.is_none() && sign.missing.is_empty() {
        vec![sign.why()]
    } else {
        sign.missing.clone()
    };
    (rests_on, missing)
}

fn add_rows(page: &mut DialogText, vitals: &Vitals, row: fn(&Signs, &Series) -> String) {
    let line = |name: &str, signs: &Signs, series: &Series| format!("{name:<NAME$} {}", row(signs, series));
    page.add(Tone::Code, line("all", &vitals.together, &vitals.series));
    for PodVitals {
        name, signs, series, ..
    } in &vitals.pods
    {
        page.add(Tone::Code, line(short_name(name), signs, series));
    }
}

fn add_missing(page: &mut DialogText, missing: &[SafeText]) {
    for why in missing.iter().take(REASONS) {
        page.add(Tone::Doubtful, format!("missing: {why}"));
    }
    if missing.len() > REASONS {
        page.add(Tone::Doubtful, format!("and {} more", missing.len() - REASONS));
    }
}

fn add_outbound(page: &mut DialogText, vitals: &Vitals) {
    let sign = &vitals.together.outbound;
    let (rests_on, missing) = about(sign);
    page.section(&safe!(
        "Calls to other services (from the pods' counters{rests_on}"
    ));
    for outbound in sign.value.iter().flatten() {
        let series = vitals.series.outbound.iter();
        let failed = series
            .filter(|(service, _)| *service == outbound.service)
            .map(|(_, failed)| failed.as_slice())
            .next()
            .unwrap_or_default();
        page.add(Tone::Code, outbound_row(outbound, failed));
    }
    if sign.value.as_ref().is_some_and(Vec::is_empty) {
        page.add(Tone::Plain, "no calls since the processes started");
    }
    add_missing(page, &missing);
}

/// Volume, failed, slow and very slow, the first three with how they moved.
fn requests_row(sign: &Sign<Requests>, series: Option<&Series>) -> String {
    let plotted = |of: fn(&Series) -> &Vec<Option<f64>>, top| {
        series.map_or_else(SafeText::default, |series| share_plot(of(series), top))
    };
    let share = |of: fn(&Requests) -> Option<f64>| percent(sign.value.as_ref().and_then(of));
    let rate = sign
        .value
        .as_ref()
        .map_or_else(|| "–".into(), |requests| rate(requests.per_second));
    format!(
        "{rate:>6} {:<SLOTS$}  {:>5} {:<SLOTS$}  {:>5} {:<SLOTS$}  {:>5}",
        plotted(|series| &series.requests, None),
        share(Requests::failed_percent),
        plotted(|series| &series.failed, Some(LEAST_TOP)),
        share(Requests::slow_percent),
        plotted(|series| &series.slow, Some(LEAST_TOP)),
        share(Requests::very_slow_percent),
    )
}

/// CPU and memory, each with its share of the limit and how that moved.
fn usage_row(sign: &Sign<Usage>, series: &Series) -> String {
    let Some(usage) = &sign.value else {
        return format!("{:>6} {:>27}", "–", "–");
    };
    let share =
        |share: Option<u64>| share.map_or_else(|| "no limit".to_owned(), |share| format!("{share} %"));
    format!(
        "{:>5}m {:>8} {:<SLOTS$}  {:>5} MiB {:>8} {:<SLOTS$}",
        usage.cpu_millis,
        share(usage.cpu_percent),
        plot(&series.cpu, Some(100.0)),
        usage.memory_bytes >> 20,
        share(usage.memory_percent),
        plot(&series.memory, Some(100.0)),
    )
}

fn outbound_row(outbound: &Outbound, failed: &[Option<f64>]) -> String {
    format!(
        "{:<SERVICE$} {:>5}/s  failed {:>5} {:<SLOTS$}  4xx {}  >1s {:>5}",
        &*outbound.service,
        rate(outbound.per_second),
        percent(outbound.failed_percent()),
        share_plot(failed, Some(LEAST_TOP)),
        outbound.refused,
        percent(outbound.very_slow_percent()),
    )
}

fn share_plot(values: &[Option<f64>], least_top: Option<f64>) -> SafeText {
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    plot(values, least_top.map(|least| least.max(highest)))
}

/// How many a second, with a decimal where there are few.
pub fn rate(per_second: f64) -> SafeText {
    if per_second < 9.95 {
        safe!("{per_second:.1}")
    } else {
        safe!("{per_second:.0}")
    }
}

/// A share of requests: less than one percent is not none.
pub fn percent(share: Option<f64>) -> SafeText {
    match share {
        None => "–".into(),
        Some(share) if share > 0.0 && share < 1.0 => "<1 %".into(),
        Some(share) => safe!("{} %", share as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_so_that_little_is_not_nothing() {
        let table = [
            (0.0, "0.0", "0 %"),
            (0.04, "0.0", "<1 %"),
            (9.9, "9.9", "9 %"),
            (9.96, "10", "9 %"),
            (99.9, "100", "99 %"),
        ];
        for (value, as_rate, as_percent) in table {
            assert_eq!(rate(value), as_rate);
            assert_eq!(percent(Some(value)), as_percent);
        }
        assert_eq!(percent(None), "–");
    }
}
