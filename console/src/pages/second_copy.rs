//! What pages say of an app's second copy.

use super::format::{self, DisplayTime};
use super::task_row::TaskRow;
use plakar_driver::percent;
use source_app::service::SecondCopies;

/// Where the page of a store is.
pub fn store_address(name: &str) -> String {
    format!("/stores/{}", percent(name, b"-._~"))
}

/// What is said of a second copy: `stores/copy.html`.
pub struct SecondCopyView {
    /// The second store.
    pub store: String,
    /// Its page.
    pub href: String,
    /// `12 of 12 restore points`, and that only some are copied.
    pub points: String,
    /// When the newest of them was made.
    pub newest: Option<DisplayTime>,
    /// When one was read back last.
    pub read_back: Option<DisplayTime>,
    /// The newest copy that ended.
    pub last: Option<TaskRow>,
}

impl SecondCopyView {
    pub fn of(copies: &SecondCopies) -> Self {
        let points = match copies.of {
            Some(of) => format!(
                "{} of {}",
                copies.points,
                format::count(of, "restore point", "restore points")
            ),
            None => format::count(copies.points, "restore point", "restore points"),
        };
        let points = points + &copies.range.limit_words();
        Self {
            href: store_address(&copies.store),
            store: copies.store.clone(),
            points,
            newest: copies.newest.map(DisplayTime),
            read_back: copies.read_back.map(DisplayTime),
            last: copies.last.as_ref().map(|task| TaskRow::of(task, "")),
        }
    }
}
