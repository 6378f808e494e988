//! Small plots of one line, where people look rather than read.

use crate::text::SafeText;

/// Bars of growing height.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar a value, the highest for `top` and more; a blank for what is not known. With a `top` of nothing the highest value is the top.
pub fn plot(values: &[Option<f64>], top: Option<f64>) -> SafeText {
    let known = values.iter().flatten().copied();
    let top = top.unwrap_or_else(|| known.fold(0.0, f64::max));
    let bar = |value: &Option<f64>| match value {
        Some(value) => BARS[height(*value, top)],
        None => ' ',
    };
    values.iter().map(bar).collect::<String>().into()
}

fn height(value: f64, top: f64) -> usize {
    if top <= 0.0 {
        return 0;
    }
    let share = (value / top).clamp(0.0, 1.0);
    // Anything is more than nothing.
    ((share * BARS.len() as f64).ceil() as usize).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_share_of_the_top() {
        let of = |values: &[f64], top| plot(&values.iter().copied().map(Some).collect::<Vec<_>>(), top);
        let table = [
            (&[0.0, 50.0, 100.0][..], Some(100.0), "▁▄█"),
            (&[0.0, 1.0, 2.0, 4.0], None, "▁▂▄█"),
            (&[0.0, 0.0], None, "▁▁"),
            (&[7.0], None, "█"),
            (&[250.0, 12.6], Some(100.0), "█▂"),
        ];
        for (values, top, bars) in table {
            assert_eq!(of(values, top), bars, "{values:?} of {top:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_blank() {
        assert_eq!(plot(&[None, Some(1.0), None], None), " █ ");
        assert_eq!(plot(&[None], Some(100.0)), " ");
        assert_eq!(plot(&[], None), "");
    }
}
