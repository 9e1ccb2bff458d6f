//! What is wrong in a file of TOML that its user writes, and in which line.

use std::ops::Range;

/// The text, to tell lines from places.
#[derive(Clone, Copy)]
pub(crate) struct TomlText<'a>(pub(crate) &'a str);

impl TomlText<'_> {
    /// A fault at a place: one line.
    pub(crate) fn fault(self, place: Range<usize>, what: &str) -> String {
        let before = self.0.get(..place.start).unwrap_or_default();
        format!("line {}: {what}", 1 + before.matches('\n').count())
    }

    /// A fault that the reader of TOML found.
    pub(crate) fn unread(self, error: &toml::de::Error) -> String {
        let said = error.message().lines().collect::<Vec<_>>().join(" ");
        let said = said
            .replace(", expected one of ", "; write one of ")
            .replace(", expected u32", "; write a whole number")
            .replace(", expected u16", "; write a whole number up to 65535")
            .replace(", expected ", "; write ");
        self.fault(error.span().unwrap_or(0..0), &said)
    }
}
