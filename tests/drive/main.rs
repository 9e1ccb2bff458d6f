//! The bridge to rclone in this process, and what it makes of OpenDrive: sessions, downloads,
//! certificates, limits, crypt; and signals that interrupt it.
//!
//! The tests share a process, and so what rclone keeps for all of it: the names in its memory,
//! wrapped remotes that are the same, and the passwords that no message may have in it. Each takes
//! names of its own, and no password is a word of a message. What counts or limits things of the
//! whole process runs in a process of its own: `support::alone`.

mod bridge;
mod crypt;
mod downloads;
mod limits;
mod session;
#[cfg(target_os = "linux")]
mod signals;
mod tls;
