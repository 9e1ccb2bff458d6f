//! `store repair`: states get other names, and nothing is deleted.

use std::io;

use super::view::StoreView;
use super::{Look, StoreSelection};
use crate::cli::drive::drive;
use crate::cli::failure::failure;
use crate::connector::Store;
use crate::connector::store::{mac_from_hex, mac_to_hex};
use terminal::exit::{Exit, Failure};
use terminal::output::{Output, unless_left};

/// The states that get other names.
struct Renames {
    dry_run: bool,
    /// Whether one was begun: how it has ended may not be known.
    begun: bool,
    /// Old names and new ones; a dry run has no new ones.
    made: Vec<(String, String)>,
}

/// How a store is when it was mended as far as that can be done.
struct Mended {
    view: StoreView,
    /// Whether states took the place of others.
    replaced: bool,
    /// Whether a machine that has not seen the store before reads all data; `None` if that was not
    /// asked for.
    whole: Option<bool>,
    /// Whether this machine lacks data, too.
    lacks: bool,
}

impl StoreSelection {
    pub(super) fn repair(
        &self,
        data: bool,
        dry_run: bool,
        out: &mut Output,
    ) -> Result<Exit, Failure> {
        let kloset = self.kloset()?;
        let mut renames = Renames { dry_run, begun: false, made: Vec::new() };
        let mended = drive(self.mend(&kloset, data, &mut renames));
        let mended = match mended {
            Ok(mended) => mended,
            Err(failure) => {
                // What was renamed is told, whatever came afterwards.
                let told = if !self.json {
                    renames.print(out)
                } else if !renames.made.is_empty() {
                    out.json(&renames.report(None, None))
                } else {
                    Ok(())
                };
                unless_left(told)?;
                return Err(if renames.begun { failure } else { nothing_changed(failure) });
            }
        };
        unless_left(self.print_repair(&mended, &renames, out))?;
        let is_whole = mended.view.is_whole() && mended.whole != Some(false);
        Ok(if is_whole { Exit::Done } else { Exit::Failed })
    }

    fn print_repair(&self, mended: &Mended, renames: &Renames, out: &mut Output) -> io::Result<()> {
        let Mended { view, replaced, whole, lacks } = mended;
        if self.json {
            return out.json(&renames.report(Some(view), *whole));
        }
        renames.print(out)?;
        if *lacks {
            out.line(
                "this machine does not read all data either: other names of states would not help",
            )?;
        } else if renames.made.is_empty() {
            out.line("no state is in the way of another one: nothing to mend")?;
        }
        view.print(out)?;
        self.print_whole(*whole, out)?;
        if *replaced && !renames.dry_run {
            out.line(&format!(
                "a state that was replaced is lost, and with it what it told of: see by `plakar-opendrive store check --data {}` whether all is there",
                self.store
            ))?;
        }
        Ok(())
    }

    /// Renames what is in the way of restore points or of data; what it renamed is known also if it
    /// fails, or a signal ends it.
    async fn mend(
        &self,
        kloset: &Store,
        data: bool,
        renames: &mut Renames,
    ) -> Result<Mended, Failure> {
        let mut look = self.look(kloset).await?;
        // First those that are known to have taken the place of another one; if that is not enough,
        // all that hide something.
        for wanted in [StoreView::replacing, StoreView::hiding] {
            let wanted: Vec<String> = wanted(&look.view);
            if look.view.hidden.is_empty() || wanted.is_empty() {
                continue;
            }
            for name in wanted {
                renames.rename(kloset, name, None).await?;
            }
            if renames.dry_run {
                break;
            }
            look = self.look_again(kloset, look).await?;
        }
        let replaced = !renames.made.is_empty();
        let mut whole = None;
        let mut lacks = false;
        if data && look.view.hidden.is_empty() {
            whole = Some(look.is_whole().await?);
        }
        if whole == Some(false) {
            // What this machine cannot read either is gone, or the drive is away: the order in which
            // states are read has nothing to do with it.
            lacks = !(look.own.is_complete() && self.own().check().await?);
        }
        if whole == Some(false) && !lacks {
            for (position, name) in look.view.in_order().into_iter().enumerate() {
                renames.rename(kloset, name, Some(position as u64)).await?;
            }
            if !renames.dry_run {
                let seen = look.view.everywhere.clone();
                look = self.look_again(kloset, look).await?;
                if !seen.is_subset(&look.view.everywhere) {
                    return Err(Failure::new(
                        Exit::Temporary,
                        "what Plakar lists changes from one reading to the next: try again",
                    ));
                }
                whole = Some(look.is_whole().await?);
            }
        }
        Ok(Mended { view: look.view, replaced, whole, lacks })
    }

    /// Looks at the store anew. The earlier look goes first, and with it the cache on the disk.
    async fn look_again(&self, kloset: &Store, earlier: Look) -> Result<Look, Failure> {
        drop(earlier);
        self.look(kloset).await
    }
}

impl Renames {
    /// Gives a state another name, by which those of a higher position come first in a list.
    async fn rename(
        &mut self,
        kloset: &Store,
        name: String,
        position: Option<u64>,
    ) -> Result<(), Failure> {
        let mut to = String::new();
        if !self.dry_run {
            let mac = mac_from_hex(&name)
                .ok_or_else(|| Failure::new(Exit::Failed, "a bug: a name that is not valid"))?;
            self.begun = true;
            let renamed = kloset.rename_state(&mac, position).await;
            to = mac_to_hex(&renamed.map_err(|error| failure(&error))?);
        }
        self.made.push((name, to));
        Ok(())
    }

    fn print(&self, out: &mut Output) -> io::Result<()> {
        for (from, to) in &self.made {
            out.line(&if self.dry_run {
                format!("state {from} would get another name")
            } else {
                format!("state {from} is {to} now")
            })?;
        }
        Ok(())
    }

    /// The same as JSON, with what is to be seen of the store if that is known.
    fn report(&self, view: Option<&StoreView>, whole: Option<bool>) -> serde_json::Value {
        let moved: Vec<_> = self
            .made
            .iter()
            .map(|(from, to)| serde_json::json!({ "from": from, "to": to }))
            .collect();
        serde_json::json!({ "sight": view, "moved": moved, "whole": whole, "dry_run": self.dry_run })
    }
}

fn nothing_changed(failure: Failure) -> Failure {
    let message = failure.message.map(|message| format!("{message}; nothing was changed"));
    Failure { exit: failure.exit, message }
}
