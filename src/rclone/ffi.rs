//! The only unsafe code: each raw call as a safe function. All of them block.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::NonNull;

use super::error::{Error, ErrorKind};

/// A handle on something that Go keeps: a remote, an object, a reader or a writer. Never reused.
pub(super) type Handle = u64;

/// Prepares rclone. Call it once per process, before anything else.
pub(super) fn initialize() {
    // SAFETY: takes nothing and gives nothing. Calling it twice would start rclone's accounting
    // twice, which is wasteful but sound.
    unsafe { rclone_sys::RcloneInitialize() }
}

/// Runs a control call; the outer error is a string that C cannot carry, the inner one holds the
/// answer of a call that failed.
pub(super) fn rpc(method: &str, input: &str) -> Result<Result<String, String>, Error> {
    let method = c_string(method)?;
    let input = c_string(input)?;
    // SAFETY: both pointers are NUL-terminated strings that live until the call returns; Go copies
    // them (text() in go/main.go) and writes to neither, so giving *mut for *const is sound.
    let answer =
        unsafe { rclone_sys::RcloneRPC(method.as_ptr().cast_mut(), input.as_ptr().cast_mut()) };
    let output = GoString::take(answer.Output).map(|output| output.to_text()).unwrap_or_default();
    Ok(if answer.Status == 200 { Ok(output) } else { Err(output) })
}

/// Opens an object for reading `length` bytes (all if `None`) from `offset` on. Does not wait for
/// the server.
pub(super) fn open(object: Handle, offset: u64, length: Option<u64>) -> Result<Handle, Error> {
    let length = length.map_or(Ok(-1), signed)?;
    // SAFETY: only numbers are passed; an unknown handle is an error, not undefined behaviour.
    outcome(unsafe { rclone_sys::RcloneOpen(object, signed(offset)?, length) })
}

/// Fills the buffer; fewer bytes than fit come only before the end, none at the end.
pub(super) fn read(reader: Handle, buffer: &mut [u8]) -> Result<usize, Error> {
    // SAFETY: the pointer and the length are those of one exclusive slice of initialised bytes,
    // which outlives the call; Go writes within it and keeps no reference (go/main.go).
    let count = outcome(unsafe {
        rclone_sys::RcloneRead(reader, buffer.as_mut_ptr().cast(), buffer.len())
    })?;
    within(buffer, count)
}

/// Reads an object from its beginning on, as far as the buffer goes; gives the number of bytes, and
/// the reader for those that may follow. Fewer than fit are all there are. `bridge/cancel` ends it
/// by the number of the call.
pub(super) fn begin(
    object: Handle,
    call: u64,
    buffer: &mut [u8],
) -> Result<(usize, Option<Handle>), Error> {
    // SAFETY: the pointer and the length are those of one exclusive slice of initialised bytes,
    // which outlives the call; Go writes within it, in several goroutines that have all ended when
    // it returns, and keeps no reference, also where a reader remains (Begin in
    // go/core/readers.go).
    let result =
        unsafe { rclone_sys::RcloneBegin(object, call, buffer.as_mut_ptr().cast(), buffer.len()) };
    if let Some(error) = GoString::take(result.Error) {
        return Err(Error::from_json(&error.to_text()));
    }
    Ok((within(buffer, result.Count)?, (result.Reader != 0).then_some(result.Reader)))
}

/// Fills the buffer with an object's bytes from `offset` on; fewer are an error. `ahead`: after
/// what somebody waits for, until `bridge/hurry`. `bridge/cancel` ends it by the number of the
/// call.
pub(super) fn fetch(
    object: Handle,
    call: u64,
    offset: u64,
    ahead: bool,
    buffer: &mut [u8],
) -> Result<(), Error> {
    let offset = signed(offset)?;
    // SAFETY: the pointer and the length are those of one exclusive slice of initialised bytes,
    // which outlives the call; Go writes within it, in several goroutines that have all ended when
    // it returns, and keeps no reference (Fetch in go/core/readers.go).
    let result = unsafe {
        rclone_sys::RcloneFetch(
            object,
            call,
            offset,
            ahead.into(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
        )
    };
    outcome(result).map(drop)
}

/// Begins an upload of `size` bytes (unknown if `None`) with a modification time in nanoseconds
/// since 1970.
pub(super) fn create(
    remote: Handle,
    path: &str,
    size: Option<u64>,
    mod_time_ns: i64,
) -> Result<Handle, Error> {
    let path = c_string(path)?;
    let size = size.map_or(Ok(-1), signed)?;
    // SAFETY: the path is a NUL-terminated string that lives until the call returns; Go copies it
    // and does not write to it.
    outcome(unsafe {
        rclone_sys::RcloneCreate(remote, path.as_ptr().cast_mut(), size, mod_time_ns)
    })
}

/// Hands bytes to a writer; they are taken over when this returns.
pub(super) fn write(writer: Handle, bytes: &[u8]) -> Result<(), Error> {
    let pointer = bytes.as_ptr().cast_mut().cast::<c_void>();
    // SAFETY: the pointer and the length are those of one slice, which outlives the call; Go only
    // reads from it (io.Pipe's Write hands it to a reader that copies) and keeps no reference.
    outcome(unsafe { rclone_sys::RcloneWrite(writer, pointer, bytes.len()) }).map(drop)
}

/// Closes a reader or aborts a writer; whatever another thread is doing with it ends.
pub(super) fn close(stream: Handle) -> Result<(), Error> {
    // SAFETY: only a number is passed; an unknown handle is an error.
    outcome(unsafe { rclone_sys::RcloneClose(stream) }).map(drop)
}

/// Lets go of kept objects.
pub(super) fn release(objects: &[Handle]) -> Result<(), Error> {
    // SAFETY: the pointer and the length are those of one slice, which outlives the call; Go only
    // reads from it and keeps no reference. An unknown handle is an error.
    outcome(unsafe { rclone_sys::RcloneRelease(objects.as_ptr().cast_mut(), objects.len()) })
        .map(drop)
}

/// A number of bytes that Go says it put into a buffer.
fn within(buffer: &[u8], count: impl TryInto<usize>) -> Result<usize, Error> {
    let count = count.try_into().ok().filter(|count| *count <= buffer.len());
    count.ok_or_else(|| {
        Error::new(ErrorKind::Other, "a bug: the bridge read more bytes than there was room for")
    })
}

fn outcome(result: rclone_sys::RcloneIOResult) -> Result<u64, Error> {
    match GoString::take(result.Error) {
        Some(error) => Err(Error::from_json(&error.to_text())),
        None => u64::try_from(result.Value)
            .map_err(|_| Error::new(ErrorKind::Other, "a bug: the bridge gave a negative number")),
    }
}

fn c_string(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| {
        Error::new(ErrorKind::Config, "a text with a NUL byte, which no remote can take")
    })
}

fn signed(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| {
        Error::new(ErrorKind::Other, format!("{number} is more bytes than any object has"))
    })
}

/// A string that Go allocated; freed by Go's own function, also when decoding it fails.
struct GoString(NonNull<c_char>);

impl GoString {
    /// Owns a pointer that a call gave; `None` for a null pointer.
    fn take(pointer: *mut c_char) -> Option<Self> {
        NonNull::new(pointer).map(Self)
    }

    fn to_text(&self) -> String {
        // SAFETY: the pointer came from C.CString in go/main.go: NUL-terminated, and not freed or
        // changed by anyone before `self` is dropped.
        unsafe { CStr::from_ptr(self.0.as_ptr()) }.to_string_lossy().into_owned()
    }
}

impl Drop for GoString {
    fn drop(&mut self) {
        // SAFETY: the pointer came from Go, is owned by `self` alone and freed only here.
        unsafe { rclone_sys::RcloneFreeString(self.0.as_ptr()) }
    }
}
