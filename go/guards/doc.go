// Package guards stands between the product and those of rclone's backends that would lose data without a word: where an empty
// answer passes for an empty folder, where a part of what is there is left out of a listing, where a file is replaced before the
// new one is complete, where two names are one and nothing says so, where a hash is not the server's. Each guard works wherever its
// backend is opened, also by a backend that wraps it, and in a build that does not have the backend none of it is linked in.
//
//	chunker.go  a file with a missing part is an error
//	combine.go  a file gets its name when it is complete, on each upstream; two names may be one, if on any
//	ftp.go      names that begin with a dot, folders that cannot be listed, missing folders that are called bad arguments
//	hasher.go   no hash that comes out of a cache of this machine's; two names may be one, as on what is wrapped
//	local.go    what may not be read is an error; what is neither a file nor a folder is counted, also where something wraps it
//	s3.go       a bucket of another region is an error
//	sftp.go     what is no regular file is an error, and not opened
//	union.go    an upstream that cannot be listed is an error; what it hides behind another of its name is told; two names may be one, if on any
//	webdav.go   a file gets its name when it is complete
package guards
