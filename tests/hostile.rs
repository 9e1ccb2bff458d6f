//! A drive that lies: names that lead elsewhere, listings in circles, answers that never end.

mod common;

use std::collections::BTreeMap;

use common::place::{Place, noise};
use common::planted::{ODD_NAMES, bad_names, file_entry, folder_entry, listing, plant, with};
use opendrive_sim::Answer;
use plakar_opendrive::connector::source::{Item, Record};
use plakar_opendrive::connector::{Role, Source};
use serde_json::json;
use tokio::sync::mpsc;

/// Walks to the end; records by their path.
async fn walk(place: &Place) -> (Source, Vec<Record>) {
    let source = Source::open(place.settings(Role::Source, "")).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(16);
    let collect = async {
        let mut records = Vec::new();
        while let Some(record) = receiver.recv().await {
            records.push(record);
        }
        records
    };
    let (outcome, records) = tokio::join!(source.walk(sender), collect);
    outcome.unwrap();
    (source, records)
}

#[tokio::test]
async fn probe() {
    let place = Place::drive();
    let simulator = place.simulator();
    place.put("good/file", b"good", 1).await;
    let drive = simulator.drive();
    let names = drive.make_folder("names");
    let target = drive.put_file("target", "target", 1);
    let mut folders = Vec::new();
    let mut files = Vec::new();
    let other = drive.make_folder("other");
    for name in bad_names().iter().map(String::as_str).chain(ODD_NAMES) {
        folders.push(folder_entry(&other, &format!("{name}")));
        files.push(file_entry(&target, &name, b"target"));
    }
    plant(simulator, "names", listing(folders, files));
    let _ = names;
    let l = drive.make_folder("loop");
    plant(simulator, "loop", listing(vec![folder_entry(&l, "again")], vec![]));
    let start = std::time::Instant::now();
    let r = tokio::time::timeout(std::time::Duration::from_secs(5), walk(&place)).await;
    match r {
    Ok((_s, records)) => for r in records { eprintln!("{r:?}"); }
    Err(_) => eprintln!("HANG {:?}", start.elapsed()),
    }
    simulator.set_faults(vec![]);
    drive.remove("loop"); drive.remove("names");
    for (n, body) in ["[]", "null", "{}", "", "<html>", r#"{"error":{"code":403,"message":"No"}}"#, r#"{"Folders":{},"Files":7}"#].iter().enumerate() {
        drive.make_folder(&format!("shape{n}"));
        plant(simulator, &format!("shape{n}"), Answer::new(*body));
    }
    for (n, (key, value)) in [("Size", json!("-5")), ("Size", json!("9223372036854775807")), ("Size", json!("99999999999999999999")), ("Size", json!(5)), ("Size", json!(null)), ("DateModified", json!("-99999999999")), ("DateModified", json!("9223372036854775807")), ("FileHash", json!("abc")), ("FileHash", json!("")), ("FileId", json!("")), ("Name", json!(null))].into_iter().enumerate() {
        drive.make_folder(&format!("lie{n}"));
        plant(simulator, &format!("lie{n}"), listing(vec![], vec![with(file_entry(&target, &format!("{key}{value}"), b"target"), key, value)]));
    }
    let (s, records) = walk(&place).await;
    for r in &records { eprintln!("{r:?}");
      if let Item::File{..} = r.item { let mut n=0; match s.read(&r.path).await { Ok(mut rd) => loop { match rd.chunk().await { Ok(Some(c)) => n+=c.len(), Ok(None) => {eprintln!("   read {n}"); break}, Err(e) => {eprintln!("   {e}"); break}} }, Err(e) => eprintln!("  open {e}") } }
    }
    eprintln!("{:?}", start.elapsed());
    let _ = (noise(1,1), BTreeMap::<u8,u8>::new());
}
