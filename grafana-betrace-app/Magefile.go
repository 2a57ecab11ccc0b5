//go:build mage

// Build targets of Grafana's SDK, for those who release the plugin for several systems: `mage -v build:linux`. The folder of the nested plugin has to be named
// "datasource" for it. Do not use its reload and debug targets on a machine with others: they end processes by name.
package main

import (
	build "github.com/grafana/grafana-plugin-sdk-go/build"
	"github.com/magefile/mage/mg"
)

// BuildAll builds for every system.
func BuildAll() { //revive:disable-line
	var b build.Build
	mg.Deps(b.Linux, b.Windows, b.Darwin, b.DarwinARM64, b.LinuxARM64, b.LinuxARM)
}

// Build is the SDK's set of targets.
type Build = build.Build

// Default builds for the system that it runs on.
var Default = build.Build.Linux
