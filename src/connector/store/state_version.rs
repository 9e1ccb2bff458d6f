//! The version of a state, which is in its beginning, and what a connection knows of those of a store.
//!
//! Each state begins with 16 bytes that are never encrypted: `_KLOSET_`, which kind of resource it is
//! (3), and the version of its format, both little-endian (kloset v1.1.3,
//! connectors/storage/serialization.go).

use std::fmt;
use std::sync::atomic::AtomicU32;

use tokio::sync::OnceCell;

/// How many bytes of a state tell of its version.
pub(super) const HEADER_BYTES: usize = 16;

/// The number of a state among the kinds of resources.
const STATE: u32 = 3;

/// The version of a state's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateVersion(pub(super) u32);

impl StateVersion {
    /// What Plakar 1.1 puts.
    pub const PLAKAR_1_1: Self = Self::new(1, 1, 0);

    const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self(major << 16 | minor << 8 | patch)
    }

    /// The version of the state that begins with these bytes, if that is what they are.
    pub(super) fn of(state: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_BYTES] = state.first_chunk()?;
        let (magic, numbers) = header.split_at(8);
        let (kind, version) = numbers.split_at(4);
        let number = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?));
        (magic == b"_KLOSET_" && number(kind)? == STATE).then_some(())?;
        number(version).map(Self)
    }

    /// The version that is written so.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().splitn(3, '.').map(|part| part.parse::<u8>().ok());
        let mut next = || numbers.next().flatten().map(u32::from);
        Some(Self::new(next()?, next()?, next()?))
    }
}

impl fmt::Display for StateVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, major, minor, patch] = self.0.to_be_bytes();
        write!(out, "{major}.{minor}.{patch}")
    }
}

/// What a connection knows of the versions of a store's states.
#[derive(Debug, Default)]
pub(super) struct StateVersions {
    /// What the Plakar at the other end puts, if that is known.
    pub(super) puts: Option<StateVersion>,
    /// The newest that this connection has seen, 0 for none.
    pub(super) newest: AtomicU32,
    /// Set when it is known whether to warn.
    pub(super) looked: OnceCell<()>,
}

impl StateVersions {
    pub(super) fn new(puts: Option<StateVersion>) -> Self {
        Self { puts, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_state_is_in_its_first_bytes() {
        let header = |magic: &[u8], kind: u32, version: u32| {
            [magic, &kind.to_le_bytes(), &version.to_le_bytes(), b"encrypted"].concat()
        };
        let version = |bytes: &[u8]| StateVersion::of(bytes).map(|version| version.to_string());
        assert_eq!(version(&header(b"_KLOSET_", 3, 0x01_00_00)).as_deref(), Some("1.0.0"));
        assert_eq!(
            StateVersion::of(&header(b"_KLOSET_", 3, 0x01_01_00)),
            Some(StateVersion::PLAKAR_1_1)
        );
        for other in [
            header(b"_KLOSET_", 4, 0x01_00_00),
            header(b"_OTHERS_", 3, 0x01_00_00),
            b"_KLOSET_".to_vec(),
        ] {
            assert_eq!(version(&other), None);
        }
    }

    #[test]
    fn a_version_reads_back_as_it_was_written() {
        for text in ["1.0.0", "1.1.0", "2.13.255"] {
            assert_eq!(StateVersion::parse(&format!("{text}\n")).unwrap().to_string(), text);
        }
        for bad in ["", "1", "1.1", "1.1.256", "1.1.0.4", "v1.0.0"] {
            assert_eq!(StateVersion::parse(bad), None, "{bad}");
        }
        assert!(StateVersion::parse("1.0.9") < StateVersion::parse("1.1.0"));
    }
}
