//! How many snapshots are kept: the driver's own type, with faults as this room tells them.

pub use plakar_driver::{KeptPeriods, Retention};

use super::invalid::Invalid;

/// Each number of a retention that is too large, by its name.
pub(crate) fn retention_faults(
    retention: Retention,
) -> impl Iterator<Item = (&'static str, Invalid)> {
    retention.faults().into_iter().map(|(name, fault)| (name, Invalid(fault)))
}
