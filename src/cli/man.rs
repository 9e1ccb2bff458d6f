//! The manual page, docs/plakar-opendrive.1: all commands on one page.

use std::io;

use super::exit;

/// Variables that change what a command does.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("PLAKAR_OPENDRIVE_USERNAME", "The account, for opendrive://."),
    ("PLAKAR_OPENDRIVE_PASSWORD_FILE", "A file whose first line is its password."),
    ("PLAKAR_OPENDRIVE_PASSWORD", "Its password. Other processes of the same user can read it; a file is better."),
    ("PLAKAR", "The program that knows what @NAME is, and that app and console drive; plakar from PATH if it is not set."),
    ("XDG_STATE_HOME", "Where apps, tasks and schedules are kept, in a folder plakar-opendrive; ~/.local/state if it is not set."),
    ("HTTPS_PROXY, NO_PROXY", "The proxy to the drive."),
    ("RCLONE_CA_CERT", "A file of certificates that are trusted beside those of the system."),
    ("NO_COLOR", "No colours, whatever its value."),
];

/// What people do first.
const EXAMPLES: [(&str, &str); 7] = [
    ("plakar-opendrive config drive --import source", "Ask for the account, test it, and make the source @drive of it."),
    ("plakar-opendrive test @drive", "Find out why a backup fails."),
    ("plakar-opendrive ls -l @drive/Documents", "List a folder of it."),
    ("plakar-opendrive cp opendrive://Documents ./documents", "Fetch what is new in a folder."),
    (
        "plakar-opendrive app assign drive --resource mine --option location=opendrive://Documents --store ./store --create-store",
        "Make a folder of the drive a source, and ask for the rest.",
    ),
    ("plakar-opendrive console", "Back it up, browse and restore it in a browser."),
    ("rclone config show | plakar-opendrive about --config - @mydrive", "See how much room a remote of rclone's has."),
];

/// Renders the page.
pub(super) fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut command = command.after_help("").disable_help_subcommand(true);
    command.build();
    let mut page = Vec::new();
    let main = clap_mangen::Man::new(command.clone()).manual("Plakar integrations").date("");
    main.render_title(&mut page)?;
    main.render_name_section(&mut page)?;
    main.render_synopsis_section(&mut page)?;
    main.render_description_section(&mut page)?;
    let mut text = String::from(".SH COMMANDS\n");
    for subcommand in command.get_subcommands() {
        section(subcommand, "", &mut text)?;
    }
    let table = |text: &mut String, heading: &str, rows: &[(&str, &str)]| {
        *text += &format!(".SH {heading}\n");
        for (term, meaning) in rows {
            *text += &format!(".TP\n\\fB{}\\fR\n{}\n", escaped(term), escaped(meaning));
        }
    };
    table(&mut text, "ENVIRONMENT", &ENVIRONMENT);
    table(&mut text, "\"EXIT STATUS\"", &exit::TABLE);
    table(&mut text, "EXAMPLES", &EXAMPLES);
    text += ".SH \"SEE ALSO\"\n\\fBplakar\\fR(1), \\fBplakar\\-source\\fR(1), \\fBrclone\\fR(1)\n";
    page.extend_from_slice(text.as_bytes());
    Ok(page)
}

/// A command and those below it.
fn section(command: &clap::Command, above: &str, text: &mut String) -> io::Result<()> {
    if command.is_hide_set() || command.get_name() == "help" {
        return Ok(());
    }
    let mut part = Vec::new();
    let mut shown = command.clone();
    if above.starts_with("app ") {
        // Said once, of app.
        shown = shown.mut_arg("state", |argument| argument.hide(true));
    }
    let manual = clap_mangen::Man::new(shown);
    manual.render_synopsis_section(&mut part)?;
    manual.render_description_section(&mut part)?;
    manual.render_options_section(&mut part)?;
    // Headings of their own would take the page apart.
    let part = String::from_utf8_lossy(&part).into_owned();
    let part = part.lines().filter(|line| !line.starts_with(".ie") && !line.starts_with(".el") && !line.starts_with(".SH SYNOPSIS"));
    let name = format!("{above}{}", command.get_name());
    *text += &format!(".SS {}\n", if name.contains(' ') { format!("\"{name}\"") } else { name.clone() });
    for line in part {
        *text += if line.starts_with(".SH ") { ".PP" } else { line };
        text.push('\n');
    }
    command.get_subcommands().try_for_each(|below| section(below, &format!("{name} "), text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('.', "\\&.")
}
