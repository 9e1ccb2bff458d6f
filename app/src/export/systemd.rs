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
    // The program's own path is not searched for variables, its arguments are.
    let mut line = quote(command.path()?);
    for argument in command.arguments(&plan.app)? {
        line += " ";
        line += &quote(argument).replace('$', "$$");
    }
    let mut service = format!("ExecStart={line}\n");
    for (name, value) in command.environment()? {
        service += &format!("Environment={}\n", quote(&format!("{name}={value}")));
    }
    let mut network = "";
    if let Some(user) = &systemd.user {
        if !user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            || user.is_empty()
            || user.starts_with('-')
        {
            return Err(Invalid(format!("user {user:?}: write the name of a user")));
        }
        service += &format!("User={user}\n");
        network = "Wants=network-online.target\nAfter=network-online.target\n";
    }
    let events: String = plan
        .times()
        .iter()
        .map(|(times, zone)| format!("OnCalendar={}\n", times.systemd(zone.name())))
        .collect();
    let name = &plan.app;
    let service = format!(
        "[Unit]\nDescription=Scheduled tasks of the source {name} (plakar-opendrive)\n{network}\n\
         [Service]\nType=oneshot\n{service}{HARDENING}"
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

/// A backup may take days. What it needs is its home and the network; a local store may be anywhere
/// a user may write.
const HARDENING: &str = "TimeoutStartSec=infinity
Nice=10
IOSchedulingClass=idle
UMask=0077
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=full
ProtectControlGroups=true
ProtectKernelModules=true
ProtectKernelTunables=true
LockPersonality=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictRealtime=true
RestrictSUIDSGID=true
SystemCallArchitectures=native
";

/// One word of a unit's line: quoted, with backslashes, quotes and specifiers taken as they are.
fn quote(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"))
}
