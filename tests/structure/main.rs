//! The borders of docs/ARCHITECTURE.md, read from the imports: which room may import which, and no
//! import cycle.

mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use imports::{Imports, Module, code, files};
use regex_lite::Regex;

/// A package: its sources, and for each of its rooms those that it may import. A room is a folder
/// or a file at the top.
struct Package {
    sources: &'static str,
    rooms: &'static [(&'static str, &'static [&'static str])],
    /// Where an import cycle is fine.
    circles: Option<&'static str>,
}

const PACKAGES: [Package; 7] = [
    Package {
        sources: "src",
        rooms: &[
            ("hex", &[]),
            ("panics", &[]),
            ("rclone", &["hex"]),
            ("connector", &["hex", "panics", "rclone"]),
            ("plugin", &["connector", "panics", "rclone"]),
            ("cli", &["connector", "plugin", "rclone"]),
            ("main", &[]),
        ],
        circles: Some("rclone"),
    },
    Package {
        sources: "terminal/src",
        rooms: &[
            ("text", &[]),
            ("signals", &[]),
            ("diagnostics", &[]),
            ("command_tree", &[]),
            ("exit", &["signals", "text"]),
            ("output", &["text"]),
            ("ask", &["exit", "signals", "text"]),
            ("runtime", &["exit", "signals"]),
            ("manual", &["exit"]),
            ("command_line", &["diagnostics", "exit", "output"]),
        ],
        circles: None,
    },
    Package {
        sources: "plakar-cache/src",
        rooms: &[("packages", &[]), ("space", &[]), ("folders", &["packages", "space"])],
        circles: None,
    },
    Package {
        sources: "plakar-driver/src",
        rooms: &[
            ("disk_space", &[]),
            ("error", &[]),
            ("names", &["error"]),
            ("token", &["error"]),
            ("folders", &["error"]),
            ("outcome", &["error"]),
            ("retention", &[]),
            ("tags", &["error", "names"]),
            ("process", &["error", "token"]),
            ("configuration", &["error", "folders", "names", "process"]),
            ("browse", &["configuration", "error", "names", "outcome", "process", "tags", "token"]),
            (
                "jobs",
                &[
                    "browse",
                    "configuration",
                    "error",
                    "folders",
                    "names",
                    "outcome",
                    "process",
                    "retention",
                    "tags",
                    "token",
                ],
            ),
        ],
        circles: None,
    },
    Package {
        sources: "app/src",
        rooms: &[
            ("model", &[]),
            ("loopback", &[]),
            ("secret", &["loopback"]),
            ("state", &["model"]),
            ("scheduler", &["model", "state"]),
            ("export", &["model", "state"]),
            ("toml_faults", &[]),
            ("notify", &["loopback", "model", "secret", "state", "toml_faults"]),
            ("hooks", &["secret", "state", "toml_faults"]),
            ("service", &["export", "hooks", "model", "notify", "scheduler", "secret", "state"]),
        ],
        circles: None,
    },
    Package {
        sources: "console/src",
        rooms: &[
            ("problem", &[]),
            ("probes", &[]),
            ("routes", &[]),
            ("server", &[]),
            ("tokens", &["server"]),
            ("api", &["problem", "routes", "server"]),
            ("pages", &["problem", "routes", "server"]),
        ],
        circles: None,
    },
    Package {
        sources: "app-cli/src",
        rooms: &[
            ("failure", &[]),
            ("opened", &["failure"]),
            ("app", &["failure", "opened"]),
            ("console_options", &["failure", "opened"]),
            ("console_unit", &["console_options", "failure"]),
            ("console", &["console_options", "console_unit", "failure", "opened"]),
            ("main", &["app", "console", "console_options", "console_unit", "failure", "opened"]),
        ],
        circles: None,
    },
];

/// Those of the modules from which one can come back to them.
fn circle(imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut left = imports.clone();
    loop {
        let modules: BTreeSet<Module> = left.keys().cloned().collect();
        let imported: BTreeSet<Module> = left.values().flatten().cloned().collect();
        // What imports nothing that is left, or what nothing that is left imports, is in no circle.
        left.retain(|module, imports| {
            imported.contains(module) && imports.iter().any(|imported| modules.contains(imported))
        });
        for imports in left.values_mut() {
            imports.retain(|imported| modules.contains(imported));
        }
        if left.len() == modules.len() {
            return modules;
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn imports(package: &Package) -> BTreeMap<Module, BTreeSet<Module>> {
    let imports = Imports::of(&root().join(package.sources));
    imports.texts.keys().map(|module| (module.clone(), imports.from(module))).collect()
}

#[test]
fn no_room_imports_one_above_it() {
    let mut wrong = Vec::new();
    for package in &PACKAGES {
        let rooms: BTreeMap<&str, &[&str]> = package.rooms.iter().copied().collect();
        for (module, imported) in imports(package) {
            let Some(room) = module.first() else { continue };
            let Some(allowed) = rooms.get(room.as_str()) else {
                wrong.push(format!("{}: the room {room} is not in the table", package.sources));
                continue;
            };
            for other in
                imported.iter().filter(|other| other.first().is_none_or(|other| other != room))
            {
                let other = other.first().map_or("the root", String::as_str);
                if !allowed.contains(&other) {
                    wrong.push(format!(
                        "{}: {} imports from {other}",
                        package.sources,
                        module.join("::")
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut wrong = Vec::new();
    for package in &PACKAGES {
        let mut imports = imports(package);
        imports.retain(|module, _| {
            module.first().map(String::as_str) != package.circles || package.circles.is_none()
        });
        let circle: Vec<String> = circle(&imports).iter().map(|module| module.join("::")).collect();
        if !circle.is_empty() {
            wrong.push(format!("{}: {}", package.sources, circle.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A package that Plakar starts has none of the source app in it, and the source app nothing of
/// rclone.
#[test]
fn the_two_executables_share_only_what_they_should() {
    let tree = |package: &str| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "-p",
            package,
        ]);
        let output = cargo.current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .filter_map(|line| line.split(' ').next().map(str::to_owned))
            .collect::<BTreeSet<_>>()
    };
    let (plugin, app) = (tree("plakar-opendrive"), tree("app-cli"));
    for absent in [
        "axum-extra",
        "askama",
        "rusqlite",
        "reqwest",
        "argon2",
        "plakar-driver",
        "source-app",
        "web-console",
        "app-cli",
    ] {
        assert!(!plugin.contains(absent), "plakar-opendrive depends on {absent}");
    }
    assert!(
        plugin.contains("rclone-sys") && plugin.contains("terminal") && app.contains("axum-extra"),
        "{plugin:?} {app:?}"
    );
    for absent in ["rclone-sys", "plakar-opendrive", "tonic", "prost"] {
        assert!(!app.contains(absent), "app-cli depends on {absent}");
    }
}

/// Only these files reach around Go's and Rust's types.
#[test]
fn what_is_unsafe_is_in_few_files() {
    let mut go = Vec::new();
    files(&root().join("go"), ".go", &mut go);
    let unsafe_go = go.iter().filter(|path| !path.to_string_lossy().ends_with("_test.go"));
    let unsafe_go: Vec<_> = unsafe_go
        .filter(|path| code(path).contains("\"unsafe\""))
        .map(|path| path.strip_prefix(root()).unwrap())
        .collect();
    assert_eq!(
        BTreeSet::from_iter(unsafe_go),
        ["go/drive/fields.go", "go/guards/ftp.go", "go/main.go"].map(Path::new).into()
    );
    let mut rust = Vec::new();
    for package in &PACKAGES {
        files(&root().join(package.sources), ".rs", &mut rust);
    }
    let block = Regex::new(r"\bunsafe (\{|fn|impl|extern)").unwrap();
    let unsafe_rust: Vec<_> = rust
        .iter()
        .filter(|path| block.is_match(&code(path)))
        .map(|path| path.strip_prefix(root()).unwrap())
        .collect();
    assert_eq!(unsafe_rust, [Path::new("src/rclone/ffi.rs")]);
}

/// Plakar's options are spelt in one crate, so that another parser of Plakar's changes one file.
#[test]
fn plakars_options_are_spelt_in_one_place() {
    let mut rust = Vec::new();
    for sources in ["src", "plakar-driver/src", "app/src", "app-cli/src"] {
        files(&root().join(sources), ".rs", &mut rust);
    }
    let option = Regex::new(r#""-[a-z][a-z-]+[="]"#).unwrap();
    let spelt: Vec<_> = rust
        .iter()
        .filter(|path| option.is_match(&code(path)))
        .map(|path| path.strip_prefix(root()).unwrap())
        .collect();
    assert!(spelt.is_empty(), "in plakar-words/src/lib.rs instead: {spelt:?}");
    assert!(option.is_match(&code(&root().join("plakar-words/src/lib.rs"))));
}
