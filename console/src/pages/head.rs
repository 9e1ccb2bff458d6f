//! What the pages of one app have above them.

use source_app::state::{App, AppKind};

/// The tabs of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// How it is doing.
    Dashboard,
    /// What was backed up.
    Points,
    /// What a destination gets.
    Restore,
    /// When something runs.
    Schedules,
    /// How to get its data back without this console.
    Recovery,
    /// What its user says of it.
    Settings,
}

/// What `app_head.html` needs; the template has it as `head`.
pub struct AppHead {
    /// The app.
    pub app: App,
    /// Which of its pages this is.
    pub tab: Tab,
}

impl AppHead {
    /// The pages above it: texts and addresses.
    pub fn crumbs(&self) -> Vec<(String, String)> {
        let (app, resource) = (&self.app, &self.app.facts.resource_id);
        let mut crumbs = vec![
            ("Resources".to_owned(), "/resources".to_owned()),
            (app.spec.resource.name.clone(), format!("/resources/{resource}")),
        ];
        if self.tab != Tab::Dashboard {
            crumbs.push((app.spec.name.clone(), format!("/apps/{}", app.id)));
        }
        crumbs
    }

    /// Those that it has, with address and text.
    pub fn tabs(&self) -> Vec<(Tab, String, &'static str)> {
        let all = [
            (Tab::Dashboard, "", "Dashboard"),
            (Tab::Points, "/points", "Restore points"),
            (Tab::Restore, "/restore", "Restore"),
            (Tab::Schedules, "/schedules", "Schedules"),
            (Tab::Recovery, "/recovery", "Recovery sheet"),
            (Tab::Settings, "/settings", "Settings"),
        ];
        let source = self.app.spec.kind == AppKind::Source;
        let has = |tab| match tab {
            Tab::Dashboard | Tab::Settings => true,
            Tab::Restore => !source,
            Tab::Points | Tab::Schedules | Tab::Recovery => source,
        };
        all.into_iter()
            .filter(|(tab, ..)| has(*tab))
            .map(|(tab, end, text)| (tab, format!("/apps/{}{end}", self.app.id), text))
            .collect()
    }
}
