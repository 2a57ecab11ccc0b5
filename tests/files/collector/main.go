// Writes telemetry as a Collector with the file exporter does.
//
//	collector CONFIG [GATE] [killed]
//
// CONFIG is the exporter's, in JSON. GATE is a feature gate that is enabled. Standard input has one document of OTLP
// JSON a line: each goes to the exporter of its signal. With `killed` the process ends as by kill -9, and what the
// exporter has in its buffer is lost.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"log"
	"os"
	"strings"
	"syscall"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/encoding/otlpencodingextension"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// host has the encodings that a configuration may name.
type host struct {
	extensions map[component.ID]component.Component
}

func (h host) GetExtensions() map[component.ID]component.Component { return h.extensions }

// exporters are of one configuration: they write one file.
type exporters struct {
	traces  exporter.Traces
	metrics exporter.Metrics
	logs    exporter.Logs
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func got[T any](made T, err error) T {
	must(err)
	return made
}

func telemetry() component.TelemetrySettings { return componenttest.NewNopTelemetrySettings() }

func encodings(ctx context.Context) host {
	made := host{map[component.ID]component.Component{}}
	for _, protocol := range []string{"otlp_json", "otlp_proto"} {
		factory := otlpencodingextension.NewFactory()
		id := component.MustNewIDWithName("otlp_encoding", protocol)
		config := factory.CreateDefaultConfig().(*otlpencodingextension.Config)
		config.Protocol = protocol
		made.extensions[id] = got(factory.Create(ctx, extension.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: telemetry()}, config))
		must(made.extensions[id].Start(ctx, made))
	}
	return made
}

func start(ctx context.Context, text string) exporters {
	factory := fileexporter.NewFactory()
	var given map[string]any
	must(json.Unmarshal([]byte(text), &given))
	config := factory.CreateDefaultConfig()
	must(confmap.NewFromStringMap(given).Unmarshal(config))
	must(config.(*fileexporter.Config).Validate())
	settings := exporter.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: telemetry()}
	made := exporters{
		traces:  got(factory.CreateTraces(ctx, settings, config)),
		metrics: got(factory.CreateMetrics(ctx, settings, config)),
		logs:    got(factory.CreateLogs(ctx, settings, config)),
	}
	there := encodings(ctx)
	for _, one := range []component.Component{made.traces, made.metrics, made.logs} {
		must(one.Start(ctx, there))
	}
	return made
}

func (e exporters) take(ctx context.Context, line []byte) {
	switch {
	case strings.HasPrefix(string(line), `{"resourceLogs"`):
		must(e.logs.ConsumeLogs(ctx, got((&plog.JSONUnmarshaler{}).UnmarshalLogs(line))))
	case strings.HasPrefix(string(line), `{"resourceMetrics"`):
		must(e.metrics.ConsumeMetrics(ctx, got((&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(line))))
	default:
		must(e.traces.ConsumeTraces(ctx, got((&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line))))
	}
}

func main() {
	ctx := context.Background()
	killed := false
	for _, word := range os.Args[2:] {
		if word == "killed" {
			killed = true
		} else {
			must(featuregate.GlobalRegistry().Set(word, true))
		}
	}
	made := start(ctx, os.Args[1])
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		made.take(ctx, lines.Bytes())
	}
	must(lines.Err())
	if killed {
		must(syscall.Kill(os.Getpid(), syscall.SIGKILL))
		select {}
	}
	for _, one := range []component.Component{made.traces, made.metrics, made.logs} {
		must(one.Shutdown(ctx))
	}
}
