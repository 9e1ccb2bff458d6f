//! Starting, steering and stopping a simulator.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::behaviour::Behaviour;
use crate::calls::{CallRecord, Calls};
use crate::drive::{Drive, DuplicateFolders};
use crate::faults::Fault;
use crate::options::Options;
use crate::proxy;
use crate::state::State;
use crate::tls::Identity;
use crate::uploads::OpenUpload;

/// How long stopping waits for calls that are being worked on.
const STOP: Duration = Duration::from_secs(1);

/// A running simulator. It stops when dropped: connections close and the CA file goes away.
pub struct Simulator {
    address: SocketAddr,
    identity: Identity,
    state: Arc<State>,
    runtime: Option<Runtime>,
}

impl Simulator {
    /// Starts a simulator with an empty drive, on threads of its own; callable from sync and async
    /// code.
    ///
    /// It accepts connections from the return on.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on, or the certificate, its file or the threads cannot be
    /// made.
    pub fn start(options: Options) -> io::Result<Self> {
        let listen = options.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let identity = Identity::create(options.http2, options.certificate)?;
        let acceptor = identity.acceptor.clone();
        let state = Arc::new(State::new(options));
        let runtime =
            Builder::new_multi_thread().enable_all().thread_name("opendrive-sim").build()?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        runtime.spawn(proxy::serve(listener, acceptor, state.clone()));
        Ok(Self { address, identity, state, runtime: Some(runtime) })
    }

    /// The proxy and the control interface, e.g. `http://127.0.0.1:40123`.
    pub fn proxy_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that signed dev.opendrive.com's, as PEM, in a temporary
    /// file.
    pub fn ca_file(&self) -> &Path {
        self.identity.ca_file.path()
    }

    /// The environment that leads rclone here: `HTTPS_PROXY`, `RCLONE_CA_CERT`, and `NO_PROXY`
    /// emptied.
    ///
    /// Go reads the proxy's variables once in a process, at its first request; and a lower-case
    /// `https_proxy` counts only where the upper-case one is unset or empty.
    pub fn env(&self) -> Vec<(String, String)> {
        let ca = self.ca_file().to_string_lossy().into_owned();
        let pairs = [
            ("HTTPS_PROXY", self.proxy_url()),
            ("RCLONE_CA_CERT", ca),
            ("NO_PROXY", String::new()),
            ("no_proxy", String::new()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The account's name.
    pub fn username(&self) -> &str {
        &self.state.options.username
    }

    /// The account's password, plain; rclone's config wants it obscured.
    pub fn password(&self) -> &str {
        &self.state.options.password
    }

    /// What is on the drive.
    pub fn drive(&self) -> &Drive {
        &self.state.drive
    }

    /// Shorthand for [`Drive::duplicate_folders`].
    pub fn duplicate_folders(&self) -> DuplicateFolders {
        self.state.drive.duplicate_folders()
    }

    /// Uploads that were opened and not closed, in no order. Their files exist already, as they
    /// were before.
    pub fn open_uploads(&self) -> Vec<OpenUpload> {
        self.state.open_uploads()
    }

    /// How many connections to dev.opendrive.com were begun, whether they came to be or not.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// What was called since the start or the last [`reset_calls`](Self::reset_calls).
    pub fn calls(&self) -> Calls {
        self.state.calls.calls()
    }

    /// The finished calls in the order of their ends; empty if [`Options::log_calls`] is off.
    pub fn call_log(&self) -> Vec<CallRecord> {
        self.state.calls.records()
    }

    /// Zeroes the counters and empties the log.
    pub fn reset_calls(&self) {
        self.state.calls.reset();
    }

    /// Makes each call from now on wait so long before it is answered. Timers are exact to about 1
    /// ms.
    pub fn set_latency(&self, latency: Duration) {
        self.state.set_latency(latency);
    }

    /// How the drive behaves now.
    pub fn behaviour(&self) -> Behaviour {
        Behaviour::clone(&self.state.behaviour.get())
    }

    /// Changes how the drive behaves, for calls that arrive from now on.
    pub fn change_behaviour<T>(&self, change: impl FnOnce(&mut Behaviour) -> T) -> T {
        self.state.behaviour.change(change)
    }

    /// Begins a new day: nothing of the daily volume is used.
    pub fn reset_volume(&self) {
        self.state.volume_used.store(0, Ordering::Relaxed);
    }

    /// Logs in on the website, where the captcha is solved: the next login is judged by its
    /// password again.
    pub fn solve_captcha(&self) {
        self.state.sessions.forget_failures();
    }

    /// Makes all sessions invalid: every call answers 401 until it comes with a new login's
    /// session.
    pub fn expire_sessions(&self) {
        self.state.sessions.expire_all();
    }

    /// Adds an entry to the plan of faults.
    pub fn add_fault(&self, fault: Fault) {
        self.state.faults.add(fault);
    }

    /// Replaces the plan of faults; an empty one ends them all.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.state.faults.replace(faults);
    }

    /// The plan of faults, and how often each has fired.
    pub fn faults(&self) -> Vec<(Fault, u64)> {
        self.state.faults.all()
    }

    /// The faults which have never fired. A test should end by asserting that there are none.
    pub fn unused_faults(&self) -> Vec<Fault> {
        self.state.faults.unused()
    }

    /// Makes a folder impossible to list from now on (403), see [`Fault::unlistable`].
    pub fn make_unlistable(&self, path: &str) {
        self.add_fault(Fault::unlistable(path));
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        // A runtime must not be stopped on an async thread, where a test may well drop us: so not
        // on this one.
        let stopping = std::thread::spawn(move || runtime.shutdown_timeout(STOP));
        // A panic there was printed already.
        let _ = stopping.join();
    }
}
