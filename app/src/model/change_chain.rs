//! The record of changes as a chain: each change is sealed with the seal of the one before it, so
//! that none can be altered, taken out or put in between without what follows showing it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a seal is made of begins with this, so that it is no hash of anything else.
const PURPOSE: &str = "plakar-opendrive change 1";

/// The seal that comes before the first change.
pub const FIRST_SEAL: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Maximum number of changes that are kept: beyond it the oldest go.
pub const MAX_KEPT_CHANGES: i64 = 10_000;

/// A change as it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedChange {
    /// The number of the change.
    pub id: i64,
    /// All of it, as JSON: number, time in milliseconds, way, token, subject, action, name, app,
    /// fields.
    pub content: String,
    /// The seal of the change before it, in hex.
    pub before: String,
    /// Its own: the SHA-256 of the two, in hex.
    pub seal: String,
}

/// Between what a chain lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEnds {
    /// The seal of the newest change that is kept no more.
    pub first_before: String,
    /// The number of the newest change, and its seal.
    pub head: Option<(i64, String)>,
}

/// The first change at which a chain is not whole, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainFault {
    /// The number of the change.
    pub id: i64,
    /// In words.
    pub words: String,
}

/// The seal of a content after another seal, both in hex.
pub fn seal(before: &str, content: &str) -> String {
    let digest = Sha256::digest(format!("{PURPOSE}\n{before}\n{content}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ChainEnds {
    /// The first change, from the oldest on, that was altered, taken out or put in; if none was, the
    /// oldest one, where others were taken out before it.
    pub fn first_fault(
        &self,
        changes: impl IntoIterator<Item = SealedChange>,
    ) -> Option<ChainFault> {
        let fault = |id: i64, words: String| Some(ChainFault { id, words });
        let mut before: (Option<i64>, String) = (None, self.first_before.clone());
        let mut first = None;
        for change in changes {
            let SealedChange { id, content, before: said, seal: sealed } = change;
            if seal(&said, &content) != sealed {
                let words =
                    format!("change {id} is not as it was recorded: it was altered or put in");
                return fault(id, words);
            }
            if said != before.1 {
                let after = match before.0 {
                    Some(before) => format!("change {before}"),
                    None => "what was kept before it".to_owned(),
                };
                let words = format!(
                    "change {id} does not follow {after}: one between them was taken out, or {after} was put in or replaced"
                );
                return fault(id, words);
            }
            first = first.or(Some(id));
            before = (Some(id), sealed);
        }
        match (&self.head, before) {
            (None, (None, _)) => None,
            (None, (Some(last), _)) => fault(last, format!("change {last} was put in")),
            (Some((head, sealed)), (last, seal)) => {
                if last == Some(*head) && seal == *sealed {
                    return first.and_then(|first| cut_off(first, *head));
                }
                let words = match last {
                    Some(last) if last >= *head => {
                        format!(
                            "change {last} was put in or replaced after change {head} was recorded"
                        )
                    }
                    Some(last) => {
                        format!("what came after change {last} was taken out, up to {head}")
                    }
                    None => format!("all changes were taken out, up to {head}"),
                };
                fault(last.unwrap_or(*head), words)
            }
        }
    }
}

/// Whether changes are gone that would be kept: numbers have no gaps, and the oldest go only beyond
/// what is kept.
fn cut_off(first: i64, last: i64) -> Option<ChainFault> {
    let is_cut_off = first > 1 && last.saturating_sub(first) < MAX_KEPT_CHANGES - 1;
    is_cut_off.then(|| ChainFault {
        id: first,
        words: format!(
            "the changes before change {first} were taken out: so few newer ones let none go"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(contents: &[&str]) -> (ChainEnds, Vec<SealedChange>) {
        let mut before = FIRST_SEAL.to_owned();
        let mut changes = Vec::new();
        for (content, id) in contents.iter().zip(1..) {
            let seal = seal(&before, content);
            let content = (*content).to_owned();
            changes.push(SealedChange { id, content, before, seal: seal.clone() });
            before = seal;
        }
        let head = changes.last().map(|last| (last.id, last.seal.clone()));
        (ChainEnds { first_before: FIRST_SEAL.into(), head }, changes)
    }

    /// A change by somebody who knows how seals are made.
    fn resealed(change: &SealedChange, before: &str, content: &str) -> SealedChange {
        let (before, content) = (before.to_owned(), content.to_owned());
        SealedChange { id: change.id, seal: seal(&before, &content), before, content }
    }

    #[test]
    fn what_was_altered_taken_out_or_put_in_is_named() {
        let (ends, whole) = chain(&["a", "b", "c", "d"]);
        assert_eq!(ends.first_fault(whole.clone()), None);
        assert_eq!(chain(&[]).0.first_fault(Vec::new()), None);
        let told = |change: &dyn Fn(&mut Vec<SealedChange>)| {
            let mut changes = whole.clone();
            change(&mut changes);
            let found = ends.first_fault(changes).expect("it is found");
            (found.id, found.words)
        };
        let (id, words) = told(&|all| all[1].content = "B".into());
        assert!((id, words.contains("altered")) == (2, true), "{words}");
        let (id, words) = told(&|all| drop(all.remove(1)));
        assert!((id, words.contains("does not follow change 1")) == (3, true), "{words}");
        let (id, words) = told(&|all| drop(all.remove(0)));
        assert!((id, words.contains("kept before it")) == (2, true), "{words}");
        let (id, words) = told(&|all| drop(all.pop()));
        assert!((id, words.contains("came after change 3")) == (3, true), "{words}");
        let (id, words) = told(&Vec::clear);
        assert!((id, words.contains("all changes")) == (4, true), "{words}");
        // Whoever seals it anew breaks what follows.
        let (id, _) = told(&|all| all[1] = resealed(&all[1], &all[0].seal, "B"));
        assert_eq!(id, 3);
        let (id, words) = told(&|all| {
            let new = SealedChange { id: 9, ..resealed(&all[3], &all[3].seal, "new") };
            all.push(new);
        });
        assert!((id, words.contains("put in")) == (9, true), "{words}");
    }

    #[test]
    fn the_oldest_go_only_beyond_what_is_kept() {
        let fault = |first: i64, last: i64| {
            let (ends, mut changes) = chain(&["a", "b"]);
            (changes[0].id, changes[1].id) = (first, last);
            let head = Some((last, changes[1].seal.clone()));
            ChainEnds { head, ..ends }.first_fault(changes).map(|fault| fault.id)
        };
        assert_eq!(fault(1, 2), None);
        assert_eq!(fault(2, MAX_KEPT_CHANGES + 1), None);
        assert_eq!(fault(2, MAX_KEPT_CHANGES), Some(2));
        assert_eq!(fault(7, 8), Some(7));
    }

    #[test]
    fn a_seal_is_that_of_docs() {
        // printf 'plakar-opendrive change 1\n%064d\n%s' 0 a | sha256sum
        let known = "5ac3e8a6be9e8bbca49ed9892cac35e4d5c8e03a3d3eda76c7bd7545cf9617a9";
        assert_eq!(seal(FIRST_SEAL, "a"), known);
    }
}
