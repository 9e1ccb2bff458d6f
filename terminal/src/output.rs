//! Standard output, and how things are shown there.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::SystemTime;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::text;

/// Good news.
pub const GOOD: Style = AnsiColor::Green.on_default();

/// Bad news.
pub const BAD: Style = AnsiColor::Red.on_default().bold();

/// A folder in a listing.
pub const FOLDER: Style = AnsiColor::Blue.on_default().bold();

/// What is not the point.
pub const ASIDE: Style = Style::new().dimmed();

/// Standard output.
pub struct Output(io::BufWriter<io::Stdout>);

impl Output {
    /// Buffered: see [`Output::flush`].
    #[must_use]
    #[allow(clippy::new_without_default)] // There is one of it.
    pub fn new() -> Self {
        Self(io::BufWriter::new(io::stdout()))
    }

    /// Writes a line of text that is fit for a terminal.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.0, "{line}")
    }

    /// Writes one value as one line of JSON.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value)?;
        writeln!(self.0, "{text}")
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Hands on what was written; a command that has not done so has not succeeded.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Takes for written what nobody reads any more, as in `status | head -1`: for a command whose exit
/// status tells how something is, or how it went.
///
/// # Errors
/// What was given, if it is another error.
pub fn unless_left(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// A text in a colour, on a terminal and where `NO_COLOR` is not set.
pub fn coloured(style: Style, text: &str) -> String {
    static PLAIN: OnceLock<bool> = OnceLock::new();
    let plain = PLAIN.get_or_init(|| {
        anstream::AutoStream::choice(&io::stdout()) == anstream::ColorChoice::Never
    });
    if *plain { text.to_owned() } else { format!("{style}{text}{style:#}") }
}

/// A name or a path from a drive, fit for a terminal.
pub fn shown(name: &str) -> String {
    text::line(name)
}

/// A number of bytes for people: `1.25 MiB`.
pub fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A time in RFC 3339, in UTC.
pub fn time(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// `1 file`, `2 files`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
