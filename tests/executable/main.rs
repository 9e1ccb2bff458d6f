//! Our executable in a process of its own: as Plakar runs it, of both generations, and as people
//! do. What needs the real Plakar is in with_plakar.

mod cli;
mod frames;
mod long_lists;
mod probe;
mod process;
mod v1_0;
mod v1_1;
