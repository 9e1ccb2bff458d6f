//! A service and its timer for systemd.

use serde::{Deserialize, Serialize};

use super::command::{Command, ExportedFile};
use super::plan::Plan;
use crate::model::Invalid;
use crate::state::EffectiveSchedule;

/// Where the units are meant for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Systemd {
    /// For the system, as this user. Otherwise for the user's own manager (`systemctl --user`; it
    /// runs while the user is not logged in after `loginctl enable-linger`).
    pub user: Option<String>,
}

/// The service and the timer of an app.
///
/// # Errors
///
/// The app has no enabled schedule, or the command cannot be written down.
pub fn systemd(
    app: &str,
    schedules: &[EffectiveSchedule],
    command: &Command,
    systemd: &Systemd,
) -> Result<[ExportedFile; 2], Invalid> {
    let plan = Plan::new(app, schedules)?;
    let unit = format!("plakar-opendrive-{}", plan.app);
    let service = program(command, &command.arguments(&plan.app)?, systemd)?;
    let network = network(systemd);
    let times = plan.times().into_iter().chain(plan.after_gaps(None)).chain(plan.repeated());
    let events: String =
        times.map(|(times, zone)| format!("OnCalendar={}\n", times.systemd(zone.name()))).collect();
    let name = &plan.app;
    let notes = notes("both files", &format!("{unit}.timer"), systemd.user.is_some(), command)?;
    let service = format!(
        "{notes}[Unit]\nDescription=Scheduled tasks of the source {name} (plakar-opendrive)\n{network}\n\
         [Service]\nType=oneshot\n{ENDING}{service}{HARDENING}"
    );
    let timer = format!(
        "[Unit]\nDescription=Times of the scheduled tasks of the source {name} (plakar-opendrive)\n\n\
         [Timer]\n{events}Persistent=true\nAccuracySec=1s\n\n[Install]\nWantedBy=timers.target\n"
    );
    Ok([
        ExportedFile { name: format!("{unit}.service"), text: service },
        ExportedFile { name: format!("{unit}.timer"), text: timer },
    ])
}

/// A service that runs the console.
///
/// # Errors
///
/// The command cannot be written down.
pub fn console_unit(
    command: &Command,
    options: &[String],
    systemd: &Systemd,
) -> Result<ExportedFile, Invalid> {
    let mut arguments = vec!["console"];
    arguments.extend(options.iter().map(String::as_str));
    if let Some(argument) = arguments.iter().find(|one| one.chars().any(char::is_control)) {
        return Err(Invalid(format!(
            "option {argument:?} holds a control character; leave it out"
        )));
    }
    let for_system = systemd.user.is_some();
    let name = "plakar-opendrive-console.service";
    let notes = notes("this file", name, for_system, command)?;
    let service = program(command, &arguments, systemd)?;
    let network = network(systemd);
    let target = if for_system { "multi-user.target" } else { "default.target" };
    let text = format!(
        "{notes}[Unit]\nDescription=Web console of plakar-opendrive\n{network}\n\
         [Service]\nType=exec\nRestart=on-failure\nRestartSec=10\nRestartPreventExitStatus=2 7\n{ENDING}{service}{HARDENING}\n\
         [Install]\nWantedBy={target}\n"
    );
    Ok(ExportedFile { name: name.to_owned(), text })
}

/// What is run, with what, and as whom.
fn program(command: &Command, arguments: &[&str], systemd: &Systemd) -> Result<String, Invalid> {
    // The program's own path is not searched for variables, its arguments are.
    let mut line = quote(command.path()?);
    for argument in arguments {
        line += " ";
        line += &quote(argument).replace('$', "$$");
    }
    let mut service = format!("ExecStart={line}\n");
    for (name, value) in command.environment()? {
        service += &format!("Environment={}\n", quote(&format!("{name}={value}")));
    }
    if let Some(secrets) = &command.secrets {
        // Its path takes specifiers, and no quotes.
        service += &format!("EnvironmentFile={}\n", secrets.path.replace('%', "%%"));
    }
    if let Some(user) = &systemd.user {
        if !user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            || user.is_empty()
            || user.starts_with('-')
        {
            return Err(Invalid(format!("user {user:?}: write the name of a user")));
        }
        service += &format!("User={user}\n");
    }
    Ok(service)
}

/// What a user's own manager does not know.
fn network(systemd: &Systemd) -> &'static str {
    match systemd.user {
        Some(_) => "Wants=network-online.target\nAfter=network-online.target\n",
        None => "",
    }
}

/// How to install the units.
fn notes(files: &str, unit: &str, for_system: bool, command: &Command) -> Result<String, Invalid> {
    let (folder, systemctl) = if for_system {
        ("/etc/systemd/system", "systemctl")
    } else {
        ("~/.config/systemd/user", "systemctl --user")
    };
    let mut notes = vec![format!(
        "Enable it: put {files} into {folder} and run `{systemctl} daemon-reload && {systemctl} enable --now {unit}`"
    )];
    if !for_system {
        notes.push("`loginctl enable-linger` keeps it running while you are not logged in".into());
    }
    notes.extend(command.about_secrets()?);
    Ok(notes.iter().map(|note| format!("# {note}\n")).collect())
}

/// Only the program itself is told to end: it ends plakar in order, and writes down that the task was
/// interrupted. A plakar that is told as well ends first, and its task has failed.
const ENDING: &str = "TimeoutStopSec=120
KillMode=mixed
";

/// A backup may take days. What it needs is its home and the network; a local store may be anywhere
/// a user may write. A restore gives files the set-user-ID bits that they had. `/tmp` is that of everybody: somebody may restore to it, by the console or by a
/// task that waited for a locked store and that a schedule's service goes on with.
const HARDENING: &str = "TimeoutStartSec=infinity
Nice=10
IOSchedulingClass=idle
UMask=0077
NoNewPrivileges=true
ProtectSystem=full
ProtectControlGroups=true
ProtectKernelModules=true
ProtectKernelTunables=true
LockPersonality=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictRealtime=true
SystemCallArchitectures=native
";

/// One word of a unit's line: quoted, with backslashes, quotes and specifiers taken as they are.
fn quote(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"))
}
