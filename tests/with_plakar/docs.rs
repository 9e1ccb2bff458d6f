//! The documentation: every command in it is run as it stands there, every link leads somewhere,
//! every error message that it explains is one of ours, and the options are those of the schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use opendrive_sim::{Options, Simulator};
use support::plakar::{package, plakar};
use support::user::Plakar;
use support::{executable, platform};

use crate::scripts::{write_plakar, write_script};

/// The simulator's password by `rclone obscure`.
const OBSCURED: &str = "9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8";

const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

const PASSPHRASE: &str = "correct horse battery staple";

/// What stands for SNAPSHOT: the latest in the store on the local disk.
const LATEST: &str = "$(plakar at ./store ls | awk 'NR == 1 { print $2 }')";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages, by their path from the root.
fn pages() -> BTreeMap<String, String> {
    let files = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from).into_iter();
    let docs = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| PathBuf::from("docs").join(entry.unwrap().file_name()));
    let pages = files
        .chain(docs)
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages
        .map(|path| {
            (
                path.to_str().unwrap().to_owned(),
                std::fs::read_to_string(root().join(&path)).unwrap(),
            )
        })
        .collect()
}

/// The blocks of shell commands of a page, with the line that each begins at.
fn commands(page: &str) -> Vec<(usize, String)> {
    let (mut blocks, mut open) = (Vec::new(), None::<(usize, String)>);
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line) {
            (None, "```sh") => open = Some((number + 2, String::new())),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some((_, block)), _) => _ = writeln!(block, "{line}"),
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "a block of commands is not closed");
    blocks
}

/// A user who follows a page: plakar, rclone with a configuration, and our executable on the path;
/// the package beside; a drive with something on it.
struct Reader {
    user: Plakar,
    simulator: Simulator,
}

impl Reader {
    fn new() -> Self {
        let simulator = Simulator::start(Options::default()).unwrap();
        for (path, bytes) in [
            ("Documents/letter.txt", &b"Dear all"[..]),
            ("Documents/budget.csv", b"1,2,3"),
            ("Photos/a.jpg", &[7; 100_000]),
        ] {
            simulator.drive().put_file(path, bytes.to_vec(), 1_700_000_000);
        }
        let user = Plakar::without_package(&plakar(), &simulator.env());
        let bin = user.home().join("bin");
        std::fs::create_dir(&bin).unwrap();
        write_plakar(&bin.join("plakar"));
        std::os::unix::fs::symlink(executable(), bin.join("plakar-opendrive")).unwrap();
        let config = format!(
            "[mydrive]\ntype = opendrive\nusername = {}\npassword = {OBSCURED}\n\n[secret]\ntype = crypt\nremote = mydrive:Encrypted\npassword = {OBSCURED}\n",
            simulator.username()
        );
        let rclone =
            format!("#!/bin/sh\ntest \"$*\" = 'config show' && cat <<'END'\n{config}END\n");
        write_script(&bin.join("rclone"), &rclone);
        std::fs::copy(package(), user.home().join(format!("rclone_{VERSION}_{}.ptar", platform())))
            .unwrap();
        std::fs::write(user.home().join(".passphrase"), PASSPHRASE).unwrap();
        std::fs::create_dir(user.home().join("Pictures")).unwrap();
        std::fs::write(user.home().join("Pictures/b.jpg"), [8; 50_000]).unwrap();
        Self { user, simulator }
    }

    /// Gives the reader the archive that `make dist` makes for this machine.
    fn receive_archive(&self) {
        let (home, name) =
            (self.user.path(""), format!("plakar-opendrive_{VERSION}_{}", platform()));
        let script = format!(
            "packaging/stage {executable} {VERSION} {platform} {home}{name} {executable}; cd {home}; tar -cf {name}.tar.gz {name}; rm -r {name}",
            executable = executable(),
            platform = platform(),
        );
        let status =
            Command::new("sh").args(["-euc", &script]).current_dir(root()).status().unwrap();
        assert!(status.success(), "{script}");
    }

    /// Runs a block. What is the reader's own to fill in is filled in.
    fn run(&self, block: &str) -> Result<(), String> {
        let script = block
            .replace("me@example.com", self.simulator.username())
            .replace("my password", self.simulator.password());
        let script = script.replace("SNAPSHOT", LATEST).replace("linux_amd64", &platform());
        // What builds and tests this project is not run within its own tests: that the target is
        // there is checked, and of `make install` its last step is done. Nothing is fetched from
        // elsewhere.
        let make = format!(
            "make() {{ command make -C {} --dry-run \"$@\" >/dev/null; test \"$*\" != install || {{ tar xf ~/plakar-opendrive_*.tar.gz -C \"$TMPDIR\"; \"$TMPDIR\"/plakar-opendrive_*/install; }}; }}
             git() {{ test \"$*\" = 'clone https://github.com/plakar-opendrive/plakar-opendrive' && mkdir plakar-opendrive; }}\n",
            root().display()
        );
        let command = self.user.command(&[]);
        let mut shell = Command::new("timeout");
        shell.args(["300", "bash", "-euo", "pipefail", "-c", &(make + &script)]);
        shell.env_clear().envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let path = format!("{}:{}", self.user.path("bin"), std::env::var("PATH").unwrap());
        shell.env("PATH", path).env("PLAKAR_PASSPHRASE", PASSPHRASE).current_dir(self.user.home());
        let output = shell.stdin(Stdio::null()).output().unwrap();
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("{}\n{script}\n{text}", output.status))
        }
    }
}

/// Follows a page from its beginning to its end.
fn follow(name: &str, page: &str) -> Result<(), String> {
    let blocks = commands(page);
    if blocks.is_empty() {
        return Ok(());
    }
    let reader = Reader::new();
    // README says how to install; the guides begin where it ends.
    if name == "README.md" {
        reader.receive_archive();
    } else {
        reader.user.install(package());
    }
    blocks.iter().try_for_each(|(line, block)| {
        reader.run(block).map_err(|message| format!("{name}:{line}: {message}"))
    })
}

#[test]
fn every_command_can_be_run() {
    let pages = pages();
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            pages.iter().map(|(name, page)| scope.spawn(move || follow(name, page))).collect();
        for reader in readers {
            reader.join().unwrap().unwrap_or_else(|message| panic!("{message}"));
        }
    });
}

/// How a heading is named in a link to it, as GitHub does.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn headings(page: &str) -> impl Iterator<Item = &str> {
    page.lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim())
}

/// The path of a link from a folder of the repository, as pages are named.
fn joined(folder: &Path, link: &str) -> PathBuf {
    let mut path = folder.to_owned();
    for part in link.split('/') {
        if part == ".." {
            path.pop();
        } else {
            path.push(part);
        }
    }
    path
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    for (name, page) in &pages {
        for link in
            page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
        {
            if link.starts_with("https://") {
                continue;
            }
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            let path = if file.is_empty() {
                PathBuf::from(name)
            } else {
                joined(Path::new(name).parent().unwrap(), file)
            };
            assert!(root().join(&path).exists(), "{name}: {link}: there is no such file");
            if !part.is_empty() {
                let target = pages
                    .get(path.to_str().unwrap())
                    .unwrap_or_else(|| panic!("{name}: {link}: not a page"));
                assert!(
                    headings(target).any(|heading| anchor(heading) == part),
                    "{name}: {link}: there is no such heading"
                );
            }
        }
    }
}

/// A file that a page names in backticks is there: by its path from the top or from tests/, or,
/// if it is a mere name, anywhere among our sources.
#[test]
fn every_file_that_is_named_is_there() {
    let mut names = BTreeSet::new();
    for folder in OUR_FOLDERS {
        file_names(&root().join(folder), &mut names);
    }
    let is_there = |file: &str| {
        names.contains(file)
            || root().join(file).exists()
            || root().join("tests").join(file).exists()
    };
    let mut missing = Vec::new();
    for (name, page) in &pages() {
        let named = page.split('`').skip(1).step_by(2);
        let files = named.filter(|text| {
            (text.ends_with(".rs") || text.ends_with(".go")) && !text.contains([' ', '*', '{'])
        });
        missing.extend(files.filter(|file| !is_there(file)).map(|file| format!("{name}: {file}")));
    }
    // A file of rclone's.
    missing.retain(|file| !file.ends_with("fs/operations/reopen.go"));
    assert!(missing.is_empty(), "no such files: {missing:#?}");
}

/// Where our sources are.
const OUR_FOLDERS: [&str; 10] = [
    "app",
    "app-cli",
    "console",
    "go",
    "packaging",
    "plakar-driver",
    "rclone-sys",
    "src",
    "terminal",
    "tests",
];

/// The names of all files below a folder.
fn file_names(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            file_names(&path, names);
        } else {
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
}

/// All our sources in one text.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "go") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// Whether all the pieces stand one after another in a line.
fn has_in_order(line: &str, pieces: &[&str]) -> bool {
    let mut rest = line;
    pieces
        .iter()
        .all(|piece| rest.find(piece).inspect(|at| rest = &rest[at + piece.len()..]).is_some())
}

#[test]
fn the_messages_that_are_explained_are_ours() {
    let mut text = String::new();
    sources(&root().join("src"), &mut text);
    for package in ["core", "drive", "fault"] {
        sources(&root().join("go").join(package), &mut text);
    }
    text.push_str(&std::fs::read_to_string(root().join("packaging/schema/store.json")).unwrap());
    // With the words of the schemas filled in, and what is Plakar's own.
    let text = text.replace("{key}", "\"username\" \"rclone_type\"")
        + "protocol rclone already provided by another installed package";
    // A message that is broken over lines, and the quotes within one.
    let text = text.replace("\\\n", "").replace("\\\"", "\"").replace('`', "");
    let page = std::fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let messages: Vec<&str> = headings(&page)
        .filter_map(|heading| heading.strip_prefix('`')?.strip_suffix('`'))
        .collect();
    assert!(messages.len() > 20);
    for message in messages {
        let pieces: Vec<&str> =
            message.split('…').map(str::trim).filter(|piece| !piece.is_empty()).collect();
        assert!(
            text.lines().any(|line| has_in_order(line, &pieces)),
            "{message}: no message of ours reads so"
        );
    }
}

#[test]
fn the_options_are_those_of_the_schemas() {
    let page = std::fs::read_to_string(root().join("docs/options.md")).unwrap();
    let rows: BTreeMap<&str, Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.len() == 4)
        .map(|cells| (cells[0].split('`').nth(1).unwrap(), cells))
        .collect();
    let mut known = std::collections::BTreeSet::new();
    for name in ["source", "destination", "store"] {
        let text =
            std::fs::read_to_string(root().join(format!("packaging/schema/{name}.json"))).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        for (option, property) in schema["properties"].as_object().unwrap() {
            let row = rows
                .get(option.as_str())
                .unwrap_or_else(|| panic!("docs/options.md lacks {option}"));
            // That of encoding is a page long.
            let default = property["default"].as_str().filter(|default| default.len() < 40);
            if let Some(default) = default.filter(|default| !default.is_empty()) {
                assert!(
                    row[1].contains(default),
                    "{option}: the default is {default}, the page says {}",
                    row[1]
                );
            }
            known.insert(option.clone());
        }
    }
    let rows: Vec<&str> = rows.keys().filter(|option| !known.contains(**option)).copied().collect();
    assert!(rows.is_empty(), "no schema knows {rows:?}");
}
