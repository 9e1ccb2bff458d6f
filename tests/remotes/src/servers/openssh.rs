//! OpenSSH: a daemon of our own, with a key of the host's and one of the user's.

use std::path::Path;
use std::process::Command;

use super::{Protocol, Start, grouped, installed, run, shown, write};

pub(super) fn start(folder: &Path, files: &Path, port: u16) -> Result<Start, String> {
    let daemon = installed(&["/usr/sbin/sshd"])?;
    let sftp = installed(&["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server"])?;
    if super::is_root() {
        // Where it leaves its rights. Its package makes that at each start of the machine.
        std::fs::create_dir_all("/run/sshd").map_err(|error| error.to_string())?;
    }
    let [host_key, user_key] = ["host", "user"].map(|name| folder.join(name));
    for key in [&host_key, &user_key] {
        let mut command = Command::new("ssh-keygen");
        run(command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key))?;
    }
    let configuration = folder.join("sshd_config");
    write(
        &configuration,
        &format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}.pub\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin yes\nPasswordAuthentication no\nMaxStartups 100\nMaxSessions 100\nSubsystem sftp {sftp} -d {}\n",
            shown(&host_key),
            shown(&user_key),
            shown(files),
        ),
    )?;
    let mut command = grouped(daemon);
    command.args(["-D", "-e", "-f"]).arg(configuration);
    let user = Command::new("id").arg("-un").output().map_err(|error| error.to_string())?;
    let options = vec![
        ("type", "sftp".to_owned()),
        ("host", "127.0.0.1".to_owned()),
        ("port", "PORT".to_owned()),
        ("user", String::from_utf8_lossy(&user.stdout).trim().to_owned()),
        ("key_file", shown(&user_key)),
    ];
    Ok(Start {
        command,
        protocol: Protocol::Sftp,
        options,
        base: String::new(),
        files: Some(files.to_owned()),
    })
}
