//! A pod's own metrics, in Prometheus' text format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sopwatch::kubernetes::testkit::{text_sample, totals};
use sopwatch_core::testkit::metrics;

fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.first().map_or(0, |first| usize::from(*first) % (bytes.len() + 1));
    let whole = totals(&metrics(), &[bytes]);
    assert_eq!(totals(&metrics(), &[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
    for line in String::from_utf8_lossy(bytes).lines() {
        let Some((name, value, label)) = text_sample(line, "code") else {
            continue;
        };
        let quoted = label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let again = text_sample(&format!("{name}{{code=\"{quoted}\"}} {value}"), "code");
        let again = again.expect("what was read can be written and read");
        assert_eq!((&again.0, &again.2), (&name, &label));
        assert!(again.1.to_bits() == value.to_bits() || value.is_nan());
    }
});
