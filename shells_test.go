//go:build shells

package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestShells has real shells complete, as a user's do. make test-shells runs it.
func TestShells(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/shells", RequireExplicitExec: true})
}
