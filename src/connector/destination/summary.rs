//! How a restore ended, and what is told of it.

use std::collections::BTreeMap;
use std::fmt;

use super::paths::standard;
use crate::connector::paths::split;
use terminal::text;

/// Maximum number of entries that are named; the rest is only counted.
const MAX_EXAMPLES: usize = 5;

/// Something that a drive has no notion of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// A symbolic link.
    Link,
    /// A block or character device.
    Device,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// Neither a file nor anything else with a name.
    Irregular,
    /// A folder with nothing in it, where folders are what their files have in their names.
    EmptyFolder,
    /// Extended attributes of an entry that is restored without them.
    Attributes,
}

/// How a restore ended.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RestoreSummary {
    /// Folders and files that were to be restored.
    pub entries: u64,
    /// Folders and files that were not restored.
    pub failures: u64,
    /// Files that were there already, with the same bytes.
    pub unchanged: u64,
    named: Vec<String>,
    dated: Examples,
    undecryptable: Examples,
    shown: Examples,
    left_out: BTreeMap<LeftOut, Examples>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Examples {
    count: u64,
    paths: Vec<String>,
}

impl RestoreSummary {
    /// One line that counts and names what was not restored; `None` if nothing failed.
    pub fn failure(&self) -> Option<String> {
        if self.failures == 0 {
            return None;
        }
        let more = self.failures - self.named.len() as u64;
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        Some(format!(
            "{} of {} entries could not be restored: {}{more}",
            self.failures,
            self.entries,
            self.named.join("; ")
        ))
    }

    /// One line that counts and names what the drive has no notion of; `None` if there was none.
    pub fn left_out(&self) -> Option<String> {
        if self.left_out.is_empty() {
            return None;
        }
        let kinds: Vec<String> =
            self.left_out.iter().map(|(kind, examples)| examples.of(*kind)).collect();
        Some(format!(
            "not restored, because the destination has no notion of them: {}",
            kinds.join("; ")
        ))
    }

    /// One line that counts and names the files that have another modification time than they
    /// should; `None` if all have theirs.
    pub fn dated(&self) -> Option<String> {
        let whose = self.dated.counted("file has", "files have")?;
        Some(format!(
            "{whose} another time of modification, because the destination refuses theirs: {}",
            self.dated.list()
        ))
    }

    /// One line that counts and names what is in the destination and cannot be decrypted; `None` if
    /// there is nothing.
    pub fn hidden(&self) -> Option<String> {
        let names = self.undecryptable.counted("name", "names")?;
        let list = self.undecryptable.list();
        Some(format!(
            "{names} in the destination cannot be decrypted with its password: what is restored comes beside that: {list}"
        ))
    }

    /// One line that counts and names what has another name from now on than it had in the
    /// snapshot; `None` if all has its own.
    pub fn shown(&self) -> Option<String> {
        let names = self.shown.counted("name", "names")?;
        let list = self.shown.list();
        Some(format!(
            "{names} with control characters, for which look-alikes are shown from now on, also in a backup: {list}"
        ))
    }

    /// What is to be said at the end although it is no failure, one line each.
    pub fn notes(&self) -> impl Iterator<Item = String> + use<> {
        self.left_out().into_iter().chain(self.dated()).chain(self.hidden()).chain(self.shown())
    }

    /// Takes note of something that is restored, if listings show its name otherwise.
    pub(super) fn note_name(&mut self, path: &str) {
        let (_, name) = split(path);
        let shown = standard(name);
        if shown != name {
            self.shown.push(|| {
                format!("{} as {}", text::quoted(&format!("/{path}")), text::quoted(&shown))
            });
        }
    }

    pub(super) fn dated_otherwise(&mut self, path: &str) {
        self.dated.add(path);
    }

    pub(super) fn undecryptable(&mut self, path: &str) {
        self.undecryptable.add(path);
    }

    pub(super) fn fail(&mut self, path: &str, reason: &str) {
        self.failures += 1;
        if self.named.len() < MAX_EXAMPLES {
            self.named.push(text::line(&format!("{}: {reason}", text::quoted(path))));
        }
    }

    pub(super) fn leave_out(&mut self, path: &str, kind: LeftOut) {
        self.left_out.entry(kind).or_default().add(path);
    }
}

impl Examples {
    fn add(&mut self, path: &str) {
        self.push(|| text::quoted(path));
    }

    fn push(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.paths.len() < MAX_EXAMPLES {
            self.paths.push(example());
        }
    }

    /// How many there are, with the words for one and for more; `None` if there are none.
    fn counted(&self, one: &str, more: &str) -> Option<String> {
        (self.count > 0)
            .then(|| format!("{} {}", self.count, if self.count == 1 { one } else { more }))
    }

    /// Those that are named.
    fn list(&self) -> String {
        format!(
            "{}{}",
            self.paths.join(", "),
            if self.count > self.paths.len() as u64 { ", …" } else { "" }
        )
    }

    fn of(&self, kind: LeftOut) -> String {
        let noun = match (kind, self.count) {
            (LeftOut::Attributes, 1) => "entry's extended attributes",
            (LeftOut::Attributes, _) => "entries' extended attributes",
            (_, 1) => kind.singular(),
            _ => kind.plural(),
        };
        format!("{} {noun} ({})", self.count, self.list())
    }
}

impl LeftOut {
    fn singular(self) -> &'static str {
        match self {
            Self::Link => "symbolic link",
            Self::Device => "device",
            Self::Pipe => "named pipe",
            Self::Socket => "socket",
            Self::Irregular => "irregular file",
            Self::EmptyFolder => "empty folder",
            Self::Attributes => "extended attribute",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Link => "symbolic links",
            Self::Device => "devices",
            Self::Pipe => "named pipes",
            Self::Socket => "sockets",
            Self::Irregular => "irregular files",
            Self::EmptyFolder => "empty folders",
            Self::Attributes => "extended attributes",
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.singular())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_and_what_is_left_out_are_counted_and_the_first_are_named() {
        let mut summary = RestoreSummary { entries: 40, ..RestoreSummary::default() };
        assert_eq!((summary.failure(), summary.left_out()), (None, None));
        for number in 0..7 {
            summary.fail(&format!("/f{number}"), "no");
        }
        let failure = "7 of 40 entries could not be restored: \"/f0\": no; \"/f1\": no; \"/f2\": no; \"/f3\": no; \"/f4\": no; and 2 more";
        assert_eq!(summary.failure().as_deref(), Some(failure));
        for number in 0..6 {
            summary.leave_out(&format!("/l{number}"), LeftOut::Link);
        }
        summary.leave_out("/a\nb", LeftOut::Attributes);
        let left_out = "not restored, because the destination has no notion of them: \
            6 symbolic links (\"/l0\", \"/l1\", \"/l2\", \"/l3\", \"/l4\", …); 1 entry's extended attributes (\"/a\\nb\")";
        assert_eq!(summary.left_out().as_deref(), Some(left_out));
        for number in 0..6 {
            summary.dated_otherwise(&format!("/t{number}"));
        }
        let dated = "6 files have another time of modification, because the destination refuses theirs: \
            \"/t0\", \"/t1\", \"/t2\", \"/t3\", \"/t4\", …";
        summary.undecryptable("/d/foreign.txt");
        let hidden = "1 name in the destination cannot be decrypted with its password: what is restored comes beside that: \"/d/foreign.txt\"";
        for path in ["x/plain", "a\nb/x", "", "a\nb", "x/\u{7f}\t"] {
            summary.note_name(path);
        }
        let shown = "2 names with control characters, for which look-alikes are shown from now on, also in a backup: \
            \"/a\\nb\" as \"a␊b\", \"/x/\\u{7f}\\t\" as \"␡␉\"";
        assert_eq!(summary.notes().collect::<Vec<_>>(), [left_out, dated, hidden, shown]);
    }
}
