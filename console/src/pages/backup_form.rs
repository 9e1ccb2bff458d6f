//! The fields that say what of a source is backed up; their names are those of its options.

use super::form_data::FormData;
use super::forms::Field;
use source_app::model::{BackupOptions, MAX_CONCURRENCY};

/// The fields of options.
pub fn backup_fields(options: &BackupOptions) -> Vec<Field> {
    let number =
        if options.concurrency == 0 { String::new() } else { options.concurrency.to_string() };
    vec![
        Field::lines("ignore", "Leave out", &options.ignore)
            .help("One pattern a line, as in a .gitignore: *.tmp, Cache/, /Documents/Old/**, !keep.tmp. They count from the root of the drive. What is taken in again (!) inside a folder that is left out stays out. Folders that are left out are listed all the same."),
        Field::lines("folders", "These folders only", &options.folders)
            .help("One a line, below the place that is backed up, such as Photos/2024. Nothing entered: all of it."),
        Field::lines("labels", "Labels", &options.labels)
            .help("One a line, such as before the upgrade. Restore points carry them, and lists can be narrowed to them."),
        Field::number("concurrency", "How much Plakar does at once", &number, Some(MAX_CONCURRENCY))
            .help("Nothing entered: Plakar's own choice. Few spare a slow drive or a small machine."),
    ]
}

/// The options that were posted, and the fields again with what was entered and what is wrong. A
/// form without these fields leaves them as they are.
pub fn posted_backup(posted: &FormData, base: &BackupOptions) -> (BackupOptions, Vec<Field>) {
    if posted.raw("ignore").is_none() {
        return (base.clone(), backup_fields(base));
    }
    let concurrency = posted.number("concurrency");
    let options = BackupOptions {
        ignore: posted.lines("ignore"),
        folders: posted.lines("folders"),
        labels: posted.lines("labels"),
        concurrency: *concurrency.as_ref().unwrap_or(&0),
    };
    let mut fields = backup_fields(&options);
    if let (Some(field), Err(error)) = (fields.last_mut(), concurrency) {
        posted.get("concurrency").clone_into(&mut field.value);
        field.error = Some(error);
    }
    (options.tidy(), fields)
}
