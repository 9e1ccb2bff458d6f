//! Schedules of apps and of policies.

pub(super) mod form;
pub(super) mod list;
mod preview;
mod row;
mod timing_fields;

pub(super) use row::ScheduleRow;
pub(super) use timing_fields::describe;
