//! What is in a folder, told piece by piece.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::client::Rclone;
use super::entry::{Entry, RawEntry};
use super::error::Result;
use super::ffi::{self, Handle};
use super::remote::{Remote, RemoteParams};

/// What is in a folder, in the order of the names (as bytes), a folder before a file of the same
/// one. The bridge keeps it as long as there is more of it to tell, in less memory than entries
/// take; so a folder may have some hundred thousand files.
#[derive(Debug)]
pub struct Listing {
    remote: Remote,
    path: Arc<str>,
    /// What came with the last answer and was not given yet.
    came: Option<Vec<Entry>>,
    more: Option<ListingHandle>,
    count: usize,
    left_out: Option<Unlisted>,
}

/// What is in a folder that rclone does not list. Only its local backend tells.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Unlisted {
    /// Symbolic links.
    pub links: u64,
    /// Named pipes.
    pub pipes: u64,
    /// Sockets.
    pub sockets: u64,
    /// Block and character devices.
    pub devices: u64,
    /// The name of one of them.
    pub example: String,
}

/// What the bridge has still to tell of a folder; let go when dropped.
#[derive(Debug)]
struct ListingHandle(Handle);

impl Drop for ListingHandle {
    fn drop(&mut self) {
        // Frees memory and nothing else; where it fails it is freed already, as all has been told or
        // the remote is closed.
        let _ = ffi::close(self.0);
    }
}

/// `listOut` in go/core/listing.go.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListReply {
    entries: Vec<RawEntry>,
    #[serde(default)]
    more: Handle,
    count: usize,
    left_out: Option<Unlisted>,
}

impl Listing {
    pub(super) async fn begin(remote: &Remote, path: &str) -> Result<Self> {
        #[derive(Serialize)]
        struct ListParams<'a> {
            #[serde(flatten)]
            remote: RemoteParams,
            path: &'a str,
            keep: bool,
        }
        let request =
            ListParams { remote: RemoteParams { remote: remote.handle() }, path, keep: true };
        let reply: Result<ListReply> = Rclone::get().rpc_cancellable("bridge/list", &request).await;
        let ListReply { entries, more, count, left_out } = reply.map_err(|error| error.at(path))?;
        let mut listing = Self {
            remote: remote.clone(),
            path: path.into(),
            came: None,
            more: (more != 0).then_some(ListingHandle(more)),
            count,
            left_out,
        };
        listing.take(entries);
        Ok(listing)
    }

    /// How many entries there are in all.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What is in it beside them, if anything.
    pub fn left_out(&self) -> Option<&Unlisted> {
        self.left_out.as_ref()
    }

    /// The next entries, some hundred at a time; `None` at the end. Each has its object, kept for
    /// reading.
    ///
    /// # Errors
    /// `Handle` if the remote is closed.
    pub async fn next(&mut self) -> Result<Option<Vec<Entry>>> {
        #[derive(Serialize)]
        struct MoreParams {
            listing: Handle,
        }
        if self.came.is_none()
            && let Some(ListingHandle(listing)) = self.more
        {
            let request = MoreParams { listing };
            let reply: Result<ListReply> =
                Rclone::get().rpc_cancellable("bridge/more", &request).await;
            let ListReply { entries, more, .. } = reply.map_err(|error| error.at(&self.path))?;
            if more == 0 {
                self.more = None;
            }
            self.take(entries);
        }
        Ok(self.came.take())
    }

    /// All entries that were not given yet.
    ///
    /// # Errors
    /// As for [`Listing::next`].
    pub async fn rest(mut self) -> Result<Vec<Entry>> {
        let mut all = Vec::new();
        while let Some(entries) = self.next().await? {
            all.extend(entries);
        }
        Ok(all)
    }

    fn take(&mut self, entries: Vec<RawEntry>) {
        let entries = entries.into_iter().map(|raw| raw.into_entry(&self.remote, &self.path));
        self.came = Some(entries.collect()).filter(|entries: &Vec<Entry>| !entries.is_empty());
    }
}
