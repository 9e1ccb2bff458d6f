//! The licences of what is linked in come with the package; packaging/notices tests that they are
//! complete.

use std::path::{Path, PathBuf};

use support::plakar::Plakar;
use support::{executable, shipped};

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { find(&path, name) } else { (entry.file_name() == name).then_some(path) }
    })
}

#[test]
fn they_are_in_the_package() {
    const NAME: &str = "THIRD-PARTY-LICENSES";
    let plakar = Plakar::new(&[]);
    let installed =
        std::fs::read_to_string(find(plakar.home(), NAME).expect("not in the package")).unwrap();
    // Only `make` collects them.
    match std::fs::read_to_string(Path::new(&executable()).with_file_name(NAME)) {
        Ok(collected) => {
            assert!(installed == collected, "they are others than those beside the executable");
            assert!(
                installed.contains("\ngithub.com/rclone/rclone v1.76.0: MIT\n")
                    && installed.contains("\ntonic "),
                "{installed}"
            );
        }
        Err(error) => {
            assert!(shipped().is_none(), "{NAME} is not beside the release build: {error}");
            assert!(installed.starts_with("Not collected"), "{installed}");
        }
    }
}
