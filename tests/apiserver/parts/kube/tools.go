//go:build tools

// Package kube names the programs that the tests build; nothing imports it.
//
// A new version: change it in go.mod at k8s.io/kubernetes and, as v0.MINOR.PATCH, at every replacement; then go mod tidy.
package kube

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
