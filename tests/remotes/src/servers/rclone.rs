//! rclone's own servers, from the module that the archive is built of.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Protocol, Start, apache, grouped};

fn program() -> Result<PathBuf, String> {
    let program = std::env::var_os("RCLONE_SERVE")
        .map_or_else(|| support::root().join("target/tools/rclone-serve"), PathBuf::from);
    if program.exists() {
        Ok(program)
    } else {
        Err(format!("{} is not there: run `make test-remotes`", program.display()))
    }
}

/// A password as rclone's configurations have it.
///
/// # Errors
/// If rclone is not there.
pub fn obscure(password: &str) -> Result<String, String> {
    let output = Command::new(program()?)
        .args(["obscure", password])
        .output()
        .map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub(super) fn login(kind: &'static str) -> Result<super::Options, String> {
    Ok(vec![
        ("type", kind.to_owned()),
        ("host", "127.0.0.1".to_owned()),
        ("port", "PORT".to_owned()),
        ("user", "me".to_owned()),
        ("pass", obscure("secret")?),
    ])
}

pub(super) fn webdav(files: &Path, port: u16) -> Result<Start, String> {
    let options = apache::webdav("rclone");
    Ok(Start {
        command: serve("webdav", port, files, &[])?,
        protocol: Protocol::Http,
        options,
        base: String::new(),
        files: Some(files.to_owned()),
    })
}

pub(super) fn sftp(files: &Path, port: u16) -> Result<Start, String> {
    Ok(Start {
        command: serve("sftp", port, files, &["--user", "me", "--pass", "secret"])?,
        protocol: Protocol::Sftp,
        options: login("sftp")?,
        base: String::new(),
        files: Some(files.to_owned()),
    })
}

pub(super) fn ftp(files: &Path, port: u16) -> Result<Start, String> {
    Ok(Start {
        command: serve("ftp", port, files, &["--user", "me", "--pass", "secret"])?,
        protocol: Protocol::Ftp,
        options: login("ftp")?,
        base: String::new(),
        files: Some(files.to_owned()),
    })
}

pub(super) fn s3(files: &Path, port: u16) -> Result<Start, String> {
    // A bucket is a folder.
    let bucket = files.join("bucket");
    std::fs::create_dir(&bucket).map_err(|error| error.to_string())?;
    Ok(Start {
        command: serve("s3", port, files, &["--auth-key", "key,secret"])?,
        protocol: Protocol::Http,
        options: s3_options("Rclone", "key", "secret"),
        base: "bucket".to_owned(),
        files: Some(bucket),
    })
}

fn serve(protocol: &str, port: u16, files: &Path, more: &[&str]) -> Result<Command, String> {
    let mut command = grouped(program()?);
    let address = format!("127.0.0.1:{port}");
    // What is planted on its disk is seen soon.
    command
        .args(["serve", protocol, "--config", "", "--dir-cache-time", "100ms", "--addr", &address])
        .args(more)
        .arg(files);
    Ok(command)
}

pub(super) fn s3_options(provider: &str, key: &str, secret: &str) -> super::Options {
    vec![
        ("type", "s3".to_owned()),
        ("provider", provider.to_owned()),
        ("endpoint", "http://127.0.0.1:PORT".to_owned()),
        ("access_key_id", key.to_owned()),
        ("secret_access_key", secret.to_owned()),
    ]
}
