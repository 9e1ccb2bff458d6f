//! The store over memory, a local folder and the simulated OpenDrive: one suite for all three.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::place::{Place, noise};
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{StreamExt, TryStreamExt};
use opendrive_sim::{Fault, What};
use plakar_opendrive::connector::store::cache::{BlockCache, Fetch};
use plakar_opendrive::connector::store::{Answer, Kind, Mac, Range};
use plakar_opendrive::connector::{Role, Store};
use plakar_opendrive::rclone::{Error, ErrorKind, Result};
use proptest::prelude::*;

/// OpenDrive's uploads go in chunks of this many bytes.
const CHUNK: usize = 10 << 20;

fn store(place: &Place) -> Store {
    Store::new(place.settings(Role::Store, "stores/one"))
}

async fn made(place: &Place) -> Store {
    let store = store(place);
    store.create(Bytes::from_static(b"description")).await.unwrap();
    store
}

fn mac(number: u8) -> Mac {
    std::array::from_fn(|index| number.wrapping_mul(31).wrapping_add(index as u8 * 5))
}

fn hex(mac: &Mac) -> String {
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn put(store: &Store, kind: Kind, mac: Mac, bytes: &[u8]) -> Result<u64> {
    let mut put = store.put(kind, mac).await?;
    for chunk in bytes.chunks(1 << 20) {
        put.write(Bytes::copy_from_slice(chunk)).await?;
    }
    put.commit().await
}

async fn get(store: &Store, kind: Kind, mac: &Mac, range: Option<(u64, u64)>) -> Result<Vec<u8>> {
    let range = range.map(|(offset, length)| Range { offset, length });
    if let Some(bytes) = range.and_then(|range| store.cached(kind, mac, range)) {
        return Ok(bytes.to_vec());
    }
    match store.get(kind, mac, range).await? {
        Answer::Whole(bytes) => Ok(bytes.to_vec()),
        Answer::Pieces(pieces) => {
            let pieces: Vec<Bytes> = pieces.try_collect().await?;
            assert!(pieces.iter().all(|piece| (1..=1 << 20).contains(&piece.len())));
            Ok(pieces.concat())
        }
    }
}

async fn listed(store: &Store, kind: Kind) -> Vec<Mac> {
    let mut macs = store.list(kind).await.unwrap();
    macs.sort();
    macs
}

#[tokio::test]
async fn what_is_put_is_listed_read_and_deleted() {
    for place in Place::all("store-suite") {
        let first = made(&place).await;
        for kind in Kind::ALL {
            assert_eq!(listed(&first, kind).await, [Mac::default(); 0], "{}", place.name());
        }
        for (number, size) in [1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 << 20].into_iter().enumerate() {
            for kind in if size < 1 << 20 { &Kind::ALL[..] } else { &[Kind::Packfile, Kind::State] } {
                let (mac, bytes) = (mac(number as u8), noise(number as u64, size));
                assert_eq!(put(&first, *kind, mac, &bytes).await.unwrap(), size as u64);
                // A second connection knows nothing of the first.
                let second = store(&place);
                assert_eq!(second.open().await.unwrap(), "description");
                let whole = get(&second, *kind, &mac, None).await.unwrap();
                assert!(whole == bytes, "{} {kind:?} {size}", place.name());
                assert_eq!(listed(&second, *kind).await.len(), number + 1);
                for (offset, length) in [(0, 1), (0, size), (size - 1, 1), (size / 3, size / 3), (size, 0), (0, 0)] {
                    for store in [&first, &second] {
                        let part = get(store, *kind, &mac, Some((offset as u64, length as u64))).await.unwrap();
                        assert!(part == bytes[offset..offset + length], "{} {kind:?} {size} {offset} {length}", place.name());
                    }
                }
                for (offset, length) in [(0, size as u64 + 1), (size as u64, 1), (u64::MAX, 1), (1, u64::MAX)] {
                    let error = get(&second, *kind, &mac, Some((offset, length))).await.unwrap_err();
                    assert!(error.to_string().contains(&format!("only {size} bytes")), "{error}");
                }
            }
        }
        let sizes: u64 = [1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 3 << 20].iter().map(|size| *size as u64).sum();
        assert_eq!(store(&place).size().await.unwrap(), sizes * 2 + 3);

        for kind in Kind::ALL {
            first.delete(kind, &mac(0)).await.unwrap();
            for store in [&first, &store(&place)] {
                let error = get(store, kind, &mac(0), Some((0, 1))).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NotFound, "{} {kind:?}: {error}", place.name());
                assert!(error.to_string().contains(&hex(&mac(0))), "{error}");
                let error = store.delete(kind, &mac(0)).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NotFound, "{} {kind:?}: {error}", place.name());
            }
        }
    }
}

#[tokio::test]
async fn a_store_is_made_once_and_only_where_there_is_none() {
    for place in Place::all("store-make") {
        let error = store(&place).open().await.unwrap_err().to_string();
        assert!(error.contains("there is no store") && error.contains("/stores/one"), "{error}");
        store(&place).ping().await.unwrap();
        made(&place).await;
        let error = store(&place).create(Bytes::from_static(b"other")).await.unwrap_err().to_string();
        assert!(error.contains("there is a store already") && !error.contains('\n'), "{error}");
        assert_eq!(store(&place).open().await.unwrap(), "description");
    }
}

#[tokio::test]
async fn a_base_that_is_a_file_and_a_store_that_vanished_are_told() {
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        place.put("stores/one", b"a file", 1_700_000_000).await;
        for error in [store(&place).open().await.unwrap_err(), store(&place).create(Bytes::new()).await.unwrap_err()] {
            assert!(error.to_string().contains("is a file: give the folder that it is in"), "{error}");
        }
    }
    for place in [Place::Local(tempfile::tempdir().unwrap()), Place::drive()] {
        let open = made(&place).await;
        put(&open, Kind::Packfile, mac(1), b"gone soon").await.unwrap();
        match &place {
            Place::Local(folder) => std::fs::remove_dir_all(folder.path().join("stores")).unwrap(),
            _ => assert!(place.simulator().drive().remove("stores")),
        }
        let error = open.list(Kind::State).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}: {error}", place.name());
        assert!(get(&open, Kind::Packfile, &mac(1), None).await.is_err());
        assert!(open.size().await.is_err());
    }
}

#[tokio::test]
async fn what_is_no_resource_is_passed_over() {
    for place in Place::all("store-foreign") {
        let name = hex(&mac(7));
        made(&place).await;
        for (path, bytes) in [
            ("README".to_owned(), "x"),
            (format!("packfiles/{name}.1a2b3c4d.partial"), "x"),
            (format!("states/{name}.0011223344556677.incomplete"), "x"),
            ("states/.DS_Store".to_owned(), "x"),
            (format!("states/{name}"), ""),
            (format!("locks/{name}"), ""),
            (format!("locks/{name}x"), "x"),
            (format!("packfiles/folder/{name}"), "x"),
            (format!("packfiles/{name}"), "a packfile"),
        ] {
            place.put(&format!("stores/one/{path}"), bytes.as_bytes(), 1_700_000_000).await;
        }
        let store = store(&place);
        assert_eq!(listed(&store, Kind::Packfile).await, [mac(7)], "{}", place.name());
        for kind in [Kind::State, Kind::Lock] {
            assert_eq!(listed(&store, kind).await, [Mac::default(); 0], "{}", place.name());
            assert_eq!(get(&store, kind, &mac(7), None).await.unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert_eq!(store.size().await.unwrap(), 10);
        // Only a connection that writes removes what was left behind, and nothing else.
        store.tidy().await;
        assert_eq!(left_behind(&place, &name).await, 4);
        put(&store, Kind::Lock, mac(1), b"lock").await.unwrap();
        store.tidy().await;
        assert_eq!(left_behind(&place, &name).await, 0, "{}", place.name());
        assert_eq!(listed(&store, Kind::Packfile).await, [mac(7)]);
        store.finish().await;
    }
}

/// How many of the unfinished uploads of the test above are there.
async fn left_behind(place: &Place, name: &str) -> usize {
    let settings = place.settings(Role::Store, "stores/one");
    let remote = plakar_opendrive::rclone::Remote::open(&settings.remote).await.unwrap();
    let mut count = 0;
    for folder in ["packfiles", "states", "locks"] {
        let entries = remote.list(folder).await.unwrap_or_default();
        count += entries.iter().filter(|entry| entry.name.starts_with(name) && (entry.name.contains('.') || entry.size == Some(0))).count();
    }
    count
}

#[tokio::test]
async fn stores_of_plakars_own_integration_open_here_and_the_other_way_round() {
    for place in Place::all("store-layout") {
        let (flat, old) = (hex(&mac(1)), hex(&mac(2)));
        // As it makes them: flat today, by the first two digits in its older generation.
        place.put("stores/one/CONFIG", b"description", 1_700_000_000).await;
        for folder in ["packfiles", "states", "locks"] {
            place.put(&format!("stores/one/{folder}/{flat}"), format!("flat {folder}").as_bytes(), 1_700_000_000).await;
            place.put(&format!("stores/one/{folder}/{}/{old}", &old[..2]), format!("old {folder}").as_bytes(), 1_700_000_000).await;
        }
        let store = store(&place);
        assert_eq!(store.open().await.unwrap(), "description");
        for (kind, folder) in [(Kind::Packfile, "packfiles"), (Kind::State, "states"), (Kind::Lock, "locks")] {
            assert_eq!(listed(&store, kind).await, [mac(1), mac(2)]);
            assert_eq!(get(&store, kind, &mac(1), None).await.unwrap(), format!("flat {folder}").as_bytes());
            assert_eq!(get(&store, kind, &mac(2), Some((0, 3))).await.unwrap(), b"old");
            // And ours are where it looks for them: the kind's folder, 64 hex digits, nothing else.
            put(&store, kind, mac(3), b"ours").await.unwrap();
            let remote = plakar_opendrive::rclone::Remote::open(&place.settings(Role::Store, "stores/one").remote).await.unwrap();
            let mut names: Vec<String> = remote.list(folder).await.unwrap().into_iter().map(|entry| entry.name).collect();
            names.sort();
            let mut expected = vec![flat.clone(), old[..2].to_owned(), hex(&mac(3))];
            expected.sort();
            assert_eq!(names, expected, "{}", place.name());
            store.delete(kind, &mac(2)).await.unwrap();
            assert_eq!(listed(&store, kind).await, [mac(1), mac(3)]);
        }
    }
}

#[tokio::test]
async fn puts_cost_the_calls_that_they_must() {
    let place = Place::drive();
    let store = made(&place).await;
    let simulator = place.simulator();
    let calls = |simulator: &opendrive_sim::Simulator| {
        let total = simulator.calls().total;
        simulator.reset_calls();
        total
    };
    // One folder is looked up once in a process.
    put(&store, Kind::Packfile, mac(0), b"first").await.unwrap();
    put(&store, Kind::Lock, mac(0), b"first").await.unwrap();
    put(&store, Kind::State, mac(0), b"first").await.unwrap();
    calls(simulator);
    put(&store, Kind::Packfile, mac(1), &noise(1, CHUNK)).await.unwrap();
    assert!(calls(simulator) <= 8);
    put(&store, Kind::Lock, mac(1), b"lock").await.unwrap();
    assert!(calls(simulator) <= 8);
    put(&store, Kind::State, mac(1), b"state").await.unwrap();
    assert!(calls(simulator) <= 11);
    // What was put is read without a look-up.
    get(&store, Kind::Packfile, &mac(1), Some((5, 10))).await.unwrap();
    get(&store, Kind::State, &mac(1), None).await.unwrap();
    assert_eq!(calls(simulator), 2);
    let again = self::store(&place);
    again.open().await.unwrap();
    calls(simulator);
    get(&again, Kind::Packfile, &mac(1), Some((0, 1))).await.unwrap();
    assert_eq!(calls(simulator), 2);
    again.delete(Kind::Packfile, &mac(1)).await.unwrap();
    assert_eq!(calls(simulator), 1);
}

#[tokio::test]
async fn uploads_that_go_wrong_are_tried_again_and_leave_nothing() {
    let busy = || What::Status { code: 503, message: "Busy".into(), retry_after: None };
    let passing = [
        Fault::new(What::CorruptUpload),
        Fault::new(What::LieHash).endpoint("upload/close_file_upload"),
        Fault::new(busy()).endpoint("upload/close_file_upload"),
        Fault::new(What::LoseAnswer).endpoint("upload/close_file_upload"),
        Fault::new(What::Reset).endpoint("upload/upload_file_chunk"),
        Fault::new(What::LoseAnswer).endpoint("upload/create_file"),
    ];
    for fault in passing {
        let place = Place::drive();
        let store = made(&place).await;
        place.simulator().add_fault(fault.clone());
        let outcome = put(&store, Kind::State, mac(1), b"a state").await;
        assert_eq!(outcome.as_ref().ok(), Some(&7), "{fault:?}: {outcome:?}");
        assert!(place.simulator().unused_faults().len() <= usize::from(matches!(fault.what, What::LieHash)), "{fault:?}");
        let other = self::store(&place);
        assert_eq!(listed(&other, Kind::State).await, [mac(1)], "{fault:?}");
        assert_eq!(get(&other, Kind::State, &mac(1), None).await.unwrap(), b"a state", "{fault:?}");
    }
    for endpoint in ["upload/create_file", "upload/open_file_upload", "upload/upload_file_chunk", "upload/close_file_upload", "file/rename"]
    {
        for kind in [Kind::State, Kind::Packfile] {
            if kind == Kind::Packfile && endpoint == "file/rename" {
                continue;
            }
            let place = Place::drive();
            let store = made(&place).await;
            let refusal = What::Status { code: 403, message: "Denied".into(), retry_after: None };
            place.simulator().add_fault(Fault::new(refusal).endpoint(endpoint).always());
            let error = put(&store, kind, mac(1), b"a state").await.unwrap_err();
            assert!(error.to_string().contains("Denied"), "{endpoint}: {error}");
            assert_eq!(listed(&self::store(&place), kind).await, [Mac::default(); 0], "{endpoint}");
            assert_eq!(place.simulator().unused_faults(), [], "{endpoint}");
        }
    }
}

#[tokio::test]
async fn an_upload_that_is_under_way_is_not_seen() {
    for kind in [Kind::Packfile, Kind::State, Kind::Lock] {
        let place = Place::drive();
        let store = made(&place).await;
        place.simulator().add_fault(Fault::new(What::Delay { ms: 1_500 }).endpoint("upload/upload_file_chunk"));
        let upload = tokio::spawn({
            let store = store.clone();
            async move { put(&store, kind, mac(1), b"in good time").await }
        });
        let mut seen_empty = false;
        let other = self::store(&place);
        while !upload.is_finished() {
            let macs = listed(&other, kind).await;
            seen_empty |= place.simulator().drive().tree().iter().any(|(path, entry)| path.contains(&hex(&mac(1))) && entry.size == 0);
            if macs == [mac(1)] {
                assert_eq!(get(&other, kind, &mac(1), None).await.unwrap(), b"in good time");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        upload.await.unwrap().unwrap();
        // Without that the test would show nothing.
        assert!(seen_empty, "{kind:?}");
        assert_eq!(listed(&other, kind).await, [mac(1)]);
    }
}

#[tokio::test]
async fn a_lock_is_replaced_without_a_gap() {
    for place in Place::all("store-lock") {
        let (writer, reader) = (made(&place).await, store(&place));
        put(&writer, Kind::Lock, mac(1), b"lock number 0000").await.unwrap();
        let rounds = tokio::spawn({
            let writer = writer.clone();
            async move {
                for round in 1..20 {
                    put(&writer, Kind::Lock, mac(1), format!("lock number {round:04}").as_bytes()).await.unwrap();
                }
            }
        });
        while !rounds.is_finished() {
            assert_eq!(listed(&reader, Kind::Lock).await, [mac(1)], "{}", place.name());
            // It may be replaced between the listing and this.
            let bytes = get(&reader, Kind::Lock, &mac(1), None).await.unwrap();
            assert!(bytes.starts_with(b"lock number ") && bytes.len() == 16, "{bytes:?}");
        }
        rounds.await.unwrap();
        assert_eq!(get(&store(&place), Kind::Lock, &mac(1), None).await.unwrap(), b"lock number 0019");
    }
}

#[tokio::test]
async fn what_was_begun_is_finished_and_own_locks_go() {
    for place in Place::all("store-finish") {
        let (store, other) = (made(&place).await, store(&place));
        put(&other, Kind::Lock, mac(9), b"another's").await.unwrap();
        put(&store, Kind::Lock, mac(1), b"ours").await.unwrap();
        put(&store, Kind::Packfile, mac(2), b"old").await.unwrap();
        // Dropped when they have only begun, as requests are when the connection ends.
        let mut begun = store.put(Kind::State, mac(3)).await.unwrap();
        begun.write(Bytes::from_static(b"state")).await.unwrap();
        assert!(begun.commit().now_or_never().is_none());
        assert!(store.delete(Kind::Packfile, &mac(2)).now_or_never().is_none());
        store.finish().await;
        let after = self::store(&place);
        assert_eq!(listed(&after, Kind::State).await, [mac(3)], "{}", place.name());
        assert_eq!(listed(&after, Kind::Packfile).await, [Mac::default(); 0], "{}", place.name());
        assert_eq!(listed(&after, Kind::Lock).await, [mac(9)], "{}", place.name());
    }
}

#[tokio::test]
async fn many_puts_go_side_by_side_and_spill_to_a_file() {
    let place = Place::drive();
    let store = made(&place).await;
    place.simulator().set_latency(Duration::from_millis(20));
    let (count, size) = (12, 5 << 20);
    let puts = (0..count).map(|number| {
        let store = store.clone();
        async move { put(&store, Kind::Packfile, mac(number), &noise(number.into(), size)).await.unwrap() }
    });
    let written = futures::future::join_all(puts).await;
    assert_eq!(written, vec![size as u64; count.into()]);
    let peak = place.simulator().calls().peak_in_flight;
    assert!((2..=8).contains(&peak), "{peak}");
    let store = self::store(&place);
    for number in 0..count {
        assert!(get(&store, Kind::Packfile, &mac(number), None).await.unwrap() == noise(number.into(), size));
    }
}

#[tokio::test]
async fn a_packfile_that_is_replaced_or_deleted_leaves_the_cache() {
    for place in Place::all("store-stale") {
        let store = made(&place).await;
        put(&store, Kind::Packfile, mac(1), b"the first content").await.unwrap();
        assert_eq!(get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.unwrap(), b"first");
        put(&store, Kind::Packfile, mac(1), b"the other content").await.unwrap();
        assert_eq!(get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.unwrap(), b"other", "{}", place.name());
        store.delete(Kind::Packfile, &mac(1)).await.unwrap();
        assert!(get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.is_err());
        // By somebody else: a listing tells.
        put(&store, Kind::Packfile, mac(1), b"the first content").await.unwrap();
        get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.unwrap();
        self::store(&place).delete(Kind::Packfile, &mac(1)).await.unwrap();
        listed(&store, Kind::Packfile).await;
        assert!(get(&store, Kind::Packfile, &mac(1), Some((4, 5))).await.is_err());
    }
}

/// A file in memory that counts what is read of it.
struct Plain {
    bytes: Vec<u8>,
    reads: AtomicU64,
    moved: AtomicU64,
    fail: AtomicU64,
    slow: bool,
}

impl Plain {
    fn new(size: usize, slow: bool) -> Arc<Self> {
        let (reads, moved, fail) = Default::default();
        Arc::new(Self { bytes: noise(size as u64, size), reads, moved, fail, slow })
    }
}

impl Fetch for Plain {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn fetch(self: Arc<Self>, offset: u64, length: usize) -> BoxFuture<'static, Result<Bytes>> {
        async move {
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.moved.fetch_add(length as u64, Ordering::Relaxed);
            if self.slow {
                tokio::time::sleep(Duration::from_millis(offset % 7)).await;
            }
            if self.fail.load(Ordering::Relaxed) > 0 {
                self.fail.fetch_sub(1, Ordering::Relaxed);
                return Err(Error::new(ErrorKind::Timeout, "not now"));
            }
            assert!(length > 0 && offset as usize + length <= self.bytes.len(), "{offset} {length}");
            Ok(Bytes::copy_from_slice(&self.bytes[offset as usize..][..length]))
        }
        .boxed()
    }
}

async fn through(cache: &BlockCache, mac: Mac, file: &Arc<Plain>, offset: usize, length: usize) -> Result<Vec<u8>> {
    if let Some(bytes) = cache.hit(&mac, file, offset as u64, length) {
        return Ok(bytes.to_vec());
    }
    let pieces: Vec<Bytes> = cache.read(mac, file.clone(), offset as u64, length as u64).try_collect().await?;
    Ok(pieces.concat())
}

fn ranges() -> impl Strategy<Value = Vec<(usize, f64, f64)>> {
    // Which file, where, and how much: mostly little, sometimes a lot.
    let length = prop_oneof![8 => 0.0..0.001f64, 1 => 0.0..1.0f64];
    proptest::collection::vec((0..3usize, 0.0..1.0f64, length), 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_reads_give_what_a_plain_reader_gives(ranges in ranges(), budget in 1u64..24, parallel in 1usize..16) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let cache = BlockCache::new(budget << 20, 4);
            let files = [1, 300_000, 9_000_000].map(|size| Plain::new(size, true));
            let reads = ranges.iter().map(|(index, place, part)| {
                let (cache, files) = (cache.clone(), &files);
                async move {
                    let file = &files[*index];
                    let offset = (file.bytes.len() as f64 * place) as usize;
                    let length = ((file.bytes.len() - offset) as f64 * part).ceil() as usize;
                    let got = through(&cache, mac(*index as u8), file, offset, length).await.unwrap();
                    assert!(got == file.bytes[offset..offset + length], "{index} {offset} {length}");
                    // Waiting reads may stand in line; what is there is bounded when none does.
                }
            });
            futures::stream::iter(reads).buffer_unordered(parallel).collect::<Vec<_>>().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(cache.held() <= budget << 20, "{} of {budget} MiB", cache.held());
        });
    }

    #[test]
    fn runs_in_any_number_and_direction_move_little_more_than_there_is(backward in any::<u32>(), runs in 1usize..6, step in 1_000usize..20_000) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let size = 24 << 20;
            let cache = BlockCache::new(64 << 20, 8);
            let files: Vec<_> = (0..runs).map(|_| Plain::new(size, true)).collect();
            for at in (0..size).step_by(step) {
                for (index, file) in files.iter().enumerate() {
                    let length = step.min(size - at);
                    let offset = if backward >> index & 1 == 1 { size - at - length } else { at };
                    let got = through(&cache, mac(index as u8), file, offset, length).await.unwrap();
                    assert!(got == file.bytes[offset..offset + length]);
                }
            }
            for file in &files {
                // Each byte once, in blocks of 4 MiB but for the first one.
                assert_eq!(file.moved.load(Ordering::Relaxed), size as u64);
                assert!(file.reads.load(Ordering::Relaxed) <= 9, "{}", file.reads.load(Ordering::Relaxed));
            }
        });
    }
}

#[tokio::test]
async fn many_runs_do_not_push_each_other_out_for_long() {
    // More runs than blocks of 4 MiB fit.
    let (size, runs, step) = (16 << 20, 30, 10_000);
    let cache = BlockCache::new(64 << 20, 8);
    let files: Vec<_> = (0..runs).map(|_| Plain::new(size, false)).collect();
    for at in (0..size - step).step_by(step) {
        for (index, file) in files.iter().enumerate() {
            through(&cache, mac(index as u8), file, at, step).await.unwrap();
        }
    }
    let moved: u64 = files.iter().map(|file| file.moved.load(Ordering::Relaxed)).sum();
    assert!(moved < (size * runs) as u64 * 3 / 2, "{} MiB of {}", moved >> 20, size * runs >> 20);
}

#[tokio::test]
async fn misses_of_one_place_share_a_read_and_a_failure() {
    let cache = BlockCache::new(64 << 20, 8);
    let file = Plain::new(8 << 20, true);
    let read = |count: usize| {
        let (cache, file) = (cache.clone(), file.clone());
        async move {
            let reads = (0..count).map(|n| through(&cache, mac(1), &file, 1_000_003 + n, 3_000));
            futures::future::join_all(reads).await
        }
    };
    file.fail.store(1, Ordering::Relaxed);
    assert!(read(50).await.iter().all(|outcome| outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout)));
    assert_eq!(file.reads.load(Ordering::Relaxed), 1);
    // Nothing of it stays.
    assert!(
        read(50)
            .await
            .iter()
            .all(|outcome| outcome.as_ref().is_ok_and(|bytes| bytes[..] == file.bytes[1_000_003..][..3_000] || bytes.len() == 3_000))
    );
    assert!(file.reads.load(Ordering::Relaxed) <= 3, "{}", file.reads.load(Ordering::Relaxed));
    // Whoever gives up does not take the others' bytes away.
    let file = Plain::new(8 << 20, true);
    assert!(through(&cache, mac(2), &file, 3_000_001, 10).now_or_never().is_none());
    assert_eq!(through(&cache, mac(2), &file, 3_000_001, 10).await.unwrap(), file.bytes[3_000_001..3_000_011]);
    assert_eq!(file.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn large_reads_are_read_ahead_as_well() {
    // As Plakar reads large files: some runs in several packfiles, in pieces of a chunk.
    let (size, runs, step) = (64 << 20, 8, 280_000);
    let cache = BlockCache::new(64 << 20, 8);
    let files: Vec<_> = (0..runs).map(|_| Plain::new(size, false)).collect();
    for at in (0..size - step).step_by(step) {
        for (index, file) in files.iter().enumerate() {
            through(&cache, mac(index as u8), file, at, step).await.unwrap();
        }
    }
    let (reads, moved) = files
        .iter()
        .fold((0, 0), |(reads, moved), file| (reads + file.reads.load(Ordering::Relaxed), moved + file.moved.load(Ordering::Relaxed)));
    assert!(reads < 30 * runs as u64 && moved < (size * runs) as u64 * 11 / 10, "{reads} reads of {} MiB", moved >> 20);
}
