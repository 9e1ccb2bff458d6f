//! `console`: the web pages, and the scheduler beside them.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use plakar_driver::CancellationToken;
use web_console::StateTokens;
use web_console::server::{Listen, PasswordHash, Server, TlsFiles, hash_password};

use crate::console_options::ConsoleOptions;
use crate::console_unit;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::ask::first_line;
use terminal::ask::{can_ask, secret};
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::Output;
use terminal::runtime::{on_runtime, or_signal};
use terminal::signals::Signals;
use terminal::text;

/// Serve the console, a web page on what `app` works on, and run what its schedules make due
///
/// The address to open first is printed; it lets its first user in, once. Other machines reach the
/// console only over TLS, and with a password. SIGINT and SIGTERM end what runs in order; what was
/// due is run once more by whoever looks next.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Console {
    #[command(subcommand)]
    action: Option<ConsoleAction>,
    #[command(flatten)]
    options: ConsoleOptions,
}

#[derive(Debug, clap::Subcommand)]
enum ConsoleAction {
    /// Ask for a password twice, and print the line that belongs into the password file
    Password,
    Unit(Box<console_unit::Unit>),
}

impl Console {
    pub(crate) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            Some(ConsoleAction::Password) => password(out),
            Some(ConsoleAction::Unit(unit)) => unit.run(out),
            None => on_runtime(self.options.serve(out)),
        }
    }
}

impl ConsoleOptions {
    async fn serve(self, out: &mut Output) -> Result<Exit, Failure> {
        let listening = Signals::listen();
        let mut signals = listening.map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot listen to signals: {error}"))
        })?;
        let tls = self
            .tls_certificate
            .zip(self.tls_key)
            .map(|(certificate, key)| TlsFiles { certificate, key });
        let password = self.password_file.as_deref().map(PasswordHash::read).transpose()?;
        let server = Arc::new(
            Server::bind(Listen { address: self.listen, tls, password, names: self.name }).await?,
        );
        let service = Opened::new(self.state)?.service;
        server.accept_tokens(Arc::new(StateTokens(service.clone())));
        if self.open_metrics {
            server.open_metrics();
        }
        out.line(&server.first_url())?;
        out.flush()?;
        if io::stdin().is_terminal() {
            say("press Enter for another address: each lets one browser in, once");
            let server = Arc::clone(&server);
            // It waits for its terminal until the process ends.
            std::thread::spawn(move || {
                io::stdin().lines().map_while(Result::ok).for_each(|_| say(&server.new_login_url()))
            });
        }
        let (shutdown, scheduler) = (CancellationToken::new(), !self.no_scheduler);
        let schedules = async {
            if let Err(error) = service.remove_leftovers().await {
                say(&text::line(&format!(
                    "what killed restores left could not be removed: {error}"
                )));
            }
            if scheduler {
                service.run_schedules().await;
            } else {
                // What runs them may have stopped: that is told all the same.
                service.watch_apps().await;
            }
        };
        let work = async {
            tokio::join!(
                server.serve(web_console::router(service.clone()), shutdown.clone()),
                schedules
            )
        };
        tokio::pin!(work);
        let signal = tokio::select! {
            _ = &mut work => return Ok(Exit::Done),
            signal = signals.next() => signal,
        };
        say(&format!("{}: ending what runs; once more leaves at once", signal.name()));
        shutdown.cancel();
        let end = async {
            tokio::join!(work, service.stop());
            // A request of the last seconds may have begun a change.
            service.wait().await;
        };
        tokio::select! {
            () = end => Ok(Exit::Done),
            signal = signals.next() => Err(Failure::silent(Exit::Signal(signal))),
        }
    }
}

fn password(out: &mut Output) -> Result<Exit, Failure> {
    let password = if can_ask() {
        on_runtime(or_signal(async {
            let (first, second) = (secret("Password of the console")?, secret("Once more")?);
            if first == second {
                Ok(first)
            } else {
                Err(Failure::new(Exit::Failed, "these were two passwords: nothing was made"))
            }
        }))?
    } else {
        first_line(io::stdin().lock(), "standard input")?
    };
    out.line(&hash_password(&password)?)?;
    Ok(Exit::Done)
}
