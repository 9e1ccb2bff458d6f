//! What is to be seen of a store, and which of its states hide something.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;

use super::machine::{Listed, StateInfo};
use terminal::output::{Output, count};

/// What is to be seen of a store.
#[derive(Debug, Serialize)]
pub(super) struct StoreView {
    /// The restore points that every machine sees.
    pub(super) everywhere: BTreeSet<String>,
    /// Those that only this machine sees, out of its cache.
    here: BTreeSet<String>,
    /// Those that states tell of and that no machine sees which has not seen them before.
    pub(super) hidden: BTreeSet<String>,
    /// Those that every machine knows of, and whose headers could not be read. Other names of states
    /// mostly do not change that: only where a header is looked for in a packfile that was removed,
    /// because states are not read in the order in which they were made.
    pub(super) unreadable: BTreeSet<String>,
    #[serde(skip)]
    states: BTreeMap<String, StateInfo>,
}

/// The restore points that states tell of, but for those that one removes.
pub(super) fn told(states: &BTreeMap<String, StateInfo>) -> BTreeSet<String> {
    let removed: BTreeSet<&String> =
        states.values().flat_map(|state| state.removed.keys()).collect();
    let told = states.values().flat_map(|state| &state.snapshots);
    told.filter(|id| !removed.contains(id)).cloned().collect()
}

impl StoreView {
    /// What states tell, what a machine lists that has not seen the store before, and what this one
    /// lists.
    pub(super) fn new(
        states: BTreeMap<String, StateInfo>,
        everywhere: Listed,
        here: &Listed,
    ) -> Self {
        let Listed { seen, known } = everywhere;
        let (unreadable, hidden) = told(&states)
            .into_iter()
            .filter(|id| !seen.contains(id))
            .partition(|id| known.contains(id));
        let here = here.seen.difference(&seen).cloned().collect();
        Self { everywhere: seen, here, hidden, unreadable, states }
    }

    /// All states, those that were made first before others.
    pub(super) fn in_order(&self) -> Vec<String> {
        let mut names: Vec<&String> = self.states.keys().collect();
        names.sort_by_key(|name| &self.states[*name].made);
        names.into_iter().cloned().collect()
    }

    /// The states that took the place of another one: such a one tells of the snapshot whose name
    /// it has, and some state removed that before.
    pub(super) fn replacing(&self) -> Vec<String> {
        self.named(|name, state| {
            let removed = self
                .states
                .values()
                .filter_map(|other| other.removed.get(name))
                .any(|when| *when < state.made);
            state.snapshots.contains(name) && removed
        })
    }

    /// The states that tell of a restore point that is hidden.
    pub(super) fn hiding(&self) -> Vec<String> {
        self.named(|_, state| !state.snapshots.is_disjoint(&self.hidden))
    }

    fn named(&self, wanted: impl Fn(&str, &StateInfo) -> bool) -> Vec<String> {
        self.states
            .iter()
            .filter(|(name, state)| wanted(name, state))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Whether every machine sees all that there is.
    pub(super) fn is_whole(&self) -> bool {
        !self.hides() && self.unreadable.is_empty()
    }

    /// Whether something is seen by this machine only, or by none, because of how states are read.
    pub(super) fn hides(&self) -> bool {
        !self.hidden.is_empty() || !self.here.is_subset(&self.unreadable)
    }

    pub(super) fn print(&self, out: &mut Output) -> io::Result<()> {
        let points = |points: &BTreeSet<String>| count(points.len() as u64, "restore point");
        out.line(&format!(
            "{} on every machine, of {}",
            points(&self.everywhere),
            count(self.states.len() as u64, "state")
        ))?;
        for id in &self.hidden {
            let whom = if self.here.contains(id) {
                "only this machine"
            } else {
                "no machine that has not seen it before"
            };
            out.line(&format!("{} is seen by {whom}", &id[..8]))?;
        }
        for id in &self.unreadable {
            out.line(&format!(
                "{} could not be read by a machine that has not seen it before: the drive did not give what its header lies in, or that is damaged",
                &id[..8]
            ))?;
        }
        for id in self
            .here
            .iter()
            .filter(|id| !self.hidden.contains(*id) && !self.unreadable.contains(*id))
        {
            out.line(&format!(
                "{} is in this machine's cache only: no state in the store tells of it",
                &id[..8]
            ))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_is_not_hidden() {
        let [seen, unread, hidden, gone, own] = ["1", "2", "3", "4", "5"].map(|id| id.repeat(64));
        let first = StateInfo {
            snapshots: [&seen, &unread, &hidden, &gone].map(String::clone).into(),
            ..StateInfo::default()
        };
        let second =
            StateInfo { removed: [(gone.clone(), String::new())].into(), ..StateInfo::default() };
        let states: BTreeMap<String, StateInfo> =
            [("a".to_owned(), first), ("b".to_owned(), second)].into();
        let everywhere = Listed {
            seen: [seen.clone()].into(),
            known: [seen.clone(), unread.clone(), gone].into(),
        };
        let here = Listed {
            seen: [&seen, &unread, &own].map(String::clone).into(),
            known: BTreeSet::new(),
        };
        let view = StoreView::new(states.clone(), everywhere, &here);
        assert_eq!(view.everywhere, BTreeSet::from([seen.clone()]));
        assert_eq!(view.here, BTreeSet::from([unread.clone(), own]));
        assert_eq!(view.hidden, BTreeSet::from([hidden.clone()]));
        assert_eq!(view.unreadable, BTreeSet::from([unread.clone()]));
        assert_eq!(view.hiding(), ["a"]);
        assert!(view.hides() && !view.is_whole());

        // Nothing is hidden, so no state is renamed for it.
        let all: BTreeSet<String> = [seen.clone(), hidden].into();
        let known = all.iter().cloned().chain([unread.clone()]).collect();
        let here = Listed { seen: [unread].into(), known: BTreeSet::new() };
        let view = StoreView::new(states, Listed { seen: all, known }, &here);
        assert!(!view.hides() && !view.is_whole());
        assert_eq!(view.hiding(), [] as [&str; 0]);
    }
}
