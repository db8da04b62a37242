//go:build tools

// Package helm names the program that the tests build; nothing imports it.
//
// A new version: change it in go.mod at helm.sh/helm/v4; then go mod tidy.
package helm

import (
	_ "helm.sh/helm/v4/cmd/helm"
)
