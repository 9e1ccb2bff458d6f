//! Other programs than plakar, under its guard.

use std::path::Path;
use std::time::Duration;

use plakar_driver::{CancellationToken, Error, Plakar, ProgramJob};

use crate::user;
use crate::world::{guard, write_program};

struct Site {
    user: user::Plakar,
    plakar: Plakar,
}

impl Site {
    fn new() -> Self {
        let user = user::Plakar::new(&[]);
        let environment = [
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("HOME".to_owned(), user.path("").trim_end_matches('/').to_owned()),
            ("TMPDIR".to_owned(), user.path("tmp")),
            ("API_TOKEN".to_owned(), "hush-hush".to_owned()),
        ];
        let environment = environment.map(|(name, value)| (name.into(), value.into())).to_vec();
        let plakar = Plakar::new(&crate::plakar::plakar(), guard(), environment).unwrap();
        Self { user, plakar }
    }

    fn script(&self, text: &str) -> std::path::PathBuf {
        let path = self.user.home().join("script");
        write_program(&path, &format!("#!/bin/sh\n{text}\n"));
        path
    }

    async fn run(
        &self,
        program: &Path,
        arguments: &[&str],
        timeout: u64,
        cancel: &CancellationToken,
    ) -> (plakar_driver::Result<()>, Vec<String>) {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let job = ProgramJob {
            program,
            arguments: &arguments,
            variables: &[("HOOK_APP", "mine\nyours".to_owned())],
            timeout: Duration::from_secs(timeout),
            entries: &[],
            store: None,
        };
        let mut said = Vec::new();
        let mut take = |line: &str| said.push(line.to_owned());
        let ran = self.plakar.run_program(&job, &mut take, cancel).await;
        (ran, said)
    }

    fn sleeping(&self) -> usize {
        let line = |process: std::path::PathBuf| {
            std::fs::read(process.join("cmdline")).unwrap_or_default().starts_with(b"sleep\0")
        };
        self.user.processes().into_iter().map(line).filter(|sleeps| *sleeps).count()
    }
}

#[tokio::test]
async fn a_program_keeps_its_name_its_folder_and_its_standard_input_is_empty() {
    let site = Site::new();
    let never = CancellationToken::new();
    let script = site.script("echo \"$0\"; echo \"$1\"; echo \"$TMPDIR\"; echo \"$HOOK_APP\"; cat; echo \"$API_TOKEN\" >&2; exit 0");
    let (ran, mut said) = site.run(&script, &["a b;c"], 30, &never).await;
    ran.unwrap();
    // The two streams come in any order.
    said.sort();
    let mut expected =
        [script.to_str().unwrap(), "a b;c", &site.user.path("tmp"), "mine", "yours", "********"];
    expected.sort_unstable();
    assert_eq!(said, expected);
    // A binary that goes by the name it is called by.
    let (ran, said) = site.run(Path::new("/bin/sh"), &["-c", "echo $0"], 30, &never).await;
    ran.unwrap();
    assert_eq!(said, ["/bin/sh"]);
}

#[tokio::test]
async fn how_it_failed_is_told_in_one_line() {
    let site = Site::new();
    let never = CancellationToken::new();
    let reason = async |program: &Path, timeout| match site.run(program, &[], timeout, &never).await
    {
        (Err(Error::Refused(reason)), _) => reason,
        other => panic!("{other:?}"),
    };
    let script = site.script("echo one; echo two >&2; echo; exit 7");
    let told = reason(&script, 30).await;
    assert!(["it ended with 7: one", "it ended with 7: two"].contains(&told.as_str()), "{told}");
    assert_eq!(reason(&site.script("exit 9"), 30).await, "it ended with 9");
    assert_eq!(reason(&site.script("kill -9 $$"), 30).await, "it ended with 137");
    // Its own 127 is no word of the guard's.
    assert_eq!(reason(&site.script("exit 127"), 30).await, "it ended with 127");
    assert_eq!(
        reason(Path::new("/nowhere/x"), 30).await,
        "cannot start /nowhere/x: No such file or directory (os error 2)"
    );
    let (late, _) = site.run(&site.script("sleep 600"), &[], 1, &never).await;
    assert!(matches!(late, Err(Error::TimedOut(limit)) if limit.as_secs() == 1), "{late:?}");
    assert_eq!(site.sleeping(), 0);
}

#[tokio::test]
async fn all_of_its_group_ends_with_it() {
    let site = Site::new();
    // A script that does not end when it is asked to, nor do its children.
    let script = site.script("trap '' TERM; sleep 601 & sleep 602 & echo ready; wait; sleep 603");
    let cancel = CancellationToken::new();
    let told = cancel.clone();
    let watch = async {
        while site.sleeping() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        told.cancel();
    };
    let begun = std::time::Instant::now();
    let run = site.run(&script, &[], 600, &cancel);
    let ((ran, _), ()) =
        tokio::time::timeout(Duration::from_secs(120), async { tokio::join!(run, watch) })
            .await
            .unwrap();
    assert!(matches!(ran, Err(Error::Cancelled)), "{ran:?}");
    assert!(begun.elapsed() >= Duration::from_secs(20), "it had its time to end");
    assert_eq!(site.sleeping(), 0);
    // What a script leaves running in its group does not outlive it for long, and holds nothing up.
    let script = site.script("sleep 604 & exit 0");
    let never = CancellationToken::new();
    let ran = site.run(&script, &[], 600, &never);
    let (ran, _) = tokio::time::timeout(Duration::from_secs(60), ran).await.unwrap();
    ran.unwrap();
    // It was killed, and nobody has waited until it was dead.
    let is_over = || site.sleeping() == 0;
    support::until(Duration::from_secs(60), "what it left to end", is_over).await;
}
