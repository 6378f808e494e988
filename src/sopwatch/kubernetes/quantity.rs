//! Kubernetes quantities: `12m`, `1234567n`, `45Mi`, `1e3`. Pure.
//!
//! The grammar is that of `apimachinery/pkg/api/resource`: a signed decimal number and a binary (`Ki` to `Ei`), decimal (`n` to `E`) or
//! exponent (`e3`, `E3`) suffix. Values are rounded up, as `kubectl top` does.

/// The most digits that are read: more than any machine has bytes.
const MAX_DIGITS: usize = 24;

/// Thousandths of one: CPUs as `kubectl top` prints them. `None` where the text is no quantity, is negative or goes beyond all measure.
pub(super) fn millis(text: &str) -> Option<u64> {
    scaled(text, 3)
}

/// Whole ones: bytes.
pub(super) fn ones(text: &str) -> Option<u64> {
    scaled(text, 0)
}

/// The quantity times ten to the power of `places`, rounded up.
fn scaled(text: &str, places: i32) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = whole.len() + fraction.len();
    if digits == 0 || digits > MAX_DIGITS || fraction.contains('.') {
        return None;
    }
    let mantissa: u128 = format!("{whole}{fraction}").parse().ok()?;
    let (factor, exponent) = meaning_of(suffix)?;
    let value = mantissa.checked_mul(factor)?;
    let exponent = exponent
        .checked_add(places)?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_u128.checked_pow(exponent.unsigned_abs());
    let value = if exponent >= 0 {
        value.checked_mul(power?)?
    } else {
        // Less than can be told apart from nothing is still something.
        power.map_or(u128::from(value > 0), |power| value.div_ceil(power))
    };
    u64::try_from(value).ok()
}

/// The factor and the power of ten that a suffix stands for.
fn meaning_of(suffix: &str) -> Option<(u128, i32)> {
    let binary = |power: u32| Some((1_u128 << (10 * power), 0));
    let decimal = |power: i32| Some((1, power));
    match suffix {
        "" => decimal(0),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        _ => suffix
            .strip_prefix(['e', 'E'])
            .and_then(|exponent| decimal(exponent.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        // (text, thousandths, ones)
        let table = [
            ("0", Some(0), Some(0)),
            ("1", Some(1_000), Some(1)),
            ("12m", Some(12), Some(1)),
            ("1234567n", Some(2), Some(1)),
            ("100u", Some(1), Some(1)),
            ("0n", Some(0), Some(0)),
            ("1.5", Some(1_500), Some(2)),
            (".5", Some(500), Some(1)),
            ("5.", Some(5_000), Some(5)),
            ("+2", Some(2_000), Some(2)),
            ("1e3", Some(1_000_000), Some(1_000)),
            ("1E3", Some(1_000_000), Some(1_000)),
            ("1e-3", Some(1), Some(1)),
            ("12E", None, Some(12_000_000_000_000_000_000)),
            ("45Mi", Some(47_185_920_000), Some(47_185_920)),
            ("123456Ki", Some(126_418_944_000), Some(126_418_944)),
            ("1.5Gi", Some(1_610_612_736_000), Some(1_610_612_736)),
            ("1Gi", Some(1_073_741_824_000), Some(1_073_741_824)),
            ("1G", Some(1_000_000_000_000), Some(1_000_000_000)),
            ("128974848000m", Some(128_974_848_000), Some(128_974_848)),
            ("1k", Some(1_000_000), Some(1_000)),
            ("1e-60", Some(1), Some(1)),
        ];
        for (text, thousandths, whole) in table {
            assert_eq!((millis(text), ones(text)), (thousandths, whole), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_has_no_value() {
        for text in [
            "",
            ".",
            "-1",
            "-100m",
            "1K",
            "1KiB",
            "m",
            "1 Mi",
            "1.2.3",
            "0x10",
            "1e",
            "1e99999999999",
            "1e90",
            "99999999999999999999999999",
            "20Ei",
            "x",
        ] {
            assert_eq!(ones(text), None, "{text}");
        }
    }
}
