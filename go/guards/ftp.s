//go:build all_backends

// The functions of ftp.go have no bodies of their own, which Go takes only where a package has a file like this.
