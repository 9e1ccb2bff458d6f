package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func TestExpressions(t *testing.T) {
	for expression, want := range map[string]bool{
		"MIT":                                  true,
		"MIT/Apache-2.0":                       true,
		"GPL-3.0-only":                         false,
		"GPL-3.0-only OR MIT":                  true,
		"MIT AND GPL-3.0-only":                 false,
		"(MIT OR GPL-2.0) AND Unicode-3.0":     true,
		"(MIT OR Apache-2.0) AND AGPL-3.0":     false,
		"Apache-2.0 WITH LLVM-exception OR X":  true,
		"GPL-2.0 WITH Classpath-exception-2.0": false,
		"":                                     false,
		"(MIT":                                 false,
		"MIT)":                                 false,
		"MIT ISC":                              false,
	} {
		if got := satisfied(expression); got != want {
			t.Errorf("%q: %v", expression, got)
		}
	}
}

func TestALicenseIsKnownByItsText(t *testing.T) {
	if got := classify([]string{lgpl}); got != "LGPL-2.1" {
		t.Errorf("%q", got)
	}
	if got := classify([]string{"All rights reserved. Ask us."}); got != "" {
		t.Errorf("%q", got)
	}
	refused := refuse([]part{{Name: "a", License: "MIT"}, {Name: "b", License: "LGPL-2.1"}, {Name: "c"}})
	if len(refused) != 2 || !strings.Contains(refused[0], `b : "LGPL-2.1"`) {
		t.Errorf("%q", refused)
	}
}

// What is linked in for this machine may be shipped, and all of it is in both files.
func TestEveryPartIsInBothFiles(t *testing.T) {
	compiler, err := command(".", nil, "rustc", "-vV")
	if err != nil {
		t.Fatal(err)
	}
	_, host, _ := strings.Cut(string(compiler), "\nhost: ")
	host, _, _ = strings.Cut(host, "\n")
	b := build{Root: "../..", Target: host, OS: runtime.GOOS, Arch: runtime.GOARCH, Version: "v0"}
	licenses, sbom := filepath.Join(t.TempDir(), "licenses"), filepath.Join(t.TempDir(), "sbom")
	if err := run(b, licenses, sbom); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(licenses)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(sbom)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(file, cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, component := range *bom.Components {
		listed[component.PackageURL] = true
		if line := "\n" + component.Name + " " + component.Version + ": "; !strings.Contains(string(text), line) {
			t.Errorf("%q is not among the licences", line)
		}
	}
	// The versions are those of the lock files.
	cargo, err := cargoSums(b.Root)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../../go/go.sum")
	if err != nil {
		t.Fatal(err)
	}
	crates, modules := 0, 0
	for url := range listed {
		if crate, ok := strings.CutPrefix(url, "pkg:cargo/"); ok {
			crates++
			if cargo[strings.Replace(crate, "@", " ", 1)] == "" {
				t.Errorf("%s is not in Cargo.lock", crate)
			}
		} else if module, ok := strings.CutPrefix(url, "pkg:golang/"); ok {
			modules++
			if !strings.Contains("\n"+string(sums), "\n"+strings.Replace(module, "@", " ", 1)+" h1:") {
				t.Errorf("%s is not in go.sum", module)
			}
		}
	}
	if crates < 50 || modules < 20 {
		t.Errorf("%d crates and %d modules", crates, modules)
	}
	for _, words := range []string{"github.com/rclone/rclone v1.76.0: MIT", "Nick Craig-Wood", "The Go Authors", "GNU LESSER GENERAL PUBLIC LICENSE"} {
		if !strings.Contains(string(text), words) {
			t.Errorf("%q is missing", words)
		}
	}
}
