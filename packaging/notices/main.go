// Command notices tells what is linked into the executable, Rust crates and Go modules: a text file with
// all their licences, and a CycloneDX list of parts (SBOM). It fails if a licence is not on the list of
// those that may be shipped with ours. It needs no network: all sources are there after a build.
//
// The usual tools see one language each; those for Go do not know a module that is a C archive.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

// part is a crate or a module that is linked in.
type part struct {
	Name, Version string
	// URL is its package URL (purl), Sum its checksum as the lock file has it.
	URL, Sum string
	// License is an SPDX expression.
	License string
	Texts   []string
}

// build says what is built.
type build struct {
	// Root is the repository, Target Rust's name of the platform, OS and Arch Go's.
	Root, Target, OS, Arch string
	AllBackends            bool
	Version                string
}

func main() {
	var b build
	var licenses, sbom string
	flag.StringVar(&b.Root, "root", ".", "the repository")
	flag.StringVar(&b.Target, "target", "", "Rust's name of the platform")
	flag.StringVar(&b.OS, "os", "", "Go's name of the operating system")
	flag.StringVar(&b.Arch, "arch", "", "Go's name of the architecture")
	flag.BoolVar(&b.AllBackends, "all-backends", false, "with every backend of rclone")
	flag.StringVar(&b.Version, "version", "", "our version")
	flag.StringVar(&licenses, "licenses", "", "where to write the licences")
	flag.StringVar(&sbom, "sbom", "", "where to write the CycloneDX list, if anywhere")
	flag.Parse()
	if err := run(b, licenses, sbom); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(b build, licenses, sbom string) error {
	parts, err := crates(b)
	if err != nil {
		return err
	}
	modules, err := goModules(b)
	if err != nil {
		return err
	}
	parts = append(parts, modules...)
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version)) })
	if refused := refuse(parts); len(refused) > 0 {
		return fmt.Errorf("these may not be shipped with the ISC licence, or nobody has looked (packaging/notices/accepted.go):\n%s", strings.Join(refused, "\n"))
	}
	text, err := notices(b, parts)
	if err != nil {
		return err
	}
	if err := replace(licenses, text); err != nil {
		return err
	}
	if sbom == "" {
		return nil
	}
	return writeSBOM(b, parts, sbom)
}

// replace writes a file whole: a package may be made of it at the same time.
func replace(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
