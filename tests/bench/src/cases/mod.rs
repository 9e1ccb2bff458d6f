//! What is measured.

mod bridge;
mod import;
mod large;
mod limits;
mod local;
mod memory;
mod restore;
mod scale;
mod source;
mod store;

use crate::bench::Bench;

/// A part of the benchmark, by name.
type Part = (&'static str, fn(&mut Bench));

const PARTS: [Part; 10] = [
    ("source", source::few),
    ("many", source::many),
    ("restore", restore::few),
    ("store", store::all),
    ("large", large::one_file),
    ("local", local::small_files),
    ("limits", limits::all),
    ("bridge", bridge::all),
    ("memory", memory::all),
    ("scale", scale::all),
];

/// Runs everything, or only what is named.
pub fn run(bench: &mut Bench, only: &[String]) {
    for (name, part) in PARTS {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            part(bench);
        }
    }
}
