//! Servers from PyPI, in a virtual environment under target/, of exactly the files that requirements.txt names.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::{Protocol, Start, apache, grouped, rclone, run};

/// One thread makes the environment, and the others find it.
static MAKING: Mutex<()> = Mutex::new(());

/// A program of the environment, which is made if it is not there or of other requirements.
fn program(name: &str) -> Result<PathBuf, String> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = support::root().join("target/remotes-python");
    let requirements = support::root().join("tests/remotes/requirements.txt");
    let stamp = folder.join("requirements.txt");
    let wanted = std::fs::read(&requirements).map_err(|error| error.to_string())?;
    if std::fs::read(&stamp).ok().as_ref() != Some(&wanted) {
        let _ = std::fs::remove_dir_all(&folder);
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
        run(Command::new(&python).args(["-m", "venv"]).arg(&folder))
            .map_err(|error| format!("{error}: run `make prerequisites-ci` as root"))?;
        let mut pip = Command::new(folder.join("bin/python"));
        run(pip
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
            ])
            .arg(&requirements))?;
        std::fs::write(&stamp, &wanted).map_err(|error| error.to_string())?;
    }
    Ok(folder.join("bin").join(name))
}

pub(super) fn pyftpdlib(files: &Path, port: u16) -> Result<Start, String> {
    let mut command = grouped(program("python")?);
    command
        .args([
            "-m",
            "pyftpdlib",
            "-i",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-w",
            "-u",
            "me",
            "-P",
            "secret",
            "-d",
        ])
        .arg(files);
    let options = rclone::login("ftp")?;
    Ok(Start {
        command,
        protocol: Protocol::Ftp,
        options,
        base: String::new(),
        files: Some(files.to_owned()),
    })
}

pub(super) fn wsgidav(files: &Path, port: u16) -> Result<Start, String> {
    let mut command = grouped(program("wsgidav")?);
    command
        .args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--auth",
            "anonymous",
            "--server",
            "cheroot",
            "--no-config",
            "--root",
        ])
        .arg(files);
    let options = apache::webdav("other");
    Ok(Start {
        command,
        protocol: Protocol::Http,
        options,
        base: String::new(),
        files: Some(files.to_owned()),
    })
}

pub(super) fn moto(port: u16) -> Result<Start, String> {
    let mut command = grouped(program("moto_server")?);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let mut options = rclone::s3_options("Other", "key", "secret");
    options.push(("region", "us-east-1".to_owned()));
    Ok(Start { command, protocol: Protocol::Http, options, base: "bucket".to_owned(), files: None })
}

/// Makes a bucket: rclone makes one only when it writes.
pub(super) fn make_bucket(port: u16, name: &str) -> Result<(), String> {
    use std::io::{Read, Write};
    let mut stream =
        std::net::TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
    let request = format!(
        "PUT /{name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
    if answer.starts_with("HTTP/1.1 200") {
        Ok(())
    } else {
        Err(format!("the bucket is not made: {answer}"))
    }
}
