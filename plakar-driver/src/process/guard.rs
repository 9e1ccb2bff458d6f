//! The process between us and each plakar: it ends plakar when we end, however we end. It does the
//! same for other programs, such as the scripts around a task.
//!
//! A guard's standard input is a lifeline: first the bytes that are for plakar, then nothing for as
//! long as the job shall go on. When it closes, because the job is cancelled or because we were
//! killed, plakar gets a SIGTERM, and its whole process group a SIGKILL when it does not end. Of
//! another program the whole group gets both. Each job of plakar's has a folder for temporary files
//! of its own, which is removed after it, and so is a configuration of its own.
//!
//! On Windows, which has no such signals, plakar is ended at once, its connectors have the time that
//! they have elsewhere to notice it, and then all of its job object is ended. The daemon of plakar's
//! cache, which others may use, is in there if this plakar has started it: it is left alone when plakar
//! has ended by itself.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::process::group::{EndsWithUs, ProcessGroup};
use crate::process::own_cache::{JOB_FOLDER, OwnCache, TEMPORARY_FOLDER};
use crate::process::references::REMOVED_AFTER;

/// Timeout for plakar to end after a SIGTERM.
pub(crate) const TERMINATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Timeout for plakar's connectors to end after it, and for what another program has left running.
const CONNECTORS_TIMEOUT: Duration = Duration::from_secs(5);

/// The job uses the user's cache.
pub(crate) const SHARED_CACHE: &str = "shared-cache";

/// The job has a cache of its own.
pub(crate) const OWN_CACHE: &str = "own-cache";

/// The job is another program than plakar: it keeps its own name, and the folder for temporary
/// files that it would have without us.
pub(crate) const OTHER_PROGRAM: &str = "other-program";

/// What is said, and the exit code, of a job whose cache was lost while it ran: plakar does not notice it,
/// and goes on with what it knew of the store by then (plakar v1.1.4, cached.go).
const LOST_CACHE: (&str, i32) =
    ("the daemon of its cache ended before it, so that it may not have known all of the store", 1);

/// What a guard runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guarded {
    /// Plakar, with the user's cache.
    SharedCache,
    /// Plakar, with an empty cache that is removed afterwards.
    OwnCache,
    /// Another program.
    OtherProgram,
}

/// How often it is looked whether plakar has ended: often at first, since most jobs are short.
fn interval(since: Instant) -> Duration {
    Duration::from_millis(if since.elapsed() < Duration::from_secs(2) { 5 } else { 50 })
}

/// The guard's whole life: what the executable does that [`Plakar`](crate::Plakar) was given as
/// guard. Arguments: the number of bytes on standard input that are the program's, what it is
/// (`shared-cache` for plakar, `own-cache` for plakar with an empty cache that is removed afterwards,
/// `other-program`), the program, its arguments.
///
/// Gives the exit code: the program's, 128 and the signal that ended it, 127 if it could not be
/// started, or 1 if plakar's own cache was lost while it ran.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> i32 {
    // Without our terminal: Ctrl-C there is for us, who end the job in order; and plakar, which would
    // ask there for a passphrase that it lacks, would be stopped as it reads, for ever.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
    let mut arguments = arguments.into_iter();
    let bytes = arguments.next().and_then(|bytes| bytes.to_str()?.parse().ok());
    let what = arguments.next().and_then(|what| match what.to_str()? {
        SHARED_CACHE => Some(Guarded::SharedCache),
        OWN_CACHE => Some(Guarded::OwnCache),
        OTHER_PROGRAM => Some(Guarded::OtherProgram),
        _ => None,
    });
    let (Some(bytes), Some(what), Some(program)) = (bytes, what, arguments.next()) else {
        eprintln!(
            "guard: arguments are BYTES {SHARED_CACHE}|{OWN_CACHE}|{OTHER_PROGRAM} PROGRAM [ARGUMENT..]"
        );
        return 127;
    };
    match guard(bytes, what, &program, arguments.collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("guard: cannot start {}: {error}", program.display());
            127
        }
    }
}

fn guard(bytes: u64, what: Guarded, program: &OsStr, arguments: Vec<OsString>) -> io::Result<i32> {
    let with_us = EndsWithUs::begin()?;
    let _removed = RemovedFolder(std::env::var_os(REMOVED_AFTER));
    let is_plakar = what != Guarded::OtherProgram;
    // Short: plakar's connectors may make sockets in it.
    let folder = || tempfile::Builder::new().prefix(JOB_FOLDER).tempdir();
    let folder = is_plakar.then(folder).transpose()?;
    let mut group = ProcessGroup::new()?;
    let mut cache = if let (Guarded::OwnCache, Some(folder)) = (what, &folder) {
        let spawn = |command: &mut Command| {
            named_plakar(command);
            group.spawn(command)
        };
        Some(OwnCache::start(program, folder.path(), spawn, interval)?)
    } else {
        None
    };
    let mut command = Command::new(program);
    if let Some(cache) = &cache {
        command.args(cache.arguments());
    }
    command.args(arguments).env_remove(REMOVED_AFTER).stdin(if bytes == 0 {
        Stdio::null()
    } else {
        Stdio::piped()
    });
    if let Some(folder) = &folder {
        command.envs(TEMPORARY_FOLDER.iter().map(|variable| (variable, folder.path())));
        named_plakar(&mut command);
    }
    let mut child = group.spawn(&mut command)?;
    let closing = watch_lifeline(bytes, child.stdin.take());

    let started = Instant::now();
    let mut asked: Option<Instant> = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        match asked {
            None if closing.recv_timeout(interval(started)).is_ok() => {
                // Plakar ends its connectors in order.
                if is_plakar {
                    terminate(&mut child);
                } else {
                    group.terminate();
                }
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
                // One that waits for a disk that is gone ends when that does.
                std::thread::sleep(interval(since));
            }
            Some(since) => std::thread::sleep(interval(since)),
        }
    };
    let has_lost_cache = cache.as_mut().is_some_and(OwnCache::has_ended);
    drop(cache);
    if ProcessGroup::HAS_CACHE_DAEMON && asked.is_none() && what == Guarded::SharedCache {
        group.release();
        with_us.release();
    } else {
        end_rest(&mut group);
    }
    if has_lost_cache {
        let (said, code) = LOST_CACHE;
        eprintln!("error: {said}");
        return Ok(code);
    }
    Ok(code(status))
}

/// Hands the program its bytes, and tells when the lifeline has closed.
fn watch_lifeline(bytes: u64, input: Option<ChildStdin>) -> mpsc::Receiver<()> {
    let (closed, closing) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lifeline = io::stdin().lock();
        if let Some(mut input) = input {
            // It may not read all of it.
            let _ = io::copy(&mut lifeline.by_ref().take(bytes), &mut input);
        }
        let _ = io::copy(&mut lifeline, &mut io::sink());
        let _ = closed.send(());
    });
    closing
}

/// Waits for what a program has left running, and ends it when that takes too long.
fn end_rest(group: &mut ProcessGroup) {
    let ended = Instant::now();
    while group.lives() {
        if ended.elapsed() > CONNECTORS_TIMEOUT {
            group.kill();
            break;
        }
        std::thread::sleep(interval(ended));
    }
}

/// A folder with secrets that goes when plakar has ended, also when we were killed.
struct RemovedFolder(Option<OsString>);

impl Drop for RemovedFolder {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            // Who has started the job may have removed it.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// The name that plakar's messages begin with, and that snapshots keep.
#[cfg(unix)]
fn named_plakar(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.arg0("plakar");
}

#[cfg(not(unix))]
fn named_plakar(_: &mut Command) {}

/// Asks one process alone to end.
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
