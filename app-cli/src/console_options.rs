//! The options of `console`, which its unit has too.

use std::net::SocketAddr;
use std::path::PathBuf;

/// How the console listens and what it works on.
#[derive(Debug, clap::Args)]
pub(crate) struct ConsoleOptions {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8780")]
    pub(crate) listen: SocketAddr,
    /// The certificate, as PEM, with those between it and its authority
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its private key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A file with what `console password` prints
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// A further name of this machine that a browser may use, such as backup.example.org; may be
    /// repeated
    #[arg(long, value_name = "HOST")]
    pub(crate) name: Vec<String>,
    /// Run no schedules: something else does, such as cron
    #[arg(long)]
    pub(crate) no_scheduler: bool,
    /// Leave /metrics open to everybody who reaches the console, without a token
    #[arg(long)]
    pub(crate) open_metrics: bool,
    /// Where apps, tasks and schedules are kept [default: plakar-opendrive in $XDG_STATE_HOME or
    /// ~/.local/state]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
}
