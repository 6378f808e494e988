//! A picture of the screen: the same buffer gives the same bytes. [`super::film`] makes many of them move.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// Size of the letters, and of a cell: DejaVu Sans Mono is 0.602 em wide, and joins its box drawing at 1.164 em.
pub(super) const FONT: f64 = 14.0;
pub(super) const CELL: (f64, f64) = (FONT * 0.602, FONT * 1.164);
/// Where the letters stand above a cell's lower edge.
pub(super) const ASCENT: f64 = FONT * 0.928;
pub(super) const MARGIN: f64 = 10.0;

pub(super) const TEXT: &str = "#d4d4d4";
pub(super) const BACKGROUND: &str = "#16181d";

/// What of a cell's style shows.
#[derive(Clone, PartialEq)]
pub(super) struct Ink {
    pub(super) text: &'static str,
    pub(super) fill: Option<&'static str>,
    pub(super) bold: bool,
    pub(super) dim: bool,
    pub(super) italic: bool,
    pub(super) underline: bool,
}

/// Cells of one row that look the same.
pub(super) struct Run {
    pub(super) x: usize,
    pub(super) cells: usize,
    pub(super) text: String,
    pub(super) ink: Ink,
}

/// Draws a screen as SVG, each run of cells held on the grid by its place and length.
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let (columns, rows) = (f64::from(buffer.area.width), f64::from(buffer.area.height));
    let (width, height) = (columns * CELL.0 + 2.0 * MARGIN, rows * CELL.1 + 2.0 * MARGIN);
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.2} {height:.2}\" \
         font-family=\"DejaVu Sans Mono, monospace\" font-size=\"{FONT}\" xml:space=\"preserve\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACKGROUND}\"/>\n",
        escaped(title)
    );
    for y in 0..buffer.area.height {
        let runs = runs_of(buffer, y);
        for run in &runs {
            push_fill(&mut picture, run, f64::from(y));
        }
        for run in &runs {
            push_text(&mut picture, run, f64::from(y));
        }
    }
    picture.push_str("</svg>\n");
    picture
}

pub(super) fn runs_of(buffer: &Buffer, y: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut skip = 0;
    for x in 0..buffer.area.width {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let Some(cell) = buffer.cell((buffer.area.x + x, buffer.area.y + y)) else {
            continue;
        };
        let cells = cell.symbol().width().max(1);
        skip = cells - 1;
        let ink = ink_of(cell);
        match runs.last_mut() {
            // What is not ASCII stands alone: another font may draw it at another width.
            Some(run) if run.ink == ink && run.text.is_ascii() && cell.symbol().is_ascii() => {
                run.text.push_str(cell.symbol());
                run.cells += cells;
            }
            Some(run) if run.ink == ink && joins(&run.text, cell.symbol()) => {
                run.text.push_str(cell.symbol());
                run.cells += cells;
            }
            _ => runs.push(Run {
                x: usize::from(x),
                cells,
                text: cell.symbol().to_owned(),
                ink,
            }),
        }
    }
    runs
}

/// Lines of a frame may be one run.
fn joins(run: &str, symbol: &str) -> bool {
    symbol == "─" && run.chars().all(|c| c == '─')
}

fn ink_of(cell: &Cell) -> Ink {
    let has = |modifier| cell.modifier.contains(modifier);
    let (mut text, mut fill) = (colour(cell.fg), colour(cell.bg));
    if has(Modifier::REVERSED) {
        (text, fill) = (fill.or(Some(BACKGROUND)), text.or(Some(TEXT)));
    }
    Ink {
        text: text.unwrap_or(TEXT),
        fill,
        bold: has(Modifier::BOLD),
        dim: has(Modifier::DIM),
        italic: has(Modifier::ITALIC),
        underline: has(Modifier::UNDERLINED),
    }
}

fn colour(colour: Color) -> Option<&'static str> {
    Some(match colour {
        Color::Black => "#16181d",
        Color::Red => "#c8505a",
        Color::Green => "#7fb069",
        Color::Yellow => "#d9a648",
        Color::Blue => "#5b8fd6",
        Color::Magenta => "#b07cc6",
        Color::Cyan => "#56b6c2",
        Color::Gray => "#b8bcc4",
        Color::DarkGray => "#7a808c",
        Color::LightRed => "#f2777a",
        Color::LightGreen => "#99cc99",
        Color::LightYellow => "#ffcc66",
        Color::LightBlue => "#82b1ff",
        Color::LightMagenta => "#d7a1f0",
        Color::LightCyan => "#7fdbe6",
        Color::White => "#ffffff",
        Color::Reset | Color::Rgb(..) | Color::Indexed(_) => return None,
    })
}

fn push_fill(picture: &mut String, run: &Run, y: f64) {
    let Some(fill) = run.ink.fill else { return };
    let (left, top) = (run.x as f64 * CELL.0 + MARGIN, y * CELL.1 + MARGIN);
    let width = run.cells as f64 * CELL.0;
    // Writing to a String can't fail.
    let _ = writeln!(
        picture,
        "<rect x=\"{left:.2}\" y=\"{top:.2}\" width=\"{width:.2}\" height=\"{:.2}\" fill=\"{fill}\"/>",
        CELL.1
    );
}

fn push_text(picture: &mut String, run: &Run, y: f64) {
    let trimmed = run.text.trim_end_matches(' ');
    if trimmed.is_empty() {
        return;
    }
    let blank = run.text.len() - run.text.trim_start_matches(' ').len();
    let cells = run.cells - (run.text.len() - trimmed.len()) - blank;
    let left = (run.x + blank) as f64 * CELL.0 + MARGIN;
    let base = y * CELL.1 + MARGIN + ASCENT;
    let ink = &run.ink;
    let mut style = String::new();
    for (on, attribute) in [
        (ink.bold, " font-weight=\"bold\""),
        (ink.italic, " font-style=\"italic\""),
        (ink.dim, " opacity=\"0.6\""),
        (ink.underline, " text-decoration=\"underline\""),
    ] {
        if on {
            style.push_str(attribute);
        }
    }
    // Writing to a String can't fail.
    let _ = writeln!(
        picture,
        "<text x=\"{left:.2}\" y=\"{base:.2}\" textLength=\"{:.2}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{style}>{}</text>",
        cells as f64 * CELL.0,
        ink.text,
        escaped(&trimmed[blank..])
    );
}

/// Text that XML can hold: what it can't is left out.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any cells will do")]
    fn a_picture_holds_every_run_on_the_grid() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "a <b>", Style::new());
        buffer.set_string(
            0,
            1,
            "日x",
            Style::new().fg(Color::Red).add_modifier(Modifier::REVERSED),
        );
        let picture = svg(&buffer, "one & two");
        assert!(picture.contains("<title>one &amp; two</title>"));
        assert!(picture.contains(">a &lt;b&gt;</text>"));
        assert!(picture.contains("textLength=\"16.86\""), "{picture}");
        assert!(picture.contains("fill=\"#c8505a\"/>"));
        assert_eq!(picture, svg(&buffer, "one & two"));
    }
}
