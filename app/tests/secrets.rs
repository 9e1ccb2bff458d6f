//! Secrets that are named: each way, and what is said when one is not there.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use source_app::secret::SecretReference;
use support::within;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(60);

/// What a name gives in an environment.
async fn found(name: &str, environment: &[(&str, &str)]) -> Result<String, String> {
    let environment: BTreeMap<&str, &str> = environment.iter().copied().collect();
    let variable = |name: &str| environment.get(name).map(|value| (*value).to_owned());
    within(LIMIT, SecretReference::parse(name)?.resolve_with(&variable)).await
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn each_way_gives_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("drive");
    write(&file, "hunter2\nthe rest\n", 0o600);
    let at = file.display().to_string();
    let directory = folder.path().display().to_string();
    let environment =
        [("DRIVE", "hunter3"), ("CREDENTIALS_DIRECTORY", directory.as_str()), ("EMPTY", "")];
    for (name, secret) in [
        (format!("file:{at}"), "hunter2"),
        ("env:DRIVE".into(), "hunter3"),
        ("credential:drive".into(), "hunter2"),
        ("cmd:printf '%s\\n' 'two words' more".into(), "two words"),
        ("cmd:echo $HOME ; id".into(), "$HOME ; id"),
        // What names nothing is the secret itself.
        ("hunter2".into(), "hunter2"),
        ("https://a:b".into(), "https://a:b"),
    ] {
        assert_eq!(found(&name, &environment).await.as_deref(), Ok(secret), "{name}");
    }
    std::os::unix::fs::symlink(&file, folder.path().join("link")).unwrap();
    write(&folder.path().join("open"), "hunter2", 0o644);
    write(&folder.path().join("empty"), "\nhunter2", 0o600);
    let at = |name: &str| folder.path().join(name).display().to_string();
    for (name, said) in [
        (format!("file:{}", at("none")), format!("{} is not there; make it, for yourself alone (chmod 600)", at("none"))),
        (format!("file:{}", at("open")), format!("{0} is open to other users (mode 644); run: chmod 600 {0}", at("open"))),
        (format!("file:{}", at("link")), format!("{} is a link; name the file that it points to", at("link"))),
        (format!("file:{}", at("empty")), format!("the first line of {} is empty; put the secret there", at("empty"))),
        (format!("file:{directory}"), format!("{directory} is not a file; name a file")),
        ("file:drive".into(), "write file: with the whole path of a file, such as file:/etc/secret".into()),
        ("env:NONE".into(), "the variable NONE is not set, or is no text; set it where this program is started".into()),
        ("env:EMPTY".into(), "the first line of the variable EMPTY is empty; put the secret there".into()),
        ("env:A B".into(), "write env: with the name of a variable, such as env:DRIVE_PASSWORD".into()),
        ("credential:../drive".into(), "write credential: with a name of LoadCredential=, such as credential:drive".into()),
        ("credential:none".into(), "the credential none of systemd cannot be read: No such file or directory (os error 2); write LoadCredential=none:/path into the unit".into()),
        ("cmd:/no/such/program".into(), "/no/such/program cannot be started: No such file or directory (os error 2)".into()),
        ("cmd:false".into(), "false ended with exit status: 1; run it by hand to see why".into()),
        ("cmd:true".into(), "the first line of what true prints is empty; put the secret there".into()),
        ("cmd:echo 'open".into(), "write cmd: with a program and its arguments, quoted as in a shell, such as cmd:pass show drive".into()),
    ] {
        let error = found(&name, &environment).await.unwrap_err();
        assert_eq!(error, said, "{name}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let error = found("credential:drive", &[]).await.unwrap_err();
    assert!(error.contains("CREDENTIALS_DIRECTORY is not set"), "{error}");
    let printed = format!("{:?}", SecretReference::parse("cmd:echo hunter2").unwrap());
    assert_eq!(printed, "Command(..)");
}

/// Vault as its documentation describes `GET /v1/MOUNT/data/PATH` of a KV engine, version 2. Gives its
/// address.
async fn vault() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let (mut first, mut line) = (String::new(), String::new());
                stream.read_line(&mut first).await.unwrap();
                let mut token = String::new();
                loop {
                    line.clear();
                    stream.read_line(&mut line).await.unwrap();
                    if line.trim().is_empty() {
                        break;
                    }
                    if let Some(given) = line.to_lowercase().strip_prefix("x-vault-token: ") {
                        token = given.trim().to_owned();
                    }
                }
                let path = first.split(' ').nth(1).unwrap();
                let (status, body) = match (token.as_str(), path) {
                    ("s.good", "/v1/secret/data/me/my%20drive") => (
                        200,
                        r#"{"request_id":"x","lease_id":"","renewable":false,"lease_duration":0,"data":{"data":{"password":"hunter2","number":7},"metadata":{"version":1,"destroyed":false}},"auth":null}"#,
                    ),
                    ("s.good", "/v1/broken/data/x") => (200, "<html>"),
                    ("s.good", "/v1/sealed/data/x") => (503, r#"{"errors":["Vault is sealed"]}"#),
                    ("s.good", _) => (404, r#"{"errors":[]}"#),
                    _ => (403, r#"{"errors":["permission denied"]}"#),
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn vault_gives_a_field_of_a_secret() {
    let address = vault().await;
    let good = [("VAULT_ADDR", address.as_str()), ("VAULT_TOKEN", "s.good")];
    let name = "vault:secret/me/my drive#password";
    assert_eq!(found(name, &good).await.as_deref(), Ok("hunter2"));
    for (name, environment, said) in [
        (
            "vault:secret/me/my drive#number",
            good,
            "the secret has no such field that is text; write another after #",
        ),
        (
            "vault:secret/other#password",
            good,
            "Vault has nothing there; write the mount of a KV engine of version 2 and a path in it",
        ),
        ("vault:sealed/x#password", good, "Vault answers 503"),
        ("vault:broken/x#password", good, "Vault's answer is not JSON"),
        (
            name,
            [("VAULT_ADDR", address.as_str()), ("VAULT_TOKEN", "s.bad")],
            "Vault refuses; VAULT_TOKEN must be one that may read it",
        ),
        (
            name,
            [("VAULT_ADDR", address.as_str()), ("VAULT_TOKEN", "")],
            "the variable VAULT_TOKEN is not set; set VAULT_ADDR and VAULT_TOKEN where this program is started",
        ),
        (
            name,
            [("VAULT_ADDR", "vault.example.org"), ("VAULT_TOKEN", "x")],
            "VAULT_ADDR is no address; write one such as https://vault.example.org:8200",
        ),
        (
            name,
            [("VAULT_ADDR", "http://127.0.0.1:1"), ("VAULT_TOKEN", "x")],
            "the Vault of VAULT_ADDR cannot be reached",
        ),
    ] {
        assert_eq!(found(name, &environment).await, Err(format!("{name}: {said}")));
    }
    for wrong in ["vault:secret#x", "vault:a/b", "vault:a/../b#c", "vault:/a#b", "vault:a/b?c#d"] {
        let error = found(wrong, &good).await.unwrap_err();
        assert!(
            error.starts_with("write vault: with the mount of a KV engine"),
            "{wrong}: {error}"
        );
    }
}

/// By another process: a proxy is named by a variable, which all tests here would have.
#[test]
fn a_vault_on_this_machine_is_asked_past_the_proxy() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(["--exact", "vault_gives_a_field_of_a_secret"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        tests.env(name, &address);
    }
    let output = tests.env_remove("no_proxy").env_remove("NO_PROXY").output().unwrap();
    assert!(proxy.accept().is_err(), "the proxy was asked");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
