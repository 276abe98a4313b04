// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names the module whose object definitions are applied, so that go.mod keeps it.
package tools

import _ "sigs.k8s.io/gateway-api/apis/v1"
