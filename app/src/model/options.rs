//! What of a source is backed up, how, and under which labels.

use ignore_rules::{IgnorePattern, IgnoreRules};
use plakar_driver::{deceives, is_own_tag};
use serde::{Deserialize, Serialize};

use super::invalid::Invalid;
use super::words::{count_text, plain_text};

/// Maximum number of lines of patterns: each is an argument, and every path is held against each.
const MAX_PATTERNS: usize = 200;

/// Maximum length of a pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 500;

/// Maximum number of folders: a connector is started for each.
const MAX_FOLDERS: usize = 20;

/// Maximum length of all patterns and folders together, in bytes: they go into one tag, which is a
/// part of an argument.
const MAX_SCOPE_BYTES: usize = 20_000;

/// Maximum length of the path of a folder, in bytes.
const MAX_FOLDER_BYTES: usize = 1000;

/// Maximum number of labels.
const MAX_LABELS: usize = 20;

/// Maximum length of a label, in bytes.
const MAX_LABEL_BYTES: usize = 100;

/// Maximum of what Plakar may do at once.
pub const MAX_CONCURRENCY: u32 = 64;

/// Names that are no one's: patterns that leave out files and folders of all of these leave out
/// all there is.
const ANY_NAMES: [&str; 6] = ["a", "Z9.txt", ".hidden", "é ß", "0", "no-such-name.tar.gz"];

/// What of a source is backed up, how, and under which labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupOptions {
    /// What is left out: the lines of a `.gitignore`, which count from the root of the source.
    pub ignore: Vec<String>,
    /// The folders below the source's location that are backed up; none for all of it.
    pub folders: Vec<String>,
    /// What its restore points are labelled with.
    pub labels: Vec<String>,
    /// How much Plakar does at once; 0 for its own choice.
    pub concurrency: u32,
}

impl BackupOptions {
    /// The same as they are kept: without empty lines, spaces that mean nothing, and the slashes
    /// around folders.
    #[must_use]
    pub fn tidy(self) -> Self {
        let folder = |text: String| {
            text.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
        };
        let pattern = |line: String| line.trim_end_matches('\r').to_owned();
        Self {
            ignore: self.ignore.into_iter().map(pattern).filter(|line| !is_blank(line)).collect(),
            folders: self
                .folders
                .into_iter()
                .filter(|text| !text.trim().is_empty())
                .map(folder)
                .collect(),
            labels: self
                .labels
                .into_iter()
                .map(|label| label.trim().to_owned())
                .filter(|label| !label.is_empty())
                .collect(),
            concurrency: self.concurrency,
        }
    }

    /// All that cannot be used, by the names of the fields.
    pub fn faults(&self) -> Vec<(&'static str, Invalid)> {
        let checks: [(&'static str, Option<String>); 4] = [
            ("ignore", self.ignore_fault()),
            ("folders", self.folders_fault()),
            ("labels", self.labels_fault()),
            ("concurrency", self.concurrency_fault()),
        ];
        let faults = checks.into_iter();
        faults.filter_map(|(field, fault)| Some((field, Invalid(fault?)))).collect()
    }

    fn ignore_fault(&self) -> Option<String> {
        let lines = &self.ignore;
        if lines.len() > MAX_PATTERNS {
            return Some(format!(
                "ignore: {} lines are too many; write at most {MAX_PATTERNS}",
                lines.len()
            ));
        }
        for (index, line) in lines.iter().enumerate() {
            let told = |what: &str| Some(format!("ignore: the pattern \"{}\" {what}", shown(line)));
            if line.chars().any(char::is_control) {
                return told("holds a control character; write one pattern a line");
            }
            if line.len() > MAX_PATTERN_BYTES {
                return told(&format!("is too long; write at most {MAX_PATTERN_BYTES} bytes"));
            }
            let Some(pattern) = IgnorePattern::parse(line) else { continue };
            if let Some(fault) = pattern.fault() {
                return told(&format!(
                    "never matches anything: {fault}; write one such as *.tmp or /Cache/"
                ));
            }
            if lines[..index].contains(line) {
                return told("is given twice; write it once");
            }
        }
        let all = self.ignore.iter().chain(&self.folders).map(String::len).sum::<usize>();
        if all > MAX_SCOPE_BYTES {
            return Some(format!(
                "ignore: patterns and folders of {all} bytes are too long; write at most {MAX_SCOPE_BYTES}"
            ));
        }
        self.leaves_out_all_in(&[]).then(|| ALL_LEFT_OUT.to_owned())
    }

    /// Whether the patterns leave out whatever there is in a folder, given by the names of its path.
    pub(crate) fn leaves_out_all_in(&self, folder: &[&str]) -> bool {
        let rules = IgnoreRules::new(&self.ignore);
        let in_folder =
            |names: &[&str], is_folder| rules.excludes_parts(&[folder, names].concat(), is_folder);
        let all = |name: &&str| {
            in_folder(&[name], false)
                && in_folder(&[name], true)
                && in_folder(&["Any folder", name], false)
        };
        // Something that is taken in again may be there.
        let mut patterns = self.ignore.iter().filter_map(|line| IgnorePattern::parse(line));
        !patterns.any(|pattern| pattern.includes()) && ANY_NAMES.iter().all(all)
    }

    fn folders_fault(&self) -> Option<String> {
        let folders = &self.folders;
        if folders.len() > MAX_FOLDERS {
            return Some(format!(
                "folders: {} are too many; write at most {MAX_FOLDERS}, or make another app",
                folders.len()
            ));
        }
        for (index, folder) in folders.iter().enumerate() {
            let told = |what: &str| Some(format!("folders: \"{}\" {what}", shown(folder)));
            if folder.is_empty() {
                return told("is all of it; leave the folders out");
            }
            if folder.chars().any(char::is_control) {
                return told("holds a control character; write one folder a line");
            }
            if folder.len() > MAX_FOLDER_BYTES {
                return told(&format!("is too long; write at most {MAX_FOLDER_BYTES} bytes"));
            }
            if folder.split('/').any(|part| matches!(part, "" | "." | "..")) {
                return told(
                    "is no folder below the place that is backed up; write one such as Photos/2024",
                );
            }
            let within = |one: &str, other: &str| {
                one == other || one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
            };
            let other = folders[..index]
                .iter()
                .find(|other| within(folder, other) || within(other, folder));
            if let Some(other) = other {
                return told(&format!(
                    "and \"{}\" lie in one another; write the outer one alone",
                    shown(other)
                ));
            }
        }
        None
    }

    fn labels_fault(&self) -> Option<String> {
        check_labels(&self.labels).err().map(|Invalid(fault)| fault)
    }

    fn concurrency_fault(&self) -> Option<String> {
        (self.concurrency > MAX_CONCURRENCY).then(|| {
            format!(
                "concurrency: {} is not possible; write 1 to {MAX_CONCURRENCY}, or 0 for Plakar's own choice",
                self.concurrency
            )
        })
    }

    /// The patterns, without comments.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        let lines = self.ignore.iter().map(String::as_str);
        lines.filter(|line| IgnorePattern::parse(line).is_some())
    }

    /// Whether nothing is left out and nothing chosen.
    pub fn takes_all(&self) -> bool {
        self.folders.is_empty() && self.patterns().next().is_none()
    }

    /// What of the source is backed up, in a few words: `leaves out 3 patterns, of 2 folders`;
    /// empty if it is all of it.
    pub fn scope_text(&self) -> String {
        let patterns = self.patterns().count() as u64;
        let mut parts = Vec::new();
        if !self.folders.is_empty() {
            parts.push(format!("takes {}", count_text(self.folders.len() as u64, "folder")));
        }
        if patterns > 0 {
            parts.push(format!("leaves out {}", count_text(patterns, "pattern")));
        }
        parts.join(", ")
    }
}

/// Why patterns are refused that leave nothing.
pub const ALL_LEFT_OUT: &str = "ignore: the patterns leave out all there is, so nothing would be backed up; take out the one that does, or take something in again below it, such as !/Documents/**";

/// # Errors
///
/// A label that cannot be one, or too many of them.
pub(crate) fn check_labels(labels: &[String]) -> Result<(), Invalid> {
    if labels.len() > MAX_LABELS {
        return Err(Invalid(format!(
            "labels: {} are too many; write at most {MAX_LABELS}",
            labels.len()
        )));
    }
    for (index, label) in labels.iter().enumerate() {
        let problem = match label.as_str() {
            "" => "is empty; leave it out",
            label if label.contains(',') => "holds a comma; give several one by one",
            label if label.chars().any(deceives) => {
                "holds a control character or a hidden one; write a short text"
            }
            label if label.trim() != label => "begins or ends with a space; leave that out",
            label if label.len() > MAX_LABEL_BYTES => {
                "is longer than 100 bytes; write a shorter one"
            }
            label if is_own_tag(label) => {
                "begins like a mark of the app's own (app:, data-class: or options:); write another"
            }
            label if labels[..index].iter().any(|other| other == label) => {
                "is given twice; write it once"
            }
            _ => continue,
        };
        return Err(Invalid(format!("labels: the label \"{}\" {problem}", shown(label))));
    }
    Ok(())
}

fn is_blank(line: &str) -> bool {
    line.chars().all(|letter| letter == ' ')
}

fn shown(text: &str) -> String {
    plain_text(&text.escape_debug().to_string(), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn fault(options: BackupOptions) -> String {
        let faults = options.faults();
        assert!(faults.len() <= 1, "{faults:?}");
        faults.into_iter().map(|(_, fault)| fault.to_string()).collect()
    }

    fn ignoring(patterns: &[&str]) -> String {
        fault(BackupOptions { ignore: list(patterns), ..BackupOptions::default() })
    }

    #[test]
    fn patterns_that_leave_out_all_are_refused() {
        for all in [&["*"][..], &["**"], &["/*"], &["*/", "*"], &["[a-z]*", "*"], &["*", "# why"]] {
            assert_eq!(ignoring(all), ALL_LEFT_OUT, "{all:?}");
        }
        for some in [
            &["*.tmp"][..],
            &["/Documents"],
            &["*", "!/Documents", "!/Documents/**"],
            &["*.*"],
            &["*/"],
            &["[a-z]*"],
            &["?"],
        ] {
            assert_eq!(ignoring(some), "", "{some:?}");
        }
    }

    #[test]
    fn a_pattern_that_can_match_nothing_is_refused() {
        assert_eq!(
            ignoring(&["*.tmp", "[a"]),
            "ignore: the pattern \"[a\" never matches anything: a bracket is not closed, is empty, or a backslash ends a name; write one such as *.tmp or /Cache/"
        );
        assert_eq!(
            ignoring(&["a\nb"]),
            "ignore: the pattern \"a\\nb\" holds a control character; write one pattern a line"
        );
        assert_eq!(
            ignoring(&["a", "a"]),
            "ignore: the pattern \"a\" is given twice; write it once"
        );
    }

    #[test]
    fn a_label_has_no_comma_and_is_no_mark() {
        let of = |labels: &[&str]| {
            fault(BackupOptions { labels: list(labels), ..BackupOptions::default() })
        };
        assert_eq!(of(&["a b", "ü", "before upgrade"]), "");
        for (label, words) in [
            ("a,b", "labels: the label \"a,b\" holds a comma; give several one by one"),
            (
                "app:1",
                "labels: the label \"app:1\" begins like a mark of the app's own (app:, data-class: or options:); write another",
            ),
            (" a", "labels: the label \" a\" begins or ends with a space; leave that out"),
            (
                "a\u{202e}",
                "labels: the label \"a\\u{202e}\" holds a control character or a hidden one; write a short text",
            ),
        ] {
            assert_eq!(of(&[label]), words);
        }
        assert_eq!(of(&["a", "a"]), "labels: the label \"a\" is given twice; write it once");
    }

    #[test]
    fn folders_lie_beside_one_another() {
        let of = |folders: &[&str]| {
            let options = BackupOptions { folders: list(folders), ..BackupOptions::default() };
            fault(options.tidy())
        };
        assert_eq!(of(&["/Photos/", "Docs/Letters", "Photos 2", ""]), "");
        assert!(of(&["Photos", "Photos/2024"]).contains("lie in one another"));
        assert!(of(&["../etc"]).contains("is no folder below"));
        assert!(of(&["/"]).contains("is all of it"));
    }

    #[test]
    fn what_is_taken_is_told_in_few_words() {
        let options = BackupOptions {
            ignore: list(&["*.tmp", "# of builds", "target/"]),
            folders: list(&["Photos"]),
            ..BackupOptions::default()
        };
        assert_eq!(options.scope_text(), "takes 1 folder, leaves out 2 patterns");
        assert!(BackupOptions::default().scope_text().is_empty());
        let kept: BackupOptions = serde_json::from_str("{}").unwrap();
        assert!(kept.takes_all() && kept == BackupOptions::default());
    }
}
