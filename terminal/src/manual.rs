//! A manual page: all commands of an executable on one page.

use std::io;

use crate::exit::TABLE;

/// What is on the page beside the commands.
pub struct Extras<'a> {
    /// Variables that change what a command does, each with its meaning.
    pub environment: &'a [(&'a str, &'a str)],
    /// What people do first: commands, each with what it is for.
    pub examples: &'a [(&'a str, &'a str)],
    /// Other pages of section 1.
    pub see_also: &'a [&'a str],
}

/// Renders the page, in the language of man(7).
///
/// # Errors
/// None that is known: writing into memory does not fail.
pub fn page(command: clap::Command, extras: &Extras<'_>) -> io::Result<Vec<u8>> {
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
    table(&mut text, "ENVIRONMENT", extras.environment);
    table(&mut text, "\"EXIT STATUS\"", &TABLE);
    table(&mut text, "EXAMPLES", extras.examples);
    let others: Vec<String> = extras
        .see_also
        .iter()
        .map(|page| format!("\\fB{}\\fR(1)", page.replace('-', "\\-")))
        .collect();
    text += &format!(".SH \"SEE ALSO\"\n{}\n", others.join(", "));
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
        // It is said once, of app.
        shown = shown.mut_arg("state", |argument| argument.hide(true));
    }
    let manual = clap_mangen::Man::new(shown);
    manual.render_synopsis_section(&mut part)?;
    manual.render_description_section(&mut part)?;
    manual.render_options_section(&mut part)?;
    // Headings of their own would take the page apart.
    let part = String::from_utf8_lossy(&part).into_owned();
    let part = part.lines().filter(|line| {
        !line.starts_with(".ie") && !line.starts_with(".el") && !line.starts_with(".SH SYNOPSIS")
    });
    let name = format!("{above}{}", command.get_name());
    *text +=
        &format!(".SS {}\n", if name.contains(' ') { format!("\"{name}\"") } else { name.clone() });
    for line in part {
        *text += if line.starts_with(".SH ") { ".PP" } else { line };
        text.push('\n');
    }
    command.get_subcommands().try_for_each(|below| section(below, &format!("{name} "), text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('.', "\\&.")
}
