//! What a simulator is started with.

use std::net::SocketAddr;
use std::time::Duration;

use crate::behaviour::Behaviour;

/// What certificate the simulator shows for dev.opendrive.com.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// A good one, signed by the authority of [`Simulator::ca_file`](crate::Simulator::ca_file).
    #[default]
    Good,
    /// Signed by another authority.
    Untrusted,
    /// Its time is over.
    Expired,
    /// That of another host.
    OtherHost,
}

/// How a [`Simulator`](crate::Simulator) behaves from its first call on.
#[derive(Clone)]
pub struct Options {
    /// The account's name; a login with another one is refused with 401.
    pub username: String,
    /// The account's password in plain text. It holds a space and an umlaut by default, so that
    /// quoting mistakes show.
    pub password: String,
    /// How long each API call waits before it is answered.
    pub latency: Duration,
    /// Where to listen; a free port of 127.0.0.1 when absent.
    pub listen: Option<SocketAddr>,
    /// What certificate it shows.
    pub certificate: Certificate,
    /// Whether HTTP/2 is offered beside HTTP/1.1. Go's client takes it when it can.
    pub http2: bool,
    /// An upload of more bytes than this goes to an unlinked temporary file instead of memory.
    pub spool_threshold: u64,
    /// Keep only the size and the MD5 of uploads; downloading such a file answers 422.
    pub discard_uploads: bool,
    /// The drive's size in bytes; `None` reports 1 TiB and refuses nothing.
    pub quota: Option<u64>,
    /// Keep a [`CallRecord`](crate::CallRecord) of each call (about 150 bytes each, one million at
    /// most).
    pub log_calls: bool,
    /// How the drive behaves: its limits, its speed, what nobody knows for sure.
    pub behaviour: Behaviour,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            username: "user@example.com".into(),
            password: "secret pässword".into(),
            latency: Duration::ZERO,
            listen: None,
            certificate: Certificate::default(),
            http2: true,
            spool_threshold: 64 << 20,
            discard_uploads: false,
            quota: None,
            log_calls: true,
            behaviour: Behaviour::default(),
        }
    }
}

/// Shows everything but the password.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("username", &self.username)
            .field("latency", &self.latency)
            .field("listen", &self.listen)
            .field("certificate", &self.certificate)
            .field("http2", &self.http2)
            .field("spool_threshold", &self.spool_threshold)
            .field("discard_uploads", &self.discard_uploads)
            .field("quota", &self.quota)
            .field("log_calls", &self.log_calls)
            .field("behaviour", &self.behaviour)
            .finish_non_exhaustive()
    }
}
