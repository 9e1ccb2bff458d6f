// Package core is the bridge between Rust and rclone, without any C: control calls that take and give JSON, and
// handles for remotes, objects, readers and writers, of any backend. It knows drive, and drive knows fault.
//
// On OpenDrive a read by path costs three calls, a read of a kept object one. That is why listings keep
// objects, and why everything above hands Objects around instead of paths.
//
// The files:
//
//   - rpc.go: control calls: JSON in, JSON out. Ours begin with bridge/ and are typed. They do not
//     run through rclone's job manager, which keeps every answer for a minute
//   - remotes.go, overrides.go: open a remote from a config map in memory, checked option by option
//   - listing.go: list with the objects kept, in pieces
//   - objects.go: kept objects; stat, mkdir, purge, move, delete; several in one call
//   - names.go: names without rclone's quoting for callers, in its standard encoding inside; what names have in common that a
//     drive may take for one
//   - probe.go: one probe of a remote
//   - side_by_side.go: a large object in parts over several connections, in order and within 40 MiB of
//     memory, where drive says that it is bounded (Line)
//   - readers.go, checksum.go: read at (offset, length); the whole of a small object in one call; a cut
//     download goes on where it stopped (operations.NewReOpen); a whole object is checked against the size
//     and hash it was listed with
//   - writers.go: upload; commit compares size and hash with what the server says; on backends that show
//     half-written objects, under a temporary name first
//   - calls.go: every call has a number by which another thread cancels it
//   - handles.go, streams.go: bounded tables; handles are never used twice, so a stale one is an error and
//     not something else
//   - limits.go, clock.go, zone.go, authorities.go: rate and bandwidth of the process; the drive's clock;
//     the local zone; the user's certificate authorities
package core
