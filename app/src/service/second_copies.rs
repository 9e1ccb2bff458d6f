//! What is known of an app's second copy, for pages: nothing is opened.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::error::Result;
use super::handle::Service;
use crate::model::CopyRange;
use crate::state::{App, AppId, State, StateError, Task, TaskFilter, TaskKind};

/// What is known of an app's second copy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SecondCopies {
    /// The second store, as the app names it.
    pub store: String,
    /// How many restore points were whole when they were read back there last.
    pub points: u64,
    /// How many restore points the first store had when both were looked at last.
    pub of: Option<u64>,
    /// Which restore points are copied.
    pub range: CopyRange,
    /// The same in words, such as `the newest 7`; empty if all are.
    pub range_words: String,
    /// When the newest of them was made.
    pub newest: Option<DateTime<Utc>>,
    /// When one was read back last.
    pub read_back: Option<DateTime<Utc>>,
    /// The newest copy that ended.
    pub last: Option<Task>,
}

impl Service {
    /// What is known of an app's second copy, if it has a second store.
    ///
    /// # Errors
    /// There is no such app, or the database failed.
    pub async fn second_copy(&self, id: AppId) -> Result<Option<SecondCopies>> {
        self.state(move |state| known_copies(state, &state.app(id)?)).await
    }
}

pub(super) fn known_copies(
    state: &State,
    app: &App,
) -> std::result::Result<Option<SecondCopies>, StateError> {
    let Some(store) = app.spec.second_store.clone() else { return Ok(None) };
    let copied = state.copied_points(app.id, &store)?;
    let newest = TaskFilter {
        app: Some(app.id),
        kind: Some(TaskKind::Sync),
        limit: Some(20),
        ..TaskFilter::default()
    };
    let mut tasks = state.tasks(&newest)?;
    tasks.retain(|task| task.state.is_final() && task.store.as_deref() == Some(&store));
    let (whole, looked) = (copied.values().filter(|copied| copied.errors == 0), tasks.iter());
    let mut looked = looked.filter_map(|task| Some((task.figures.points?, task.figures)));
    let (of, figures) = looked.next().unzip();
    Ok(Some(SecondCopies {
        // What was pruned from the first store is not counted.
        points: match figures.and_then(|figures| figures.points_in_both) {
            Some(both) => both,
            None => whole.clone().count() as u64,
        },
        of,
        range_words: app.spec.copy_range.words(),
        range: app.spec.copy_range.clone(),
        newest: whole.map(|copied| copied.taken).max(),
        read_back: copied.values().map(|copied| copied.at).max(),
        last: tasks.into_iter().next(),
        store,
    }))
}
