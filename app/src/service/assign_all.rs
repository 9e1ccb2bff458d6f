//! Assign several apps: all of them or none.

use super::apart::location;
use super::assign::Assign;
use super::error::{Error, Result};
use super::handle::Service;
use super::places::same_place;
use super::prepare::PreparedApp;
use crate::state::App;
use plakar_driver::{Kind, Name};

impl Service {
    /// Assigns all of these apps or none; if `only_check`, none is kept, and it is only told whether
    /// all could be.
    ///
    /// # Errors
    /// All that cannot be assigned, by their places, and why; as for [`Service::assign`].
    pub async fn assign_all(
        &self,
        all: Vec<Assign>,
        only_check: bool,
    ) -> std::result::Result<Vec<App>, Vec<(usize, Error)>> {
        let (mut prepared, mut faults) = (Vec::new(), Vec::new());
        for (place, assign) in all.into_iter().enumerate() {
            match self.prepare(assign).await {
                Ok(one) => prepared.push(one),
                Err(error) => faults.push((place, error)),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if only_check {
            return Ok(Vec::new());
        }
        share_stores(&mut prepared);
        let saved = self.to_the_end(|service| async move { Ok(service.save_all(prepared).await) });
        saved.await.map_err(|error| vec![(0, error)])?
    }

    /// Keeps all of them or none.
    async fn save_all(
        &self,
        prepared: Vec<PreparedApp>,
    ) -> std::result::Result<Vec<App>, Vec<(usize, Error)>> {
        let before = self.plakar.configurations(Kind::Store).await;
        let before = before.map_err(|error| vec![(0, error.into())])?;
        let (mut made, mut new_stores): (Vec<App>, Vec<Name>) = (Vec::new(), Vec::new());
        for (place, one) in prepared.into_iter().enumerate() {
            let stores = one.stores.iter().flatten().map(|(name, _)| name.clone());
            let stores: Vec<Name> =
                stores.filter(|name| !before.contains_key(name.as_str())).collect();
            match self.save(one).await {
                Ok(app) => {
                    made.push(app);
                    new_stores.extend(stores);
                }
                Err(error) => {
                    let taken_back = self.take_back(&made, &new_stores).await;
                    let mut faults = vec![(place, error)];
                    faults.extend(taken_back.err().map(|error| (place, error)));
                    return Err(faults);
                }
            }
        }
        Ok(made)
    }

    /// Removes apps that were assigned just now, with the stores that came into Plakar's
    /// configuration with them. What cannot be removed keeps nothing else.
    async fn take_back(&self, made: &[App], stores: &[Name]) -> Result<()> {
        let mut outcome = Ok(());
        for app in made {
            outcome = outcome.and(self.remove(app.id).await);
        }
        for name in stores {
            let removed = self.plakar.unconfigure(Kind::Store, name).await;
            outcome = outcome.and(removed.map_err(Error::from));
        }
        outcome
    }
}

/// Apps with one new store have one entry of it: a maintenance has a store to itself by its name.
fn share_stores(prepared: &mut [PreparedApp]) {
    let mut known: Vec<(String, String)> = Vec::new();
    for app in prepared {
        let texts = [
            ("store_options.", &mut app.spec.store),
            ("second_store_options.", &mut app.spec.second_store),
        ];
        for ((of, text), entry) in texts.into_iter().zip(&mut app.stores) {
            let Some((name, options)) = entry else { continue };
            let place = location(options).to_owned();
            match known.iter().find(|(known, _)| same_place(known, &place)) {
                Some((_, first)) => {
                    *text = Some(first.clone());
                    *entry = None;
                    app.configured.retain(|field| !field.field.starts_with(of));
                }
                None => known.push((place, name.to_string())),
            }
        }
    }
}
