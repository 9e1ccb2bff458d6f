//! rclone as a C archive: raw declarations, and what a process needs that has Go's runtime in it
//! ([`run_handlers_on_alternate_stacks`]).
//!
//! The archive is built from `go/` in this repository: three of librclone's own
//! functions (`RcloneInitialize`, `RcloneRPC`, `RcloneFreeString`) and verbs for the bytes of
//! objects. `go/main.go` documents each. The safe layer over it is `plakar_opendrive::rclone`.
//!
//! A string in a result is freed with [`RcloneFreeString`], by whoever made the call.
//!
//! build/ runs `go build -buildmode=c-archive` with the compiler that `cc` finds, for the target
//! that Cargo names. `src/bindings.rs` is checked in; the feature `bindgen` makes it anew and a
//! test compares (`make bindings` writes it). musl is refused: a Go archive crashes there
//! (golang/go#13492).

// The declarations are generated; go/main.go documents the functions.
#[allow(missing_docs, non_camel_case_types, non_snake_case, clippy::undocumented_unsafe_blocks)]
#[rustfmt::skip]
mod bindings;
pub use bindings::*;

mod signals;
pub use signals::run_handlers_on_alternate_stacks;

#[cfg(test)]
mod tests {
    use super::*;

    /// Null pointers and bytes that are no UTF-8 cannot come from the safe layer; here they do.
    #[test]
    fn bad_pointers_are_errors() {
        // SAFETY: every function checks its pointers before use (text and slice in go/main.go),
        // which is what is tested; handles 0 exist nowhere.
        let (rpc, open, read, write, create) = unsafe {
            RcloneInitialize();
            (
                RcloneRPC(std::ptr::null_mut(), std::ptr::null_mut()),
                RcloneOpen(0, 0, -1),
                RcloneRead(0, std::ptr::null_mut(), 5),
                RcloneWrite(0, std::ptr::null_mut(), 5),
                RcloneCreate(0, c"\xff".as_ptr().cast_mut(), 0, 0),
            )
        };
        assert_eq!(rpc.Status, 400);
        assert!(
            !open.Error.is_null()
                && !read.Error.is_null()
                && !write.Error.is_null()
                && !create.Error.is_null()
        );
        for text in
            [rpc.Output, open.Error, read.Error, write.Error, create.Error, std::ptr::null_mut()]
        {
            // SAFETY: each came from the archive and is freed once; null is allowed.
            unsafe { RcloneFreeString(text) };
        }
    }

    #[cfg(feature = "bindgen")]
    #[test]
    fn checked_in_bindings_are_what_bindgen_makes() {
        let made = include_str!(concat!(env!("OUT_DIR"), "/bindings.rs"));
        assert_eq!(
            include_str!("bindings.rs"),
            made,
            "run `make bindings` and commit src/bindings.rs"
        );
    }
}
