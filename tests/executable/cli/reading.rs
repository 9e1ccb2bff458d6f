//! `ls` and `cat`: what they print, and how they fail.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use opendrive_sim::{Fault, What, stored_name};
use serde_json::{Value, json};
use support::command::finish;
use support::planted::{assert_plain, file_entry, listing, plant};
use support::user::{drain, wait};

use super::{World, lines};

#[test]
fn ls_lists_folders_trees_and_files() {
    let world = World::new();
    let person = world.person();
    assert_eq!(person.ok(&["ls", "opendrive://"]), "Documents/\n");
    assert_eq!(person.ok(&["ls", "opendrive://Documents/"]), "deep/\nhollow/\nletter.txt\n");
    let long = person.ok(&["ls", "-l", "opendrive://Documents/letter.txt"]);
    assert_eq!(long, "          10  2023-11-14T22:13:20Z  letter.txt\n");
    let tree = person.ok(&["ls", "-R", "opendrive://Documents"]);
    let mut tree: Vec<&str> = tree.lines().collect();
    tree.sort_unstable();
    assert_eq!(tree, ["deep/", "deep/er/", "deep/er/empty", "hollow/", "letter.txt"]);
    let letter = json!({"path": "letter.txt", "type": "file", "size": 10, "modified": "2023-11-14T22:13:20Z"});
    for file in [
        &["ls", "--json", "opendrive://Documents/letter.txt"][..],
        &["ls", "--json", "-R", "opendrive://Documents/letter.txt"],
    ] {
        assert_eq!(lines(&person.ok(file)), std::slice::from_ref(&letter));
    }
    let rows = lines(&person.ok(&["ls", "--json", "opendrive://Documents"]));
    assert_eq!((rows.len(), &rows[2]), (3, &letter));
    assert_eq!(
        (&rows[0]["path"], &rows[0]["type"], &rows[0]["size"]),
        (&json!("deep"), &json!("folder"), &Value::Null)
    );
    // The MD5 comes with the listing: nothing is downloaded for it.
    let hashed = ["ls", "-R", "--json", "--hash", "opendrive://Documents"];
    let rows = lines(&person.ok(&hashed));
    let hashed = rows.iter().find(|row| row["path"] == "letter.txt").unwrap();
    assert_eq!(hashed["md5"], "e32eda28682f66b97c02953797db012c");
    assert!(rows.iter().all(|row| row["type"] == "file" || row.get("md5").is_none()));
    assert_eq!(world.simulator.calls().of("download/file"), 0);
}

#[test]
fn a_folder_that_cannot_be_listed_is_said_and_the_rest_is_listed() {
    let world = World::new();
    world.simulator.make_unlistable("Documents/deep");
    let outcome = world.person().run(&["ls", "-R", "--json", "opendrive://Documents"]);
    let rows = lines(std::str::from_utf8(&outcome.stdout).unwrap());
    assert_eq!(outcome.code, Some(6), "{}", outcome.text());
    assert!(rows.iter().any(|row| row["path"] == "letter.txt"), "{rows:?}");
    assert!(
        rows.iter().any(|row| row["path"] == "deep"
            && row["error"].as_str().is_some_and(|error| error.contains("cannot list"))),
        "{rows:?}"
    );
    assert!(outcome.stderr.contains("\"deep\": cannot list the folder"), "{}", outcome.stderr);
}

#[test]
fn cat_gives_the_bytes_and_no_more() {
    let world = World::new();
    let bytes = support::noise(3, 3_000_001);
    world.simulator.drive().put_file("Documents/noise", bytes.clone(), 1);
    world.simulator.add_fault(Fault::new(What::CutBody { after: 100_000 }));
    let outcome = world.person().run(&[
        "cat",
        "opendrive://Documents/letter.txt",
        "opendrive://Documents/noise",
    ]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert!(outcome.stdout == [b"Dear all,\n".to_vec(), bytes].concat());
    assert!(world.simulator.unused_faults().is_empty());

    world.simulator.add_fault(Fault::new(What::CorruptBody).item("noise").always());
    let outcome = world.person().run(&["cat", "opendrive://Documents/noise"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
}

#[test]
fn every_failure_has_its_status_and_one_line() {
    let world = World::new();
    let person = world.person();
    person.fails(2, &["ls", "Documents"], "write opendrive://FOLDER, or @NAME");
    person.fails(2, &["ls", "rclone:///x"], "@NAME for a remote that is configured");
    person.fails(2, &["ls", "@"], "write @NAME");
    person.fails(2, &["cp", "a", "b"], "neither FROM nor TO is a remote");
    person.fails(2, &["cat", "opendrive://"], "the root is a folder");
    person.fails(
        3,
        &["ls", "opendrive://Nowhere"],
        "the folder /Nowhere does not exist on opendrive",
    );
    person.fails(3, &["ls", "-R", "opendrive://Nowhere/x"], "does not exist");
    person.fails(
        3,
        &["cat", "opendrive://Documents/nothing"],
        "there is no file /Documents/nothing",
    );
    person.fails(
        1,
        &["cat", "opendrive://Documents"],
        "/Documents on opendrive (user@example.com) is a folder",
    );
    person.fails(3, &["cp", "nothing", "opendrive://x"], "cannot be read");
    person.fails(7, &["ls", "opendrive://a/../b"], "has a \"..\"");
    person.fails(7, &["ls", "@drive"], "plakar cannot be started");
    person.fails(7, &["ls", "--config", "nothing", "@drive"], "\"nothing\": cannot be read");

    let mut wrong = person.command(&["ls", "opendrive://"]);
    wrong.env("PLAKAR_OPENDRIVE_PASSWORD", "wr0ng");
    let outcome = finish(wrong, b"");
    assert_eq!(outcome.code, Some(4), "{}", outcome.text());
    assert!(
        outcome.stderr.contains("check the user name and the password")
            && !outcome.stderr.contains("wr0ng"),
        "{}",
        outcome.stderr
    );
    let mut nobody = person.command(&["ls", "opendrive://"]);
    nobody.env_remove("PLAKAR_OPENDRIVE_PASSWORD");
    let outcome = finish(nobody, b"");
    assert!(
        outcome.code == Some(2) && outcome.stderr.contains("no terminal to ask at"),
        "{}",
        outcome.text()
    );
}

#[test]
fn hostile_names_are_harmless_as_text_and_exact_in_json() {
    let world = World::new();
    let hostile = ["\u{202e}cod.exe", "a\u{2028}b", "\u{85}x", "..\u{200b}"];
    for name in hostile {
        world.simulator.drive().put_file(&format!("Hostile/{}", stored_name(name)), Vec::new(), 1);
    }
    let person = world.person();
    let rows = lines(&person.ok(&["ls", "--json", "opendrive://Hostile"]));
    let mut names: Vec<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    names.sort_unstable();
    let mut expected = hostile.to_vec();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for arguments in [&["ls", "opendrive://Hostile"][..], &["ls", "-R", "opendrive://Hostile"]] {
        let text = person.ok(arguments);
        assert_eq!(text.lines().count(), hostile.len(), "{text:?}");
        text.lines().for_each(assert_plain);
    }

    // What rclone itself would never give a name.
    let entry = |name: &str| file_entry("f1", name, b"x");
    plant(
        &world.simulator,
        "Hostile",
        listing(vec![], vec![entry("\u{1b}[31mred\nforged"), entry("..\0")]),
    );
    let text = person.run(&["ls", "-R", "opendrive://Hostile"]).text();
    assert!(!text.is_empty() && text.lines().count() == 2, "{text:?}");
    text.lines().for_each(assert_plain);
}

#[test]
fn a_reader_who_has_enough_is_no_failure() {
    let world = World::new();
    for n in 0..3000 {
        world.simulator.drive().put_file(
            &format!("Many/a name that takes some room in the pipe, so that it is full, {n}"),
            Vec::new(),
            1,
        );
    }
    for arguments in [&["ls", "opendrive://Many"][..], &["ls", "-R", "opendrive://Many"]] {
        let mut child = world.person().command(arguments).spawn().unwrap();
        let said = drain(child.stderr.take().unwrap());
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let status = wait(&mut child, Duration::from_secs(60));
        let status = status.unwrap_or_else(|| panic!("{arguments:?} does not end"));
        let said = String::from_utf8(said.join().unwrap()).unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(first.starts_with("a name"), "{first}");
    }
}
