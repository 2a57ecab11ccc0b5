// CallResource: what editors and variables list. Everything here only reads.
package plugin

import (
	"context"
	"encoding/json"
	"net/http"
	"sort"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

const mostBodyBytes = 128 << 10

// RuleItem is a rule as an editor lists it.
type RuleItem struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Severity string            `json:"severity"`
	Enabled  bool              `json:"enabled"`
	Shadow   bool              `json:"shadow"`
	Broken   bool              `json:"broken"`
	Labels   map[string]string `json:"labels"`
}

func (d *Instance) resources() backend.CallResourceHandler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rules", d.resource(func(r *http.Request) (any, error) { return d.listRules(r.Context()) }))
	mux.HandleFunc("GET /severities", d.resource(func(*http.Request) (any, error) { return betrace.Severities, nil }))
	mux.HandleFunc("GET /frameworks", d.resource(func(r *http.Request) (any, error) { return d.listFrameworks(r.Context()) }))
	mux.HandleFunc("GET /labels", d.resource(func(r *http.Request) (any, error) { return d.listLabels(r.Context()) }))
	mux.HandleFunc("GET /services", d.resource(func(r *http.Request) (any, error) { return d.client.Services(r.Context()) }))
	mux.HandleFunc("GET /language", d.resource(func(r *http.Request) (any, error) { return d.client.Language(r.Context()) }))
	mux.HandleFunc("POST /validate", d.aboutText((*betrace.Client).Validate))
	mux.HandleFunc("POST /complete", d.aboutText((*betrace.Client).Complete))
	mux.HandleFunc("POST /hover", d.aboutText((*betrace.Client).Hover))
	return httpadapter.New(mux)
}

func (d *Instance) resource(answer func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if d.faulty != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"message": d.faulty.Error()})
			return
		}
		out, err := answer(r)
		if err != nil {
			writeJSON(w, resourceStatus(err), map[string]string{"message": err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, out)
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		backend.Logger.Warn("a resource could not be sent", "error", err)
	}
}

func (d *Instance) listRules(ctx context.Context) ([]RuleItem, error) {
	rules, err := d.rules.list(ctx, d.client, false)
	if err != nil {
		return nil, err
	}
	items := make([]RuleItem, 0, len(rules))
	for i := range rules {
		r := &rules[i]
		items = append(items, RuleItem{ID: r.ID, Name: r.Name, Severity: r.Severity, Enabled: r.Enabled, Shadow: r.Shadow, Broken: r.Broken != nil, Labels: r.Labels})
	}
	return items, nil
}

// listFrameworks gives the names that rules use, one spelling of each.
func (d *Instance) listFrameworks(ctx context.Context) ([]string, error) {
	rules, err := d.rules.list(ctx, d.client, false)
	if err != nil {
		return nil, err
	}
	spelling := map[string]string{}
	for i := range rules {
		for _, control := range rules[i].Controls {
			key := strings.ToLower(plain(control.Framework))
			if _, found := spelling[key]; !found {
				spelling[key] = control.Framework
			}
		}
	}
	names := make([]string, 0, len(spelling))
	for _, name := range spelling {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, nil
}

// listLabels gives each label's values.
func (d *Instance) listLabels(ctx context.Context) (map[string][]string, error) {
	rules, err := d.rules.list(ctx, d.client, false)
	if err != nil {
		return nil, err
	}
	seen := map[string]map[string]bool{}
	for i := range rules {
		for key, value := range rules[i].Labels {
			if seen[key] == nil {
				seen[key] = map[string]bool{}
			}
			seen[key][value] = true
		}
	}
	labels := map[string][]string{}
	for key, values := range seen {
		for value := range values {
			labels[key] = append(labels[key], value)
		}
		sort.Strings(labels[key])
	}
	return labels, nil
}

// aboutText answers questions that an editor asks while a rule's text is typed: what is wrong with it, what can follow, what a word means. Questions and
// answers are those of BeTrace, which the editor of the app gets as well.
func (d *Instance) aboutText(ask func(*betrace.Client, context.Context, betrace.TextQuestion) (json.RawMessage, error)) http.HandlerFunc {
	return d.resource(func(r *http.Request) (any, error) {
		var question betrace.TextQuestion
		if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, mostBodyBytes)).Decode(&question); err != nil {
			return nil, &betrace.Error{Kind: betrace.BadRequest, Text: "the body has to be {\"dsl\": \"…\"}, with line and column where it is about a place: " + err.Error()}
		}
		return ask(d.client, r.Context(), question)
	})
}
