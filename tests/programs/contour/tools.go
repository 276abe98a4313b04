// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names the program that is built here, so that go.mod keeps what it needs.
package tools

import _ "github.com/projectcontour/contour/cmd/contour"
