//! Which of the tasks that this process runs somebody still sees to. A living process alone says
//! nothing of that: a task whose end could not be written down, or that was claimed and then could
//! not be run, would be `running` for as long as its process lives.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ids::TaskId;

/// The leases of this process, by the true paths of its states: it may open one state several times.
static LEASES: Mutex<Leases> = Mutex::new(Leases { last: 0, held: BTreeMap::new() });

struct Leases {
    /// The number of the newest lease.
    last: u64,
    /// Of each state: the tasks that are seen to, and the number of the lease of each.
    held: BTreeMap<PathBuf, BTreeMap<TaskId, u64>>,
}

fn leases() -> MutexGuard<'static, Leases> {
    LEASES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As long as it lives somebody sees to the task. It is made before the task is written down as
/// running, so that nobody ever finds a task without it that has just begun.
pub(crate) struct Lease {
    directory: PathBuf,
    task: TaskId,
    number: u64,
}

impl Lease {
    /// That of a task of the state in a directory.
    pub(super) fn of(directory: &Path, task: TaskId) -> Self {
        let mut leases = leases();
        leases.last += 1;
        let number = leases.last;
        leases.held.entry(directory.to_owned()).or_default().insert(task, number);
        Self { directory: directory.to_owned(), task, number }
    }

    /// Holds it until this process ends.
    pub(super) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut leases = leases();
        let Some(tasks) = leases.held.get_mut(&self.directory) else { return };
        // A task that waited may have begun again meanwhile: it has a newer lease, which stays.
        if tasks.get(&self.task) == Some(&self.number) {
            tasks.remove(&self.task);
        }
        if tasks.is_empty() {
            leases.held.remove(&self.directory);
        }
    }
}

/// Whether somebody in this process sees to a task of the state in a directory.
pub(super) fn is_held(directory: &Path, task: TaskId) -> bool {
    leases().held.get(directory).is_some_and(|tasks| tasks.contains_key(&task))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_seen_to_as_long_as_its_newest_lease_lives() {
        let (here, there) = (Path::new("/lease/here"), Path::new("/lease/there"));
        let first = Lease::of(here, 7);
        assert!(is_held(here, 7) && !is_held(here, 8) && !is_held(there, 7));
        let second = Lease::of(here, 7);
        drop(first);
        assert!(is_held(here, 7), "it began again before the first one was gone");
        drop(second);
        assert!(!is_held(here, 7));
        Lease::of(there, 7).keep();
        assert!(is_held(there, 7));
    }
}
