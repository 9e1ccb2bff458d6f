//! The commands of one executable as another completes them: as JSON, from one to the other.
//!
//! `plakar-opendrive` hands `app` and `console` over unparsed, so it knows none of their options;
//! the executable that does prints them.

use clap::builder::{PossibleValue, Str};
use clap::{Arg, ArgAction, Command, ValueHint};
use serde::{Deserialize, Serialize};

/// A command, as far as completions show it.
#[derive(Debug, Serialize, Deserialize)]
pub struct CommandTree {
    name: String,
    about: Option<String>,
    arguments: Vec<Argument>,
    subcommands: Vec<CommandTree>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Argument {
    id: String,
    long: Option<String>,
    short: Option<char>,
    help: Option<String>,
    takes_value: bool,
    repeated: bool,
    values: Vec<(String, Option<String>)>,
    hint: String,
}

impl CommandTree {
    /// Of a command and those below it, without what is hidden.
    #[must_use]
    pub fn of(command: &Command) -> Self {
        let shown = |argument: &&Arg| {
            !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
        };
        let below = command
            .get_subcommands()
            .filter(|below| !below.is_hide_set() && below.get_name() != "help");
        Self {
            name: command.get_name().to_owned(),
            about: command.get_about().map(ToString::to_string),
            arguments: command.get_arguments().filter(shown).map(Argument::of).collect(),
            subcommands: below.map(Self::of).collect(),
        }
    }

    /// The command again, for completions: it parses nothing that it should not, and runs nothing.
    #[must_use]
    pub fn command(self) -> Command {
        let mut command = Command::new(leaked(self.name));
        if let Some(about) = self.about {
            command = command.about(about);
        }
        command
            .args(self.arguments.into_iter().map(Argument::arg))
            .subcommands(self.subcommands.into_iter().map(Self::command))
    }

    /// The commands directly below.
    pub fn subcommands(self) -> impl Iterator<Item = Self> {
        self.subcommands.into_iter()
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Argument {
    fn of(argument: &Arg) -> Self {
        let value = |value: &PossibleValue| {
            (value.get_name().to_owned(), value.get_help().map(ToString::to_string))
        };
        Self {
            id: argument.get_id().to_string(),
            long: argument.get_long().map(str::to_owned),
            short: argument.get_short(),
            help: argument.get_help().map(ToString::to_string),
            takes_value: argument.get_action().takes_values(),
            repeated: matches!(argument.get_action(), ArgAction::Append),
            values: argument
                .get_possible_values()
                .iter()
                .filter(|value| !value.is_hide_set())
                .map(value)
                .collect(),
            hint: format!("{:?}", argument.get_value_hint()),
        }
    }

    fn arg(self) -> Arg {
        let action = match (self.takes_value, self.repeated) {
            (false, _) => ArgAction::SetTrue,
            (true, false) => ArgAction::Set,
            (true, true) => ArgAction::Append,
        };
        let mut arg = Arg::new(leaked(self.id)).action(action);
        if let Some(long) = self.long {
            arg = arg.long(leaked(long));
        }
        if let Some(short) = self.short {
            arg = arg.short(short);
        }
        if let Some(help) = self.help {
            arg = arg.help(help);
        }
        if !self.takes_value {
            return arg;
        }
        let values = self.values.into_iter().map(|(name, help)| {
            let value = PossibleValue::new(leaked(name));
            match help {
                Some(help) => value.help(help),
                None => value,
            }
        });
        let values: Vec<PossibleValue> = values.collect();
        if values.is_empty() {
            arg.value_hint(self.hint.parse().unwrap_or(ValueHint::Unknown))
        } else {
            arg.value_parser(values)
        }
    }
}

/// A name for clap, which keeps names for as long as the process lives: a process completes once.
fn leaked(name: String) -> Str {
    let name: &'static str = name.leak();
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(command: &mut Command) -> String {
        let mut script = Vec::new();
        clap_complete::generate(clap_complete::Shell::Zsh, command, "it", &mut script);
        String::from_utf8(script).unwrap()
    }

    /// The command that comes out is completed as the one that went in.
    #[test]
    fn nothing_is_lost_on_the_way() {
        let below = Command::new("below").about("Does it").args([
            Arg::new("name").help("Which"),
            Arg::new("file")
                .long("file")
                .short('f')
                .help("From where")
                .value_hint(ValueHint::FilePath),
            Arg::new("kind").long("kind").value_parser(["one", "two"]),
            Arg::new("more").long("more").action(ArgAction::Append),
            Arg::new("yes").long("yes").action(ArgAction::SetTrue),
        ]);
        let mut command = Command::new("it")
            .about("All")
            .subcommand(below)
            .subcommand(Command::new("secret").hide(true));
        let tree = serde_json::to_string(&CommandTree::of(&command)).unwrap();
        let mut again = serde_json::from_str::<CommandTree>(&tree).unwrap().command();
        let shown = script(&mut again);
        for part in [
            "below",
            "Does it",
            "--file",
            "-f",
            "From where",
            "_files",
            "one two",
            "--yes",
            "Which",
        ] {
            assert!(shown.contains(part), "{part} is missing in {shown}");
        }
        assert!(!tree.contains("secret"), "{tree}");
        let mut without = Command::new("it")
            .about("All")
            .subcommand(command.find_subcommand("below").unwrap().clone());
        assert_eq!(shown, script(&mut without));
        command.build();
    }
}
