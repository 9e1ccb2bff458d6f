//! vsftpd: anonymous users may do everything in one folder.

use std::path::Path;

use super::{Protocol, Start, give_to, grouped, installed, obscure, shown, write};

pub(super) fn start(folder: &Path, port: u16) -> Result<Start, String> {
    let daemon = installed(&["/usr/sbin/vsftpd"])?;
    let empty = folder.join("empty");
    std::fs::create_dir(&empty).map_err(|error| error.to_string())?;
    // It refuses a root that can be written to.
    let root = folder.join("root");
    let files = root.join("files");
    std::fs::create_dir_all(&files).map_err(|error| error.to_string())?;
    super::open_to_all(&files)?;
    let configuration = folder.join("vsftpd.conf");
    let mut text = format!(
        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\nwrite_enable=YES\n\
         no_anon_password=YES\nanon_root={}\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n\
         anon_world_readable_only=NO\nanon_umask=022\nseccomp_sandbox=NO\nmdtm_write=YES\nuse_localtime=NO\n\
         secure_chroot_dir={}\nconnect_from_port_20=NO\nvsftpd_log_file={}\npasv_address=127.0.0.1\n",
        shown(&root),
        shown(&empty),
        shown(&folder.join("vsftpd.log")),
    );
    if super::is_root() {
        give_to("ftp", &files);
    } else {
        text.push_str("run_as_launching_user=YES\n");
    }
    write(&configuration, &text)?;
    let mut command = grouped(daemon);
    command.arg(configuration);
    let options = vec![
        ("type", "ftp".to_owned()),
        ("host", "127.0.0.1".to_owned()),
        ("port", "PORT".to_owned()),
        ("user", "anonymous".to_owned()),
        ("pass", obscure("anonymous")?),
    ];
    Ok(Start {
        command,
        protocol: Protocol::Ftp,
        options,
        base: "files".to_owned(),
        files: Some(files),
    })
}
