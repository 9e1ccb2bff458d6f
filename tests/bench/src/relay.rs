//! A line of limited speed to the simulator.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::relay::copy;

/// What may be made up for after a pause.
const BURST: Duration = Duration::from_millis(50);

/// Relays connections to an address; what comes back passes at so many bytes per second, all
/// connections together. Gives its own address, and lives as long as the process.
pub fn start(target: SocketAddr, rate: f64) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let line = Arc::new(Line { rate, free: Mutex::new(Instant::now()) });
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let line = line.clone();
            std::thread::spawn(move || {
                // A connection that breaks is the clients' to notice.
                let _ = relay(&client, target, &line);
            });
        }
    });
    Ok(address)
}

struct Line {
    rate: f64,
    /// When all that was let through has passed.
    free: Mutex<Instant>,
}

impl Line {
    /// Waits until so many bytes have passed.
    fn pass(&self, count: usize) {
        let until = {
            let mut free = self.free.lock().unwrap();
            let now = Instant::now();
            let from = (*free).max(now.checked_sub(BURST).unwrap_or(now));
            *free = from + Duration::from_secs_f64(count as f64 / self.rate);
            *free
        };
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

fn relay(client: &TcpStream, target: SocketAddr, line: &Line) -> std::io::Result<()> {
    let server = TcpStream::connect(target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    std::thread::scope(|scope| {
        scope.spawn(|| copy(client, &server, |_| ()));
        copy(&server, client, |bytes| line.pass(bytes.len()))
    })
}
