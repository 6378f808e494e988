//! How things look: themes, styled text, signs, and a frame as a picture.

pub(crate) mod age;
pub mod film;
pub(crate) mod glyphs;
pub(crate) mod styled_text;
pub(crate) mod svg;
pub(crate) mod theme;
