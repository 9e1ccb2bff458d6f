//! Builds the archive with `go build` and tells Cargo how to link it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::{Go, Target};

/// Tells Cargo to run the build script again when a file that goes into the archive changes.
/// Go's own build cache then keeps the rest.
pub fn watch(source: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-changed=build");
    for name in ["go.mod", "go.sum", "main.go"] {
        println!("cargo::rerun-if-changed={}", source.join(name).display());
    }
    for folder in ["core", "drive", "fault", "backends", "guards", "quiet"] {
        let folder = source.join(folder);
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut files: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        files.sort();
        // A new file must be noticed as well; a changed test need not.
        println!("cargo::rerun-if-changed={}", folder.display());
        for file in files.iter().filter(|file| !file.to_string_lossy().ends_with("_test.go")) {
            println!("cargo::rerun-if-changed={}", file.display());
        }
    }
    Ok(())
}

/// Builds the archive into `out` and gives the path of its header.
pub fn build(
    go: &Go,
    compiler: &cc::Tool,
    target: &Target,
    source: &Path,
    out: &Path,
) -> Result<PathBuf, String> {
    let mut tags = String::from("netgo,osusergo,noselfupdate");
    if cfg!(feature = "all-backends") {
        tags.push_str(",all_backends");
    }
    // Go takes the compiler as one command line.
    let mut cc = OsString::from(compiler.path());
    for argument in compiler.args() {
        // Optimisation and warnings are for the code of whoever calls us, not for cgo's.
        if argument.to_string_lossy().starts_with("-m")
            || argument.to_string_lossy().starts_with("--target")
        {
            cc.push(" ");
            cc.push(argument);
        }
    }
    let output = Command::new(&go.command)
        .current_dir(source)
        .args(["build", "-buildmode=c-archive", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"])
        .arg(format!("-tags={tags}"))
        .arg("-o")
        .arg(out.join("librclone.a"))
        .arg(".")
        .env("CGO_ENABLED", "1")
        .env("GOOS", target.os)
        .env("GOARCH", target.arch)
        .env("CC", cc)
        .output()
        .map_err(|error| format!("`{} build` does not start: {error}", go.command))?;
    if !output.status.success() {
        return Err(format!(
            "`{} build` in {} failed ({}):\n{}",
            go.command,
            source.display(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(out.join("librclone.h"))
}

/// Links the archive and what Go's runtime needs of the system.
pub fn link(target: &Target, out: &Path) {
    println!("cargo::rustc-link-search=native={}", out.display());
    println!("cargo::rustc-link-lib=static=rclone");
    match target.os {
        "darwin" => {
            for framework in ["CoreFoundation", "Security"] {
                println!("cargo::rustc-link-lib=framework={framework}");
            }
            println!("cargo::rustc-link-lib=resolv");
        }
        "windows" => {
            for library in ["ws2_32", "ntdll", "winmm", "userenv", "bcrypt"] {
                println!("cargo::rustc-link-lib={library}");
            }
        }
        _ => {}
    }
}
