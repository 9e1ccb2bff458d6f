//! What comes from outside, made up at random: no panic, no hang, and what a plain model says.
//!
//! `make test` runs each target for a few seconds; `make fuzz` for as long as it is told. A failure
//! prints the seed that repeats it: `BOLERO_RANDOM_SEED=… cargo test --test fuzz NAME`.

mod common;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bolero::{TypeGenerator, check};
use bytes::Bytes;
use common::planted::assert_plain;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::TryStreamExt;
use plakar_opendrive::connector::store::cache::{BlockCache, Fetch};
use plakar_opendrive::connector::store::{self, ByteRange, Kind};
use plakar_opendrive::connector::{Destination, Role, Settings, Source, Store, destination, source};
use plakar_opendrive::rclone::{Error, ErrorKind, Remote, RemoteConfig, Urgency};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// How long each target runs when nobody says so.
const SHORT: Duration = Duration::from_secs(3);

/// How long a failure is made smaller.
const SHRINK: Duration = Duration::from_secs(10);

/// No single run takes longer, unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Runs a target for its time on values made up at random, and says how often.
fn fuzz<T: TypeGenerator + std::fmt::Debug + 'static>(name: &str, test: impl Fn(&T)) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().map(|seconds| seconds.parse().expect("FUZZ_SECONDS is a number"));
    let time = seconds.map_or(SHORT, Duration::from_secs);
    let (count, begin) = (Cell::new(0_u64), Instant::now());
    let run = std::panic::AssertUnwindSafe(|value: &T| {
        count.set(count.get() + 1);
        test(value);
    });
    check!().with_type::<T>().with_iterations(usize::MAX).with_test_time(time).with_shrink_time(SHRINK).for_each(|value: &T| (*run)(value));
    eprintln!("{name}: {} runs in {:.1?}", count.get(), begin.elapsed());
    assert!(count.get() > 10, "{name} hardly ran");
}

/// Runs async work to its end, within the limit.
fn block_on<T>(runtime: &Runtime, work: impl Future<Output = T>) -> T {
    runtime.block_on(async { tokio::time::timeout(TIME_LIMIT, work).await.expect("it hangs") })
}

/// Its clock stands still while there is work, and else jumps to what is waited for.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// A place in memory that nobody else has; what is there goes when it is dropped.
struct Bucket(String);

impl Bucket {
    fn new(target: &str, number: &Cell<u64>) -> Self {
        number.set(number.get() + 1);
        Self(format!("fuzz-{target}-{}", number.get()))
    }

    fn settings(&self, role: Role) -> Settings {
        let config = [("location", format!("rclone:///{}", self.0)), ("rclone_type", "memory".to_owned())];
        let config: HashMap<String, String> = config.map(|(key, value)| (key.to_owned(), value)).into();
        Settings::parse(role, &config, "here").unwrap()
    }

    async fn remote(&self) -> Remote {
        Remote::open(&RemoteConfig::new("memory", &self.0)).await.unwrap()
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        let mut writer = self.remote().await.create(path, Some(bytes.len() as u64), std::time::UNIX_EPOCH).await.unwrap();
        writer.write(bytes.to_vec()).await.unwrap();
        writer.commit().await.unwrap();
    }

    async fn clear(&self) {
        // There may be nothing to purge.
        let _ = self.remote().await.purge("").await;
    }
}

fn bytes(seed: u8, length: usize) -> Vec<u8> {
    common::place::noise(u64::from(seed), length)
}

// Configurations.

#[derive(Debug, TypeGenerator)]
enum Key {
    Known(u8),
    Imported(u8),
    Any(String),
}

#[derive(Debug, TypeGenerator)]
enum Value {
    Location { scheme: u8, path: String },
    Known(u8),
    Any(String),
}

const KEYS: [&str; 10] =
    ["location", "username", "password", "transfers", "checkers", "cache_size", "passphrase", "type", "rclone_type", "rclone_remote"];
const VALUES: [&str; 10] = ["", "opendrive", "local", "memory", "1", "65", "64Mi", "opendrive://x/../y", "rclone:///a//./b/", "s3://x"];
const SCHEMES: [&str; 4] = ["opendrive://", "rclone://", "", "\u{1b}://"];

impl Key {
    fn text(&self) -> String {
        match self {
            Self::Known(index) => KEYS[usize::from(*index) % KEYS.len()].to_owned(),
            Self::Imported(index) => format!("rclone_{}", KEYS[usize::from(*index) % KEYS.len()]),
            Self::Any(text) => text.clone(),
        }
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Location { scheme, path } => format!("{}{path}", SCHEMES[usize::from(*scheme) % SCHEMES.len()]),
            Self::Known(index) => VALUES[usize::from(*index) % VALUES.len()].to_owned(),
            Self::Any(text) => text.clone(),
        }
    }
}

const ROLES: [Role; 3] = [Role::Source, Role::Destination, Role::Store];

/// What holds for every configuration, understood or not.
fn check_settings(role: Role, config: &HashMap<String, String>) {
    let settings = match Settings::parse(role, config, "here") {
        Ok(settings) => settings,
        Err(error) => return assert_plain(&error.to_string()),
    };
    let root = &settings.identity.root;
    assert!(root == "/" || root[1..].split('/').all(|part| !["", ".", ".."].contains(&part)), "{root:?}");
    assert!(root.starts_with('/') && !root.contains('\0'), "{root:?}");
    assert_eq!(settings.remote.path.trim_start_matches('/'), &root[1..]);
    assert!((1..=64).contains(&settings.transfers) && (1..=64).contains(&settings.checkers));
    assert_eq!(role == Role::Store, settings.cache_size > 0);
    assert!(settings.cache_size == 0 || (1 << 20..=1 << 36).contains(&settings.cache_size));
    assert!(settings.remote.options.contains_key("type"));
}

#[test]
fn configurations() {
    fuzz::<(u8, Option<Value>, Vec<(Key, Value)>)>("configurations", |(role, location, pairs)| {
        let mut config: HashMap<String, String> = pairs.iter().map(|(key, value)| (key.text(), value.text())).collect();
        if let Some(location) = location {
            config.insert("location".into(), location.text());
        }
        check_settings(ROLES[usize::from(*role) % 3], &config);
    });
}

#[test]
fn locations() {
    fuzz::<(u8, Vec<(u8, String)>)>("locations", |(scheme, parts)| {
        let parts: Vec<String> = parts
            .iter()
            .map(|(kind, text)| if kind % 4 == 0 { ["", ".", "..", "/"][usize::from(kind / 64)].to_owned() } else { text.clone() })
            .collect();
        let location = format!("{}{}", SCHEMES[usize::from(*scheme) % SCHEMES.len()], parts.join("/"));
        let mut config: HashMap<String, String> =
            [("username", "u"), ("password", "p")].map(|(key, value)| (key.into(), value.into())).into();
        config.insert("location".into(), location.clone());
        check_settings(Role::Source, &config);
        let config = HashMap::from([("location".into(), location.clone()), ("rclone_type".into(), "local".into())]);
        check_settings(Role::Store, &config);
        // A location is understood if and only if its path leads nowhere else.
        if let Some(path) = location.strip_prefix("rclone://") {
            let good = !path.contains('\0') && !path.split('/').any(|part| part == "..");
            assert_eq!(Settings::parse(Role::Store, &config, "here").is_ok(), good, "{location:?}");
        }
    });
}

/// A size as rclone's documentation says it, in whole numbers; `None` if it is none from 1 Mi to 64 Gi.
fn size(text: &str) -> Option<u64> {
    let lower = text.trim().to_lowercase();
    let unit_at = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(unit_at);
    let power = match unit {
        "b" | "bi" | "bib" => 0,
        "" | "k" | "ki" | "kib" | "i" | "ib" => 10,
        "m" | "mi" | "mib" => 20,
        "g" | "gi" | "gib" => 30,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || whole.len() + fraction.len() == 0 || fraction.len() > 12 {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let parts = 10_u128.pow(fraction.len() as u32);
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scaled = whole.checked_mul(parts)?.checked_add(fraction)?.checked_mul(1 << power)?;
    let fits = scaled >= parts << 20 && scaled <= parts << 36;
    fits.then(|| u64::try_from(scaled / parts).unwrap())
}

#[test]
fn sizes() {
    const LETTERS: [char; 24] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '.', 'k', 'K', 'm', 'M', 'g', 'G', 'i', 'b', 'B', ' ', '-', 'e', 'é'];
    fuzz::<(u32, u8, Vec<u8>)>("sizes", |(number, unit, letters)| {
        const UNITS: [&str; 12] = ["", "b", "k", "M", "Mi", "MiB", "G", "Gi", "gib", "mb", "T", "i"];
        let made_up: String = letters.iter().take(14).map(|letter| LETTERS[usize::from(*letter) % LETTERS.len()]).collect();
        for text in [
            made_up,
            format!("{}{}", number, UNITS[usize::from(*unit) % 12]),
            format!("{}.{}{}", number % 70, number % 1000, UNITS[usize::from(*unit) % 12]),
        ] {
            let config = [("location", "rclone://x"), ("rclone_type", "local"), ("cache_size", &text)];
            let config: HashMap<String, String> = config.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            check_settings(Role::Store, &config);
            let fraction = text.rsplit_once('.').map_or(0, |(_, rest)| rest.chars().take_while(char::is_ascii_digit).count());
            if fraction <= 6 {
                let parsed = Settings::parse(Role::Store, &config, "").ok().map(|settings| settings.cache_size);
                assert_eq!(parsed, size(&text), "{text:?}");
            }
        }
    });
}

// The block cache.

#[derive(Debug, TypeGenerator)]
enum CacheStep {
    /// Reads a part of a file: where and how much, in 65536ths of the file.
    Read {
        file: u8,
        place: u16,
        part: u16,
    },
    /// Reads on from where the last read of that file ended.
    Next {
        file: u8,
        length: u16,
    },
    /// Starts to read, and gives up.
    GiveUp {
        file: u8,
        place: u16,
    },
    Forget {
        file: u8,
    },
    /// The next reads of the remote fail.
    Fail {
        times: u8,
    },
}

/// A file whose bytes are those of its number.
struct Plain {
    bytes: Bytes,
    failures: Arc<std::sync::atomic::AtomicU8>,
}

impl Fetch for Plain {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn fetch(self: Arc<Self>, offset: u64, length: usize, _: Arc<Urgency>) -> BoxFuture<'static, Result<Bytes, Error>> {
        use std::sync::atomic::Ordering::Relaxed;
        async move {
            tokio::task::yield_now().await;
            if self.failures.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                return Err(Error::new(ErrorKind::Timeout, "not now"));
            }
            Ok(self.bytes.slice(offset as usize..offset as usize + length))
        }
        .boxed()
    }
}

#[test]
fn the_block_cache() {
    const SIZES: [usize; 4] = [1, 300_000, 1 << 20, 9_000_000];
    let contents = SIZES.map(|size| Bytes::from(bytes(1, size)));
    let runtime = runtime();
    fuzz::<(u8, Vec<CacheStep>)>("the block cache", |(budget, steps)| {
        block_on(&runtime, async {
            let budget = u64::from(budget % 16 + 1) << 20;
            let cache = BlockCache::new(budget, 4);
            let failures = Arc::new(std::sync::atomic::AtomicU8::new(0));
            let files = contents.clone().map(|bytes| Arc::new(Plain { bytes, failures: failures.clone() }));
            let mut ends = [0; 4];
            for step in steps {
                let (file, offset, length) = match *step {
                    CacheStep::Read { file, place, part } => {
                        let index = usize::from(file % 4);
                        let offset = (SIZES[index] * usize::from(place)) >> 16;
                        (index, offset, ((SIZES[index] - offset) * usize::from(part)) >> 16)
                    }
                    CacheStep::Next { file, length } => {
                        let index = usize::from(file % 4);
                        (index, ends[index], usize::from(length).min(SIZES[index] - ends[index]))
                    }
                    CacheStep::GiveUp { file, place } => {
                        let index = usize::from(file % 4);
                        let offset = (SIZES[index] * usize::from(place)) >> 16;
                        let mut read = Box::pin(cache.read([index as u8; 32], files[index].clone(), offset as u64, 1));
                        drop(futures::StreamExt::next(&mut read).now_or_never());
                        continue;
                    }
                    CacheStep::Forget { file } => {
                        cache.forget(&[file % 4; 32]);
                        continue;
                    }
                    CacheStep::Fail { times } => {
                        failures.store(times % 3, std::sync::atomic::Ordering::Relaxed);
                        continue;
                    }
                };
                let mac = [file as u8; 32];
                ends[file] = offset + length;
                let expected = &contents[file][offset..offset + length];
                if let Some(hit) = cache.hit(&mac, &files[file], offset as u64, length) {
                    assert!(hit == expected, "{file} {offset} {length}");
                    continue;
                }
                match cache.read(mac, files[file].clone(), offset as u64, length as u64).try_collect::<Vec<Bytes>>().await {
                    Ok(pieces) => assert!(pieces.concat() == expected, "{file} {offset} {length}"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout),
                }
            }
            // What is under way lands.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert!(cache.held() <= budget, "{} of {budget}", cache.held());
            (0..4).for_each(|file| cache.forget(&[file; 32]));
            assert_eq!(cache.held(), 0);
        });
    });
}

// The store.

#[derive(Debug, TypeGenerator)]
enum StoreStep {
    Put {
        kind: u8,
        mac: u8,
        size: u16,
        pieces: u8,
    },
    /// A put that Plakar breaks off.
    Abandon {
        kind: u8,
        mac: u8,
    },
    Get {
        kind: u8,
        mac: u8,
    },
    Range {
        kind: u8,
        mac: u8,
        offset: u16,
        length: u16,
    },
    Delete {
        kind: u8,
        mac: u8,
    },
    List {
        kind: u8,
    },
    Size,
    Tidy,
    /// Goes on with a new connection, which knows nothing yet.
    Reopen,
}

async fn get(store: &Store, kind: Kind, mac: &[u8; 32], range: Option<ByteRange>) -> Result<Vec<u8>, Error> {
    match store.get(kind, mac, range).await? {
        store::ResourceContent::Whole(bytes) => Ok(bytes.to_vec()),
        store::ResourceContent::Pieces(pieces) => Ok(pieces.try_collect::<Vec<Bytes>>().await?.concat()),
    }
}

#[test]
fn a_store_against_a_map() {
    let (runtime, number) = (runtime(), Cell::new(0));
    fuzz::<Vec<StoreStep>>("a store against a map", |steps| {
        block_on(&runtime, async {
            let bucket = Bucket::new("store", &number);
            let mut store = Store::new(bucket.settings(Role::Store));
            store.create(Bytes::from_static(b"description")).await.unwrap();
            let mut model: BTreeMap<(u8, u8), Vec<u8>> = BTreeMap::new();
            // States whose name was taken by another one: they are kept under names of their own.
            let mut beside: BTreeSet<(u8, u8, Vec<u8>)> = BTreeSet::new();
            for step in steps {
                // Few of each, so that they meet.
                let kind = |number: u8| (number % 5, Kind::ALL[usize::from(number % 5)]);
                let place = |number: u8, mac: u8| ((number % 5, mac % 4), kind(number).1, [mac % 4; 32]);
                match *step {
                    StoreStep::Put { kind, mac, size, pieces } => {
                        let (key, kind, mac) = place(kind, mac);
                        let content = bytes(pieces, usize::from(size));
                        let mut put = store.put(kind, mac).await.unwrap();
                        for piece in content.chunks(usize::from(pieces) * 100 + 999) {
                            put.write(Bytes::copy_from_slice(piece)).await.unwrap();
                        }
                        match put.commit().await {
                            Ok(count) => {
                                assert_eq!(count, u64::from(size));
                                let is_state = matches!(kind, Kind::State | Kind::EccState);
                                if is_state && model.get(&key).is_some_and(|there| *there != content) {
                                    beside.insert((key.0, key.1, content));
                                } else {
                                    model.insert(key, content);
                                }
                            }
                            Err(error) => assert!(size == 0, "{error}"),
                        }
                    }
                    StoreStep::Abandon { kind, mac } => {
                        let (_, kind, mac) = place(kind, mac);
                        let mut put = store.put(kind, mac).await.unwrap();
                        put.write(Bytes::from_static(b"half")).await.unwrap();
                    }
                    StoreStep::Get { kind, mac } => {
                        let (key, kind, mac) = place(kind, mac);
                        let got = get(&store, kind, &mac, None).await;
                        match model.get(&key) {
                            Some(expected) => assert!(got.unwrap() == *expected),
                            None => assert_eq!(got.unwrap_err().kind(), ErrorKind::NotFound),
                        }
                    }
                    StoreStep::Range { kind, mac, offset, length } => {
                        let (key, kind, mac) = place(kind, mac);
                        let range = ByteRange { offset: offset.into(), length: length.into() };
                        let got = get(&store, kind, &mac, Some(range)).await;
                        let end = usize::from(offset) + usize::from(length);
                        match model.get(&key) {
                            Some(expected) if end <= expected.len() => assert!(got.unwrap() == expected[offset.into()..end]),
                            Some(_) => assert_eq!(got.unwrap_err().kind(), ErrorKind::Config),
                            None => assert_eq!(got.unwrap_err().kind(), ErrorKind::NotFound),
                        }
                    }
                    StoreStep::Delete { kind, mac } => {
                        let (key, kind, mac) = place(kind, mac);
                        // What is not there is deleted already.
                        store.delete(kind, &mac).await.unwrap();
                        model.remove(&key);
                    }
                    StoreStep::List { kind: number } => {
                        let (key, kind) = kind(number);
                        let (given, own): (Vec<_>, Vec<_>) =
                            store.list(kind).await.unwrap().into_iter().partition(|mac| mac.iter().all(|byte| *byte == mac[0]));
                        assert_eq!(own.len(), beside.iter().filter(|(kind, ..)| *kind == key).count());
                        let mut macs: Vec<u8> = given.iter().map(|mac| mac[0]).collect();
                        macs.sort_unstable();
                        let expected: Vec<u8> = model.keys().filter(|(kind, _)| *kind == key).map(|(_, mac)| *mac).collect();
                        assert_eq!(macs, expected);
                    }
                    StoreStep::Size => drop(store.size().await.unwrap()),
                    StoreStep::Tidy => store.tidy().await,
                    StoreStep::Reopen => {
                        // When the connection ends its locks go.
                        store.finish().await;
                        model.retain(|(kind, _), _| Kind::ALL[usize::from(*kind)] != Kind::Lock);
                        store = Store::new(bucket.settings(Role::Store));
                        assert_eq!(store.open().await.unwrap(), "description");
                    }
                }
            }
            drop(store);
            bucket.clear().await;
        });
    });
}

// The stream of a restore.

#[derive(Debug, TypeGenerator)]
enum RestoreStep {
    Folder {
        path: Vec<u8>,
    },
    File {
        path: Vec<u8>,
        size: Option<u16>,
        sent: u16,
        pieces: u8,
        ended: bool,
    },
    /// Of the right size, as most are.
    Good {
        path: Vec<u8>,
        size: u16,
    },
    Other,
    Chunk {
        size: u8,
    },
    End,
}

/// A path of few names, so that they meet; now and then one that leads elsewhere.
fn path(names: &[u8]) -> String {
    const NAMES: [&str; 9] = ["a", "b", "A", "ü", "x y", "line\nbreak", "..", "", "nul\0"];
    let name = |index: &u8| NAMES[if *index < 240 { usize::from(index % 6) } else { usize::from(index % 3) + 6 }];
    format!("/{}", names.iter().take(4).map(name).collect::<Vec<_>>().join("/"))
}

#[test]
fn the_stream_of_a_restore() {
    let (runtime, number) = (runtime(), Cell::new(0));
    fuzz::<Vec<RestoreStep>>("the stream of a restore", |steps| {
        block_on(&runtime, async {
            let bucket = Bucket::new("restore", &number);
            let target = Arc::new(Destination::open(bucket.settings(Role::Destination)).await.unwrap());
            let (sender, mut outcomes) = mpsc::channel(4);
            let collect = async {
                let mut all = Vec::new();
                while let Some(destination::Outcome { ticket, result }) = outcomes.recv().await {
                    all.push((ticket, result));
                }
                all
            };
            // What was sent for each ticket, a file with its bytes.
            let mut entries: Vec<Option<(String, Vec<u8>, bool)>> = Vec::new();
            let mut restore = target.restore(sender);
            let feed = async {
                for step in steps {
                    let mut file = |path: &[u8], size: Option<u16>, content: Vec<u8>, whole: bool| {
                        let path = self::path(path);
                        entries.push(Some((path.clone(), content, whole)));
                        let item = destination::RestoreItem::File { size: size.map(u64::from), modified: std::time::UNIX_EPOCH };
                        (destination::RestoreRecord { path, item, attributes: false }, entries.len() - 1)
                    };
                    match step {
                        RestoreStep::Folder { path } => {
                            entries.push(None);
                            let record = destination::RestoreRecord {
                                path: self::path(path),
                                item: destination::RestoreItem::Folder,
                                attributes: false,
                            };
                            restore.entry(record, entries.len() - 1).await;
                        }
                        RestoreStep::Good { path, size } => {
                            let content = bytes(2, usize::from(*size));
                            let (record, ticket) = file(path, Some(*size), content.clone(), true);
                            restore.entry(record, ticket).await;
                            restore.chunk(content.into()).await;
                            restore.end_of_file().await;
                        }
                        RestoreStep::File { path, size, sent, pieces, ended } => {
                            let content = bytes(3, usize::from(*sent));
                            let whole = *ended && size.is_none_or(|size| size == *sent);
                            let (record, ticket) = file(path, *size, content.clone(), whole);
                            restore.entry(record, ticket).await;
                            for piece in content.chunks(usize::from(*pieces) * 100 + 999) {
                                restore.chunk(Bytes::copy_from_slice(piece)).await;
                            }
                            if *ended {
                                restore.end_of_file().await;
                            } else {
                                // Or else what comes next would be taken for a part of it.
                                let other = destination::RestoreItem::Other(destination::LeftOut::Link);
                                restore
                                    .entry(destination::RestoreRecord { path: "/link".into(), item: other, attributes: true }, usize::MAX)
                                    .await;
                            }
                        }
                        RestoreStep::Other => {
                            let item = destination::RestoreItem::Other(destination::LeftOut::Socket);
                            restore.entry(destination::RestoreRecord { path: "/x".into(), item, attributes: false }, usize::MAX).await;
                        }
                        RestoreStep::Chunk { size } => restore.chunk(bytes(4, usize::from(*size)).into()).await,
                        RestoreStep::End => restore.end_of_file().await,
                    }
                }
                restore.finish().await
            };
            let (summary, mut all) = tokio::join!(feed, collect);
            all.sort_by_key(|(ticket, _)| *ticket);
            // One outcome for each folder and file.
            let tickets: Vec<usize> = all.iter().map(|(ticket, _)| *ticket).collect();
            assert_eq!(tickets, (0..entries.len()).collect::<Vec<_>>());
            assert_eq!(summary.failures, all.iter().filter(|(_, result)| result.is_err()).count() as u64);
            summary.failure().iter().chain(&summary.left_out()).for_each(|line| assert_plain(line));
            // What is said to be stored is there, and nothing else is.
            let mut expected: BTreeMap<String, &[u8]> = BTreeMap::new();
            for (ticket, result) in &all {
                if let (Some((path, content, whole)), Ok(())) = (&entries[*ticket], result) {
                    assert!(whole, "{path:?} was not whole and is said to be stored");
                    // A path comes once in a snapshot. One that comes again when the stream has left its
                    // folder, which is forgotten then, replaces the first.
                    expected.insert(path.replace('\n', "␊"), content);
                }
                result.as_ref().err().iter().for_each(|reason| assert_plain(&reason.to_string()));
            }
            let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            let remote = bucket.remote().await;
            let mut waiting = vec![String::new()];
            while let Some(folder) = waiting.pop() {
                for entry in remote.list(&folder).await.unwrap_or_default() {
                    let path = if folder.is_empty() { entry.name } else { format!("{folder}/{}", entry.name) };
                    match entry.object {
                        None => waiting.push(path),
                        Some(object) => {
                            let mut content = Vec::new();
                            let mut reader = object.read(0, None).await.unwrap();
                            while let Some(chunk) = reader.chunk().await.unwrap() {
                                content.extend_from_slice(&chunk);
                            }
                            found.insert(format!("/{path}"), content);
                        }
                    }
                }
            }
            assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
            assert!(found.iter().all(|(path, content)| expected[path] == *content));
            bucket.clear().await;
        });
    });
}

// The source and its reading ahead.

#[derive(Debug, TypeGenerator)]
enum SourceStep {
    /// Opens the next file and reads it, as Plakar does.
    Next,
    /// Passes the next file over.
    Skip,
    /// Opens any file, and reads so many chunks of it.
    Open {
        file: u8,
        chunks: u8,
    },
    /// A result for any file, or for none.
    Acknowledge {
        file: u8,
    },
    AcknowledgeNone {
        path: String,
    },
    /// A second walk beside the first.
    Walk,
    /// Lets what is under way go on.
    Wait,
}

async fn told(source: &Source) -> Vec<String> {
    let (sender, mut receiver) = mpsc::channel::<source::SourceRecord>(256);
    let collect = async {
        let mut files = Vec::new();
        while let Some(record) = receiver.recv().await {
            match record.item {
                source::SourceItem::File { .. } => files.push(record.path),
                source::SourceItem::Folder { .. } => {}
                source::SourceItem::Failed(reason) => panic!("{}: {reason}", record.path),
            }
        }
        files
    };
    let (walked, files) = tokio::join!(source.walk(sender), collect);
    walked.unwrap();
    files
}

#[test]
fn a_source_and_its_reading_ahead() {
    const FILES: usize = 12;
    let (runtime, number) = (runtime(), Cell::new(0));
    let bucket = Bucket::new("source", &number);
    let content = |index: usize| bytes(index as u8, [0, 1, 5_000, 1 << 20, (1 << 20) + 1][index % 5]);
    let mut contents = HashMap::new();
    runtime.block_on(async {
        for index in 0..FILES {
            let path = format!("f{}/file{index:02}", index % 3);
            bucket.put(&path, &content(index)).await;
            contents.insert(format!("/{}/{path}", bucket.0), content(index));
        }
    });
    fuzz::<Vec<SourceStep>>("a source and its reading ahead", |steps| {
        block_on(&runtime, async {
            let source = Source::open(bucket.settings(Role::Source)).await.unwrap();
            let files = told(&source).await;
            let mut sorted = files.clone();
            sorted.sort_unstable();
            assert_eq!(files.len(), FILES);
            let mut known = [true; FILES];
            let mut next = 0;
            for step in steps {
                let (index, chunks, acknowledge) = match step {
                    SourceStep::Next | SourceStep::Skip if next == FILES => continue,
                    SourceStep::Next => {
                        next += 1;
                        (next - 1, usize::MAX, true)
                    }
                    SourceStep::Skip => {
                        source.acknowledge(&files[next]);
                        known[next] = false;
                        next += 1;
                        continue;
                    }
                    SourceStep::Open { file, chunks } => (usize::from(*file) % FILES, usize::from(*chunks % 4), false),
                    SourceStep::Acknowledge { file } => {
                        let index = usize::from(*file) % FILES;
                        source.acknowledge(&files[index]);
                        known[index] = false;
                        continue;
                    }
                    SourceStep::AcknowledgeNone { path } => {
                        source.acknowledge(path);
                        assert_eq!(source.read(path).await.unwrap_err().kind(), ErrorKind::NotFound);
                        continue;
                    }
                    SourceStep::Walk => {
                        let mut again = told(&source).await;
                        again.sort_unstable();
                        assert_eq!(again, sorted);
                        known = [true; FILES];
                        continue;
                    }
                    SourceStep::Wait => {
                        tokio::task::yield_now().await;
                        continue;
                    }
                };
                match source.read(&files[index]).await {
                    Ok(mut reader) => {
                        assert!(known[index], "{} was done with", files[index]);
                        let expected = &contents[&files[index]];
                        let mut got = Vec::new();
                        for _ in 0..chunks {
                            match reader.chunk().await.unwrap() {
                                Some(chunk) => got.extend_from_slice(&chunk),
                                None => {
                                    assert_eq!(got.len(), expected.len());
                                    break;
                                }
                            }
                        }
                        assert!(expected.starts_with(&got), "{}", files[index]);
                    }
                    Err(error) => assert!(!known[index] && error.kind() == ErrorKind::NotFound, "{error}"),
                }
                if acknowledge {
                    source.acknowledge(&files[index]);
                    known[index] = false;
                }
            }
        });
    });
    runtime.block_on(bucket.clear());
}
