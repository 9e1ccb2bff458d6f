//! What is known of the machine and its programs, each with a verdict where one is known, for
//! whoever looks for what is wrong.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::words::{plain_text, size_text};

/// Below so much free space something is said, though nothing fails yet, in bytes.
const LITTLE_SPACE_BYTES: u64 = 1 << 30;

/// Below so much free space the state may not be written any more, in bytes.
const MIN_STATE_SPACE_BYTES: u64 = 20 << 20;

/// Free space that a store in a folder needs to take a backup at all, in bytes: Plakar writes
/// packfiles of 20 MiB, several side by side.
const MIN_STORE_SPACE_BYTES: u64 = 100 << 20;

/// Below so much memory that could be used something is said, in bytes: a connector takes up to
/// 160 MiB, beside the cache of a store, and Plakar as much again.
const LITTLE_MEMORY_BYTES: u64 = 512 << 20;

/// Maximum length of a text that others say, in letters.
const MAX_TEXT_LETTERS: usize = 400;

/// How the finding of a store begins; its name follows.
const STORE: &str = "Store ";

/// What stands for what is left out.
const LEFT_OUT: &str = "(left out)";

/// What a finding belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiagnosisGroup {
    /// Versions, and what is installed.
    Programs,
    /// Processors, memory, the clock.
    Machine,
    /// What is free where something is written.
    Room,
    /// What is taken.
    Sizes,
}

impl DiagnosisGroup {
    /// All of them, as lists show them.
    pub const ALL: [Self; 4] = [Self::Programs, Self::Machine, Self::Room, Self::Sizes];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Programs => "programs",
            Self::Machine => "machine",
            Self::Room => "room",
            Self::Sizes => "sizes",
        }
    }
}

/// What a finding means, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiagnosisVerdict {
    /// It is as it should be.
    Good,
    /// Nothing fails yet, or not everything works.
    Warning,
    /// Something fails because of it.
    Bad,
}

impl DiagnosisVerdict {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosisItem {
    /// What it belongs to.
    pub group: DiagnosisGroup,
    /// What it is.
    pub name: String,
    /// What was found, in words.
    pub value: String,
    /// The same in bytes, if it is a size or what is free.
    pub bytes: Option<u64>,
    /// The file or folder that it is about.
    pub place: Option<String>,
    /// What it means, if that is known.
    pub verdict: Option<DiagnosisVerdict>,
    /// What to do about it; empty if nothing is to be done.
    pub advice: String,
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// When it was looked.
    pub at: DateTime<Utc>,
    /// The worst of the verdicts.
    pub verdict: DiagnosisVerdict,
    /// Whether paths and names are left out.
    pub redacted: bool,
    /// One by one, those of a group together.
    pub items: Vec<DiagnosisItem>,
}

impl DiagnosisItem {
    /// A fact without a verdict.
    pub fn fact(group: DiagnosisGroup, name: impl Into<String>, value: impl AsRef<str>) -> Self {
        Self {
            group,
            name: name.into(),
            value: plain_text(value.as_ref(), MAX_TEXT_LETTERS),
            bytes: None,
            place: None,
            verdict: None,
            advice: String::new(),
        }
    }

    /// The same, with what it means.
    #[must_use]
    pub fn judged(self, verdict: DiagnosisVerdict, advice: impl AsRef<str>) -> Self {
        let advice = plain_text(advice.as_ref(), MAX_TEXT_LETTERS);
        Self { verdict: Some(verdict), advice, ..self }
    }

    /// The same, which is as it should be.
    #[must_use]
    pub fn good(self) -> Self {
        self.judged(DiagnosisVerdict::Good, "")
    }

    /// The same, of this file or folder.
    #[must_use]
    pub fn of(self, place: impl Into<String>) -> Self {
        Self { place: Some(place.into()), ..self }
    }

    /// What a folder or a file takes.
    pub fn size(name: impl Into<String>, bytes: u64) -> Self {
        let fact = Self::fact(DiagnosisGroup::Sizes, name, size_text(bytes));
        Self { bytes: Some(bytes), ..fact }
    }

    /// What is free where a folder is, of what fits there, both in bytes; `None` if the system does
    /// not tell. A fault that is known of the folder counts more than the figure.
    pub fn room(
        name: impl Into<String>,
        space: Option<(u64, u64)>,
        min: u64,
        fault: Option<String>,
    ) -> Self {
        let Some((free, total)) = space else {
            let fact = Self::fact(DiagnosisGroup::Room, name, "not known");
            return match fault {
                Some(fault) => fact.judged(DiagnosisVerdict::Bad, fault),
                None => fact,
            };
        };
        let value = format!("{} free of {}", size_text(free), size_text(total));
        let fact = Self::fact(DiagnosisGroup::Room, name, value);
        let fact = Self { bytes: Some(free), ..fact };
        let little = || format!("less than {} are free: free some", size_text(LITTLE_SPACE_BYTES));
        match fault {
            Some(fault) => fact.judged(DiagnosisVerdict::Bad, fault),
            None if free < min => {
                let needs = format!("{} are needed: free some", size_text(min));
                fact.judged(DiagnosisVerdict::Bad, needs)
            }
            None if free < LITTLE_SPACE_BYTES => fact.judged(DiagnosisVerdict::Warning, little()),
            None => fact.good(),
        }
    }

    /// What is free where the store of this name is.
    pub fn store_room(name: &str, space: Option<(u64, u64)>, fault: Option<String>) -> Self {
        Self::room(format!("{STORE}{name}"), space, MIN_STORE_SPACE_BYTES, fault)
    }

    /// What is free where the state is.
    pub fn state_room(space: Option<(u64, u64)>) -> Self {
        Self::room("State", space, MIN_STATE_SPACE_BYTES, None)
    }

    /// The memory that could be used, of all there is, both in bytes.
    pub fn memory(available: u64, total: u64) -> Self {
        let value = format!("{} available of {}", size_text(available), size_text(total));
        let fact = Self::fact(DiagnosisGroup::Machine, "Memory", value);
        let fact = Self { bytes: Some(available), ..fact };
        if available >= LITTLE_MEMORY_BYTES {
            return fact.good();
        }
        let advice = "a backup of a large drive may run out of it: end something else, or run one task at a time";
        fact.judged(DiagnosisVerdict::Warning, advice)
    }
}

impl Diagnosis {
    /// Of what was found now.
    pub fn new(at: DateTime<Utc>, items: Vec<DiagnosisItem>) -> Self {
        let verdict = items.iter().filter_map(|item| item.verdict).max();
        let verdict = verdict.unwrap_or(DiagnosisVerdict::Good);
        Self { at, verdict, redacted: false, items }
    }

    /// The items of a group.
    pub fn of(&self, group: DiagnosisGroup) -> impl Iterator<Item = &DiagnosisItem> {
        self.items.iter().filter(move |item| item.group == group)
    }

    /// The same without paths and without these names, such as that of the user and of the machine:
    /// fit to be shown to strangers.
    #[must_use]
    pub fn redacted(mut self, names: &[String]) -> Self {
        let mut stores = 0;
        for item in &mut self.items {
            item.place = item.place.take().map(|_| LEFT_OUT.to_owned());
            if item.name.starts_with(STORE) {
                stores += 1;
                item.name = format!("{STORE}{stores}");
            }
            for text in [&mut item.value, &mut item.advice] {
                *text = without_names(&without_paths(text), names);
            }
        }
        Self { redacted: true, ..self }
    }
}

/// A text without what looks like a path or an address: a word that begins with a slash, or has one
/// after a colon or an equals sign.
fn without_paths(text: &str) -> String {
    let is_path = |word: &str| {
        let word = word.trim_start_matches(['(', '[', '"', '\'', '`', '<']);
        let begins = word.len() > 1 && word.starts_with(['/', '~', '\\']);
        begins || [":/", "=/", ":\\"].iter().any(|part| word.contains(part))
    };
    let end = |word: &str| word.chars().rev().take_while(|one| ":,;.)".contains(*one)).count();
    let words = text.split(' ').map(|word| match is_path(word) {
        true => format!("{LEFT_OUT}{}", &word[word.len() - end(word)..]),
        false => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A text without these names where they are words of their own.
fn without_names(text: &str, names: &[String]) -> String {
    let mut left = text.to_owned();
    for name in names.iter().filter(|name| name.len() > 1) {
        let in_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
        let mut made = String::new();
        let mut rest = left.as_str();
        while let Some(at) = rest.find(name.as_str()) {
            let (before, after) = (&rest[..at], &rest[at + name.len()..]);
            let inside = before.chars().next_back().is_some_and(in_word)
                || after.chars().next().is_some_and(in_word);
            made.push_str(before);
            made.push_str(if inside { name } else { LEFT_OUT });
            rest = after;
        }
        made.push_str(rest);
        left = made;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_bad_and_little_is_a_warning() {
        let verdict = |free| DiagnosisItem::room("x", Some((free, 10 << 40)), 200 << 20, None);
        assert_eq!(verdict(199 << 20).verdict, Some(DiagnosisVerdict::Bad));
        assert_eq!(verdict(199 << 20).advice, "200 MiB are needed: free some");
        assert_eq!(verdict(200 << 20).verdict, Some(DiagnosisVerdict::Warning));
        assert_eq!(verdict(1 << 30), verdict(1 << 30).good());
        let unknown = DiagnosisItem::room("x", None, 1, None);
        assert_eq!((unknown.verdict, unknown.bytes), (None, None));
        let fault = DiagnosisItem::room("x", Some((1 << 40, 1 << 41)), 1, Some("too long".into()));
        assert_eq!((fault.verdict, &*fault.advice), (Some(DiagnosisVerdict::Bad), "too long"));
    }

    #[test]
    fn the_worst_verdict_is_that_of_all() {
        let fact = || DiagnosisItem::fact(DiagnosisGroup::Machine, "Processors", "2");
        let now = Utc::now();
        assert_eq!(Diagnosis::new(now, vec![fact()]).verdict, DiagnosisVerdict::Good);
        let memory = DiagnosisItem::memory(100 << 20, 1 << 30);
        assert_eq!(Diagnosis::new(now, vec![memory, fact()]).verdict, DiagnosisVerdict::Warning);
    }

    #[test]
    fn what_is_shown_to_strangers_has_no_path_and_no_name_in_it() {
        let item = DiagnosisItem::fact(
            DiagnosisGroup::Programs,
            "Store anna's",
            "cannot read /home/anna/.cache/plakar: anna may not (see \"/etc/x\"), annabel may",
        )
        .of("/home/anna/x")
        .judged(
            DiagnosisVerdict::Bad,
            "set TMPDIR to a folder such as C:\\tmp or sftp://anna@host/x",
        );
        let diagnosis = Diagnosis::new(Utc::now(), vec![item]).redacted(&["anna".into()]);
        let text = serde_json::to_string(&diagnosis.items).unwrap();
        for word in ["/home", "/etc", "\\\\tmp", "host", "anna'", "anna "] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        assert!(diagnosis.redacted && text.contains("annabel may"), "{text}");
        // A version is no path.
        assert_eq!(without_paths("plakar/v1.1.4 in PLAKAR=/x"), "plakar/v1.1.4 in (left out)");
        assert!(text.contains("cannot read (left out): (left out) may not"), "{text}");
    }
}
