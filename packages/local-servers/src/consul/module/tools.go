//go:build tools

// Package consul pins the agent that tests and local runs build from its Go module.
package consul

import _ "github.com/hashicorp/consul"
