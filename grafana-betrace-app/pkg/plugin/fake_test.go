package plugin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

// fake is a BeTrace that answers what a test says, for what the real one of the acceptance tests does not do on command.
type fake struct {
	mutex   sync.Mutex
	asked   []string // "path body"
	rules   string   // of GET /v1/rules
	answers map[string]http.HandlerFunc
	series  func(q betrace.SeriesQuestion) string
	url     string
}

const threeRules = `[{"id":"a","name":"A","severity":"high","enabled":true,"labels":{"team":"pay"},"controls":[{"framework":"SOC2","control":"CC6.1"}],"broken":null},
 {"id":"b","name":"B","severity":"low","enabled":true,"labels":{"team":"web"},"controls":[],"broken":null},
 {"id":"off","name":"Off","severity":"high","enabled":false,"labels":{},"controls":[],"broken":null},
 {"id":"shadow","name":"Shadow","severity":"high","enabled":true,"shadow":true,"labels":{"team":"pay"},"controls":[],"broken":null}]`

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{rules: threeRules, answers: map[string]http.HandlerFunc{}}
	upstream := httptest.NewServer(f)
	t.Cleanup(upstream.Close)
	f.url = upstream.URL
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, 0)
	if r.Body != nil {
		buffer := new(strings.Builder)
		_, _ = fmt.Fprint(buffer, readAll(r))
		body = []byte(buffer.String())
	}
	f.mutex.Lock()
	f.asked = append(f.asked, r.URL.Path+" "+string(body))
	answer := f.answers[r.URL.Path]
	f.mutex.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case r.URL.Path == "/v1/rules":
		sendJSON(w, `{"rules":`+f.rules+`,"cursor":null}`)
	case r.URL.Path == "/v1/violations/series":
		var question betrace.SeriesQuestion
		_ = json.Unmarshal(body, &question)
		sendJSON(w, f.series(question))
	default:
		http.NotFound(w, r)
	}
}

func readAll(r *http.Request) string {
	var out strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := r.Body.Read(buffer)
		out.Write(buffer[:n])
		if err != nil {
			return out.String()
		}
	}
}

func sendJSON(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(text))
}

// count says how often a path was asked.
func (f *fake) count(path string) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	n := 0
	for _, line := range f.asked {
		if strings.HasPrefix(line, path+" ") {
			n++
		}
	}
	return n
}

func (f *fake) last(path string) string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for i := len(f.asked) - 1; i >= 0; i-- {
		if strings.HasPrefix(f.asked[i], path+" ") {
			return f.asked[i]
		}
	}
	return ""
}

func (f *fake) instance(t *testing.T) *Instance {
	t.Helper()
	made, err := NewInstance(t.Context(), backend.DataSourceInstanceSettings{Name: "BeTrace", URL: f.url, JSONData: []byte(`{"tempoDatasourceUid":"tempo","timeout":5}`)})
	if err != nil {
		t.Fatal(err)
	}
	instance := made.(*Instance)
	t.Cleanup(instance.Dispose)
	return instance
}

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// ask sends one query over the hour before noon.
func ask(t *testing.T, d *Instance, model string, fromAlert bool) backend.DataResponse {
	t.Helper()
	return askOver(t, d, model, fromAlert, noon.Add(-time.Hour), noon)
}

func askOver(t *testing.T, d *Instance, model string, fromAlert bool, from, to time.Time) backend.DataResponse {
	t.Helper()
	request := &backend.QueryDataRequest{Headers: map[string]string{}, Queries: []backend.DataQuery{{RefID: "A", JSON: []byte(model), TimeRange: backend.TimeRange{From: from, To: to}}}}
	if fromAlert {
		request.Headers["fromalert"] = "true"
	}
	answers, err := d.QueryData(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return answers.Responses["A"]
}

// seriesOf answers value for every step of the question, for every rule of it.
func seriesOf(value string, ids ...string) func(betrace.SeriesQuestion) string {
	return func(q betrace.SeriesQuestion) string {
		step, _ := time.ParseDuration(q.Step)
		var series []string
		for _, id := range ids {
			var points []string
			for at := q.Start; at.Before(q.End); at = at.Add(step) {
				points = append(points, fmt.Sprintf(`["%s",%s]`, at.Format(time.RFC3339Nano), value))
			}
			series = append(series, fmt.Sprintf(`{"labels":{"rule_id":"%s","rule":"%s","severity":"high"},"points":[%s]}`, id, strings.ToUpper(id), strings.Join(points, ",")))
		}
		return fmt.Sprintf(`{"series":[%s],"reason":null,"coverage":{"complete":true,"asked":{"start":"%s","end":"%s"},"effective_end":"%s","assumptions":{"settle":"2m"}}}`,
			strings.Join(series, ","), q.Start.Format(time.RFC3339Nano), q.End.Format(time.RFC3339Nano), q.End.Format(time.RFC3339Nano))
	}
}
