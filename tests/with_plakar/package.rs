//! The package, as people make, install and upgrade it.

use std::path::Path;

use super::person::{Person, VERSION, package_name};
use support::{executable, shipped};

#[test]
fn plakar_builds_the_package_from_a_clone_and_four_commands_lead_to_a_backup() {
    let person = Person::new();
    let recipe =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("recipe.yaml")).unwrap();
    let homepage = "https://github.com/plakar-opendrive/plakar-opendrive";
    assert!(
        recipe.contains(&format!("\nversion: {VERSION}\nrepository: {homepage}\n")),
        "{recipe}"
    );
    let recipe = recipe.replace(homepage, &format!("file://{}", person.repository().display()));
    std::fs::write(person.shell.path("recipe.yaml"), recipe).unwrap();

    person.types("plakar pkg build ./recipe.yaml");
    let package = package_name();

    // Nothing between the package and a backup but this.
    for line in [
        &format!("plakar pkg add ./{package}"),
        "rclone config show | plakar source import -rclone mydrive",
        "plakar at ./store create -plaintext",
        "plakar at ./store backup @mydrive",
    ] {
        person.types(line);
    }
    assert_eq!(person.types("plakar at ./store cat \"$(plakar at ./store ls | cut -d' ' -f4):/Documents/letter.txt\""), "Dear all");

    // What is inside: all that the manifest names, and nothing else.
    let inside = person.types("cd .cache/plakar/plugins/*/rclone_*; find . -type f | sort");
    let expected = [
        "LICENSE",
        "THIRD-PARTY-LICENSES",
        "assets/icon.svg",
        "manifest.yaml",
        "plakar-opendrive",
        "schema/destination.json",
        "schema/source.json",
        "schema/store.json",
    ];
    assert_eq!(
        inside.lines().map(|line| line.trim_start_matches("./")).collect::<Vec<_>>(),
        expected
    );
    if shipped().is_some() {
        let size = std::fs::metadata(person.shell.path(&package)).unwrap().len();
        assert!(size <= 15_000_000, "{size} bytes");
    }
}

#[test]
fn configurations_outlive_installing_again_and_the_next_backup_works() {
    let person = Person::new();
    person.clones();
    person.types("make -C clone install");
    assert_eq!(person.types("plakar pkg list").trim(), format!("rclone@{VERSION}"));

    for kind in ["source", "destination", "store"] {
        person.types(&format!("rclone config show | plakar {kind} import -rclone mydrive"));
        assert_eq!(person.types(&format!("plakar {kind} ping mydrive")).trim(), "configuration OK");
    }
    // Without rclone.
    let (user, password) = (person.simulator.username(), person.simulator.password());
    person.types(&format!(
        "plakar source add native opendrive://Documents username='{user}' password='{password}'"
    ));
    assert_eq!(person.types("plakar source ping native").trim(), "configuration OK");
    person.types("plakar at ./store create -plaintext; plakar at ./store backup @mydrive");
    let before = person.types("plakar source show; plakar destination show; plakar store show");
    assert!(
        person
            .fails(&format!("plakar pkg add ./clone/{}", package_name()))
            .contains("already installed")
    );

    // The package of the same version again.
    let said = person.types("make -C clone install");
    assert!(
        said.contains(&format!(
            "\nPlakar: took rclone@{VERSION} out and added rclone@{VERSION}; configurations stay\n"
        )),
        "{said}"
    );
    assert_eq!(person.types("plakar pkg list").trim(), format!("rclone@{VERSION}"));
    person.types("plakar at ./store backup @mydrive");
    // The next version, as a user gets it: a package.
    person.types(&format!(
        "git -C clone ls-files | grep -q recipe.yaml
         cd clone; PLAKAR=../bin/plakar packaging/make-package '{}' v9.9.9 {}",
        executable(),
        package_name().replace(VERSION, "v9.9.9"),
    ));
    person.types(&format!(
        "plakar pkg rm rclone; plakar pkg add ./clone/{}",
        package_name().replace(VERSION, "v9.9.9")
    ));
    assert_eq!(person.types("plakar pkg list").trim(), "rclone@v9.9.9");
    person.types("plakar at ./store backup @mydrive");
    assert_eq!(person.snapshots(), 3);

    // As a destination and as a store, with what was imported before.
    person.types("plakar destination set mydrive location=rclone:///Restored; plakar store set mydrive location=rclone:///Backups");
    person.types("plakar at ./store restore -to @mydrive \"$(plakar at ./store ls | head -n 1 | cut -d' ' -f4):/Documents\"");
    assert_eq!(person.simulator.drive().read_file("Restored/letter.txt").unwrap(), b"Dear all");
    person.types("plakar at @mydrive create -plaintext; plakar at @mydrive backup @mydrive; plakar at @mydrive check");

    // It is not the one that was installed from here.
    let said = person.types("make -C clone uninstall");
    assert!(
        said.contains("\nPlakar: rclone@v9.9.9 stays, which was not installed from here\n"),
        "{said}"
    );
    person.types("plakar pkg rm rclone");
    assert_eq!(person.types("plakar pkg list").trim(), "");
    let after = person.types("plakar source show; plakar destination show; plakar store show");
    assert_eq!(after.matches("mydrive").count(), before.matches("mydrive").count(), "{after}");
}

/// Plakar's own check of packages (validator/manifest in github.com/PlakarKorp/pkg) takes no other
/// names.
#[test]
fn the_manifest_has_what_plakar_knows_and_nothing_else() {
    const TOP: [&str; 10] = [
        "name",
        "display_name",
        "description",
        "tier",
        "contact",
        "homepage",
        "license",
        "tags",
        "api_version",
        "connectors",
    ];
    const CONNECTOR: [&str; 7] =
        ["type", "class", "validator", "protocols", "executable", "args", "extra_files"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("packaging/manifest.yaml")).unwrap();
    let mut top = Vec::new();
    for line in manifest.lines().filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once(':').unwrap();
        let name = key.trim_start_matches([' ', '-']);
        if name == key {
            top.push(name);
        } else {
            assert!(CONNECTOR.contains(&name), "{line}");
        }
        match name {
            "validator" => assert!(root.join("packaging").join(value.trim()).exists(), "{line}"),
            "class" => assert_eq!(value.trim(), "file-storage"),
            "protocols" => assert_eq!(value.trim(), "[rclone, opendrive]"),
            _ => {}
        }
    }
    top.sort_unstable();
    let mut known = TOP;
    known.sort_unstable();
    assert_eq!(top, known);
    assert_eq!(manifest.matches("validator:").count(), 3);
}
