//! `hooks.toml`: read strictly, whole or not at all.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::hook::Hook;
use crate::secret::read_private_if_there;
use crate::state::TaskKind;
use crate::toml_faults::TomlText;

/// Its name, in the directory of the state.
pub const HOOKS_FILE: &str = "hooks.toml";

/// How long a command may take if nothing is written of it, in seconds.
const TIMEOUT_SECONDS: u32 = 600;

/// Maximum time limit of a command, in seconds: a day.
const MAX_TIMEOUT_SECONDS: u32 = 86_400;

/// Maximum number of hooks.
const MAX_HOOKS: usize = 100;

/// The commands around tasks.
#[derive(Clone, Debug, Default)]
pub struct HookConfiguration {
    /// In the order of the file.
    pub hooks: Vec<Hook>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HooksFile {
    #[serde(default)]
    hook: Vec<Spanned<HookTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HookTable {
    name: Spanned<String>,
    apps: Option<Spanned<Vec<Spanned<String>>>>,
    tasks: Option<Spanned<Vec<Spanned<String>>>>,
    before: Option<Spanned<Vec<String>>>,
    after: Option<Spanned<Vec<String>>>,
    timeout_seconds: Option<Spanned<u32>>,
}

impl HookConfiguration {
    /// Reads the file of a state's directory; without one there are no hooks.
    ///
    /// # Errors
    ///
    /// One line: it is not safe to use, or what is wrong in which line and what to write.
    pub fn read(directory: &Path) -> Result<Option<Self>, String> {
        let path = directory.join(HOOKS_FILE);
        let Some(text) = read_private_if_there(&path)? else { return Ok(None) };
        Self::parse(&text).map(Some).map_err(|fault| format!("{}, {fault}", path.display()))
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// One line: `line 3: ` and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = TomlText(text);
        let file: HooksFile = toml::from_str(text).map_err(|error| lines.unread(&error))?;
        if let Some(over) = file.hook.get(MAX_HOOKS) {
            let what = format!("[[hook]]: there are more than {MAX_HOOKS}; let one script do more");
            return Err(lines.fault(over.span(), &what));
        }
        let mut names = BTreeSet::new();
        let read = |table: &Spanned<HookTable>| hook(lines, table, &mut names);
        let hooks = file.hook.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { hooks })
    }
}

fn hook(
    lines: TomlText<'_>,
    table: &Spanned<HookTable>,
    names: &mut BTreeSet<String>,
) -> Result<Hook, String> {
    let place = table.span();
    let table = table.get_ref();
    let name = table.name.get_ref().clone();
    if !plakar_driver::Name::is_valid(&name) {
        let what =
            "name: write 1 to 63 of a-z, 0-9, \".\", \"_\" and \"-\", the first a letter or digit";
        return Err(lines.fault(table.name.span(), what));
    }
    if !names.insert(name.clone()) {
        return Err(
            lines.fault(table.name.span(), "name: another hook has this name; choose another")
        );
    }
    let apps = apps(lines, table)?;
    let tasks = tasks(lines, table)?;
    let before = command(lines, "before", table.before.as_ref())?;
    let after = command(lines, "after", table.after.as_ref())?;
    if before.is_none() && after.is_none() {
        let what =
            "it runs nothing; write before or after, such as before = [\"/usr/local/bin/dump\"]";
        return Err(lines.fault(place, what));
    }
    let seconds = table.timeout_seconds.as_ref().map_or(TIMEOUT_SECONDS, |given| *given.get_ref());
    if let Some(given) =
        table.timeout_seconds.as_ref().filter(|_| !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds))
    {
        let what = format!("timeout_seconds: write 1 to {MAX_TIMEOUT_SECONDS}");
        return Err(lines.fault(given.span(), &what));
    }
    Ok(Hook { name, apps, tasks, timeout: Duration::from_secs(seconds.into()), before, after })
}

fn apps(lines: TomlText<'_>, table: &HookTable) -> Result<Vec<String>, String> {
    let Some(given) = &table.apps else { return Ok(Vec::new()) };
    if given.get_ref().is_empty() {
        let what = "apps: it names none; write at least one, or leave it out for all";
        return Err(lines.fault(given.span(), what));
    }
    let read = |app: &Spanned<String>| match plakar_driver::Name::is_valid(app.get_ref()) {
        true => Ok(app.get_ref().clone()),
        false => {
            let what =
                "apps: this is not the name of an app; `plakar-opendrive app list` shows all";
            Err(lines.fault(app.span(), what))
        }
    };
    given.get_ref().iter().map(read).collect()
}

fn tasks(lines: TomlText<'_>, table: &HookTable) -> Result<Vec<TaskKind>, String> {
    let Some(given) = &table.tasks else { return Ok(vec![TaskKind::Backup]) };
    if given.get_ref().is_empty() {
        let what = "tasks: it names none; write at least one, or leave it out for backups";
        return Err(lines.fault(given.span(), what));
    }
    let read = |task: &Spanned<String>| {
        let kind = task.get_ref().parse::<TaskKind>();
        let kind = kind.map_err(|error| lines.fault(task.span(), &format!("tasks: {error}")))?;
        // It may run beside other tasks of its app.
        if kind == TaskKind::Test {
            let what = "tasks: nothing is run around a test; leave it out";
            return Err(lines.fault(task.span(), what));
        }
        Ok(kind)
    };
    given.get_ref().iter().map(read).collect()
}

fn command(
    lines: TomlText<'_>,
    key: &str,
    given: Option<&Spanned<Vec<String>>>,
) -> Result<Option<Vec<String>>, String> {
    let Some(given) = given else { return Ok(None) };
    let words = given.get_ref();
    let is_whole = words.first().is_some_and(|program| Path::new(program).is_absolute());
    if !is_whole || words.iter().any(|word| word.contains('\0')) {
        let what = format!(
            "{key}: write a list of the whole path of a program and its arguments, such as [\"/usr/local/bin/dump\", \"--all\"]"
        );
        return Err(lines.fault(given.span(), &what));
    }
    Ok(Some(words.clone()))
}
