//! Folders and files: listing, names, moving, removing.

use std::time::Duration;

use opendrive_sim::{FolderNamesakes, texts};
use serde_json::json;

use crate::client::{Client, md5, start};

#[tokio::test]
async fn listing_has_the_types_that_rclone_reads() {
    let simulator = start();
    let folder = simulator.drive().make_folder("Documents/Letters");
    simulator.drive().put_file("Documents/a.txt", "hello", 1_700_000_000);
    let client = Client::login(&simulator).await;

    let root = client.list("0").await.ok().json();
    let documents = &root["Folders"][0];
    assert_eq!((&documents["Name"], &documents["ChildFolders"]), (&json!("Documents"), &json!(1)));
    assert!(documents["DateModified"].is_i64() && documents["Access"].is_i64());
    assert_eq!(root["Files"], json!([]));

    let listing = client.list(documents["FolderID"].as_str().expect("an id")).await.ok().json();
    assert_eq!(listing["ParentFolderID"], "0");
    assert_eq!(listing["Folders"][0]["FolderID"], folder);
    let file = &listing["Files"][0];
    assert_eq!(
        (&file["Name"], &file["Size"], &file["DateModified"]),
        (&json!("a.txt"), &json!("5"), &json!("1700000000"))
    );
    assert_eq!(file["FileHash"], md5(b"hello"));
    let info = client.info(file["FileId"].as_str().expect("an id")).await.ok().json();
    assert_eq!(&info, file);
}

#[tokio::test]
async fn names_ignore_case_and_keep_it() {
    let simulator = start();
    simulator.drive().put_file("Straße Ünï.TXT", "x", 1);
    let client = Client::login(&simulator).await;
    let found = client.by_name("0", "straße ünÏ.txt").await;
    assert_eq!(found["Files"][0]["Name"], "Straße Ünï.TXT");
    assert!(found["Files"][0].get("FileHash").is_none());
    let missed = client.by_name("0", "other").await;
    assert!(missed.get("Files").is_none() && missed.get("Folders").is_none(), "absent, not empty");
    assert!(missed["DirUpdateTime"].is_i64());
    assert_eq!(simulator.drive().read_file("/straße ünï.txt"), Some(b"x".to_vec()));
}

#[tokio::test]
async fn file_names_are_unique_whatever_their_case() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    client.create_file("0", "Name").await.ok();
    assert_eq!(client.create_file("0", "nAME").await.refused(409), "File already exists");
    let entry = &simulator.drive().tree()["Name"];
    assert_eq!((entry.size, entry.md5.as_deref()), (0, None));
}

#[tokio::test]
async fn names_that_the_drive_does_not_store() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    client.create_file("0", &"ä".repeat(127)).await.ok();
    client.make_folder("0", &"a".repeat(255)).await.ok();
    for name in ["", "  ", "a/b", "a:b", &"ä".repeat(128), &"a".repeat(256)] {
        client.create_file("0", name).await.refused(400);
        client.make_folder("0", name).await.refused(400);
    }
    assert_eq!(simulator.drive().tree().len(), 2);
}

#[tokio::test]
async fn white_space_at_the_ends_of_names_is_cut_off_silently() {
    let simulator = start();
    let drive = simulator.drive();
    let client = Client::login(&simulator).await;
    assert_eq!(client.create_file("0", " a\t").await.ok().text("Name"), "a");
    assert_eq!(client.make_folder("0", "b c \n").await.ok().text("Name"), "b c");
    client.create_file("0", "a ").await.refused(409);
    client.make_folder("0", " b c").await.refused(409);
    let file = drive.put_file("f", "", 1);
    client.post("file/rename.json", json!({"file_id": file, "new_file_name": " g "})).await.ok();
    let names: Vec<String> = drive.tree().into_keys().collect();
    assert_eq!(names, ["a", "b c", "g"]);
}

#[tokio::test]
async fn folders_made_twice_are_refused_or_two_and_counted() {
    let simulator = start();
    let client = Client::login(&simulator).await;
    client.make_folder("0", "Once").await.ok();
    assert_eq!(client.make_folder("0", "oNCE").await.refused(409), texts::FOLDER_EXISTS);
    assert_eq!((simulator.duplicate_folders().now, simulator.duplicate_folders().ever), (0, 0));

    // With the answers late, both begin before either is made.
    simulator.set_latency(Duration::from_secs(2));
    let together = async |name: &str, second: &str| {
        tokio::join!(client.make_folder("0", name), client.make_folder("0", second))
    };
    let (first, second) = together("Race", "race").await;
    let mut statuses = [first.status, second.status];
    statuses.sort();
    assert_eq!(statuses, [200, 409]);
    simulator.change_behaviour(|behaviour| behaviour.folder_namesakes = FolderNamesakes::Raced);
    let (first, second) = together("Raced", "raced").await;
    assert_eq!((first.status, second.status), (200, 200));
    assert_ne!(first.text("FolderID"), second.text("FolderID"));
    simulator.set_latency(Duration::ZERO);
    client.make_folder("0", "raced").await.refused(409);
    simulator.drive().remove("Raced");
    simulator.drive().remove("Raced");
    simulator.drive().remove("Race");
    simulator.drive().remove("Once");
    simulator.change_behaviour(|behaviour| behaviour.folder_namesakes = FolderNamesakes::Made);
    let before = simulator.duplicate_folders().ever;
    let (first, second) =
        tokio::join!(client.make_folder("0", "Photos"), client.make_folder("0", "photos"));
    let (first, second) = (first.ok().text("FolderID"), second.ok().text("FolderID"));
    assert_ne!(first, second);
    assert_eq!(client.list("0").await.ok().json()["Folders"].as_array().map(Vec::len), Some(2));
    let duplicates = simulator.duplicate_folders();
    assert_eq!((duplicates.now, duplicates.ever), (1, before + 1));
    client.post("folder/remove.json", json!({"folder_id": second})).await.ok();
    let duplicates = simulator.duplicate_folders();
    assert_eq!((duplicates.now, duplicates.ever), (0, before + 1));
}

#[tokio::test]
async fn unknown_ids_are_not_found() {
    let simulator = start();
    let file = simulator.drive().put_file("f", "", 0);
    let client = Client::login(&simulator).await;
    for id in ["D99", "nonsense", &file, ""] {
        client.list(id).await.refused(404);
        client.make_folder(id, "x").await.refused(404);
        client.create_file(id, "x").await.refused(404);
        client.post("folder/remove.json", json!({"folder_id": id})).await.refused(404);
    }
    for id in ["F99", "0", "nonsense"] {
        client.info(id).await.refused(404);
        client.download(id, None).await.refused(404);
        client.open_upload(id, 1).await.refused(404);
        client.delete(&format!("file.json/{}/{id}", client.session)).await.refused(404);
    }
}

#[tokio::test]
async fn removed_folders_take_everything_along() {
    let simulator = start();
    let file = simulator.drive().put_file("a/b/c.txt", "hello", 1);
    let folder = simulator.drive().make_folder("a");
    let inner = simulator.drive().make_folder("a/b");
    let client = Client::login(&simulator).await;
    client.post("folder/remove.json", json!({"folder_id": folder})).await.ok();
    assert_eq!(client.list(&folder).await.refused(404), "Folder is already deleted");
    assert_eq!(client.list(&inner).await.refused(404), "Folder is already deleted");
    client.info(&file).await.refused(404);
    client.post("folder/remove.json", json!({"folder_id": "0"})).await.refused(403);
    assert_eq!(simulator.drive().usage().0, 0);
}

#[tokio::test]
async fn files_are_renamed_moved_copied_and_removed() {
    let simulator = start();
    let drive = simulator.drive();
    let file = drive.put_file("a/one.txt", "1", 11);
    drive.put_file("a/two.txt", "22", 22);
    let target = drive.make_folder("b");
    let client = Client::login(&simulator).await;

    let rename = |name: &str| json!({"file_id": file, "new_file_name": name});
    client.post("file/rename.json", rename("TWO.txt")).await.refused(409);
    client.post("file/rename.json", rename("ONE.txt")).await.ok();
    client.post("file/rename.json", rename(&"x".repeat(256))).await.refused(400);

    let transfer = |folder: &str, name: &str, keep: bool, overwrite: &str| {
        json!({"src_file_id": file, "dst_folder_id": folder, "move": if keep { "false" } else { "true" },
               "overwrite_if_exists": overwrite, "new_file_name": name})
    };
    let copy =
        client.post("file/move_copy.json", transfer(&target, "copy.txt", true, "true")).await.ok();
    assert_ne!(copy.text("FileID"), file);
    assert_eq!(copy.text("Size"), "1");
    client
        .post("file/move_copy.json", transfer(&target, "Copy.txt", false, "false"))
        .await
        .refused(409);
    let moved =
        client.post("file/move_copy.json", transfer(&target, "Copy.txt", false, "true")).await.ok();
    assert_eq!(moved.text("FileID"), file);
    let names: Vec<String> = drive.tree().into_keys().collect();
    assert_eq!(names, ["a", "a/two.txt", "b", "b/Copy.txt"]);
    assert_eq!(drive.tree()["b/Copy.txt"].mtime, 11);
    // As rclone's Move says: a name that is too long is cut.
    client
        .post("file/move_copy.json", transfer(&target, &"ä".repeat(200), true, "true"))
        .await
        .ok();
    assert!(drive.read_file(&format!("b/{}", "ä".repeat(127))).is_some());

    client.delete(&format!("file.json/{}/{file}", client.session)).await.ok();
    assert!(drive.read_file("b/Copy.txt").is_none());
}

#[tokio::test]
async fn folders_are_renamed_moved_and_copied() {
    let simulator = start();
    let drive = simulator.drive();
    drive.put_file("a/b/file", "x", 5);
    let (a, b) = (drive.make_folder("a"), drive.make_folder("a/b"));
    let client = Client::login(&simulator).await;
    let transfer = |folder: &str, to: &str, name: &str, keep: bool| json!({"folder_id": folder, "dst_folder_id": to, "move": if keep { "false" } else { "true" }, "new_folder_name": name});
    client.post("folder/move_copy.json", transfer(&a, &b, "x", false)).await.refused(400);
    client.post("folder/rename.json", json!({"folder_id": b, "folder_name": "B"})).await.ok();
    let moved = client.post("folder/move_copy.json", transfer(&b, "0", "c", false)).await.ok();
    assert_eq!(moved.text("FolderID"), b);
    client.post("folder/move_copy.json", transfer(&b, "0", "A", false)).await.refused(409);
    let copy = client.post("folder/move_copy.json", transfer(&b, &a, "c", true)).await.ok();
    assert_ne!(copy.text("FolderID"), b);
    let names: Vec<String> = drive.tree().into_keys().collect();
    assert_eq!(names, ["a", "a/c", "a/c/file", "c", "c/file"]);
}

#[test]
fn seeding_from_a_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir_all(dir.path().join("in: ner ")).expect("a directory");
    std::fs::write(dir.path().join("in: ner /a?.txt"), "hello").expect("a file");
    let simulator = start();
    simulator.drive().seed_from_dir(dir.path()).expect("seeding");
    let names: Vec<String> = simulator.drive().tree().into_keys().collect();
    assert_eq!(names, ["in： ner␠", "in： ner␠/a？.txt"]);
}
