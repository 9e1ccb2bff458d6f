//! Which modules a module imports, as far as its text says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex_lite::Regex;

/// The path of a module from the root of its package: `["state", "queue"]`.
pub type Module = Vec<String>;

/// The modules of a package, and which of them each one imports.
pub struct Imports {
    /// The code of each module, without comments and tests.
    pub texts: BTreeMap<Module, String>,
    used: Regex,
    named: Regex,
    called: Regex,
    reexported: Regex,
}

/// All files below a folder that end so.
pub fn files(folder: &Path, end: &str, found: &mut Vec<PathBuf>) {
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
pub fn code(path: &Path) -> String {
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
    /// Reads all modules below a folder.
    pub fn of(sources: &Path) -> Self {
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
    pub fn from(&self, module: &Module) -> BTreeSet<Module> {
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
