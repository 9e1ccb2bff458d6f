//! `app words`.

use source_app::service::Classification;
use source_app::state::WordKind;

use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{Output, shown};

/// The environments and data classes that forms offer, and where they are used
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct WordsCommand {
    #[command(subcommand)]
    action: WordsAction,
}

#[derive(Debug, clap::Subcommand)]
enum WordsAction {
    List(ListWords),
    /// Add one; it is said if no policy matches it
    Add(OneWord),
    /// Remove one that no app and no policy uses
    Remove(OneWord),
}

/// List them, with the apps and policies that use them
#[derive(Debug, clap::Args)]
struct ListWords {
    /// Print a JSON object for each, in a line: kind, word, offered, apps, policies, matched
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[group(id = "word", multiple = false, required = true)]
struct OneWord {
    /// An environment
    #[arg(long, value_name = "WORD")]
    environment: Option<String>,
    /// A data class
    #[arg(long, value_name = "WORD")]
    data_class: Option<String>,
}

impl OneWord {
    fn named(self) -> (WordKind, String) {
        match (self.environment, self.data_class) {
            (Some(word), _) => (WordKind::Environment, word),
            (None, word) => (WordKind::DataClass, word.unwrap_or_default()),
        }
    }
}

impl WordsCommand {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            WordsAction::List(list) => list.run(opened, out).await?,
            WordsAction::Add(word) => {
                let (kind, word) = word.named();
                let added = opened.service.add_word(kind, &word).await?;
                say(&format!("the {kind} {} is offered in forms now", shown(&added.word.word)));
                if let Some(warning) = added.warning {
                    say(&shown(&warning));
                }
            }
            WordsAction::Remove(word) => {
                let (kind, word) = word.named();
                opened.service.remove_word(kind, &word).await?;
                say(&format!("the {kind} {} is no longer offered", shown(&word)));
            }
        }
        Ok(Exit::Done)
    }
}

impl ListWords {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<(), Failure> {
        let Classification { environments, data_classes } = opened.service.classification().await?;
        for one in environments.iter().chain(&data_classes) {
            if self.json {
                out.json(one)?;
                continue;
            }
            let users: Vec<String> = one
                .apps
                .iter()
                .map(|name| format!("app {name}"))
                .chain(one.policies.iter().map(|name| format!("policy {name}")))
                .collect();
            let used = if users.is_empty() { "not used".to_owned() } else { users.join(", ") };
            let unmatched = if one.matched { "" } else { "  no policy matches it" };
            out.line(&format!("{:<12} {}  {used}{unmatched}", one.kind, shown(&one.word)))?;
        }
        Ok(())
    }
}
