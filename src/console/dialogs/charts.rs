//! Charts of text: bars over time with a scale, a time axis and a threshold.

use crate::style::styled_text;

/// Rows of the bars.
const ROWS: usize = 4;

/// Cells of the scale's figures.
const SCALE: usize = 5;

/// Parts of a cell that a bar can fill, from the bottom.
const PARTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What a chart shows.
pub(super) struct Chart<'a> {
    /// What it is of, with its unit.
    pub(super) title: &'a str,
    /// Oldest first; `None`: no data.
    pub(super) values: &'a [Option<f64>],
    /// The least value that the scale ends with: little must not look like much.
    pub(super) least_top: f64,
    /// What is too much, in the same unit.
    pub(super) threshold: Option<f64>,
    /// How far back the oldest goes: `-5m`.
    pub(super) since: &'a str,
    /// The bar to be marked on the axis.
    pub(super) mark: Option<usize>,
}

/// Cells of a chart of so many values.
pub(super) fn width(values: usize) -> usize {
    SCALE + 1 + values
}

impl Chart<'_> {
    /// The chart in lines of equal width. A row that the threshold is in has dots where no bar is.
    pub(super) fn lines(&self) -> Vec<String> {
        let highest = self
            .values
            .iter()
            .flatten()
            .copied()
            .fold(self.least_top, f64::max);
        let top = highest.max(self.threshold.unwrap_or(0.0));
        let cells = self.values.len();
        let row_of_threshold = self.threshold.map(|at| row_of(at, top));
        let mut lines = vec![format!("{:<width$}", self.title, width = width(cells))];
        for row in (0..ROWS).rev() {
            let figure = match row_of_threshold {
                _ if row + 1 == ROWS => figure(top),
                Some(of) if of == row => figure(self.threshold.unwrap_or(0.0)),
                _ => String::new(),
            };
            let empty = if row_of_threshold == Some(row) { '·' } else { ' ' };
            let bars: String = self
                .values
                .iter()
                .map(|value| value.map_or(' ', |value| part_of(value, top, row).unwrap_or(empty)))
                .collect();
            lines.push(format!("{figure:>SCALE$}│{bars}"));
        }
        let axis: String = (0..cells)
            .map(|cell| if self.mark == Some(cell) { '┴' } else { '─' })
            .collect();
        lines.push(format!("{:>SCALE$}└{axis}", "0"));
        let gap = cells.saturating_sub(self.since.len() + 3);
        lines.push(format!("{:SCALE$} {}{:gap$}now", "", self.since, ""));
        lines
    }
}

/// Charts beside one another, as many in a row as fit into `room` cells.
pub(super) fn in_rows(charts: &[Chart<'_>], room: usize) -> Vec<String> {
    const GAP: usize = 3;
    let widest = charts
        .iter()
        .map(|chart| width(chart.values.len()))
        .max()
        .unwrap_or(1);
    let a_row = ((room + GAP) / (widest + GAP)).max(1);
    let mut lines = Vec::new();
    for row in charts.chunks(a_row) {
        let drawn: Vec<Vec<String>> = row.iter().map(Chart::lines).collect();
        let height = drawn.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let parts = drawn.iter().map(|chart| {
                let text = chart.get(line).map_or("", String::as_str);
                let rest = widest.saturating_sub(styled_text::width(text));
                format!("{text}{}", " ".repeat(rest))
            });
            let whole = parts.collect::<Vec<_>>().join(&" ".repeat(GAP));
            lines.push(whole.trim_end().to_owned());
        }
    }
    lines
}

/// The row, from the bottom, that a value ends in.
fn row_of(value: f64, top: f64) -> usize {
    if top <= 0.0 {
        return 0;
    }
    let rows = (value / top).clamp(0.0, 1.0) * ROWS as f64;
    (rows.ceil() as usize).saturating_sub(1)
}

/// What a bar of this value has in a row; `None` where it does not reach it.
fn part_of(value: f64, top: f64, row: usize) -> Option<char> {
    let share = if top > 0.0 {
        (value / top).clamp(0.0, 1.0)
    } else {
        0.0
    };
    // Anything is more than nothing, and nothing is a line at the bottom.
    let parts = ((share * (ROWS * PARTS.len()) as f64).ceil() as usize).max(1);
    let within = parts.checked_sub(row * PARTS.len() + 1)?;
    PARTS.get(within.min(PARTS.len() - 1)).copied()
}

fn figure(value: f64) -> String {
    if value < 9.95 && value.fract() > 0.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_scale_a_time_axis_and_a_threshold() {
        let values = [
            None,
            Some(0.0),
            Some(5.0),
            Some(10.0),
            Some(40.0),
            Some(20.0),
            Some(1.0),
            Some(40.0),
        ];
        let chart = Chart {
            title: ">100ms %",
            values: &values,
            least_top: 10.0,
            threshold: Some(10.0),
            since: "-4m",
            mark: None,
        };
        assert_eq!(
            chart.lines(),
            [
                ">100ms %      ",
                "   40│    █  █",
                "     │    █  █",
                "     │    ██ █",
                "   10│ ▁▄███▁█",
                "    0└────────",
                "      -4m  now",
            ]
        );
    }

    #[test]
    fn a_threshold_above_all_values_is_a_line_of_dots() {
        let values = [Some(5.0), Some(0.0)];
        let chart = Chart {
            title: "CPU %",
            values: &values,
            least_top: 10.0,
            threshold: Some(95.0),
            since: "-1m",
            mark: None,
        };
        assert_eq!(chart.lines()[1], "   95│··");
    }

    #[test]
    fn a_moment_is_marked_on_the_axis() {
        let values = [Some(1.0); 4];
        let chart = |mark| Chart {
            title: "5xx %",
            values: &values,
            least_top: 1.0,
            threshold: None,
            since: "-1h",
            mark,
        };
        assert_eq!(chart(Some(2)).lines()[5], "    0└──┴─");
        assert_eq!(chart(None).lines()[5], "    0└────");
        assert_eq!(chart(Some(4)).lines()[5], "    0└────", "before the chart");
    }

    #[test]
    fn charts_stand_beside_one_another_where_there_is_room() {
        let values = [Some(1.0); 10];
        let chart = || Chart {
            title: "req/s",
            values: &values,
            least_top: 1.0,
            threshold: None,
            since: "-5m",
            mark: None,
        };
        let charts = [chart(), chart(), chart()];
        let rows = |room| in_rows(&charts, room).len();
        assert_eq!((rows(54), rows(53), rows(10)), (7, 14, 21));
    }
}
