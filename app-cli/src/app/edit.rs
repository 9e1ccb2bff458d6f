//! `app edit` and `app remove`.

use plakar_driver::Options;
use source_app::service;
use source_app::state::Resource;

use super::fields::AppDetails;
use super::repeated::list;
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
    /// Make the store if there is none: encrypted, with store.passphrase of --options-stdin or the
    /// line of --passphrase-stdin
    #[arg(long)]
    create_store: bool,
    /// Make the store without encryption: whoever can read its files can read all that is backed up
    #[arg(long, requires = "create_store")]
    unencrypted: bool,
    /// Make the store without compression, for what is compressed already: photos, music, films, archives
    #[arg(long, requires = "create_store")]
    uncompressed: bool,
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
        let (mut store_options, mut second_options) = (Options::new(), Options::new());
        let options = if self.details.has_options() {
            let class = (old.resource.class.as_str(), old.resource.subclass.as_str());
            let form =
                service.form(old.kind, class, Some(&old.integration), Some(&old.protocol)).await?;
            let kept = service.configuration(app.id).await?;
            let kept = kept.into_iter().filter_map(|field| Some((field.field.key, field.value?)));
            let given = self.details.given(Some(&form.schema))?;
            let options = given.over(kept.collect::<Options>());
            store_options = given.store;
            second_options = given.second;
            Some(options)
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
            store_options,
            create_store: self.create_store,
            unencrypted: self.unencrypted,
            uncompressed: self.uncompressed,
            second_store: self.details.second.wish(second_options)?,
            copy_range: self.details.second.range(&old.copy_range),
            skip_test: self.details.no_test,
            retention: self.details.keep.is_given().then(|| self.details.keep.over(old.retention)),
            protection: self.details.protection.over(&old.protection),
            backup: self.details.backup.over(&old.backup),
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
        let with =
            if app.adopted { "schedules and tasks" } else { "schedules, tasks and credentials" };
        ask::confirm(self.yes, &format!("{what} goes, with its {with}")).await?;
        opened.service.remove(app.id).await?;
        let left = if app.adopted {
            format!(
                "; its {} in Plakar's configuration stays, as it was there before",
                app.spec.kind
            )
        } else {
            String::new()
        };
        say(&format!("{what} is removed; what it backed up is still in its store{left}"));
        Ok(Exit::Done)
    }
}
