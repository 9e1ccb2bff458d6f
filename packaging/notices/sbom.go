package main

import (
	"encoding/hex"
	"os"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// writeSBOM writes the parts as CycloneDX JSON, the same for the same build.
func writeSBOM(b build, parts []part, path string) error {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: "plakar-opendrive", Type: cdx.ComponentTypeApplication, Name: "plakar-opendrive", Version: b.Version,
		Licenses:   &cdx.Licenses{{License: &cdx.License{ID: "ISC"}}},
		Properties: &[]cdx.Property{{Name: "target", Value: b.Target}},
	}}
	components := []cdx.Component{}
	references := []string{}
	for _, p := range parts {
		component := cdx.Component{
			BOMRef: p.URL, Type: cdx.ComponentTypeLibrary, Name: p.Name, Version: p.Version, PackageURL: p.URL,
			Licenses: &cdx.Licenses{{Expression: p.License}},
		}
		if _, err := hex.DecodeString(p.Sum); err == nil && p.Sum != "" {
			component.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: p.Sum}}
		}
		components = append(components, component)
		references = append(references, p.URL)
	}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: "plakar-opendrive", Dependencies: &references}}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return file.Close()
}
