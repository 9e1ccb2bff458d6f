//! The process between us and each plakar: it ends plakar when we end, however we end.
//!
//! A guard's standard input is a lifeline: first the bytes that are for plakar, then nothing for as
//! long as the job shall go on. When it closes, because the job is cancelled or because we were
//! killed, plakar gets a SIGTERM, and its whole process group a SIGKILL when it does not end. Each
//! job has a folder for temporary files of its own, which is removed after it.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::process::own_cache::OwnCache;

/// Timeout for plakar to end after a SIGTERM.
pub(crate) const TERMINATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Timeout for plakar's connectors to end after it.
const CONNECTORS_TIMEOUT: Duration = Duration::from_secs(5);

/// The job uses the user's cache.
pub(crate) const SHARED_CACHE: &str = "shared-cache";

/// The job has a cache of its own.
pub(crate) const OWN_CACHE: &str = "own-cache";

/// How often it is looked whether plakar has ended: often at first, since most jobs are short.
fn interval(since: Instant) -> Duration {
    Duration::from_millis(if since.elapsed() < Duration::from_secs(2) { 5 } else { 50 })
}

/// The guard's whole life: what the executable does that [`Plakar`](crate::Plakar) was given as
/// guard. Arguments: the number of bytes on standard input that are plakar's, whose cache it uses
/// (`shared-cache`, or `own-cache` for an empty one that is removed afterwards), the program, its
/// arguments.
///
/// Gives the exit code: plakar's, 128 and the signal that ended it, or 127 if it could not be
/// started.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    // Without our terminal: Ctrl-C there is for us, who end the job in order; and plakar, which would
    // ask there for a passphrase that it lacks, would be stopped as it reads, for ever.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
    let mut arguments = arguments.into_iter();
    let bytes = arguments.next().and_then(|bytes| bytes.to_str()?.parse().ok());
    let own_cache = arguments.next().and_then(|cache| match cache.to_str()? {
        SHARED_CACHE => Some(false),
        OWN_CACHE => Some(true),
        _ => None,
    });
    let (Some(bytes), Some(own_cache), Some(program)) = (bytes, own_cache, arguments.next()) else {
        eprintln!("guard: arguments are BYTES {SHARED_CACHE}|{OWN_CACHE} PROGRAM [ARGUMENT..]");
        return 127;
    };
    match guard(bytes, own_cache, &program, arguments.collect()) {
        Ok(status) => code(status),
        Err(error) => {
            eprintln!("guard: cannot start plakar: {error}");
            127
        }
    }
}

fn guard(
    bytes: u64,
    own_cache: bool,
    program: &OsStr,
    arguments: Vec<OsString>,
) -> io::Result<ExitStatus> {
    // Short: plakar's connectors may make sockets in it.
    let folder = tempfile::Builder::new().prefix("pk-job").tempdir()?;
    let mut cache = if own_cache {
        let lead = |command: &mut Command| into_group(command, None);
        Some(OwnCache::start(program, folder.path(), lead, interval)?)
    } else {
        None
    };
    let mut command = Command::new(program);
    if let Some(cache) = &cache {
        command.args(cache.arguments());
    }
    command.args(arguments).env("TMPDIR", folder.path()).stdin(if bytes == 0 {
        Stdio::null()
    } else {
        Stdio::piped()
    });
    into_group(&mut command, cache.as_ref().map(|cache| cache.daemon.id()));
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

    let group = ProcessGroup::of(cache.as_ref().map_or(&child, |cache| &cache.daemon));
    let started = Instant::now();
    let mut asked: Option<Instant> = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        match asked {
            None if closing.recv_timeout(interval(started)).is_ok() => {
                terminate(&mut child);
                // What is stopped would not hear it.
                group.resume();
                // Plakar does not end while it waits for its daemon.
                drop(cache.take());
                asked = Some(Instant::now());
            }
            None => {}
            Some(since) if since.elapsed() > TERMINATION_TIMEOUT => {
                group.kill();
                child.kill()?;
            }
            Some(since) => std::thread::sleep(interval(since)),
        }
    };
    drop(cache);
    let ended = Instant::now();
    while group.lives() {
        if ended.elapsed() > CONNECTORS_TIMEOUT {
            group.kill();
            break;
        }
        std::thread::sleep(interval(ended));
    }
    Ok(status)
}

/// Puts a command into the process group of another process, or into one of its own.
#[cfg(unix)]
fn into_group(command: &mut Command, leader: Option<u32>) {
    use std::os::unix::process::CommandExt;
    let leader = leader.and_then(|leader| i32::try_from(leader).ok()).unwrap_or(0);
    // The name that plakar's messages begin with, and that snapshots keep.
    command.process_group(leader).arg0("plakar");
}

#[cfg(not(unix))]
fn into_group(_: &mut Command, _: Option<u32>) {}

/// Asks plakar alone to end: it ends its connectors in order.
#[cfg(unix)]
fn terminate(child: &mut Child) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
}

/// There is no gentle way.
#[cfg(not(unix))]
fn terminate(child: &mut Child) {
    let _ = child.kill();
}

#[cfg(unix)]
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}

/// The process group of plakar and its connectors. It is known on Unix only.
struct ProcessGroup {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl ProcessGroup {
    fn of(leader: &Child) -> Self {
        Self { leader: i32::try_from(leader.id()).ok().and_then(rustix::process::Pid::from_raw) }
    }

    fn kill(&self) {
        self.leader
            .map(|pid| rustix::process::kill_process_group(pid, rustix::process::Signal::KILL));
    }

    fn resume(&self) {
        self.leader
            .map(|pid| rustix::process::kill_process_group(pid, rustix::process::Signal::CONT));
    }

    fn lives(&self) -> bool {
        self.leader.is_some_and(|pid| rustix::process::test_kill_process_group(pid).is_ok())
    }
}

#[cfg(not(unix))]
impl ProcessGroup {
    fn of(_: &Child) -> Self {
        Self {}
    }

    fn kill(&self) {}

    fn resume(&self) {}

    fn lives(&self) -> bool {
        false
    }
}
