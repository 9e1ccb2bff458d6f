//! A ZIP archive as it is written, piece by piece, without going back: what is not known before the
//! content (its check sum, its packed size) follows it (APPNOTE.TXT 6.3.10, 4.3.9).

use std::collections::HashSet;
use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Datelike, Timelike, Utc};
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Maximum of what a field of 32 bits says; more is said in the fields of 64.
const MAX_32: u64 = 0xffff_ffff;

/// Names are UTF-8, and sizes follow the content.
const FLAGS: u16 = 0x0808;

/// How much is packed at once, in bytes.
const PACKED_BYTES: usize = 32 << 10;

/// Where the archive is, and what is in it so far.
#[derive(Default)]
pub(crate) struct ZipWriter {
    at: u64,
    entries: Vec<ZipEntry>,
    names: HashSet<String>,
    /// The file that is being written.
    packer: Option<Packer>,
}

struct ZipEntry {
    name: String,
    folder: bool,
    modified: (u16, u16),
    at: u64,
    check_sum: u32,
    packed: u64,
    size: u64,
}

struct Packer {
    deflate: Compress,
    check_sum: Crc,
    begun: u64,
}

impl ZipWriter {
    /// Begins a folder, or a file whose content follows. A name that is taken gets a number.
    pub(crate) fn begin(&mut self, name: &str, folder: bool, modified: DateTime<Utc>) -> Bytes {
        let mut free = name.to_owned();
        for number in 2_u64.. {
            let taken = self.names.contains(&free);
            if !taken {
                break;
            }
            free = match name.rsplit_once('.') {
                Some((stem, end)) if !folder && !stem.is_empty() && !end.contains('/') => {
                    format!("{stem} ({number}).{end}")
                }
                _ => format!("{name} ({number})"),
            };
        }
        self.names.insert(free.clone());
        let name = if folder { format!("{free}/") } else { free };
        let entry = ZipEntry {
            folder,
            modified: dos_time(modified),
            at: self.at,
            check_sum: 0,
            packed: 0,
            size: 0,
            name,
        };
        let mut out = BytesMut::new();
        out.put_u32_le(0x0403_4b50);
        out.put_u16_le(20);
        out.put_u16_le(if folder { 0x0800 } else { FLAGS });
        entry.put_method(&mut out);
        out.put_bytes(0, 12);
        out.put_u16_le(entry.name_length());
        out.put_u16_le(0);
        out.put_slice(entry.name.as_bytes());
        self.at += out.len() as u64;
        if !folder {
            self.packer = Some(Packer {
                deflate: Compress::new(Compression::fast(), false),
                check_sum: Crc::new(),
                begun: self.at,
            });
        }
        self.entries.push(entry);
        out.freeze()
    }

    /// More of the content of the file that was begun.
    ///
    /// # Errors
    /// It cannot be packed.
    pub(crate) fn content(&mut self, bytes: &[u8]) -> io::Result<Bytes> {
        let Some(packer) = &mut self.packer else { return Ok(Bytes::new()) };
        packer.check_sum.update(bytes);
        let out = pack(&mut packer.deflate, bytes, FlushCompress::None)?;
        self.at += out.len() as u64;
        Ok(out)
    }

    /// The end of the file that was begun.
    ///
    /// # Errors
    /// It cannot be packed.
    pub(crate) fn end(&mut self) -> io::Result<Bytes> {
        let (Some(mut packer), Some(entry)) = (self.packer.take(), self.entries.last_mut()) else {
            return Ok(Bytes::new());
        };
        let mut out = BytesMut::from(&pack(&mut packer.deflate, &[], FlushCompress::Finish)?[..]);
        entry.packed = self.at + out.len() as u64 - packer.begun;
        entry.size = packer.deflate.total_in();
        entry.check_sum = packer.check_sum.sum();
        out.put_u32_le(0x0807_4b50);
        out.put_u32_le(entry.check_sum);
        if entry.is_large() {
            out.put_u64_le(entry.packed);
            out.put_u64_le(entry.size);
        } else {
            out.put_u32_le(small(entry.packed));
            out.put_u32_le(small(entry.size));
        }
        self.at += out.len() as u64;
        Ok(out.freeze())
    }

    /// The list of what is in it, which is its end.
    pub(crate) fn finish(self) -> Bytes {
        let mut out = BytesMut::new();
        for entry in &self.entries {
            entry.put_listed(&mut out);
        }
        let (count, length) = (self.entries.len() as u64, out.len() as u64);
        if count >= 0xffff || length >= MAX_32 || self.at >= MAX_32 {
            let place = self.at + length;
            out.put_u32_le(0x0606_4b50);
            out.put_u64_le(44);
            out.put_u16_le(45);
            out.put_u16_le(45);
            out.put_u64_le(0);
            out.put_u64_le(count);
            out.put_u64_le(count);
            out.put_u64_le(length);
            out.put_u64_le(self.at);
            out.put_u32_le(0x0706_4b50);
            out.put_u32_le(0);
            out.put_u64_le(place);
            out.put_u32_le(1);
        }
        out.put_u32_le(0x0605_4b50);
        out.put_u32_le(0);
        let count = u16::try_from(count).unwrap_or(0xffff);
        out.put_u16_le(count);
        out.put_u16_le(count);
        out.put_u32_le(small(length));
        out.put_u32_le(small(self.at));
        out.put_u16_le(0);
        out.freeze()
    }

    /// How many files and folders are in it.
    pub(crate) fn entries(&self) -> usize {
        self.entries.len()
    }
}

impl ZipEntry {
    fn is_large(&self) -> bool {
        self.packed >= MAX_32 || self.size >= MAX_32
    }

    fn name_length(&self) -> u16 {
        u16::try_from(self.name.len()).unwrap_or(u16::MAX)
    }

    /// How it is packed, and when it was changed.
    fn put_method(&self, out: &mut BytesMut) {
        out.put_u16_le(if self.folder { 0 } else { 8 });
        out.put_u16_le(self.modified.1);
        out.put_u16_le(self.modified.0);
    }

    fn put_listed(&self, out: &mut BytesMut) {
        let far = self.at >= MAX_32;
        let mut more = BytesMut::new();
        if self.is_large() || far {
            more.put_u16_le(1);
            more.put_u16_le(24);
            more.put_u64_le(self.size);
            more.put_u64_le(self.packed);
            more.put_u64_le(self.at);
        }
        let wide = !more.is_empty();
        let field = |value: u64| if wide { u32::MAX } else { small(value) };
        out.put_u32_le(0x0201_4b50);
        // Made on Unix: the attributes are its mode.
        out.put_u16_le(0x0300 | 45);
        out.put_u16_le(if wide { 45 } else { 20 });
        out.put_u16_le(if self.folder { 0x0800 } else { FLAGS });
        self.put_method(out);
        out.put_u32_le(self.check_sum);
        out.put_u32_le(field(self.packed));
        out.put_u32_le(field(self.size));
        out.put_u16_le(self.name_length());
        out.put_u16_le(u16::try_from(more.len()).unwrap_or(0));
        out.put_bytes(0, 6);
        let mode: u32 = if self.folder { 0o040_755 } else { 0o100_644 };
        out.put_u32_le((mode << 16) | if self.folder { 0x10 } else { 0 });
        out.put_u32_le(field(self.at));
        out.put_slice(self.name.as_bytes());
        out.put_slice(&more);
    }
}

fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn pack(deflate: &mut Compress, mut bytes: &[u8], flush: FlushCompress) -> io::Result<Bytes> {
    let mut all = BytesMut::new();
    loop {
        let mut out = Vec::with_capacity(PACKED_BYTES);
        let before = deflate.total_in();
        let status = deflate.compress_vec(bytes, &mut out, flush).map_err(io::Error::other)?;
        let taken = usize::try_from(deflate.total_in() - before).unwrap_or(bytes.len());
        bytes = &bytes[taken..];
        let full = out.len() == out.capacity();
        all.put_slice(&out);
        let done = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            _ => bytes.is_empty() && !full,
        };
        if done {
            return Ok(all.freeze());
        }
    }
}

/// The date and the time of day, as MS-DOS kept them: from 1980 to 2107, in steps of two seconds.
fn dos_time(at: DateTime<Utc>) -> (u16, u16) {
    let year = at.year();
    if year < 1980 {
        return (0x21, 0);
    }
    if year > 2107 {
        return (0xff9f, 0xbf7d);
    }
    let part = |value: u32| u16::try_from(value).unwrap_or_default();
    let years = u16::try_from(year - 1980).unwrap_or_default();
    let date = (years << 9) | (part(at.month()) << 5) | part(at.day());
    let time = (part(at.hour()) << 11) | (part(at.minute()) << 5) | part(at.second() / 2);
    (date, time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_it_cannot_have_are_the_nearest_that_it_can() {
        let at = |text: &str| dos_time(text.parse().unwrap());
        assert_eq!(
            at("2026-11-29T15:40:31Z"),
            ((46 << 9) | (11 << 5) | 29, (15 << 11) | (40 << 5) | 15)
        );
        assert_eq!(at("1970-01-01T00:00:00Z"), (0x21, 0));
        assert_eq!(at("2200-01-01T00:00:00Z").0 >> 9, 127);
    }

    #[test]
    fn equal_names_get_numbers() {
        let mut zip = ZipWriter::default();
        for name in ["a.txt", "a.txt", "a.txt", ".b", ".b", "c/d.e", "c/d.e"] {
            zip.begin(name, false, DateTime::UNIX_EPOCH);
            zip.end().unwrap();
        }
        let names: Vec<&str> = zip.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(
            names,
            ["a.txt", "a (2).txt", "a (3).txt", ".b", ".b (2)", "c/d.e", "c/d (2).e"]
        );
    }
}
