//! The Plakar that has started us, where it must end and no answer of ours ends it. On Linux, where
//! it is known what that is.
//!
//! Plakar 1.1.4 makes "missing", "corrupted" and status 65 of every error of a store's Get in a
//! check, leaves the file out of a restore that ends with 0, and calls a snapshot synchronized that
//! lacks it (kloset v1.1.3): whatever the gRPC status is, and also when we are gone. Interrupted
//! (SIGINT, SIGTERM) it kills us before our locks are taken back, `check` still ends with 65 and
//! `sync` with 0. What ends it at once and without a word is a hang-up (SIGHUP), as when its
//! terminal is closed; we then leave as we always do.

/// The commands that serve nobody but who gave them, unlike `plakar ui`, a mount or a service.
const ENDABLE_COMMANDS: [&str; 16] = [
    "archive",
    "backup",
    "cat",
    "check",
    "diag",
    "diff",
    "digest",
    "dup",
    "info",
    "locate",
    "ls",
    "maintenance",
    "prune",
    "restore",
    "rm",
    "sync",
];

/// The command of a Plakar that was called like this.
fn command(arguments: &[String]) -> Option<&str> {
    let (program, mut rest) = arguments.split_first()?;
    if program.rsplit('/').next() != Some("plakar") {
        return None;
    }
    while let Some(option) = rest.first().and_then(|word| word.strip_prefix('-')) {
        let option = option.strip_prefix('-').unwrap_or(option);
        let (name, value) =
            option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        let words = match value {
            _ if plakar_words::WITHOUT_VALUE.contains(&name) => 1,
            Some(_) if plakar_words::WITH_VALUE.contains(&name) => 1,
            None if plakar_words::WITH_VALUE.contains(&name) => 2,
            _ => return None,
        };
        rest = rest.get(words..)?;
    }
    if rest.first()? == "at" {
        rest = rest.get(2..)?;
    }
    rest.first().map(String::as_str)
}

fn may_be_ended(arguments: &[String]) -> bool {
    command(arguments).is_some_and(|command| ENDABLE_COMMANDS.contains(&command))
}

/// Ends the command that has started us, after one line that says why; false if there is none that
/// may be ended.
pub(super) fn end(why: &str) -> bool {
    use rustix::process::{Signal, getppid, kill_process};
    let Some(parent) = getppid() else { return false };
    let folder = format!("/proc/{}", parent.as_raw_nonzero());
    let Ok(line) = std::fs::read(format!("{folder}/cmdline")) else { return false };
    let arguments: Vec<String> = line
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    // Begun with nohup, it does not end so.
    let status = std::fs::read_to_string(format!("{folder}/status")).unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    if ignored.is_none_or(|signals| signals & 1 << (Signal::HUP.as_raw() - 1) != 0) {
        return false;
    }
    // Plakar's display at a terminal would leave it as nobody can use it.
    let output = std::fs::read_link(format!("{folder}/fd/1")).unwrap_or_default();
    if !may_be_ended(&arguments)
        || output.starts_with("/dev/pts")
        || output.to_string_lossy().starts_with("/dev/tty")
    {
        return false;
    }
    terminal::diagnostics::say(&format!("{why}. The command ends here"));
    kill_process(parent, Signal::HUP).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_command_that_serves_nobody_else_is_ended() {
        for (line, expected) in [
            ("plakar at @drive check", true),
            ("/usr/bin/plakar -quiet -concurrency 4 --cachedir=/x at @drive check -fast abc", true),
            ("plakar -time restore -to /x abc", true),
            ("plakar -no-agent at check restore abc", true),
            ("plakar at /local sync from @drive", true),
            ("plakar at @drive ui", false),
            ("plakar cached", false),
            ("plakar agent", false),
            ("plakar at @drive mount check", false),
            ("plakar -unknown check", false),
            ("plakar -unknown=1 at @drive check", false),
            ("plakar at @drive", false),
            ("plakar -cpu", false),
            ("plakar", false),
            ("worker at @drive check", false),
            ("", false),
        ] {
            let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(may_be_ended(&arguments), expected, "{line}");
        }
    }
}
