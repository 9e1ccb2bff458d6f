//! Source, destination and store in this process, over memory, a local folder and the simulated
//! OpenDrive.

mod destination;
mod hostile;
#[cfg(target_os = "linux")]
mod leaks;
mod names;
mod pages;
mod real_drive;
mod schema;
mod source;
mod store;
