//! What a receiver is told.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{EventKind, plain_text};

/// Maximum length of a title, in letters.
const MAX_TITLE_LETTERS: usize = 200;

/// Maximum length of a sentence, in letters.
const MAX_SENTENCE_LETTERS: usize = 2000;

/// What a receiver is told; webhooks and commands get it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Of this form: 1.
    pub version: u32,
    /// Its own; a message that is repeated has the same.
    pub id: String,
    /// What happened.
    pub event: EventKind,
    /// It was told before, and lasts.
    pub reminder: bool,
    /// The app; none of a test.
    pub app: Option<String>,
    /// What the app's data is in.
    pub resource: Option<String>,
    /// The verdict on the app.
    pub verdict: Option<String>,
    /// In sentences.
    pub words: Vec<String>,
    /// The task that tells more.
    pub task: Option<i64>,
    /// Since when it is so.
    pub since: DateTime<Utc>,
    /// When it was found.
    pub at: DateTime<Utc>,
    /// The machine.
    pub host: String,
}

impl Event {
    /// A message that says that messages arrive.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn test(now: DateTime<Utc>) -> Result<Self, String> {
        Ok(Self {
            version: 1,
            id: new_id()?,
            event: EventKind::Test,
            reminder: false,
            app: None,
            resource: None,
            verdict: None,
            words: vec!["This is a test: messages of plakar-opendrive arrive.".into()],
            task: None,
            since: now,
            at: now,
            host: host(),
        })
    }

    /// One plain line: whatever is in a name, it begins no other.
    pub fn title(&self) -> String {
        let Some(app) = &self.app else { return "plakar-opendrive: test".into() };
        let again = if self.reminder { " (reminder)" } else { "" };
        plain_text(&format!("{app}: {}{again}", self.event), MAX_TITLE_LETTERS)
    }

    /// All of it, in lines.
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.words.clone();
        if self.since != self.at {
            lines.push(format!("Since {}.", self.since.format("%Y-%m-%d %H:%M UTC")));
        }
        if let Some(task) = self.task {
            lines.push(format!("`plakar-opendrive app log {task}` tells more."));
        }
        lines.push(format!("{} on {}", self.at.format("%Y-%m-%d %H:%M UTC"), self.host));
        let plain = |line: &String| plain_text(line, MAX_SENTENCE_LETTERS);
        lines.iter().map(plain).collect::<Vec<_>>().join("\n")
    }

    /// Whether somebody has to look.
    pub fn is_trouble(&self) -> bool {
        !matches!(self.event, EventKind::Recovered | EventKind::Test)
    }
}

/// An id of an event.
///
/// # Errors
///
/// The system gives no random numbers.
pub(crate) fn new_id() -> Result<String, String> {
    plakar_driver::random_hex::<16>().map_err(|error| error.to_string())
}

/// This machine's name.
pub(crate) fn host() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    plain_text(&name, 100)
}
