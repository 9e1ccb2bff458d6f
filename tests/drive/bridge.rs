//! The bridge to rclone, through the real archive, on `:memory:` and a local folder: no network.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures::FutureExt;
use plakar_opendrive::rclone::{Error, ErrorKind, PrefetchJob, Rclone, Remote, RemoteConfig};
use serde_json::json;
use support::alone::ran_alone;
use support::{until, within};
use tokio::io::AsyncReadExt;

/// Nothing here takes longer, unless it hangs.
const HANG: Duration = Duration::from_secs(60);

/// A remote of its own for each test: the memory backend is shared by the whole process.
async fn memory(name: &str) -> Remote {
    Remote::open(&RemoteConfig::new("memory", name)).await.unwrap()
}

async fn put(remote: &Remote, path: &str, bytes: &[u8]) {
    let mut writer = remote
        .create(path, Some(bytes.len() as u64), UNIX_EPOCH + Duration::from_secs(1_700_000_000))
        .await
        .unwrap();
    writer.write(bytes.to_vec()).await.unwrap();
    writer.commit().await.unwrap();
}

async fn get(
    remote: &Remote,
    path: &str,
    offset: u64,
    length: Option<u64>,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    remote.cat(path, offset, length, &mut bytes).await?;
    Ok(bytes)
}

#[tokio::test]
async fn objects_are_written_listed_read_moved_and_deleted() {
    let remote = memory("whole-life").await;
    put(&remote, "folder/a.txt", b"hello world").await;

    let entries = remote.list("folder").await.unwrap();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.name.as_str(), entry.size, entry.is_folder()), ("a.txt", Some(11), false));
    assert_eq!(entry.modified, Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    assert_eq!(entry.hash.as_deref(), Some("5eb63bbbe01eeed093cb22bb8f5acdc3"));
    // A folder without a time of its own must not get the present one: it would differ on every
    // run.
    let top = remote.list("").await.unwrap();
    assert!(
        top[0].is_folder()
            && top[0]
                .modified
                .is_none_or(|time| time.elapsed().unwrap() > Duration::from_secs(3600)),
        "{top:?}"
    );

    for (offset, length, expected) in [
        (0, None, "hello world"),
        (6, None, "world"),
        (0, Some(5), "hello"),
        (4, Some(3), "o w"),
        (11, None, ""),
        (3, Some(0), ""),
    ] {
        assert_eq!(
            get(&remote, "folder/a.txt", offset, length).await.unwrap(),
            expected.as_bytes(),
            "{offset} {length:?}"
        );
    }

    let object = remote.stat("folder/a.txt").await.unwrap().object.unwrap();
    let moved = object.rename("folder/b.txt").await.unwrap();
    assert_eq!(moved.name, "b.txt");
    assert_eq!(remote.stat("folder/a.txt").await.unwrap_err().kind(), ErrorKind::NotFound);
    moved.object.unwrap().delete().await.unwrap();
    assert_eq!(remote.stat("folder/b.txt").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn reading_in_small_pieces_gives_the_same_bytes() {
    let remote = memory("pieces").await;
    let bytes: Vec<u8> =
        (0..3_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    put(&remote, "big", &bytes).await;
    let mut reader = remote.stat("big").await.unwrap().object.unwrap().read(0, None).await.unwrap();
    let mut got = Vec::new();
    let mut piece = [0u8; 7_777];
    loop {
        let count = reader.read(&mut piece).await.unwrap();
        if count == 0 {
            break;
        }
        got.extend_from_slice(&piece[..count]);
    }
    assert!(got == bytes, "{} bytes came, {} were written", got.len(), bytes.len());
}

#[tokio::test]
async fn the_beginnings_of_files_come_with_what_follows() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
    let remote = memory("prefetches").await;
    let sizes = [0, 1, 49, 50, 51, 3 << 20];
    for size in sizes {
        put(&remote, &format!("{size:09}"), &vec![7; size]).await;
    }
    let listed = async || {
        let mut objects: Vec<_> = remote
            .list("")
            .await
            .unwrap()
            .into_iter()
            .map(|entry| Arc::new(entry.object.unwrap()))
            .collect();
        objects.sort_by_key(|object| object.path());
        objects
    };
    // The first time each on a thread of its own, then one after another.
    for _ in 0..3 {
        let objects = listed().await;
        let (prefetches, jobs): (Vec<_>, Vec<_>) =
            objects.iter().map(|object| object.prefetch(50)).unzip();
        // The objects are read all the same when they are let go.
        drop(objects);
        PrefetchJob::start(jobs);
        for (beginning, size) in prefetches.into_iter().zip(sizes) {
            let (bytes, mut reader) = beginning.take().await.unwrap();
            assert_eq!((bytes.len(), reader.is_over()), (size.min(50), size < 50), "{size}");
            let mut rest = 0;
            while let Some(chunk) = reader.chunk().await.unwrap() {
                rest += chunk.len();
            }
            assert_eq!(bytes.len() + rest, size);
        }
    }
    let objects = listed().await;
    objects[1].delete().await.unwrap();
    let (mut prefetches, jobs): (Vec<_>, Vec<_>) =
        objects.iter().map(|object| object.prefetch(50)).unzip();
    PrefetchJob::start(jobs);
    let error = prefetches.remove(1).take().await.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Handle, Some("000000001")), "{error}");
    // Those that nobody takes are closed.
    drop((prefetches, objects));
    until(HANG, "all streams are closed", || Rclone::get().stats().streams == 0).await;
}

#[tokio::test]
async fn an_upload_that_is_not_whole_leaves_nothing() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let local =
        Remote::open(&RemoteConfig::new("local", folder.path().to_str().unwrap())).await.unwrap();
    for remote in [memory("aborted").await, local] {
        // Dropped in the middle.
        let mut writer = remote.create("f", Some(100), UNIX_EPOCH).await.unwrap();
        writer.write(vec![1; 50]).await.unwrap();
        drop(writer);
        // Committed too early.
        let mut writer = remote.create("g", Some(100), UNIX_EPOCH).await.unwrap();
        writer.write(vec![1; 50]).await.unwrap();
        assert_eq!(writer.commit().await.unwrap_err().kind(), ErrorKind::Corrupt);
        // Too many bytes.
        let mut writer = remote.create("h", Some(1), UNIX_EPOCH).await.unwrap();
        assert_eq!(writer.write(vec![1; 2]).await.unwrap_err().kind(), ErrorKind::Corrupt);
        drop(writer);
        until(HANG, "all streams are closed", || Rclone::get().stats().streams == 0).await;
        // The memory backend has no folder without an object in it.
        let left = remote.list("").await.unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn an_upload_begins_on_another_thread_and_ends_if_nobody_waits_for_it() {
    // It waits until no stream of the process is open.
    if ran_alone() {
        return;
    }
    let remote = memory("unawaited").await;
    let waiting = |_: &i32| remote.create("f", Some(1), UNIX_EPOCH).now_or_never().is_none();
    let elsewhere = (0..100).filter(waiting).count();
    assert!(elsewhere > 0, "each held up this thread");
    until(HANG, "all streams are closed", || Rclone::get().stats().streams == 0).await;
    assert!(remote.list("").await.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn bad_configurations_are_errors_that_name_the_option() {
    let cases = [
        (RemoteConfig::default(), "option \"type\" is missing"),
        (
            RemoteConfig::new("drive", ""),
            "option \"type\": backend \"drive\" is not built in; this build has alias, crypt, local, memory, opendrive; \"make package BACKENDS=all\" makes a package with every backend of rclone",
        ),
        (
            RemoteConfig::new("crypt", "")
                .plain_password("password", "x")
                .option("remote", ":alias,remote=':s3,provider=AWS:a':b"),
            "option \"remote\": backend \"s3\" is not built in",
        ),
        (
            RemoteConfig::new("memory", "").option("colour", "red"),
            "unknown option \"colour\" for backend \"memory\"",
        ),
        (RemoteConfig::new("opendrive", ""), "option \"username\" is missing"),
        (
            RemoteConfig::new("opendrive", "").option("username", "me"),
            "option \"password\" is missing",
        ),
        (
            RemoteConfig::new("opendrive", "")
                .option("username", "me")
                .option("password", "not obscured"),
            "is not an obscured password",
        ),
        (
            RemoteConfig::new("memory", "").option("override.colour", "red"),
            "no global option \"colour\"",
        ),
    ];
    for (config, expected) in cases {
        let error = Remote::open(&config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("not obscured\""), "{error}");
    }
}

#[tokio::test]
async fn a_base_that_is_a_file_or_missing_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let error = Remote::open(&RemoteConfig::new("local", &path("file"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IsFile, "{error}");
    let missing = Remote::open(&RemoteConfig::new("local", &path("missing"))).await.unwrap();
    assert_eq!(missing.list("").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn unknown_handles_and_double_closes_are_errors() {
    let rclone = Rclone::get();
    for (method, request) in [
        ("bridge/close", json!({"remote": 987_654_321})),
        ("bridge/list", json!({"remote": 987_654_321, "path": ""})),
        ("bridge/release", json!({"objects": [987_654_321]})),
        ("bridge/delete", json!({"object": 987_654_321})),
        ("bridge/commit", json!({"writer": 987_654_321})),
    ] {
        let error = rclone.rpc::<_, serde_json::Value>(method, &request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Handle, "{method}: {error}");
    }
    let opened: serde_json::Value =
        rclone.rpc("bridge/open", &json!({"config": {"type": "memory"}})).await.unwrap();
    let close = json!({"remote": opened["remote"]});
    rclone.rpc::<_, serde_json::Value>("bridge/close", &close).await.unwrap();
    let error = rclone.rpc::<_, serde_json::Value>("bridge/close", &close).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handle, "{error}");
}

#[tokio::test]
async fn bad_requests_are_errors() {
    let rclone = Rclone::get();
    let error = rclone
        .rpc::<_, serde_json::Value>("bridge/open", &json!({"colour": "red"}))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("unknown field \"colour\""), "{error}");
    let error = rclone.rpc::<_, serde_json::Value>("no/such", &json!({})).await.unwrap_err();
    assert!(error.to_string().contains("couldn't find method"), "{error}");
    let error = rclone.rpc::<_, serde_json::Value>("no\0such", &json!({})).await.unwrap_err();
    assert!(error.to_string().contains("NUL byte"), "{error}");
}

#[tokio::test]
async fn librclones_own_calls_work() {
    let rclone = Rclone::get();
    let remote = memory("own-calls").await;
    put(&remote, "a/x", b"copied").await;
    rclone.copy_file(":memory:own-calls", "a/x", ":memory:own-calls", "b/y").await.unwrap();
    let items = rclone.list(":memory:own-calls", "b").await.unwrap();
    assert_eq!((items[0].path.as_str(), items[0].size, items[0].is_dir), ("b/y", 6, false));
    assert_eq!(get(&remote, "b/y", 0, None).await.unwrap(), b"copied");
    let error = rclone.list(":memory:no-such-bucket", "").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

/// A server that takes connections and never answers, and a remote whose calls go to it.
async fn silent_drive() -> (tokio::net::TcpListener, RemoteConfig) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let config = RemoteConfig::new("opendrive", "")
        .option("username", "me")
        .plain_password("password", "s3cret w0rd")
        .option("override.http_proxy", &proxy);
    (listener, config)
}

#[tokio::test]
async fn dropping_a_future_cancels_the_call() {
    // It counts the calls of the process.
    if ran_alone() {
        return;
    }
    let (_listener, config) = silent_drive().await;
    let calls = || Rclone::get().stats().calls;
    let before = calls();
    let opening = tokio::time::timeout(Duration::from_millis(300), Remote::open(&config));
    assert!(opening.await.is_err(), "the server does not answer");
    until(HANG, "the call ends", || calls() <= before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_cancelled_from_another_thread() {
    let (_listener, config) = silent_drive().await;
    let request =
        json!({"config": config_json(&config), "plain": ["password"], "call": 1u64 << 60});
    let call = tokio::spawn(async move {
        Rclone::get().rpc::<_, serde_json::Value>("bridge/open", &request).await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    std::thread::spawn(|| {
        Rclone::get()
            .rpc_blocking::<_, serde_json::Value>("bridge/cancel", &json!({"call": 1u64 << 60}))
    })
    .join()
    .unwrap()
    .unwrap();
    let error = within(HANG, call).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
}

fn config_json(config: &RemoteConfig) -> serde_json::Value {
    serde_json::to_value(&config.options).unwrap()
}

#[tokio::test]
async fn ten_thousand_rounds_leave_nothing_behind() {
    // It counts what the process holds.
    if ran_alone() {
        return;
    }
    let remote = memory("rounds").await;
    put(&remote, "f", b"0123456789").await;
    let round = async || {
        let entry = remote.stat("f").await.unwrap();
        let mut reader = entry.object.unwrap().read(2, Some(3)).await.unwrap();
        assert_eq!(reader.chunk().await.unwrap().unwrap(), "234".as_bytes());
    };
    for _ in 0..100 {
        round().await;
    }
    // Those of pools come and go.
    let (descriptors, goroutines) = (open_descriptors(), Rclone::get().stats().goroutines);
    for _ in 0..10_000 {
        round().await;
    }
    drop(remote);
    until(HANG, "goroutines end", || Rclone::get().stats().goroutines <= goroutines + 50).await;
    until(HANG, "objects are let go", || Rclone::get().stats().objects < 100).await;
    until(HANG, "descriptors are closed", || open_descriptors() <= descriptors + 50).await;
}

#[cfg(target_os = "linux")]
fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[cfg(not(target_os = "linux"))]
fn open_descriptors() -> usize {
    0
}
