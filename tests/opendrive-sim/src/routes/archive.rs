//! `download/all`: folders as one zip.

use flate2::Crc;
use hyper::Response;
use hyper::header::{self, HeaderValue};

use super::{CallContext, Outcome, download};
use crate::body::{Download, Pacing, ReplyBody};
use crate::calls::InFlight;
use crate::content::Content;
use crate::drive::{Id, Refusal, Tree, join, parse_folder_id};

/// All files below the folders of the list `folders`, each under the name of its folder. A list of
/// `files` gives a zip with nothing in it, as the real drive does.
pub(super) fn zip(context: &CallContext) -> Outcome {
    let (args, state) = (context.args, context.state);
    let folders = args.text("folders");
    if folders.is_empty() && args.text("files").is_empty() {
        return Err(Refusal::new(400, "Empty files list"));
    }
    let mut contents = Vec::new();
    {
        let tree = state.drive.lock();
        for id in folders.split(',').filter(|id| !id.is_empty()) {
            let id = parse_folder_id(id)?;
            let name = tree.folder(id)?.name.clone();
            collect(&tree, id, &name, &mut contents)?;
        }
    }
    let mut zip = Zip::default();
    for (path, content) in contents {
        let size = usize::try_from(content.size()).unwrap_or_default();
        let bytes = content.read(0, size).map_err(|error| Refusal::new(422, error.to_string()))?;
        zip.add(&path, &bytes);
    }
    Ok(zip.finish())
}

/// The zip as any download comes: so fast, and counted for the daily volume, unless that is used
/// up.
pub(super) fn answer(
    zip: Vec<u8>,
    context: &CallContext,
    mut call: InFlight,
) -> Response<ReplyBody> {
    let (behaviour, state) = (context.behaviour, context.state);
    if download::is_used_up(context) {
        return super::answer(br#"{"BWExceeded":1}"#.to_vec(), "application/json", call);
    }
    call.status(200);
    let content = Content::memory(zip.into());
    let body = Download {
        position: 0,
        end: content.size(),
        content,
        cut: None,
        corrupt: None,
        call: Some(call),
        pause: None,
        pacing: behaviour.download_speed.filter(|&speed| speed > 0).map(Pacing::new),
        stall: None,
        volume: state.volume_used.clone(),
    };
    let mut response = Response::new(ReplyBody::Download(Box::new(body)));
    let content_type = HeaderValue::from_static("application/zip");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn collect(
    tree: &Tree,
    id: Id,
    path: &str,
    contents: &mut Vec<(String, Content)>,
) -> Result<(), Refusal> {
    let folder = tree.folder(id)?;
    for &file in folder.files.values() {
        let file = tree.file(file)?;
        contents.push((join(path, &file.name), file.content.clone()));
    }
    for &child in folder.folders.values().flatten() {
        collect(tree, child, &join(path, &tree.folder(child)?.name), contents)?;
    }
    Ok(())
}

/// A zip whose files are not compressed (APPNOTE.TXT of PKWARE, 4.3).
#[derive(Default)]
struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Zip {
    fn add(&mut self, path: &str, content: &[u8]) {
        let mut crc = Crc::new();
        crc.update(content);
        let size = (content.len() as u32).to_le_bytes();
        let length = (path.len() as u16).to_le_bytes();
        let mut about = Vec::new();
        // Version 2.0, names in UTF-8, no compression, 1 January 1980.
        about.extend_from_slice(&[20, 0, 0, 8, 0, 0, 0, 0, 33, 0]);
        about.extend_from_slice(&crc.sum().to_le_bytes());
        about.extend_from_slice(&[size, size].concat());
        about.extend_from_slice(&length);
        about.extend_from_slice(&[0, 0]);
        let offset = (self.bytes.len() as u32).to_le_bytes();
        self.bytes.extend_from_slice(b"PK\x03\x04");
        self.bytes.extend_from_slice(&about);
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.extend_from_slice(content);
        self.directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        self.directory.extend_from_slice(&about);
        // No comment, one disk, no attributes.
        self.directory.extend_from_slice(&[0; 10]);
        self.directory.extend_from_slice(&offset);
        self.directory.extend_from_slice(path.as_bytes());
        self.count += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let offset = (self.bytes.len() as u32).to_le_bytes();
        let size = (self.directory.len() as u32).to_le_bytes();
        self.bytes.append(&mut self.directory);
        self.bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        self.bytes
            .extend_from_slice(&[self.count.to_le_bytes(), self.count.to_le_bytes()].concat());
        self.bytes.extend_from_slice(&[size, offset].concat());
        self.bytes.extend_from_slice(&[0, 0]);
        self.bytes
    }
}
