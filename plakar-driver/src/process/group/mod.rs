//! A program and all that it starts, which are ended together: a process group on Unix, a job object
//! on Windows.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::EndsWithUs;
#[cfg(unix)]
pub use unix::ProcessGroup;
#[cfg(windows)]
pub(crate) use windows::EndsWithUs;
#[cfg(windows)]
pub use windows::ProcessGroup;

/// A program of which nothing is left running when this is dropped, unless it has been released.
pub struct KilledOnDrop(Option<ProcessGroup>);

impl KilledOnDrop {
    /// Starts a program whose group is killed when this is dropped.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(
        command: &mut tokio::process::Command,
    ) -> std::io::Result<(Self, tokio::process::Child)> {
        let mut group = ProcessGroup::new()?;
        let child = group.spawn_async(command)?;
        Ok((Self(Some(group)), child))
    }

    /// Leaves alone what still runs.
    pub fn release(mut self) {
        if let Some(group) = self.0.take() {
            group.release();
        }
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        if let Some(group) = &mut self.0 {
            group.kill();
        }
    }
}
