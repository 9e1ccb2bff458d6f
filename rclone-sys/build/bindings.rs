//! Makes the bindings anew, into `OUT_DIR/bindings.rs`.

use std::path::Path;

/// Generates from the header that Go wrote; `src/lib.rs` compares the result with the file that
/// is checked in.
pub fn generate(header: &Path, out: &Path) -> Result<(), String> {
    let file = out.join("bindings.rs");
    bindgen::Builder::default()
        .header(header.to_string_lossy())
        .allowlist_function("Rclone.*")
        .allowlist_type("Rclone.*")
        .layout_tests(true)
        .merge_extern_blocks(true)
        // Not rustfmt, whose result depends on its version and on the folder's rustfmt.toml.
        .formatter(bindgen::Formatter::Prettyplease)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .raw_line("// Made by bindgen from the header that Go writes. Do not edit: run `make bindings`.")
        .disable_header_comment()
        .generate()
        .map_err(|error| format!("bindgen: {error}\nIt needs libclang (Debian and Ubuntu: apt-get install libclang-dev)."))?
        .write_to_file(&file)
        .map_err(|error| format!("{}: {error}", file.display()))
}
