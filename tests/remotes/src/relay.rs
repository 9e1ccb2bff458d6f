//! A relay before a server: it counts what is read through it, and cuts connections.

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use support::relay::copy;

/// What a protocol asks for a file's bytes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `RETR`. The bytes themselves pass by other connections, which are not relayed.
    Ftp,
    /// `GET`, but for listings of S3.
    Http,
    /// Nobody can look into it: bytes are counted.
    Sftp,
}

/// A relay, which lives as long as the process.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    server: SocketAddr,
    protocol: Protocol,
    requests: AtomicU64,
    bytes: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    asked: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Begins to relay to a port of this machine.
    pub fn start(port: u16, protocol: Protocol) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let relay = Self(Arc::new(Inner {
            address: listener.local_addr()?,
            server: (Ipv4Addr::LOCALHOST, port).into(),
            protocol,
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            open: Mutex::default(),
        }));
        let accepting = relay.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let relay = accepting.clone();
                // A connection that breaks is the clients' to notice.
                std::thread::spawn(move || drop(relay.pass(&client)));
            }
        });
        Ok(relay)
    }

    /// The port that clients use.
    pub fn port(&self) -> u16 {
        self.0.address.port()
    }

    /// How often a file was asked for since the last call; of SFTP how many bytes came from the server.
    pub fn take_reads(&self) -> u64 {
        let bytes = self.0.bytes.swap(0, Ordering::Relaxed);
        let requests = self.0.requests.swap(0, Ordering::Relaxed);
        if self.0.protocol == Protocol::Sftp { bytes } else { requests }
    }

    /// How many bytes clients have sent since the beginning; of FTP those of commands only.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// How far reading has come since the beginning: bytes from the server; of FTP, whose bytes pass elsewhere, a file counts as a
    /// mebibyte when it is asked for.
    pub fn progress(&self) -> u64 {
        let asked = self.0.asked.load(Ordering::Relaxed) << 20;
        if self.0.protocol == Protocol::Ftp {
            asked
        } else {
            self.0.received.load(Ordering::Relaxed)
        }
    }

    /// Whether [`Self::take_reads`] counts bytes.
    pub fn counts_bytes(&self) -> bool {
        self.0.protocol == Protocol::Sftp
    }

    /// Cuts all connections; gives how many there were.
    pub fn cut(&self) -> usize {
        let open = std::mem::take(&mut *self.lock_open());
        // A pair each. One that has ended already is no news.
        open.iter().filter(|stream| stream.shutdown(Shutdown::Both).is_ok()).count() / 2
    }

    fn lock_open(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, client: &TcpStream) -> std::io::Result<()> {
        let server = TcpStream::connect(self.0.server)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        self.lock_open().extend([client.try_clone()?, server.try_clone()?]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                copy(client, &server, |bytes| {
                    self.0.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    let reads = self.0.protocol.reads_in(bytes);
                    self.0.requests.fetch_add(reads, Ordering::Relaxed);
                    self.0.asked.fetch_add(reads, Ordering::Relaxed);
                })
            });
            copy(&server, client, |bytes| {
                self.0.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                self.0.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            })
        })
    }
}

impl Protocol {
    /// How many requests for a file's bytes begin in what a client has sent. A request comes whole: it is short, and
    /// each client writes it at once.
    fn reads_in(self, sent: &[u8]) -> u64 {
        let lines = sent.split(|byte| *byte == b'\n');
        let reads = lines.filter(|line| match self {
            Self::Ftp => line.starts_with(b"RETR "),
            Self::Http => line.starts_with(b"GET /") && !is_listing(line),
            Self::Sftp => false,
        });
        reads.count() as u64
    }
}

fn is_listing(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line);
    ["list-type=", "delimiter=", "?location", "?versioning"].iter().any(|mark| line.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_told_from_what_is_listed() {
        for (protocol, sent, reads) in [
            (Protocol::Ftp, "RETR a\r\n", 1),
            (Protocol::Ftp, "STOR RETR \r\nLIST a\r\n", 0),
            (
                Protocol::Http,
                "GET /b/k?x-id=GetObject HTTP/1.1\r\nHost: x\r\n\r\nGET /b/l HTTP/1.1\r\n\r\n",
                2,
            ),
            (Protocol::Http, "GET /b?delimiter=%2F&list-type=2 HTTP/1.1\r\n\r\n", 0),
            (Protocol::Http, "PROPFIND /a HTTP/1.1\r\n\r\n", 0),
            (Protocol::Sftp, "GET /", 0),
        ] {
            assert_eq!(protocol.reads_in(sent.as_bytes()), reads, "{sent:?}");
        }
    }
}
