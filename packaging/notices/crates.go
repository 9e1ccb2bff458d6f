package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// crates are the Rust crates that are linked in: neither what only the build or the tests need, nor
// procedural macros.
func crates(b build) ([]part, error) {
	features := []string{"--locked", "--offline"}
	if b.AllBackends {
		features = append(features, "--features", "plakar-opendrive/all-backends")
	}
	tree, err := command(b.Root, nil, "cargo", append([]string{
		"tree", "--target", b.Target, "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}", "-p", "plakar-opendrive", "-p", "app-cli",
	}, features...)...)
	if err != nil {
		return nil, err
	}
	answer, err := command(b.Root, nil, "cargo", append([]string{"metadata", "--format-version", "1", "--filter-platform", b.Target}, features...)...)
	if err != nil {
		return nil, err
	}
	var metadata struct {
		Packages []struct {
			Name, Version, License, Source string
			Authors                        []string
			ManifestPath                   string `json:"manifest_path"`
		}
	}
	if err := json.Unmarshal(answer, &metadata); err != nil {
		return nil, err
	}
	sums, err := cargoSums(b.Root)
	if err != nil {
		return nil, err
	}
	linked := map[string]bool{}
	for _, line := range strings.Split(string(tree), "\n") {
		if words := strings.Fields(line); len(words) > 1 {
			linked[words[0]+" "+strings.TrimPrefix(words[1], "v")] = true
		}
	}
	var parts []part
	for _, p := range metadata.Packages {
		// Without a source it is our own.
		if p.Source == "" || !linked[p.Name+" "+p.Version] {
			continue
		}
		texts, err := licenseTexts(filepath.Dir(p.ManifestPath))
		if err != nil {
			return nil, err
		}
		if len(texts) == 0 {
			texts = []string{fmt.Sprintf("%s %s comes without a licence text. Its authors: %s. Its licence: %s.", p.Name, p.Version, strings.Join(p.Authors, ", "), p.License)}
		}
		parts = append(parts, part{
			Name: p.Name, Version: p.Version, License: p.License, Texts: texts,
			URL: "pkg:cargo/" + p.Name + "@" + p.Version, Sum: sums[p.Name+" "+p.Version],
		})
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("cargo names no crate for %s", b.Target)
	}
	return parts, nil
}

// cargoSums are the SHA-256 sums in Cargo.lock by name and version.
func cargoSums(root string) (map[string]string, error) {
	lock, err := os.ReadFile(filepath.Join(root, "Cargo.lock"))
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	var name, version string
	for _, line := range strings.Split(string(lock), "\n") {
		key, value, _ := strings.Cut(line, " = ")
		switch value = strings.Trim(value, `"`); key {
		case "name":
			name = value
		case "version":
			version = value
		case "checksum":
			sums[name+" "+version] = value
		}
	}
	return sums, nil
}

// command runs a program and gives what it prints.
func command(folder string, environment []string, name string, arguments ...string) ([]byte, error) {
	c := exec.Command(name, arguments...)
	c.Dir, c.Env = folder, append(os.Environ(), environment...)
	var problem bytes.Buffer
	c.Stderr = &problem
	output, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, arguments[0], err, problem.String())
	}
	return output, nil
}
