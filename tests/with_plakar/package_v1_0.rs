//! The package for Plakar 1.0. No package manager gives that Plakar out, so what its `pkg create`
//! demands is checked here: read from plugins/manifest.go and subcommands/pkg in
//! github.com/PlakarKorp/plakar at v1.0.6, and seen with the real 1.0.6.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Deserialize;

use super::person::{Person, VERSION, package_name};

/// All that 1.0.6 knows in a manifest; it passes over anything else, which would then do nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that there are no others is what is checked")]
struct Manifest {
    name: String,
    display_name: String,
    description: String,
    homepage: String,
    license: String,
    tags: Vec<String>,
    api_version: String,
    version: String,
    connectors: Vec<Connector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Connector {
    r#type: String,
    protocols: Vec<String>,
    executable: String,
    args: Vec<String>,
    #[serde(default)]
    extra_files: Vec<String>,
}

/// Does what `pkg create` of 1.0.6 does with a manifest, and gives the files of the package.
fn pack(folder: &Path, manifest: &str) -> Result<BTreeSet<String>, String> {
    let manifest: Manifest = serde_norway::from_str(manifest)
        .map_err(|error| format!("failed to decode the manifest: {error}"))?;
    let numbers: Vec<_> = manifest
        .version
        .strip_prefix('v')
        .ok_or("the version has no v")?
        .split('.')
        .map(str::parse::<u32>)
        .collect();
    if numbers.len() != 3 || numbers.iter().any(Result::is_err) {
        return Err(format!("version {} is not vX.Y.Z", manifest.version));
    }
    if manifest.name.contains('_') || manifest.api_version != "v1.0.0" {
        return Err(format!("name {}, API version {}", manifest.name, manifest.api_version));
    }
    let mut records = BTreeSet::from(["manifest.yaml".to_owned()]);
    let mut add = |name: &str, must_run: bool| {
        let metadata = std::fs::metadata(folder.join(name))
            .map_err(|error| format!("Failed to open file: {name}: {error}"))?;
        if must_run && metadata.permissions().mode() & 0o111 == 0 {
            return Err(format!("Not executable: {name}"));
        }
        // Each file comes with a record of each folder above it.
        for path in Path::new(name).ancestors().filter(|path| !path.as_os_str().is_empty()) {
            if !records.insert(path.to_str().unwrap().to_owned()) {
                return Err(format!("Item already exists: {}", path.display()));
            }
        }
        Ok(())
    };
    for connector in &manifest.connectors {
        if !["importer", "exporter", "storage"].contains(&connector.r#type.as_str()) {
            return Err(format!("unknown plugin type: {}", connector.r#type));
        }
        add(&connector.executable, true)?;
        connector.extra_files.iter().try_for_each(|file| add(file, false))?;
    }
    Ok(records)
}

#[test]
fn plakar_1_0_can_make_the_package_of_what_is_laid_out() {
    let person = Person::new();
    person.clones();
    // What it is given is kept; more than the manifest is "wrong usage".
    let kept = person.shell.path("kept");
    person.types(&format!(
        "cat > bin/plakar-1.0 <<'END'\n#!/bin/sh\ntest \"$1 $2 $3\" = 'pkg create -out' && test $# = 5 || {{ echo 'wrong usage' >&2; exit 1; }}\ncp -R \"${{5%/*}}\" {kept}\n: > \"$4\"\nEND\nchmod +x bin/plakar-1.0"
    ));
    person.types("make -C clone package PLAKAR_API=v1.0 PLAKAR_1_0=$HOME/bin/plakar-1.0");
    person.types(&format!("test -e clone/plakar-1.0/{}", package_name()));

    let kept = Path::new(&kept);
    let text = std::fs::read_to_string(kept.join("manifest.yaml")).unwrap();
    let files = pack(kept, &text).unwrap_or_else(|problem| panic!("{problem}: {text}"));
    let expected = [
        "LICENSE",
        "THIRD-PARTY-LICENSES",
        "assets",
        "assets/icon.svg",
        "manifest.yaml",
        "plakar-opendrive",
        "plakar-opendrive-exporter",
        "plakar-opendrive-storage",
    ];
    assert_eq!(files.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    // One file, of which Plakar stores one.
    let bytes = |name: &str| std::fs::read(kept.join(name)).unwrap();
    assert!(
        bytes("plakar-opendrive") == bytes("plakar-opendrive-storage")
            && bytes("plakar-opendrive") == bytes("plakar-opendrive-exporter")
    );

    let manifest: Manifest = serde_norway::from_str(&text).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("rclone", VERSION));
    let connectors: Vec<_> =
        manifest.connectors.iter().map(|connector| connector.r#type.as_str()).collect();
    assert_eq!(connectors, ["importer", "storage", "exporter"]);
    for connector in &manifest.connectors {
        assert_eq!(connector.protocols, ["rclone", "opendrive"]);
        assert_eq!(connector.args, [connector.r#type.as_str(), "--plakar-api", "v1.0"]);
    }

    // The checker refuses what 1.0.6 refuses: one name for all, as the manifest for 1.1 has it, no
    // version, a file that is missing.
    let refused = |manifest: &str| pack(kept, manifest).unwrap_err();
    assert_eq!(
        refused(&text.replace("plakar-opendrive-storage", "plakar-opendrive")),
        "Item already exists: plakar-opendrive"
    );
    assert!(refused(&text.replace(&format!("version: {VERSION}\n"), "")).contains("version"));
    assert!(
        refused(&text.replace("[LICENSE,", "[LICENCE,"))
            .starts_with("Failed to open file: LICENCE")
    );
    let of_1_1 = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/manifest.yaml"),
    )
    .unwrap();
    assert!(refused(&of_1_1).starts_with("failed to decode the manifest"));

    // `plakar pkg build` packs what bare make lays out.
    person.types("PLAKAR_API=v1.0 make -C clone");
    let laid_out = person.shell.home().join("clone");
    let text = std::fs::read_to_string(laid_out.join("manifest.yaml")).unwrap();
    assert_eq!(pack(&laid_out, &text).unwrap().len(), expected.len());
}
