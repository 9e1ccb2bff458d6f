//! The borders of docs/ARCHITECTURE.md, read from the imports: which room may import which, and no circle of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use regex_lite::Regex;

/// A package: its sources, and for each of its rooms those that it may import. A room is a folder or a file at the top.
struct Package {
    sources: &'static str,
    rooms: &'static [(&'static str, &'static [&'static str])],
    /// A circle of files is fine here.
    circles: Option<&'static str>,
}

const PACKAGES: [Package; 6] = [
    Package {
        sources: "src",
        rooms: &[
            ("hex", &[]),
            ("panics", &[]),
            ("rclone", &[]),
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
        sources: "plakar-driver/src",
        rooms: &[
            ("error", &[]),
            ("names", &["error"]),
            ("token", &["error"]),
            ("folders", &["error"]),
            ("outcome", &["error"]),
            ("retention", &[]),
            ("tags", &["error", "names"]),
            ("process", &["error"]),
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
            ("state", &["model"]),
            ("scheduler", &["model", "state"]),
            ("export", &["model", "state"]),
            ("service", &["export", "model", "scheduler", "state"]),
        ],
        circles: None,
    },
    Package {
        sources: "console/src",
        rooms: &[
            ("problem", &[]),
            ("routes", &[]),
            ("server", &[]),
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
            ("console", &["failure", "opened"]),
            ("main", &["app", "console", "failure", "opened"]),
        ],
        circles: None,
    },
];

/// The path of a module from the root of its package: `["state", "queue"]`.
type Module = Vec<String>;

/// The modules of a package, and which of them each one imports.
struct Imports {
    texts: BTreeMap<Module, String>,
    used: Regex,
    named: Regex,
    called: Regex,
    reexported: Regex,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder that end so.
fn files(folder: &Path, end: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, end, found);
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
}

/// A file without comments and without its tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The paths of a `use`: `a::{b, c::d as e}` is `a::b` and `a::c::d`.
fn paths(tree: &str, before: &str, found: &mut Vec<Module>) {
    let tree = tree.trim();
    let Some((start, group)) = tree.split_once('{') else {
        let path = format!("{before}{}", tree.split(" as ").next().unwrap_or_default().trim());
        found.push(path.split("::").map(str::to_owned).collect());
        return;
    };
    let group = group.trim().strip_suffix('}').unwrap_or(group);
    let (mut depth, mut from) = (0, 0);
    for (at, letter) in group.char_indices().chain([(group.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !group[from..at].trim().is_empty() {
                    paths(&group[from..at], &format!("{before}{start}"), found);
                }
                from = at + 1;
            }
            _ => {}
        }
    }
}

impl Imports {
    fn of(sources: &Path) -> Self {
        let mut found = Vec::new();
        files(sources, ".rs", &mut found);
        let mut texts = BTreeMap::new();
        for path in found {
            let relative = path.strip_prefix(sources).unwrap().with_extension("");
            let mut module: Module =
                relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if module[0] == "bin" || module.last().is_some_and(|last| last.ends_with("_tests")) {
                continue;
            }
            if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
                module.pop();
            }
            texts.insert(module, code(&path));
        }
        Self {
            texts,
            used: Regex::new(r"\b(?:pub(?:\([a-z ]+\))? )?use ([^;]+);").unwrap(),
            named: Regex::new(r"\b((?:crate|super)(?:::[A-Za-z_0-9]+)+)").unwrap(),
            called: Regex::new(r"(?:^|[^A-Za-z0-9_:.])([a-z_0-9]+)::[A-Za-z_]").unwrap(),
            reexported: Regex::new(r"\bpub(?:\([a-z ]+\))? use ([^;]+);").unwrap(),
        }
    }

    /// A path as it counts from the root of the package; `None` for another package's.
    fn absolute(&self, from: &Module, path: &[String]) -> Option<Module> {
        let (mut base, mut rest) = match path[0].as_str() {
            "crate" => (Module::new(), &path[1..]),
            "self" => (from.clone(), &path[1..]),
            "super" => (from.clone(), path),
            first => {
                let mut below = from.clone();
                below.push(first.to_owned());
                (from.clone(), self.texts.contains_key(&below).then_some(path)?)
            }
        };
        while rest.first().is_some_and(|first| first == "super") {
            base.pop();
            rest = &rest[1..];
        }
        base.extend(rest.iter().filter(|part| *part != "self").cloned());
        Some(base)
    }

    /// The module that a path leads into: where it is defined, not where it is handed on.
    fn resolved(&self, path: &Module, depth: usize) -> Module {
        let module = (0..=path.len())
            .rev()
            .map(|length| path[..length].to_vec())
            .find(|module| self.texts.contains_key(module));
        let module = module.unwrap_or_default();
        let Some(wanted) = path.get(module.len()).filter(|_| depth < 10) else { return module };
        let Some(text) = self.texts.get(&module) else { return module };
        for tree in self.reexported.captures_iter(text) {
            let mut found = Vec::new();
            paths(&tree[1], "", &mut found);
            for handed_on in found.iter().filter(|path| path.last() == Some(wanted)) {
                if let Some(mut there) = self.absolute(&module, handed_on) {
                    there.extend_from_slice(&path[module.len() + 1..]);
                    return self.resolved(&there, depth + 1);
                }
            }
        }
        module
    }

    /// What a module imports. What it only hands on is not counted.
    fn from(&self, module: &Module) -> BTreeSet<Module> {
        let text = &self.texts[module];
        let mut found = Vec::new();
        let kept = self.reexported.replace_all(text, "");
        for tree in self.used.captures_iter(&kept) {
            paths(&tree[1], "", &mut found);
        }
        let rest = self.used.replace_all(&kept, "");
        let split = |path: &str| path.split("::").map(str::to_owned).collect();
        found.extend(self.named.captures_iter(&rest).map(|path| split(&path[1])));
        let called = self.called.captures_iter(&rest).map(|path| path[1].to_owned());
        found.extend(
            called
                .filter(|first| !matches!(first.as_str(), "crate" | "self" | "super"))
                .map(|first| vec![first]),
        );
        let imported = found
            .iter()
            .filter_map(|path| self.absolute(module, path))
            .map(|path| self.resolved(&path, 0));
        imported.filter(|imported| imported != module).collect()
    }
}

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

/// A package that Plakar starts has none of the source app in it, and the source app nothing of rclone.
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
        [Path::new("go/drive/fields.go"), Path::new("go/main.go")].into()
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
