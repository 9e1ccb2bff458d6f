//! The package, as people make and install it: every command is typed into a shell, word for word.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::executable;
use crate::common::plakar::{Plakar, plakar};
use opendrive_sim::{Options, Simulator};

const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// What `rclone config show` prints; the password is the simulator's, by `rclone obscure`.
const RCLONE_CONFIG: &str = "[other]
type = memory

[mydrive]
type = opendrive
username = user@example.com
password = 9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8
";

/// Somebody at a shell with plakar, git, make and rclone, and with a drive that can be reached.
struct Person {
    simulator: Simulator,
    shell: Plakar,
}

impl Person {
    fn new() -> Self {
        let simulator = Simulator::start(Options::default()).unwrap();
        let shell = Plakar::without_package(Path::new("/bin/sh"), &[]);
        let bin = shell.home().join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(plakar(), bin.join("plakar")).unwrap();
        let script = |name: &str, text: &str| {
            std::fs::write(bin.join(name), text).unwrap();
            std::fs::set_permissions(bin.join(name), PermissionsExt::from_mode(0o755)).unwrap();
        };
        std::fs::write(shell.path("rclone.conf"), RCLONE_CONFIG).unwrap();
        script("rclone", "#!/bin/sh\ntest \"$*\" = 'config show' && exec cat \"$HOME/rclone.conf\"\n");
        // What Cargo would build is there already: building it again takes minutes.
        script("cargo", "#!/bin/sh\nexit 0\n");
        script("go", "#!/bin/sh\nexit 0\n");
        // rustup finds no toolchain in a home that is not its own.
        script("rustc", &format!("#!/bin/sh\necho 'host: {}-unknown-linux-gnu'\n", std::env::consts::ARCH));
        simulator.drive().put_file("Documents/letter.txt", b"Dear all".to_vec(), 1_700_000_000);
        Self { simulator, shell }
    }

    /// Types a command line, which must succeed, and gives what it printed.
    fn types(&self, line: &str) -> String {
        self.shell.ok(&["-c", &self.prepared(line)])
    }

    /// Types a command line, which must fail, and gives what it printed.
    fn fails(&self, line: &str) -> String {
        let outcome = self.shell.run(&["-c", &self.prepared(line)]);
        assert_ne!(outcome.code, Some(0), "{line}: {}", outcome.text());
        outcome.text()
    }

    fn prepared(&self, line: &str) -> String {
        let path = std::env::var("PATH").unwrap();
        let environment: String = self.simulator.env().iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
        // The executable is named to make, which takes everything else from the repository.
        format!("set -e\nexport PATH=\"$HOME/bin:{path}\" MAKEFLAGS='EXECUTABLE={} NOTICES=true'\n{environment}{line}", executable())
    }

    /// A repository with all that is here, committed or not, and the tag that the recipe names.
    fn repository(&self) -> PathBuf {
        let (repository, tree) = (self.shell.path("repository"), env!("CARGO_MANIFEST_DIR"));
        self.types(&format!(
            "git init -q --bare '{repository}'
             git() {{ command git --git-dir='{repository}' --work-tree='{tree}' -c core.bare=false -c user.name=test -c user.email=test@example.com \"$@\"; }}
             git add --all -- '{tree}'
             git commit -q --message=everything
             git tag {VERSION}"
        ));
        PathBuf::from(repository)
    }

    fn snapshots(&self) -> usize {
        self.types("plakar at ./store ls").lines().count()
    }
}

fn package_name() -> String {
    let (os, arch) = (std::env::consts::OS, if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" });
    format!("rclone_{VERSION}_{os}_{arch}.ptar")
}

#[test]
fn plakar_builds_the_package_from_a_clone_and_four_commands_lead_to_a_backup() {
    let person = Person::new();
    let recipe = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("recipe.yaml")).unwrap();
    let homepage = "https://github.com/plakar-opendrive/plakar-opendrive";
    assert!(recipe.contains(&format!("\nversion: {VERSION}\nrepository: {homepage}\n")), "{recipe}");
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
    assert_eq!(inside.lines().map(|line| line.trim_start_matches("./")).collect::<Vec<_>>(), expected);
    if std::env::var_os("PLAKAR_OPENDRIVE").is_some() {
        let size = std::fs::metadata(person.shell.path(&package)).unwrap().len();
        assert!(size <= 15_000_000, "{size} bytes");
    }
}

#[test]
fn configurations_outlive_installing_again_and_the_next_backup_works() {
    let person = Person::new();
    let repository = person.repository();
    person.types(&format!("git clone -q 'file://{}' clone", repository.display()));
    // As if `make plakar` had been run: it is not what is tested, and takes minutes.
    person.types("mkdir -p clone/target/tools; cp -L bin/plakar clone/target/tools/");
    person.types("make -C clone install");
    assert_eq!(person.types("plakar pkg list").trim(), format!("rclone@{VERSION}"));

    for kind in ["source", "destination", "store"] {
        person.types(&format!("rclone config show | plakar {kind} import -rclone mydrive"));
        assert_eq!(person.types(&format!("plakar {kind} ping mydrive")).trim(), "configuration OK");
    }
    // Without rclone.
    let (user, password) = (person.simulator.username(), person.simulator.password());
    person.types(&format!("plakar source add native opendrive://Documents username='{user}' password='{password}'"));
    assert_eq!(person.types("plakar source ping native").trim(), "configuration OK");
    person.types("plakar at ./store create -plaintext; plakar at ./store backup @mydrive");
    let before = person.types("plakar source show; plakar destination show; plakar store show");
    assert!(person.fails(&format!("plakar pkg add ./clone/{}", package_name())).contains("already installed"));

    person.types("make -C clone reinstall");
    assert_eq!(person.types("plakar pkg list").trim(), format!("rclone@{VERSION}"));
    person.types("plakar at ./store backup @mydrive");
    // The next version, as a user gets it: a package.
    person.types(&format!(
        "git -C clone ls-files | grep -q recipe.yaml
         cd clone; PLAKAR=../bin/plakar packaging/make-package '{}' v9.9.9 {}",
        executable(),
        package_name().replace(VERSION, "v9.9.9"),
    ));
    person.types(&format!("plakar pkg rm rclone; plakar pkg add ./clone/{}", package_name().replace(VERSION, "v9.9.9")));
    assert_eq!(person.types("plakar pkg list").trim(), "rclone@v9.9.9");
    person.types("plakar at ./store backup @mydrive");
    assert_eq!(person.snapshots(), 3);

    // As a destination and as a store, with what was imported before.
    person.types("plakar destination set mydrive location=rclone:///Restored; plakar store set mydrive location=rclone:///Backups");
    person.types("plakar at ./store restore -to @mydrive \"$(plakar at ./store ls | head -n 1 | cut -d' ' -f4):/Documents\"");
    assert_eq!(person.simulator.drive().read_file("Restored/letter.txt").unwrap(), b"Dear all");
    person.types("plakar at @mydrive create -plaintext; plakar at @mydrive backup @mydrive; plakar at @mydrive check");

    person.types("make -C clone uninstall");
    assert_eq!(person.types("plakar pkg list").trim(), "");
    let after = person.types("plakar source show; plakar destination show; plakar store show");
    assert_eq!(after.matches("mydrive").count(), before.matches("mydrive").count(), "{after}");
}

/// Plakar's own check of packages (validator/manifest in github.com/PlakarKorp/pkg) takes no other names.
#[test]
fn the_manifest_has_what_plakar_knows_and_nothing_else() {
    const TOP: [&str; 10] =
        ["name", "display_name", "description", "tier", "contact", "homepage", "license", "tags", "api_version", "connectors"];
    const CONNECTOR: [&str; 7] = ["type", "class", "validator", "protocols", "executable", "args", "extra_files"];
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
