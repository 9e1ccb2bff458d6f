//! Somebody who makes and installs the package: every command is typed into a shell, word for word.

use std::path::{Path, PathBuf};

use opendrive_sim::{Options, Simulator};
use support::plakar::Plakar;
use support::{executable, platform};

use crate::scripts::{write_plakar, write_script};

/// The version that is built.
pub const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// What `rclone config show` prints; the password is the simulator's, by `rclone obscure`.
const RCLONE_CONFIG: &str = "[other]
type = memory

[mydrive]
type = opendrive
username = user@example.com
password = 9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8
";

/// Somebody at a shell with plakar, git, make and rclone, and with a drive that can be reached.
pub struct Person {
    pub simulator: Simulator,
    pub shell: Plakar,
}

impl Person {
    pub fn new() -> Self {
        let simulator = Simulator::start(Options::default()).unwrap();
        let shell = Plakar::without_package(Path::new("/bin/sh"), &[]);
        let bin = shell.home().join("bin");
        std::fs::create_dir(&bin).unwrap();
        write_plakar(&bin.join("plakar"));
        let script = |name: &str, text: &str| write_script(&bin.join(name), text);
        std::fs::write(shell.path("rclone.conf"), RCLONE_CONFIG).unwrap();
        script(
            "rclone",
            "#!/bin/sh\ntest \"$*\" = 'config show' && exec cat \"$HOME/rclone.conf\"\n",
        );
        // What Cargo would build is there already: building it again takes minutes.
        script("cargo", "#!/bin/sh\nexit 0\n");
        script("go", "#!/bin/sh\nexit 0\n");
        // rustup finds no toolchain in a home that is not its own.
        script(
            "rustc",
            &format!("#!/bin/sh\necho 'host: {}-unknown-linux-gnu'\n", std::env::consts::ARCH),
        );
        simulator.drive().put_file("Documents/letter.txt", b"Dear all".to_vec(), 1_700_000_000);
        Self { simulator, shell }
    }

    /// Types a command line, which must succeed, and gives what it printed.
    pub fn types(&self, line: &str) -> String {
        self.shell.ok(&["-c", &self.prepared(line)])
    }

    /// Types a command line, which must fail, and gives what it printed.
    pub fn fails(&self, line: &str) -> String {
        let outcome = self.shell.run(&["-c", &self.prepared(line)]);
        assert_ne!(outcome.code, Some(0), "{line}: {}", outcome.text());
        outcome.text()
    }

    fn prepared(&self, line: &str) -> String {
        let path = std::env::var("PATH").unwrap();
        let environment: String = self
            .simulator
            .env()
            .iter()
            .map(|(name, value)| format!("export {name}='{value}'\n"))
            .collect();
        // The executable is named to make, which takes everything else from the repository; that
        // tools are there and their libraries fetched is tested by tests/prerequisites.
        let flags =
            format!("EXECUTABLE={} NOTICES=true PREREQUISITES=true FETCH=true", executable());
        format!("set -e\nexport PATH=\"$HOME/bin:{path}\" MAKEFLAGS='{flags}'\n{environment}{line}")
    }

    /// A clone of the repository in the folder `clone`, where the real Plakar is built already: it
    /// is not what is tested, and takes minutes.
    pub fn clones(&self) {
        self.types(&format!("git clone -q 'file://{}' clone", self.repository().display()));
        self.types("mkdir -p clone/target/tools; cp -L bin/plakar clone/target/tools/");
    }

    /// A repository with all that is here, committed or not, and the tag that the recipe names.
    pub fn repository(&self) -> PathBuf {
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

    pub fn snapshots(&self) -> usize {
        self.types("plakar at ./store ls").lines().count()
    }
}

/// What `make package` makes.
pub fn package_name() -> String {
    format!("rclone_{VERSION}_{}.ptar", platform())
}
