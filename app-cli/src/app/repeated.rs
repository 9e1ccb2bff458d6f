//! Arguments that may be given several times.

/// What a repeated argument gives: one "" is none at all.
pub(super) fn list(given: &[String]) -> Vec<String> {
    if given == [""] { Vec::new() } else { given.to_vec() }
}
