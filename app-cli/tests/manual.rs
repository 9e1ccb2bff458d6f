//! What the executable says of its own commands: the manual page, and the tree that completions are made of.

use std::process::Command;

fn printed(argument: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plakar-opendrive-app")).arg(argument).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `plakar-opendrive-app man > docs/plakar-opendrive-app.1` makes it anew.
#[test]
fn the_manual_page_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/plakar-opendrive-app.1");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        printed("man") == kept,
        "docs/plakar-opendrive-app.1 is not what `plakar-opendrive-app man` prints"
    );
}

#[test]
fn the_commands_are_told_with_their_options() {
    let tree: serde_json::Value = serde_json::from_str(&printed("commands")).unwrap();
    let names = |tree: &serde_json::Value| {
        let below = tree["subcommands"].as_array().unwrap().iter();
        below.map(|below| below["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&tree), ["app", "console"]);
    let app = &tree["subcommands"][0];
    assert!(names(app).iter().any(|name| name == "backup"), "{app}");
    let assign =
        app["subcommands"].as_array().unwrap().iter().find(|below| below["name"] == "assign");
    let options = assign.unwrap()["arguments"].as_array().unwrap().iter();
    assert!(options.clone().any(|option| option["long"] == "create-store"), "{app}");
}
