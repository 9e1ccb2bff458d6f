//! The three connectors.

/// Which connector the configuration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Backs a remote up.
    Source,
    /// Restores to a remote.
    Destination,
    /// Keeps a Kloset store on a remote.
    Store,
}
