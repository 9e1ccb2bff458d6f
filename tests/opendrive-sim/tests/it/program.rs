//! The program `opendrive-sim`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::control::control;

fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn start(dir: &Path, extra: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opendrive-sim"));
    command
        .args(extra)
        .arg("--env-file")
        .arg(dir.join("env"))
        .arg("--ca-file")
        .arg(dir.join("ca's.pem"));
    command.arg("--seed").arg(dir.join("seed")).stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().expect("the program")
}

#[test]
fn environment_seed_and_end_of_input() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("seed")).expect("a directory");
    std::fs::write(dir.path().join("seed/hello.txt"), "hello").expect("a file");
    let faults = r#"[{"endpoint": "folder/list", "what": "refuse_write"}]"#;
    let behaviour = [
        "--max-downloads",
        "0",
        "--upload-speed",
        "1000",
        "--no-ranges",
        "--folder-namesakes",
        "raced",
        "--faults",
        faults,
    ];
    let mut child =
        start(dir.path(), &[&["--exit-with-stdin", "--latency-ms", "1"], &behaviour[..]].concat());
    wait_for("environment", || std::fs::metadata(dir.path().join("env")).ok());

    let script = r#". "$1/env"; printf '%s\n%s\n' "$HTTPS_PROXY" "$RCLONE_CA_CERT""#;
    let shell =
        Command::new("sh").args(["-c", script, "sh"]).arg(dir.path()).output().expect("a shell");
    let output = String::from_utf8(shell.stdout).expect("UTF-8");
    let (proxy, ca) = output.trim().split_once('\n').expect("two lines");
    assert!(
        std::fs::read_to_string(ca)
            .expect("the CA file")
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    let address = proxy.strip_prefix("http://").expect("a URL").parse().expect("an address");
    assert_eq!(
        control(address, "GET", "/_sim/file?path=hello.txt", "localhost", b""),
        (200, b"hello".to_vec())
    );
    let json = |path: &str| -> Value {
        serde_json::from_slice(&control(address, "GET", path, "localhost", b"").1).expect("JSON")
    };
    let behaviour = json("/_sim/behaviour");
    assert_eq!(
        (&behaviour["max_downloads"], &behaviour["upload_speed"]),
        (&Value::Null, &1000.into())
    );
    assert_eq!(
        (&behaviour["ranges"], &behaviour["folder_namesakes"]),
        (&false.into(), &"raced".into())
    );
    assert_eq!(
        (&behaviour["upload_by_hash"], &behaviour["session_over_status"]),
        (&true.into(), &401.into())
    );
    assert_eq!(json("/_sim/faults")[0]["fault"]["what"], "refuse_write");

    drop(child.stdin.take());
    assert!(wait_for("exit", || child.try_wait().expect("a child")).success());
}

#[test]
fn signals_end_it() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("seed")).expect("a directory");
    for signal in ["-TERM", "-INT"] {
        let mut child = start(dir.path(), &[]);
        wait_for("environment", || std::fs::metadata(dir.path().join("env")).ok());
        drop(child.stdin.take());
        assert!(child.try_wait().expect("a child").is_none());
        assert!(
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
                .expect("kill")
                .success()
        );
        assert!(wait_for("exit", || child.try_wait().expect("a child")).success());
        std::fs::remove_file(dir.path().join("env")).expect("the environment");
    }
}
