//! What answers are made of, where the service's own types are not meant for JSON.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use plakar_driver::schema::{Field, FieldKind};
use plakar_driver::{self as plakar, EntryKind};
use source_app::service::{ConfiguredField, Form, MissingEntry};
use source_app::state::CheckedPoint;

/// A whole list.
#[derive(Serialize)]
pub(super) struct ListView<T> {
    pub items: Vec<T>,
}

/// A part of a list.
#[derive(Serialize)]
pub(super) struct PageView<T> {
    items: Vec<T>,
    total: Option<u64>,
    more: bool,
}

impl<T> PageView<T> {
    pub(super) fn of<S>(page: plakar::Page<S>, view: impl FnMut(S) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(view).collect(),
            total: page.total,
            more: page.more,
        }
    }

    /// The part of a list that is there as a whole.
    pub(super) fn cut<S>(all: Vec<S>, offset: u64, limit: u64, view: impl FnMut(S) -> T) -> Self {
        let total = all.len() as u64;
        let part = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let items = all.into_iter().skip(part(offset)).take(part(limit)).map(view).collect();
        Self { items, total: Some(total), more: offset.saturating_add(limit) < total }
    }
}

/// A restore point.
#[derive(Serialize)]
pub(super) struct PointView {
    id: String,
    taken: DateTime<Utc>,
    duration_ms: u64,
    name: String,
    job: String,
    environment: String,
    data_classes: Vec<String>,
    labels: Vec<String>,
    ignore: Vec<String>,
    folders_taken: Vec<String>,
    tags: Vec<String>,
    origin: String,
    root: String,
    size: u64,
    files: u64,
    folders: u64,
    errors: u64,
    pinned: bool,
    check: Option<CheckedPoint>,
}

impl PointView {
    /// Of a restore point of an app with these pinned ones, and with what the newest check of it
    /// found.
    pub(super) fn of<T>(
        point: plakar::RestorePoint,
        check: Option<CheckedPoint>,
        pinned: &BTreeMap<String, T>,
    ) -> Self {
        Self {
            pinned: pinned.contains_key(point.id.as_str()),
            id: point.id.to_string(),
            taken: point.taken,
            duration_ms: u64::try_from(point.duration.as_millis()).unwrap_or(u64::MAX),
            name: point.name,
            job: point.job,
            environment: point.environment,
            data_classes: point.classes,
            labels: point.labels,
            ignore: point.scope.ignore,
            folders_taken: point.scope.folders,
            tags: point.tags,
            origin: point.origin,
            root: point.root,
            size: point.size,
            files: point.files,
            folders: point.folders,
            errors: point.errors,
            check,
        }
    }
}

/// The word for what an entry is.
pub(super) fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Folder => "folder",
        EntryKind::File => "file",
        EntryKind::Link => "link",
        EntryKind::Other => "other",
    }
}

/// An entry of a restore point.
#[derive(Serialize)]
pub(super) struct EntryView {
    name: String,
    /// Nothing for a name that cannot be in a path: such an entry can be seen and no more.
    path: Option<String>,
    folder: String,
    kind: &'static str,
    size: u64,
    modified: DateTime<Utc>,
    target: Option<String>,
    content_type: Option<String>,
}

impl From<plakar::Entry> for EntryView {
    fn from(entry: plakar::Entry) -> Self {
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            path: entry.path().ok().map(|path| path.to_string()),
            kind: kind(entry.kind),
            name: entry.name,
            folder: entry.folder,
            size: entry.size,
            modified: entry.modified,
            target: given(entry.target),
            content_type: given(entry.content_type),
        }
    }
}

/// What is in a folder, and what is not although it was on the drive.
#[derive(Serialize)]
pub(super) struct FolderView {
    #[serde(flatten)]
    page: PageView<EntryView>,
    missing: Vec<MissingEntry>,
}

impl FolderView {
    pub(super) fn of(page: plakar::Page<plakar::Entry>, missing: Vec<MissingEntry>) -> Self {
        Self { page: PageView::of(page, EntryView::from), missing }
    }
}

/// An entry that is not in a restore point.
#[derive(Serialize)]
pub(super) struct FailureView {
    path: String,
    reason: String,
}

impl From<plakar::Failure> for FailureView {
    fn from(failure: plakar::Failure) -> Self {
        Self { path: failure.path, reason: failure.reason }
    }
}

/// A field of a form.
#[derive(Serialize)]
pub(super) struct FieldView {
    key: String,
    title: String,
    help: String,
    required: bool,
    default: Option<String>,
    examples: Vec<String>,
    kind: &'static str,
    choices: Vec<String>,
}

impl From<&Field> for FieldView {
    fn from(field: &Field) -> Self {
        let (kind, choices) = match &field.kind {
            FieldKind::Text => ("text", Vec::new()),
            FieldKind::Number { whole: false } => ("number", Vec::new()),
            FieldKind::Number { whole: true } => ("integer", Vec::new()),
            FieldKind::Choice(choices) => ("choice", choices.clone()),
            FieldKind::Boolean => ("boolean", Vec::new()),
            FieldKind::Secret => ("secret", Vec::new()),
        };
        Self {
            key: field.key.clone(),
            title: field.title.clone(),
            help: field.help.clone(),
            required: field.required,
            default: field.default.clone(),
            examples: field.examples.clone(),
            kind,
            choices,
        }
    }
}

/// The form of a connector.
#[derive(Serialize)]
pub(super) struct FormView {
    integration: String,
    protocol: String,
    fields: Vec<FieldView>,
}

impl From<Form> for FormView {
    fn from(form: Form) -> Self {
        let fields = form.schema.fields().iter().map(FieldView::from).collect();
        Self { integration: form.integration, protocol: form.protocol, fields }
    }
}

/// A field with what is configured for it.
#[derive(Serialize)]
pub(super) struct ConfiguredView {
    field: FieldView,
    value: Option<String>,
    set: bool,
}

impl From<ConfiguredField> for ConfiguredView {
    fn from(configured: ConfiguredField) -> Self {
        Self { field: (&configured.field).into(), value: configured.value, set: configured.set }
    }
}
