//! What this executable is made of.

use serde::Deserialize;

use crate::rclone::Rclone;
use terminal::exit::{Exit, Failure};
use terminal::output::Output;

/// The generations of Plakar's plugin API that the connectors speak.
const PLUGIN_APIS: [&str; 2] = ["v1.0.0", "v1.1.0"];

/// The versions, by what they are of.
pub(super) fn versions() -> Result<[(&'static str, String); 4], Failure> {
    /// A part of what rclone's core/version answers.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct VersionReply {
        version: String,
        go_version: String,
    }
    let reply: VersionReply = Rclone::get()
        .rpc_blocking("core/version", &serde_json::json!({}))
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    Ok([
        ("plakar-opendrive", env!("CARGO_PKG_VERSION").to_owned()),
        // rclone says "-DEV" wherever its own scripts have not built it; ours is the release that
        // go.mod pins.
        ("rclone", reply.version.trim_start_matches('v').trim_end_matches("-DEV").to_owned()),
        ("Go", reply.go_version.trim_start_matches("go").to_owned()),
        (
            "Plakar plugin API",
            PLUGIN_APIS.map(|version| version.trim_start_matches('v')).join(", "),
        ),
    ])
}

/// Prints them, one in a line.
pub(super) fn print(out: &mut Output) -> Result<(), Failure> {
    for (name, version) in versions()? {
        out.line(&format!("{name} {version}"))?;
    }
    Ok(())
}
