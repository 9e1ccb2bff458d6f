//! What of its source a backup takes: as the driver wants it, in words, and when nothing is left.

use sha2::{Digest, Sha256};

use crate::model::BackupOptions;
use plakar_driver::{BackupScope, RestorePoint};

/// What of a source is taken, as the driver wants it.
pub(super) fn scope_of(options: &BackupOptions) -> BackupScope {
    BackupScope {
        ignore: options.patterns().map(str::to_owned).collect(),
        folders: options.folders.clone(),
    }
}

/// A number that is the same for the same patterns and folders.
pub(super) fn scope_mark(scope: &BackupScope) -> u32 {
    let text = serde_json::to_vec(scope).unwrap_or_default();
    let digest: [u8; 32] = Sha256::digest(&text).into();
    digest[..4].iter().fold(0, |mark, byte| mark << 8 | u32::from(*byte))
}

/// What a restore point is made of, in lines; none if of all there was.
pub fn scope_lines(scope: &BackupScope) -> Vec<String> {
    let told = |what: &str, list: &[String]| {
        (!list.is_empty()).then(|| format!("{what}: {}", list.join(", ")))
    };
    let lines = [
        told("of these folders only", &scope.folders),
        told("without what these patterns match", &scope.ignore),
    ];
    lines.into_iter().flatten().collect()
}

/// Why a restore point without files is no success: its patterns or folders left nothing.
pub(super) fn emptied(point: &RestorePoint) -> Option<String> {
    (point.files == 0 && point.scope != BackupScope::default()).then(|| {
        "nothing was backed up: the app's patterns and folders leave nothing of what is there; look at its settings".to_owned()
    })
}
