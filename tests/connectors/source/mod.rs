//! The source: one table of behaviours over memory, a local folder and the simulated OpenDrive.

mod ahead;
mod faults;
mod telling;

use plakar_opendrive::connector::{Role, Source};
use support_plugin::place::Place;

async fn open(place: &Place, base: &str) -> Source {
    Source::open(place.settings(Role::Source, base))
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", place.name()))
}

async fn read(source: &Source, path: &str) -> Result<Vec<u8>, plakar_opendrive::rclone::Error> {
    let mut reader = source.read(path).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
