// Package fault makes errors of a kind, in one line, of whatever rclone, a drive or the network says: no password
// and no session id gets through (redact.go), and a certificate that is refused comes with its host and what to do.
package fault
