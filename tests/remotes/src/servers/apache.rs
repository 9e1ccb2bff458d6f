//! Apache with mod_dav over a folder.

use std::path::Path;

use super::{Protocol, Start, give_to, grouped, installed, shown, write};

const MODULES: [(&str, &str); 5] = [
    ("mpm_event", "mod_mpm_event"),
    ("authz_core", "mod_authz_core"),
    ("dav", "mod_dav"),
    ("dav_fs", "mod_dav_fs"),
    ("mime", "mod_mime"),
];

pub(super) fn start(folder: &Path, files: &Path, port: u16) -> Result<Start, String> {
    let daemon = installed(&["/usr/sbin/apache2", "/usr/sbin/httpd"])?;
    let modules = installed(&["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"])?;
    let locks = folder.join("locks");
    std::fs::create_dir(&locks).map_err(|error| error.to_string())?;
    let mut text = String::new();
    for (name, file) in MODULES {
        text.push_str(&format!("LoadModule {name}_module {modules}/{file}.so\n"));
    }
    if super::is_root() {
        text.push_str("User www-data\nGroup www-data\n");
        give_to("www-data", files);
        give_to("www-data", &locks);
    }
    text.push_str(&format!(
        "ServerRoot {0}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {0}/pid\nErrorLog {0}/error.log\nDefaultRuntimeDir {0}\n\
         DavLockDB {1}/db\nDocumentRoot {2}\n<Directory {2}>\nDav On\nRequire all granted\n</Directory>\n",
        shown(folder),
        shown(&locks),
        shown(files),
    ));
    // For what a text file of the system says of kinds of files.
    text.push_str("TypesConfig /dev/null\n");
    let configuration = folder.join("apache.conf");
    write(&configuration, &text)?;
    let mut command = grouped(daemon);
    command.args(["-DFOREGROUND", "-f"]).arg(configuration);
    Ok(Start {
        command,
        protocol: Protocol::Http,
        options: webdav("other"),
        base: String::new(),
        files: Some(files.to_owned()),
    })
}

/// Options of a WebDAV server without a login.
pub(super) fn webdav(vendor: &str) -> super::Options {
    vec![
        ("type", "webdav".to_owned()),
        ("url", "http://127.0.0.1:PORT/".to_owned()),
        ("vendor", vendor.to_owned()),
    ]
}
