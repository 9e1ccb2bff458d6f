//! A Plakar that does not keep to the contract: calls out of order, frames that are none.

mod order;
mod raw;
