//! What comes from outside, made up at random: no panic, no hang, and what a plain model says.
//!
//! `make test` runs each target for a few seconds; `make fuzz` for as long as it is told. A failure
//! prints the seed that repeats it: `BOLERO_RANDOM_SEED=… cargo test --test fuzz NAME`.

mod block_cache;
mod configurations;
mod connection;
mod restore;
mod source;
mod store;

use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use bolero::{TypeGenerator, check};
use plakar_opendrive::connector::{Role, Settings};
use plakar_opendrive::rclone::{Remote, RemoteConfig};
use support::within;
use tokio::runtime::Runtime;

/// How long each target runs when nobody says so.
const SHORT: Duration = Duration::from_secs(3);

/// How long a failure is made smaller.
const SHRINK: Duration = Duration::from_secs(10);

/// No single run takes longer, unless it hangs.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Runs a target for its time on values made up at random, and says how often.
fn fuzz<T: TypeGenerator + std::fmt::Debug + 'static>(name: &str, test: impl Fn(&T)) {
    let seconds = std::env::var("FUZZ_SECONDS")
        .ok()
        .map(|seconds| seconds.parse().expect("FUZZ_SECONDS is a number"));
    let time = seconds.map_or(SHORT, Duration::from_secs);
    let (count, begin) = (Cell::new(0_u64), Instant::now());
    let run = std::panic::AssertUnwindSafe(|value: &T| {
        count.set(count.get() + 1);
        test(value);
    });
    check!()
        .with_type::<T>()
        .with_iterations(usize::MAX)
        .with_test_time(time)
        .with_shrink_time(SHRINK)
        .for_each(|value: &T| (*run)(value));
    eprintln!("{name}: {} runs in {:.1?}", count.get(), begin.elapsed());
    // How often says how fast the machine is.
    assert!(count.get() > 0, "{name} did not run");
}

/// Runs async work to its end, within the limit.
fn block_on<T>(runtime: &Runtime, work: impl Future<Output = T>) -> T {
    runtime.block_on(async { within(TIME_LIMIT, work).await })
}

/// Its clock stands still while there is work, and else jumps to what is waited for.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Its clock goes on: work that is done by threads of our own does not hold the other one's.
fn real_time_runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A place in memory that nobody else has; what is there goes when it is dropped.
struct Bucket(String);

impl Bucket {
    fn new(target: &str, number: &Cell<u64>) -> Self {
        number.set(number.get() + 1);
        Self(format!("fuzz-{target}-{}", number.get()))
    }

    fn settings(&self, role: Role) -> Settings {
        let config =
            [("location", format!("rclone:///{}", self.0)), ("rclone_type", "memory".to_owned())];
        let config: HashMap<String, String> =
            config.map(|(key, value)| (key.to_owned(), value)).into();
        Settings::parse(role, &config, "here").unwrap()
    }

    async fn remote(&self) -> Remote {
        Remote::open(&RemoteConfig::new("memory", &self.0)).await.unwrap()
    }

    async fn put(&self, path: &str, bytes: &[u8]) {
        let mut writer = self
            .remote()
            .await
            .create(path, Some(bytes.len() as u64), std::time::UNIX_EPOCH)
            .await
            .unwrap();
        writer.write(bytes.to_vec()).await.unwrap();
        writer.commit().await.unwrap();
    }

    async fn clear(&self) {
        // There may be nothing to purge.
        let _ = self.remote().await.purge("").await;
    }
}

fn bytes(seed: u8, length: usize) -> Vec<u8> {
    support::noise(u64::from(seed), length)
}
