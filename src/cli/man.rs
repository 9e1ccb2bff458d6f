//! The manual page, docs/plakar-opendrive.1.

use std::io;

use terminal::manual::{self, Extras};

/// Variables that change what a command does.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("PLAKAR_OPENDRIVE_USERNAME", "The account, for opendrive://."),
    ("PLAKAR_OPENDRIVE_PASSWORD_FILE", "A file whose first line is its password."),
    (
        "PLAKAR_OPENDRIVE_PASSWORD",
        "Its password. Other processes of the same user can read it; a file is better.",
    ),
    ("PLAKAR", "The program that knows what @NAME is; plakar from PATH if it is not set."),
    (
        "XDG_STATE_HOME",
        "Where states wait that a store did not take, in a folder plakar-opendrive; ~/.local/state if it is not set.",
    ),
    ("HTTPS_PROXY, NO_PROXY", "The proxy to the drive."),
    ("RCLONE_CA_CERT", "A file of certificates that are trusted beside those of the system."),
    ("NO_COLOR", "No colours, whatever its value."),
];

/// What people do first.
const EXAMPLES: [(&str, &str); 7] = [
    (
        "plakar-opendrive config drive --import source",
        "Ask for the account, test it, and make the source @drive of it.",
    ),
    ("plakar-opendrive test @drive", "Find out why a backup fails."),
    ("plakar-opendrive ls -l @drive/Documents", "List a folder of it."),
    ("plakar-opendrive cp opendrive://Documents ./documents", "Fetch what is new in a folder."),
    (
        "plakar-opendrive app assign drive --option location=opendrive://Documents --store ./store --create-store",
        "Make a folder of the drive a source, and ask for the rest.",
    ),
    ("plakar-opendrive console", "Back it up, browse and restore it in a browser."),
    (
        "rclone config show | plakar-opendrive about --config - @mydrive",
        "See how much room a remote of rclone's has.",
    ),
];

/// Renders the page.
pub(super) fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let see_also = ["plakar-opendrive-app", "plakar", "plakar-source", "rclone"];
    manual::page(
        command,
        &Extras { environment: &ENVIRONMENT, examples: &EXAMPLES, see_also: &see_also },
    )
}
