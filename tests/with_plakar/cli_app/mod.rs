//! `plakar-opendrive app`: the real Plakar and a simulated drive, by the command line alone.

mod adopting;
mod console;
mod covering;
mod ending;
mod input;
mod odds;
mod scheduling;
mod terminal;
mod way;
mod world;
