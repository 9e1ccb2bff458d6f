//! What the work of a task is done with.

use std::sync::Arc;

use super::blocking::blocking;
use super::error::Result;
use crate::state::{self, State};
use plakar_driver::{Browser, Browsers, Plakar, Store};

/// Plakar, what reads its stores, and the state of the apps.
pub(super) struct Tools<'a> {
    pub(super) plakar: &'a Plakar,
    pub(super) browsers: &'a Browsers,
    pub(super) state: &'a State,
}

impl Tools<'_> {
    /// Reads a store's restore points.
    pub(super) async fn browser(&self, store: &Store) -> Result<Arc<Browser>> {
        Ok(self.browsers.of(self.plakar, store).await?)
    }

    /// Asks or changes the state, beside the asynchronous work.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&State) -> state::Result<T> + Send + 'static,
    ) -> Result<T> {
        let state = self.state.clone();
        blocking(move || work(&state)).await
    }
}
