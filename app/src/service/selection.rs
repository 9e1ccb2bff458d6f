//! Which files of a drive a backup takes, by the patterns and folders that a restore point was made
//! with.

use ignore_rules::IgnoreRules;
use plakar_driver::BackupScope;

/// What a backup takes.
pub(super) struct Selection {
    rules: IgnoreRules,
    /// Where the location of the source lies in the paths of the restore point.
    location: Vec<String>,
    /// The folders that are taken, in the same paths; none for all of it.
    folders: Vec<Vec<String>>,
}

impl Selection {
    /// Of a restore point with this root.
    pub(super) fn new(root: &str, scope: &BackupScope) -> Self {
        let location: Vec<String> = scope.location(root).into_iter().map(str::to_owned).collect();
        let below = |folder: &String| location.iter().cloned().chain(names(folder)).collect();
        let folders = scope.folders.iter().map(below).collect();
        Self { rules: IgnoreRules::new(&scope.ignore), location, folders }
    }

    /// The path in the restore point of a file that a listing of the drive names.
    pub(super) fn path(&self, listed: &str) -> String {
        let parts = self.location.iter().map(String::as_str).chain([listed]);
        parts.fold(String::new(), |path, part| path + "/" + part)
    }

    /// Whether a file of this path is taken. What is in a folder that is left out is not.
    pub(super) fn takes(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let inside = |folder: &Vec<String>| {
            parts.len() >= folder.len()
                && folder.iter().zip(&parts).all(|(one, other)| one == other)
        };
        let is_chosen = self.folders.is_empty() || self.folders.iter().any(inside);
        let above = self.location.len() + 1..parts.len();
        is_chosen
            && !above.into_iter().any(|depth| self.rules.excludes_parts(&parts[..depth], true))
            && !self.rules.excludes_parts(&parts, false)
    }
}

fn names(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(ignore: &[&str], folders: &[&str]) -> BackupScope {
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        BackupScope { ignore: owned(ignore), folders: owned(folders) }
    }

    #[test]
    fn what_patterns_and_folders_leave_out_is_not_taken() {
        let all = Selection::new("/", &BackupScope::default());
        assert_eq!(all.path("a/b.txt"), "/a/b.txt");
        assert!(all.takes("/a/b.txt"));
        let some = Selection::new("/drive", &scope(&["*.tmp", "cache/", "!cache/kept"], &[]));
        assert_eq!(some.path("x.tmp"), "/drive/x.tmp");
        for (path, taken) in [
            ("/drive/x.tmp", false),
            ("/drive/x.txt", true),
            ("/drive/cache/kept", false),
            ("/drive/a/cache/b", false),
            ("/drive/cache", true),
        ] {
            assert_eq!(some.takes(path), taken, "{path}");
        }
        // The root of the restore point is the folder that both are in.
        let folders = Selection::new("/drive/Photos", &scope(&[], &["Photos/2024", "Photos/raw"]));
        assert_eq!(folders.path("Photos/raw/a"), "/drive/Photos/raw/a");
        assert!(folders.takes("/drive/Photos/raw/a") && !folders.takes("/drive/Photos/rawer/a"));
        assert!(!folders.takes("/drive/Letters/a"));
    }
}
