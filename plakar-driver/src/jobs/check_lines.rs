//! What plakar's lines say about each of the restore points that one check reads.
//!
//! A check names no file: it prints the digests of what is damaged, and then `OK` for the file all
//! the same (plakar v1.1.4, ui/stdio). A restore point whose entries an earlier one has too gets
//! paths, but its result says "without errors"; one that is the same as an earlier one that is
//! damaged gets no line at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::jobs::progress::{Progress, errors};
use crate::names::SnapshotId;
use crate::outcome::Failure;
use crate::process::lines::{Line, Stream};

/// Maximum number of lines that are kept of what is damaged in one restore point.
const MAX_DAMAGED_LINES: usize = 10_000;

/// What the reason of a plakar says that found no more to read: the store has it no more, or what
/// it has is not what was put there. Another reason may be the store's that cannot be reached.
const DAMAGE: [&str; 11] = [
    "packfile not found",
    "blob not found",
    "snapshot not found",
    "no such file",
    "MAC mismatch",
    "mac mismatch",
    "failed to locate",
    "corrupt",
    "msgpack",
    // A state, or what else is not a packfile.
    "invalid plakar magic",
    "lz4: ",
];

/// What the lines say about one restore point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PointLines {
    /// The number in its result line.
    pub(crate) errors: Option<u64>,
    /// The digests that are named as damaged, in hex.
    pub(crate) digests: BTreeSet<String>,
    /// The paths that are, with plakar's reason.
    pub(crate) paths: Vec<Failure>,
    /// A part is damaged; a part is not there.
    pub(crate) corrupted: bool,
    pub(crate) missing: bool,
}

impl PointLines {
    pub(crate) fn is_damaged(&self) -> bool {
        !self.digests.is_empty()
            || !self.paths.is_empty()
            || self.errors.is_some_and(|count| count > 0)
    }

    /// What is wrong with a file whose digest is named.
    pub(crate) fn reason(&self) -> &'static str {
        match (self.corrupted, self.missing) {
            (true, false) => "a part of its content is damaged in the store",
            (false, true) => "a part of its content is missing in the store",
            _ => "a part of its content is damaged or missing in the store",
        }
    }
}

/// Reads the lines of a check of some restore points.
pub(crate) struct CheckLines(BTreeMap<String, PointLines>);

/// What the lines and the exit code of a check say of a restore point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Whole,
    Damaged(PointLines),
    /// Plakar found no such restore point.
    Missing,
    /// It ended without a word on it, with this reason.
    Unread(String),
    /// It has to be checked alone.
    Undecided,
}

impl CheckLines {
    pub(crate) fn of(points: &[SnapshotId]) -> Self {
        let empty = |id: &SnapshotId| (id.short().to_owned(), PointLines::default());
        Self(points.iter().map(empty).collect())
    }

    /// Takes a line and gives the news in it.
    pub(crate) fn read(&mut self, line: &Line) -> Progress {
        let said = || Progress::Said(line.text.clone());
        let Some((id, rest)) = line.text.split_once(": ") else { return said() };
        let Some(point) = self.0.get_mut(id) else { return said() };
        match line.stream {
            Stream::Error => {
                let Some(failed) = rest.strip_prefix("KO ✘ ") else { return said() };
                point.take(failed);
                Progress::Failed(failed.to_owned())
            }
            Stream::Out => {
                let result = rest.strip_prefix("check completed ").and_then(errors);
                // A file's name may look like a result; it hides none of plakar's.
                point.errors = point.errors.max(result);
                rest.strip_prefix("OK ✓ ").map_or_else(said, |path| Progress::Done(path.to_owned()))
            }
        }
    }

    /// What they say of each restore point, at the end.
    pub(crate) fn told(mut self, points: &[SnapshotId], code: i32, reason: &str) -> Vec<Told> {
        let alone = points.len() == 1;
        let of = |id: &SnapshotId| match self.0.remove(id.short()).unwrap_or_default() {
            lines if lines.is_damaged() => Told::Damaged(lines),
            // It has gone through them all.
            lines if code == 0 && lines.errors.is_some() => Told::Whole,
            _ if code == 0 => Told::Missing,
            lines if code == 65 && lines.errors.is_some() && !alone => Told::Whole,
            _ if !alone => Told::Undecided,
            lines if code == 65 => Told::Damaged(lines),
            _ => Told::Unread(reason.to_owned()),
        };
        let mut told: Vec<Told> = points.iter().map(of).collect();
        // A digest is named for the first restore point alone that has it.
        let damaged = |told: &Told| match told {
            Told::Damaged(lines) => Some(lines.clone()),
            _ => None,
        };
        let mut all = PointLines::default();
        for lines in told.iter().filter_map(damaged) {
            all.digests.extend(lines.digests);
            (all.corrupted, all.missing) =
                (all.corrupted || lines.corrupted, all.missing || lines.missing);
        }
        for told in &mut told {
            if let Told::Damaged(lines) = told {
                lines.digests.clone_from(&all.digests);
                if !lines.corrupted && !lines.missing {
                    (lines.corrupted, lines.missing) = (all.corrupted, all.missing);
                }
            }
        }
        told
    }
}

impl PointLines {
    fn take(&mut self, failed: &str) {
        let (what, reason) = failed.rsplit_once(": ").unwrap_or((failed, ""));
        // Each damaged chunk is followed by "object corrupted".
        self.corrupted |= reason == "chunk corrupted";
        self.missing |= reason.ends_with("is missing");
        if self.digests.len() + self.paths.len() >= MAX_DAMAGED_LINES {
            return;
        }
        match what.strip_prefix("object=") {
            Some(digest) => {
                self.digests.insert(digest.to_owned());
            }
            None => self.paths.push(Failure { path: what.to_owned(), reason: reason.to_owned() }),
        }
    }
}

/// Whether a reason tells of damage, and not of a store that cannot be reached.
pub(crate) fn is_damage(reason: &str) -> bool {
    DAMAGE.iter().any(|words| reason.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> SnapshotId {
        SnapshotId::new(&String::from(digit).repeat(64)).unwrap()
    }

    fn told(points: &[SnapshotId], lines: &[(Stream, &str)], code: i32) -> Vec<Told> {
        let mut reader = CheckLines::of(points);
        for (stream, text) in lines {
            reader.read(&Line { stream: *stream, text: (*text).to_owned() });
        }
        reader.told(points, code, "why")
    }

    #[test]
    fn each_restore_point_has_its_own_result() {
        use Stream::{Error, Out};
        let whole = |id: &str| format!("{id}: check completed without errors in 1s (in: 1 B)");
        let (a, b, c) = (id('a'), id('b'), id('c'));
        let [a_whole, b_whole] = ["aaaaaaaa", "bbbbbbbb"].map(whole);
        let both = [(Out, a_whole.as_str()), (Out, b_whole.as_str())];
        assert_eq!(told(&[a.clone(), b.clone()], &both, 0), [Told::Whole, Told::Whole]);
        // One that plakar does not find.
        assert_eq!(told(&[a.clone(), c.clone()], &both[..1], 0), [Told::Whole, Told::Missing]);
        // A digest that is named for the first alone; and one that is the same as the first.
        let lines = [
            (Error, "aaaaaaaa: KO ✘ object=0102: chunk corrupted"),
            (Error, "aaaaaaaa: KO ✘ object=0304: object corrupted"),
            (Out, "aaaaaaaa: OK ✓ /letter"),
            (Out, "aaaaaaaa: check completed with 1 error in 1s (in: 1 B)"),
            (Error, "bbbbbbbb: KO ✘ /a: letter: object corrupted"),
            (Out, &b_whole),
        ];
        let all = told(&[a.clone(), b.clone(), c.clone()], &lines, 65);
        let [Told::Damaged(first), Told::Damaged(second), Told::Undecided] = &all[..] else {
            panic!("{all:?}")
        };
        assert_eq!((first.errors, second.errors), (Some(1), Some(0)));
        assert_eq!((&first.digests, first.digests.len()), (&second.digests, 2));
        let failed = Failure { path: "/a: letter".into(), reason: "object corrupted".into() };
        assert_eq!(second.paths, [failed]);
        assert_eq!(second.reason(), "a part of its content is damaged in the store");
    }

    #[test]
    fn a_name_that_looks_like_a_result_hides_no_damage_and_makes_none() {
        use Stream::{Error, Out};
        let forged = [
            (Out, "aaaaaaaa: OK ✓ /x"),
            (Out, "aaaaaaaa: check completed without errors in 1s (in: 0 B)"),
            (Out, "aaaaaaaa: KO ✘ /y: object corrupted"),
            (Error, "cccccccc: KO ✘ /z: object corrupted"),
        ];
        let (a, b) = (id('a'), id('b'));
        let one = std::slice::from_ref(&a);
        assert!(matches!(told(one, &forged, 65)[..], [Told::Damaged(_)]));
        assert_eq!(told(one, &forged, 1), [Told::Unread("why".into())]);
        assert_eq!(told(one, &forged, 0), [Told::Whole]);
        assert_eq!(told(&[a.clone(), b], &forged, 1), [Told::Undecided, Told::Undecided]);
        let real = [&forged[..], &[(Out, "aaaaaaaa: check completed with 2 errors in 1s (in")]];
        assert!(matches!(told(one, &real.concat(), 0)[..], [Told::Damaged(_)]));
    }
}
