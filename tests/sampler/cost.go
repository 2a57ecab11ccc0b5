package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"
)

const rounds = 11

func processorSeconds() float64 {
	var usage syscall.Rusage
	must(0, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

// The policies so many times, each with another name: what one costs is small beside what the sampler does without it.
func repeat(policies []any, times int) []any {
	all := []any{}
	for i := range times {
		for _, policy := range policies {
			copied := maps.Clone(policy.(map[string]any))
			copied["name"] = fmt.Sprint(copied["name"], " ", i)
			all = append(all, copied)
		}
	}
	return all
}

// What it takes of the processor to start with the policies, then to decide the traces, and how many are kept.
func measure(path string, times int, traces []ptrace.Traces) (float64, float64, int) {
	section := readSection(path)
	policies, _ := section["policies"].([]any)
	policies = repeat(policies, times)
	runtime.GC()
	start, began := 0.0, processorSeconds()
	sink := decide(section, policies, zap.NewNop(), func(send func(ptrace.Traces)) {
		start = processorSeconds() - began
		for _, trace := range traces {
			send(trace)
		}
	})
	return start, processorSeconds() - began - start, len(idsOf(sink))
}

// Prints [{"seconds": least of the rounds, "start": the least that starting took, "kept": traces}], one for each file:
// the files take turns, so that what else the machine does meets all of them. A start reads the conditions, once. The
// collector of garbage rests meanwhile: it would read the traces that wait. Go gives free memory back beyond a tenth of
// what is in use, and what was given back is a page fault for each 4 KiB: after the reading of long conditions the
// traces met 11,000, after short ones 20. A block that nobody touches is in use, so nothing is given back.
func printCosts(times int, tracesPath string, configs []string) {
	type cost struct {
		Seconds float64 `json:"seconds"`
		Start   float64 `json:"start"`
		Kept    int     `json:"kept"`
	}
	traces, costs := readTraces(tracesPath), make([]cost, len(configs))
	untouched := make([]byte, 4<<30)
	debug.SetGCPercent(-1)
	for round := range rounds {
		for i, path := range configs {
			start, seconds, kept := measure(path, times, traces)
			if round > 0 {
				start, seconds = min(start, costs[i].Start), min(seconds, costs[i].Seconds)
			}
			costs[i] = cost{seconds, start, kept}
		}
	}
	runtime.KeepAlive(untouched)
	must(0, json.NewEncoder(os.Stdout).Encode(costs))
}
