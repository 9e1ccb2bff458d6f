//! Where a store keeps what.
//!
//! ```text
//! CONFIG                 Plakar's description of the store, as it gave it
//! packfiles/<64 hex>     one file for each resource, named by its MAC in lower-case hex
//! states/<64 hex>
//! locks/<64 hex>
//! eccpackfiles/<64 hex>  made only when Plakar puts one
//! eccstates/<64 hex>
//! ```
//!
//! That is what Plakar's own rclone integration makes (`Create`, `resdir` and `respath` in
//! rclone/connector.go of github.com/PlakarKorp/integrations), so stores open both ways. It has no
//! place for ECC resources, which Plakar 1.1.4 never makes; the two names are those of Plakar's
//! other tools. An older generation of it (storage/storage.go of
//! github.com/PlakarKorp/integration-rclone) kept `<first 2 hex digits>/<64 hex>` below each
//! folder: such subfolders are read as well, and new resources go beside them.
//!
//! Anything else is not ours and is left alone: other names, folders, and files without a byte in
//! them. On OpenDrive a file that is being uploaded is there, empty, from its first call to its
//! last but three (shared facts: `create_file` shows the name, `close_file_upload` the content),
//! and no resource is ever empty. Temporary names end in `.incomplete`; those that `go/core/partial.go` makes in `.partial`.

/// What Plakar names a resource by.
pub type Mac = [u8; 32];

/// The file that makes a folder a store.
pub const CONFIG: &str = "CONFIG";

/// What names of files end in that are not complete yet.
pub(super) const TEMPORARY_SUFFIX: &str = ".incomplete";

/// Number of hex digits that name a subfolder of the older layout.
const SHARD_DIGITS: usize = 2;

/// What sort of resource, numbered as Plakar numbers them (kloset v1.1.3, connectors/storage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Data and metadata of snapshots; never changes.
    Packfile,
    /// What is in which packfile.
    State,
    /// Who is using the store; put again every five minutes under the same name.
    Lock,
    /// Error correction for a packfile.
    EccPackfile,
    /// Error correction for a state.
    EccState,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Packfile, Self::State, Self::Lock, Self::EccPackfile, Self::EccState];

    /// Those whose folders are made with the store.
    pub(super) const MAIN: [Self; 3] = [Self::Packfile, Self::State, Self::Lock];

    /// The kind by Plakar's number; `None` if there is none of that number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
    }

    /// What messages call one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Packfile => "packfile",
            Self::State => "state",
            Self::Lock => "lock",
            Self::EccPackfile => "ECC packfile",
            Self::EccState => "ECC state",
        }
    }

    /// The folder that they are in.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Packfile => "packfiles",
            Self::State => "states",
            Self::Lock => "locks",
            Self::EccPackfile => "eccpackfiles",
            Self::EccState => "eccstates",
        }
    }

    pub(super) fn path(self, mac: &Mac) -> String {
        format!("{}/{}", self.folder(), hex(mac))
    }
}

/// A path for what will be at another one when it is complete; no two uploads share it.
pub(super) fn temporary(path: &str) -> String {
    use std::hash::{BuildHasher, RandomState};
    // Its keys are random, and differ from one to the next.
    let random = RandomState::new().hash_one(path);
    format!("{path}.{random:016x}{TEMPORARY_SUFFIX}")
}

/// What the name of a file in the folder of a kind says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoredName {
    /// A resource.
    Resource(Mac),
    /// An upload that was not finished, of ours or of rclone's.
    Temporary,
    /// Something of somebody else's.
    Foreign,
}

impl StoredName {
    pub(super) fn parse(name: &str) -> Self {
        if let Some(mac) = mac_from_hex(name) {
            return Self::Resource(mac);
        }
        if meant_for(name).is_some_and(|target| mac_from_hex(target).is_some()) {
            Self::Temporary
        } else {
            Self::Foreign
        }
    }
}

/// Whether a file beside `CONFIG` was to become it, in an upload of ours or of rclone's that was
/// not finished.
pub(super) fn is_unfinished_config(name: &str) -> bool {
    meant_for(name) == Some(CONFIG)
}

/// The name that a file with a temporary one was to get.
fn meant_for(name: &str) -> Option<&str> {
    let (target, random) = match name.split('.').collect::<Vec<_>>()[..] {
        [target, random, "incomplete" | "partial"] => (target, random),
        // Ours, on its way to a remote where `go/core/partial.go` makes one of its own of it.
        [target, random, "incomplete", _, "partial"] => (target, random),
        _ => return None,
    };
    // `temporary` above gives 16 hex digits, `go/core/partial.go` 8 letters or digits, before which nothing stood once.
    let random = random.strip_prefix("plakar-opendrive-").unwrap_or(random);
    let drawn =
        [8, 16].contains(&random.len()) && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    drawn.then_some(target)
}

pub(super) fn is_shard(name: &str) -> bool {
    name.len() == SHARD_DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The resource that 64 hex digits name.
pub fn mac_from_hex(name: &str) -> Option<Mac> {
    crate::hex::decode(name)
}

/// The name of a resource: 64 lower-case hex digits.
pub fn hex(mac: &Mac) -> String {
    crate::hex::encode(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_to_be_the_config_is_told_from_what_is_somebodys() {
        let own = temporary(CONFIG);
        for name in [
            &own,
            "CONFIG.1a2b3c4d.partial",
            "CONFIG.plakar-opendrive-bababab1.partial",
            &format!("{own}.abcdefgh.partial"),
            &format!("{own}.plakar-opendrive-bababab1.partial"),
        ] {
            assert!(is_unfinished_config(name), "{name}");
        }
        for name in [
            "CONFIG",
            "CONFIG.incomplete",
            "CONFIG.old.partial",
            "CONFIG.1a2b3c4d",
            "x.1a2b3c4d.partial",
            "CONFIG.my-notes.partial",
        ] {
            assert!(!is_unfinished_config(name), "{name}");
        }
    }

    #[test]
    fn names_are_told_apart() {
        let mac: Mac = std::array::from_fn(|index| index as u8 * 7);
        let name = hex(&mac);
        assert_eq!(name.len(), 64);
        assert_eq!(StoredName::parse(&name), StoredName::Resource(mac));
        assert_eq!(StoredName::parse(&name.to_uppercase()), StoredName::Resource(mac));
        assert_eq!(StoredName::parse(&format!("{name}.3f9a0c12.partial")), StoredName::Temporary);
        let temporary = temporary(&Kind::State.path(&mac));
        assert_eq!(
            StoredName::parse(temporary.strip_prefix("states/").unwrap()),
            StoredName::Temporary
        );
        for foreign in [
            "",
            "README",
            "x.partial",
            &name[1..],
            &format!("{name}0"),
            &format!("{}g", &name[1..]),
            &"é".repeat(32),
        ] {
            assert_eq!(StoredName::parse(foreign), StoredName::Foreign, "{foreign}");
        }
    }

    #[test]
    fn kinds_have_plakars_numbers() {
        assert_eq!((1..=5).map(Kind::from_number).collect::<Vec<_>>(), Kind::ALL.map(Some));
        assert_eq!([-1, 0, 6].map(Kind::from_number), [None; 3]);
    }
}
