//! Packages that are made here, to compare with.

use std::path::Path;

use support::user::Plakar;

/// What Plakar's own rclone integration has for each connector (its manifest.yaml).
const PEER: [(&str, &str); 3] = [
    ("importer", "rclone-importer"),
    ("exporter", "rclone-exporter"),
    ("storage", "rclone-storage"),
];

/// The least that a plugin can be, see bin/bare-plugin; where the package is.
pub fn bare(user: &Plakar) -> String {
    let plugin = std::env::current_exe().unwrap().with_file_name("bare-plugin");
    let connectors = ["importer", "storage"].map(|kind| {
        format!("{{type: {kind}, class: file-storage, protocols: [bare], executable: bare-plugin, args: [{kind}]}}")
    });
    pack(user, "bare", &connectors, &[plugin.as_path()])
}

/// The peer: a package as it is, or the folder of the executables of Plakar's own integration.
pub fn peer(user: &Plakar, peer: &Path) -> String {
    if !peer.is_dir() {
        return peer.to_str().unwrap().to_owned();
    }
    let executables = PEER.map(|(_, name)| peer.join(name));
    let connectors = PEER.map(|(kind, name)| {
        format!("{{type: {kind}, class: file-storage, protocols: [rclone], executable: {name}}}")
    });
    pack(user, "rclone", &connectors, &executables.each_ref().map(|path| path.as_path()))
}

fn pack(user: &Plakar, name: &str, connectors: &[String], executables: &[&Path]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for executable in executables {
        let copy = folder.path().join(executable.file_name().unwrap());
        std::fs::copy(executable, copy)
            .unwrap_or_else(|error| panic!("{}: {error}", executable.display()));
    }
    let manifest = folder.path().join("manifest.yaml");
    let connectors = connectors.join(", ");
    std::fs::write(
        &manifest,
        format!("name: {name}\napi_version: v1.1.0\nconnectors: [{connectors}]\n"),
    )
    .unwrap();
    // Plakar takes the name, the version and the platform of a package from the name of its file.
    let processor = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    let package = user.path(&format!("{name}_v0.0.1_linux_{processor}.ptar"));
    user.ok(&["pkg", "create", "-out", &package, manifest.to_str().unwrap(), "v0.0.1"]);
    package
}
