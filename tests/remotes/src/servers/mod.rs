//! Servers that other people wrote, each with a folder of its own, on a port of this machine.

mod apache;
mod openssh;
mod python;
mod rclone;
mod vsftpd;

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::wait_for;
use tempfile::TempDir;

use crate::relay::{Protocol, Relay};

pub use rclone::obscure;

/// Options of a remote by rclone's names, `type` among them.
pub type Options = Vec<(&'static str, String)>;

/// No server takes longer to start, unless it never does.
const STARTING: Duration = Duration::from_secs(60);

/// A program that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// OpenSSH's sshd with its sftp-server, from Debian.
    OpenSsh,
    /// vsftpd, from Debian.
    Vsftpd,
    /// Apache with mod_dav, from Debian.
    Apache,
    /// pyftpdlib, from PyPI.
    Pyftpdlib,
    /// WsgiDAV, from PyPI.
    WsgiDav,
    /// moto's S3 server, from PyPI.
    Moto,
    /// `rclone serve webdav`.
    RcloneWebdav,
    /// `rclone serve sftp`.
    RcloneSftp,
    /// `rclone serve ftp`.
    RcloneFtp,
    /// `rclone serve s3`.
    RcloneS3,
}

/// A server that runs; killed when dropped, with its folder.
pub struct Server {
    child: Child,
    /// What is before it, and what clients use.
    pub relay: Relay,
    /// How rclone reaches it.
    pub options: Options,
    /// What stands before each path on it: a folder of this machine, a bucket, or nothing.
    pub base: String,
    /// Where its files lie as they are; none if they lie nowhere.
    pub files: Option<PathBuf>,
    _folder: TempDir,
}

/// What starts a server.
struct Start {
    command: Command,
    protocol: Protocol,
    options: Options,
    base: String,
    files: Option<PathBuf>,
}

impl Program {
    /// What it is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenSsh => "OpenSSH sftp-server",
            Self::Vsftpd => "vsftpd",
            Self::Apache => "Apache mod_dav",
            Self::Pyftpdlib => "pyftpdlib",
            Self::WsgiDav => "WsgiDAV",
            Self::Moto => "moto",
            Self::RcloneWebdav | Self::RcloneSftp | Self::RcloneFtp | Self::RcloneS3 => {
                "rclone serve"
            }
        }
    }

    /// Whether it serves as somebody who may not read everything on this machine.
    pub fn drops_rights(self) -> bool {
        matches!(self, Self::Vsftpd | Self::Apache) && is_root()
    }

    /// Starts it, with an empty folder.
    ///
    /// # Errors
    /// What is missing on this machine, or what it says.
    pub fn start(self) -> Result<Server, String> {
        let folder = tempfile::Builder::new()
            .prefix("srv")
            .tempdir_in("/tmp")
            .map_err(|error| error.to_string())?;
        // Servers that give up root's rights go through it.
        open_to_all(folder.path())?;
        let files = folder.path().join("files");
        std::fs::create_dir(&files).map_err(|error| error.to_string())?;
        open_to_all(&files)?;
        let port = support::free_port();
        let started = match self {
            Self::OpenSsh => openssh::start(folder.path(), &files, port),
            Self::Vsftpd => vsftpd::start(folder.path(), port),
            Self::Apache => apache::start(folder.path(), &files, port),
            Self::Pyftpdlib => python::pyftpdlib(&files, port),
            Self::WsgiDav => python::wsgidav(&files, port),
            Self::Moto => python::moto(port),
            Self::RcloneWebdav => rclone::webdav(&files, port),
            Self::RcloneSftp => rclone::sftp(&files, port),
            Self::RcloneFtp => rclone::ftp(&files, port),
            Self::RcloneS3 => rclone::s3(&files, port),
        };
        let Start { mut command, protocol, mut options, base, files } = started?;
        let log = folder.path().join("log");
        let output = std::fs::File::create(&log).map_err(|error| error.to_string())?;
        let errors = output.try_clone().map_err(|error| error.to_string())?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", self.name()))?;
        let mut ended = false;
        wait_for(STARTING, self.name(), || {
            ended = child.try_wait().is_ok_and(|status| status.is_some());
            (ended || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()).then_some(())
        });
        if ended {
            return Err(format!("{} ended at once: {}", self.name(), text(&log)));
        }
        let relay = Relay::start(port, protocol).map_err(|error| error.to_string())?;
        // The relay is what clients see.
        for (_, value) in &mut options {
            *value = value.replace("PORT", &relay.port().to_string());
        }
        let server = Server { child, relay, options, base, files, _folder: folder };
        if self == Self::Moto {
            python::make_bucket(port, &server.base)?;
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Those that it has started are in its group.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command in a group of its own, which ends when we do, however that comes about.
fn grouped(program: impl AsRef<std::ffi::OsStr>) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program).process_group(0);
    command
}

/// The first of these that is there.
fn installed(paths: &[&str]) -> Result<String, String> {
    paths
        .iter()
        .find(|path| Path::new(path).exists())
        .map(|path| (*path).to_owned())
        .ok_or_else(|| format!("{} is not there: run `make prerequisites-ci` as root", paths[0]))
}

fn open_to_all(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777))
        .map_err(|error| error.to_string())
}

/// Gives a folder to a user of the system's, if we may.
fn give_to(user: &str, path: &Path) {
    let _ = Command::new("chown").arg(user).arg(path).stderr(Stdio::null()).status();
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(path: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        let _ = file.read_to_string(&mut text);
    }
    text
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}
