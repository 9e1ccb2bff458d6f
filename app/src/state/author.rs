//! Who changes settings.

use serde::Serialize;

use super::columns::words;

words! {
    /// By which way somebody came.
    ChangeWay, "way" {
        /// By its pages, signed in.
        Console = "console",
        /// By a command on the machine.
        CommandLine = "command line",
        /// By the API, with a token.
        Token = "token",
    }
}

/// Who changes settings: not a person, whom nothing here knows, but the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Author {
    /// The way.
    pub way: ChangeWay,
    /// The name of the token, if it was by one.
    pub token: Option<String>,
}

impl Author {
    /// Somebody at the machine's command line.
    pub fn command_line() -> Self {
        Self { way: ChangeWay::CommandLine, token: None }
    }

    /// Somebody who is signed in.
    pub fn console() -> Self {
        Self { way: ChangeWay::Console, token: None }
    }

    /// A program with the token of this name.
    pub fn token(name: impl Into<String>) -> Self {
        Self { way: ChangeWay::Token, token: Some(name.into()) }
    }
}

impl std::fmt::Display for Author {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.token {
            Some(name) => write!(out, "{} {name}", self.way),
            None => self.way.fmt(out),
        }
    }
}
