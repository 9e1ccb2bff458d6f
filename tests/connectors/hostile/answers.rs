//! Answers that are none, and records that lie.

use opendrive_sim::{Answer, Fault, What};
use plakar_opendrive::connector::{Role, Source};
use serde_json::json;
use support::planted::{assert_plain, file_entry, folder_entry, listing, plant, with};
use support_plugin::place::Place;

use super::{read, walk};

#[tokio::test]
async fn an_answer_that_is_no_listing_is_an_error_on_that_folder() {
    let place = Place::drive();
    let simulator = place.simulator();
    place.put("good/file", b"good", 1).await;
    let huge = format!(
        "{{\"error\":{{\"code\":403,\"message\":\"{}\\u001b[31m\\u202e\"}}}}",
        "No ".repeat(1 << 18)
    );
    let shapes: Vec<(&str, &str)> = vec![
        ("[]", "not a listing"),
        ("null", "not a listing"),
        ("{}", "not a listing"),
        ("<html>\u{1b}[31m\u{202e}", "invalid character '<'"),
        ("{\"\u{1b}[31m\u{202e}\":1}", "invalid character"),
        ("{\"Name\":\"\u{202e}\"}", "not a listing: \"{\\\"Name\\\":\\\"\\u202e\\\"}\""),
        (r#"{"error":{"code":403,"message":"Access denied"}}"#, "Access denied"),
        (r#"{"Name":"x","error":{"code":404,"message":"Gone"}}"#, "Gone"),
        (&huge, "No No"),
        (r#"{"Folders":{},"Files":7}"#, "where a list should be"),
        (
            r#"{"Folders":[{"FolderID":"\u001b[31m\u202e","DateModified":"\u001b[31m"}],"Files":[]}"#,
            "cannot unmarshal string",
        ),
    ];
    for (number, (body, _)) in shapes.iter().enumerate() {
        simulator.drive().make_folder(&format!("shape{number}"));
        plant(simulator, &format!("shape{number}"), Answer::new(*body));
    }
    let told = walk(&place).await;
    for (number, (_, expected)) in shapes.iter().enumerate() {
        let reason = &told.failed[&format!("/shape{number}")];
        assert!(
            reason.starts_with("cannot list the folder: ") && reason.contains(expected),
            "{number}: {reason}"
        );
    }
    assert_eq!(
        (told.failed.len(), &told.files[..]),
        (shapes.len(), &["/good/file".to_owned()][..])
    );
}

#[tokio::test]
async fn an_error_with_status_200_is_treated_as_what_it_is() {
    let place = Place::drive();
    let simulator = place.simulator();
    for n in 0..5 {
        place.put(&format!("f{n}/file"), b"x", 1).await;
    }
    let source = Source::open(place.settings(Role::Source, "")).await.unwrap();
    drop(source);
    let inside = |code: u16| {
        What::Answer(Answer::new(format!(r#"{{"error":{{"code":{code},"message":"Inside"}}}}"#)))
    };
    simulator.reset_calls();
    simulator.set_faults(vec![
        Fault::new(inside(401)).endpoint("folder/list").item("/f3"),
        Fault::new(inside(503)).endpoint("folder/list").item("/f4").times(2),
        // Perhaps these only broke off.
        Fault::new(What::Answer(Answer::new(""))).endpoint("folder/list").item("/f1").times(2),
        Fault::new(What::Answer(Answer::new(r#"{"Folders":[],"Files":["#)))
            .endpoint("folder/list")
            .item("/f2")
            .times(2),
    ]);
    let told = walk(&place).await;
    assert_eq!((told.files.len(), told.failed.len()), (5, 0), "{:?}", told.failed);
    // One for the walk, one because the session was said to have ended.
    assert_eq!(simulator.calls().of("session/login"), 2);
    assert_eq!(simulator.unused_faults(), []);
}

#[tokio::test]
async fn a_login_without_a_session_is_refused_in_one_line() {
    let place = Place::drive();
    for (body, expected) in [
        (r#"{"UserName":"me"}"#, "gave no session"),
        ("[]", "cannot unmarshal array"),
        (r#"{"SessionID":""}"#, "gave no session"),
        ("\u{1b}<html>", "invalid character"),
    ] {
        place.simulator().set_faults(vec![
            Fault::new(What::Answer(Answer::new(body))).endpoint("session/login").always(),
        ]);
        let error = Source::open(place.settings(Role::Source, "")).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_plain(&error);
    }
}

#[tokio::test]
async fn files_whose_size_time_or_hash_lie_are_errors_on_those_files() {
    let place = Place::drive();
    let simulator = place.simulator();
    let file = simulator.drive().put_file("file", "target", 1);
    let fine = None;
    let cases = [
        ("Size", json!("-5"), fine),
        (
            "Size",
            json!("9223372036854775807"),
            Some("it has 6 bytes, 9223372036854775807 were expected"),
        ),
        ("Size", json!("5"), Some("changed while it was read")),
        ("Size", json!("7"), Some("changed while it was read")),
        ("DateModified", json!("-99999999999"), fine),
        ("DateModified", json!("9223372036854775807"), fine),
        ("DateModified", json!("-9223372036854775808"), fine),
        ("FileHash", json!("abc"), Some("changed or damaged")),
        ("FileHash", json!("\u{1b}[31m\u{202e}".repeat(100_000)), Some("changed or damaged")),
        ("FileHash", json!(""), fine),
        ("FileId", json!(""), Some("File does not exist")),
        ("FileId", json!("../../session/login.json"), Some("")),
    ];
    let entries = cases.iter().enumerate().map(|(number, (key, value, _))| {
        with(file_entry(&file, &format!("f{number}"), b"target"), key, value.clone())
    });
    simulator.drive().make_folder("lies");
    plant(
        simulator,
        "lies",
        listing(
            vec![with(folder_entry("D999", "gone"), "DateModified", json!(i64::MIN))],
            entries.collect(),
        ),
    );
    let told = walk(&place).await;
    assert_eq!(told.failed.keys().collect::<Vec<_>>(), ["/lies/gone"]);
    assert_eq!(told.files.len(), cases.len() + 1);
    for (number, (key, value, expected)) in cases.iter().enumerate() {
        match (read(&told.source, &format!("/lies/f{number}")).await, expected) {
            (Ok(bytes), None) => assert_eq!(bytes, b"target", "{key} {value}"),
            (Err(error), Some(expected)) => {
                assert!(error.message().contains(expected), "{key} {value}: {error}");
                assert_plain(&error.to_string());
            }
            (outcome, _) => panic!("{key} {value}: {outcome:?}"),
        }
    }
    // What JSON itself cannot mean spoils its listing, and no other.
    for (number, (key, value)) in [
        ("Size", json!("99999999999999999999")),
        ("Size", json!([5])),
        ("Name", json!(7)),
        ("DateModified", json!("soon")),
        ("FileHash", json!({})),
    ]
    .into_iter()
    .enumerate()
    {
        simulator.drive().make_folder(&format!("wrong{number}"));
        plant(
            simulator,
            &format!("wrong{number}"),
            listing(vec![], vec![with(file_entry(&file, "f", b"target"), key, value)]),
        );
    }
    let told = walk(&place).await;
    assert_eq!(told.failed.len(), 5 + 1, "{:?}", told.failed);
}
