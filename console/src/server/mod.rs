//! The shell that the console's pages and its API are put into: it listens, knows who may come in,
//! and refuses everybody else before any route is looked at. It knows nothing of what it serves.
//!
//! What an attacker can do who must be kept out: another user of this machine reaches loopback as
//! its owner does; a web page can make the owner's browser send requests here, from a name that it
//! points at this address (DNS rebinding), from another port of the same host (whose cookies and
//! "site" are the same), or by a form. So nothing is open to who has no session, a session begins
//! with a secret that only the owner has seen, `Host` must be a known name, and a change needs a
//! token that no other page can read. Programs bring a token of their own, which no browser sends
//! by itself.

mod access_control;
mod admission;
mod connections;
mod error;
mod headers;
mod hosts;
mod http_server;
mod limits;
mod listen;
mod login_codes;
mod origin;
mod pages;
mod password;
mod secret;
mod session;
mod site_name;
mod throttle;
mod tls;
mod token;
mod write_limit;

pub use error::{Result, ServerError};
pub use http_server::Server;
pub use limits::Limits;
pub use listen::{Listen, TlsFiles};
pub use password::{MIN_PASSWORD_CHARS, PasswordHash, hash_password};
pub use session::Session;
pub use site_name::SiteName;
pub use token::{Grant, TokenCheck};
