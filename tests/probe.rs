//! `plakar-opendrive probe` on a simulated drive: what holds, what does not, what is printed, and that nothing stays.

mod common;

use std::time::Duration;
#[cfg(unix)]
use std::{io::Read, process::Child, time::Instant};

use common::command::{Outcome, Person, finish};
use common::planted::{assert_plain, file_entry, listing, with};
use opendrive_sim::{Answer, Behaviour, Fault, FolderNamesakes, Options, Simulator, TempLocation, What, texts};
use serde_json::{Value, json};

const SCRATCH: &str = "plakar-opendrive-probe-";

/// A drive with a folder `Documents` of somebody's, and a home.
struct World {
    simulator: Simulator,
    home: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::with(Behaviour::default())
    }

    fn with(behaviour: Behaviour) -> Self {
        let simulator = Simulator::start(Options { behaviour, ..Options::default() }).unwrap();
        simulator.drive().put_file("Documents/letter.txt", b"Dear all,\n".to_vec(), 1_700_000_000);
        Self { simulator, home: tempfile::tempdir().unwrap() }
    }

    fn faulty(faults: Vec<Fault>) -> Self {
        let world = Self::new();
        world.simulator.set_faults(faults);
        world
    }

    fn person(&self) -> Person<'_> {
        Person { simulator: &self.simulator, home: self.home.path() }
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.person().run(&[&["probe", "opendrive://Documents"], arguments].concat())
    }

    /// Asks questions, and gives the report and the exit status.
    fn report(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let outcome = self.run(&[&["--json"], arguments].concat());
        let report = serde_json::from_slice(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.text()));
        (report, outcome.code)
    }

    /// That the drive is as it was.
    fn is_tidy(&self) {
        let tree: Vec<String> = self.simulator.drive().tree().into_keys().collect();
        assert_eq!(tree, ["Documents", "Documents/letter.txt"]);
        assert_eq!(self.simulator.drive().read_file("Documents/letter.txt").unwrap(), b"Dear all,\n");
    }
}

fn row(report: &Value, point: u64) -> &Value {
    let rows = report["points"].as_array().unwrap();
    rows.iter().find(|row| row["point"] == point).unwrap_or_else(|| panic!("no point {point}: {report:#}"))
}

/// Asks one question, and checks the verdict, what is said, the exit status, and that nothing stays.
fn verdict(world: &World, point: u64, verdict: &str, found: &str) {
    let (report, code) = world.report(&["--yes", "--only", &point.to_string()]);
    let row = row(&report, point);
    assert!(row["verdict"] == verdict && row["found"].as_str().unwrap().contains(found), "{row:#}");
    let status = match verdict {
        "differs" => 1,
        "unclear" => 6,
        _ => 0,
    };
    assert_eq!(code, Some(status), "{report:#}");
    assert_eq!((&report["scratch"]["removed"], &report["complete"]), (&json!(true), &json!(true)));
    assert!(!row["answers"].as_array().unwrap().is_empty(), "{row:#}");
    world.is_tidy();
    assert_eq!(world.simulator.unused_faults(), []);
}

#[test]
fn on_a_drive_as_it_is_known_everything_holds() {
    let world = World::new();
    let (report, code) = world.report(&["--yes"]);
    let verdicts: Vec<(u64, &str)> =
        report["points"].as_array().unwrap().iter().map(|row| (row["point"].as_u64().unwrap(), row["verdict"].as_str().unwrap())).collect();
    let expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16].map(|point| (point, if point == 8 { "noted" } else { "holds" }));
    assert_eq!(verdicts, expected, "{report:#}");
    assert_eq!(code, Some(0));
    world.is_tidy();

    assert_eq!((&report["format"], &report["account"]), (&json!(1), &json!("Personal")));
    for row in report["points"].as_array().unwrap() {
        assert!(row["bytes"].as_u64().unwrap() <= row["max_bytes"].as_u64().unwrap() && row["calls"].as_u64().unwrap() > 0, "{row:#}");
    }
    let seventh = row(&report, 7)["answers"].as_array().unwrap().iter().find(|answer| answer["status"] == 429).unwrap();
    assert_eq!((&seventh["error"], &seventh["retry_after"]), (&json!(texts::TOO_MANY_DOWNLOADS), &json!(false)));
    assert!(
        row(&report, 6)["found"].as_str().unwrap().starts_with("that of 101 has 101, that of 1001 has 1001; offset=0 has 100"),
        "{report:#}"
    );
    let fields = row(&report, 13)["answers"][1]["fields"].as_array().unwrap();
    assert!(fields.contains(&json!("BwMax")) && fields.contains(&json!("PrivateKey")), "{fields:?}");
}

fn planted(answer: &Value) -> What {
    What::Answer(Answer::new(answer.to_string()))
}

#[test]
fn a_chunk_that_is_taken_twice_or_refused_in_other_words() {
    let chunk = "upload/upload_file_chunk";
    let taken = Fault::new(planted(&json!({"TotalWritten": 1000}))).endpoint(chunk).skip(1);
    verdict(&World::faulty(vec![taken]), 1, "differs", "the second was taken too; the upload then went on and its content is right");
    let other = Fault::refused(409, "Chunk is there").endpoint(chunk).skip(1);
    verdict(&World::faulty(vec![other]), 1, "differs", r#"the second was refused with 409 "Chunk is there""#);
}

#[test]
fn a_drive_that_wants_an_upload_opened() {
    let with = |temp_location| World::with(Behaviour { temp_location, ..Behaviour::default() });
    verdict(&with(TempLocation::AtOpen), 2, "differs", "create_file gave no TempLocation");
    verdict(&with(TempLocation::RefusedUntilOpen), 2, "differs", "the chunk was refused with 404");
}

#[test]
fn a_close_that_forgets_or_keeps_silent() {
    let record = json!({"FileId": "f", "Size": "1000", "DateModified": "1"});
    let elsewhen = Fault::new(planted(&record)).endpoint("file/info");
    verdict(&World::faulty(vec![elsewhen]), 3, "differs", "the file has another time; a time before 1970 was refused with 400");
    let silent = Fault::new(planted(&record)).endpoint("upload/close_file_upload").times(3);
    verdict(&World::faulty(vec![silent]), 4, "differs", "close's answer has no Access");
    let other = Fault::new(planted(&json!({"FileId": "another", "Size": 2000}))).endpoint("upload/close_file_upload").skip(1);
    verdict(&World::faulty(vec![other]), 11, "differs", "the file has another id afterwards");
}

#[test]
fn an_empty_file_without_a_hash() {
    let files =
        vec![with(file_entry("a", "empty", b""), "FileHash", json!("")), with(file_entry("b", "unfinished", b""), "FileHash", json!(""))];
    let lists = Fault::new(What::Answer(listing(vec![], files))).endpoint("folder/list").item("point-5");
    verdict(&World::faulty(vec![lists]), 5, "differs", "of the empty file it is empty");
}

#[test]
fn a_listing_that_ends_after_a_hundred() {
    let world = World::with(Behaviour { listing_limit: Some(100), ..Behaviour::default() });
    verdict(&world, 6, "differs", "that of 101 has 100, that of 1001 has 100");
}

#[test]
fn another_number_of_downloads() {
    // Slow enough that they are still being read when the next one is asked for.
    let with = |max_downloads| World::with(Behaviour { max_downloads, download_speed: Some(4_000_000), ..Behaviour::default() });
    verdict(&with(None), 7, "differs", "eight were let in at once");
    verdict(&with(Some(7)), 7, "differs", "an eighth, while they were read on, was refused with 429");
    verdict(&with(Some(3)), 7, "unclear", "only 3 were let in at once");
    let waits = Fault::new(What::Status { code: 429, message: texts::TOO_MANY_DOWNLOADS.into(), retry_after: Some(1) });
    let world = with(None);
    world.simulator.add_fault(waits.endpoint("download/file").skip(6));
    verdict(&world, 7, "differs", "the refusal has a Retry-After");
}

#[test]
fn two_folders_of_a_name() {
    let with = |folder_namesakes| World::with(Behaviour { folder_namesakes, ..Behaviour::default() });
    verdict(&with(FolderNamesakes::Made), 9, "differs", "the second was made beside the first; two calls at once made 2");
    verdict(&with(FolderNamesakes::Raced), 9, "holds", "the second was refused with 409");
}

#[test]
fn other_names() {
    let long = "ö".repeat(128);
    let kept = json!({"FileId": "f", "Name": long});
    let create = Fault::new(planted(&kept)).endpoint("upload/create_file").item(&long);
    let lists = Fault::new(What::Answer(listing(vec![], vec![file_entry("f", &long, b"")]))).endpoint("folder/list").item("point-10");
    verdict(&World::faulty(vec![create, lists]), 10, "differs", "128 characters of two bytes: kept whole");
    let found = Fault::new(What::Answer(listing(vec![], vec![file_entry("f", "x", b"")]))).endpoint("folder/itembyname").times(6);
    verdict(&World::faulty(vec![found]), 16, "differs", "a+b is kept and found");
    let poor = Fault::new(planted(&json!({"StorageUsed": "1", "BwMax": "much"}))).endpoint("users/info");
    verdict(&World::faulty(vec![poor]), 13, "differs", "it has no number in MaxStorage, BwUsed, BwMax, MaxFileSize");
}

#[test]
fn a_drive_that_refuses_leaves_a_question_open() {
    let refused = Fault::refused(400, "Not now").endpoint("upload/close_file_upload").always();
    verdict(&World::faulty(vec![refused]), 3, "unclear", r#"was refused with 400 "Not now", so that the question could not be asked"#);
    // What only prepares a question is tried again.
    let passes = Fault::new(What::RefuseWrite).endpoint("upload/create_file").times(2);
    verdict(&World::faulty(vec![passes]), 3, "holds", "the time was taken");
    let cut = Fault::new(What::Reset).endpoint("file/info").always();
    verdict(&World::faulty(vec![cut]), 3, "unclear", "no answer");
}

/// Words that are ids, sessions, hashes: long, with a digit in them.
fn looks_like_a_secret(text: &str) -> bool {
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    words.any(|word| word.len() >= 9 && word.contains(|c: char| c.is_ascii_digit()) && !word.starts_with(SCRATCH))
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
    let id = world.simulator.drive().put_file("Documents/letter.txt", b"Dear all,\n".to_vec(), 1_700_000_000);
    let hidden = "wh1t-is-in-a-field";
    let told = format!("{} may not change {id}, /Documents/letter.txt, 'letter.txt'", world.simulator.username());
    let faults = || {
        let secrets =
            json!({"error": {"code": 400, "message": told, "key": hidden}, &id: 1, "letter.txt": 2, world.simulator.username(): 3});
        vec![
            Fault::refused(400, &told).endpoint("file/filesettings"),
            Fault::new(planted(&secrets)).endpoint("upload/open_file_upload").skip(2),
            Fault::new(planted(&json!({hidden: {"letter.txt": 1}, "error": id}))).endpoint("folder/itembyname"),
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
    for arguments in [&["--json", "--only", "1,2,3,4,5,9,11,13,16"][..], &["--only", "1,2,3,4,5,9,11,13,16"]] {
        world.simulator.set_faults(faults());
        let mut command = world.person().command(&[&["probe", "opendrive://Documents"], arguments].concat());
        // All that rclone has to tell.
        command.env("RCLONE_LOG_LEVEL", "DEBUG").env("RCLONE_DUMP", "headers,bodies,requests,responses");
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
            let odd: Vec<&str> = found.into_iter().filter(|text| looks_like_a_secret(text)).collect();
            assert!(odd.is_empty(), "{odd:#?}");
        } else {
            text.lines().for_each(assert_plain);
            let odd: Vec<&str> = text.lines().skip(1).filter(|line| looks_like_a_secret(line)).collect();
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
        lines[0].starts_with(concat!("plakar-opendrive ", env!("CARGO_PKG_VERSION"), ", 2")) && lines[0].ends_with(", account Personal"),
        "{text}"
    );
    assert!(text.contains("holds      1  A chunk of an upload that is sent twice\n"), "{text}");
    assert!(text.contains(r#"400  POST upload/upload_file_chunk, the first chunk again, "Incorrect chunk offset: uploaded=1000, chunk_offset=0", [error error.code error.message]"#), "{text}");
    let end = lines.last().unwrap();
    assert!(
        end.starts_with("2 holds; ") && end.contains(&format!("; the scratch folder {SCRATCH}")) && end.ends_with(" is removed"),
        "{text}"
    );
    assert!(outcome.stderr.contains("scratch folder") && outcome.stderr.contains("0.5 MB   1  A chunk"), "{}", outcome.stderr);
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
    assert!(row(&report, 7)["found"].as_str().unwrap().contains("76.0 MB of traffic: add --yes"), "{report:#}");
    let calls = world.simulator.calls();
    assert!(!calls.by_endpoint.contains_key("download/file") && calls.bytes_up < 1_000_000 && calls.bytes_down == 0, "{calls:?}");
    // Without it nothing is left out that needs little.
    let (report, _) = world.report(&["--only", "2,3"]);
    assert!(report["points"].as_array().unwrap().iter().all(|row| row["verdict"] == "holds"), "{report:#}");
    world.is_tidy();
}

/// At a terminal somebody is asked.
#[cfg(unix)]
#[test]
fn consent_is_asked_for_at_a_terminal() {
    for (answer, expected) in [("no", "left out   7"), ("yes", "holds      7")] {
        let world = World::new();
        let mut command = world.person().command(&["probe", "opendrive://Documents", "--only", "7"]);
        command.stdin(std::process::Stdio::inherit()).stdout(std::process::Stdio::inherit()).stderr(std::process::Stdio::inherit());
        command.env("NO_COLOR", "1");
        let options = rexpect::session::Options::new().timeout_ms(Some(50_000));
        let mut session = rexpect::session::spawn_with_options(command, options).unwrap();
        let before = session.exp_string("use it? (yes, or no to leave out what needs most)").unwrap();
        assert!(before.contains("76.0 MB   7  Seven downloads at once") && before.contains("may use up to 76.0 MB"), "{before}");
        assert_eq!(world.simulator.calls().by_endpoint.get("folder/create"), None, "{before}");
        session.send_line(answer).unwrap();
        let shown = session.exp_eof().unwrap();
        assert!(shown.contains(expected), "{shown}");
        world.is_tidy();
    }
}

#[cfg(unix)]
fn wait_for(child: &mut Child, limit: Duration) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(start.elapsed() < limit, "it did not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_the_scratch_folder_goes() {
    for (signal, status, point, endpoint) in [("-INT", 130, "6", "upload/create_file"), ("-TERM", 143, "7", "download/file")] {
        let world = World::new();
        world.simulator.set_latency(Duration::from_millis(20));
        let stalls = Fault::new(What::Delay { ms: 60_000 }).endpoint("download/file").skip(3);
        world.simulator.add_fault(stalls);
        let mut child = world.person().command(&["probe", "opendrive://Documents", "--json", "--yes", "--only", point]).spawn().unwrap();
        let start = Instant::now();
        while world.simulator.calls().by_endpoint.get(endpoint).copied().unwrap_or(0) < 4 {
            assert!(start.elapsed() < Duration::from_secs(30), "it does not begin");
            std::thread::sleep(Duration::from_millis(10));
        }
        let sent = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(wait_for(&mut child, Duration::from_secs(30)), Some(status));
        let (mut printed, mut said) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let report: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!((&report["complete"], &report["scratch"]["removed"]), (&json!(false), &json!(true)), "{report:#}");
        assert!(said.contains("ended by SIG"), "{said}");
        world.is_tidy();
    }
}

#[test]
fn a_scratch_folder_that_cannot_be_removed_is_named() {
    let world = World::faulty(vec![Fault::refused(403, texts::PERMISSION_DENIED).endpoint("folder/remove").always()]);
    let outcome = world.run(&["--json", "--only", "13"]);
    let report: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    assert_eq!((outcome.code, &report["scratch"]["removed"]), (Some(6), &json!(false)), "{}", outcome.text());
    let folder = report["scratch"]["folder"].as_str().unwrap();
    let named = format!("the scratch folder {folder} in /Documents could not be removed ({}", texts::PERMISSION_DENIED);
    assert!(outcome.stderr.contains(&named) && outcome.stderr.contains("remove it by hand"), "{}", outcome.stderr);
    assert!(world.simulator.drive().tree().contains_key(&format!("Documents/{folder}")));
}

#[test]
fn a_scratch_folder_whose_making_or_removal_is_not_answered_goes_too() {
    for endpoint in ["folder/create", "folder/remove"] {
        let world = World::faulty(vec![Fault::new(What::LoseAnswer).endpoint(endpoint)]);
        verdict(&world, 13, "holds", "all are there");
    }
    // The drive makes it and says nothing useful about it.
    let world = World::faulty(vec![Fault::new(What::LoseAnswer).endpoint("folder/create").always()]);
    let outcome = world.run(&["--only", "13"]);
    assert_eq!(outcome.code, Some(6), "{}", outcome.text());
    world.is_tidy();
}

#[test]
fn what_cannot_be_probed_is_said() {
    let world = World::new();
    let person = world.person();
    person.fails(2, &["probe", "opendrive://", "--only", "12"], "--only: there is no question 12: there are 1, 2, 3");
    person.fails(3, &["probe", "opendrive://Nowhere", "--only", "13"], "the folder /Nowhere does not exist");
    let mut local = person.command(&["probe", "--config", "-", &format!("@mine{}", world.home.path().display())]);
    local.env_remove("PLAKAR_OPENDRIVE_USERNAME");
    let outcome = finish(local, b"[mine]\ntype = local\n");
    assert!(outcome.code == Some(2) && outcome.stderr.contains("this remote is not on OpenDrive"), "{}", outcome.text());
    // A folder in which nothing may be made.
    world.simulator.add_fault(Fault::refused(403, texts::PERMISSION_DENIED).endpoint("folder/create").always());
    let outcome = world.run(&["--only", "13"]);
    assert!(outcome.code == Some(4) && outcome.stderr.contains(texts::PERMISSION_DENIED), "{}", outcome.text());
    assert!(!String::from_utf8(outcome.stdout).unwrap().contains("holds"));
    world.is_tidy();
}
