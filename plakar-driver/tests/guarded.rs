//! All that a guarded program has started ends with it, however that comes about, on every platform. No
//! plakar is needed: the program is this test again, which starts itself once more. Each of them holds a
//! connection to the test, which shows when it has ended.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use plakar_driver::{CancellationToken, Error, KilledOnDrop, Plakar, ProgramJob};

/// Where the test listens, for the processes that it starts.
const ADDRESS: &str = "GUARDED_TEST_ADDRESS";

/// How long a process may take to start or to end.
const TIMEOUT: Duration = Duration::from_secs(120);

const GUARD: &str = env!("CARGO_BIN_EXE_source-app-guard");

/// The arguments that have this executable play one of the parts below.
fn part(name: &str) -> [String; 3] {
    ["--exact".to_owned(), name.to_owned(), "--nocapture".to_owned()]
}

fn this() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}

/// Tells the test who this is, if it is one of its processes.
fn connect(name: &str) -> Option<TcpStream> {
    let mut connection = TcpStream::connect(std::env::var(ADDRESS).ok()?).unwrap();
    connection.write_all(&[name.len() as u8]).unwrap();
    connection.write_all(name.as_bytes()).unwrap();
    Some(connection)
}

/// Ends when the test does, if nobody ends it before.
fn stay(mut connection: TcpStream) {
    let _ = connection.read(&mut [0]);
}

#[test]
fn grandchild() {
    connect("grandchild").into_iter().for_each(stay);
}

#[test]
fn child() {
    let Some(connection) = connect("child") else { return };
    let mut grandchild = Command::new(this()).args(part("grandchild")).spawn().unwrap();
    stay(connection);
    let _ = grandchild.wait();
}

/// What starts the program, and is killed.
#[tokio::test]
async fn driver() {
    if let Ok(address) = std::env::var(ADDRESS) {
        run_child(address, &CancellationToken::new()).await.unwrap();
    }
}

/// Runs the program under a guard, as a task's script.
async fn run_child(address: String, cancel: &CancellationToken) -> plakar_driver::Result<()> {
    let plakar = Plakar::new(&this(), vec![GUARD.into()], std::env::vars_os().collect()).unwrap();
    let job = ProgramJob {
        program: &this(),
        arguments: &part("child"),
        variables: &[(ADDRESS, address)],
        timeout: TIMEOUT,
        entries: &[],
        store: None,
    };
    plakar.run_program(&job, &mut |_| (), cancel).await
}

struct Family {
    listener: TcpListener,
    members: Vec<TcpStream>,
}

impl Family {
    fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), members: Vec::new() }
    }

    fn variable(&self) -> (&'static str, String) {
        (ADDRESS, self.listener.local_addr().unwrap().to_string())
    }

    /// Waits until both are there.
    fn meet(&mut self) {
        let (met, meeting) = std::sync::mpsc::channel();
        let listener = self.listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for _ in 0..2 {
                let (mut connection, _) = listener.accept().unwrap();
                connection.set_read_timeout(Some(TIMEOUT)).unwrap();
                let mut length = [0];
                connection.read_exact(&mut length).unwrap();
                let mut name = vec![0; usize::from(length[0])];
                connection.read_exact(&mut name).unwrap();
                met.send((String::from_utf8(name).unwrap(), connection)).unwrap();
            }
        });
        let mut names = Vec::new();
        for _ in 0..2 {
            let (name, connection) = meeting.recv_timeout(TIMEOUT).expect("both start");
            names.push(name);
            self.members.push(connection);
        }
        names.sort();
        assert_eq!(names, ["child", "grandchild"]);
    }

    /// Waits until both have ended.
    fn gone(&mut self) {
        for mut member in self.members.drain(..) {
            match member.read(&mut [0]) {
                Ok(0) => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
                other => panic!("it lives on: {other:?}"),
            }
        }
    }

    /// Whether both live on for a while.
    fn are_there(&mut self) -> bool {
        self.members.iter_mut().all(|member| {
            member.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
            let outcome = member.read(&mut [0]);
            matches!(outcome, Err(error) if [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut].contains(&error.kind()))
        })
    }

    /// A guard that has been told to run the program, as plakar or as another one.
    fn guard(&self, what: &str) -> std::process::Child {
        Command::new(GUARD)
            .args(["0", what])
            .arg(this())
            .args(part("child"))
            .envs([self.variable()])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_program_takes_along_what_it_has_started() {
    let mut family = Family::new();
    let (address, cancel) = (family.variable().1, CancellationToken::new());
    let cancels = cancel.clone();
    let met = tokio::task::spawn_blocking(move || {
        family.meet();
        cancels.cancel();
        family
    });
    let ended = run_child(address, &cancel).await;
    assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
    met.await.unwrap().gone();
}

#[test]
fn a_driver_that_is_killed_takes_along_what_it_has_started() {
    let mut family = Family::new();
    let mut driver = Command::new(this())
        .args(part("driver"))
        .envs([family.variable()])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    family.meet();
    driver.kill().unwrap();
    driver.wait().unwrap();
    family.gone();
}

#[test]
fn what_plakar_leaves_running_when_it_is_cancelled_is_ended() {
    let mut family = Family::new();
    let mut guard = family.guard("shared-cache");
    family.meet();
    drop(guard.stdin.take());
    guard.wait().unwrap();
    family.gone();
}

/// Elsewhere the lifeline does that, and nobody can watch over the guard itself.
#[cfg(windows)]
#[test]
fn a_guard_that_is_killed_takes_along_what_it_has_started() {
    let mut family = Family::new();
    let mut guard = family.guard("other-program");
    family.meet();
    guard.kill().unwrap();
    guard.wait().unwrap();
    family.gone();
}

fn command(family: &Family) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(this());
    command.args(part("child")).envs([family.variable()]).stdin(Stdio::null());
    command
}

#[tokio::test]
async fn a_program_that_nobody_waits_for_any_more_is_ended_with_what_it_has_started() {
    let mut family = Family::new();
    let (group, _child) = KilledOnDrop::spawn(&mut command(&family)).unwrap();
    family.meet();
    assert!(family.are_there());
    drop(group);
    family.gone();
}

#[tokio::test]
async fn a_program_that_is_released_lives_on() {
    let mut family = Family::new();
    let (group, _child) = KilledOnDrop::spawn(&mut command(&family)).unwrap();
    family.meet();
    group.release();
    assert!(family.are_there());
}
