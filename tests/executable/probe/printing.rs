//! What is printed, what is never printed, and what is asked first.

use opendrive_sim::{Fault, texts};
use serde_json::{Value, json};
use support::command::finish;
use support::planted::assert_plain;

use super::{SCRATCH, World, planted, row};

/// Words that are ids, sessions, hashes: long, with a digit in them.
fn looks_like_a_secret(text: &str) -> bool {
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    words.any(|word| {
        word.len() >= 9 && word.contains(|c: char| c.is_ascii_digit()) && !word.starts_with(SCRATCH)
    })
}

fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(members) => members.iter().for_each(|(key, item)| {
            found.push(key);
            strings(item, found);
        }),
        _ => {}
    }
}

#[test]
fn nothing_secret_is_printed() {
    let world = World::new();
    let id = world.simulator.drive().put_file(
        "Documents/letter.txt",
        b"Dear all,\n".to_vec(),
        1_700_000_000,
    );
    let hidden = "wh1t-is-in-a-field";
    let told = format!(
        "{} may not change {id}, /Documents/letter.txt, 'letter.txt'",
        world.simulator.username()
    );
    let faults = || {
        let secrets = json!({"error": {"code": 400, "message": told, "key": hidden}, &id: 1, "letter.txt": 2, world.simulator.username(): 3});
        vec![
            Fault::refused(400, &told).endpoint("file/filesettings"),
            Fault::new(planted(&secrets)).endpoint("upload/open_file_upload").skip(2),
            Fault::new(planted(&json!({hidden: {"letter.txt": 1}, "error": id})))
                .endpoint("folder/itembyname"),
        ]
    };
    let secrets = [
        world.simulator.username(),
        world.simulator.password(),
        texts::PRIVATE_KEY,
        hidden,
        id.as_str(),
        "letter",
        "user@",
        "Dear all",
        "Documents",
    ];
    for arguments in
        [&["--json", "--only", "1,2,3,4,5,9,11,13,16"][..], &["--only", "1,2,3,4,5,9,11,13,16"]]
    {
        world.simulator.set_faults(faults());
        let mut command =
            world.person().command(&[&["probe", "opendrive://Documents"], arguments].concat());
        // All that rclone has to tell.
        command
            .env("RCLONE_LOG_LEVEL", "DEBUG")
            .env("RCLONE_DUMP", "headers,bodies,requests,responses");
        let outcome = finish(command, b"");
        let text = String::from_utf8(outcome.stdout).unwrap();
        assert_eq!(world.simulator.unused_faults(), [], "{text}");
        for secret in secrets {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        for secret in [world.simulator.password(), texts::PRIVATE_KEY] {
            assert!(!outcome.stderr.contains(secret), "{secret} on standard error");
        }
        if let Ok(report) = serde_json::from_str::<Value>(&text) {
            let mut found = Vec::new();
            strings(&report["points"], &mut found);
            let odd: Vec<&str> =
                found.into_iter().filter(|text| looks_like_a_secret(text)).collect();
            assert!(odd.is_empty(), "{odd:#?}");
        } else {
            text.lines().for_each(assert_plain);
            let odd: Vec<&str> =
                text.lines().skip(1).filter(|line| looks_like_a_secret(line)).collect();
            assert!(odd.is_empty(), "{odd:#?}");
        }
        world.simulator.set_faults(vec![]);
        world.is_tidy();
    }
}

#[test]
fn the_table_has_what_the_json_has() {
    let world = World::new();
    let outcome = world.run(&["--only", "1,9"]);
    let text = String::from_utf8(outcome.stdout).unwrap();
    assert_eq!(outcome.code, Some(0), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with(concat!("plakar-opendrive ", env!("CARGO_PKG_VERSION"), ", 2"))
            && lines[0].ends_with(", account Personal"),
        "{text}"
    );
    assert!(text.contains("holds      1  A chunk of an upload that is sent twice\n"), "{text}");
    assert!(text.contains(r#"400  POST upload/upload_file_chunk, the first chunk again, "Incorrect chunk offset: uploaded=1000, chunk_offset=0", [error error.code error.message]"#), "{text}");
    let end = lines.last().unwrap();
    assert!(
        end.starts_with("2 holds; ")
            && end.contains(&format!("; the scratch folder {SCRATCH}"))
            && end.ends_with(" is removed"),
        "{text}"
    );
    assert!(
        outcome.stderr.contains("scratch folder") && outcome.stderr.contains("0.5 MB   1  A chunk"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn much_traffic_wants_consent() {
    let world = World::new();
    // Nobody is there to be asked.
    let (report, code) = world.report(&["--only", "1,7"]);
    assert_eq!(
        (code, &row(&report, 7)["verdict"], &row(&report, 1)["verdict"]),
        (Some(0), &json!("left_out"), &json!("holds")),
        "{report:#}"
    );
    assert!(
        row(&report, 7)["found"].as_str().unwrap().contains("76.0 MB of traffic: add --yes"),
        "{report:#}"
    );
    let calls = world.simulator.calls();
    assert!(
        !calls.by_endpoint.contains_key("download/file")
            && calls.bytes_up < 1_000_000
            && calls.bytes_down == 0,
        "{calls:?}"
    );
    // Without it nothing is left out that needs little.
    let (report, _) = world.report(&["--only", "2,3"]);
    assert!(
        report["points"].as_array().unwrap().iter().all(|row| row["verdict"] == "holds"),
        "{report:#}"
    );
    world.is_tidy();
}

/// At a terminal somebody is asked.
#[cfg(unix)]
#[test]
fn consent_is_asked_for_at_a_terminal() {
    for (answer, expected) in [("no", "left out   7"), ("yes", "holds      7")] {
        let world = World::new();
        let mut command =
            world.person().command(&["probe", "opendrive://Documents", "--only", "7"]);
        command
            .stdin(std::process::Stdio::inherit())
            .stdout(std::process::Stdio::inherit())
            .stderr(std::process::Stdio::inherit());
        command.env("NO_COLOR", "1");
        let options = rexpect::session::Options::new().timeout_ms(Some(240_000));
        let mut session = rexpect::session::spawn_with_options(command, options).unwrap();
        let before =
            session.exp_string("use it? (yes, or no to leave out what needs most)").unwrap();
        assert!(
            before.contains("76.0 MB   7  Seven downloads at once")
                && before.contains("may use up to 76.0 MB"),
            "{before}"
        );
        assert_eq!(world.simulator.calls().by_endpoint.get("folder/create"), None, "{before}");
        session.send_line(answer).unwrap();
        let shown = session.exp_eof().unwrap();
        assert!(shown.contains(expected), "{shown}");
        world.is_tidy();
    }
}
