//! What the plugins of a user of Plakar use: memory, processor, and what it takes to talk to Plakar.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the processes are looked at. The peak itself is kept by the kernel; of a plugin's
/// processor time what it uses after the last look is not seen.
const PERIOD: Duration = Duration::from_millis(20);

/// Each so many looks the threads are asked too, which takes longer.
const LOOKS_AT_THREADS: u32 = 10;

/// A process: its number, and when it was started, because numbers come again within the hour.
type Process = (u64, u64);

/// What a plugin has used until now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Usage {
    /// Peak of resident memory in KiB.
    peak: u64,
    /// Processor time of all its threads in ticks of the system's.
    ticks: u64,
    hops: Hops,
}

/// What a plugin asks of the system to take bytes in and give them out, and how often one of its
/// threads waited for another, for Plakar or for the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hops {
    /// Calls that read (`syscr` of proc_pid_io(5)), from pipes and files; sockets that are received
    /// from are not counted.
    pub reads: u64,
    /// Calls that write, likewise.
    pub writes: u64,
    /// Bytes that these calls read and wrote.
    pub bytes: u64,
    /// How often a thread went to sleep and was woken (`voluntary_ctxt_switches`). Threads that have
    /// ended are not counted.
    pub wake_ups: u64,
}

/// What all plugins of a user have used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The highest peak of resident memory of any one of them, in bytes.
    pub peak: u64,
    /// Processor time of all together.
    pub processor: Duration,
    /// Of all together.
    pub hops: Hops,
}

/// Watches the plugins of a user: Plakar unpacks them into the user's home, and nothing else is run
/// from there.
pub struct Watch {
    seen: Arc<Mutex<HashMap<Process, Usage>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch.
    pub fn start(home: &Path) -> Self {
        let seen = Arc::<Mutex<HashMap<Process, Usage>>>::default();
        let stop = Arc::<AtomicBool>::default();
        let thread = std::thread::spawn({
            let (seen, stop, home) = (seen.clone(), stop.clone(), home.to_owned());
            move || {
                for number in (0..LOOKS_AT_THREADS).cycle() {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let now = look(&home, number == 0);
                    let mut seen = seen.lock().unwrap();
                    for (process, mut usage) in now {
                        let before = seen.get(&process).map_or(0, |usage| usage.hops.wake_ups);
                        usage.hops.wake_ups = usage.hops.wake_ups.max(before);
                        seen.insert(process, usage);
                    }
                    drop(seen);
                    std::thread::sleep(PERIOD);
                }
            }
        });
        Self { seen, stop, thread: Some(thread) }
    }

    /// The highest peak of resident memory of any one plugin, in bytes; `None` if there was no
    /// plugin.
    pub fn peak(mut self) -> Option<u64> {
        self.end();
        self.peak_until_now()
    }

    /// All that is known; `None` if there was no plugin.
    pub fn usage(mut self) -> Option<Used> {
        self.end();
        let peak = self.peak_until_now()?;
        let (mut ticks, mut hops) = (0, Hops::default());
        for usage in self.seen.lock().unwrap().values() {
            ticks += usage.ticks;
            hops.reads += usage.hops.reads;
            hops.writes += usage.hops.writes;
            hops.bytes += usage.hops.bytes;
            hops.wake_ups += usage.hops.wake_ups;
        }
        let processor = Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND);
        Some(Used { peak, processor, hops })
    }

    fn peak_until_now(&self) -> Option<u64> {
        let kib = self.seen.lock().unwrap().values().map(|usage| usage.peak).max()?;
        Some(kib << 10)
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

/// Ticks of the times in /proc: 100 on every Linux that Rust's targets know (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;

/// The plugins that run now; how often their threads were woken is 0 if they are not to be asked.
fn look(home: &Path, ask_threads: bool) -> HashMap<Process, Usage> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return HashMap::new() };
    let is_process = |name: &std::ffi::OsStr| name.as_encoded_bytes()[0].is_ascii_digit();
    let processes = processes.flatten().filter(|process| is_process(&process.file_name()));
    processes.filter_map(|process| plugin_usage(&process.path(), home, ask_threads).ok()?).collect()
}

/// What a plugin has used; `None` for any other process.
///
/// What a process is, is asked each time, before and after its memory is read: numbers of processes
/// come again within the hour, and a child has the memory, the name and the environment of its
/// parent until it becomes what it is to be. The executable belongs to the memory that the peak is
/// of.
///
/// # Errors
/// If it has ended, or is somebody else's.
fn plugin_usage(
    process: &Path,
    home: &Path,
    ask_threads: bool,
) -> io::Result<Option<(Process, Usage)>> {
    let is_plugin =
        || std::fs::read_link(process.join("exe")).map(|executable| executable.starts_with(home));
    if !is_plugin()? {
        return Ok(None);
    }
    let status = std::fs::read_to_string(process.join("status"))?;
    let stat = std::fs::read_to_string(process.join("stat"))?;
    let mut hops = calls(&std::fs::read_to_string(process.join("io")).unwrap_or_default());
    if ask_threads {
        hops.wake_ups = wake_ups(process).unwrap_or_default();
    }
    if !is_plugin()? {
        return Ok(None);
    }
    let Some((Some(peak), (process, ticks))) = times(&stat).map(|times| (peak(&status), times))
    else {
        return Ok(None);
    };
    Ok(Some((process, Usage { peak, ticks, hops })))
}

/// Which process a `stat` file tells of, and its processor time in ticks (proc_pid_stat(5)).
fn times(stat: &str) -> Option<(Process, u64)> {
    // The name may have anything in it, a bracket too.
    let (number, _) = stat.split_once(' ')?;
    let (_, fields) = stat.rsplit_once(')')?;
    // The first of them is the third of the file.
    let field = |number: usize| fields.split_whitespace().nth(number - 3)?.parse::<u64>().ok();
    Some(((number.parse().ok()?, field(22)?), field(14)? + field(15)?))
}

/// The peak in KiB that a `status` file tells of; `None` in that of a process that has ended.
fn peak(status: &str) -> Option<u64> {
    field(status, "VmHWM:")
}

/// The number behind a name in a file of `/proc`, without its unit.
fn field(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().trim_end_matches(" kB").parse().ok()
}

/// What an `io` file tells of (proc_pid_io(5)).
fn calls(io: &str) -> Hops {
    let number = |name| field(io, name).unwrap_or_default();
    Hops {
        reads: number("syscr:"),
        writes: number("syscw:"),
        bytes: number("rchar:") + number("wchar:"),
        wake_ups: 0,
    }
}

/// How often the threads of a process were woken.
fn wake_ups(process: &Path) -> io::Result<u64> {
    let threads = std::fs::read_dir(process.join("task"))?.flatten();
    let statuses =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok());
    Ok(statuses.filter_map(|status| field(&status, "voluntary_ctxt_switches:")).sum())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::path::PathBuf;
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
        wait(|| !look(home.path(), false).is_empty());
        input.write_all(b"go on\n").unwrap();
        let status = format!("/proc/{}/status", process.id());
        wait(|| peak(&std::fs::read_to_string(&status).unwrap()) > Some(LARGE));
        std::thread::sleep(2 * PERIOD);
        assert_eq!(look(home.path(), false), HashMap::new());
        process.kill().unwrap();
        process.wait().unwrap();
        let seen = watch.peak().unwrap_or(0) >> 10;
        assert!(seen < LARGE, "{seen} KiB");
    }

    #[test]
    fn the_processor_time_of_a_plugin_is_counted() {
        let home = tempfile::tempdir().unwrap();
        let plugin = home.path().join("a plugin) 1 2 3");
        std::fs::copy("/bin/sh", &plugin).unwrap();
        let watch = Watch::start(home.path());
        let script = "n=0; while test $n -lt 300000; do n=$((n + 1)); done; sleep 1";
        assert!(Command::new(&plugin).args(["-c", script]).status().unwrap().success());
        let time = watch.usage().unwrap().processor;
        assert!(time > Duration::from_millis(20) && time < Duration::from_secs(60), "{time:?}");
        assert_eq!(Watch::start(home.path()).usage(), None);
    }

    #[test]
    fn what_a_plugin_reads_and_writes_is_counted() {
        let home = tempfile::tempdir().unwrap();
        let plugin = home.path().join("plugin");
        std::fs::copy("/bin/sh", &plugin).unwrap();
        let watch = Watch::start(home.path());
        let mut process = Command::new(&plugin)
            .args(["-c", "for n in 1 2 3 4 5 6 7; do read -r line; echo $line; done; read -r line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let folder = PathBuf::from(format!("/proc/{}", process.id()));
        for _ in 0..7 {
            // What is there before it asks is read without a wait.
            wait(|| is_asleep(&folder));
            input.write_all(b"line\n").unwrap();
            output.read_line(&mut String::new()).unwrap();
        }
        // It waits before it ends, so that it is looked at once more.
        wait(|| watch.seen.lock().unwrap().values().any(|usage| usage.hops.wake_ups >= 7));
        drop(input);
        process.wait().unwrap();
        let hops = watch.usage().unwrap().hops;
        assert!(hops.writes >= 7 && hops.reads >= 7 && hops.bytes >= 70, "{hops:?}");
        assert!((7..1000).contains(&hops.wake_ups), "{hops:?}");
    }

    /// Whether a process of one thread waits for something that may come at any time
    /// (proc_pid_stat(5)).
    fn is_asleep(process: &Path) -> bool {
        let stat = std::fs::read_to_string(process.join("stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.trim_start().starts_with('S')
    }

    fn wait(until: impl Fn() -> bool) {
        let start = Instant::now();
        while !until() {
            assert!(start.elapsed() < Duration::from_secs(60), "it takes too long");
            std::thread::sleep(PERIOD);
        }
    }
}
