// CheckHealth: what "Save & test" says. Each failure says what to do about it.
package plugin

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

// CheckHealth asks who is there, whether the token does, and whether the source of traces answers.
func (d *Instance) CheckHealth(ctx context.Context, _ *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	if d.faulty != nil {
		return unhealthy(d.faulty.Error()), nil
	}
	health, err := d.client.Health(ctx)
	if err != nil {
		return unhealthy(err.Error()), nil
	}
	if err := d.client.FirstRules(ctx); err != nil {
		return unhealthy(fmt.Sprintf("BeTrace %s answers, but refuses: %s", health.Version, err)), nil
	}
	ready, err := d.client.Ready(ctx)
	if err != nil {
		return unhealthy(err.Error()), nil
	}
	return d.healthOf(health, ready), nil
}

func (d *Instance) healthOf(health *betrace.Health, ready *betrace.Readiness) *backend.CheckHealthResult {
	who := fmt.Sprintf("BeTrace %s, traces from %s", health.Version, sourceName(health.Metadata.Source))
	trouble := troubles(ready)
	switch ready.Status {
	case "ready":
		text := who + ": ready."
		if d.settings.TempoUID == "" {
			text += " No Tempo data source is chosen, so trace ids are not links."
		}
		return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: text}
	case "degraded":
		return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: who + ": answers, with trouble. " + trouble}
	default:
		return unhealthy(who + ": not ready. " + trouble)
	}
}

func sourceName(source string) string {
	switch source {
	case "tempo":
		return "Tempo"
	case "files":
		return "trace files"
	case "memory":
		return "its own memory"
	}
	return source
}

func troubles(ready *betrace.Readiness) string {
	var parts []string
	for name, part := range ready.Parts {
		if part.Reason != "" {
			parts = append(parts, fmt.Sprintf("%s: %s", name, strings.TrimSuffix(part.Reason, ".")))
		} else if !part.Ready {
			parts = append(parts, name+" is not ready")
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, ". ") + "."
}

func unhealthy(text string) *backend.CheckHealthResult {
	return &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: text}
}
