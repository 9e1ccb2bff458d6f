//! The simulator as a program, for the demo and for clients in other processes.

mod arguments;

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use clap::Parser;
use opendrive_sim::{Fault, Options, Simulator};
use tempfile::NamedTempFile;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use arguments::Arguments;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    if let Some(url) = &arguments.ask {
        return ask(url);
    }
    // Asked for before anyone can know that we run, so that no signal finds the default action.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let latency = Duration::try_from_secs_f64(arguments.latency_ms / 1000.0);
    let behaviour = arguments.behaviour();
    let faults: Vec<Fault> = match &arguments.faults {
        Some(json) => serde_json::from_str(json)
            .map_err(|error| io::Error::other(format!("--faults: {error}")))?,
        None => Vec::new(),
    };
    let simulator = Simulator::start(Options {
        username: arguments.username,
        password: arguments.password,
        latency: latency.map_err(|error| io::Error::other(format!("--latency-ms: {error}")))?,
        listen: Some(arguments.listen),
        http2: !arguments.no_http2,
        discard_uploads: arguments.discard_uploads,
        quota: arguments.quota,
        behaviour,
        ..Options::default()
    })?;
    simulator.set_faults(faults);
    if let Some(dir) = &arguments.seed {
        let context = |error| io::Error::other(format!("seeding from {}: {error}", dir.display()));
        simulator.drive().seed_from_dir(dir).map_err(context)?;
    }
    if let Some(path) = &arguments.ca_file {
        write_whole(path, &std::fs::read(simulator.ca_file())?)?;
    }
    let mut env = simulator.env();
    if let Some(path) = &arguments.ca_file {
        let path = std::path::absolute(path)?.to_string_lossy().into_owned();
        env.iter_mut()
            .filter(|(name, _)| name == "RCLONE_CA_CERT")
            .for_each(|(_, value)| value.clone_from(&path));
    }
    let env: String =
        env.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect();
    if let Some(path) = &arguments.env_file {
        write_whole(path, env.as_bytes())?;
    }
    // Unlike `print!`, this does not panic when nobody reads.
    let _ = io::stdout().write_all(env.as_bytes());

    let stdin = stdin_end(arguments.exit_with_stdin);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = stdin => {}
    }
    Ok(())
}

/// Prints the body of the answer to a GET, for scripts on machines without an HTTP client.
fn ask(url: &str) -> io::Result<()> {
    let bad = || {
        io::Error::other(format!("--ask {url}: write for example http://127.0.0.1:PORT/_sim/calls"))
    };
    let (host, path) =
        url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).ok_or_else(bad)?;
    let mut stream = std::net::TcpStream::connect(host)?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(bad)?;
    if !answer.starts_with(b"HTTP/1.0 200") && !answer.starts_with(b"HTTP/1.1 200") {
        return Err(io::Error::other(format!(
            "--ask {url}: {}",
            String::from_utf8_lossy(&answer[..end])
        )));
    }
    io::stdout().write_all(&answer[end + 4..])
}

/// Becomes ready when the standard input ends; never if that is not `wanted`.
async fn stdin_end(wanted: bool) {
    let (ended, end) = oneshot::channel::<()>();
    if !wanted {
        return std::future::pending().await;
    }
    std::thread::spawn(move || {
        let mut buf = [0; 4096];
        while matches!(io::stdin().read(&mut buf), Ok(count) if count > 0) {}
        drop(ended);
    });
    let _ = end.await;
}

/// Writes a file which is never seen half-written.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let context = |error| io::Error::other(format!("writing {}: {error}", path.display()));
    let parent =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(parent).map_err(context)?;
    file.write_all(bytes).map_err(context)?;
    file.persist(path).map_err(|error| context(error.error))?;
    Ok(())
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}
