//! Who is told how apps are, programs that ask, and passwords of accounts.

pub mod credentials;
pub mod notifications;
pub mod tokens;
