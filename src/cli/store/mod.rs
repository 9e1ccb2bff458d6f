//! `store`: what another machine would see of a store, and what can be done if that is not all.
//!
//! Plakar answers from the cache of the machine that it runs on. A store whose states name each
//! other in a circle reads well where it was made, and is empty everywhere else: Plakar 1.1.4
//! passes over such states without a word (`TopoSort` in kloset v1.1.3). They come about where a
//! state was put in the place of another one, as any store but ours does in a `sync`.
//!
//! It also reads along the parents that states name, and not in the order in which they were made.
//! After maintenance by one of several machines it can find a packfile again that was removed, and
//! look there for what is in another one: see docs/ARCHITECTURE.md. A state of another name is
//! nobody's parent, and what names no parent that is there is read in the order of the listing.

mod machine;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use self::machine::{Machine, StateInfo};
use super::drive::drive;
use super::place;
use crate::cli::failure::failure;
use crate::connector::store::{Kind, mac_from_hex, mac_to_hex};
use crate::connector::{Store, resolve_location};
use terminal::exit::{Exit, Failure};
use terminal::output::{Output, count};

/// Look at a store as another machine would, and mend it
#[derive(Debug, clap::Args)]
pub(super) struct StoreArgs {
    #[command(subcommand)]
    command: StoreAction,
}

#[derive(Debug, clap::Subcommand)]
enum StoreAction {
    /// Say which restore points a machine sees that has not seen the store before
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

/// What is to be seen of a store.
#[derive(Debug, Serialize)]
struct StoreView {
    /// The restore points that every machine sees.
    everywhere: BTreeSet<String>,
    /// Those that only this machine sees, out of its cache.
    here: BTreeSet<String>,
    /// Those that states tell of and that no machine sees which has not seen them before.
    hidden: BTreeSet<String>,
    #[serde(skip)]
    states: BTreeMap<String, StateInfo>,
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
        let view = self.look(&self.kloset()?)?;
        let whole = if data { Some(self.is_whole()?) } else { None };
        if self.json {
            out.json(&serde_json::json!({ "sight": view, "whole": whole }))?;
        } else {
            view.print(out)?;
            self.print_whole(whole, out)?;
            if whole == Some(false) {
                out.line(&format!("if this machine reads it, `plakar-opendrive store repair --data {}` may mend it for all", self.store))?;
            }
            if !view.is_whole() {
                out.line(&format!("`plakar-opendrive store repair {}` makes them visible again, as far as that can be done", self.store))?;
            }
        }
        Ok(if view.is_whole() && whole != Some(false) { Exit::Done } else { Exit::Failed })
    }

    fn repair(&self, data: bool, dry_run: bool, out: &mut Output) -> Result<Exit, Failure> {
        let kloset = self.kloset()?;
        let mut view = self.look(&kloset)?;
        let mut moved: Vec<(String, String)> = Vec::new();
        // First those that are known to have taken the place of another one; if that is not enough,
        // all that hide something.
        for wanted in [StoreView::replacing, StoreView::hiding] {
            let wanted: Vec<String> = wanted(&view);
            if view.hidden.is_empty() || wanted.is_empty() {
                continue;
            }
            if dry_run {
                moved.extend(wanted.into_iter().map(|name| (name, String::new())));
                break;
            }
            for name in wanted {
                let to = rename(&kloset, &name, None)?;
                moved.push((name, to));
            }
            view = self.look(&kloset)?;
        }
        let replaced = !moved.is_empty();
        let mut whole = if data && view.hidden.is_empty() { Some(self.is_whole()?) } else { None };
        if whole == Some(false) {
            for (position, name) in view.in_order().into_iter().enumerate() {
                let to = if dry_run {
                    String::new()
                } else {
                    rename(&kloset, &name, Some(position as u64))?
                };
                moved.push((name, to));
            }
            if !dry_run {
                whole = Some(self.is_whole()?);
            }
        }
        if self.json {
            let moved: Vec<_> = moved
                .iter()
                .map(|(from, to)| serde_json::json!({ "from": from, "to": to }))
                .collect();
            out.json(&serde_json::json!({ "sight": view, "moved": moved, "whole": whole, "dry_run": dry_run }))?;
        } else {
            for (from, to) in &moved {
                out.line(&if dry_run {
                    format!("state {from} would get another name")
                } else {
                    format!("state {from} is {to} now")
                })?;
            }
            if moved.is_empty() {
                out.line("no state is in the way of another one: nothing to mend")?;
            }
            view.print(out)?;
            self.print_whole(whole, out)?;
            if replaced && !dry_run {
                out.line(&format!(
                    "a state that was replaced is lost, and with it what it told of: see by `plakar-opendrive store check --data {}` whether all is there",
                    self.store
                ))?;
            }
        }
        Ok(if view.is_whole() && whole != Some(false) { Exit::Done } else { Exit::Failed })
    }

    /// Whether a machine that has not seen the store before reads all data of all restore points
    /// that it sees.
    fn is_whole(&self) -> Result<bool, Failure> {
        Machine::fresh(&self.store, self.keyfile.clone())?.check()
    }

    fn print_whole(&self, whole: Option<bool>, out: &mut Output) -> Result<(), Failure> {
        match whole {
            Some(true) => out.line("all data that they refer to was read and is whole")?,
            Some(false) => out.line(&format!(
                "data is missing or damaged: `plakar -cachedir EMPTY_FOLDER at {} check` names the files; what this machine still reads can be saved to a \
                 new store by `plakar at {} sync to @NEW`",
                self.store, self.store
            ))?,
            None => {}
        }
        Ok(())
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

    /// Looks at the store as this machine and as another one.
    fn look(&self, kloset: &Store) -> Result<StoreView, Failure> {
        let names = drive(async {
            kloset.open().await?;
            kloset.list(Kind::State).await.map_err(|error| failure(&error))
        })?;
        let names: Vec<String> = names.iter().map(mac_to_hex).collect();
        let fresh = Machine::fresh(&self.store, self.keyfile.clone())?;
        let everywhere = fresh.snapshots()?;
        let states = fresh.states(&names)?;
        let here = Machine::own(&self.store, self.keyfile.clone())
            .snapshots()?
            .difference(&everywhere)
            .cloned()
            .collect();
        let removed: BTreeSet<&String> =
            states.values().flat_map(|state| state.removed.keys()).collect();
        let told = states.values().flat_map(|state| &state.snapshots);
        let hidden =
            told.filter(|id| !removed.contains(id) && !everywhere.contains(*id)).cloned().collect();
        Ok(StoreView { everywhere, here, hidden, states })
    }
}

/// Gives a state another name, by which those of a higher position come first in a list; gives that
/// name.
fn rename(kloset: &Store, name: &str, position: Option<u64>) -> Result<String, Failure> {
    drive(async {
        let mac = mac_from_hex(name)
            .ok_or_else(|| Failure::new(Exit::Failed, "a bug: a name that is not valid"))?;
        let to = kloset.rename_state(&mac, position).await.map_err(|error| failure(&error))?;
        Ok(mac_to_hex(&to))
    })
}

impl StoreView {
    /// All states, those that were made first before others.
    fn in_order(&self) -> Vec<String> {
        let mut names: Vec<&String> = self.states.keys().collect();
        names.sort_by_key(|name| &self.states[*name].made);
        names.into_iter().cloned().collect()
    }

    /// The states that took the place of another one: such a one tells of the snapshot whose name
    /// it has, and some state removed that before.
    fn replacing(&self) -> Vec<String> {
        self.named(|name, state| {
            let removed = self
                .states
                .values()
                .filter_map(|other| other.removed.get(name))
                .any(|when| *when < state.made);
            state.snapshots.contains(name) && removed
        })
    }

    /// The states that tell of a restore point that is hidden.
    fn hiding(&self) -> Vec<String> {
        self.named(|_, state| !state.snapshots.is_disjoint(&self.hidden))
    }

    fn named(&self, wanted: impl Fn(&str, &StateInfo) -> bool) -> Vec<String> {
        self.states
            .iter()
            .filter(|(name, state)| wanted(name, state))
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn is_whole(&self) -> bool {
        self.hidden.is_empty() && self.here.is_empty()
    }

    fn print(&self, out: &mut Output) -> Result<(), Failure> {
        let points = |points: &BTreeSet<String>| count(points.len() as u64, "restore point");
        out.line(&format!(
            "{} on every machine, of {}",
            points(&self.everywhere),
            count(self.states.len() as u64, "state")
        ))?;
        for id in &self.hidden {
            let whom = if self.here.contains(id) {
                "only this machine"
            } else {
                "no machine that has not seen it before"
            };
            out.line(&format!("{} is seen by {whom}", &id[..8]))?;
        }
        for id in self.here.difference(&self.hidden) {
            out.line(&format!(
                "{} is in this machine's cache only: no state in the store tells of it",
                &id[..8]
            ))?;
        }
        Ok(())
    }
}
