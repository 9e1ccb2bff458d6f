//! A user of the real plakar, for what is measured.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use plakar_driver::{Plakar, guard};

/// Ends here if this process is the guard of a plakar that another one of this program has started.
pub fn guard() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "guard") {
        std::process::exit(guard::run(arguments));
    }
}

/// A plakar whose home is this folder, which must be short, for the Unix socket that plakar keeps
/// in its cache folder. The variable `PACKAGE` names a package that it has.
pub fn user(home: &Path) -> Result<Plakar, Box<dyn Error>> {
    let cookies = home.join(".cache/plakar/cookies/1.0.0");
    std::fs::create_dir_all(&cookies)?;
    std::fs::create_dir(home.join("tmp"))?;
    std::fs::write(cookies.join(".disabled-security-check"), "")?;
    let program = std::env::var_os("PLAKAR")
        .ok_or("the variable PLAKAR is missing: name the plakar to measure")?;
    let environment =
        [("HOME", home.to_owned()), ("TMPDIR", home.join("tmp")), ("PATH", "/usr/bin:/bin".into())];
    let environment: Vec<(OsString, OsString)> =
        environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    if let Some(package) = std::env::var_os("PACKAGE") {
        install(&program, &environment, &package)?;
    }
    Ok(Plakar::new(
        Path::new(&program),
        vec![std::env::current_exe()?.into(), "guard".into()],
        environment,
    )?)
}

/// Has plakar install a package. Plakar 1.1.4 may crash as it ends ("send on closed channel"), when
/// all is done: the list tells whether the package is there.
fn install(
    program: &OsStr,
    environment: &[(OsString, OsString)],
    package: &OsStr,
) -> Result<(), Box<dyn Error>> {
    let plakar = |arguments: &[&OsStr]| {
        let mut command = Command::new(program);
        command.arg("pkg").args(arguments).env_clear().envs(environment.iter().cloned());
        command.output()
    };
    let added = plakar(&[OsStr::new("add"), package])?;
    if added.status.success() {
        return Ok(());
    }
    let file = Path::new(package).file_name().unwrap_or_default().to_string_lossy();
    let name = format!("{}@", file.split('_').next().unwrap_or_default());
    let said = String::from_utf8_lossy(&added.stderr);
    let listed = plakar(&[OsStr::new("list")])?.stdout;
    let is_there = String::from_utf8_lossy(&listed).lines().any(|line| line.starts_with(&name));
    if said.contains("panic: send on closed channel") && is_there {
        return Ok(());
    }
    Err(format!("plakar pkg add: {}{said}", String::from_utf8_lossy(&added.stdout)).into())
}
