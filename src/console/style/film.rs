//! A film: frames of the screen with their times, as one animated picture.
//!
//! What stays from frame to frame is written once. Whatever shows during the same frames is one group, which an animation in CSS shows
//! and hides; so the size grows with what changes, not with the number of frames. Where nothing is animated, one frame shows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use ratatui::buffer::Buffer;

use super::svg::{ASCENT, BACKGROUND, CELL, FONT, Ink, MARGIN, Run, TEXT, escaped, runs_of};
use sopwatch_core::text::SafeText;

/// Height of the line below the screen that says what is shown.
const CAPTION: f64 = 34.0;

/// Letters of that line.
const CAPTION_FONT: f64 = 17.0;

/// A moment of a film.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    /// Since the film's beginning.
    pub at: Duration,
    /// What is shown, in a few words.
    pub caption: SafeText,
    /// The screen.
    pub screen: Buffer,
}

/// What is drawn in one place, and the first and last shot of each time that it shows.
type Pieces = BTreeMap<(Layer, u16, usize, String), Vec<(usize, usize)>>;

/// What lies over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Fill,
    Text,
}

/// Draws a film that begins again after `length`. `still` is the shot that shows where nothing is animated.
pub fn animated_svg(shots: &[Shot], length: Duration, still: usize, title: &str) -> String {
    let Some(first) = shots.first() else {
        return String::new();
    };
    let area = first.screen.area;
    let (width, height) = (
        f64::from(area.width) * CELL.0 + 2.0 * MARGIN,
        f64::from(area.height) * CELL.1 + 2.0 * MARGIN + CAPTION,
    );
    let mut inks = Vec::new();
    let mut pieces = Pieces::new();
    for (number, shot) in shots.iter().enumerate() {
        for piece in pieces_of(shot, &mut inks) {
            let times = pieces.entry(piece).or_default();
            match times.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => times.push((number, number)),
            }
        }
    }
    // Layers in order: a group of fills is never over a text.
    let mut groups: BTreeMap<(Layer, Vec<(usize, usize)>), String> = BTreeMap::new();
    for ((layer, _, _, drawn), times) in pieces {
        groups.entry((layer, times)).or_default().push_str(&drawn);
    }
    let mut animations: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut body = String::new();
    for ((_, times), drawn) in groups {
        if times == [(0, shots.len() - 1)] {
            // Writing to a string can't fail.
            let _ = writeln!(body, "<g>{drawn}</g>");
            continue;
        }
        let number = animations.iter().position(|known| *known == times);
        let number = number.unwrap_or_else(|| {
            animations.push(times.clone());
            animations.len() - 1
        });
        let shows = times.iter().any(|(from, to)| (*from..=*to).contains(&still));
        let hidden = if shows { "" } else { " opacity=\"0\"" };
        let _ = writeln!(body, "<g class=\"f{number}\"{hidden}>{drawn}</g>");
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.2} {height:.2}\" \
         font-family=\"DejaVu Sans Mono, monospace\" font-size=\"{FONT}\" xml:space=\"preserve\">\n<title>{}</title>\n\
         <style>\n{}{}@media (prefers-reduced-motion:reduce){{g{{animation:none!important}}}}\n</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACKGROUND}\"/>\n{body}</svg>\n",
        escaped(title),
        classes(&inks),
        keyframes(&animations, shots, length),
    )
}

/// What a shot draws.
fn pieces_of(shot: &Shot, inks: &mut Vec<Ink>) -> Vec<(Layer, u16, usize, String)> {
    let mut pieces = Vec::new();
    for y in 0..shot.screen.area.height {
        for run in runs_of(&shot.screen, y) {
            if let Some(fill) = run.ink.fill {
                pieces.push((Layer::Fill, y, run.x, fill_of(&run, y, fill)));
            }
            for part in parts_of(&run) {
                let number = inks.iter().position(|known| *known == part.ink);
                let number = number.unwrap_or_else(|| {
                    inks.push(part.ink.clone());
                    inks.len() - 1
                });
                pieces.push((Layer::Text, y, part.x, text_of(&part, y, number)));
            }
        }
    }
    let base = f64::from(shot.screen.area.height) * CELL.1 + 2.0 * MARGIN + CAPTION_FONT;
    let caption = format!(
        "<text x=\"{MARGIN}\" y=\"{base:.1}\" class=\"c\">{}</text>",
        escaped(&shot.caption)
    );
    pieces.push((Layer::Text, u16::MAX, 0, caption));
    pieces
}

/// A run in parts between which there is more than one blank: one of them may change while the others stay.
fn parts_of(run: &Run) -> Vec<Run> {
    if !run.text.is_ascii() {
        let is_blank = run.text.trim().is_empty();
        return if is_blank {
            Vec::new()
        } else {
            vec![part_of(run, 0, &run.text, run.cells)]
        };
    }
    let mut parts = Vec::new();
    let mut at = 0;
    for part in run.text.split("  ") {
        let text = part.trim_matches(' ');
        if !text.is_empty() {
            let lead = part.len() - part.trim_start_matches(' ').len();
            parts.push(part_of(run, at + lead, text, text.len()));
        }
        at += part.len() + 2;
    }
    parts
}

fn part_of(run: &Run, offset: usize, text: &str, cells: usize) -> Run {
    Run {
        x: run.x + offset,
        cells,
        text: text.to_owned(),
        ink: Ink {
            // It is drawn apart.
            fill: None,
            ..run.ink.clone()
        },
    }
}

fn fill_of(run: &Run, y: u16, fill: &str) -> String {
    format!(
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\"/>",
        run.x as f64 * CELL.0 + MARGIN,
        f64::from(y) * CELL.1 + MARGIN,
        run.cells as f64 * CELL.0,
        CELL.1
    )
}

fn text_of(run: &Run, y: u16, ink: usize) -> String {
    format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" class=\"i{ink}\">{}</text>",
        run.x as f64 * CELL.0 + MARGIN,
        f64::from(y) * CELL.1 + MARGIN + ASCENT,
        run.cells as f64 * CELL.0,
        escaped(&run.text)
    )
}

/// The inks as classes.
fn classes(inks: &[Ink]) -> String {
    let mut style = format!(".c{{fill:{TEXT};font-size:{CAPTION_FONT}px;font-weight:bold}}\n");
    for (number, ink) in inks.iter().enumerate() {
        let _ = write!(style, ".i{number}{{fill:{}", ink.text);
        for (on, rule) in [
            (ink.bold, ";font-weight:bold"),
            (ink.italic, ";font-style:italic"),
            (ink.dim, ";opacity:.6"),
            (ink.underline, ";text-decoration:underline"),
        ] {
            if on {
                style.push_str(rule);
            }
        }
        style.push_str("}\n");
    }
    style
}

/// When each group shows.
fn keyframes(animations: &[Vec<(usize, usize)>], shots: &[Shot], length: Duration) -> String {
    let total = length.as_secs_f64().max(f64::EPSILON);
    let percent = |shot: usize| {
        let at = shots.get(shot).map_or(length, |shot| shot.at);
        format!("{:.2}%", (at.as_secs_f64() / total * 100.0).min(100.0))
    };
    let mut style = String::new();
    for (number, times) in animations.iter().enumerate() {
        let _ = write!(
            style,
            ".f{number}{{animation:k{number} {total:.1}s step-end infinite}}@keyframes k{number}{{"
        );
        if times.first().is_some_and(|(from, _)| *from > 0) {
            style.push_str("0%{opacity:0}");
        }
        for (from, to) in times {
            let _ = write!(style, "{}{{opacity:1}}", percent(*from));
            if to + 1 < shots.len() {
                let _ = write!(style, "{}{{opacity:0}}", percent(to + 1));
            }
        }
        let at_end = times.last().is_some_and(|(_, to)| to + 1 == shots.len());
        let _ = writeln!(style, "100%{{opacity:{}}}}}", u8::from(at_end));
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::{Color, Style};

    #[expect(clippy::disallowed_methods, reason = "any cells will do")]
    fn shot(second: u64, rows: &[&str]) -> Shot {
        let mut screen = Buffer::empty(Rect::new(0, 0, 30, 3));
        for (y, row) in (0..).zip(rows) {
            screen.set_string(0, y, row, Style::new().fg(Color::Red));
        }
        Shot {
            at: Duration::from_secs(second),
            caption: SafeText::new("a caption & more"),
            screen,
        }
    }

    fn sample() -> String {
        let shots = [
            shot(0, &["stays   one", "────"]),
            shot(2, &["stays   two", "────"]),
            shot(5, &["stays   one", "────", "last"]),
        ];
        animated_svg(&shots, Duration::from_secs(10), 1, "a <film>")
    }

    #[test]
    fn what_stays_is_written_once_and_what_changes_shows_at_its_times() {
        let film = sample();
        for text in [
            ">stays<",
            ">one<",
            ">two<",
            ">last<",
            ">────<",
            ">a caption &amp; more<",
        ] {
            assert_eq!(film.matches(text).count(), 1, "{text}\n{film}");
        }
        // one: the first two seconds and the last five; two: between; last: at the end
        for frames in [
            "{0.00%{opacity:1}20.00%{opacity:0}50.00%{opacity:1}100%{opacity:1}}",
            "{0%{opacity:0}20.00%{opacity:1}50.00%{opacity:0}100%{opacity:0}}",
            "{0%{opacity:0}50.00%{opacity:1}100%{opacity:1}}",
        ] {
            assert_eq!(film.matches(frames).count(), 1, "{frames}\n{film}");
        }
        assert!(film.contains("<title>a &lt;film&gt;</title>"));
        assert_eq!(film, sample(), "the same shots give the same bytes");
    }

    #[test]
    fn where_nothing_is_animated_one_shot_shows() {
        let film = sample();
        let hidden = |text: &str| {
            let group = film.lines().find(|line| line.contains(text)).unwrap();
            group.contains("opacity=\"0\"")
        };
        for (text, is_hidden) in [
            (">stays<", false),
            (">two<", false),
            (">one<", true),
            (">last<", true),
        ] {
            assert_eq!(hidden(text), is_hidden, "{text}");
        }
    }

    #[test]
    fn no_shots_are_no_film() {
        assert_eq!(animated_svg(&[], Duration::from_secs(1), 0, "none"), "");
    }
}
