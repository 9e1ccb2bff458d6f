//! `app edit` and `app remove`.

use plakar_driver::Options;
use source_app::service;
use source_app::state::Resource;

use super::fields::{AppDetails, list};
use crate::failure::Failure;
use crate::opened::{AppName, Opened};
use terminal::ask;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::Output;

/// Change an app: what is not given stays as it is, secrets too
#[derive(Debug, clap::Args)]
pub(super) struct EditApp {
    #[command(flatten)]
    named: AppName,
    /// Its new name; in Plakar's configuration it keeps the old one
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// What the data is in
    #[arg(long)]
    resource: Option<String>,
    /// The resource's class
    #[arg(long)]
    class: Option<String>,
    /// Its subclass
    #[arg(long)]
    subclass: Option<String>,
    #[command(flatten)]
    details: AppDetails,
    /// Print the app as one JSON object
    #[arg(long)]
    json: bool,
}

impl EditApp {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let service = &opened.service;
        let app = opened.app(&self.named).await?;
        let old = &app.spec;
        let resource = (self.resource.is_some() || self.class.is_some() || self.subclass.is_some())
            .then(|| Resource {
                name: self.resource.unwrap_or_else(|| old.resource.name.clone()),
                class: self.class.unwrap_or_else(|| old.resource.class.clone()),
                subclass: self.subclass.unwrap_or_else(|| old.resource.subclass.clone()),
            });
        let options = if self.details.has_options() {
            let class = (old.resource.class.as_str(), old.resource.subclass.as_str());
            let form =
                service.form(old.kind, class, Some(&old.integration), Some(&old.protocol)).await?;
            let kept = service.configuration(app.id).await?;
            let kept = kept.into_iter().filter_map(|field| Some((field.field.key, field.value?)));
            Some(self.details.options(&form.schema, kept.collect::<Options>())?)
        } else {
            None
        };
        let edit = service::Edit {
            name: self.rename,
            resource,
            environment: self.details.environment.clone(),
            data_classes: (!self.details.data_class.is_empty())
                .then(|| list(&self.details.data_class)),
            options,
            store: self.details.store()?,
            retention: self.details.keep.is_given().then(|| self.details.keep.over(old.retention)),
            protection: None,
        };
        let changed = service.edit(app.id, app.revision, edit).await?;
        if self.json {
            out.json(&changed)?;
        } else {
            say(&format!("the {} {} is changed", changed.spec.kind, changed.spec.name));
        }
        Ok(Exit::Done)
    }
}

/// Remove an app with its schedules, tasks, logs and configuration; what it backed up stays in its
/// store
#[derive(Debug, clap::Args)]
pub(super) struct RemoveApp {
    #[command(flatten)]
    named: AppName,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl RemoveApp {
    pub(super) async fn run(self, opened: &Opened, _: &mut Output) -> Result<Exit, Failure> {
        let app = opened.app(&self.named).await?;
        let what = format!("the {} {}", app.spec.kind, app.spec.name);
        ask::confirm(self.yes, &format!("{what} goes, with its schedules, tasks and credentials"))
            .await?;
        opened.service.remove(app.id).await?;
        say(&format!("{what} is removed; what it backed up is still in its store"));
        Ok(Exit::Done)
    }
}
