//! The executable: a command line for people, and what Plakar starts.

fn main() {
    // Not a return: threads that wait for a server must not keep the process.
    std::process::exit(plakar_opendrive::cli::run().into())
}
