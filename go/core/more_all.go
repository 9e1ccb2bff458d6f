//go:build all_backends

package core

const moreBackends = ""
