//! Passwords and session ids: nowhere but in Plakar's own configuration, at the highest log level.

use std::path::Path;

use opendrive_sim::{Options, Simulator};
use support::noise;
use support::plakar::Plakar;

/// Every file below a folder that holds one of the texts.
fn holders(folder: &Path, texts: &[String], found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.ends_with("plakar/plugins") {
            // The package itself, which no run writes to.
            continue;
        }
        if path.is_dir() {
            holders(&path, texts, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            for text in texts {
                if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                    found.push(format!("{} holds {text:?}", path.display()));
                }
            }
        }
    }
}

#[test]
fn a_run_at_the_highest_log_level_shows_none() {
    let password = "p4ss \"quoted\" & wörd";
    let simulator =
        Simulator::start(Options { password: password.into(), ..Options::default() }).unwrap();
    for n in 0..20 {
        simulator.drive().put_file(&format!("folder/file{n}"), noise(n, 10_000), 1_700_000_000);
    }
    let mut environment = simulator.env();
    for (name, value) in [
        ("RCLONE_LOG_LEVEL", "DEBUG"),
        ("RCLONE_DUMP", "headers,bodies,requests,responses,auth"),
        ("PLAKAR_OPENDRIVE_LOG", "trace"),
    ] {
        environment.push((name.into(), value.into()));
    }
    let plakar = Plakar::new(&environment);
    let store = plakar.path("store");
    plakar.ok(&["at", &store, "create", "-plaintext"]);
    let configure = |password: &str| {
        let config = serde_json::json!({"drive": {"location": "opendrive://", "username": simulator.username(), "password": password}});
        assert_eq!(
            plakar
                .run_with_input(&["source", "import", "-overwrite"], config.to_string().as_bytes())
                .code,
            Some(0)
        );
    };
    let wrong = "wr0ng-p4ssword";
    let mut output = String::new();
    configure(wrong);
    output += &plakar.run(&["at", &store, "backup", "@drive"]).text();
    configure(password);
    output += &plakar.run(&["source", "ping", "drive"]).text();
    simulator.make_unlistable("folder");
    output += &plakar.run(&["at", &store, "backup", "@drive"]).text();
    simulator.set_faults(Vec::new());
    simulator.expire_sessions();
    let last = plakar.run(&["at", &store, "backup", "@drive"]).text();
    assert!(last.contains("completed without errors"), "{last}");
    output += &last;
    assert!(
        output.contains("HTTP REQUEST") && output.contains("DEBUG"),
        "the log level had no effect: {output}"
    );

    let json = serde_json::to_string(password).unwrap();
    let mut secrets =
        vec![password.to_owned(), json.trim_matches('"').to_owned(), wrong.to_owned()];
    let mut sessions: Vec<String> = simulator
        .call_log()
        .into_iter()
        .map(|call| call.session)
        .filter(|id| !id.is_empty())
        .collect();
    sessions.sort();
    sessions.dedup();
    assert!(sessions.len() >= 3, "{sessions:?}");
    secrets.extend(sessions);
    for secret in &secrets {
        let line = output.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{secret:?} is in {line:?}");
    }
    let mut found = Vec::new();
    holders(plakar.home(), &secrets, &mut found);
    // Plakar keeps what it was given in clear text; that is its own.
    found.retain(|line| !line.contains("/.config/plakar/sources.yml"));
    assert!(found.is_empty(), "{found:#?}");
}
