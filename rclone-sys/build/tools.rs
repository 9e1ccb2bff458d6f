//! The tools that the build needs, and what to say when one is missing.

use std::env;
use std::path::Path;
use std::process::Command;

/// The platform that is built for, in Go's words.
pub struct Target {
    pub os: &'static str,
    pub arch: &'static str,
}

impl Target {
    /// Reads what Cargo tells of the target; `cfg!` would tell of the machine that builds.
    pub fn from_environment() -> Result<Self, String> {
        let os = required("CARGO_CFG_TARGET_OS")?;
        let arch = required("CARGO_CFG_TARGET_ARCH")?;
        let musl = required("CARGO_CFG_TARGET_ENV")? == "musl";
        if musl && os == "linux" {
            return Err(
                "a Go archive crashes at start-up in a static musl program (golang/go#13492): \
                        build for the gnu target, it is linked statically as well"
                    .into(),
            );
        }
        Ok(Self {
            os: match os.as_str() {
                "linux" => "linux",
                "macos" => "darwin",
                "windows" => "windows",
                "freebsd" => "freebsd",
                other => {
                    return Err(format!("no Go name is known for the operating system {other}"));
                }
            },
            arch: match arch.as_str() {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => return Err(format!("no Go name is known for the architecture {other}")),
            },
        })
    }
}

/// The Go command.
pub struct Go {
    pub command: String,
}

impl Go {
    /// Finds Go and makes sure that it is new enough for `source/go.mod`.
    pub fn find(source: &Path) -> Result<Self, String> {
        println!("cargo::rerun-if-env-changed=GO");
        let command = env::var("GO").unwrap_or_else(|_| "go".into());
        let wanted = wanted_version(source)?;
        let output = Command::new(&command).args(["env", "GOVERSION"]).current_dir(source).output().map_err(|error| {
            format!(
                "rclone is written in Go, and the command `{command}` does not start ({error}).\n\
                     Install Go {wanted} or newer (https://go.dev/dl, or the package golang-go of your \
                     distribution if it is new enough), or set GO to its path."
            )
        })?;
        let answer = String::from_utf8_lossy(&output.stdout);
        if output.status.success()
            && number(answer.trim().trim_start_matches("go")) >= number(&wanted)
        {
            return Ok(Self { command });
        }
        Err(format!(
            "rclone needs Go {wanted} or newer, `{command} env GOVERSION` says: {}{}\n\
             Install it from https://go.dev/dl, or set GO to the path of a newer one.",
            answer.trim(),
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }
}

/// The line `go 1.26` of go.mod.
fn wanted_version(source: &Path) -> Result<String, String> {
    let path = source.join("go.mod");
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.lines()
        .find_map(|line| line.strip_prefix("go "))
        .map(|version| version.trim().to_owned())
        .ok_or_else(|| format!("{}: there is no line `go VERSION`", path.display()))
}

/// `1.26.8` as `[1, 26]`: the patch release is no matter.
fn number(version: &str) -> Vec<u32> {
    version
        .split('.')
        .take(2)
        .map(|part| {
            part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
        })
        .collect()
}

/// The C compiler for the target, for cgo.
pub fn c_compiler() -> Result<cc::Tool, String> {
    let advice = "Install one (Debian and Ubuntu: apt-get install gcc libc6-dev; Fedora: dnf install gcc \
                  glibc-static), or set CC to its path.";
    let tool = cc::Build::new()
        .cargo_warnings(false)
        .try_get_compiler()
        .map_err(|error| format!("no C compiler was found ({error}); cgo needs one.\n{advice}"))?;
    match tool.to_command().arg("--version").output() {
        Ok(_) => Ok(tool),
        Err(error) => Err(format!(
            "the C compiler `{}` does not start ({error}); cgo needs one.\n{advice}",
            tool.path().display()
        )),
    }
}

/// A variable that Cargo sets for build scripts.
pub fn required(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: is this not run by Cargo?"))
}
