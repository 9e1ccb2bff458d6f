//! Peak memory of the plugins of a user of Plakar.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the processes are looked at. The peak itself is kept by the kernel.
const PERIOD: Duration = Duration::from_millis(20);

/// How often a process is asked whose it is: a child has its parent's environment until it becomes what it is to be.
const LOOKS: u8 = 5;

/// Watches the processes in a home that are not Plakar itself.
pub struct Watch {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch.
    pub fn start(home: &Path) -> Self {
        let mark = format!("HOME={}", home.display()).into_bytes();
        let (peak, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let thread = std::thread::spawn({
            let (peak, stop) = (peak.clone(), stop.clone());
            move || {
                let mut known = HashMap::new();
                while !stop.load(Ordering::Relaxed) {
                    peak.fetch_max(look(&mark, &mut known), Ordering::Relaxed);
                    std::thread::sleep(PERIOD);
                }
            }
        });
        Self { peak, stop, thread: Some(thread) }
    }

    /// The highest peak of resident memory of any one plugin, in bytes; `None` if there was no plugin.
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

enum Whose {
    Theirs,
    /// Not known to be theirs, after so many looks.
    Other(u8),
}

/// The highest peak among the plugins that run now, in KiB.
fn look(mark: &[u8], known: &mut HashMap<OsString, Whose>) -> u64 {
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    let mut highest = 0;
    for process in processes.flatten() {
        let id = process.file_name();
        if !id.as_encoded_bytes()[0].is_ascii_digit() {
            continue;
        }
        let whose = known.entry(id).or_insert(Whose::Other(0));
        if let Whose::Other(looks @ 0..LOOKS) = *whose {
            let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
            let theirs = environment.split(|byte| *byte == 0).any(|variable| variable == mark);
            *whose = if theirs { Whose::Theirs } else { Whose::Other(looks + 1) };
        }
        if matches!(whose, Whose::Theirs) {
            highest = highest.max(plugin_peak(&process.path()));
        }
    }
    highest
}

/// A plugin's peak in KiB; 0 for Plakar itself and for a process that has ended.
fn plugin_peak(process: &Path) -> u64 {
    let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    if field("Name:") == "plakar" {
        return 0;
    }
    field("VmHWM:").trim_end_matches(" kB").parse().unwrap_or(0)
}
