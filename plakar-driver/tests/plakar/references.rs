//! A configuration with secrets in it goes with its job, however that ends.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::world::guard;

#[test]
fn a_guard_removes_the_secrets_also_when_we_are_gone() {
    for (program, argument) in [("/bin/true", ""), ("/bin/sleep", "600")] {
        let folder = tempfile::tempdir().unwrap();
        let secrets = folder.path().join("plakar-configuration");
        std::fs::create_dir(&secrets).unwrap();
        std::fs::write(secrets.join("sources.yml"), "hunter2").unwrap();
        let mut child = Command::new(&guard()[0])
            .args(["0", "shared-cache", program, argument])
            .env("PLAKAR_GUARD_REMOVES", &secrets)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // As when we are killed: the lifeline closes.
        drop(child.stdin.take());
        let ended = || child.try_wait().unwrap();
        support::wait_for(Duration::from_secs(60), program, ended);
        assert!(!secrets.exists(), "{program}");
        assert!(folder.path().exists());
    }
}
