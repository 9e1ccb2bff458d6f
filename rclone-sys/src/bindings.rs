// Made by bindgen from the header that Go writes. Do not edit: run `make bindings`.

#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct RcloneRPCResult {
    pub Output: *mut ::std::os::raw::c_char,
    pub Status: ::std::os::raw::c_int,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of RcloneRPCResult"][::std::mem::size_of::<RcloneRPCResult>() - 16usize];
    ["Alignment of RcloneRPCResult"][::std::mem::align_of::<RcloneRPCResult>() - 8usize];
    [
        "Offset of field: RcloneRPCResult::Output",
    ][::std::mem::offset_of!(RcloneRPCResult, Output) - 0usize];
    [
        "Offset of field: RcloneRPCResult::Status",
    ][::std::mem::offset_of!(RcloneRPCResult, Status) - 8usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct RcloneIOResult {
    pub Value: ::std::os::raw::c_longlong,
    pub Error: *mut ::std::os::raw::c_char,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of RcloneIOResult"][::std::mem::size_of::<RcloneIOResult>() - 16usize];
    ["Alignment of RcloneIOResult"][::std::mem::align_of::<RcloneIOResult>() - 8usize];
    [
        "Offset of field: RcloneIOResult::Value",
    ][::std::mem::offset_of!(RcloneIOResult, Value) - 0usize];
    [
        "Offset of field: RcloneIOResult::Error",
    ][::std::mem::offset_of!(RcloneIOResult, Error) - 8usize];
};
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct RcloneBeginning {
    pub Count: ::std::os::raw::c_longlong,
    pub Reader: ::std::os::raw::c_ulonglong,
    pub Error: *mut ::std::os::raw::c_char,
}
#[allow(clippy::unnecessary_operation, clippy::identity_op)]
const _: () = {
    ["Size of RcloneBeginning"][::std::mem::size_of::<RcloneBeginning>() - 24usize];
    ["Alignment of RcloneBeginning"][::std::mem::align_of::<RcloneBeginning>() - 8usize];
    [
        "Offset of field: RcloneBeginning::Count",
    ][::std::mem::offset_of!(RcloneBeginning, Count) - 0usize];
    [
        "Offset of field: RcloneBeginning::Reader",
    ][::std::mem::offset_of!(RcloneBeginning, Reader) - 8usize];
    [
        "Offset of field: RcloneBeginning::Error",
    ][::std::mem::offset_of!(RcloneBeginning, Error) - 16usize];
};
unsafe extern "C" {
    pub fn RcloneInitialize();
    pub fn RcloneRPC(
        method: *mut ::std::os::raw::c_char,
        input: *mut ::std::os::raw::c_char,
    ) -> RcloneRPCResult;
    pub fn RcloneFreeString(str_: *mut ::std::os::raw::c_char);
    pub fn RcloneOpen(
        object: ::std::os::raw::c_ulonglong,
        offset: ::std::os::raw::c_longlong,
        length: ::std::os::raw::c_longlong,
    ) -> RcloneIOResult;
    pub fn RcloneRead(
        reader: ::std::os::raw::c_ulonglong,
        buffer: *mut ::std::os::raw::c_void,
        length: usize,
    ) -> RcloneIOResult;
    pub fn RcloneBegin(
        object: ::std::os::raw::c_ulonglong,
        call: ::std::os::raw::c_ulonglong,
        buffer: *mut ::std::os::raw::c_void,
        length: usize,
    ) -> RcloneBeginning;
    pub fn RcloneFetch(
        object: ::std::os::raw::c_ulonglong,
        call: ::std::os::raw::c_ulonglong,
        offset: ::std::os::raw::c_longlong,
        ahead: ::std::os::raw::c_int,
        buffer: *mut ::std::os::raw::c_void,
        length: usize,
    ) -> RcloneIOResult;
    pub fn RcloneCreate(
        remote: ::std::os::raw::c_ulonglong,
        path: *mut ::std::os::raw::c_char,
        size: ::std::os::raw::c_longlong,
        modTimeNs: ::std::os::raw::c_longlong,
    ) -> RcloneIOResult;
    pub fn RcloneWrite(
        writer: ::std::os::raw::c_ulonglong,
        buffer: *mut ::std::os::raw::c_void,
        length: usize,
    ) -> RcloneIOResult;
    pub fn RcloneClose(stream: ::std::os::raw::c_ulonglong) -> RcloneIOResult;
    pub fn RcloneRelease(
        objects: *mut ::std::os::raw::c_ulonglong,
        count: usize,
    ) -> RcloneIOResult;
}
