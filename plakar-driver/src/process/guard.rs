//! The process between us and each plakar: it ends plakar when we end, however we end.
//!
//! A guard's standard input is a lifeline: first the bytes that are for plakar, then nothing for as long
//! as the job shall go on. When it closes, because the job is cancelled or because we were killed, plakar
//! gets a SIGTERM, and its whole process group a SIGKILL when it does not end. Each job has a folder for
//! temporary files of its own, which is removed after it.

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// So long plakar may take to end after a SIGTERM.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// So long plakar's connectors may take to end after it.
const CONNECTORS_GRACE: Duration = Duration::from_secs(5);

/// How often it is looked whether plakar has ended: often at first, since most jobs are short.
fn interval(since: Instant) -> Duration {
    Duration::from_millis(if since.elapsed() < Duration::from_secs(2) { 5 } else { 50 })
}

/// The guard's whole life: what the executable does that [`Plakar`](crate::Plakar) was given as guard.
/// Arguments: the number of bytes on standard input that are plakar's, the program, its arguments.
///
/// Gives the exit code: plakar's, 128 and the signal that ended it, or 127 if it could not be started.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    let mut arguments = arguments.into_iter();
    let bytes = arguments.next().and_then(|bytes| bytes.to_str()?.parse().ok());
    let (Some(bytes), Some(program)) = (bytes, arguments.next()) else {
        eprintln!("guard: arguments are BYTES PROGRAM [ARGUMENT..]");
        return 127;
    };
    match guard(bytes, program, arguments.collect()) {
        Ok(status) => code(status),
        Err(error) => {
            eprintln!("guard: cannot start plakar: {error}");
            127
        }
    }
}

fn guard(bytes: u64, program: OsString, arguments: Vec<OsString>) -> io::Result<ExitStatus> {
    // Short: plakar's connectors may make sockets in it.
    let folder = tempfile::Builder::new().prefix("pk-job").tempdir()?;
    let mut command = Command::new(program);
    command.args(arguments).env("TMPDIR", folder.path()).stdin(if bytes == 0 { Stdio::null() } else { Stdio::piped() });
    own_group(&mut command);
    let mut child = command.spawn()?;

    let (closed, closing) = mpsc::channel();
    let input = child.stdin.take();
    std::thread::spawn(move || {
        let mut lifeline = io::stdin().lock();
        if let Some(mut input) = input {
            // It may not read all of it.
            let _ = io::copy(&mut lifeline.by_ref().take(bytes), &mut input);
        }
        let _ = io::copy(&mut lifeline, &mut io::sink());
        let _ = closed.send(());
    });

    let group = Group::of(&child);
    let started = Instant::now();
    let mut asked: Option<Instant> = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        match asked {
            None if closing.recv_timeout(interval(started)).is_ok() => {
                group.terminate(&mut child);
                asked = Some(Instant::now());
            }
            None => {}
            Some(since) if since.elapsed() > GRACE => {
                group.kill();
                child.kill()?;
            }
            Some(since) => std::thread::sleep(interval(since)),
        }
    };
    let ended = Instant::now();
    while group.lives() {
        if ended.elapsed() > CONNECTORS_GRACE {
            group.kill();
            break;
        }
        std::thread::sleep(interval(ended));
    }
    Ok(status)
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // The name that plakar's messages begin with, and that snapshots keep.
    command.process_group(0).arg0("plakar");
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

#[cfg(unix)]
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}

/// Plakar's process group: it and its connectors.
#[cfg(unix)]
struct Group(Option<rustix::process::Pid>);

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        Self(i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw))
    }

    /// Only plakar: it ends its connectors in order.
    fn terminate(&self, _: &mut Child) {
        self.0.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
    }

    fn kill(&self) {
        self.0.map(|pid| rustix::process::kill_process_group(pid, rustix::process::Signal::KILL));
    }

    fn lives(&self) -> bool {
        self.0.is_some_and(|pid| rustix::process::test_kill_process_group(pid).is_ok())
    }
}

#[cfg(not(unix))]
struct Group;

#[cfg(not(unix))]
impl Group {
    fn of(_: &Child) -> Self {
        Self
    }

    /// There is no gentle way.
    fn terminate(&self, child: &mut Child) {
        let _ = child.kill();
    }

    fn kill(&self) {}

    fn lives(&self) -> bool {
        false
    }
}
