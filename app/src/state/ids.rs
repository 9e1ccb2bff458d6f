//! The numbers that the database gives.

/// Known to the database only; a removed app's is never given again.
pub type AppId = i64;

/// Known to the database only; a removed policy's is never given again.
pub type PolicyId = i64;

/// Known to the database only; a removed schedule's is never given again, so that with the app and
/// the time it names a slot for good.
pub type ScheduleId = i64;

/// Counts up; the newest task has the highest.
pub type TaskId = i64;
