//! The connectors in this process, with faults, on a simulated drive and in memory: what they say
//! is saved must be there, nothing else, and nothing is held when they are gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use fastrand::Rng;
use futures::StreamExt;
use opendrive_sim::{Options, Simulator};
use plakar_opendrive::connector::destination::{self, Outcome};
use plakar_opendrive::connector::store::{ByteRange, Kind, Mac, ResourceContent};
use plakar_opendrive::connector::{Destination, Role, Source, Store, source};
use support::noise;
use support_plugin::place::Place;
use support_plugin::resources::Resources;
use tokio::sync::mpsc;

use crate::faults::plan;
use crate::report::Report;

/// Rounds before the first count, in which caches, pools and arenas reach their size.
const WARM_UP: u64 = 6;

/// What memory may grow by after that, in bytes.
const GROWTH: u64 = 48 << 20;

/// The sizes of what is moved.
const SIZES: [usize; 7] = [0, 1, 3_000, 40_000, 70_000, (1 << 20) + 1, 3 << 20];

/// How many resources a store holds before some are deleted.
const RESOURCES: usize = 12;

/// A place and what must be there.
struct Scene {
    place: Place,
    files: BTreeMap<String, Vec<u8>>,
    stored: BTreeMap<Mac, Vec<u8>>,
}

/// Runs rounds for so long.
pub fn run(time: Duration, seed: u64, report: &mut Report) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(rounds(time, seed, report))
}

async fn rounds(time: Duration, seed: u64, report: &mut Report) -> Result<(), String> {
    let mut rng = Rng::with_seed(seed);
    let simulator = Simulator::start(Options { log_calls: false, ..Options::default() }).unwrap();
    let mut scenes = Vec::new();
    for place in [Place::Drive(Box::new(simulator)), Place::Memory { bucket: "soak".into() }] {
        let mut files = BTreeMap::new();
        for n in 0..30 {
            let (path, bytes) =
                (format!("tree/f{}/file{n}", n % 4), noise(n, rng.choice(SIZES).unwrap()));
            place.put(&path, &bytes, 1_600_000_000).await;
            files.insert(path, bytes);
        }
        let store = Store::new(place.settings(Role::Store, "store"));
        store
            .create(Bytes::from_static(b"description"))
            .await
            .map_err(|error| error.to_string())?;
        scenes.push(Scene { place, files, stored: BTreeMap::new() });
    }
    let start = Instant::now();
    let mut before = None;
    while start.elapsed() < time || report.rounds < WARM_UP + 2 {
        report.rounds += 1;
        for scene in &mut scenes {
            if let Place::Drive(simulator) = &scene.place {
                simulator.set_faults(plan(&mut rng, Some("tree/f1/file1")));
            }
            let name = scene.place.name();
            let round = scene.round(&mut rng, report).await;
            round.map_err(|problem| {
                format!("{name}, round {} of the library: {problem}", report.rounds)
            })?;
        }
        if report.rounds == WARM_UP {
            before = Some(Resources::at_rest().await);
        }
    }
    if let Some(before) = before {
        let after = Resources::settle(&before, GROWTH).await?;
        report.resources = Some((before, after));
    }
    Ok(())
}

impl Scene {
    async fn round(&mut self, rng: &mut Rng, report: &mut Report) -> Result<(), String> {
        self.back_up(report).await?;
        self.restore(rng, report).await?;
        self.store(rng, report).await?;
        self.calm(report);
        self.look(report).await
    }

    /// Every file that is read to its end without an error is the right one.
    async fn back_up(&self, report: &mut Report) -> Result<(), String> {
        let source = match Source::open(self.place.settings(Role::Source, "tree")).await {
            Ok(source) => source,
            Err(error) => return report.say(&error),
        };
        let (sender, mut records) = mpsc::channel::<source::SourceRecord>(64);
        let read = async {
            let (mut told, mut failed, mut wrong) = (0, 0, Vec::new());
            while let Some(record) = records.recv().await {
                match record.item {
                    source::SourceItem::File { .. } => {
                        told += 1;
                        let mut bytes = Vec::new();
                        match read(&source, &record.path, &mut bytes).await {
                            Err(error) => report.said.push(error),
                            Ok(()) => {
                                let at = record.path.find("tree/").unwrap_or_default();
                                report.verified += bytes.len() as u64;
                                if self.files.get(&record.path[at..]) != Some(&bytes) {
                                    wrong.push(record.path.clone());
                                }
                            }
                        }
                    }
                    source::SourceItem::Failed(reason) => {
                        failed += 1;
                        report.said.push(reason);
                    }
                    source::SourceItem::Folder { .. } => {}
                }
                source.acknowledge(&record.path);
            }
            (told, failed, wrong)
        };
        let (walked, (told, failed, wrong)) = tokio::join!(source.walk(sender), read);
        if let Err(error) = walked {
            return report.say(&error);
        }
        if !wrong.is_empty() || (failed == 0 && told != self.files.len()) {
            return Err(format!(
                "LOST: {told} of {} files, wrong ones: {wrong:?}",
                self.files.len()
            ));
        }
        Ok(())
    }

    /// Every file whose outcome is good is there; one whose is not, is not.
    async fn restore(&self, rng: &mut Rng, report: &mut Report) -> Result<(), String> {
        let destination =
            match Destination::open(self.place.settings(Role::Destination, "restored")).await {
                Ok(destination) => Arc::new(destination),
                Err(error) => return report.say(&error),
            };
        let files: BTreeMap<String, Vec<u8>> = (0..12)
            .map(|n| (format!("/d{}/f{n}", n / 4), noise(rng.u64(..), rng.choice(SIZES).unwrap())))
            .collect();
        let (sender, mut outcomes) = mpsc::channel(4);
        let mut restore = destination.restore(sender);
        let give = async {
            let folder = |path: &str| destination::RestoreRecord {
                path: path.into(),
                item: destination::RestoreItem::Folder,
                attributes: false,
            };
            restore.entry(folder("/"), "/".to_owned()).await;
            let mut last = String::new();
            for (path, bytes) in &files {
                let parent = path[..3].to_owned();
                if parent != last {
                    restore.entry(folder(&parent), parent.clone()).await;
                    last = parent;
                }
                let item = destination::RestoreItem::File {
                    size: Some(bytes.len() as u64),
                    modified: UNIX_EPOCH + Duration::from_secs(1),
                };
                restore
                    .entry(
                        destination::RestoreRecord { path: path.clone(), item, attributes: false },
                        path.clone(),
                    )
                    .await;
                for chunk in bytes.chunks(1 << 20) {
                    restore.chunk(Bytes::copy_from_slice(chunk)).await;
                }
                restore.end_of_file().await;
            }
            restore.finish().await
        };
        let collect = async {
            let mut good = BTreeMap::new();
            while let Some(Outcome { ticket, result }) = outcomes.recv().await {
                good.insert(ticket, result);
            }
            good
        };
        let (_, outcomes) = tokio::join!(give, collect);
        drop(destination);
        self.calm(report);
        let there = contents(&self.place, "restored").await?;
        for (path, bytes) in &files {
            let found = there.get(&path[1..]);
            match outcomes.get(path) {
                Some(Ok(())) if found == Some(bytes) => report.verified += bytes.len() as u64,
                Some(Err(reason)) if found.is_none() => report.said.push(reason.to_string()),
                outcome => {
                    let found = found.map(|found| (found.len(), found == bytes));
                    return Err(format!(
                        "LOST: {path} of {} bytes: said {outcome:?}, and there is {found:?}",
                        bytes.len()
                    ));
                }
            }
        }
        // In memory the same names are replaced.
        if let Place::Drive(simulator) = &self.place {
            simulator.drive().remove("restored");
        }
        Ok(())
    }

    async fn store(&mut self, rng: &mut Rng, report: &mut Report) -> Result<(), String> {
        let store = Store::new(self.place.settings(Role::Store, "store"));
        if let Err(error) = store.open().await {
            return report.say(&error);
        }
        for _ in 0..4 {
            let mac: Mac = std::array::from_fn(|_| rng.u8(..));
            let kind = kind_of(&mac);
            let bytes = noise(rng.u64(..), 1 + rng.choice(SIZES).unwrap());
            let put = async {
                let mut put = store.put(kind, mac).await?;
                for chunk in bytes.chunks(1 << 20) {
                    put.write(Bytes::copy_from_slice(chunk)).await?;
                }
                put.commit().await
            };
            match put.await {
                Ok(_) => drop(self.stored.insert(mac, bytes)),
                Err(error) => report.say(&error)?,
            }
        }
        for (mac, bytes) in &self.stored {
            let offset = rng.usize(..bytes.len());
            let range = ByteRange {
                offset: offset as u64,
                length: rng.u64(..=(bytes.len() - offset) as u64),
            };
            let (kind, part) = (kind_of(mac), &bytes[offset..offset + range.length as usize]);
            for (range, expected) in [(Some(range), part), (None, &bytes[..])] {
                match get(&store, kind, mac, range).await {
                    Ok(found) if found == expected => report.verified += found.len() as u64,
                    Ok(found) => {
                        return Err(format!(
                            "LOST: {kind:?} {mac:?} has {} other bytes at {range:?}",
                            found.len()
                        ));
                    }
                    Err(error) => report.say(&error)?,
                }
            }
        }
        while self.stored.len() > RESOURCES {
            let Some((mac, bytes)) = self.stored.pop_first() else { break };
            if let Err(error) = store.delete(kind_of(&mac), &mac).await {
                report.say(&error)?;
                // Gone or not: the drive tells.
                self.calm(report);
                if store
                    .list(kind_of(&mac))
                    .await
                    .map_err(|error| error.to_string())?
                    .contains(&mac)
                {
                    self.stored.insert(mac, bytes);
                }
            }
        }
        store.finish().await;
        Ok(())
    }

    /// Without faults: the store has what was acknowledged and nothing else, under any name.
    async fn look(&self, report: &mut Report) -> Result<(), String> {
        let there = contents(&self.place, "store").await?;
        let expected: BTreeMap<String, &Vec<u8>> =
            self.stored.iter().map(|(mac, bytes)| (path_of(mac), bytes)).collect();
        for (path, bytes) in there.iter().filter(|(path, _)| *path != "CONFIG") {
            match expected.get(path) {
                None => {
                    return Err(format!("left behind in the store: {path}, {} bytes", bytes.len()));
                }
                Some(expected) if *expected != bytes => {
                    return Err(format!("LOST: {path} has other bytes, {} of them", bytes.len()));
                }
                Some(_) => report.verified += bytes.len() as u64,
            }
        }
        if let Some(path) = expected.keys().find(|path| !there.contains_key(*path)) {
            return Err(format!("LOST: {path} is not in the store any more"));
        }
        // An upload whose opening answer was lost stays open on the server: nobody knows its name.
        match &self.place {
            Place::Drive(simulator) if simulator.duplicate_folders().ever > 0 => {
                Err(format!("{:?}", simulator.duplicate_folders()))
            }
            _ => Ok(()),
        }
    }

    fn calm(&self, report: &mut Report) {
        if let Place::Drive(simulator) = &self.place {
            report.faults.end(simulator);
            report.calls += simulator.calls().total;
            simulator.reset_calls();
        }
    }
}

async fn read(source: &Source, path: &str, bytes: &mut Vec<u8>) -> Result<(), String> {
    let mut reader = source.read(path).await.map_err(|error| error.to_string())?;
    while let Some(chunk) = reader.chunk().await.map_err(|error| error.to_string())? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(())
}

async fn get(
    store: &Store,
    kind: Kind,
    mac: &Mac,
    range: Option<ByteRange>,
) -> plakar_opendrive::rclone::Result<Vec<u8>> {
    match store.get(kind, mac, range).await? {
        ResourceContent::Whole(bytes) => Ok(bytes.into()),
        ResourceContent::Pieces(mut pieces) => {
            let mut bytes = Vec::new();
            while let Some(piece) = pieces.next().await {
                bytes.extend_from_slice(&piece?);
            }
            Ok(bytes)
        }
    }
}

/// All files below a folder: from the drive's own side where there is one, else by the source.
async fn contents(place: &Place, base: &str) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let below = format!("{base}/");
    if let Place::Drive(simulator) = place {
        let files = simulator
            .drive()
            .tree()
            .into_iter()
            .filter(|(path, entry)| path.starts_with(&below) && !entry.is_dir);
        return Ok(files
            .map(|(path, _)| {
                (path[below.len()..].to_owned(), simulator.drive().read_file(&path).unwrap())
            })
            .collect());
    }
    let source = Source::open(place.settings(Role::Source, base))
        .await
        .map_err(|error| error.to_string())?;
    let (sender, mut records) = mpsc::channel::<source::SourceRecord>(1024);
    source.walk(sender).await.map_err(|error| error.to_string())?;
    let mut found = BTreeMap::new();
    while let Some(record) = records.recv().await {
        if let (source::SourceItem::File { .. }, Some(at)) =
            (&record.item, record.path.find(&below))
        {
            let mut bytes = Vec::new();
            read(&source, &record.path, &mut bytes).await?;
            found.insert(record.path[at + below.len()..].to_owned(), bytes);
        }
    }
    Ok(found)
}

fn kind_of(mac: &Mac) -> Kind {
    if mac[0].is_multiple_of(2) { Kind::Packfile } else { Kind::State }
}

fn path_of(mac: &Mac) -> String {
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}s/{hex}", kind_of(mac).name())
}
