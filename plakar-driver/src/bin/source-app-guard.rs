//! The guard on its own, for tests: the product's executable is its own guard.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(
        plakar_driver::guard::run(std::env::args_os().skip(1)).clamp(0, 255) as u8,
    )
}
