//! A simulated OpenDrive: the drive's HTTP API in one process, for tests, benchmarks and the demo.
//!
//! The unchanged `opendrive` backend of rclone talks to it. rclone's endpoint
//! (`https://dev.opendrive.com/api/v1`) is fixed in its source, so the simulator is an HTTP CONNECT
//! proxy that ends the TLS of `dev.opendrive.com` itself, with a certificate of an authority made
//! at start. Two environment variables lead rclone there, see [`Simulator::env`].
//!
//! The behaviour follows the facts gathered in the project's `opendrive-api.md` and what rclone
//! v1.76.0 says in `backend/opendrive`; where both are silent the choice is named at the item. What
//! plans of the drive differ in, or nobody knows for sure, is a field of [`Behaviour`]; what goes
//! wrong now and then is a [`Fault`]; the words of refusals are in [`texts`].
//!
//! ```
//! use opendrive_sim::{Fault, Options, Simulator, What};
//!
//! let simulator = Simulator::start(Options::default())?;
//! simulator.drive().put_file("Documents/letter.txt", "Dear all", 1_700_000_000);
//! // The first download is refused once; a test ends by asking whether that ever happened.
//! simulator.add_fault(
//!     Fault::new(What::Status { code: 503, message: "Busy".into(), retry_after: None })
//!         .endpoint("download/file"),
//! );
//! assert_eq!(simulator.unused_faults().len(), 1);
//! # std::io::Result::Ok(())
//! ```

mod behaviour;
mod body;
mod calls;
mod content;
mod control;
mod drive;
mod faults;
mod options;
mod proxy;
mod routes;
mod sessions;
mod simulator;
mod state;
pub mod texts;
mod tls;
mod uploads;

pub use behaviour::{Behaviour, FolderNamesakes, TempLocation, VolumeAnswer};
pub use calls::{CallRecord, Calls};
pub use content::generated_bytes;
pub use drive::{Drive, DuplicateFolders, Entry, stored_name};
pub use faults::{Answer, Fault, What};
pub use options::{Certificate, Options};
pub use simulator::Simulator;
pub use uploads::OpenUpload;
