//! Job objects of Windows. A process that is in one cannot leave it, and what it starts is in it too.

use std::io;
use std::os::windows::io::{AsRawHandle, RawHandle};
use std::process::{Child, Command};

use win32job::{ExtendedLimitInfo, Job};

/// What is started through it, and all that this starts.
#[derive(Debug)]
pub struct ProcessGroup {
    /// `None` when it was killed: that is done by closing the only handle to the job.
    job: Option<Job>,
}

impl ProcessGroup {
    /// Whether the daemon that plakar starts for its cache is in the group of that plakar.
    pub(crate) const HAS_CACHE_DAEMON: bool = true;

    /// An empty group.
    ///
    /// # Errors
    /// What Windows says.
    pub fn new() -> io::Result<Self> {
        Ok(Self { job: Some(killing_job()?) })
    }

    /// Starts a program in the group.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(&mut self, command: &mut Command) -> io::Result<Child> {
        let mut child = command.spawn()?;
        if let Err(error) = self.add(Some(child.as_raw_handle())) {
            // Nobody would end what it starts.
            let _ = child.kill();
            return Err(error);
        }
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
        let mut child = command.spawn()?;
        if let Err(error) = self.add(child.raw_handle()) {
            let _ = child.start_kill();
            return Err(error);
        }
        Ok(child)
    }

    fn add(&self, process: Option<RawHandle>) -> io::Result<()> {
        match (&self.job, process) {
            (Some(job), Some(process)) => {
                job.assign_process(process as isize).map_err(io::Error::other)
            }
            // The group was killed, or the process has ended.
            _ => Ok(()),
        }
    }

    /// Ends all of it: there is no gentle way that all programs know.
    pub fn terminate(&mut self) {
        self.kill();
    }

    /// Ends all of it.
    pub fn kill(&mut self) {
        self.job = None;
    }

    /// Nothing is stopped there.
    pub fn resume(&self) {}

    /// Whether one of it lives.
    pub fn lives(&self) -> bool {
        self.job
            .as_ref()
            .is_some_and(|job| job.query_process_id_list().is_ok_and(|ids| !ids.is_empty()))
    }

    /// Leaves alone what still runs.
    pub fn release(self) {
        if let Some(job) = &self.job {
            release(job);
        }
    }
}

/// What this process starts ends with it, however it ends: also what a program has started before it
/// was put into its group.
#[derive(Debug)]
pub(crate) struct EndsWithUs(&'static Job);

impl EndsWithUs {
    /// Begins with what is started from now on.
    pub(crate) fn begin() -> io::Result<Self> {
        // Never closed by us: that would end us too.
        let job = Box::leak(Box::new(killing_job()?));
        job.assign_current_process().map_err(io::Error::other)?;
        Ok(Self(job))
    }

    /// Leaves alone what still runs.
    pub(crate) fn release(self) {
        release(self.0);
    }
}

/// A job whose processes end when the last handle to it is closed.
fn killing_job() -> io::Result<Job> {
    let mut limits = ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close();
    Job::create_with_limit_info(&limits).map_err(io::Error::other)
}

fn release(job: &Job) {
    // What cannot be released ends.
    let _ = job.set_extended_limit_info(&ExtendedLimitInfo::new());
}
