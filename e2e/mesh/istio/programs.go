//go:build tools

// Istio's control plane and the agent of its sidecar, as modules: there is no registry here to take their images from.
package istio

import (
	_ "istio.io/istio/pilot/cmd/pilot-agent"
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)
