//! A drive that lies and a Plakar that does, to the executable as it is shipped, and to the real
//! Plakar.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use opendrive_sim::{Answer, Fault, Options, Simulator, What};
use plakar_opendrive::plugin::v1_1::proto::connectors::Record;
use plakar_opendrive::plugin::v1_1::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_1::proto::importer::{ImportRequest, InitRequest};
use serde_json::json;
use support::plakar::Plakar;
use support::planted::{
    ODD_NAMES, assert_plain, bad_names, file_entry, folder_entry, listing, plant, with,
};
use support::within;
use support_plugin::export::{Exporter, send_file, send_folder};
use support_plugin::place::Place;
use support_plugin::plugin::Plugin;

/// What a listing of 256 MiB, the most that is read, may take while it is taken in.
const MEMORY: u64 = 1 << 30;

/// Imports over the pipes: every record, and the process for a look at it.
async fn import(place: &Place) -> (Plugin, Vec<Record>) {
    let plugin = Plugin::start("importer", &[]).await;
    let mut client = ImporterClient::new(plugin.channel.clone());
    let init = InitRequest { options: None, proto: "opendrive".into(), config: place.config("") };
    client.init(init).await.unwrap();
    let (_results, requests) = tokio::sync::mpsc::channel::<ImportRequest>(1);
    let mut answers = client
        .import(tokio_stream::wrappers::ReceiverStream::new(requests))
        .await
        .unwrap()
        .into_inner();
    let mut records = Vec::new();
    let receive = async {
        while let Some(record) = answers.message().await.unwrap().unwrap().record {
            records.push(record);
        }
    };
    within(Duration::from_secs(60), receive).await;
    (plugin, records)
}

#[tokio::test]
async fn answers_that_never_end_are_cut_off() {
    let endless =
        |body: &str, endless: &str| Answer { endless: endless.into(), ..Answer::new(body) };
    let answers = [
        // One after another: each may take its share of memory.
        vec![("spaces", endless("{\"Folders\":[", " "))],
        vec![("bomb", Answer { gzip: true, ..endless("{\"Files\":[{\"Name\":\"", "x") })],
        vec![
            // This one ends early.
            (
                "error",
                Answer { code: 403, ..endless("{\"error\":{\"code\":403,\"message\":\"", "no ") },
            ),
        ],
    ];
    for planted in answers {
        let place = Place::drive();
        place.put("good/file", b"good", 1).await;
        for (name, answer) in &planted {
            place.simulator().drive().make_folder(name);
            plant(place.simulator(), name, answer.clone());
        }
        let (plugin, records) = import(&place).await;
        for (name, _) in &planted {
            let failed: Vec<&Record> =
                records.iter().filter(|record| record.pathname == format!("/{name}")).collect();
            assert_eq!(failed.len(), 1, "{name}");
            assert_plain(&failed[0].error);
            let expected = if *name == "error" { "403" } else { "longer than 4 MiB" };
            assert!(failed[0].error.contains(expected), "{name}: {}", failed[0].error);
        }
        assert!(records.iter().any(|record| record.pathname == "/good/file"));
        #[cfg(target_os = "linux")]
        assert!(
            plugin.peak_memory() < MEMORY,
            "{:?}: {} MiB",
            planted[0].0,
            plugin.peak_memory() >> 20
        );
        let (status, stderr) = plugin.hang_up().await;
        assert!(status.success() && stderr.is_empty(), "{status}: {stderr}");
    }
}

#[tokio::test]
async fn paths_from_plakar_that_lead_elsewhere_are_errors_and_the_rest_is_restored() {
    let simulator = Simulator::start(Options::default()).unwrap();
    simulator.drive().put_file("outside", "untouched", 1);
    let paths: Vec<String> = vec![
        "".into(),
        "relative".into(),
        "../up".into(),
        "/../outside".into(),
        "/a/../../outside".into(),
        "/./here".into(),
        "//double".into(),
        "/ends/".into(),
        "/nul\0byte".into(),
        format!("/{}", "x".repeat(1 << 20)),
        "/a".repeat(1 << 19),
        format!("/{}", "é".repeat(128)),
        format!("/{}", "\u{1b}".repeat(256)),
    ];
    let mut exporter = Exporter::start(&simulator, "base", &[]).await;
    let exported = exporter
        .export(async |sender| {
            send_folder(sender, "/").await;
            for path in &paths {
                send_file(sender, path, 100, 1).await;
                send_folder(sender, path).await;
            }
            for name in ODD_NAMES {
                send_file(sender, &format!("/odd/{name}"), 100, 1).await;
            }
            send_file(sender, "/good", 100, 1).await;
        })
        .await;
    // The drive has one file of a kind for each odd name, and one folder more for them.
    assert_eq!(
        (exported.stored, exported.failed.len()),
        (2 + ODD_NAMES.len() as u64, 2 * paths.len()),
        "{exported:.3000?}"
    );
    exported.failed.iter().for_each(|(_, reason)| assert_plain(reason));
    let status = exported.status.unwrap();
    assert_plain(status.message());
    assert!(status.message().starts_with("26 of 34 entries could not be restored"), "{status}");
    #[cfg(target_os = "linux")]
    assert!(
        exporter.plugin.peak_memory() < MEMORY / 4,
        "{} MiB",
        exporter.plugin.peak_memory() >> 20
    );
    let (exit, stderr) = exporter.hang_up().await;
    // Two of the odd names have control characters, and that is all there is to say.
    assert!(
        exit.success()
            && stderr.lines().count() == 1
            && stderr.contains("2 names with control characters"),
        "{stderr}"
    );
    stderr.lines().for_each(assert_plain);
    let tree = simulator.drive().tree();
    assert_eq!(simulator.drive().read_file("outside").unwrap(), b"untouched");
    assert!(
        tree.keys().all(|path| *path == "outside" || path == "base" || path.starts_with("base/")),
        "{:?}",
        tree.keys()
    );
    assert_eq!(tree.len(), 1 + 1 + 1 + 1 + ODD_NAMES.len(), "{:?}", tree.keys());
}

/// Every path below a folder, relative to it.
fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_real_plakar_saves_and_restores_what_is_good_and_writes_nowhere_else() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let drive = simulator.drive();
    drive.put_file("good/file", "good", 1_600_000_000);
    let file = drive.put_file("file", "content", 1_600_000_000);
    let ids: HashMap<&str, String> = ["names", "loop", "shape", "lies"]
        .into_iter()
        .map(|name| (name, drive.make_folder(name)))
        .collect();
    let names =
        || bad_names().into_iter().chain(ODD_NAMES.map(str::to_owned)).chain(["x".repeat(1 << 20)]);
    plant(
        &simulator,
        "names",
        listing(
            vec![folder_entry("D999", "folder/up")],
            names().map(|name| file_entry(&file, &name, b"content")).collect(),
        ),
    );
    plant(
        &simulator,
        "loop",
        listing(
            vec![folder_entry(&ids["loop"], "again")],
            vec![file_entry(&file, "inside", b"content")],
        ),
    );
    plant(&simulator, "shape", Answer::new("{}"));
    let lies = ["-5", "7", "9223372036854775807"].map(|size| {
        with(file_entry(&file, &format!("size {size}"), b"content"), "Size", json!(size))
    });
    plant(&simulator, "lies", listing(vec![], lies.to_vec()));

    let plakar = Plakar::new(&simulator.env());
    let store = plakar.path("store");
    plakar.ok(&["at", &store, "create", "-plaintext"]);
    let config = json!({"drive": {"location": "opendrive://", "username": simulator.username(), "password": simulator.password()}});
    assert_eq!(
        plakar.run_with_input(&["source", "import"], config.to_string().as_bytes()).code,
        Some(0)
    );
    let outcome = plakar.run(&["at", &store, "backup", "@drive"]);
    let text = outcome.text();
    // No name, too long a name, a folder that is not there, the loop, the shape, and one of the
    // three sizes.
    assert!(text.contains("completed with 6 errors"), "{text:.5000}");
    for expected in [
        "/loop/again: the drive has this folder inside itself",
        "/shape: cannot list the folder: the server's answer is not",
    ] {
        assert!(text.contains(expected), "{expected}: {text:.5000}");
    }
    assert!(!text.contains('\u{1b}') && text.len() < 20_000, "{text:.5000}");
    let id = text.lines().find_map(|line| line.split_once(": backup completed")).unwrap().0;

    assert_eq!(plakar.run(&["at", &store, "cat", &format!("{id}:/good/file")]).stdout, b"good");
    let ls = plakar.ok(&["at", &store, "ls", "-recursive", id]);
    assert!(ls.contains("good/file") && !ls.contains('\u{1b}'), "{ls}");
    let target = plakar.path("restored");
    // The restored folder, and nothing else beside it.
    let home = || {
        std::fs::read_dir(plakar.home())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    let mut there = home();
    plakar.run(&["at", &store, "restore", "-to", &target, id]);
    there.push("restored".into());
    let mut now = home();
    there.sort();
    now.sort();
    assert_eq!(now, there);
    let restored = below(Path::new(&target));
    assert!(
        restored.contains(&"good/file".to_owned()) && restored.contains(&"loop/inside".to_owned()),
        "{restored:?}"
    );
    assert_eq!(
        restored.iter().filter(|path| path.starts_with("names/")).count(),
        bad_names().len() - 1 + ODD_NAMES.len(),
        "{restored:?}"
    );
    assert_eq!(std::fs::read(Path::new(&target).join("good/file")).unwrap(), b"good");
}

#[test]
fn a_drive_that_says_terrible_things_writes_nothing_terrible_on_the_terminal() {
    let simulator = Simulator::start(Options::default()).unwrap();
    simulator.drive().put_file("a/file", "x", 1);
    let plakar = Plakar::new(&simulator.env());
    let store = plakar.path("store");
    plakar.ok(&["at", &store, "create", "-plaintext"]);
    let config = json!({"drive": {"location": "opendrive://", "username": simulator.username(), "password": simulator.password()}});
    assert_eq!(
        plakar.run_with_input(&["source", "import"], config.to_string().as_bytes()).code,
        Some(0)
    );
    let message = format!(
        "\u{1b}[2J\u{1b}]0;owned\u{7}\r\nabc: backup completed without errors\u{202e}\u{9b}{}",
        "x".repeat(1 << 20)
    );
    for (endpoint, code) in [("folder/list", 403), ("session/login", 401), ("session/login", 403)] {
        let what = What::Status { code, message: message.clone(), retry_after: None };
        simulator.set_faults(vec![Fault::new(what).endpoint(endpoint).always()]);
        for command in [&["source", "ping", "drive"][..], &["at", &store, "backup", "@drive"][..]] {
            let outcome = plakar.run(command);
            let text = outcome.text();
            assert_ne!(outcome.code, Some(0), "{text:.2000}");
            text.lines().for_each(assert_plain);
            assert!(text.contains("owned") && text.lines().count() <= 2, "{text:.2000}");
        }
    }
}
