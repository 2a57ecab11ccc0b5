// The Collector's real tail sampler with policies of `betrace sampler`: which traces does each rule keep?
//
//	tail_sampler CONFIG TRACES [KEPT]
//	tail_sampler --cost TIMES TRACES CONFIG…
//	tail_sampler --late WAIT CONFIG TRACES
//
// CONFIG is the section that betrace wrote, TRACES a file with one ExportTraceServiceRequest (OTLP in JSON) a line, one
// or more traces each. Each rule gets a processor of its own with its policies alone; the spans of a trace come resource by
// resource, and the processor decides when it is shut down. Prints {"kept": {rule: [trace ids]}, "errors": [...]}, where
// errors are the warnings of conditions that failed.
//
// With KEPT all policies are in one processor, which records in each trace the policy that kept it, and the traces that
// it kept are written there, one a line.
//
// With --late the first resource of each trace comes, then nothing for longer than WAIT, which is the decision_wait, and
// then the others. All policies are in one processor. Prints {trace id: [names of the spans that were kept]}.
//
// With --cost one processor has all policies of a file, TIMES times, and its processor time is printed (cost.go).
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func readSection(path string) map[string]any {
	retrieved := must(confmap.NewRetrievedFromYAML(must(os.ReadFile(path))))
	return must(must(retrieved.AsConf()).Sub("processors::tail_sampling")).ToStringMap()
}

// The policies of each rule, by the second part of their names.
func readPolicies(section map[string]any) map[string][]any {
	byRule := map[string][]any{}
	policies, _ := section["policies"].([]any)
	for _, policy := range policies {
		rule := strings.Split(policy.(map[string]any)["name"].(string), "/")[1]
		byRule[rule] = append(byRule[rule], policy)
	}
	return byRule
}

func readTraces(path string) []ptrace.Traces {
	traces, unmarshaler := []ptrace.Traces{}, &ptrace.JSONUnmarshaler{}
	scanner := bufio.NewScanner(bytes.NewReader(must(os.ReadFile(path))))
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		traces = append(traces, must(unmarshaler.UnmarshalTraces(scanner.Bytes())))
	}
	return traces
}

func consume(p interface {
	ConsumeTraces(context.Context, ptrace.Traces) error
}, trace ptrace.Traces) {
	for i := range trace.ResourceSpans().Len() {
		part := ptrace.NewTraces()
		trace.ResourceSpans().At(i).CopyTo(part.ResourceSpans().AppendEmpty())
		if err := p.ConsumeTraces(context.Background(), part); err != nil {
			must(0, err)
		}
	}
}

// With the section as it is, except for its policies and for what a test has no time or memory for.
func decide(section map[string]any, policies []any, logger *zap.Logger, feed func(send func(ptrace.Traces))) *consumertest.TracesSink {
	section["decision_wait"], section["num_traces"], section["policies"] = "10m", 1_000_000, policies
	return decideAsItIs(section, logger, feed)
}

func all(traces []ptrace.Traces) func(send func(ptrace.Traces)) {
	return func(send func(ptrace.Traces)) {
		for _, trace := range traces {
			send(trace)
		}
	}
}

func decideAsItIs(section map[string]any, logger *zap.Logger, feed func(send func(ptrace.Traces))) *consumertest.TracesSink {
	factory := tailsamplingprocessor.NewFactory()
	config := factory.CreateDefaultConfig()
	must(0, confmap.NewFromStringMap(section).Unmarshal(config))
	if checked, ok := config.(interface{ Validate() error }); ok {
		must(0, checked.Validate())
	}
	settings, sink := processortest.NewNopSettings(factory.Type()), new(consumertest.TracesSink)
	settings.Logger = logger
	p := must(factory.CreateTraces(context.Background(), settings, config, sink))
	must(0, p.Start(context.Background(), componenttest.NewNopHost()))
	feed(func(trace ptrace.Traces) { consume(p, trace) })
	must(0, p.Shutdown(context.Background()))
	return sink
}

func idsOf(sink *consumertest.TracesSink) []string {
	ids := map[string]bool{}
	for _, td := range sink.AllTraces() {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					ids[span.TraceID().String()] = true
				}
			}
		}
	}
	list := []string{}
	for id := range ids {
		list = append(list, id)
	}
	return list
}

// The first resource of each, or what follows it.
func partOf(trace ptrace.Traces, isFirst bool) ptrace.Traces {
	part := ptrace.NewTraces()
	for i := range trace.ResourceSpans().Len() {
		if (i == 0) == isFirst {
			trace.ResourceSpans().At(i).CopyTo(part.ResourceSpans().AppendEmpty())
		}
	}
	return part
}

// The processor looks once a second at whose time is over.
func decideLate(section map[string]any, wait string, traces []ptrace.Traces, logger *zap.Logger) *consumertest.TracesSink {
	section["decision_wait"] = wait
	return decideAsItIs(section, logger, func(send func(ptrace.Traces)) {
		for _, trace := range traces {
			send(partOf(trace, true))
		}
		time.Sleep(must(time.ParseDuration(wait)) + 3*time.Second)
		for _, trace := range traces {
			send(partOf(trace, false))
		}
	})
}

func namesOf(sink *consumertest.TracesSink) map[string][]string {
	names := map[string][]string{}
	for _, td := range sink.AllTraces() {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					id := span.TraceID().String()
					names[id] = append(names[id], span.Name())
				}
			}
		}
	}
	return names
}

func writeKept(path string, section map[string]any, traces []ptrace.Traces, logger *zap.Logger) {
	must(0, featuregate.GlobalRegistry().Set("processor.tailsamplingprocessor.recordpolicy", true))
	var lines []byte
	marshaler := &ptrace.JSONMarshaler{}
	for _, td := range decide(section, section["policies"].([]any), logger, all(traces)).AllTraces() {
		lines = append(append(lines, must(marshaler.MarshalTraces(td))...), '\n')
	}
	must(0, os.WriteFile(path, lines, 0o600))
}

func main() {
	if os.Args[1] == "--cost" {
		printCosts(must(strconv.Atoi(os.Args[2])), os.Args[3], os.Args[4:])
		return
	}
	if os.Args[1] == "--late" {
		kept := decideLate(readSection(os.Args[3]), os.Args[2], readTraces(os.Args[4]), zap.NewNop())
		must(0, json.NewEncoder(os.Stdout).Encode(namesOf(kept)))
		return
	}
	traces, kept := readTraces(os.Args[2]), map[string][]string{}
	core, logs := observer.New(zapcore.WarnLevel)
	logger := zap.New(core)
	section := readSection(os.Args[1])
	if len(os.Args) > 3 {
		writeKept(os.Args[3], section, traces, logger)
		return
	}
	for rule, policies := range readPolicies(section) {
		kept[rule] = idsOf(decide(section, policies, logger, all(traces)))
	}
	errors := []string{}
	for _, entry := range logs.All() {
		errors = append(errors, fmt.Sprint(entry.Message, " ", entry.ContextMap()))
	}
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]any{"kept": kept, "errors": errors}))
}
