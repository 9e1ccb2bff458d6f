//! The command line of the simulator as a program.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser};
use opendrive_sim::{Behaviour, FolderNamesakes, TempLocation, VolumeAnswer};

/// A simulated OpenDrive behind an HTTP proxy, for an unchanged rclone.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    pub(crate) listen: SocketAddr,
    /// The account's name
    #[arg(long, env = "OPENDRIVE_SIM_USERNAME", default_value = "user@example.com")]
    pub(crate) username: String,
    /// The account's password
    #[arg(
        long,
        env = "OPENDRIVE_SIM_PASSWORD",
        default_value = "secret pässword",
        hide_env_values = true
    )]
    pub(crate) password: String,
    /// How long each call waits before it is answered
    #[arg(long, default_value_t = 0.0)]
    pub(crate) latency_ms: f64,
    /// Size of the drive in bytes
    #[arg(long)]
    pub(crate) quota: Option<u64>,
    /// Keep only size and MD5 of uploads
    #[arg(long)]
    pub(crate) discard_uploads: bool,
    /// Offer HTTP/1.1 only
    #[arg(long)]
    pub(crate) no_http2: bool,
    /// Put a copy of this directory on the drive
    #[arg(long, value_name = "DIR")]
    pub(crate) seed: Option<PathBuf>,
    /// Write the environment for rclone here, as lines of shell, once calls are answered
    #[arg(long, value_name = "PATH")]
    pub(crate) env_file: Option<PathBuf>,
    /// Write the certificate of the authority here too, as PEM
    #[arg(long, value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Instead of all this, ask a simulator that runs: print what is at an address of its control
    /// interface
    #[arg(long, value_name = "URL")]
    pub(crate) ask: Option<String>,
    /// Leave when the standard input ends
    #[arg(long)]
    pub(crate) exit_with_stdin: bool,
    /// A plan of faults as JSON, as the control interface takes it
    #[arg(long, value_name = "JSON")]
    pub(crate) faults: Option<String>,
    #[command(flatten)]
    behaviour: BehaviourArguments,
}

/// How the drive behaves; see [`Behaviour`], whose defaults count.
#[derive(Args)]
#[command(next_help_heading = "Behaviour of the drive")]
struct BehaviourArguments {
    /// Downloads that one address may have open at once; 0 for any number
    #[arg(long, value_name = "N")]
    max_downloads: Option<u32>,
    /// Bytes per second of one download
    #[arg(long, value_name = "BYTES")]
    download_speed: Option<u64>,
    /// Bytes per second of one chunk of an upload
    #[arg(long, value_name = "BYTES")]
    upload_speed: Option<u64>,
    /// Bytes that may be downloaded in all
    #[arg(long, value_name = "BYTES")]
    daily_volume: Option<u64>,
    /// What is answered when those are used up
    #[arg(long, value_enum)]
    volume_answer: Option<VolumeAnswer>,
    /// Ignore the header Range of downloads
    #[arg(long)]
    no_ranges: bool,
    /// How far the drive's clock is ahead of this machine's, in seconds; negative: behind
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true)]
    clock_ahead: i64,
    /// Bytes of the largest file that may be uploaded
    #[arg(long, value_name = "BYTES")]
    max_file_size: Option<u64>,
    /// Where an upload gets its TempLocation
    #[arg(long, value_enum)]
    temp_location: Option<TempLocation>,
    /// Never ask for the hash only
    #[arg(long)]
    no_upload_by_hash: bool,
    /// What happens to a folder of a name that its parent has
    #[arg(long, value_enum)]
    folder_namesakes: Option<FolderNamesakes>,
    /// How long folder/itembyname does not know new names
    #[arg(long, value_name = "MS", default_value_t = 0)]
    name_lag_ms: u64,
    /// Entries of a listing without offset
    #[arg(long, value_name = "N")]
    listing_limit: Option<u64>,
    /// Files of a listing without offset
    #[arg(long, value_name = "N")]
    listing_files_limit: Option<u64>,
    /// Failed logins in a row until a captcha is wanted
    #[arg(long, value_name = "N")]
    captcha_after: Option<u32>,
    /// The HTTP status of calls whose session is over
    #[arg(long, value_name = "STATUS")]
    session_over_status: Option<u16>,
}

impl Arguments {
    pub(crate) fn behaviour(&self) -> Behaviour {
        let given = &self.behaviour;
        let default = Behaviour::default();
        Behaviour {
            max_downloads: given
                .max_downloads
                .map_or(default.max_downloads, |count| Some(count).filter(|&count| count > 0)),
            download_speed: given.download_speed,
            upload_speed: given.upload_speed,
            daily_volume: given.daily_volume,
            volume_answer: given.volume_answer.unwrap_or(default.volume_answer),
            ranges: !given.no_ranges,
            clock_ahead: given.clock_ahead,
            max_file_size: given.max_file_size,
            temp_location: given.temp_location.unwrap_or(default.temp_location),
            upload_by_hash: !given.no_upload_by_hash,
            folder_namesakes: given.folder_namesakes.unwrap_or(default.folder_namesakes),
            name_lag_ms: given.name_lag_ms,
            listing_limit: given.listing_limit,
            listing_files_limit: given.listing_files_limit,
            captcha_after: given.captcha_after,
            session_over_status: given.session_over_status.unwrap_or(default.session_over_status),
        }
    }
}
