//! The account: from options, standard input, the environment, or whoever sits at the terminal.
//! Never from an argument, which every user of the machine can read.

use std::io::{self, BufRead, Write};

use terminal::ask::{can_ask, first_line};
use terminal::exit::{Exit, Failure};
use terminal::signals::{Signal, Signals};
use terminal::text;

/// The variable with the account's name.
const USERNAME: &str = "PLAKAR_OPENDRIVE_USERNAME";

/// The variable with its password.
const PASSWORD: &str = "PLAKAR_OPENDRIVE_PASSWORD";

/// The variable with the path of a file whose first line is the password.
const PASSWORD_FILE: &str = "PLAKAR_OPENDRIVE_PASSWORD_FILE";

/// An account. It has no `Debug` form, which would show the password.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

/// Finds out the account. What is not given is asked for, if there is a terminal.
pub(super) fn find(
    username: Option<String>,
    password_on_stdin: bool,
) -> Result<Credentials, Failure> {
    let username = match username.or_else(|| variable(USERNAME)) {
        Some(username) => username,
        None if can_ask() && !password_on_stdin => ask_username()?,
        None => {
            return Err(missing(
                "user name",
                &format!("give --username, where the command has it, or set {USERNAME}"),
            ));
        }
    };
    if username.trim().is_empty() || username.contains(char::is_control) {
        return Err(Failure::usage(
            "the user name is empty or has a control character in it: write the address that you log in with",
        ));
    }
    let password = if password_on_stdin {
        first_line(io::stdin().lock(), "standard input")?
    } else if let Some(password) = variable(PASSWORD) {
        password
    } else if let Some(path) = variable(PASSWORD_FILE) {
        let file = std::fs::File::open(&path).map_err(|error| {
            Failure::new(
                Exit::Configuration,
                format!("cannot open {path:?}, which {PASSWORD_FILE} names: {error}"),
            )
        })?;
        first_line(file, &format!("{path:?}, which {PASSWORD_FILE} names,"))?
    } else if can_ask() {
        ask_password(&username)?
    } else {
        return Err(missing(
            "password",
            &format!(
                "give it by --password-stdin, where the command has it, or set {PASSWORD_FILE} or {PASSWORD}"
            ),
        ));
    };
    if password.is_empty() {
        return Err(Failure::usage("the password is empty"));
    }
    Ok(Credentials { username, password })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn missing(what: &str, advice: &str) -> Failure {
    Failure::usage(format!("there is no {what}, and no terminal to ask at: {advice}"))
}

fn ask_username() -> Result<String, Failure> {
    let mut line = String::new();
    // Not on standard output, which may go to Plakar.
    let asked = write!(io::stderr(), "OpenDrive user name: ")
        .and_then(|()| io::stdin().lock().read_line(&mut line));
    match asked {
        Ok(count) if count > 0 => Ok(line.trim().to_owned()),
        _ => Err(Failure::silent(Exit::Signal(Signal::Interrupt))),
    }
}

fn ask_password(username: &str) -> Result<String, Failure> {
    // Ctrl-C must not end the process while the terminal shows nothing of what is typed: rpassword
    // raises the signal before it sets the terminal right again, and goes on where somebody
    // listens.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let _signals = runtime.as_ref().map(|runtime| {
        let _context = runtime.enter();
        Signals::listen()
    });
    rpassword::prompt_password(format!("Password of {}: ", text::line(username))).map_err(|error| {
        match error.kind() {
            io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof => {
                Failure::silent(Exit::Signal(Signal::Interrupt))
            }
            _ => Failure::new(Exit::Failed, format!("cannot ask for the password: {error}")),
        }
    })
}
