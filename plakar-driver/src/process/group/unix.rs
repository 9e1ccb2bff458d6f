//! Process groups of Unix.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group};

/// What is started through it, and what that starts unless it leaves the group.
#[derive(Debug, Default)]
pub struct ProcessGroup {
    /// The process that was started first, whose number is the group's.
    leader: Option<Pid>,
}

impl ProcessGroup {
    /// Whether the daemon that plakar starts for its cache is in the group of that plakar.
    pub(crate) const HAS_CACHE_DAEMON: bool = false;

    /// An empty group.
    ///
    /// # Errors
    /// None on Unix.
    pub fn new() -> io::Result<Self> {
        Ok(Self::default())
    }

    /// Starts a program in the group.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(&mut self, command: &mut Command) -> io::Result<Child> {
        let child = command.process_group(self.number()).spawn()?;
        self.add(Some(child.id()));
        Ok(child)
    }

    /// The same for a program that is waited for in a task.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn_async(
        &mut self,
        command: &mut tokio::process::Command,
    ) -> io::Result<tokio::process::Child> {
        let child = command.process_group(self.number()).spawn()?;
        self.add(child.id());
        Ok(child)
    }

    /// The group's number; 0 makes a new group.
    fn number(&self) -> i32 {
        self.leader.map_or(0, |leader| leader.as_raw_nonzero().get())
    }

    fn add(&mut self, id: Option<u32>) {
        let id = || id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        self.leader = self.leader.or_else(id);
    }

    /// Asks all of it to end.
    pub fn terminate(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Ends all of it.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
    }

    /// Has what was stopped go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // Its processes may have ended already.
        self.leader.map(|leader| kill_process_group(leader, signal));
    }

    /// Whether one of it lives. Those that have ended are waited for, if they are ours.
    pub fn lives(&self) -> bool {
        self.leader.is_some_and(|leader| {
            while let Ok(Some(_)) = rustix::process::waitpgid(leader, WaitOptions::NOHANG) {}
            test_kill_process_group(leader).is_ok()
        })
    }

    /// Leaves alone what still runs.
    pub fn release(self) {}
}

/// What this process starts ends with it. On Unix nothing does that for us: a guard watches its
/// lifeline, and is not killed by itself.
#[derive(Debug)]
pub(crate) struct EndsWithUs;

impl EndsWithUs {
    /// Takes in what a program leaves behind. Plakar does not wait for its connectors, and the
    /// first process of a machine or a container may be slow to: until then what has ended seems to
    /// live.
    pub(crate) fn begin() -> io::Result<Self> {
        // Without it they end too, only later.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        Ok(Self)
    }

    /// Leaves alone what still runs.
    pub(crate) fn release(self) {}
}
