// Command bridge is rclone as a C archive for the crate rclone-sys: three of
// librclone's own functions (RcloneInitialize, RcloneRPC, RcloneFreeString, see librclone.go in
// rclone) and verbs for the bytes of objects, which JSON cannot carry.
//
// Every string that goes out is a NUL-terminated copy that the caller frees with
// RcloneFreeString. Every buffer that comes in is the caller's and is not touched after the
// call has returned. No export panics.
package main

/*
#include <stdlib.h>

// RcloneRPCResult is an answer: Output is JSON, Status an HTTP status (200 is success).
struct RcloneRPCResult {
	char*	Output;
	int	Status;
};

// RcloneIOResult is the outcome of a data call: Value is a handle or a number of bytes. Error is
// NULL on success, else a JSON object with the members kind, message, path, status and retry.
struct RcloneIOResult {
	long long	Value;
	char*	Error;
};

// RcloneBeginning is the outcome of RcloneBegin: Count bytes, and a reader for those that may follow, 0 if there
// are none. Error is as above.
struct RcloneBeginning {
	long long	Count;
	unsigned long long	Reader;
	char*	Error;
};
*/
import "C"

import (
	"fmt"
	"math"
	"unicode/utf8"
	"unsafe"

	_ "bridge/backends"
	"bridge/core"
	"bridge/fault"
	_ "bridge/quiet"
)

// RcloneInitialize initializes rclone as a library. Call it once, before anything else.
//
//export RcloneInitialize
func RcloneInitialize() {
	defer func() { _ = recover() }()
	core.Initialize()
}

// RcloneRPC runs one control call.
//
//export RcloneRPC
func RcloneRPC(method *C.char, input *C.char) (result C.struct_RcloneRPCResult) {
	name, err := text(method)
	var body string
	if err == nil {
		body, err = text(input)
	}
	if err != nil {
		return C.struct_RcloneRPCResult{Output: C.CString(fault.As(err, "").JSON()), Status: 400}
	}
	output, status := core.RPC(name, body)
	return C.struct_RcloneRPCResult{Output: C.CString(output), Status: C.int(status)}
}

// RcloneFreeString frees a string that one of these functions gave; NULL is allowed.
//
//export RcloneFreeString
func RcloneFreeString(str *C.char) {
	C.free(unsafe.Pointer(str))
}

// RcloneOpen gives a reader on a kept object: length bytes from offset on, -1 for all of them.
// It does not wait for the server, the first RcloneRead does.
//
//export RcloneOpen
func RcloneOpen(object C.ulonglong, offset C.longlong, length C.longlong) (result C.struct_RcloneIOResult) {
	defer guard(&result)
	handle, err := core.OpenReader(uint64(object), int64(offset), int64(length))
	return outcome(int64(handle), err)
}

// RcloneRead fills a buffer from a reader; Value is the number of bytes, 0 at the end. It
// returns fewer bytes than fit only before the end.
//
//export RcloneRead
func RcloneRead(reader C.ulonglong, buffer unsafe.Pointer, length C.size_t) (result C.struct_RcloneIOResult) {
	defer guard(&result)
	bytes, err := slice(buffer, length)
	if err != nil {
		return outcome(0, err)
	}
	n, err := core.Read(uint64(reader), bytes)
	return outcome(int64(n), err)
}

// RcloneBegin reads a kept object from its beginning on: what RcloneOpen, RcloneRead and RcloneClose do, in one
// call for an object that is smaller than the buffer. It is read ahead: after what somebody waits for, until the control call
// bridge/hurry. bridge/cancel ends it by its number (0: not).
//
//export RcloneBegin
func RcloneBegin(object C.ulonglong, call C.ulonglong, buffer unsafe.Pointer, length C.size_t) (result C.struct_RcloneBeginning) {
	defer func() {
		if cause := recover(); cause != nil {
			result = C.struct_RcloneBeginning{Error: failure(bug(cause))}
		}
	}()
	bytes, err := slice(buffer, length)
	if err != nil {
		return C.struct_RcloneBeginning{Error: failure(err)}
	}
	n, rest, err := core.Begin(uint64(object), uint64(call), bytes)
	if err != nil {
		return C.struct_RcloneBeginning{Error: failure(err)}
	}
	return C.struct_RcloneBeginning{Count: C.longlong(n), Reader: C.ulonglong(rest)}
}

// RcloneFetch reads a kept object from an offset on until the buffer is full, in one call; an object with fewer bytes is an
// error. What is read ahead (not 0) comes after what somebody waits for, until the control call bridge/hurry. bridge/cancel ends the
// call by its number (0: not).
//
//export RcloneFetch
func RcloneFetch(object C.ulonglong, call C.ulonglong, offset C.longlong, ahead C.int, buffer unsafe.Pointer, length C.size_t) (result C.struct_RcloneIOResult) {
	defer guard(&result)
	bytes, err := slice(buffer, length)
	if err == nil {
		err = core.Fetch(uint64(object), uint64(call), int64(offset), ahead != 0, bytes)
	}
	return outcome(int64(length), err)
}

// RcloneCreate begins an upload of size bytes (-1: unknown) to a path of a remote, with a
// modification time in nanoseconds since 1970. Value is the writer.
//
//export RcloneCreate
func RcloneCreate(remote C.ulonglong, path *C.char, size C.longlong, modTimeNs C.longlong) (result C.struct_RcloneIOResult) {
	defer guard(&result)
	name, err := text(path)
	if err != nil {
		return outcome(0, err)
	}
	handle, err := core.Create(uint64(remote), name, int64(size), int64(modTimeNs))
	return outcome(int64(handle), err)
}

// RcloneWrite hands bytes to a writer and returns when they are taken over. The upload is
// finished with the control call bridge/commit.
//
//export RcloneWrite
func RcloneWrite(writer C.ulonglong, buffer unsafe.Pointer, length C.size_t) (result C.struct_RcloneIOResult) {
	defer guard(&result)
	bytes, err := slice(buffer, length)
	if err == nil {
		err = core.Write(uint64(writer), bytes)
	}
	return outcome(int64(length), err)
}

// RcloneClose closes a reader, or aborts a writer that was not committed. It may be called while
// another thread is in RcloneRead or RcloneWrite with the same handle: that call then ends with
// an error of kind cancelled.
//
//export RcloneClose
func RcloneClose(stream C.ulonglong) (result C.struct_RcloneIOResult) {
	defer guard(&result)
	return outcome(0, core.CloseStream(uint64(stream)))
}

// RcloneRelease lets go of kept objects. What is being read from them goes on. If some are unknown, the others
// are released all the same.
//
//export RcloneRelease
func RcloneRelease(objects *C.ulonglong, count C.size_t) (result C.struct_RcloneIOResult) {
	defer guard(&result)
	if count > 0 && objects == nil {
		return outcome(0, fmt.Errorf("a null pointer where %d handles were expected", count))
	}
	return outcome(0, core.Release(unsafe.Slice((*uint64)(objects), int(count))))
}

// guard turns a panic into an error.
func guard(result *C.struct_RcloneIOResult) {
	if cause := recover(); cause != nil {
		*result = outcome(0, bug(cause))
	}
}

func bug(cause any) error { return fmt.Errorf("a bug: panic in the Go code: %v", cause) }

func failure(err error) *C.char { return C.CString(fault.As(err, "").JSON()) }

func outcome(value int64, err error) (result C.struct_RcloneIOResult) {
	if err != nil {
		result.Error = failure(err)
		return result
	}
	result.Value = C.longlong(value)
	return result
}

// text copies a C string, which must be there and be UTF-8.
func text(str *C.char) (string, error) {
	if str == nil {
		return "", fmt.Errorf("a null pointer where a string was expected")
	}
	copied := C.GoString(str)
	if !utf8.ValidString(copied) {
		return "", fmt.Errorf("a string that is not UTF-8")
	}
	return copied, nil
}

// slice views a buffer of the caller's, for the duration of a call.
func slice(buffer unsafe.Pointer, length C.size_t) ([]byte, error) {
	switch {
	case length == 0:
		return nil, nil
	case buffer == nil:
		return nil, fmt.Errorf("a null pointer where a buffer of %d bytes was expected", length)
	case uint64(length) > math.MaxInt:
		return nil, fmt.Errorf("a buffer of %d bytes, more than there can be", length)
	}
	return unsafe.Slice((*byte)(buffer), int(length)), nil
}

func main() {}
