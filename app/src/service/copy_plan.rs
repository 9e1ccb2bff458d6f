//! What a second copy does with each restore point of an app.

use std::collections::{BTreeMap, BTreeSet};

use crate::state::CopiedPoint;
use plakar_driver::{RestorePoint, SeenAnew, SnapshotId};

/// Of a restore point that was there when it was read back, and is not any more.
pub(super) const REMOVED: &str = "it was copied before and is not there any more: it was removed from the second store, or that has lost it; Plakar cannot copy it again, a new second store can have it";

/// Of one whose state is there, but not itself.
const HALF: &str = "an earlier copy of it was removed there or did not come to its end: Plakar would hide the whole store from other machines if it copied it again; a new second store can have it";

/// What a reading found of one that is not in the store.
pub(super) const NOT_THERE: &str =
    "a machine that has never seen the second store does not find it there: it was not copied";

/// What is done with an app's restore points.
#[derive(Default)]
pub(super) struct CopyPlan {
    /// Copied now.
    pub(super) wanted: Vec<SnapshotId>,
    /// There already; those first whose last reading is the longest ago, or never was.
    pub(super) there: Vec<SnapshotId>,
    /// How many of these were never read back.
    pub(super) unread: usize,
    /// Not copied, and why.
    pub(super) refused: Vec<(SnapshotId, String)>,
    /// Not copied, as the app's range leaves them out.
    pub(super) left_out: BTreeSet<SnapshotId>,
    /// Once read back there and whole, and not there any more.
    pub(super) gone: Vec<SnapshotId>,
}

impl CopyPlan {
    /// `points` come newest first, and so does what is copied; `wanted` says which of them the range
    /// of the app holds. What is there already is read back whether it does or not.
    pub(super) fn of(
        points: &[RestorePoint],
        wanted: &[bool],
        seen: &SeenAnew,
        known: &BTreeMap<String, CopiedPoint>,
        damaged: &BTreeMap<SnapshotId, String>,
    ) -> Self {
        let mut plan = Self::default();
        for (RestorePoint { id, .. }, is_wanted) in points.iter().zip(wanted) {
            let was_there = known.get(id.as_str());
            if !seen.points.contains(id) && was_there.is_some_and(|known| known.errors == 0) {
                plan.gone.push(id.clone());
            }
            if seen.points.contains(id) {
                plan.there.push(id.clone());
            } else if !is_wanted {
                plan.left_out.insert(id.clone());
            } else if was_there.is_some_and(|known| known.reason != NOT_THERE) {
                plan.refused.push((id.clone(), REMOVED.to_owned()));
            } else if seen.would_hide_all(id) {
                plan.refused.push((id.clone(), HALF.to_owned()));
            } else if let Some(damage) = damaged.get(id) {
                let reason = format!("it is damaged in the first store, and not copied: {damage}");
                plan.refused.push((id.clone(), reason));
            } else {
                plan.wanted.push(id.clone());
            }
        }
        plan.there.sort_by_key(|id| known.get(id.as_str()).map(|known| known.at));
        let never = plan.there.iter().take_while(|id| !known.contains_key(id.as_str()));
        plan.unread = never.count();
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn point(digit: char) -> RestorePoint {
        let id = SnapshotId::new(&digit.to_string().repeat(64)).unwrap();
        RestorePoint::new(id, DateTime::UNIX_EPOCH)
    }

    fn copied(at: i64, reason: &str) -> CopiedPoint {
        CopiedPoint {
            taken: DateTime::UNIX_EPOCH,
            at: DateTime::from_timestamp(at, 0).unwrap(),
            task: 1,
            errors: u64::from(!reason.is_empty()),
            reason: reason.into(),
        }
    }

    #[test]
    fn only_what_plakar_can_copy_whole_is_copied() {
        let points: Vec<RestorePoint> = "abcdef12".chars().map(point).collect();
        let id = |digit: char| point(digit).id;
        let seen = SeenAnew {
            points: ['a', 'b', 'c'].map(id).into(),
            states: ['a', 'b', 'c', 'e'].map(id).into(),
            keeps_states: false,
        };
        let known = BTreeMap::from([
            (id('b').to_string(), copied(20, "")),
            (id('c').to_string(), copied(10, "")),
            (id('d').to_string(), copied(10, "")),
            (id('1').to_string(), copied(10, NOT_THERE)),
        ]);
        let damaged = [(id('f'), "/a: gone".to_owned())].into();
        let plan = CopyPlan::of(&points, &[true; 8], &seen, &known, &damaged);
        // What never arrived is copied again, what was there and went is not.
        assert_eq!(plan.wanted, ['1', '2'].map(id));
        assert_eq!((plan.there, plan.unread), (['a', 'c', 'b'].map(id).to_vec(), 1));
        assert_eq!(plan.gone, [id('d')]);
        let refused: Vec<SnapshotId> = plan.refused.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(refused, ['d', 'e', 'f'].map(id));
        assert!(plan.refused[1].1.contains("hide the whole store"));

        // Of what the range leaves out nothing is copied, and nothing is said that is not there.
        let only = [true, false, false, false, false, false, true, false];
        let plan = CopyPlan::of(&points, &only, &seen, &known, &damaged);
        assert_eq!((plan.wanted, plan.refused), (vec![id('1')], Vec::new()));
        assert_eq!(plan.there, ['a', 'c', 'b'].map(id));
        assert_eq!(plan.left_out, ['d', 'e', 'f', '2'].map(id).into());
        assert_eq!(plan.gone, [id('d')]);
    }
}
