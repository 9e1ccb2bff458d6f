//! How the drive behaves where plans of the real one differ, or where nobody knows for sure.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What every plan has: downloads that may be open at once from one IP address.
const DOWNLOADS: u32 = 6;

/// How the drive behaves. The default is what is known of the real drive, without limits on speed
/// and volume.
///
/// It can be changed while the simulator runs, by
/// [`Simulator::change_behaviour`](crate::Simulator::change_behaviour) and by POST of a part of its
/// JSON (`{"download_speed": 200000}`) to `/_sim/behaviour`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Downloads that one IP address may have open at once, from the request to the last byte, zips
    /// of folders among them; the next one is refused at once: 429 without `Retry-After`. Six by
    /// default; `None` allows any number.
    pub max_downloads: Option<u32>,
    /// Bytes per second of one download; several at once add up. No limit by default. It counts for
    /// each request, also where several share an HTTP/2 connection.
    pub download_speed: Option<u64>,
    /// Bytes per second of one chunk of an upload; several at once add up. No limit by default.
    /// `upload/upload_file_chunk` takes the bytes at any speed and answers late, `…_chunk2` takes
    /// them slowly.
    pub upload_speed: Option<u64>,
    /// Bytes that may be downloaded in a day; further downloads are answered as `volume_answer`
    /// says. `None` reports 10,240 MB and refuses nothing. The day ends with
    /// [`Simulator::reset_volume`](crate::Simulator::reset_volume), never by the clock.
    pub daily_volume: Option<u64>,
    /// What is answered instead of bytes when the daily volume is used up.
    pub volume_answer: VolumeAnswer,
    /// Whether downloads heed the header `Range`; if not they answer 200 and the whole file.
    pub ranges: bool,
    /// How far the drive's clock, which every answer tells in its header `Date`, is ahead of this
    /// machine's, in seconds; negative: behind.
    pub clock_ahead: i64,
    /// Bytes of the largest file that may be uploaded, reported as `MaxFileSize` in MB, as the other
    /// limits are (the real drive's unit is not known); a larger one is refused with 400. By default
    /// 100 GiB is reported and nothing refused.
    pub max_file_size: Option<u64>,
    /// Where an upload gets its `TempLocation`.
    pub temp_location: TempLocation,
    /// Whether `upload/create_file` answers `RequireHashOnly` 1 for content that the drive knows.
    pub upload_by_hash: bool,
    /// What happens to a folder of a name that its parent has.
    pub folder_namesakes: FolderNamesakes,
    /// Milliseconds for which `folder/itembyname` does not know a new file or folder.
    pub name_lag_ms: u64,
    /// Entries of a `folder/list` without `offset`; by default the whole folder comes.
    pub listing_limit: Option<u64>,
    /// Files of a `folder/list` without `offset`, beside all folders; by default all of them come.
    pub listing_files_limit: Option<u64>,
    /// After so many failed logins in a row every login is refused with 403, a captcha being
    /// wanted, until [`Simulator::solve_captcha`](crate::Simulator::solve_captcha). Never by
    /// default.
    pub captcha_after: Option<u32>,
    /// The HTTP status of "Session does not exist, please re-login."; 401 by default, 200 is
    /// possible too. The error object in the body has the code 401 all the same.
    pub session_over_status: u16,
}

/// What a download answers when the daily volume is used up; the status is 200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum VolumeAnswer {
    /// The file's record as JSON, with `BWExceeded` 1.
    #[default]
    Record,
    /// The text "The bandwidth limit has been exceeded".
    Text,
}

/// Where an upload gets its `TempLocation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum TempLocation {
    /// From `upload/create_file` when it was given a `file_size`, and from
    /// `upload/open_file_upload`.
    #[default]
    AtCreate,
    /// From `upload/open_file_upload` only; that of `upload/create_file` is empty.
    AtOpen,
    /// As `AtCreate`, but chunks and closes are refused (404) until `upload/open_file_upload` was
    /// called.
    RefusedUntilOpen,
}

/// What happens to a folder of a name that its parent has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum FolderNamesakes {
    /// It is refused with 409.
    #[default]
    Refused,
    /// It is refused with 409, unless its creation began before the first one's ended: then there
    /// are two.
    Raced,
    /// There are two.
    Made,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            max_downloads: Some(DOWNLOADS),
            download_speed: None,
            upload_speed: None,
            daily_volume: None,
            volume_answer: VolumeAnswer::default(),
            ranges: true,
            clock_ahead: 0,
            max_file_size: None,
            temp_location: TempLocation::default(),
            upload_by_hash: true,
            folder_namesakes: FolderNamesakes::default(),
            name_lag_ms: 0,
            listing_limit: None,
            listing_files_limit: None,
            captcha_after: None,
            session_over_status: 401,
        }
    }
}

impl Behaviour {
    pub(crate) fn name_lag(&self) -> Duration {
        Duration::from_millis(self.name_lag_ms)
    }
}

/// The behaviour at this moment, shared by all calls. A call keeps to what it found when it
/// arrived.
pub(crate) struct Current(RwLock<Arc<Behaviour>>);

impl Current {
    pub(crate) fn new(behaviour: Behaviour) -> Self {
        Self(RwLock::new(Arc::new(behaviour)))
    }

    pub(crate) fn get(&self) -> Arc<Behaviour> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Behaviour) -> T) -> T {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut current))
    }
}
