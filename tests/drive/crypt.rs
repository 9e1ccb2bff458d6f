//! crypt over the simulated drive: what is promised for OpenDrive holds where it is wrapped.

use std::collections::HashMap;
use std::time::UNIX_EPOCH;

use opendrive_sim::{Fault, TempLocation, What};
use plakar_opendrive::plugin::v1_0::proto::importer::importer_client::ImporterClient;
use plakar_opendrive::plugin::v1_0::proto::importer::scan_response::Result as Found;
use plakar_opendrive::plugin::v1_0::proto::importer::{InitRequest, Options, ScanRequest};
use plakar_opendrive::rclone::{ErrorKind, Remote, RemoteConfig, Result};
use support::noise;
use support_plugin::place::Place;
use support_plugin::plugin::Plugin;

// The simulator's password and a wrong one, by `rclone obscure`.
const PASSWORD: &str = "9b2ZWkwcU_mvNf2cRnZ4zaUPELoT9Deu6u7Sn2gwgl8";
const WRONG: &str = "h6WS7Fda4E_mUgO02v09KwYcN5VY";

/// Opens a base of its own for each test: rclone shares wrapped remotes that are the same.
async fn open(place: &Place, base: &str, password: &str) -> Result<Remote> {
    Remote::open(&config(place, base, password)).await
}

fn config(place: &Place, base: &str, password: &str) -> RemoteConfig {
    let simulator = place.simulator();
    let wrapped = format!(":opendrive,username=user@example.com,password={password}:{base}");
    RemoteConfig::new("crypt", "")
        .option("remote", &wrapped)
        .plain_password("password", "correct horse")
        .option("override.http_proxy", &simulator.proxy_url())
        .option("override.ca_cert", simulator.ca_file().to_str().unwrap())
}

async fn put(remote: &Remote, path: &str, bytes: &[u8]) -> Result<()> {
    let mut writer = remote.create(path, Some(bytes.len() as u64), UNIX_EPOCH).await?;
    writer.write(bytes.to_vec()).await?;
    writer.commit().await.map(drop)
}

#[tokio::test]
async fn a_wrong_password_is_sent_once() {
    let place = Place::drive();
    let error = open(&place, "wrong", WRONG).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
    assert_eq!(place.simulator().calls().of("session/login"), 1);
    assert!(!error.to_string().contains(WRONG), "{error}");
}

#[tokio::test]
async fn a_session_that_ends_is_renewed() {
    let place = Place::drive();
    let remote = open(&place, "session", PASSWORD).await.unwrap();
    put(&remote, "file", &noise(1, 100_000)).await.unwrap();
    place.simulator().expire_sessions();
    let mut bytes = Vec::new();
    remote.cat("file", 0, None, &mut bytes).await.unwrap();
    assert!(bytes == noise(1, 100_000));
    assert_eq!(place.simulator().calls().of("session/login"), 2);
}

/// How many downloads there may be, and whether the base may be there twice.
#[tokio::test]
async fn the_drive_is_opened_as_what_wraps_it() {
    let place = Place::drive();
    let drive = place.simulator().drive();
    drive.put_file("Work/one", b"1".to_vec(), 1);
    drive.put_in_twin("Work", "two", b"2".to_vec(), 1);
    let sure = |base: &str| RemoteConfig {
        unique_base: true,
        downloads: 2,
        ..config(&place, base, PASSWORD)
    };
    let told = Remote::open(&sure("Work")).await.unwrap_err().to_string();
    assert!(told.contains("two folders of one name side by side, \"Work\""), "{told}");
    let remote = Remote::open(&sure("Other")).await.unwrap();
    assert_eq!(remote.features().downloads, 2);
}

/// Another password than that of crypt's, and a name that is not crypt's: told of, without another
/// listing.
#[tokio::test]
async fn what_cannot_be_decrypted_is_told_in_the_same_call() {
    let place = Place::drive();
    let right = open(&place, "sealed", PASSWORD).await.unwrap();
    put(&right, "file", b"new").await.unwrap();
    place.simulator().drive().put_file("sealed/foreign", b"x".to_vec(), 1);
    let before = place.simulator().calls().of("folder/list");
    let entries = right.list("").await.unwrap();
    assert_eq!(place.simulator().calls().of("folder/list"), before + 1);
    let mut told: Vec<_> = entries
        .iter()
        .map(|entry| {
            (entry.name.as_str(), entry.undecryptable, entry.is_folder(), entry.object.is_some())
        })
        .collect();
    told.sort();
    assert_eq!(told, [("file", false, false, true), ("foreign", true, false, false)]);
    let plain = Remote::open(&RemoteConfig::new("memory", "plain")).await.unwrap();
    assert!(right.features().encrypted && !plain.features().encrypted);

    let wrapped = format!(":opendrive,username=user@example.com,password={PASSWORD}:sealed");
    let config = RemoteConfig::new("crypt", "")
        .option("remote", &wrapped)
        .plain_password("password", "an0ther w0rd");
    let simulator = place.simulator();
    let config = config
        .option("override.http_proxy", &simulator.proxy_url())
        .option("override.ca_cert", simulator.ca_file().to_str().unwrap());
    let error = Remote::open(&config).await.unwrap().list("").await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ErrorKind::Undecryptable, false), "{error}");
}

/// The files on the drive; the time of a folder changes with what is tried in it.
fn files(place: &Place) -> Vec<(String, opendrive_sim::Entry)> {
    place.simulator().drive().tree().into_iter().filter(|(_, entry)| !entry.is_dir).collect()
}

#[tokio::test]
async fn a_failed_upload_leaves_nothing_and_keeps_what_was_there() {
    let place = Place::drive();
    let remote = open(&place, "failed", PASSWORD).await.unwrap();
    put(&remote, "there", b"old").await.unwrap();
    let before = files(&place);
    place.simulator().change_behaviour(|behaviour| behaviour.temp_location = TempLocation::AtOpen);
    let refusal = What::Status { code: 403, message: "No".into(), retry_after: None };
    for endpoint in
        ["upload/open_file_upload", "upload/upload_file_chunk", "upload/close_file_upload"]
    {
        place.simulator().set_faults(vec![Fault::new(refusal.clone()).endpoint(endpoint).times(2)]);
        for path in ["new", "there"] {
            let error = put(&remote, path, &noise(2, 100_000)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Permission, "{endpoint}: {error}");
        }
        assert_eq!(files(&place), before, "{endpoint}");
        assert_eq!(place.simulator().unused_faults(), []);
    }
    // What arrived is not what was sent.
    place.simulator().set_faults(vec![Fault::new(What::CorruptUpload)]);
    put(&remote, "new", &noise(2, 100_000)).await.unwrap_err();
    assert_eq!(files(&place), before);
}

/// Reads an entry to its end, and does something when the first bytes are there.
async fn read_while(
    remote: &Remote,
    path: &str,
    meanwhile: impl AsyncFnOnce(),
) -> (Vec<u8>, Result<()>) {
    let entries = remote.list("").await.unwrap();
    let entry = entries.into_iter().find(|entry| entry.name == path).unwrap();
    let mut reader = entry.object.unwrap().read(0, None).await.unwrap();
    let mut bytes = reader.chunk().await.unwrap().unwrap().to_vec();
    meanwhile().await;
    loop {
        match reader.chunk().await {
            Ok(Some(more)) => bytes.extend_from_slice(&more),
            Ok(None) => return (bytes, Ok(())),
            Err(error) => return (bytes, Err(error)),
        }
    }
}

/// crypt has no hash to compare with, and each part of a large file is opened for itself: one more
/// call tells whether all of them are of one version.
#[tokio::test]
async fn a_large_file_that_is_overwritten_while_it_is_read_is_an_error() {
    const SIZE: usize = 64 << 20;
    let place = Place::drive();
    let remote = open(&place, "overwritten", PASSWORD).await.unwrap();
    put(&remote, "large", &noise(3, SIZE)).await.unwrap();
    place.simulator().reset_calls();
    let (bytes, outcome) = read_while(&remote, "large", async || {}).await;
    outcome.unwrap();
    assert!(bytes == noise(3, SIZE));
    assert_eq!(place.simulator().calls().of("file/info"), 1);

    // All of it may have come before, where other tests keep the upload waiting: then it is whole.
    for version in 3..10 {
        let next = noise(version + 1, SIZE);
        let overwrite = async || put(&remote, "large", &next).await.unwrap();
        let (bytes, outcome) = read_while(&remote, "large", overwrite).await;
        let Err(error) = outcome else {
            assert!(bytes == noise(version, SIZE), "a mixture");
            continue;
        };
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.message().contains("another content by now"), "{error}");
        return;
    }
    panic!("the file was never overwritten while it was read");
}

/// What comes at once is of one version: it costs no further call.
#[tokio::test]
async fn a_small_file_is_read_by_one_call() {
    let place = Place::drive();
    let remote = open(&place, "small", PASSWORD).await.unwrap();
    put(&remote, "small", &noise(5, 500_000)).await.unwrap();
    place.simulator().reset_calls();
    let (bytes, outcome) = read_while(&remote, "small", async || {}).await;
    outcome.unwrap();
    assert!(bytes == noise(5, 500_000));
    let calls = place.simulator().calls();
    assert_eq!((calls.of("download/file"), calls.of("file/info")), (1, 0), "{calls:?}");
}

/// Plakar 1.0's way to it; 1.1's is tested with Plakar itself.
#[tokio::test]
async fn plakar_1_0_is_told_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().to_str().unwrap();
    let config = RemoteConfig::new("crypt", "").option("remote", at).option("password", PASSWORD);
    put(&Remote::open(&config).await.unwrap(), "file", b"new").await.unwrap();
    std::fs::write(folder.path().join("foreign"), "x").unwrap();
    let start = async |password: &str| {
        let plugin = Plugin::start_v1_0("importer", &[]).await;
        let mut client = ImporterClient::new(plugin.channel.clone());
        let options = Options { hostname: "here".into(), max_concurrency: 8, ..Default::default() };
        let keys = [
            ("location", "rclone://"),
            ("rclone_type", "crypt"),
            ("rclone_remote", at),
            ("rclone_password", password),
        ];
        let config: HashMap<String, String> =
            keys.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let answer = client
            .init(InitRequest { options: Some(options), proto: "rclone".into(), config })
            .await;
        (plugin, client, answer)
    };
    let (_plugin, mut client, answer) = start(PASSWORD).await;
    answer.unwrap();
    let mut records = client.scan(ScanRequest::default()).await.unwrap().into_inner();
    let mut found = HashMap::new();
    while let Some(record) = records.message().await.unwrap() {
        found.insert(record.pathname, record.result.unwrap());
    }
    assert!(matches!(found["/file"], Found::Record(_)), "{found:?}");
    assert!(
        matches!(&found["/foreign"], Found::Error(error) if error.message.contains("cannot be decrypted")),
        "{found:?}"
    );
    let (_plugin, _, answer) = start(WRONG).await;
    let message = answer.unwrap_err().message().to_owned();
    assert!(message.contains("no name in it can be decrypted (2, as \""), "{message}");
}
