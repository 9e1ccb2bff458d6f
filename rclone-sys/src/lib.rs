//! rclone as a C archive: raw declarations, and nothing else.
//!
//! The archive is built from `go/` in this repository: librclone's own functions
//! (`RcloneInitialize`, `RcloneFinalize`, `RcloneRPC`, `RcloneFreeString`) and verbs for the bytes
//! of objects. `go/main.go` documents each. The safe layer over it is `plakar_opendrive::rclone`.
//!
//! A string in a result is freed with [`RcloneFreeString`], by whoever made the call.

// The declarations are generated; go/main.go documents the functions.
#[allow(missing_docs, non_camel_case_types, non_snake_case, clippy::undocumented_unsafe_blocks)]
#[rustfmt::skip]
mod bindings;
pub use bindings::*;

#[cfg(all(test, feature = "bindgen"))]
mod tests {
    #[test]
    fn checked_in_bindings_are_what_bindgen_makes() {
        let made = include_str!(concat!(env!("OUT_DIR"), "/bindings.rs"));
        assert_eq!(include_str!("bindings.rs"), made, "run `make bindings` and commit src/bindings.rs");
    }
}
