//! Uploads: opening, chunks, and what the drive knows already.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use tokio::time::sleep_until;

use super::args::Payload;
use super::create::check_size;
use super::records::to_json;
use super::{CallContext, Endpoint, Outcome};
use crate::calls::InFlight;
use crate::drive::{Refusal, parse_file_id};
use crate::uploads::Shared;

pub(super) fn open(context: &CallContext) -> Outcome {
    let (args, state) = (context.args, context.state);
    let id = parse_file_id(args.text("file_id"))?;
    let size = args.number("file_size")?;
    check_size(size, context)?;
    state.drive.lock().check_space(id, size)?;
    state.uploads.forget_closed(id);
    Ok(to_json(&json!({
        "TempLocation": state.uploads.open(id, size, &state.options),
        "RequireCompression": false,
        "RequireHash": false,
        "RequireHashOnly": false,
        "SpeedLimit": context.behaviour.upload_speed.unwrap_or(0),
    })))
}

/// Whether the drive knows a content; makes nothing.
pub(super) fn has_content(context: &CallContext) -> Outcome {
    let size = context.args.number("file_size")?;
    let exists = context.behaviour.upload_by_hash
        && context.state.drive.known(size, context.args.text("file_hash")).is_some();
    Ok(to_json(&json!({ "exists": exists })))
}

/// Stores a chunk once all of it has come; each must begin where the one before it has ended.
pub(super) async fn chunk(
    endpoint: Endpoint,
    context: &CallContext<'_>,
    mut payload: Payload,
    call: &mut InFlight,
) -> Outcome {
    let begun = Instant::now();
    let (offset, size, upload) = match chunk_target(context) {
        Ok(target) => target,
        Err(refusal) => {
            call.received(payload.drain().await);
            return Err(refusal);
        }
    };
    call.offset(offset);
    let speed = context.behaviour.upload_speed;
    let mut received = 0;
    let written = {
        let mut upload = upload.lock().await;
        let mut writer = match upload.begin_chunk(offset) {
            Ok(writer) => writer,
            Err(refusal) => {
                drop(upload);
                call.received(payload.drain().await);
                return Err(refusal);
            }
        };
        let mut corrupt = context.effects.corrupt;
        let cut = context.effects.cut_upload.unwrap_or(u64::MAX);
        while let Some(mut data) = payload.next().await? {
            call.received(data.len() as u64);
            if std::mem::take(&mut corrupt) {
                data = with_first_byte_flipped(&data);
            }
            data.truncate(usize::try_from(cut - received).unwrap_or(usize::MAX));
            received += data.len() as u64;
            writer.write(&data).map_err(|error| {
                Refusal::new(500, format!("The chunk cannot be stored: {error}"))
            })?;
            if received == cut {
                break;
            }
            if endpoint == Endpoint::UploadChunk2 {
                pace(begun, received, speed).await;
            }
        }
        if received != size.min(cut) {
            return Err(Refusal::new(
                400,
                format!("The chunk has {received} bytes instead of {size}"),
            ));
        }
        writer.finish()
    };
    // Stored already: whoever does not wait for the answer finds the bytes there.
    pace(begun, received, speed).await;
    Ok(to_json(&json!({ "TotalWritten": written })))
}

/// Waits until so many bytes would have come at this speed.
async fn pace(begun: Instant, bytes: u64, speed: Option<u64>) {
    let Some(speed) = speed.filter(|&speed| speed > 0) else { return };
    let due = begun + Duration::from_secs_f64(bytes as f64 / speed as f64);
    if due > Instant::now() {
        sleep_until(due.into()).await;
    }
}

/// Offset and size of a chunk, and the upload that it belongs to; there must be room for it.
fn chunk_target(context: &CallContext) -> Result<(u64, u64, Shared), Refusal> {
    let (args, state) = (context.args, context.state);
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
