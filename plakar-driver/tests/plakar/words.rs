//! Whether the real plakar knows each option that is given to it.

use support::user::Plakar;

/// An option that no command has: the one that plakar must stumble over.
const UNKNOWN: &str = "-no-such-option-of-ours";

/// Plakar reads options from the left and ends at the first that it does not know.
#[test]
fn plakar_knows_every_option_that_is_given_to_it() {
    let user = Plakar::without_package(&support::plakar::plakar(), &[]);
    user.ok(&["at", &user.path("store"), "create", plakar_words::PLAINTEXT]);
    let mut unknown = Vec::new();
    for (command, options) in plakar_words::USED {
        for (option, value) in *options {
            let option =
                value.map_or((*option).to_owned(), |value| plakar_words::with(option, value));
            let store = user.path("store");
            let mut arguments = Vec::new();
            if !command.is_empty() && !alone(command) {
                arguments.extend(["at", &store]);
            }
            arguments.extend(command.split_whitespace());
            arguments.extend([option.as_str(), UNKNOWN]);
            let outcome = user.run(&arguments);
            if outcome.code == Some(0) || !outcome.text().contains(UNKNOWN.trim_start_matches('-'))
            {
                unknown.push(format!("{command} {option}: {}", outcome.text()));
            }
        }
    }
    assert!(unknown.is_empty(), "plakar does not know: {unknown:#?}");
    // What it says of an option that it does not know is understood here.
    let outcome = user.run(&["at", &user.path("store"), "ls", "-no-such-option", UNKNOWN]);
    assert!(!outcome.text().contains(UNKNOWN.trim_start_matches('-')), "{}", outcome.text());
}

/// Whether a command has nothing to do with a store.
fn alone(command: &str) -> bool {
    command.contains(' ') || command == "cached"
}
