//! Downloads on a drive that allows an address six at once, gives each connection so much and an
//! account so much a day.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use opendrive_sim::{Behaviour, Fault, Options, Simulator, VolumeAnswer, What};
use plakar_opendrive::connector::store::{ByteRange, Kind, Mac, ResourceContent};
use plakar_opendrive::connector::{Role, Source, Store};
use plakar_opendrive::rclone::{Error, ErrorKind, Remote, RemoteConfig};
use support::{noise, until, within};
use support_plugin::place::Place;
use tokio::sync::mpsc;

/// How many downloads this process has at once, unless it is told otherwise.
const DOWNLOADS: u64 = 5;

fn place(behaviour: Behaviour) -> Place {
    Place::Drive(Box::new(Simulator::start(Options { behaviour, ..Options::default() }).unwrap()))
}

/// Bytes of files over the network may be so many for each byte of a file.
fn assert_traffic(place: &Place, bytes: u64) {
    let moved = place.simulator().calls().bytes_down;
    assert!(moved * 100 <= bytes * 102, "{moved} bytes came for {bytes}");
}

async fn opened(place: &Place) -> (Source, Vec<String>) {
    let source = Source::open(place.settings(Role::Source, "")).await.unwrap();
    let (sender, mut records) = mpsc::channel(1000);
    let (walked, paths) = tokio::join!(source.walk(sender), async {
        let mut paths = Vec::new();
        while let Some(record) = records.recv().await {
            if record.path.contains("file") {
                paths.push(record.path);
            }
        }
        paths
    });
    walked.unwrap();
    (source, paths)
}

async fn read(source: &Source, path: &str) -> Result<Vec<u8>, Error> {
    let mut reader = source.read(path).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    source.acknowledge(path);
    Ok(bytes)
}

/// Reads all files, so many at once.
async fn read_all(
    source: &Source,
    paths: &[String],
    at_once: usize,
) -> Vec<(String, Result<Vec<u8>, Error>)> {
    stream::iter(paths)
        .map(|path| async move { (path.clone(), read(source, path).await) })
        .buffer_unordered(at_once)
        .collect()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_download_is_refused_however_many_files_are_read_at_once() {
    let place = place(Behaviour { download_speed: Some(2_000_000), ..Behaviour::default() });
    for number in 0..30 {
        place.put(&format!("file{number:02}"), &noise(number, 300_000), 1_700_000_000).await;
    }
    for number in 30..36 {
        place.put(&format!("file{number:02}"), &noise(number, 6_000_000), 1_700_000_000).await;
    }
    for at_once in [1, 3, 16, 64] {
        place.simulator().reset_calls();
        let (source, paths) = opened(&place).await;
        assert_eq!(paths.len(), 36);
        for (path, bytes) in read_all(&source, &paths, at_once).await {
            let number: u64 = path["/file".len()..].parse().unwrap();
            let size = if number < 30 { 300_000 } else { 6_000_000 };
            assert!(bytes.unwrap() == noise(number, size), "{path}");
        }
        let calls = place.simulator().calls();
        assert_eq!(
            (calls.refused_downloads, calls.refused),
            (0, 0),
            "{at_once} at once: {calls:?}"
        );
        assert!(calls.peak_downloads <= DOWNLOADS, "{} at once", calls.peak_downloads);
        assert_traffic(&place, 30 * 300_000 + 6 * 6_000_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_comes_over_several_connections() {
    let place = place(Behaviour { download_speed: Some(3_000_000), ..Behaviour::default() });
    let size = 24_000_001;
    place.put("file", &noise(1, size), 1_700_000_000).await;
    let (source, paths) = opened(&place).await;
    place.simulator().reset_calls();
    assert!(read(&source, &paths[0]).await.unwrap() == noise(1, size));
    let calls = place.simulator().calls();
    assert!((3..=DOWNLOADS).contains(&calls.peak_downloads) && calls.refused == 0, "{calls:?}");
    // No part has less than 512 KiB, however slow the machine makes the line look.
    assert!(calls.of("download/file") <= 50, "{calls:?}");
    assert_traffic(&place, size as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_option_says_how_many() {
    for downloads in ["1", "3", "6"] {
        let place = place(Behaviour { download_speed: Some(3_000_000), ..Behaviour::default() });
        place.put("file", &noise(1, 15_000_000), 1_700_000_000).await;
        let mut config = place.config("");
        config.insert("downloads".to_owned(), downloads.to_owned());
        let settings =
            plakar_opendrive::connector::Settings::parse(Role::Source, &config, "host").unwrap();
        let remote = Remote::open(&settings.remote).await.unwrap();
        let most: u64 = downloads.parse().unwrap();
        assert_eq!(remote.features().downloads as u64, most);
        let object = remote.list("").await.unwrap().pop().unwrap().object.unwrap();
        let mut reader = object.read(0, None).await.unwrap();
        let mut count = 0;
        while let Some(chunk) = reader.chunk().await.unwrap() {
            count += chunk.len();
        }
        let calls = place.simulator().calls();
        assert_eq!((count, calls.refused_downloads), (15_000_000, 0));
        assert!(
            calls.peak_downloads <= most && (most == 1 || calls.peak_downloads > 1),
            "{calls:?}"
        );
    }
    let other = Remote::open(&RemoteConfig::new("memory", "unbounded")).await.unwrap();
    assert_eq!(other.features().downloads, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drive_that_ignores_ranges_is_read_over_one_connection() {
    let place = place(Behaviour { ranges: false, ..Behaviour::default() });
    place.put("file", &noise(1, 12_000_000), 1_700_000_000).await;
    let (source, paths) = opened(&place).await;
    assert!(read(&source, &paths[0]).await.unwrap() == noise(1, 12_000_000));
    assert_eq!(place.simulator().calls().peak_downloads, 1);
    // A part of it is right too.
    let remote = Remote::open(&place.settings(Role::Source, "").remote).await.unwrap();
    let object = remote.list("").await.unwrap().pop().unwrap().object.unwrap();
    let mut reader = object.read(5_000_000, Some(100)).await.unwrap();
    assert_eq!(reader.chunk().await.unwrap().unwrap(), noise(1, 12_000_000)[5_000_000..5_000_100]);
}

/// As where another process on the machine has most of the downloads.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_waits_for_its_turn() {
    let place = place(Behaviour {
        max_downloads: Some(2),
        download_speed: Some(2_000_000),
        ..Behaviour::default()
    });
    for number in 0..20 {
        place.put(&format!("file{number:02}"), &noise(number, 400_000), 1_700_000_000).await;
    }
    let (source, paths) = opened(&place).await;
    place.simulator().reset_calls();
    for (path, bytes) in read_all(&source, &paths, 8).await {
        assert_eq!(bytes.unwrap().len(), 400_000, "{path}");
    }
    let calls = place.simulator().calls();
    assert!(calls.refused_downloads > 0 && calls.refused_downloads <= 10, "{calls:?}");
    assert_eq!(calls.of("folder/list"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_is_used_up_ends_a_source_with_one_line() {
    for answer in [VolumeAnswer::Record, VolumeAnswer::Text] {
        let place = place(Behaviour {
            daily_volume: Some(2 << 20),
            volume_answer: answer,
            ..Behaviour::default()
        });
        for number in 0..30 {
            place.put(&format!("file{number:02}"), &noise(number, 100_000), 1_700_000_000).await;
        }
        // Its own content looks like an answer.
        place.put("file99", br#"{"BWExceeded":1}"#, 1_700_000_000).await;
        let (source, paths) = opened(&place).await;
        assert_eq!(read(&source, &paths[30]).await.unwrap(), br#"{"BWExceeded":1}"#);
        let outcomes = read_all(&source, &paths[..30], 4).await;
        let failed: Vec<&Error> =
            outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().err()).collect();
        // What was let in before it was used up still comes, from each of the connections.
        assert!((5..20).contains(&failed.len()), "{}", failed.len());
        for error in failed {
            assert_eq!(error.kind(), ErrorKind::VolumeUsedUp, "{error}");
            assert!(
                error.message().contains("daily download volume (2 MB)")
                    && error.message().contains("noon Pacific"),
                "{error}"
            );
        }
        // The run knows; and nothing more is asked of the drive.
        let ended = within(Duration::from_secs(60), source.fatal_error()).await;
        assert_eq!(ended.kind(), ErrorKind::VolumeUsedUp);
        place.simulator().reset_calls();
        assert!(
            read_all(&source, &paths[..30], 4)
                .await
                .iter()
                .filter(|(_, outcome)| outcome.is_err())
                .count()
                >= 8
        );
        assert!(
            place.simulator().calls().of("download/file") <= 1,
            "{:?}",
            place.simulator().calls()
        );
    }
}

fn mac(number: u8) -> Mac {
    std::array::from_fn(|index| number.wrapping_mul(31).wrapping_add(index as u8 * 5))
}

async fn part(store: &Store, mac: &Mac, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
    let range = ByteRange { offset, length };
    match store.get(Kind::Packfile, mac, Some(range)).await? {
        ResourceContent::Whole(bytes) => Ok(bytes.to_vec()),
        ResourceContent::Pieces(pieces) => Ok(pieces.try_collect::<Vec<Bytes>>().await?.concat()),
    }
}

async fn filled_store(place: &Place, packfiles: u8, size: usize) -> Store {
    let store = Store::new(place.settings(Role::Store, "store"));
    store.create(Bytes::from_static(b"description")).await.unwrap();
    for number in 0..packfiles {
        let mut put = store.put(Kind::Packfile, mac(number)).await.unwrap();
        for chunk in noise(number.into(), size).chunks(1 << 20) {
            put.write(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        put.commit().await.unwrap();
    }
    store.list(Kind::Packfile).await.unwrap();
    store
}

/// Reads a store as Plakar does: in small pieces, one after another.
async fn read_store(store: &Store, packfiles: u8, size: usize) {
    for number in 0..packfiles {
        let expected = noise(number.into(), size);
        for offset in (0..size - 100_000).step_by(100_000) {
            let bytes = part(store, &mac(number), offset as u64, 100_000).await.unwrap();
            assert!(bytes == expected[offset..offset + 100_000], "{number} at {offset}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_read_over_several_connections_where_one_is_slow() {
    let place = place(Behaviour { download_speed: Some(1_000_000), ..Behaviour::default() });
    let store = filled_store(&place, 2, 8 << 20).await;
    place.simulator().reset_calls();
    read_store(&store, 2, 8 << 20).await;
    let calls = place.simulator().calls();
    assert!((3..=DOWNLOADS).contains(&calls.peak_downloads) && calls.refused == 0, "{calls:?}");
    assert_traffic(&place, 2 * (8 << 20));
}

/// Plakar asks for nothing twice; what is read whole can be told from what is damaged.
#[tokio::test(flavor = "multi_thread")]
async fn a_small_packfile_that_came_damaged_is_read_once_more() {
    let place = place(Behaviour::default());
    let store = filled_store(&place, 3, 900_000).await;
    place.simulator().reset_calls();
    place.simulator().add_fault(Fault::new(What::CorruptBody).endpoint("download/file"));
    let begun = Instant::now();
    for number in 0..3 {
        let expected = noise(number.into(), 900_000);
        for offset in [700_000, 449_000, 10] {
            assert!(
                part(&store, &mac(number), offset, 3_000).await.unwrap()
                    == expected[offset as usize..][..3_000],
                "{number} at {offset}"
            );
        }
    }
    assert_eq!(place.simulator().unused_faults(), []);
    assert_downloads(&place, 4, begun);
    // What differs for good is read in parts: Plakar compares each with a MAC of its own, and the
    // listing may be wrong.
    let place = self::place(Behaviour::default());
    let store = filled_store(&place, 1, 900_000).await;
    place.simulator().reset_calls();
    place.simulator().add_fault(Fault::new(What::CorruptBody).endpoint("download/file").times(2));
    let begun = Instant::now();
    assert!(part(&store, &mac(0), 10, 3_000).await.unwrap() == noise(0, 900_000)[10..3_010]);
    assert_downloads(&place, 3, begun);
}

/// There were so many downloads since then. On a line that looks slow a packfile comes in parts, and
/// so it looks where a machine that is busy takes half a second for one.
fn assert_downloads(place: &Place, expected: u64, begun: Instant) {
    let (downloads, took) = (place.simulator().calls().of("download/file"), begun.elapsed());
    assert!(
        downloads == expected || downloads > expected && took > Duration::from_millis(400),
        "{downloads} downloads, not {expected}, in {took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_waits_until_the_volume_is_there_again() {
    let place = place(Behaviour { daily_volume: Some(3_000_000), ..Behaviour::default() });
    let store = filled_store(&place, 1, 8 << 20).await;
    let place = Arc::new(place);
    let reset = tokio::spawn({
        let place = place.clone();
        async move {
            let asked = || place.simulator().calls().of("users/info") > 0;
            until(Duration::from_secs(60), "its allowance is asked for", asked).await;
            place.simulator().change_behaviour(|behaviour| behaviour.daily_volume = None);
        }
    });
    // No error, and the right bytes.
    within(Duration::from_secs(120), read_store(&store, 1, 8 << 20)).await;
    reset.await.unwrap();
    assert!(place.simulator().calls().of("download/file") < 40);
    // One that is to be opened is refused at once.
    place.simulator().change_behaviour(|behaviour| behaviour.daily_volume = Some(1));
    let error = Store::new(place.settings(Role::Store, "store")).open().await.unwrap_err();
    assert!(error.to_string().contains("daily download volume"), "{error}");
}
