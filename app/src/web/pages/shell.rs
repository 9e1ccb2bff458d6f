//! What all pages have around their content.

use crate::web::server::Session;

/// The parts of the console, for its navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// All apps at a glance.
    Overview,
    /// Tasks of all apps.
    Tasks,
    /// Policies and their schedules.
    Policies,
    /// Anything else.
    None,
}

/// What `base.html` needs; each page's template has it as `shell`.
pub struct Shell {
    /// Where we are.
    pub section: Section,
    /// For forms.
    pub csrf: String,
}

impl Shell {
    /// For a request's session.
    pub fn new(section: Section, session: &Session) -> Self {
        Self { section, csrf: session.csrf().to_owned() }
    }
}
