//! A record's attributes as Plakar wants them, and what its modes stand for.

use std::time::{SystemTime, UNIX_EPOCH};

use prost_types::Timestamp;

use super::files::FileInfo;
use crate::connector::destination::LeftOut;
use crate::connector::source::SourceItem;

/// Go's `fs.FileMode` bits for what a path may be.
pub(super) const MODE_FOLDER: u32 = 1 << 31;
const MODE_LINK: u32 = 1 << 27;
const MODE_DEVICE: u32 = 1 << 26;
const MODE_PIPE: u32 = 1 << 25;
const MODE_SOCKET: u32 = 1 << 24;
const MODE_CHARACTER_DEVICE: u32 = 1 << 21;
const MODE_IRREGULAR: u32 = 1 << 19;

/// A cloud drive knows no modes. What comes back from a backup is its owner's alone.
const FOLDER_PERMISSIONS: u32 = 0o700;
const FILE_PERMISSIONS: u32 = 0o600;

/// The attributes of the item at a path; its error if it could not be examined. They are the same
/// on every run for an unchanged file: Plakar takes a file for changed when any of them differs
/// (kloset v1.1.3, objects/fileinfo.go; v1.0.12 as well). A file whose content alone has changed
/// differs by its inode if checksums are to be compared; a drive has none of its own.
pub(super) fn attributes(
    path: &str,
    item: SourceItem,
    checksums: bool,
) -> Result<FileInfo, String> {
    let ino = match &item {
        SourceItem::File { md5: Some(md5), .. } if checksums => inode(md5),
        _ => 0,
    };
    let (size, mode, modified) = match item {
        SourceItem::Folder { modified } => (0, MODE_FOLDER | FOLDER_PERMISSIONS, modified),
        // -1 is Plakar's word for a size that shows only when the file is read.
        SourceItem::File { size, modified, .. } => (
            size.map_or(-1, |size| i64::try_from(size).unwrap_or(i64::MAX)),
            FILE_PERMISSIONS,
            modified,
        ),
        SourceItem::Failed(error) => return Err(error),
    };
    let name = match path.rsplit_once('/') {
        Some((_, "")) | None => "/",
        Some((_, name)) => name,
    };
    // A time that is not known is the same one on every run.
    let modified = Timestamp::from(modified.unwrap_or(UNIX_EPOCH));
    Ok(FileInfo {
        name: name.to_owned(),
        size,
        mode,
        mod_time: Some(modified),
        ino,
        nlink: 1,
        ..Default::default()
    })
}

/// The first 64 bits of an MD5 in hex; 0 if it is none.
fn inode(md5: &str) -> u64 {
    md5.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

/// What a mode stands for that a drive has no notion of.
pub(super) fn left_out(mode: u32) -> Option<LeftOut> {
    match mode {
        mode if mode & MODE_LINK != 0 => Some(LeftOut::Link),
        mode if mode & (MODE_DEVICE | MODE_CHARACTER_DEVICE) != 0 => Some(LeftOut::Device),
        mode if mode & MODE_PIPE != 0 => Some(LeftOut::Pipe),
        mode if mode & MODE_SOCKET != 0 => Some(LeftOut::Socket),
        mode if mode & MODE_IRREGULAR != 0 => Some(LeftOut::Irregular),
        _ => None,
    }
}

/// A time of Plakar's. One that is none is the beginning of time.
pub(super) fn time(time: Option<Timestamp>) -> SystemTime {
    time.and_then(|time| SystemTime::try_from(time).ok()).unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of "abc".
    const SUM: &str = "900150983cd24fb0d6963f7d28e17f72";
    const INODE: u64 = 0x9001_5098_3cd2_4fb0;

    #[test]
    fn an_md5_is_an_inode_where_checksums_are_compared() {
        let file = |md5: Option<&str>| SourceItem::File {
            size: Some(3),
            modified: None,
            md5: md5.map(str::to_owned),
        };
        let ino = |item, checksums| attributes("/a", item, checksums).map(|info| info.ino);
        assert_eq!(ino(file(Some(SUM)), true), Ok(INODE));
        assert_eq!(ino(file(Some(SUM.to_uppercase().as_str())), true), Ok(INODE));
        assert_eq!(ino(file(Some(SUM)), false), Ok(0));
        for odd in
            [None, Some(""), Some("abc"), Some("no hash at all, but long"), Some("äääääääää")]
        {
            assert_eq!(ino(file(odd), true), Ok(0), "{odd:?}");
        }
        assert_eq!(ino(SourceItem::Folder { modified: None }, true), Ok(0));
    }
}
