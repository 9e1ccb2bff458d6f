//! A process of its own for a test of what the whole process holds or is allowed: rclone's limits
//! of rate and bandwidth, its counts of calls, streams and handles, threads and descriptors. Beside
//! the other tests of its executable it would measure those.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::user::{drain, wait};

/// Names the test that a process is there for.
const MARK: &str = "PLAKAR_OPENDRIVE_TEST_ALONE";

/// No test of this kind takes longer, unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(900);

/// Stands first in such a test: `if ran_alone() { return; }`. Runs the test in a process of its
/// own, which must succeed, and is true then; false in that process, where the test goes on.
///
/// # Panics
/// With all that it said, if the test fails there, or does not end within a quarter of an hour.
pub fn ran_alone() -> bool {
    // The harness gives each test a thread of its own, by the test's name.
    let thread = std::thread::current();
    let test =
        thread.name().filter(|name| *name != "main").expect("called from the test's own thread");
    if std::env::var(MARK).is_ok_and(|marked| marked == test) {
        return false;
    }
    let mut command = Command::new(std::env::current_exe().expect("a test has a path"));
    command.args([test, "--exact", "--include-ignored", "--nocapture"]).env(MARK, test);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let pipes: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    let said = pipes.map(drain);
    let status = wait(&mut child, TIME_LIMIT);
    let said =
        said.map(|thread| String::from_utf8_lossy(&thread.join().unwrap()).into_owned()).concat();
    let ended =
        status.unwrap_or_else(|| panic!("{test}, alone: not done within {TIME_LIMIT:?}:\n{said}"));
    // A name that matches nothing would succeed, too.
    assert!(ended.success() && said.contains("1 passed"), "{test}, alone: {ended}:\n{said}");
    print(&said);
    true
}

/// Shows what it said where that is asked for: `--nocapture`.
#[allow(clippy::print_stdout)] // The test harness takes it.
fn print(said: &str) {
    print!("{said}");
}

#[cfg(all(test, unix))]
mod tests {
    use super::ran_alone;

    #[test]
    fn it_runs_in_another_process() {
        let name = |process: u32| {
            std::env::temp_dir().join(format!("plakar-opendrive-test-alone-{process}"))
        };
        if !ran_alone() {
            return std::fs::write(name(std::os::unix::process::parent_id()), "here").unwrap();
        }
        std::fs::remove_file(name(std::process::id())).expect("a child of this process was there");
    }

    #[test]
    #[should_panic(expected = "alone: exit status: 101")]
    fn a_failure_there_is_one_here() {
        assert!(ran_alone(), "what is wrong");
    }
}
