//! Questions to whoever sits at the terminal. They go to standard error.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use crate::exit::{Exit, Failure};
use crate::signals::Signal;
use crate::text;

/// No password is longer, in bytes: what is, is another file.
const MAX_PASSWORD_BYTES: u64 = 4096;

/// Whether somebody is there to answer.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn given_up() -> Failure {
    Failure::silent(Exit::Signal(Signal::Interrupt))
}

/// Asks for a line.
pub async fn line(question: &str) -> Result<String, Failure> {
    let question = format!("{}: ", text::line(question));
    // On a thread of its own, so that a signal ends the command meanwhile.
    let asked = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        io::stderr().write_all(question.as_bytes())?;
        let length = io::stdin().lock().read_line(&mut line)?;
        Ok::<_, io::Error>((length > 0).then(|| line.trim().to_owned()))
    });
    match asked.await {
        Ok(Ok(Some(line))) => Ok(line),
        _ => Err(given_up()),
    }
}

/// Asks for one of several.
pub async fn choice(what: &str, choices: &[String]) -> Result<String, Failure> {
    for (number, choice) in choices.iter().enumerate() {
        let _ = writeln!(io::stderr(), "  {}  {}", number + 1, text::line(choice));
    }
    loop {
        let answer = line(&format!("{what} (1 to {})", choices.len())).await?;
        let by_number =
            answer.parse::<usize>().ok().and_then(|number| choices.get(number.checked_sub(1)?));
        if let Some(choice) = by_number.or_else(|| choices.iter().find(|choice| **choice == answer))
        {
            return Ok(choice.clone());
        }
    }
}

/// Asks for a secret, which the terminal does not show. Somebody must listen to signals: see
/// [`crate::signals`].
pub fn secret(question: &str) -> Result<String, Failure> {
    rpassword::prompt_password(format!("{}: ", text::line(question))).map_err(|error| {
        match error.kind() {
            io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof => given_up(),
            _ => Failure::new(Exit::Failed, format!("cannot ask at the terminal: {error}")),
        }
    })
}

/// Asks for a new secret, twice: what nobody sees is easily mistyped.
pub fn new_secret(question: &str) -> Result<String, Failure> {
    let first = secret(question)?;
    if secret(&format!("{question}, again"))? == first {
        return Ok(first);
    }
    Err(Failure::usage("the second was not the same as the first; nothing was done"))
}

/// Asks whether to do something that `--yes` confirms too.
pub async fn confirm(yes: bool, what: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !can_ask() {
        return Err(Failure::usage(format!(
            "{what}: add --yes to confirm it, since there is no terminal to ask at"
        )));
    }
    match line(&format!("{what}: are you sure? (yes or no)")).await?.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Failed, "nothing was done")),
    }
}

/// The first line without its end: what editors and `echo` put there is no part of a password.
pub fn first_line(source: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = source.take(MAX_PASSWORD_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot read the password from {name}: {error}"))
    })?;
    if bytes.len() as u64 > MAX_PASSWORD_BYTES {
        return Err(Failure::usage(format!(
            "{name} has more than {MAX_PASSWORD_BYTES} bytes, which is no password"
        )));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{name} is no UTF-8 text")))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
