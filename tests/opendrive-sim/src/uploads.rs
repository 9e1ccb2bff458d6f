//! Uploads between `create_file` or `open_file_upload` and `close_file_upload`.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};
use serde::Serialize;

use crate::content::{Content, hex};
use crate::drive::{Id, Refusal};
use crate::options::Options;

/// An upload that was opened and not closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenUpload {
    /// The file's path.
    pub path: String,
    /// The announced size in bytes.
    pub size: u64,
    /// How many bytes whole chunks have brought so far.
    pub written: u64,
}

/// All open uploads, by their `TempLocation`.
#[derive(Default)]
pub(crate) struct Uploads {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    opened: u64,
    open: HashMap<String, Slot>,
    /// Slow closes, by file and `TempLocation`.
    closing: HashMap<(Id, String), Closing>,
}

/// How far a slow close is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    Working,
    Done,
}

struct Slot {
    file: Id,
    size: u64,
    written: Arc<AtomicU64>,
    /// Whether chunks may come.
    ready: bool,
    upload: Shared,
}

/// One upload. Its chunks come one after another, so a chunk holds the lock until it is stored.
pub(crate) type Shared = Arc<tokio::sync::Mutex<Upload>>;

impl Uploads {
    /// Opens an upload; gives its `TempLocation`. One that `create_file` gave and nothing has come
    /// for is taken up.
    pub(crate) fn open(&self, file: Id, size: u64, options: &Options) -> String {
        let mut inner = self.lock();
        let unused = |slot: &Slot| {
            slot.file == file && slot.size == size && slot.written.load(Ordering::Relaxed) == 0
        };
        if let Some((location, slot)) = inner.open.iter_mut().find(|(_, slot)| unused(slot)) {
            slot.ready = true;
            return location.clone();
        }
        drop(inner);
        self.begin(file, size, true, options)
    }

    /// Begins an upload; gives its `TempLocation`. Unless it is `ready`, it must be opened before
    /// chunks come.
    pub(crate) fn begin(&self, file: Id, size: u64, ready: bool, options: &Options) -> String {
        let upload = Upload::new(file, size, options);
        let written = upload.reported.clone();
        let slot =
            Slot { file, size, written, ready, upload: Arc::new(tokio::sync::Mutex::new(upload)) };
        let mut inner = self.lock();
        inner.opened += 1;
        let location = format!("/tmp/upload-{}", inner.opened);
        inner.open.insert(location.clone(), slot);
        location
    }

    pub(crate) fn get(&self, location: &str) -> Result<Shared, Refusal> {
        let inner = self.lock();
        let slot = inner.open.get(location).filter(|slot| slot.ready);
        Ok(slot.ok_or_else(|| Refusal::new(404, "Temporary file not found"))?.upload.clone())
    }

    /// Forgets all about the uploads of a file.
    pub(crate) fn forget(&self, file: Id) {
        let mut inner = self.lock();
        inner.open.retain(|_, slot| slot.file != file);
        inner.closing.retain(|(other, _), _| *other != file);
    }

    /// Forgets the uploads of a file for which nothing has come.
    pub(crate) fn forget_unused(&self, file: Id) {
        self.lock()
            .open
            .retain(|_, slot| slot.file != file || slot.written.load(Ordering::Relaxed) > 0);
    }

    /// Forgets slow closes of a file that have ended: a new upload begins.
    pub(crate) fn forget_closed(&self, file: Id) {
        self.lock()
            .closing
            .retain(|(other, _), closing| *other != file || *closing == Closing::Working);
    }

    /// How far the slow close of this file and `TempLocation` is; any of this file counts while it
    /// works.
    pub(crate) fn closing(&self, file: Id, location: &str) -> Option<Closing> {
        let inner = self.lock();
        if inner.closing.is_empty() {
            return None;
        }
        let works = inner
            .closing
            .iter()
            .any(|((other, _), closing)| *other == file && *closing == Closing::Working);
        if works {
            Some(Closing::Working)
        } else {
            inner.closing.get(&(file, location.to_owned())).copied()
        }
    }

    pub(crate) fn begin_closing(&self, file: Id, location: &str) {
        self.lock().closing.insert((file, location.to_owned()), Closing::Working);
    }

    pub(crate) fn end_closing(&self, file: Id, location: &str) {
        self.lock().closing.insert((file, location.to_owned()), Closing::Done);
    }

    pub(crate) fn remove(&self, location: &str) {
        self.lock().open.remove(location);
    }

    /// The open uploads, each with the file that it is for.
    pub(crate) fn all(&self, path: impl Fn(Id) -> String) -> Vec<OpenUpload> {
        let state = |slot: &Slot| OpenUpload {
            path: path(slot.file),
            size: slot.size,
            written: slot.written.load(Ordering::Relaxed),
        };
        self.lock().open.values().map(state).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Upload {
    file: Id,
    size: u64,
    written: u64,
    /// The same for who looks without the lock.
    reported: Arc<AtomicU64>,
    md5: Md5,
    sink: Sink,
    spool_threshold: u64,
}

enum Sink {
    Memory(BytesMut),
    Spooled(File),
    Discarded,
}

impl Upload {
    fn new(file: Id, size: u64, options: &Options) -> Self {
        let sink = match options.discard_uploads {
            true => Sink::Discarded,
            false => Sink::Memory(BytesMut::new()),
        };
        Self {
            file,
            size,
            written: 0,
            reported: Arc::default(),
            md5: Md5::new(),
            sink,
            spool_threshold: options.spool_threshold,
        }
    }

    /// Begins a chunk, which must be the next one: one whose answer was lost is not taken again.
    ///
    /// A chunk before it that broke off is forgotten, so `written` counts whole chunks only.
    pub(crate) fn begin_chunk(&mut self, offset: u64) -> Result<ChunkWriter<'_>, Refusal> {
        if offset != self.written {
            let message =
                format!("Incorrect chunk offset: uploaded={}, chunk_offset={offset}", self.written);
            return Err(Refusal::new(400, message));
        }
        if let Sink::Memory(buf) = &mut self.sink {
            buf.truncate(self.written as usize);
            // The announced size is not trusted with more memory than an honest upload would take.
            let whole = self.size.min(self.spool_threshold) as usize;
            buf.reserve(whole.saturating_sub(buf.len()));
        }
        Ok(ChunkWriter { md5: self.md5.clone(), end: self.written, upload: self })
    }

    /// The whole content, once the sizes agree.
    pub(crate) fn finish(&mut self, file: Id, size: u64) -> Result<Content, Refusal> {
        if file != self.file {
            return Err(Refusal::new(400, "The temporary file belongs to another file"));
        }
        if size != self.size || self.written != size {
            let message = format!(
                "Invalid upload file size. Total uploaded={}. File size={size}",
                self.written
            );
            return Err(Refusal::new(400, message));
        }
        let md5 = hex(&self.md5.clone().finalize());
        Ok(match std::mem::replace(&mut self.sink, Sink::Discarded) {
            Sink::Memory(buf) => Content::uploaded(buf.freeze(), md5),
            Sink::Spooled(file) => Content::spooled(file, size, md5),
            Sink::Discarded => Content::discarded(size, md5),
        })
    }
}

/// Takes a chunk's bytes; they count only once it is finished.
pub(crate) struct ChunkWriter<'a> {
    upload: &'a mut Upload,
    md5: Md5,
    end: u64,
}

impl ChunkWriter<'_> {
    pub(crate) fn write(&mut self, data: &Bytes) -> io::Result<()> {
        self.md5.update(data);
        let upload = &mut *self.upload;
        if let Sink::Memory(buf) = &mut upload.sink {
            if self.end + data.len() as u64 <= upload.spool_threshold {
                buf.extend_from_slice(data);
            } else {
                let file = tempfile::tempfile()?;
                file.write_all_at(buf, 0)?;
                upload.sink = Sink::Spooled(file);
            }
        }
        if let Sink::Spooled(file) = &upload.sink {
            file.write_all_at(data, self.end)?;
        }
        self.end += data.len() as u64;
        Ok(())
    }

    /// Makes the chunk count; gives its length.
    pub(crate) fn finish(self) -> u64 {
        let length = self.end - self.upload.written;
        self.upload.md5 = self.md5;
        self.upload.written = self.end;
        self.upload.reported.store(self.end, Ordering::Relaxed);
        length
    }
}
