//! The readers of a pod's own metrics, for the fuzz targets.

use sopwatch_core::observe::observation::Scrape;
use sopwatch_core::profile::Metrics;

use super::text::sample;
use super::totals::Totals;

/// A sample of the text format: its name, its value, and the value of one label.
pub fn text_sample(line: &str, label: &str) -> Option<(String, f64, String)> {
    let sample = sample(line)?;
    Some((
        sample.name.to_owned(),
        sample.value,
        sample.label(label).to_owned(),
    ))
}

/// The totals of a page in the text format, however its bytes are cut.
pub fn totals(metrics: &Metrics, chunks: &[&[u8]]) -> Option<Scrape> {
    let mut totals = Totals::new(metrics, "/probe");
    for chunk in chunks {
        totals.feed(chunk);
    }
    totals.finish()
}
