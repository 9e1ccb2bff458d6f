//! `app resource`.

use source_app::model::HealthVerdict;
use source_app::service::ResourceFilter;
use source_app::state::{ResourceSpec, Task};

use super::lines::time;
use super::repeated::list;
use super::status::{reasons, verdict};
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{ASIDE, Output, coloured, shown};

/// What apps back up and restore to: class, tags, and whether it is covered
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct ResourceCommand {
    #[command(subcommand)]
    action: ResourceAction,
}

#[derive(Debug, clap::Subcommand)]
enum ResourceAction {
    List(ListResources),
    Show(ShowResource),
    Add(AddResource),
    Edit(EditResource),
    Remove(RemoveResource),
}

/// List resources with their class, tags, number of apps and the worst verdict on them
#[derive(Debug, clap::Args)]
struct ListResources {
    /// Those with this in their name, a tag, or the name of an app
    text: Option<String>,
    /// Those of this class
    #[arg(long)]
    class: Option<String>,
    /// Those with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Those with this verdict: "not protected", "at risk", protected or excluded
    #[arg(long, value_name = "VERDICT", value_parser = read_verdict)]
    health: Option<HealthVerdict>,
    /// Print a JSON object for each, in a line: id, revision, by_hand, name, class, subclass, location,
    /// tags, excluded, app_count, uncovered (nothing of it is backed up), health
    #[arg(long)]
    json: bool,
}

/// Show a resource: its apps, its newest restore points, its settings
#[derive(Debug, clap::Args)]
struct ShowResource {
    /// The resource
    name: String,
    /// Print one JSON object: resource, uncovered, health, apps, points
    #[arg(long)]
    json: bool,
}

/// Enter a resource by hand, which no app backs up yet
///
/// Until an app of it is assigned (`app assign NAME --resource RESOURCE`) it counts as not protected,
/// unless it is excluded.
#[derive(Debug, clap::Args)]
struct AddResource {
    /// Its name: what holds the data, in your words
    name: String,
    /// Where it is, such as opendrive://Photos, for its first app; never a password
    #[arg(long, value_name = "PLACE")]
    location: Option<String>,
    /// Plakar's class, such as file-storage [default: what reaches its location]
    #[arg(long)]
    class: Option<String>,
    /// Plakar's subclass
    #[arg(long)]
    subclass: Option<String>,
    /// A tag; may be repeated
    #[arg(long)]
    tag: Vec<String>,
    /// Exclude it from coverage: why it needs no protection
    #[arg(long, value_name = "REASON")]
    exclude: Option<String>,
    /// Print the resource as one JSON object
    #[arg(long)]
    json: bool,
}

/// Remove a resource that has no app
#[derive(Debug, clap::Args)]
struct RemoveResource {
    /// The resource
    name: String,
}

/// Change a resource: what is not given stays as it is
#[derive(Debug, clap::Args)]
struct EditResource {
    /// The resource
    name: String,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// Plakar's class, such as file-storage
    #[arg(long)]
    class: Option<String>,
    /// Plakar's subclass; "" for none
    #[arg(long)]
    subclass: Option<String>,
    /// Where it is, such as opendrive://Photos; "" for nothing
    #[arg(long, value_name = "PLACE")]
    location: Option<String>,
    /// A tag; may be repeated, "" for none
    #[arg(long)]
    tag: Vec<String>,
    /// Exclude it from coverage: why its apps need no protection
    #[arg(long, value_name = "REASON", conflicts_with = "include")]
    exclude: Option<String>,
    /// Have it covered again
    #[arg(long)]
    include: bool,
}

fn read_verdict(text: &str) -> Result<HealthVerdict, String> {
    let found = HealthVerdict::ALL.into_iter().find(|one| one.as_str() == text);
    let all = HealthVerdict::ALL.map(HealthVerdict::as_str).join(", ");
    found.ok_or_else(|| format!("write one of: {all}"))
}

impl ResourceCommand {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            ResourceAction::List(list) => list.run(opened, out).await?,
            ResourceAction::Show(show) => show.run(opened, out).await?,
            ResourceAction::Add(add) => add.run(opened, out).await?,
            ResourceAction::Edit(edit) => edit.run(opened).await?,
            ResourceAction::Remove(remove) => remove.run(opened).await?,
        }
        Ok(Exit::Done)
    }
}

impl ListResources {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<(), Failure> {
        let Self { text, class, tag, health, json } = self;
        let filter = ResourceFilter { text, class, tag, health };
        for one in opened.service.resources(filter).await? {
            if json {
                out.json(&one)?;
                continue;
            }
            let spec = &one.resource.spec;
            let apps = source_app::model::count_text(one.app_count as u64, "app");
            let mut parts = vec![shown(&spec.name), class_of(spec), apps, verdict(one.health)];
            parts.extend(one.uncovered.then(|| "nothing is backed up".to_owned()));
            parts.extend(spec.tags.iter().map(|tag| coloured(ASIDE, &shown(tag))));
            out.line(&parts.join("  "))?;
        }
        Ok(())
    }
}

impl ShowResource {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<(), Failure> {
        let id = opened.service.resource_named(&self.name).await?.id;
        let found = opened.service.resource(id).await?;
        if self.json {
            out.json(&found)?;
            return Ok(());
        }
        let spec = &found.resource.spec;
        out.line(&format!("resource:     {}", shown(&spec.name)))?;
        out.line(&format!("class:        {}", class_of(spec)))?;
        if !spec.location.is_empty() {
            out.line(&format!("location:     {}", shown(&spec.location)))?;
        }
        out.line(&format!("tags:         {}", shown(&spec.tags.join(", "))))?;
        out.line(&format!("health:       {}", verdict(found.health)))?;
        if !spec.excluded.is_empty() {
            out.line(&format!("excluded:     {}", shown(&spec.excluded)))?;
        }
        if found.uncovered {
            out.line("              nothing of it is backed up")?;
        }
        for app in &found.apps {
            let (name, kind) = (&app.app.spec.name, app.app.spec.kind);
            out.line(&format!("{kind:<13} {name}  {}", verdict(app.health.verdict)))?;
            let reasons = reasons(&app.health, "              ");
            reasons.iter().try_for_each(|line| out.line(line))?;
        }
        let name = |task: &Task| {
            let app = found.apps.iter().find(|app| app.app.id == task.app);
            app.map(|app| app.app.spec.name.clone()).unwrap_or_default()
        };
        for task in &found.points {
            let id: String = task.snapshot.iter().flat_map(|id| id.chars().take(8)).collect();
            let at = task.ended.map(time).unwrap_or_default();
            out.line(&format!("point:        {at}  {id}  {}", name(task)))?;
        }
        Ok(())
    }
}

/// # Errors
/// There is no reason in it.
fn reason(exclude: Option<String>) -> Result<Option<String>, Failure> {
    match exclude {
        Some(why) if why.trim().is_empty() => {
            Err(Failure::usage("--exclude: write why it needs no protection"))
        }
        why => Ok(why),
    }
}

impl AddResource {
    async fn run(self, opened: &Opened, out: &mut Output) -> Result<(), Failure> {
        let spec = ResourceSpec {
            name: self.name,
            class: self.class.unwrap_or_default(),
            subclass: self.subclass.unwrap_or_default(),
            location: self.location.unwrap_or_default(),
            tags: self.tag,
            excluded: reason(self.exclude)?.unwrap_or_default(),
        };
        let made = opened.service.add_resource(spec).await?;
        if self.json {
            return Ok(out.json(&made)?);
        }
        let name = shown(&made.spec.name);
        say(&format!(
            "the resource {name} is entered; `plakar-opendrive app assign NAME --resource \"{name}\"` makes an app that backs it up"
        ));
        Ok(())
    }
}

impl RemoveResource {
    async fn run(self, opened: &Opened) -> Result<(), Failure> {
        let found = opened.service.resource_named(&self.name).await?;
        opened.service.remove_resource(found.id).await?;
        say(&format!("the resource {} is removed", shown(&found.spec.name)));
        Ok(())
    }
}

impl EditResource {
    async fn run(self, opened: &Opened) -> Result<(), Failure> {
        let old = opened.service.resource_named(&self.name).await?;
        let Self { rename, class, subclass, location, tag, exclude, include, .. } = self;
        let spec = ResourceSpec {
            name: rename.unwrap_or(old.spec.name),
            class: class.unwrap_or(old.spec.class),
            subclass: subclass.unwrap_or(old.spec.subclass),
            tags: if tag.is_empty() { old.spec.tags } else { list(&tag) },
            location: location.unwrap_or(old.spec.location),
            excluded: match reason(exclude)? {
                Some(why) => why,
                None if include => String::new(),
                None => old.spec.excluded,
            },
        };
        let changed = opened.service.edit_resource(old.id, old.revision, spec).await?;
        say(&format!("the resource {} is changed", shown(&changed.spec.name)));
        Ok(())
    }
}

fn class_of(spec: &ResourceSpec) -> String {
    shown(format!("{} {}", spec.class, spec.subclass).trim_end())
}
