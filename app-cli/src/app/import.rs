//! `app import`: apps from the rows of a table.

use std::collections::HashSet;
use std::path::PathBuf;

use plakar_driver::Options;
use source_app::model::{Retention, plain_text};
use source_app::service::{Assign, Error, SecondStore};
use source_app::state::{App, AppKind};

use super::assign::blank;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::Output;

/// Maximum size of a table, in bytes.
const MAX_TABLE_BYTES: u64 = 4 << 20;

/// Maximum length of a fault that is said, in letters.
const MAX_FAULT_LETTERS: usize = 1000;

/// Between several values of one cell.
const SEPARATOR: char = '|';

/// The columns that have fixed names.
const COLUMNS: [&str; 16] = [
    "name",
    "kind",
    "resource",
    "class",
    "subclass",
    "environment",
    "data_classes",
    "integration",
    "protocol",
    "store",
    "second_store",
    "labels",
    "keep_daily",
    "keep_weekly",
    "keep_monthly",
    "keep_yearly",
];

/// Begin the columns of what a connector needs, and a store's.
const PREFIXES: [&str; 3] = ["option.", "store.", "second_store."];

/// Assign the apps of a CSV file, all of them or none
///
/// The first line has the columns' names: name, kind (source or destination; source if it is left
/// out), resource, class, subclass, environment, data_classes, integration, protocol, store,
/// second_store, labels, keep_daily, keep_weekly, keep_monthly, keep_yearly; and option.KEY,
/// store.KEY and second_store.KEY for what a connector needs. Values are separated by commas, or by
/// semicolons if the first line has more of these; several values of one cell by |. A secret is not
/// written into the table but named, such as file:/etc/secret or env:NAME. Each login and each store
/// is tested; stores have to be there.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The table
    file: PathBuf,
    /// Only say whether all of it could be assigned; nothing is saved
    #[arg(long)]
    check: bool,
    /// Without a test of the logins and the stores, for drives that are away now
    #[arg(long)]
    no_test: bool,
    /// Print a JSON object for each app, in a line
    #[arg(long, conflicts_with = "check")]
    json: bool,
}

/// A row as it was read, and where it begins.
struct TableRow {
    line: u64,
    assign: Assign,
}

impl Import {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let shown = self.file.display().to_string();
        let text = read(&self.file)?;
        let rows = rows(&text, self.no_test).map_err(|faults| refused(&shown, &faults))?;
        let lines: Vec<u64> = rows.iter().map(|row| row.line).collect();
        let all = rows.into_iter().map(|row| row.assign).collect();
        let made = opened.service.assign_all(all, self.check).await.map_err(|errors| {
            let faults = errors.iter().flat_map(|(place, error)| told(lines[*place], error));
            refused(&shown, &faults.collect::<Vec<_>>())
        })?;
        if self.check {
            let apps = if lines.len() == 1 { "1 app" } else { &format!("{} apps", lines.len()) };
            say(&format!("{shown}: {apps} can be assigned; nothing was saved"));
            return Ok(Exit::Done);
        }
        for App { spec, .. } in &made {
            if !self.json {
                out.line(&format!("{} {}", spec.kind, spec.name))?;
            }
        }
        if self.json {
            made.iter().try_for_each(|app| out.json(app))?;
        }
        Ok(Exit::Done)
    }
}

fn read(file: &std::path::Path) -> Result<String, Failure> {
    let wrong = |why: String| Failure::usage(format!("{}: {why}", file.display()));
    let size =
        std::fs::metadata(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if size.len() > MAX_TABLE_BYTES {
        let most = MAX_TABLE_BYTES >> 20;
        return Err(wrong(format!("is larger than {most} MiB; split it")));
    }
    let bytes = std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let text = String::from_utf8(bytes);
    text.map_err(|_| wrong("is not UTF-8; save it as \"CSV UTF-8\"".into()))
}

/// Says each fault in a line of its own.
fn refused(file: &str, faults: &[String]) -> Failure {
    // What is in a table may be anything.
    let line = |fault: &String| plain_text(&format!("{file}, {fault}"), MAX_FAULT_LETTERS);
    faults.iter().for_each(|fault| say(&line(fault)));
    let count = match faults.len() {
        1 => "1 fault".to_owned(),
        count => format!("{count} faults"),
    };
    Failure::usage(format!("{file}: {count}, so nothing was saved"))
}

/// What the service says of a row, by the columns that it names.
fn told(line: u64, error: &Error) -> Vec<String> {
    let Error::Faults(faults) = error else {
        return vec![format!("line {line}: {error}")];
    };
    let column = |key: &str| {
        let is_store = PREFIXES[1..].iter().any(|prefix| key.starts_with(prefix));
        if is_store { key.to_owned() } else { format!("option.{key}") }
    };
    let fault = |fault: &plakar_driver::schema::Fault| match &fault.key {
        Some(key) => format!("line {line}, column {}: {}", column(key), fault.message),
        None => format!("line {line}: {}", fault.message),
    };
    faults.iter().map(fault).collect()
}

/// The rows of a table, or all that is wrong with it.
fn rows(text: &str, skip_test: bool) -> Result<Vec<TableRow>, Vec<String>> {
    // Between these two the reader of tables counts a line too few.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let first = text.lines().next().unwrap_or_default();
    let count = |sign: char| first.chars().filter(|letter| *letter == sign).count();
    let delimiter = if count(';') > count(',') { b';' } else { b',' };
    let mut settings = csv::ReaderBuilder::new();
    settings.delimiter(delimiter).trim(csv::Trim::All);
    let mut reader = settings.from_reader(text.as_bytes());
    let columns: Vec<String> = match reader.headers() {
        Ok(columns) => columns.iter().map(str::to_owned).collect(),
        Err(error) => return Err(vec![unread(&error)]),
    };
    let mut faults = wrong_columns(&columns);
    if !faults.is_empty() {
        return Err(faults);
    }
    let (mut rows, mut names) = (Vec::new(), HashSet::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(unread(&error));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cells = columns.iter().map(String::as_str).zip(record.iter());
        let filled = cells.filter(|(_, value)| !value.is_empty());
        match row(filled, skip_test) {
            Ok(assign) => {
                if !names.insert((assign.kind, assign.name.clone())) {
                    let what = format!("{} {}", assign.kind, assign.name);
                    faults.push(format!(
                        "line {line}, column name: there is a {what} above; write another name"
                    ));
                }
                rows.push(TableRow { line, assign });
            }
            Err(wrong) => {
                faults.extend(wrong.into_iter().map(|wrong| format!("line {line}, {wrong}")));
            }
        }
    }
    if rows.is_empty() && faults.is_empty() {
        faults.push("line 2: there is no app; write one in each line".into());
    }
    if faults.is_empty() { Ok(rows) } else { Err(faults) }
}

/// What the reader of tables says, in our words where they are better.
fn unread(error: &csv::Error) -> String {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "line {line}: it has {len} values, and the first line names {expected_len} columns; write as many, or put values with separators in them into quotes"
        ),
        _ => format!("line {line}: it cannot be read: {error}"),
    }
}

fn wrong_columns(columns: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for (place, name) in columns.iter().enumerate() {
        let key = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
        if !COLUMNS.contains(&name.as_str()) && key.is_none_or(str::is_empty) {
            let shown: String = name.escape_debug().take(70).collect();
            faults.push(format!(
                "line 1, column {}: there is no column \"{shown}\"; write one of {}, or option.KEY",
                place + 1,
                COLUMNS.join(", ")
            ));
        } else if columns[..place].contains(name) {
            faults.push(format!("line 1, column {}: {name} is there twice", place + 1));
        }
    }
    if !columns.iter().any(|name| name == "name") {
        faults.push("line 1: the column name is missing".into());
    }
    faults
}

/// The app of a row, or all that is wrong with it.
fn row<'a>(
    cells: impl Iterator<Item = (&'a str, &'a str)>,
    skip_test: bool,
) -> Result<Assign, Vec<String>> {
    let mut faults = Vec::new();
    let mut app = Assign { skip_test, ..blank(AppKind::Source, String::new()) };
    let mut second = SecondStore::default();
    let mut keep = Retention::default();
    let several = |value: &str| -> Vec<String> {
        let parts = value.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    for (column, value) in cells {
        let text = || value.to_owned();
        let mut number = |place: &mut u32| match value.parse() {
            Ok(number) => *place = number,
            Err(_) => faults.push(format!(
                "column {column}: \"{}\" is not a valid number; write a whole number of 0 or more",
                value.escape_debug().take(70).collect::<String>()
            )),
        };
        match column {
            "name" => app.name = text(),
            "kind" => match value.parse() {
                Ok(kind) => app.kind = kind,
                Err(error) => faults.push(format!("column kind: {error}")),
            },
            "resource" => app.resource.name = text(),
            "class" => app.resource.class = text(),
            "subclass" => app.resource.subclass = text(),
            "environment" => app.environment = text(),
            "data_classes" => app.data_classes = several(value),
            "integration" => app.integration = Some(text()),
            "protocol" => app.protocol = Some(text()),
            "store" => app.store = Some(text()),
            "second_store" => second.place = text(),
            "labels" => app.backup.labels = several(value),
            "keep_daily" => number(&mut keep.daily),
            "keep_weekly" => number(&mut keep.weekly),
            "keep_monthly" => number(&mut keep.monthly),
            "keep_yearly" => number(&mut keep.yearly),
            column => {
                let places = [&mut app.options, &mut app.store_options, &mut second.options];
                for (prefix, options) in PREFIXES.iter().zip(places) {
                    if let Some(key) = column.strip_prefix(prefix) {
                        faults.extend(option(options, column, key, value));
                    }
                }
            }
        }
    }
    if app.name.is_empty() {
        faults.push("column name: it is missing; write the app's name".into());
    }
    app.retention = keep;
    let has_second = !second.place.is_empty() || !second.options.is_empty();
    app.second_store = has_second.then_some(second);
    if faults.is_empty() { Ok(app) } else { Err(faults) }
}

/// Takes an option. A table is a file that many may read, so no secret is in it.
fn option(options: &mut Options, column: &str, key: &str, value: &str) -> Option<String> {
    if plakar_driver::schema::is_secret(key) && !source_app::service::names_secret(value) {
        return Some(format!(
            "column {column}: a secret is not written into a table; write where it is, such as file:/etc/secret, env:NAME or vault:PATH#FIELD"
        ));
    }
    options.insert(key.to_owned(), value.to_owned());
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        rows(text, false).err().unwrap_or_default()
    }

    #[test]
    fn a_table_becomes_apps() {
        let text = "\u{feff}name;kind;resource;data_classes;store;option.location;option.password;keep_daily\r\n\
            one;;\"My \"\"drive\"\"; old\";PII | letters;/srv/vault;opendrive://A;file:/etc/one;7\r\n\
            two;destination;;;;opendrive://B;env:TWO;\r\n";
        let rows = rows(text, true).unwrap();
        let one = &rows[0].assign;
        assert_eq!((one.kind, one.name.as_str(), rows[0].line), (AppKind::Source, "one", 2));
        assert_eq!(one.resource.name, "My \"drive\"; old");
        assert_eq!(one.data_classes, ["PII", "letters"]);
        assert_eq!((one.retention.daily, one.skip_test), (7, true));
        assert_eq!(one.options["password"], "file:/etc/one");
        let two = &rows[1].assign;
        assert_eq!((two.kind, two.store.as_deref(), rows[1].line), (AppKind::Destination, None, 3));
    }

    #[test]
    fn all_that_is_wrong_is_told_by_line_and_column() {
        assert_eq!(faults("name"), ["line 2: there is no app; write one in each line"]);
        let wrong = faults("nam,store,store,option.\na,b,c,d\n");
        assert!(
            wrong[0].starts_with(
                "line 1, column 1: there is no column \"nam\"; write one of name, kind,"
            )
        );
        assert_eq!(wrong[1], "line 1, column 3: store is there twice");
        assert!(wrong[2].starts_with("line 1, column 4: there is no column \"option.\""));
        assert_eq!(wrong[3], "line 1: the column name is missing");
        let text = "name,kind,keep_daily,option.password\n\
            a,sauce,x,hunter2\n\
            b,source,1\n\
            ,,,\n\
            \"c\nd\",,-1,\n\
            e,,,\n\
            e,,,env:X\n";
        let wrong = faults(text);
        for (place, begin) in [
            (
                0,
                "line 2, column kind: \"sauce\" is not a valid kind of app; write one of: source, destination",
            ),
            (1, "line 2, column keep_daily: \"x\" is not a valid number"),
            (
                2,
                "line 2, column option.password: a secret is not written into a table; write where",
            ),
            (3, "line 3: it has 3 values, and the first line names 4 columns"),
            (4, "line 4, column name: it is missing"),
            (5, "line 5, column keep_daily: \"-1\" is not a valid number"),
            (6, "line 8, column name: there is a source e above"),
        ] {
            assert!(wrong[place].starts_with(begin), "{place}: {wrong:#?}");
        }
        assert_eq!(wrong.len(), 7, "{wrong:#?}");
        assert!(!wrong.concat().contains("hunter2"));
    }
}
