//! `app assign-all`.

use source_app::service::{Account, SeveralApps};
use source_app::state::App;

use super::credential::account_named;
use super::repeated::list;
use crate::failure::Failure;
use crate::opened::Opened;
use terminal::diagnostics::say;
use terminal::exit::Exit;
use terminal::output::{Output, count};

/// Make several sources of one account at once, with the login that Plakar has of it
///
/// Each resource that was entered by hand, and each location, comes to be backed up by an app of its
/// own, under the schedules and the retention of a policy. The login is tested with each of them and
/// the store is opened; all of them are made, or none.
#[derive(Debug, clap::Args)]
pub(super) struct AssignAll {
    /// The account: its user name, as `app credential list` has it
    account: String,
    /// Its protocol, if several have this user name
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<String>,
    /// The policy that is for these apps
    #[arg(long)]
    policy: String,
    /// A store that an app uses, or that Plakar's configuration has
    #[arg(long, value_name = "PATH|NAME")]
    store: String,
    /// A resource that was entered by hand and has a location; may be repeated
    #[arg(long, value_name = "NAME", required_unless_present = "location")]
    resource: Vec<String>,
    /// A location, such as opendrive://Photos; may be repeated
    #[arg(long, value_name = "PLACE")]
    location: Vec<String>,
    /// The environment, if the policy is for several
    #[arg(long)]
    environment: Option<String>,
    /// A data class, if the policy is for any of several; may be repeated
    #[arg(long, value_name = "CLASS")]
    data_class: Vec<String>,
    /// A label, if the policy is for any of several; may be repeated
    #[arg(long)]
    label: Vec<String>,
    /// Only say whether all of them could be made; nothing is saved
    #[arg(long)]
    check: bool,
    /// Print a JSON object for each app, in a line
    #[arg(long, conflicts_with = "check")]
    json: bool,
}

impl AssignAll {
    pub(super) async fn run(self, opened: &Opened, out: &mut Output) -> Result<Exit, Failure> {
        let Account { protocol, username, .. } =
            account_named(opened, &self.account, self.protocol.as_deref()).await?;
        let wanted = self.resource.len() + self.location.len();
        let wish = SeveralApps {
            protocol,
            username,
            policy: self.policy,
            store: self.store,
            resources: self.resource,
            locations: self.location,
            environment: self.environment.unwrap_or_default(),
            data_classes: list(&self.data_class),
            labels: list(&self.label),
            check: self.check,
        };
        let made = opened.service.make_apps(&wish).await?;
        if self.check {
            say(&format!("{} can be made; nothing was saved", count(wanted as u64, "app")));
            return Ok(Exit::Done);
        }
        for app in &made {
            match self.json {
                true => out.json(app)?,
                false => out.line(&line(app))?,
            }
        }
        Ok(Exit::Done)
    }
}

fn line(App { spec, .. }: &App) -> String {
    format!("{} {}", spec.kind, spec.name)
}
