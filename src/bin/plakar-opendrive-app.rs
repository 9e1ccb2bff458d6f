//! The executable of the source app: `plakar-opendrive app` and `plakar-opendrive console` start it.

fn main() {
    std::process::exit(plakar_opendrive::cli::run_app().into())
}
