// Package drive is all that knows OpenDrive: how a remote is opened, which calls are made, what is tried again
// and what the drive's answers mean. What the service does is told where it is dealt with, with the day it was seen.
//
// The login is a call that rclone retries like any other; a wrong password would be sent ten times. So the
// backend logs in with one try, and the pacer is given its tries afterwards.
//
// rclone's pacer sleeps where nothing can wake it, and lets calls through one by one. So it only spaces
// them (10 to 100 ms); the wait after a failure is in sign, which every request passes, where a cancelled
// call leaves at once and all who wait go on together. What may last for minutes is waited for in the
// outermost transport, retryingTransport, whatever call it hits; the pacer's tries are for seconds.
//
// When the answer to a call is lost the call is made again, and finds that it was done: a name that exists,
// a folder made twice, a chunk that has arrived, an upload that is closed already. Each is looked up where
// names do not lag: create, createFolder, sendChunk, close. An upload removes what it made when it fails,
// because only it knows that; but never after it has asked the drive to close it, without an answer.
//
// A download waits for its turn inside the pacer's call, which costs nothing: the pacer's token comes back
// by a timer. Downloads and chunks go over HTTP/1.1, each on a connection of its own, because the drive gives
// each so much; HTTP/2 would put all on one. Above go/drive/ only a number tells of that: downloads in the answer
// of bridge/open. What reads ahead says so (RcloneBegin, RcloneFetch), and bridge/hurry when somebody waits
// for it.
//
// The files:
//
//   - fields.go: the private fields of rclone's that are read and written, all of them
//   - drive.go, open.go, opening.go, login.go: a remote that is open, and what is changed on it then. Every OpenDrive remote of
//     the process is opened here, also one that crypt wraps: a login, and one call that finds the base, or
//     (certain) two calls, one of which lists the folders beside it, so that none that is there twice is
//     taken
//   - retry.go: what is tried again, how often and after which wait: the table, all figures, and the
//     backoff that the calls of a remote share
//   - spacing.go: the least time between two calls, an option
//   - patience.go: what the drive refuses for a time, as the table says: too many calls, writes that are
//     refused at random, what it does not know yet
//   - away.go: a drive from which nothing has come for long is not waited for by every call
//   - session.go: a session that ends is renewed once for all who wait: the id that rclone's backend
//     writes into each request is replaced on its way out, so kept objects and uploads go on
//   - answers.go: what OpenDrive answers, before rclone's backend gets it: an error with status 200 is an
//     error, JSON that is no listing is not an empty folder, HTML is not the drive's, and an answer that
//     never ends is cut off (2 GiB for a listing that is read as it comes, which then is read by pages, and 4 MiB for an entry of it, 256 MiB for rclone's own, 32
//     MiB for the zip of a folder, 4 MiB for the rest)
//   - scan.go, listing.go: a folder's listing, read entry by entry as it arrives, and kept compactly: in the order
//     of the names, without a pointer for each entry; rclone's object is made when it is read. crypt gets its
//     entries from there too
//   - parts.go: when more of a folder follows than was given, where the next page begins, and whether it
//     fits to what came before it
//   - pages.go: the rest of a listing that ends at a hundred entries, and one by pages where the whole
//     fails, for what rclone's backend lists by itself
//   - archive.go: a folder of small files as one zip
//   - downloads.go, downloads_transport.go: a budget of download connections: each waits for its turn at
//     the transport, in the order of how much it is wanted (a Want in its context), until its last byte
//   - downloads_answers.go: what is no content is never taken for it; the daily volume
//   - downloads_line.go: how fast one connection is, and so how large a part of a file is worth a call
//   - transport.go, tls.go, clock.go: the transports of a remote, one in the other; no redirect to where
//     nothing is encrypted; what time it is at the server
//   - spent.go: how many calls were made, how often the drive said to wait, and how many bytes of files
//     went each way, for the whole process
//   - upload.go, bring.go, chunk.go, close.go: an upload of our own in 2 to 4 calls instead of the
//     backend's 8, and one more for each chunk after the first: made, brought there with chunks that go on where the drive is, closed, and looked at
//     until the drive has it. What is kept of large files until the drive has it is bounded for the
//     process
//   - records.go, names.go, times.go, room.go, folders.go: what the drive says of a file; names that it
//     changes or does not find; times that it refuses; whether a large file fits; new folders in one call
//   - crypt.go: what crypt leaves out of a listing, because it cannot decrypt the name: seen on the way to
//     it, in the same call
//   - errors.go: the kind of an error that the API gave
//   - probe*.go: the questions of plakar-opendrive probe, one call of the bridge each: calls are made
//     once, below our own transports, so that the drive's answers are seen as they come; probe_redact.go
//     takes out of them what must not be shown
package drive
