//! `config`: asks at a terminal, and what it prints goes through the real Plakar.

mod common;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::command::{Person, finish};
use common::plakar::{Plakar, plakar};
use common::{executable, place::noise};
use opendrive_sim::{Fault, Options, Simulator, What};
use rexpect::session::{Options as Terminal, PtySession, spawn_with_options};
use serde_json::{Value, json};

const SECONDS: u64 = 30_000;

/// Starts a command at a terminal.
fn at_terminal(mut command: Command) -> PtySession {
    // The terminal takes their place.
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    spawn_with_options(command, Terminal::new().timeout_ms(Some(SECONDS))).unwrap()
}

fn status(session: &PtySession) -> rexpect::process::wait::WaitStatus {
    session.process().wait().unwrap()
}
