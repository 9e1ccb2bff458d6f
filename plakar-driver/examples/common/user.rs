//! A user of the real plakar, for what is measured.

use std::error::Error;
use std::path::Path;

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
    let environment: Vec<_> =
        environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    if let Some(package) = std::env::var_os("PACKAGE") {
        let mut add = std::process::Command::new(&program);
        let added = add
            .args(["pkg", "add"])
            .arg(package)
            .env_clear()
            .envs(environment.iter().cloned())
            .output()?;
        if !added.status.success() {
            return Err(
                format!("plakar pkg add: {}", String::from_utf8_lossy(&added.stdout)).into()
            );
        }
    }
    Ok(Plakar::new(
        Path::new(&program),
        vec![std::env::current_exe()?.into(), "guard".into()],
        environment,
    )?)
}
