//! `download/file`: whole files and ranges.

use std::sync::atomic::Ordering;

use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use super::args::Args;
use super::records::{self, FileRecord};
use super::{CallContext, answer};
use crate::behaviour::{Behaviour, VolumeAnswer};
use crate::body::{Download, Pacing, ReplyBody};
use crate::calls::InFlight;
use crate::content::Content;
use crate::drive::{Id, Refusal, parse_file_id};
use crate::state::State;
use crate::texts;

/// Which bytes of which content are asked for.
pub(super) struct Plan {
    id: Id,
    content: Content,
    start: u64,
    end: u64,
    partial: bool,
}

pub(super) fn plan(
    args: &Args,
    range: Option<&HeaderValue>,
    behaviour: &Behaviour,
    state: &State,
) -> Result<Plan, Refusal> {
    let id = parse_file_id(args.text("file_id"))?;
    let content = {
        let tree = state.drive.lock();
        let file = tree.file(id)?;
        if file.is_missing() {
            return Err(Refusal::new(404, texts::NO_FILE));
        }
        file.content.clone()
    };
    if content.is_discarded() {
        return Err(Refusal::new(422, "The simulator was told to discard the content of uploads"));
    }
    let size = content.size();
    match range.filter(|_| behaviour.ranges).and_then(|range| parse_range(range, size)) {
        Some((start, end)) if start < end => Ok(Plan { id, content, start, end, partial: true }),
        Some(_) => Err(Refusal::new(416, "Requested range not satisfiable")),
        None => Ok(Plan { id, content, start: 0, end: size, partial: false }),
    }
}

/// A single range as start and end, the latter exclusive. Anything else is ignored, as RFC 9110
/// wants it.
fn parse_range(range: &HeaderValue, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let count: u64 = last.parse().ok()?;
        return Some((size.saturating_sub(count), size));
    }
    let start = first.parse().ok()?;
    let last: u64 = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    (start <= last).then(|| (start, last.saturating_add(1).min(size)))
}

/// Whether nothing more may be downloaded today.
pub(super) fn is_used_up(context: &CallContext) -> bool {
    let used = context.state.volume_used.load(Ordering::Relaxed);
    context.behaviour.daily_volume.is_some_and(|volume| used >= volume)
}

impl Plan {
    /// Bytes of the body.
    pub(super) fn length(&self) -> u64 {
        self.end - self.start
    }

    pub(super) fn answer(self, context: &CallContext, mut call: InFlight) -> Response<ReplyBody> {
        let (effects, behaviour, state) = (context.effects, context.behaviour, context.state);
        let used_up = || is_used_up(context).then_some(behaviour.volume_answer);
        if let Some(form) = effects.volume.or_else(used_up) {
            return self.used_up(form, state, call);
        }
        let status = if self.partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        call.status(status.as_u16());
        if self.partial {
            call.offset(self.start);
        }
        let (length, size) = (self.length(), self.content.size());
        let content_range = format!("bytes {}-{}/{size}", self.start, self.end.saturating_sub(1));
        let body = Download {
            content: self.content,
            position: self.start,
            end: self.end,
            cut: effects.cut.map(|after| self.start + after),
            corrupt: effects.corrupt.then(|| self.start + length / 2),
            call: Some(call),
            pause: None,
            pacing: behaviour.download_speed.filter(|&speed| speed > 0).map(Pacing::new),
            stall: effects.stall.map(|stall| (self.start + stall.after, stall.time)),
            volume: state.volume_used.clone(),
        };
        let mut response = Response::new(ReplyBody::Download(Box::new(body)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if let (true, Ok(value)) = (self.partial, HeaderValue::try_from(content_range)) {
            headers.insert(header::CONTENT_RANGE, value);
        }
        response
    }

    /// What comes in place of the bytes when the daily volume is used up.
    fn used_up(self, form: VolumeAnswer, state: &State, call: InFlight) -> Response<ReplyBody> {
        match form {
            VolumeAnswer::Text => answer(texts::VOLUME_USED_UP.into(), "text/html", call),
            VolumeAnswer::Record => {
                let tree = state.drive.lock();
                let mut record = tree
                    .file(self.id)
                    .map(|file| records::to_object(&FileRecord::without_hash(self.id, file)))
                    .unwrap_or_default();
                record.insert("BWExceeded".into(), 1.into());
                answer(records::to_json(&record), "application/json", call)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let cases = [
            ("bytes=0-9", Some((0, 10))),
            ("bytes=90-", Some((90, 100))),
            ("bytes=90-1000", Some((90, 100))),
            ("bytes=-5", Some((95, 100))),
            ("bytes=-500", Some((0, 100))),
            ("bytes=100-", Some((100, 100))),
            ("bytes=9-3", None),
            ("bytes=0-1,5-6", None),
            ("items=0-1", None),
        ];
        for (header, expected) in cases {
            assert_eq!(parse_range(&HeaderValue::from_static(header), 100), expected, "{header}");
        }
    }
}
