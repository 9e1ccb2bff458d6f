//! Peak memory of the plugins of a user of Plakar.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the processes are looked at. The peak itself is kept by the kernel.
const PERIOD: Duration = Duration::from_millis(20);

/// Watches the plugins of a user: Plakar unpacks them into the user's home, and nothing else is run
/// from there.
pub struct Watch {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch.
    pub fn start(home: &Path) -> Self {
        let (peak, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let thread = std::thread::spawn({
            let (peak, stop, home) = (peak.clone(), stop.clone(), home.to_owned());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    peak.fetch_max(look(&home), Ordering::Relaxed);
                    std::thread::sleep(PERIOD);
                }
            }
        });
        Self { peak, stop, thread: Some(thread) }
    }

    /// The highest peak of resident memory of any one plugin, in bytes; `None` if there was no
    /// plugin.
    pub fn peak(mut self) -> Option<u64> {
        self.end();
        let kib = self.peak.load(Ordering::Relaxed);
        (kib > 0).then_some(kib << 10)
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

/// The highest peak among the plugins that run now, in KiB.
fn look(home: &Path) -> u64 {
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    let is_process = |name: &std::ffi::OsStr| name.as_encoded_bytes()[0].is_ascii_digit();
    let processes = processes.flatten().filter(|process| is_process(&process.file_name()));
    processes.filter_map(|process| plugin_peak(&process.path(), home).ok()?).max().unwrap_or(0)
}

/// A plugin's peak in KiB; `None` for any other process.
///
/// What a process is, is asked each time, before and after its memory is read: numbers of processes
/// come again within the hour, and a child has the memory, the name and the environment of its
/// parent until it becomes what it is to be. The executable belongs to the memory that the peak is
/// of.
///
/// # Errors
/// If it has ended, or is somebody else's.
fn plugin_peak(process: &Path, home: &Path) -> io::Result<Option<u64>> {
    let is_plugin =
        || std::fs::read_link(process.join("exe")).map(|executable| executable.starts_with(home));
    if !is_plugin()? {
        return Ok(None);
    }
    let status = std::fs::read_to_string(process.join("status"))?;
    if !is_plugin()? {
        return Ok(None);
    }
    Ok(peak(&status))
}

/// The peak in KiB that a `status` file tells of; `None` in that of a process that has ended.
fn peak(status: &str) -> Option<u64> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::time::Instant;

    use super::*;

    /// What the process of the test holds when it is no plugin any more, at least, in KiB.
    const LARGE: u64 = 64 << 10;

    /// A shell that holds a long text until its input ends.
    const HOLD: &str = "text=$(head -c 70000000 /dev/zero | tr '\\0' a); read -r line";

    #[test]
    fn a_process_that_is_no_plugin_any_more_is_not_looked_at() {
        let home = tempfile::tempdir().unwrap();
        let plugin = home.path().join("plugin");
        std::fs::copy("/bin/sh", &plugin).unwrap();
        let watch = Watch::start(home.path());
        // It keeps its number and its environment, as one does that comes under the number of a
        // plugin that has ended.
        let script = "read -r line; exec /bin/sh -c \"$HOLD\"";
        let mut process = Command::new(&plugin);
        process
            .args(["-c", script])
            .env("HOME", home.path())
            .env("HOLD", HOLD)
            .stdin(Stdio::piped());
        let mut process = process.spawn().unwrap();
        let input = process.stdin.as_mut().unwrap();
        wait(|| look(home.path()) > 0);
        input.write_all(b"go on\n").unwrap();
        let status = format!("/proc/{}/status", process.id());
        wait(|| peak(&std::fs::read_to_string(&status).unwrap()) > Some(LARGE));
        std::thread::sleep(2 * PERIOD);
        assert_eq!(look(home.path()), 0);
        process.kill().unwrap();
        process.wait().unwrap();
        let seen = watch.peak().unwrap_or(0) >> 10;
        assert!(seen < LARGE, "{seen} KiB");
    }

    fn wait(until: impl Fn() -> bool) {
        let start = Instant::now();
        while !until() {
            assert!(start.elapsed() < Duration::from_secs(60), "it takes too long");
            std::thread::sleep(PERIOD);
        }
    }
}
