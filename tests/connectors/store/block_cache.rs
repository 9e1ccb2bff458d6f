//! The block cache against a plain reader: any reads, any number at once, in any order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{StreamExt, TryStreamExt};
use plakar_opendrive::connector::store::Mac;
use plakar_opendrive::connector::store::cache::{BlockCache, Fetch};
use plakar_opendrive::rclone::{Error, ErrorKind, Result, Urgency};
use proptest::prelude::*;
use support::noise;

fn mac(number: u8) -> Mac {
    [number; 32]
}

/// A file in memory that counts what is read of it.
struct Plain {
    bytes: Vec<u8>,
    reads: AtomicU64,
    moved: AtomicU64,
    fail: AtomicU64,
    /// How long a read takes at least.
    takes: Duration,
    slow: bool,
}

impl Plain {
    fn new(size: usize, slow: bool) -> Arc<Self> {
        Self::over_a_line(size, slow, Duration::ZERO)
    }

    fn over_a_line(size: usize, slow: bool, takes: Duration) -> Arc<Self> {
        let (reads, moved, fail) = Default::default();
        Arc::new(Self { bytes: noise(size as u64, size), reads, moved, fail, takes, slow })
    }
}

impl Fetch for Plain {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn fetch(
        self: Arc<Self>,
        offset: u64,
        length: usize,
        _: Arc<Urgency>,
    ) -> BoxFuture<'static, Result<Bytes>> {
        async move {
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.moved.fetch_add(length as u64, Ordering::Relaxed);
            if self.slow {
                tokio::time::sleep(self.takes + Duration::from_millis(offset % 7)).await;
            }
            if self.fail.load(Ordering::Relaxed) > 0 {
                self.fail.fetch_sub(1, Ordering::Relaxed);
                return Err(Error::new(ErrorKind::Timeout, "not now"));
            }
            assert!(
                length > 0 && offset as usize + length <= self.bytes.len(),
                "{offset} {length}"
            );
            Ok(Bytes::copy_from_slice(&self.bytes[offset as usize..][..length]))
        }
        .boxed()
    }
}

async fn through(
    cache: &BlockCache,
    mac: Mac,
    file: &Arc<Plain>,
    offset: usize,
    length: usize,
) -> Result<Vec<u8>> {
    if let Some(bytes) = cache.hit(&mac, file, offset as u64, length) {
        return Ok(bytes.to_vec());
    }
    let pieces: Vec<Bytes> =
        cache.read(mac, file.clone(), offset as u64, length as u64).try_collect().await?;
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
                }
            });
            futures::stream::iter(reads).buffer_unordered(parallel).collect::<Vec<_>>().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(cache.held() <= budget << 20, "{} of {budget} MiB", cache.held());
        });
    }

    #[test]
    fn runs_in_any_number_and_direction_move_little_more_than_there_is(backward in any::<u32>(), runs in 1usize..6, step in 1_000usize..20_000, takes in 0u64..3) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let size = 24 << 20;
            let cache = BlockCache::new(64 << 20, 8);
            let files: Vec<_> = (0..runs).map(|_| Plain::over_a_line(size, true, Duration::from_secs(takes))).collect();
            for at in (0..size).step_by(step) {
                for (index, file) in files.iter().enumerate() {
                    let length = step.min(size - at);
                    let offset = if (backward >> index) & 1 == 1 { size - at - length } else { at };
                    let got = through(&cache, mac(index as u8), file, offset, length).await.unwrap();
                    assert!(got == file.bytes[offset..offset + length]);
                }
            }
            for file in &files {
                // Each byte once, in blocks of 4 MiB but for the first one, or of 1 MiB where a
                // read takes long, and the little that is read first there.
                assert_eq!(file.moved.load(Ordering::Relaxed), size as u64);
                let most = if takes == 0 { 9 } else { 27 };
                assert!(file.reads.load(Ordering::Relaxed) <= most, "{}", file.reads.load(Ordering::Relaxed));
            }
        });
    }
}

/// The clock stands still: a machine that is slow does not make a slow line.
#[tokio::test(start_paused = true)]
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
    assert!(moved < (size * runs) as u64 * 3 / 2, "{} MiB of {}", moved >> 20, (size * runs) >> 20);
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
    assert!(
        read(50)
            .await
            .iter()
            .all(|outcome| outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout))
    );
    assert_eq!(file.reads.load(Ordering::Relaxed), 1);
    // Nothing of it stays.
    assert!(read(50).await.iter().all(|outcome| {
        outcome.as_ref().is_ok_and(|bytes| {
            bytes[..] == file.bytes[1_000_003..][..3_000] || bytes.len() == 3_000
        })
    }));
    assert!(file.reads.load(Ordering::Relaxed) <= 3, "{}", file.reads.load(Ordering::Relaxed));
    // Whoever gives up does not take the others' bytes away.
    let file = Plain::new(8 << 20, true);
    assert!(through(&cache, mac(2), &file, 3_000_001, 10).now_or_never().is_none());
    assert_eq!(
        through(&cache, mac(2), &file, 3_000_001, 10).await.unwrap(),
        file.bytes[3_000_001..3_000_011]
    );
    assert_eq!(file.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
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
    let (reads, moved) = files.iter().fold((0, 0), |(reads, moved), file| {
        (reads + file.reads.load(Ordering::Relaxed), moved + file.moved.load(Ordering::Relaxed))
    });
    assert!(
        reads < 30 * runs as u64 && moved < (size * runs) as u64 * 11 / 10,
        "{reads} reads of {} MiB",
        moved >> 20
    );
}

/// A file over a line that gives each connection so much: a read takes as long as it is large.
struct Slow {
    bytes: Vec<u8>,
    open: AtomicU64,
    /// How long so many reads were open at once, in milliseconds.
    times: [AtomicU64; 16],
    moved: AtomicU64,
}

impl Slow {
    fn new(bytes: Vec<u8>) -> Arc<Self> {
        let (open, times, moved) = Default::default();
        Arc::new(Self { bytes, open, times, moved })
    }
}

impl Fetch for Slow {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn fetch(
        self: Arc<Self>,
        offset: u64,
        length: usize,
        _: Arc<Urgency>,
    ) -> BoxFuture<'static, Result<Bytes>> {
        async move {
            self.open.fetch_add(1, Ordering::Relaxed);
            self.moved.fetch_add(length as u64, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs_f64(length as f64 / 1e6)).await;
            self.open.fetch_sub(1, Ordering::Relaxed);
            Ok(Bytes::copy_from_slice(&self.bytes[offset as usize..][..length]))
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_slow_line_a_run_has_several_blocks_under_way() {
    for backward in [false, true] {
        let (size, step) = (48 << 20, 10_000);
        let bytes = noise(1, size);
        let file = Slow::new(bytes.clone());
        let cache = BlockCache::new(64 << 20, 8);
        let watch = tokio::spawn({
            let (file, cache) = (file.clone(), cache.clone());
            async move {
                loop {
                    assert!(cache.held() <= 64 << 20);
                    file.times[file.open.load(Ordering::Relaxed) as usize]
                        .fetch_add(10, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        });
        for at in (0..size - step).step_by(step) {
            let offset = if backward { size - step - at } else { at };
            if cache.hit(&mac(1), &file, offset as u64, step).is_none() {
                let pieces: Vec<Bytes> = cache
                    .read(mac(1), file.clone(), offset as u64, step as u64)
                    .try_collect()
                    .await
                    .unwrap();
                assert!(pieces.concat() == bytes[offset..offset + step]);
            }
        }
        watch.abort();
        let times: Vec<u64> = file.times.iter().map(|time| time.load(Ordering::Relaxed)).collect();
        let moved = file.moved.load(Ordering::Relaxed);
        // The beginning of a run, when nobody knows that it is one, and its end are what they are.
        assert!(
            times[2..].iter().sum::<u64>() * 2 > times.iter().sum(),
            "milliseconds by how many were open: {times:?}"
        );
        assert!(moved <= size as u64, "{moved}");
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_slow_line_little_is_read_of_a_file_of_which_little_is_wanted() {
    let cache = BlockCache::new(64 << 20, 8);
    let size = 1_040_000;
    let mut moved = 0;
    for number in 0..16 {
        let bytes = noise(number.into(), size);
        let file = Slow::new(bytes.clone());
        let mac = mac(number);
        let read = async |offset: usize, length: usize| {
            let pieces = cache.read(mac, file.clone(), offset as u64, length as u64);
            let pieces: Vec<Bytes> = pieces.try_collect().await.unwrap();
            assert!(pieces.concat() == bytes[offset..offset + length], "{offset} {length}");
        };
        read(600_000, 2_000).await;
        let little = file.moved.load(Ordering::Relaxed);
        moved += little;
        // Whole then, in one call: so its hash is compared.
        read(0, 2_000).await;
        let all = if number == 0 { size as u64 } else { little + size as u64 };
        assert_eq!(file.moved.load(Ordering::Relaxed), all);
        read(0, size).await;
        assert_eq!(file.moved.load(Ordering::Relaxed), all, "read again");
    }
    // That the line is slow shows at the first file, which is read whole.
    assert_eq!(moved, size as u64 + 15 * (32 << 10));
}

/// A file that gives one byte too few so many times.
struct Short(AtomicU64);

impl Fetch for Short {
    fn size(&self) -> u64 {
        2 << 20
    }

    fn fetch(
        self: Arc<Self>,
        _: u64,
        length: usize,
        _: Arc<Urgency>,
    ) -> BoxFuture<'static, Result<Bytes>> {
        let short = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |times| times.checked_sub(1))
            .is_ok();
        async move { Ok(vec![1; length - usize::from(short)].into()) }.boxed()
    }
}

#[tokio::test]
async fn a_read_of_a_wrong_length_is_made_once_more() {
    let (cache, file) = (BlockCache::new(64 << 20, 8), Arc::new(Short(AtomicU64::new(1))));
    let read =
        |number: u8| cache.read(mac(number), file.clone(), 10, 5).try_collect::<Vec<Bytes>>();
    assert_eq!(read(1).await.unwrap().concat(), [1; 5]);
    // Damaged for good; nothing of it stays.
    file.0.store(2, Ordering::Relaxed);
    assert_eq!(read(2).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(read(2).await.unwrap().concat(), [1; 5]);
}

/// A file whose first read panics.
struct Panics(std::sync::atomic::AtomicBool);

impl Fetch for Panics {
    fn size(&self) -> u64 {
        100
    }

    fn fetch(
        self: Arc<Self>,
        _: u64,
        length: usize,
        _: Arc<Urgency>,
    ) -> BoxFuture<'static, Result<Bytes>> {
        async move {
            assert!(self.0.swap(true, Ordering::Relaxed), "the first read");
            Ok(vec![1; length].into())
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_read_that_panics_is_an_error_and_the_next_one_goes() {
    let (cache, file) = (BlockCache::new(64 << 20, 8), Arc::new(Panics(Default::default())));
    let read = || cache.read(mac(1), file.clone(), 10, 5).try_collect::<Vec<Bytes>>();
    let error = read().await.unwrap_err();
    assert_eq!(error.message(), "a bug: the first read");
    assert_eq!(read().await.unwrap().concat(), [1; 5]);
}
