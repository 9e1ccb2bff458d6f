//! Folders of the real drive: pages, paths, names that are never found, the trash, the export.

use std::time::Duration;

use opendrive_sim::{Fault, What, texts};
use serde_json::{Value, json};

use crate::client::{Client, start, start_with};

fn names(listing: &Value, kind: &str) -> Vec<String> {
    let entries = listing[kind].as_array().expect("an array");
    entries.iter().map(|entry| entry["Name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn listings_come_whole_or_in_pages_of_a_hundred() {
    let simulator = start();
    let drive = simulator.drive();
    for at in 0..130 {
        drive.make_folder(&format!("in/folder {at:03}"));
        drive.put_file(&format!("in/file {at:03}"), "", 1);
    }
    let folder = drive.make_folder("in");
    let client = Client::login(&simulator).await;
    let whole = client.list(&folder).await.ok().json();
    assert_eq!((names(&whole, "Folders").len(), names(&whole, "Files").len()), (130, 130));
    assert!(whole["DirUpdateTime"].is_i64());
    let page = async |offset: u64| {
        let time = &whole["DirUpdateTime"];
        let path = format!(
            "folder/list.json/{}/{folder}?offset={offset}&last_request_time={time}",
            client.session
        );
        client.get(&path).await.ok().json()
    };
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for (offset, expected) in [(0, (100, 0)), (100, (30, 70)), (200, (0, 60)), (300, (0, 0))] {
        let page = page(offset).await;
        let (found_folders, found_files) = (names(&page, "Folders"), names(&page, "Files"));
        assert_eq!((found_folders.len(), found_files.len()), expected, "offset {offset}");
        folders.extend(found_folders);
        files.extend(found_files);
    }
    assert_eq!((folders, files), (names(&whole, "Folders"), names(&whole, "Files")));
    let subfolders = client
        .get(&format!("folder/list.json/{}/{folder}?only_subfolders=1", client.session))
        .await
        .ok()
        .json();
    assert_eq!((names(&subfolders, "Folders").len(), names(&subfolders, "Files").len()), (130, 0));

    simulator.change_behaviour(|behaviour| behaviour.listing_limit = Some(100));
    let cut = client.list(&folder).await.ok().json();
    assert_eq!((names(&cut, "Folders").len(), names(&cut, "Files").len()), (100, 0));
    assert_eq!(names(&page(100).await, "Folders").len(), 30);
    simulator.change_behaviour(|behaviour| behaviour.listing_limit = Some(150));
    let cut = client.list(&folder).await.ok().json();
    assert_eq!((names(&cut, "Folders").len(), names(&cut, "Files").len()), (130, 20));

    // The limit may be one of files only.
    simulator.change_behaviour(|behaviour| {
        behaviour.listing_limit = None;
        behaviour.listing_files_limit = Some(100);
    });
    let cut = client.list(&folder).await.ok().json();
    assert_eq!((names(&cut, "Folders").len(), names(&cut, "Files").len()), (130, 100));
    assert_eq!(names(&page(100).await, "Files").len(), 70);

    simulator.change_behaviour(|behaviour| behaviour.listing_files_limit = None);
    simulator.add_fault(Fault::new(What::LargeListing { over: 259 }).always());
    let reply = client.list(&folder).await;
    assert_eq!(
        (reply.status, &reply.headers["content-type"]),
        (502, &"text/html".parse().unwrap())
    );
    page(0).await;
    client.list("0").await.ok();
    simulator.set_faults(vec![Fault::new(What::LargeListing { over: 260 }).always()]);
    client.list(&folder).await.ok();
    assert_eq!(simulator.unused_faults().len(), 1);
}

#[tokio::test]
async fn folders_by_path() {
    let simulator = start();
    let folder = simulator.drive().make_folder("Documents/Letters + more/2026");
    simulator.drive().put_file("Documents/file", "", 1);
    let client = Client::login(&simulator).await;
    let by_path =
        async |path: &str| client.post("folder/idbypath.json", json!({ "path": path })).await;
    assert_eq!(
        by_path("documents/LETTERS + more/2026").await.ok().json(),
        json!({ "FolderId": folder })
    );
    for path in ["", "/Documents", "Documents/file", "Documents/other", "Documents//Letters + more"]
    {
        assert_eq!(by_path(path).await.refused(404), texts::NO_FOLDER, "{path:?}");
    }
}

#[tokio::test]
async fn some_names_are_never_found_by_name() {
    let simulator = start();
    let drive = simulator.drive();
    for name in ["a+b", "a & b", "a%b"] {
        drive.put_file(&format!("files/{name}"), "x", 1);
        drive.make_folder(&format!("folders/{name}"));
    }
    let client = Client::login(&simulator).await;
    for (parent, kind) in [("files", "Files"), ("folders", "Folders")] {
        let id = drive.make_folder(parent);
        assert!(client.by_name(&id, "a+b").await.get(kind).is_none());
        assert!(client.by_name(&id, "a & b").await.get(kind).is_none());
        assert_eq!(client.by_name(&id, "a%b").await[kind][0]["Name"], "a%b");
        assert_eq!(client.list(&id).await.ok().json()[kind].as_array().map(Vec::len), Some(3));
    }
}

#[tokio::test]
async fn new_names_lag() {
    // Long enough for what is asked meanwhile.
    let simulator = start_with(|behaviour| behaviour.name_lag_ms = 4_000);
    simulator.drive().put_file("seeded", "", 1);
    let client = Client::login(&simulator).await;
    client.make_folder("0", "folder").await.ok();
    let file = client.create_file("0", "file").await.ok().text("FileId");
    client
        .post("file/rename.json", json!({"file_id": file, "new_file_name": "renamed"}))
        .await
        .ok();
    assert_eq!(client.by_name("0", "seeded").await["Files"].as_array().map(Vec::len), Some(1));
    for (name, kind) in [("folder", "Folders"), ("renamed", "Files")] {
        assert!(client.by_name("0", name).await.get(kind).is_none(), "{name}");
    }
    let listed = client.list("0").await.ok().json();
    assert_eq!(
        (names(&listed, "Folders"), names(&listed, "Files").len()),
        (vec!["folder".to_owned()], 2)
    );
    tokio::time::sleep(Duration::from_secs(4)).await;
    for (name, kind) in [("folder", "Folders"), ("renamed", "Files")] {
        assert_eq!(
            client.by_name("0", name).await[kind].as_array().map(Vec::len),
            Some(1),
            "{name}"
        );
    }
}

#[tokio::test]
async fn trash_and_lists_of_ids() {
    let simulator = start();
    let drive = simulator.drive();
    let files: Vec<String> = (0..5).map(|at| drive.put_file(&format!("{at}"), "x", 1)).collect();
    let folders: Vec<String> =
        (0..3).map(|at| drive.make_folder(&format!("folder {at}"))).collect();
    let client = Client::login(&simulator).await;

    let trashed = client
        .post("file/trash.json", json!({"file_id": format!("{},{}", files[0], files[1])}))
        .await
        .ok();
    assert!(trashed.json()["DirUpdateTime"].is_i64());
    assert_eq!(client.info(&files[0]).await.refused(404), texts::NO_FILE);
    client.download(&files[1], None).await.refused(404);
    client.post("file/trash.json", json!({"file_id": files[0]})).await.refused(404);
    client.delete_file(&files[0]).await.ok();
    client.delete_file(&files[0]).await.refused(404);
    client.delete_file(&format!("{},nonsense", files[2])).await.refused(404);
    assert!(drive.read_file("2").is_some(), "all or none");
    client.delete_file(&format!("{},{}", files[2], files[3])).await.ok();

    client
        .post("folder/trash.json", json!({"folder_id": format!("{},{}", folders[0], folders[1])}))
        .await
        .ok();
    assert_eq!(client.list(&folders[0]).await.refused(404), texts::FOLDER_DELETED);
    assert_eq!(
        client.post("folder/trash.json", json!({"folder_id": folders[0]})).await.refused(404),
        texts::FOLDER_DELETED
    );
    client.post("folder/remove.json", json!({"folder_id": folders[0]})).await.ok();
    let left: Vec<String> = drive.tree().into_keys().collect();
    assert_eq!(left, ["4", "folder 2"]);
}

#[tokio::test]
async fn the_export_lists_a_whole_subtree() {
    let simulator = start();
    let drive = simulator.drive();
    let base = drive.make_folder("base");
    let (inner, file) =
        (drive.make_folder("base/inner"), drive.put_file("base/inner/a, b.txt", "12345", 1));
    let top = drive.put_file("base/top", "1", 1);
    drive.put_file("outside", "1", 1);
    let client = Client::login(&simulator).await;
    let reply = client.get(&format!("folder/exportcsv.json/{}/{base}", client.session)).await.ok();
    assert_eq!(reply.headers["content-type"], "text/csv");
    let rows = format!(
        "Type,ID,Path,Size\r\nFolder,{inner},inner,\r\nFile,{file},\"inner/a, b.txt\",5\r\nFile,{top},top,1\r\n"
    );
    assert_eq!(String::from_utf8_lossy(&reply.body), rows);
    simulator.add_fault(Fault::refused(403, texts::EXPORT_REFUSED).endpoint("folder/exportcsv"));
    client.get(&format!("folder/exportcsv.json/{}/{base}", client.session)).await.refused(403);
}

#[tokio::test]
async fn ids_are_opaque() {
    let simulator = start();
    let (file, folder) =
        (simulator.drive().put_file("a", "", 1), simulator.drive().make_folder("b"));
    let client = Client::login(&simulator).await;
    assert_eq!((file.len(), folder.len()), (22, 22));
    client.list(&file).await.refused(404);
    client.info(&folder).await.refused(404);
    client.info(&file.to_uppercase()).await.refused(404);
    assert_eq!(client.list("0").await.ok().json()["Folders"][0]["FolderID"], folder);
}

#[tokio::test]
async fn the_account_and_its_sessions() {
    let simulator = start();
    simulator.drive().put_file("f", vec![0; 1234], 1);
    let client = Client::login(&simulator).await;
    let info = client.get(&format!("users/info.json/{}", client.session)).await.ok();
    assert_eq!(
        (info.text("StorageUsed"), info.text("MaxStorage"), info.text("BwUsed")),
        ("1234".into(), "1048576".into(), "0".into())
    );
    assert_eq!(
        (info.text("BwMax"), info.text("PrivateKey")),
        ("10240".into(), texts::PRIVATE_KEY.into())
    );
    assert!(info.json()["UserID"].is_i64(), "a number here, a text in the login's answer");
    let exists =
        async || client.post("session/exists.json", json!({})).await.ok().json()["result"].clone();
    assert_eq!(exists().await, true);
    client.post("session/logout.json", json!({})).await.ok();
    assert_eq!(exists().await, false);
    assert_eq!(client.list("0").await.refused(401), texts::SESSION_OVER);
}
