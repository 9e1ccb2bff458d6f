//! What Plakar keeps by name: looked up and written by its own commands, so that its files stay its
//! own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output as Outcome, Stdio};

use clap::ValueEnum;
use serde_json::json;

use crate::connector::{Role, Section, Sections};
use terminal::diagnostics::say;
use terminal::exit::{Exit, Failure};
use terminal::output::Output;
use terminal::text;

/// Maximum length of the name of a configuration, in bytes.
const MAX_CONFIGURATION_NAME_BYTES: usize = 63;

/// What a configuration is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ConfigurationKind {
    Source,
    Destination,
    Store,
}

impl ConfigurationKind {
    /// Its name, as in Plakar's commands.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Store => "store",
        }
    }

    pub(super) fn role(self) -> Role {
        match self {
            Self::Source => Role::Source,
            Self::Destination => Role::Destination,
            Self::Store => Role::Store,
        }
    }
}

/// Where a configuration goes.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// Give it to Plakar as this, and print nothing
    #[arg(long, value_name = "KIND")]
    pub(super) import: Option<ConfigurationKind>,
    /// Replace the one of that name
    #[arg(long, requires = "import")]
    overwrite: bool,
}

impl ImportArgs {
    /// Refuses a name that Plakar has already, unless it is to be replaced.
    pub(super) fn check(&self, name: &str) -> Result<(), Failure> {
        match self.import {
            Some(kind) if !self.overwrite && show(kind, name)?.is_some() => Err(Failure::new(
                Exit::Configuration,
                format!(
                    "Plakar has a {} {name} already: add --overwrite to replace it, or choose another name",
                    kind.name()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Prints what Plakar's import commands read, or has Plakar read it.
    pub(super) fn put(
        &self,
        name: &str,
        section: &Section,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let sections = json!({ name: section });
        let Some(kind) = self.import else { return Ok(out.json(&sections)?) };
        self.check(name)?;
        // JSON is the form that Plakar reads without changing a value, and standard input is seen
        // by nobody else.
        let mut command = plakar(&[kind.name(), "import"]);
        if self.overwrite {
            command.arg(plakar_words::OVERWRITE);
        }
        let failed = |problem: &str| {
            Failure::new(
                Exit::Configuration,
                format!("`plakar {} import` failed: {problem}", kind.name()),
            )
        };
        let outcome = run(command, name, sections.to_string().as_bytes())?;
        if !outcome.status.success() {
            return Err(failed(String::from_utf8_lossy(&outcome.stderr).trim()));
        }
        // Plakar's status is 0 also where it takes nothing.
        if show(kind, name)?.as_ref() != Some(section) {
            return Err(failed(
                "it keeps something else than it was given; look at it by `plakar … show`",
            ));
        }
        say(&format!("@{name} is a {} of Plakar's now", kind.name()));
        Ok(())
    }
}

/// Understands a name. Plakar itself takes any, and cannot be told some of them afterwards.
pub(super) fn name(name: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.len() > MAX_CONFIGURATION_NAME_BYTES
        || !name.chars().all(fine)
        || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        return Err(format!(
            "write up to {MAX_CONFIGURATION_NAME_BYTES} letters, digits, dots, hyphens and underscores, the first a letter or a digit"
        ));
    }
    Ok(name.to_owned())
}

/// What `plakar KIND show` knows of a name; `None` if nothing.
pub(super) fn show(kind: ConfigurationKind, name: &str) -> Result<Option<Section>, Failure> {
    refuse_unsafe(name)?;
    let kind = kind.name();
    let failed = |problem: String| Failure::new(Exit::Configuration, problem);
    let outcome =
        run(plakar(&[kind, "show", plakar_words::JSON, plakar_words::SECRETS, name]), name, b"")?;
    let said = String::from_utf8_lossy(&outcome.stderr);
    if !outcome.status.success() {
        if said.contains("does not exist") {
            return Ok(None);
        }
        return Err(failed(format!("`plakar {kind} show` failed: {}", said.trim())));
    }
    let sections = Sections::parse_json(&objects(&outcome.stdout));
    let mut sections = sections
        .map_err(|error| failed(format!("`plakar {kind} show` is not understood: {error}")))?;
    Ok(sections.0.remove(name))
}

/// All that `plakar KIND show` knows, without what is secret in it.
pub(super) fn all(kind: ConfigurationKind) -> Result<Sections, Failure> {
    let kind = kind.name();
    let failed = |problem: String| {
        Failure::new(Exit::Configuration, format!("`plakar {kind} show` {problem}"))
    };
    let outcome = plakar(&[kind, "show", plakar_words::JSON]).output().map_err(|error| {
        failed(format!("cannot be started ({error}): set PLAKAR to where plakar is"))
    })?;
    if !outcome.status.success() {
        return Err(failed(format!("failed: {}", String::from_utf8_lossy(&outcome.stderr).trim())));
    }
    Sections::parse_json(&objects(&outcome.stdout))
        .map_err(|error| failed(format!("is not understood: {error}")))
}

/// The lines that are objects: Plakar greets a new user, and tells of its updates, on standard
/// output too (1.1.4).
fn objects(stdout: &[u8]) -> Vec<u8> {
    let lines = stdout.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| line.starts_with(b"{")).flatten().copied().collect()
}

/// The Plakar that is started: `PLAKAR` in the environment, or the one on the path.
pub(super) fn program() -> PathBuf {
    std::env::var_os("PLAKAR")
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| "plakar".into())
        .into()
}

fn plakar(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command of Plakar's about a name to its end.
fn run(mut command: Command, name: &str, input: &[u8]) -> Result<Outcome, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Configuration,
            format!(
                "@{name} is looked up in Plakar, and {} cannot be started ({error}): set PLAKAR to where it is, or name a file by --config",
                Path::new(&program()).display()
            ),
        )
    };
    let mut child = command.spawn().map_err(failed)?;
    // Some bytes fit into the pipe, and whoever does not read them says why.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    child.wait_with_output().map_err(failed)
}

/// Refuses a name that Plakar would take for something else.
fn refuse_unsafe(name: &str) -> Result<(), Failure> {
    if name.starts_with('-') || name.contains(char::is_control) {
        return Err(Failure::usage(format!(
            "{} is not a valid name of Plakar's",
            text::quoted(name)
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{name, objects};

    #[test]
    fn a_greeting_is_no_object() {
        let stdout = b"Welcome to plakar !\n\n\tplakar -disable-security-check\n{\"a\":{}}\n{\"b\":{}}\nEOT\n";
        assert_eq!(objects(stdout), b"{\"a\":{}}\n{\"b\":{}}\n");
    }

    #[test]
    fn names_are_such_as_plakar_can_be_told() {
        for good in ["drive", "Drive-2_x.y", "0"] {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        for bad in ["", "@drive", "-x", ".x", "a b", "a/b", "a\nb", "ü", &"x".repeat(64)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
