//! `store`: what another machine would see of a store, and what can be done if that is not all.
//!
//! Plakar answers from the cache of the machine that it runs on. A store whose states name each
//! other in a circle reads well where it was made, and is empty everywhere else: Plakar 1.1.4
//! passes over such states without a word (`TopoSort` in kloset v1.1.3). They come about where a
//! state was put in the place of another one, as any store but ours does in a `sync`.
//!
//! It also reads along the parents that states name, and not in the order in which they were made.
//! After maintenance by one of several machines it can find a packfile again that was removed, and
//! look there for what is in another one: see "Several machines and one store" in docs/store.md. A
//! state of another name is nobody's parent, and what names no parent that is there is read in the
//! order of the listing.

mod cache;
mod machine;
mod repair;
mod view;

use std::io;
use std::path::PathBuf;

use self::machine::{Listed, Machine};
use self::view::{StoreView, told};
use super::drive::drive;
use super::place;
use crate::cli::failure::failure;
use crate::connector::store::{Kind, mac_to_hex};
use crate::connector::{Store, resolve_location};
use terminal::exit::{Exit, Failure};
use terminal::output::{Output, unless_left};

/// Look at a store as another machine would, and repair it
#[derive(Debug, clap::Args)]
pub(super) struct StoreArgs {
    #[command(subcommand)]
    command: StoreAction,
}

#[derive(Debug, clap::Subcommand)]
enum StoreAction {
    /// Say which restore points a machine would see that has not used the store before
    Check {
        #[command(flatten)]
        store: StoreSelection,
        /// Read all data as well, as `plakar check` does, without what this machine knows
        #[arg(long)]
        data: bool,
    },
    /// Make restore points that only this machine sees, or none, visible again; nothing is deleted
    Repair {
        #[command(flatten)]
        store: StoreSelection,
        /// Read all data too, as a machine that has not seen the store before; if some is missing,
        /// have the states read in the order of their times
        #[arg(long)]
        data: bool,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, clap::Args)]
struct StoreSelection {
    /// @NAME of a store of Plakar's
    store: String,
    /// The file with the passphrase of the store, as for plakar -keyfile; without it Plakar asks,
    /// more than once
    #[arg(long, value_name = "FILE")]
    keyfile: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What a look at a store has found.
struct Look {
    view: StoreView,
    /// The machine that had not seen the store before.
    fresh: Machine,
    /// What this machine lists.
    own: Listed,
}

impl Look {
    /// Whether a machine that has not seen the store before reads all data of all restore points.
    ///
    /// It is the one that listed them: it has their headers in its cache, so it passes over none.
    async fn is_whole(&self) -> Result<bool, Failure> {
        Ok(self.view.unreadable.is_empty() && self.fresh.check().await?)
    }
}

impl StoreArgs {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self.command {
            StoreAction::Check { store, data } => store.check(data, out),
            StoreAction::Repair { store, data, dry_run } => store.repair(data, dry_run, out),
        }
    }
}

impl StoreSelection {
    fn check(&self, data: bool, out: &mut Output) -> Result<Exit, Failure> {
        let kloset = self.kloset()?;
        let (view, whole) = drive(async {
            let look = self.look(&kloset).await?;
            let whole = if data { Some(look.is_whole().await?) } else { None };
            Ok((look.view, whole))
        })?;
        // Whoever reads may have enough: what was found is in the exit status too.
        unless_left(self.print_check(&view, whole, out))?;
        Ok(if view.is_whole() && whole != Some(false) { Exit::Done } else { Exit::Failed })
    }

    fn print_check(
        &self,
        view: &StoreView,
        whole: Option<bool>,
        out: &mut Output,
    ) -> io::Result<()> {
        if self.json {
            return out.json(&serde_json::json!({ "sight": view, "whole": whole }));
        }
        view.print(out)?;
        self.print_whole(whole, out)?;
        if whole == Some(false) {
            out.line(&format!("if this machine reads it, `plakar-opendrive store repair --data {}` may mend it for all", self.store))?;
        }
        if view.hides() {
            out.line(&format!("`plakar-opendrive store repair {}` makes them visible again, as far as that can be done", self.store))?;
        }
        Ok(())
    }

    fn print_whole(&self, whole: Option<bool>, out: &mut Output) -> io::Result<()> {
        match whole {
            Some(true) => out.line("all data that they refer to was read and is whole"),
            Some(false) => out.line(&format!(
                "data is missing or damaged, or the drive did not give it: `plakar at {} check` on a machine that has not seen the store \
                 before names the files; what this machine still reads can be saved to a new store by `plakar at {} sync to @NEW`",
                self.store, self.store
            )),
            None => Ok(()),
        }
    }

    fn kloset(&self) -> Result<Store, Failure> {
        let name =
            self.store.strip_prefix('@').filter(|name| !name.is_empty() && !name.contains('/'));
        let name = name.ok_or_else(|| {
            Failure::usage(format!(
                "{:?} is not a store: write @NAME, as `plakar store show` lists it",
                self.store
            ))
        })?;
        let settings = place::store(name)?;
        let settings = drive(async { Ok(resolve_location(settings).await?) })?;
        Ok(Store::new(settings))
    }

    /// This machine.
    fn own(&self) -> Machine {
        Machine::own(&self.store, self.keyfile.clone())
    }

    /// Looks at the store as this machine and as another one.
    async fn look(&self, kloset: &Store) -> Result<Look, Failure> {
        kloset.open().await?;
        let names = kloset.list(Kind::State).await.map_err(|error| failure(&error))?;
        let names: Vec<String> = names.iter().map(mac_to_hex).collect();
        let fresh = Machine::fresh(&self.store, self.keyfile.clone()).await?;
        let mut everywhere = fresh.snapshots().await?;
        let states = fresh.states(&names).await?;
        if !told(&states).is_subset(&everywhere.seen) {
            // A header that the drive did not give for once hides nothing.
            everywhere.add(fresh.snapshots().await?);
        }
        let own = self.own().snapshots().await?;
        let view = StoreView::new(states, everywhere, &own);
        Ok(Look { view, fresh, own })
    }
}
