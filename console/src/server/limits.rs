//! What one peer may cost.

use std::time::Duration;

/// What one peer may cost. The defaults are meant for people; tests make them smaller.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Maximum number of connections; more wait in the system's queue.
    pub max_connections: usize,
    /// Timeout from the opening of a connection, or its last answer, to the end of a request's
    /// header.
    pub header_timeout: Duration,
    /// Timeout of a TLS handshake.
    pub handshake_timeout: Duration,
    /// Timeout for the body of a request.
    pub body_timeout: Duration,
    /// Timeout of a peer to take a part of an answer that waits for it. Systems take it for the peer
    /// in parts of about a megabyte, so a shorter time would cut off who reads slowly.
    pub write_timeout: Duration,
    /// Maximum size of a request's body, in bytes.
    pub max_body_bytes: usize,
    /// How often the files of the certificate are looked at.
    pub certificate_interval: Duration,
    /// How long answers may go on after the end of the server was asked for.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 256,
            header_timeout: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            max_body_bytes: 1 << 20,
            certificate_interval: Duration::from_secs(60),
            shutdown_timeout: Duration::from_secs(5),
        }
    }
}
