//! What runs the real Plakar with our executable, and the commands of people. In one test
//! executable, so that tests which wait for the drive's pace, and for the next second of a
//! schedule, wait beside each other.

mod backup;
mod cli_app;
mod cli_config;
mod cli_cp;
mod crypt;
mod docs;
mod faults_plakar;
mod from_rclone;
mod hostile_run;
mod install;
mod kills;
mod kloset_1_1_4;
mod licenses;
mod machines;
mod names;
mod older_store;
mod package;
mod package_v1_0;
mod person;
mod places;
mod restore;
mod scripts;
mod secrets;
mod six_downloads;
mod state_kills;
mod store_cold;
mod store_plakar;
mod store_repair;
mod sync;
mod unsaved;
mod volume;
