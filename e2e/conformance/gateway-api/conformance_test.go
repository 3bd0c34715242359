// Package gatewayconformance is the Gateway API's own conformance suite as a test binary; see README.md.
package gatewayconformance

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

// TestConformance reads everything from the command line: class, profiles, report.
func TestConformance(t *testing.T) { conformance.RunConformance(t) }
