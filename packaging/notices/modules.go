package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// goModules are the Go modules that are linked in.
func goModules(b build) ([]part, error) {
	tags := "netgo,osusergo,noselfupdate"
	if b.AllBackends {
		tags += ",all_backends"
	}
	folder := filepath.Join(b.Root, "go")
	format := "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}\t{{$.Dir}}{{end}}{{end}}"
	list, err := command(folder, []string{"GOOS=" + b.OS, "GOARCH=" + b.Arch, "CGO_ENABLED=1"}, "go", "list", "-deps", "-tags", tags, "-f", format, ".")
	if err != nil {
		return nil, err
	}
	parts := map[string]*part{}
	for _, line := range strings.Split(strings.TrimSpace(string(list)), "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != 4 {
			continue
		}
		path, version, root, folder := fields[0], fields[1], fields[2], fields[3]
		p := parts[path]
		if p == nil {
			p = &part{Name: path, Version: version, URL: "pkg:golang/" + path + "@" + version}
			parts[path] = p
		}
		// A part of a module can have a licence of its own: it counts from the package upwards.
		for ; strings.HasPrefix(folder, root); folder = filepath.Dir(folder) {
			texts, err := licenseTexts(folder)
			if err != nil {
				return nil, err
			}
			for _, text := range texts {
				if !slices.Contains(p.Texts, text) {
					p.Texts = append(p.Texts, text)
				}
			}
		}
	}
	var found []part
	for _, p := range parts {
		p.License = classify(p.Texts)
		found = append(found, *p)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("go names no module for %s/%s", b.OS, b.Arch)
	}
	return found, nil
}

// classify names the licences of a module by their texts; all of them hold. It gives none where no text is
// a licence as a whole: then somebody must read it.
func classify(texts []string) string {
	const whole = 75 // Percent; a copyright line or a heading is no part of a licence.
	var names []string
	found := false
	for _, text := range texts {
		coverage := licensecheck.Scan([]byte(text))
		found = found || coverage.Percent >= whole
		for _, match := range coverage.Match {
			if !slices.Contains(names, match.ID) {
				names = append(names, match.ID)
			}
		}
	}
	if !found {
		return ""
	}
	slices.Sort(names)
	return strings.Join(names, " AND ")
}

// licenseTexts reads the files in a folder that hold a licence or a notice.
func licenseTexts(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, entry := range entries {
		name := strings.ToLower(entry.Name())
		path := filepath.Join(folder, entry.Name())
		if entry.IsDir() {
			// The convention of REUSE.
			if name == "licenses" {
				below, err := licenseTexts(path)
				if err != nil {
					return nil, err
				}
				texts = append(texts, below...)
			}
			continue
		}
		begins := func(word string) bool { return strings.HasPrefix(name, word) }
		reuse := strings.ToLower(filepath.Base(folder)) == "licenses"
		if !reuse && !slices.ContainsFunc([]string{"license", "licence", "unlicense", "copying", "copyright", "notice"}, begins) {
			continue
		}
		if slices.Contains([]string{".go", ".rs", ".json", ".yml", ".yaml", ".toml", ".html", ".tmpl", ".sh", ".py", ".tpl"}, filepath.Ext(name)) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		texts = append(texts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	return texts, nil
}
