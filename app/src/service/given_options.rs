//! Options as somebody gives them.

use super::error::Result;
use super::handle::Service;
use super::named_secrets::{named, refuse_commands};
use crate::state::ChangeWay;
use plakar_driver::Options;
use plakar_driver::schema::Schema;

impl Service {
    /// What Plakar's configuration keeps of options that are given: of a secret that is named, the
    /// name. What it has already is `kept`.
    ///
    /// # Errors
    /// A name that is none, or a command that comes over the network, by its key.
    pub(super) fn to_keep(
        &self,
        given: &Options,
        kept: &Options,
        schema: Option<&Schema>,
    ) -> Result<Options> {
        if self.state.author().way != ChangeWay::CommandLine {
            refuse_commands(given, kept)?;
        }
        named(given, schema)
    }
}
