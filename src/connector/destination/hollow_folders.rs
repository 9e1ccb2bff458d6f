//! Folders without anything in them, on a remote that has no such folders (buckets).

use std::collections::BTreeSet;

use super::summary::{LeftOut, RestoreSummary};
use crate::connector::paths::split;

/// Maximum number of folders that are waited for to get something: where folders come before all
/// files, that would be all of them. Of more nothing is said.
const MAX_HOLLOW_FOLDERS: usize = 10_000;

/// The folders of a restore that nothing was put in so far.
#[derive(Debug, Default)]
pub(super) struct HollowFolders {
    paths: BTreeSet<String>,
}

impl HollowFolders {
    /// Takes note of a folder; the one that it is in has something then.
    pub(super) fn add(&mut self, path: &str) {
        if path.is_empty() {
            return;
        }
        self.fill(split(path).0);
        if self.paths.len() < MAX_HOLLOW_FOLDERS {
            self.paths.insert(path.to_owned());
        }
    }

    /// Takes note that a folder has something, and so those that it is in.
    pub(super) fn fill(&mut self, path: &str) {
        let mut path = path;
        while self.paths.remove(path) || !path.is_empty() {
            path = split(path).0;
        }
    }

    /// Says which are left.
    pub(super) fn tell(&mut self, summary: &mut RestoreSummary) {
        for path in std::mem::take(&mut self.paths) {
            summary.leave_out(&format!("/{path}"), LeftOut::EmptyFolder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_something_below_it_is_not_hollow() {
        let mut folders = HollowFolders::default();
        for path in ["", "a", "a/b", "a/b/c", "d", "e", "e/f"] {
            folders.add(path);
        }
        folders.fill("a/b");
        folders.fill("");
        let mut summary = RestoreSummary::default();
        folders.tell(&mut summary);
        assert_eq!(
            summary.left_out().unwrap(),
            "not restored, because the destination has no notion of them: 3 empty folders (\"/a/b/c\", \"/d\", \"/e/f\")"
        );
    }
}
