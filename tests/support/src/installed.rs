//! What an installation has beside the executables, made of this repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{executable, platform, root};

/// Lays out `bin` and `share/plakar-opendrive` in a folder, as `packaging/stage` does, for a package
/// of this version, and gives the executable and the second folder.
///
/// # Panics
/// If it cannot be made.
pub fn installed(folder: &Path, version: &str) -> (PathBuf, PathBuf) {
    let (bin, share) = (folder.join("bin"), folder.join("share/plakar-opendrive"));
    let package = share.join("package");
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(&package).unwrap();
    let program = bin.join("plakar-opendrive");
    fs::copy(executable(), &program).unwrap();
    for script in ["add-to-plakar", "create-package"] {
        fs::copy(root().join("packaging").join(script), share.join(script)).unwrap();
    }
    let made = Command::new(root().join("packaging/assemble"))
        .args([program.as_os_str(), version.as_ref(), package.as_os_str()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // It is in bin already.
    fs::remove_file(package.join("plakar-opendrive")).unwrap();
    let platform = platform();
    let about = format!(
        "version={version}\nplatform={platform}\napi=v1.1\nexecutables=\"plakar-opendrive\"\n"
    );
    fs::write(package.join("about"), about).unwrap();
    (program, share)
}
