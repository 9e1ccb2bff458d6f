//! What all pages have around their content.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::theme::{self, Theme};
use super::{assets, notices};
use crate::server::{Session, SiteName};

/// The parts of the console, for its navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// All apps at a glance.
    Overview,
    /// What is backed up and restored to.
    Resources,
    /// What runs when.
    Scheduling,
    /// Tasks of all apps.
    Tasks,
    /// Where restore points are.
    Stores,
    /// Policies and their schedules.
    Policies,
    /// What holds for all apps.
    Settings,
    /// A new app.
    Assign,
    /// Anything else.
    None,
}

const LINKS: [(Section, &str, &str); 7] = [
    (Section::Overview, "/", "Overview"),
    (Section::Resources, "/resources", "Resources"),
    (Section::Scheduling, "/scheduling", "Scheduling"),
    (Section::Tasks, "/tasks", "Tasks"),
    (Section::Stores, "/stores", "Stores"),
    (Section::Policies, "/policies", "Policies"),
    (Section::Settings, "/settings", "Settings"),
];

/// What `base.html` needs; each page's template has it as `layout`.
pub struct Layout {
    /// Where we are.
    pub section: Section,
    /// For forms.
    pub csrf: String,
    /// What the action before came to.
    pub notice: Option<&'static str>,
    /// The machine's name.
    pub host: String,
    /// How it looks.
    pub theme: Theme,
    /// Where a change of it leads back to.
    pub here: String,
    /// The pages above this one: text and address.
    pub crumbs: Vec<(String, String)>,
}

/// A request for a page.
pub struct PageContext {
    session: Session,
    notice: Option<&'static str>,
    host: String,
    theme: Theme,
    here: String,
}

impl PageContext {
    /// What is around the page.
    pub fn layout(&self, section: Section) -> Layout {
        let (csrf, host) = (self.session.csrf().to_owned(), self.host.clone());
        let (theme, here) = (self.theme, self.here.clone());
        Layout { section, csrf, notice: self.notice, host, theme, here, crumbs: Vec::new() }
    }

    /// What is around a page below others: text and address of each, the highest first.
    pub fn below(&self, section: Section, crumbs: &[(&str, &str)]) -> Layout {
        let own = |(text, href): &(&str, &str)| ((*text).to_owned(), (*href).to_owned());
        Layout { crumbs: crumbs.iter().map(own).collect(), ..self.layout(section) }
    }
}

impl<S: Sync> FromRequestParts<S> for PageContext {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let session =
            Session::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let codes = parts
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.strip_prefix("notice="));
        let host = parts.extensions.get::<SiteName>().map(|name| name.as_str().to_owned());
        let notice = codes.filter_map(notices::text).next();
        let (theme, here) = (Theme::of(&parts.headers), theme::here(&parts.method, &parts.uri));
        Ok(Self { session, notice, host: host.unwrap_or_default(), theme, here })
    }
}

impl Layout {
    /// Whether this is where one adds an app.
    pub fn adds(&self) -> bool {
        self.section == Section::Assign
    }

    /// The navigation.
    pub fn links(&self) -> &'static [(Section, &'static str, &'static str)] {
        &LINKS
    }

    /// Its address.
    pub fn stylesheet(&self) -> &'static str {
        assets::stylesheet()
    }

    /// Its address.
    pub fn script(&self) -> &'static str {
        assets::script()
    }

    /// Its address.
    pub fn icon(&self) -> &'static str {
        assets::icon()
    }

    /// Of this program.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}
