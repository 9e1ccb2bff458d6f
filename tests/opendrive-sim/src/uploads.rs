//! Uploads between `open_file_upload` and `close_file_upload`.

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
}

struct Slot {
    file: Id,
    size: u64,
    written: Arc<AtomicU64>,
    upload: Shared,
}

/// One upload. Its chunks come one after another, so a chunk holds the lock until it is stored.
pub(crate) type Shared = Arc<tokio::sync::Mutex<Upload>>;

impl Uploads {
    /// Opens an upload; gives its `TempLocation`.
    pub(crate) fn open(&self, file: Id, size: u64, options: &Options) -> String {
        let upload = Upload::new(file, size, options);
        let written = upload.reported.clone();
        let slot = Slot { file, size, written, upload: Arc::new(tokio::sync::Mutex::new(upload)) };
        let mut inner = self.lock();
        inner.opened += 1;
        let location = format!("/tmp/upload-{}", inner.opened);
        inner.open.insert(location.clone(), slot);
        location
    }

    pub(crate) fn get(&self, location: &str) -> Result<Shared, Refusal> {
        let inner = self.lock();
        let slot = inner.open.get(location).ok_or_else(|| Refusal::new(404, "Temporary file not found"))?;
        Ok(slot.upload.clone())
    }

    pub(crate) fn remove(&self, location: &str) {
        self.lock().open.remove(location);
    }

    /// The open uploads, each with the file that it is for.
    pub(crate) fn all(&self, path: impl Fn(Id) -> String) -> Vec<OpenUpload> {
        let state = |slot: &Slot| OpenUpload { path: path(slot.file), size: slot.size, written: slot.written.load(Ordering::Relaxed) };
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
    last: Chunk,
}

enum Sink {
    Memory(BytesMut),
    Spooled(File),
    Discarded,
}

/// Where a chunk began, and the hash of all before it.
#[derive(Clone, Default)]
struct Chunk {
    offset: u64,
    md5: Md5,
}

impl Upload {
    fn new(file: Id, size: u64, options: &Options) -> Self {
        let sink = match options.discard_uploads {
            true => Sink::Discarded,
            // The announced size isn't trusted with more memory than an honest upload would take.
            false => Sink::Memory(BytesMut::with_capacity(size.min(options.spool_threshold) as usize)),
        };
        Self {
            file,
            size,
            written: 0,
            reported: Arc::default(),
            md5: Md5::new(),
            sink,
            spool_threshold: options.spool_threshold,
            last: Chunk::default(),
        }
    }

    /// Begins a chunk: the next one, or the last one again (its answer may have been lost).
    ///
    /// An unfinished chunk before it is forgotten, so `written` counts whole chunks only.
    pub(crate) fn begin_chunk(&mut self, offset: u64) -> Result<ChunkWriter<'_>, Refusal> {
        if offset == self.written {
            self.last = Chunk { offset, md5: self.md5.clone() };
        } else if offset == self.last.offset {
            self.md5 = self.last.md5.clone();
            self.written = offset;
        } else {
            let message = format!("Wrong chunk offset {offset}, expected {}", self.written);
            return Err(Refusal::new(400, message));
        }
        if let Sink::Memory(buf) = &mut self.sink {
            buf.truncate(self.written as usize);
        }
        Ok(ChunkWriter { md5: self.md5.clone(), end: self.written, upload: self })
    }

    /// The whole content, once the sizes agree.
    pub(crate) fn finish(&mut self, file: Id, size: u64) -> Result<Content, Refusal> {
        if file != self.file {
            return Err(Refusal::new(400, "The temporary file belongs to another file"));
        }
        if size != self.size || self.written != size {
            let message = format!("File size mismatch: {} bytes announced, {} written", size, self.written);
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
