//! The block cache against the bytes themselves.

use std::sync::Arc;

use bolero::TypeGenerator;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::TryStreamExt;
use plakar_opendrive::connector::store::cache::{BlockCache, Fetch};
use plakar_opendrive::rclone::{Error, ErrorKind, Urgency};

use crate::{block_on, bytes, fuzz, runtime};

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

    fn fetch(
        self: Arc<Self>,
        offset: u64,
        length: usize,
        _: Arc<Urgency>,
    ) -> BoxFuture<'static, Result<Bytes, Error>> {
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
            let files =
                contents.clone().map(|bytes| Arc::new(Plain { bytes, failures: failures.clone() }));
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
                        let mut read = Box::pin(cache.read(
                            [index as u8; 32],
                            files[index].clone(),
                            offset as u64,
                            1,
                        ));
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
                match cache
                    .read(mac, files[file].clone(), offset as u64, length as u64)
                    .try_collect::<Vec<Bytes>>()
                    .await
                {
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
