//! Uploads: making the file, opening, chunks, closing.

use std::time::Instant;

use bytes::Bytes;
use serde_json::json;

use super::Outcome;
use super::args::{Args, Payload};
use super::file::wrong_hash;
use super::records::to_json;
use crate::calls::InFlight;
use crate::drive::{self, Refusal, file_id, parse_file_id, parse_folder_id};
use crate::faults::Effects;
use crate::state::State;
use crate::uploads::Shared;

/// Makes an empty file, visible at once but for `folder/itembyname` under the fault of lagging names.
pub(super) fn create_file(args: &Args, effects: &Effects, state: &State) -> Outcome {
    let parent = parse_folder_id(args.text("folder_id"))?;
    let name = args.text("file_name");
    let mut tree = state.drive.lock();
    let id = tree.create_file(parent, name)?;
    let file = tree.file_mut(id)?;
    file.hidden_until = (!effects.lag.is_zero()).then(|| Instant::now() + effects.lag);
    Ok(to_json(&json!({
        "FileId": file_id(id),
        "Name": name,
        "GroupID": 0,
        "Extension": name.rsplit_once('.').map_or("", |(_, extension)| extension),
        "Size": "0",
        "Views": "0",
        "Downloads": "0",
        "DateModified": file.modified.to_string(),
        "Access": "0",
        "Link": "",
        "DownloadLink": "",
        "StreamingLink": "",
        "TempStreamingLink": "",
        "DirUpdateTime": file.modified,
        "TempLocation": "",
        "SpeedLimit": 0,
        "RequireCompression": 0,
        "RequireHash": 0,
        "RequireHashOnly": 0,
    })))
}

pub(super) fn open(args: &Args, state: &State) -> Outcome {
    let id = parse_file_id(args.text("file_id"))?;
    let size = args.number("file_size")?;
    state.drive.lock().check_space(id, size)?;
    Ok(to_json(&json!({
        "TempLocation": state.uploads.open(id, size, &state.options),
        "RequireCompression": false,
        "RequireHash": false,
        "RequireHashOnly": false,
        "SpeedLimit": 0,
    })))
}

/// Stores a chunk once all of it has come; chunks must come in order, the last one may come again.
pub(super) async fn chunk(args: &Args, mut payload: Payload, effects: &Effects, state: &State, call: &mut InFlight) -> Outcome {
    let (offset, size, upload) = match chunk_target(args, state) {
        Ok(target) => target,
        Err(refusal) => {
            payload.drain().await;
            return Err(refusal);
        }
    };
    call.offset(offset);
    let mut upload = upload.lock().await;
    let mut writer = match upload.begin_chunk(offset) {
        Ok(writer) => writer,
        Err(refusal) => {
            payload.drain().await;
            return Err(refusal);
        }
    };
    let mut received = 0;
    let mut corrupt = effects.corrupt;
    while let Some(mut data) = payload.next().await? {
        received += data.len() as u64;
        call.received(data.len() as u64);
        if std::mem::take(&mut corrupt) {
            data = with_first_byte_flipped(&data);
        }
        writer.write(&data).map_err(|error| Refusal::new(500, format!("The chunk can't be stored: {error}")))?;
    }
    if received != size {
        return Err(Refusal::new(400, format!("The chunk has {received} bytes instead of {size}")));
    }
    Ok(to_json(&json!({"TotalWritten": writer.finish()})))
}

/// Replaces the file's content: only now does it change.
pub(super) async fn close(args: &Args, effects: &Effects, state: &State) -> Outcome {
    let id = parse_file_id(args.text("file_id"))?;
    let location = args.text("temp_location");
    let upload = state.uploads.get(location)?;
    let size = args.number("file_size")?;
    // Refuse what can't succeed before the bytes are given away.
    state.drive.lock().check_space(id, size)?;
    let content = upload.lock().await.finish(id, size)?;
    state.uploads.remove(location);
    let mut hash = content.md5().to_owned();
    state.drive.lock().set_content(id, content, drive::now())?;
    if effects.lie_hash {
        hash = wrong_hash(&hash);
    }
    Ok(to_json(&json!({
        "FileID": file_id(id),
        "FileHash": hash,
        "Size": size + u64::from(effects.lie_size),
    })))
}

/// Offset and size of a chunk, and the upload that it belongs to; there must be room for it.
fn chunk_target(args: &Args, state: &State) -> Result<(u64, u64, Shared), Refusal> {
    let file = parse_file_id(args.text("file_id"))?;
    let offset: u64 = args.number("chunk_offset")?;
    let size: u64 = args.number("chunk_size")?;
    let upload = state.uploads.get(args.text("temp_location"))?;
    state.drive.lock().check_space(file, offset.saturating_add(size))?;
    Ok((offset, size, upload))
}

fn with_first_byte_flipped(data: &Bytes) -> Bytes {
    let mut changed = data.to_vec();
    if let Some(first) = changed.first_mut() {
        *first ^= 0xff;
    }
    changed.into()
}
