//! Styles by meaning, read from `assets/themes/*.toml`: the terminal's sixteen colours or none, and glyphs that need no more than ASCII.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::glyphs::{ASCII, Glyphs, UNICODE};
use super::styled_text::CellText;
use sopwatch_core::text::SafeText;

/// What a styled piece of the screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// Ordinary words.
    Text,
    /// Of less weight.
    Faint,
    /// Opens a column or a section.
    Heading,
    /// A key.
    Key,
    /// A command or a table.
    Code,
    /// A frame.
    Border,
    /// The frame of the pane that has the focus.
    Focus,
    /// A pane's title.
    Title,
    /// The same with the focus.
    FocusedTitle,
    /// The chosen row.
    Selected,
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Unknown, or to be careful with.
    Doubtful,
    /// Settling.
    Waiting,
    /// For the operator to look at.
    Manual,
    /// Too old.
    Stale,
    /// A pod's short name before its line.
    Pod,
    /// A warning of the log.
    Warning,
    /// An error of the log.
    Error,
    /// A panic.
    Fatal,
    /// What the console says about a log.
    Note,
    /// What the filter found.
    Match,
    /// The program's name.
    Brand,
    /// An environment where a mistake hurts nobody.
    Stage,
    /// An environment where it does.
    Production,
    /// A drill.
    Drill,
    /// Must be seen.
    Alarm,
    /// A word from the console.
    Notice,
    /// The same when something went wrong.
    Complaint,
}

/// One entry of a theme's file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    fg: Option<Colour>,
    bg: Option<Colour>,
    #[serde(default)]
    modifiers: Vec<Emphasis>,
    plain: Option<Vec<Emphasis>>,
}

/// The sixteen, less black and white: on a terminal of the other kind those would not be seen.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Colour {
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    Gray,
    DarkGray,
    LightRed,
    LightGreen,
    LightYellow,
    LightBlue,
    LightMagenta,
    LightCyan,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Emphasis {
    Bold,
    Dim,
    Italic,
    Underline,
    Reverse,
}

impl From<Colour> for Color {
    fn from(colour: Colour) -> Self {
        match colour {
            Colour::Red => Self::Red,
            Colour::Green => Self::Green,
            Colour::Yellow => Self::Yellow,
            Colour::Blue => Self::Blue,
            Colour::Magenta => Self::Magenta,
            Colour::Cyan => Self::Cyan,
            Colour::Gray => Self::Gray,
            Colour::DarkGray => Self::DarkGray,
            Colour::LightRed => Self::LightRed,
            Colour::LightGreen => Self::LightGreen,
            Colour::LightYellow => Self::LightYellow,
            Colour::LightBlue => Self::LightBlue,
            Colour::LightMagenta => Self::LightMagenta,
            Colour::LightCyan => Self::LightCyan,
        }
    }
}

fn modifier(emphases: &[Emphasis]) -> Modifier {
    let one = |emphasis: &Emphasis| match emphasis {
        Emphasis::Bold => Modifier::BOLD,
        Emphasis::Dim => Modifier::DIM,
        Emphasis::Italic => Modifier::ITALIC,
        Emphasis::Underline => Modifier::UNDERLINED,
        Emphasis::Reverse => Modifier::REVERSED,
    };
    emphases.iter().map(one).collect()
}

impl Look {
    fn style(&self, color: bool) -> Style {
        if !color {
            return Style::new().add_modifier(modifier(self.plain.as_ref().unwrap_or(&self.modifiers)));
        }
        let mut style = Style::new().add_modifier(modifier(&self.modifiers));
        style.fg = self.fg.map(Color::from);
        style.bg = self.bg.map(Color::from);
        style
    }
}

const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../../../assets/themes/dark.toml")),
    ("light", include_str!("../../../assets/themes/light.toml")),
];

/// How the screen looks.
#[derive(Clone, Debug)]
pub struct Theme {
    styles: BTreeMap<Meaning, Style>,
    /// Whether only ASCII may be drawn.
    pub(crate) ascii: bool,
    /// The signs.
    pub(crate) glyphs: &'static Glyphs,
}

impl Theme {
    /// A built-in theme. `color`: false for modifiers only; `ascii`: no other characters. The error names the themes there are.
    pub fn named(name: &str, color: bool, ascii: bool) -> Result<Self, String> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let (_, text) = built_in.ok_or_else(|| {
            format!(
                "no theme is called `{name}`: there are {}",
                Self::names().join(", ")
            )
        })?;
        Self::from_toml(text, color, ascii).map_err(|problem| format!("theme `{name}`: {problem}"))
    }

    /// The built-in themes.
    pub fn names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    /// A theme from the text of its file; meanings that it leaves out are plain text.
    pub fn from_toml(text: &str, color: bool, ascii: bool) -> Result<Self, String> {
        let looks: BTreeMap<Meaning, Look> =
            toml::from_str(text).map_err(|problem| problem.to_string().trim_end().to_owned())?;
        let styles = looks
            .into_iter()
            .map(|(meaning, look)| (meaning, look.style(color)))
            .collect();
        let glyphs = if ascii { &ASCII } else { &UNICODE };
        Ok(Self {
            styles,
            ascii,
            glyphs,
        })
    }

    /// A theme without any style, for who only measures.
    pub(crate) fn plain() -> &'static Self {
        static PLAIN: LazyLock<Theme> = LazyLock::new(|| Theme {
            styles: BTreeMap::new(),
            ascii: false,
            glyphs: &UNICODE,
        });
        &PLAIN
    }

    /// How something of this meaning looks.
    pub(crate) fn style(&self, meaning: Meaning) -> Style {
        self.styles.get(&meaning).copied().unwrap_or_default()
    }

    /// Text as the cells of one line show it. A string is made safe for it; what is safe by its type is not looked at again.
    pub(crate) fn clean(&self, text: impl Into<SafeText> + AsRef<str>) -> CellText {
        CellText::of_plain(text.as_ref()).unwrap_or_else(|| CellText::of(&text.into(), self.ascii))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_reads_and_names_every_meaning() {
        let dark = Theme::named("dark", true, false).unwrap();
        for name in Theme::names() {
            let theme = Theme::named(name, true, false).unwrap();
            assert!(theme.styles.keys().eq(dark.styles.keys()), "{name}");
            assert!(theme.styles.contains_key(&Meaning::Complaint));
            assert_eq!(theme.styles.len(), Meaning::Complaint as usize + 1, "{name}");
        }
    }

    #[test]
    fn without_colour_no_style_has_one_and_judgements_still_differ() {
        let theme = Theme::named("dark", false, false).unwrap();
        let coloured = |style: &&Style| style.fg.is_some() || style.bg.is_some();
        assert_eq!(theme.styles.values().find(coloured), None);
        let judgements = [Meaning::Good, Meaning::Bad, Meaning::Doubtful, Meaning::Stale];
        for (index, one) in judgements.iter().enumerate() {
            for other in &judgements[index + 1..] {
                assert_ne!(theme.style(*one), theme.style(*other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_wrong_theme_says_what_is_wrong() {
        let problem = Theme::named("neon", true, false).unwrap_err();
        assert_eq!(problem, "no theme is called `neon`: there are dark, light");
        assert!(
            Theme::from_toml("bad = { fg = \"white\" }", true, false)
                .unwrap_err()
                .contains("white")
        );
        assert!(
            Theme::from_toml("ugly = {}", true, false)
                .unwrap_err()
                .contains("ugly")
        );
    }

    #[test]
    fn ascii_replaces_what_is_not() {
        let theme = Theme::named("dark", true, true).unwrap();
        assert_eq!(theme.clean("a… ×2 ⟨9b⟩ ␛[31m é\nb"), "a... x2 <9b> ^[[31m <e9> b");
        let plain = Theme::named("dark", true, false).unwrap();
        assert_eq!(plain.clean("é\u{202e}\u{1b}\n"), "é⟨202e⟩␛ ");
    }
}
