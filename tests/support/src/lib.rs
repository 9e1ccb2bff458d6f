//! What tests share that do not look inside the plugin: our executable and who uses it, the real
//! Plakar, a simulated drive and what is planted on it, and the two guards: [`within`] against what
//! hangs, [`alone`](mod@alone) against neighbours.

pub mod alone;
pub mod command;
pub mod drive_source;
pub mod drive_store;
pub mod engine_1_0;
mod guard;
pub mod installed;
pub mod memory;
pub mod plakar;
pub mod planted;
pub mod relay;
pub mod user;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub use guard::{until, wait_for, within};
pub use plakar::platform;

/// The workspace's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this package is in tests/support")
}

/// The executable that is tested: the release build if `make` names it, as it does in CI; else the
/// one that Cargo has built for the plugin's own tests, or the release build for the tests of other
/// packages, for which Cargo builds none.
///
/// # Panics
/// If there is none.
pub fn executable() -> String {
    shipped().unwrap_or_else(|| {
        let executable = built();
        assert!(
            executable.exists(),
            "{} is not there: run `make test`, or `make build` once",
            executable.display()
        );
        executable.to_str().expect("a path that is text").to_owned()
    })
}

/// What there is to test where nobody names it.
fn built() -> PathBuf {
    let name = format!("plakar-opendrive{}", std::env::consts::EXE_SUFFIX);
    match std::env::var("CARGO_PKG_NAME") {
        Ok(package) if package != "plakar-opendrive" => {
            let system =
                if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-gnu" };
            root().join(format!("target/{}-{system}/release/{name}", std::env::consts::ARCH))
        }
        _ => profile().join(name),
    }
}

/// The folder of this build, as `target/debug`: a test runs in `deps` of it.
fn profile() -> PathBuf {
    let this = std::env::current_exe().expect("a test has a path");
    this.ancestors().nth(2).expect("a test lies in a folder of Cargo's").to_owned()
}

/// The release build, which `make test` names. Without it some tests have less to check.
///
/// # Panics
/// In CI, which does not take that.
pub fn shipped() -> Option<String> {
    let named = std::env::var("PLAKAR_OPENDRIVE").ok();
    assert!(
        named.is_some() || std::env::var_os("CI").is_none(),
        "CI tests what is shipped: PLAKAR_OPENDRIVE must name it, as `make test` does"
    );
    named
}

/// A port of the loopback for a server that cannot tell which one it was given. It lies below those
/// that the system gives to connections (from 32768 on), which come and go by the thousand here.
///
/// # Panics
/// If all are taken.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const PORTS: u32 = 12_000;
    // Tests of other processes begin elsewhere.
    let begin = std::process::id().wrapping_mul(97);
    (0..PORTS)
        .map(|_| begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS + 20_000)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port")
}

/// Bytes that compress badly and differ for each seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    opendrive_sim::generated_bytes(seed, 0, &mut bytes);
    bytes
}
