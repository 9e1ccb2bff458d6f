//! What all pages have around their content.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::{assets, notices};
use crate::server::Session;

/// The parts of the console, for its navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// All apps at a glance.
    Overview,
    /// Tasks of all apps.
    Tasks,
    /// Policies and their schedules.
    Policies,
    /// A new app.
    Assign,
    /// Anything else.
    None,
}

const LINKS: [(Section, &str, &str); 4] = [
    (Section::Overview, "/", "Overview"),
    (Section::Tasks, "/tasks", "Tasks"),
    (Section::Policies, "/policies", "Policies"),
    (Section::Assign, "/assign", "Assign an app"),
];

/// What `base.html` needs; each page's template has it as `layout`.
pub struct Layout {
    /// Where we are.
    pub section: Section,
    /// For forms.
    pub csrf: String,
    /// What the action before came to.
    pub notice: Option<&'static str>,
}

/// A request for a page.
pub struct PageContext {
    session: Session,
    notice: Option<&'static str>,
}

impl PageContext {
    /// What is around the page.
    pub fn layout(&self, section: Section) -> Layout {
        Layout { notice: self.notice, ..Layout::new(section, &self.session) }
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
        Ok(Self { session, notice: codes.filter_map(notices::text).next() })
    }
}

impl Layout {
    /// For a request's session.
    pub fn new(section: Section, session: &Session) -> Self {
        Self { section, csrf: session.csrf().to_owned(), notice: None }
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
