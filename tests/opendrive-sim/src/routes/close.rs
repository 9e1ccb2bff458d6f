//! The end of an upload: at once, slowly, or by hash alone.

use std::sync::Arc;

use serde_json::json;
use tokio::time::sleep;

use super::args::Args;
use super::file::wrong_hash;
use super::records::{self, FileRecord};
use super::{CallContext, Outcome};
use crate::content::Content;
use crate::drive::{self, Id, Refusal, parse_file_id};
use crate::faults::SlowClose;
use crate::state::State;
use crate::texts;
use crate::uploads::Closing;

/// How a close went.
pub(super) enum Closed {
    /// It was answered by the drive.
    Now(Outcome),
    /// An edge server had enough of waiting.
    GivenUp,
}

/// Replaces the file's content: only now does it change.
pub(super) async fn close(context: &CallContext<'_>) -> Closed {
    let ready = match prepare(context).await {
        Ok(ready) => ready,
        Err(refusal) => return Closed::Now(Err(refusal)),
    };
    match (ready, context.effects.slow_close) {
        (Ready::Already(id), _) => Closed::Now(record(id, context)),
        (Ready::Upload(upload), None) => {
            let id = upload.id;
            Closed::Now(upload.finish(context.state).and_then(|()| record(id, context)))
        }
        (Ready::Upload(upload), Some(slow)) => slowly(upload, slow, context).await,
    }
}

/// Whether a close is about an upload whose slow close was begun before.
pub(super) fn is_repeated(args: &Args, state: &State) -> bool {
    let id = parse_file_id(args.text("file_id"));
    id.is_ok_and(|id| state.uploads.closing(id, args.text("temp_location")).is_some())
}

/// What a close has to do.
enum Ready {
    /// Nothing: it was slow and is done.
    Already(Id),
    Upload(FinishedUpload),
}

/// All bytes have come.
struct FinishedUpload {
    id: Id,
    content: Content,
    modified: i64,
    location: String,
    missing: std::time::Duration,
}

impl FinishedUpload {
    fn finish(self, state: &State) -> Result<(), Refusal> {
        let mut tree = state.drive.lock();
        tree.set_content(self.id, self.content, self.modified)?;
        tree.file_mut(self.id)?.hide(self.missing);
        Ok(())
    }
}

async fn prepare(context: &CallContext<'_>) -> Result<Ready, Refusal> {
    let (args, state) = (context.args, context.state);
    let id = parse_file_id(args.text("file_id"))?;
    let location = args.text("temp_location");
    match state.uploads.closing(id, location) {
        Some(Closing::Working) => return Err(Refusal::new(423, texts::BEING_PROCESSED)),
        Some(Closing::Done) => return Ok(Ready::Already(id)),
        None => {}
    }
    let size: u64 = args.number("file_size")?;
    let given = args.time("file_time")?;
    let modified = given.or(state.drive.lock().file(id)?.time_given).unwrap_or_else(drive::now);
    let content = if location.is_empty() {
        known_content(id, size, context)?
    } else {
        let upload = state.uploads.get(location)?;
        // Refuse what cannot succeed before the bytes are given away.
        state.drive.lock().check_space(id, size)?;
        let content = upload.lock().await.finish(id, size)?;
        state.uploads.remove(location);
        content
    };
    state.uploads.forget_unused(id);
    let missing = context.effects.lag_file;
    Ok(Ready::Upload(FinishedUpload { id, content, modified, location: location.into(), missing }))
}

/// The content of a close without `temp_location`, which the drive must know by its hash.
fn known_content(id: Id, size: u64, context: &CallContext) -> Result<Content, Refusal> {
    let hash = context.args.text("file_hash");
    let drive = &context.state.drive;
    drive.lock().check_space(id, size)?;
    let known = if size == 0 {
        Some(Content::empty())
    } else {
        context.behaviour.upload_by_hash.then(|| drive.known(size, hash)).flatten()
    };
    known.ok_or_else(|| {
        Refusal::new(400, format!("Invalid upload file size. Total uploaded=0. File size={size}"))
    })
}

async fn slowly(upload: FinishedUpload, slow: SlowClose, context: &CallContext<'_>) -> Closed {
    let (id, location) = (upload.id, upload.location.clone());
    let state: Arc<State> = context.state.clone();
    state.uploads.begin_closing(id, &location);
    // On its own, as it goes on when the caller has gone.
    let work = tokio::spawn(async move {
        sleep(slow.takes).await;
        let done = upload.finish(&state);
        state.uploads.end_closing(id, &location);
        done
    });
    if context.effects.lose_answer {
        return Closed::GivenUp;
    }
    let done = match slow.gives_up {
        Some(time) => match tokio::time::timeout(time, work).await {
            Ok(done) => done,
            Err(_) => return Closed::GivenUp,
        },
        None => work.await,
    };
    Closed::Now(
        done.unwrap_or_else(|error| Err(Refusal::new(500, error.to_string())))
            .and_then(|()| record(id, context)),
    )
}

/// The whole record: as in a listing, but that here the size is a number.
fn record(id: Id, context: &CallContext) -> Outcome {
    let tree = context.state.drive.lock();
    let file = tree.file(id)?;
    let mut record = records::to_object(&FileRecord::new(id, file));
    if context.effects.lie_hash {
        record.insert("FileHash".into(), wrong_hash(file.content.md5()).into());
    }
    record
        .insert("Size".into(), (file.content.size() + u64::from(context.effects.lie_size)).into());
    record.insert("DirUpdateTime".into(), json!(tree.folder(file.parent)?.modified));
    Ok(records::to_json(&record))
}
