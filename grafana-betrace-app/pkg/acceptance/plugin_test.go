// Package acceptance holds the built executable to what Grafana does with it: a go-plugin host of our own starts it (magic cookie, protocol 2, mutual TLS, gRPC), and it asks a
// real betrace. BETRACE_GPX names the executable and BETRACE_BIN the betrace, where they are not where they are built; scripts/go.sh acceptance builds and runs.
package acceptance

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/pluginhost"
)

var (
	host   *pluginhost.Host
	shared *service
)

const settings = `{"tempoDatasourceUid":"tempo"}`

// TestPlugin starts the plugin and the service once for all.
func TestPlugin(t *testing.T) {
	executable := built(t, "BETRACE_GPX", "../../dist/datasource/gpx_betrace_datasource_linux_"+runtime.GOARCH, "run scripts/go.sh build")
	began := time.Now()
	made, err := pluginhost.Start(executable, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("handshake in %s", time.Since(began).Round(time.Millisecond))
	host = made
	shared = startService(t, "--traces", generate(t, t.TempDir()))
	for _, rule := range []string{slowDB, pii, quiet} {
		shared.post(t, "/v1/rules", rule, "")
	}
	for _, one := range []struct {
		name string
		test func(*testing.T)
	}{{"health", healthTests}, {"series", seriesTests}, {"alerts", alertTests}, {"tables", tableTests}, {"refusals", refusalTests}, {"cancel", cancelTest}, {"leave", leaveTests}, {"resources", resourceTests}} {
		t.Run(one.name, one.test)
	}
	host.Stop()
	if !host.Exited() {
		t.Error("the plugin did not end when it was told to")
	}
}

func of(url, token string) backend.PluginContext {
	secrets := map[string]string{}
	if token != "" {
		secrets["apiToken"] = token
	}
	return pluginhost.Context(url, settings, secrets)
}

type asked struct {
	model     string
	fromAlert bool
	from, to  time.Time // zero: the generated day
	url       string    // empty: the shared service
}

func query(t *testing.T, a asked) backend.DataResponse {
	t.Helper()
	if a.to.IsZero() {
		a.from, a.to = start, end
	}
	if a.url == "" {
		a.url = shared.url
	}
	var model struct{ QueryType string }
	if err := json.Unmarshal([]byte(a.model), &model); err != nil {
		t.Fatal(err)
	}
	request := &backend.QueryDataRequest{PluginContext: of(a.url, ""), Headers: map[string]string{}, Queries: []backend.DataQuery{{RefID: "A", QueryType: model.QueryType,
		JSON: []byte(a.model), TimeRange: backend.TimeRange{From: a.from, To: a.to}, Interval: time.Minute, MaxDataPoints: 500}}}
	if a.fromAlert {
		request.Headers["FromAlert"] = "true"
	}
	answers, err := host.Query(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return answers.Responses["A"]
}

func good(t *testing.T, a asked) data.Frames {
	t.Helper()
	answer := query(t, a)
	if answer.Error != nil {
		t.Fatalf("%s: %v", a.model, answer.Error)
	}
	return answer.Frames
}

func health(t *testing.T, where backend.PluginContext) (bool, string) {
	t.Helper()
	answer, err := host.Health(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status.String() == "OK", answer.Message
}

func healthTests(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	viewer := newToken(t, tokens, "grafana", "viewer")
	guarded := startService(t, "--traces", generate(t, t.TempDir()), "--tokens", tokens)
	withoutTempo := startService(t, "--tempo", "http://127.0.0.1:1")
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>Grafana</html>"))
	}))
	defer page.Close()
	for _, c := range []struct {
		name, url, token string
		ok               bool
		says             []string
	}{
		{"ok", shared.url, "", true, []string{"BeTrace 0.", "traces from trace files", "ready"}},
		{"good token", guarded.url, viewer, true, []string{"ready"}},
		{"bad token", guarded.url, "wrong", false, []string{"refuses", "betrace token new"}},
		{"no token", guarded.url, "", false, []string{"refuses", "betrace token new"}},
		{"unreachable", "http://127.0.0.1:1", "", false, []string{"cannot be reached", "betrace serve"}},
		{"another service", page.URL, "", false, []string{"not as BeTrace does", "text/html"}},
		{"Tempo is gone", withoutTempo.url, "", false, []string{"traces from Tempo", "not ready", "source:"}},
		{"no URL", "", "", false, []string{"http://betrace:8080"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok, text := health(t, of(c.url, c.token))
			if ok != c.ok {
				t.Errorf("ok %v: %s", ok, text)
			}
			for _, part := range c.says {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in %q", part, text)
				}
			}
		})
	}
}

func sum(t *testing.T, frame *data.Frame) float64 {
	t.Helper()
	total := 0.0
	field := frame.Fields[len(frame.Fields)-1]
	for row := range field.Len() {
		value := field.At(row).(*float64)
		if value == nil {
			t.Fatalf("%s: null at %d", field.Labels, row)
		}
		total += *value
	}
	return total
}

func labelSets(made data.Frames) string {
	var sets []string
	for _, frame := range made {
		sets = append(sets, frame.Fields[len(frame.Fields)-1].Labels.String())
	}
	sort.Strings(sets)
	return strings.Join(sets, "\n")
}

func seriesTests(t *testing.T) {
	made := good(t, asked{model: `{"queryType":"count","step":"1h"}`})
	if len(made) != 3 {
		t.Fatalf("%d frames", len(made))
	}
	for _, frame := range made {
		if schema := frame.TimeSeriesSchema(); schema.Type != data.TimeSeriesTypeWide || frame.Meta.Type != data.FrameTypeTimeSeriesMulti || frame.Meta.TypeVersion.IsZero() {
			t.Errorf("%+v %+v", schema, frame.Meta)
		}
		if frame.Rows() != 24 || len(frame.Fields[1].Labels) != 3 {
			t.Errorf("%d rows, labels %s", frame.Rows(), frame.Fields[1].Labels)
		}
		want := map[string]float64{"slow-db-no-retry": planted, "pii-audit": planted, "quiet": 0}[frame.Fields[1].Labels["rule_id"]]
		if got := sum(t, frame); got != want {
			t.Errorf("%s: %v violations, want %v", frame.Fields[1].Labels, got, want)
		}
	}
	exercised := good(t, asked{model: `{"queryType":"exercised","step":"1h","ruleIds":["slow-db-no-retry"]}`})
	ratio := good(t, asked{model: `{"queryType":"ratio","instant":true,"ruleIds":["slow-db-no-retry"]}`})
	if got := *ratio[0].Fields[0].At(0).(*float64); got != planted/sum(t, exercised[0]) || got <= 0 || got > 1 {
		t.Errorf("ratio %v of %v exercised", got, sum(t, exercised[0]))
	}
	adhoc := good(t, asked{model: `{"queryType":"count","instant":true,"dsl":"trace.has(span.name == \"db.query\" and span.duration > 1s) and not trace.has(span.name == \"retry\")"}`})
	if got := sum(t, adhoc[0]); got != planted {
		t.Errorf("the same rule as a text has %v violations", got)
	}
	if empty := good(t, asked{model: `{"queryType":"count"}`, from: end, to: end}); len(empty) != 0 {
		t.Errorf("an empty range has %d frames", len(empty))
	}
	for _, frame := range good(t, asked{model: `{"queryType":"count","step":"1h"}`, from: start.AddDate(-1, 0, 0), to: end.AddDate(-1, 0, 0)}) {
		if frame.Fields[1].At(0).(*float64) != nil {
			t.Error("a range without traces is not zero violations")
		}
	}
}

func alertTests(t *testing.T) {
	ticks := []string{}
	for tick := range 2 {
		to := end.Add(time.Duration(tick)*time.Minute - time.Hour + 17*time.Second)
		made := good(t, asked{model: `{"queryType":"count","instant":false}`, fromAlert: true, from: to.Add(-10 * time.Minute), to: to})
		ticks = append(ticks, labelSets(made))
		for _, frame := range made {
			if frame.Meta.Type != data.FrameTypeNumericMulti || frame.Meta.TypeVersion.IsZero() || len(frame.Fields) != 1 {
				t.Errorf("%+v", frame.Meta)
			}
			sum(t, frame) // no nulls
		}
	}
	if ticks[0] != ticks[1] || !strings.Contains(ticks[0], "rule_id=quiet") || strings.Contains(ticks[0], "trace") {
		t.Errorf("%s\nthen\n%s", ticks[0], ticks[1])
	}
	if answer := query(t, asked{model: `{"queryType":"violations"}`, fromAlert: true}); answer.Status != backend.StatusBadRequest || !strings.Contains(answer.Error.Error(), "an alert needs numbers") {
		t.Errorf("%+v", answer)
	}
	down := query(t, asked{model: `{"queryType":"count"}`, fromAlert: true, url: "http://127.0.0.1:1"})
	if down.Error == nil || down.ErrorSource != backend.ErrorSourceDownstream || len(down.Frames) != 0 {
		t.Errorf("a BeTrace that is gone is an error of what is downstream: %+v", down)
	}
	// Tempo is gone: nothing is known, which is null, not zero.
	blind := startService(t, "--tempo", "http://127.0.0.1:1")
	blind.post(t, "/v1/rules", slowDB, "")
	to := time.Now().Add(-3 * time.Minute)
	for _, frame := range good(t, asked{model: `{"queryType":"count"}`, fromAlert: true, from: to.Add(-10 * time.Minute), to: to, url: blind.url}) {
		if frame.Fields[0].At(0).(*float64) != nil {
			t.Error("without Tempo there is no count")
		}
	}
	// The range of a new alert rule ends now, where nothing is settled.
	late := good(t, asked{model: `{"queryType":"count"}`, fromAlert: true, from: time.Now().Add(-10 * time.Minute), to: time.Now(), url: blind.url})
	if notices := late[0].Meta.Notices; len(notices) == 0 || !strings.Contains(notices[len(notices)-1].Text, "moved back by") {
		t.Errorf("%+v", notices)
	}
}

func tableTests(t *testing.T) {
	table := good(t, asked{model: `{"queryType":"violations","limit":1000}`})[0]
	if table.Rows() != 2*planted || table.Fields[0].Name != "time" || table.Meta.PreferredVisualization != data.VisTypeTable {
		t.Fatalf("%d rows, %+v", table.Rows(), table.Meta)
	}
	for row := 1; row < table.Rows(); row++ {
		if table.Fields[0].At(row).(time.Time).After(table.Fields[0].At(row - 1).(time.Time)) {
			t.Fatal("newest first")
		}
	}
	trace, _ := table.FieldByName("trace_id")
	if trace.Config == nil || len(trace.Config.Links) != 1 || trace.Config.Links[0].Internal.DatasourceUID != "tempo" {
		t.Errorf("%+v", trace.Config)
	}
	cut := good(t, asked{model: `{"queryType":"violations","limit":5,"severities":["critical"]}`})[0]
	if cut.Rows() != 5 || len(cut.Meta.Notices) != 1 || !strings.Contains(cut.Meta.Notices[0].Text, "raise the limit") {
		t.Errorf("%d rows, %+v", cut.Rows(), cut.Meta.Notices)
	}
	adhoc := good(t, asked{model: `{"queryType":"violations","dsl":"trace.has(span.attributes[\"data.classification\"] == \"PII\") and not trace.has(span.name == \"audit.log\")"}`})[0]
	if adhoc.Rows() != planted {
		t.Errorf("%d rows", adhoc.Rows())
	}
	firstViolationTests(t, table)
	notes := good(t, asked{model: `{"queryType":"annotations","ruleIds":["pii-audit"]}`})[0]
	if notes.Rows() != planted || notes.Fields[0].Name != "time" {
		t.Errorf("%d annotations", notes.Rows())
	}
}

func firstViolationTests(t *testing.T, table *data.Frame) {
	rule, _ := table.FieldByName("rule_id")
	oldest := map[string]time.Time{}
	for row := range table.Rows() {
		oldest[rule.At(row).(string)] = table.Fields[0].At(row).(time.Time) // newest first, so the last one stays
	}
	first := good(t, asked{model: `{"queryType":"first_violation"}`})[0]
	if first.Rows() != 3 {
		t.Fatalf("%d rows", first.Rows())
	}
	ids, _ := first.FieldByName("rule_id")
	proven, _ := first.FieldByName("proven")
	for row := range first.Rows() {
		at := first.Fields[0].At(row).(*time.Time)
		id := ids.At(row).(string)
		if id == "quiet" {
			if at != nil {
				t.Errorf("quiet was violated at %s", at)
			}
		} else if at == nil || !at.Equal(oldest[id]) || !proven.At(row).(bool) {
			t.Errorf("%s: %v, the oldest of the table is %s", id, at, oldest[id])
		}
	}
	problems := good(t, asked{model: `{"queryType":"problems"}`})[0]
	counts, _ := problems.FieldByName("count")
	all := int64(0)
	for row := range problems.Rows() {
		all += counts.At(row).(int64)
	}
	if problems.Rows() < 2 || all != int64(table.Rows()) {
		t.Errorf("%d problems with %d violations, and the table has %d", problems.Rows(), all, table.Rows())
	}
	adhoc := good(t, asked{model: `{"queryType":"first_violation","dsl":"trace.has(span.attributes[\"data.classification\"] == \"PII\") and not trace.has(span.name == \"audit.log\")"}`})[0]
	if at := adhoc.Fields[0].At(0).(*time.Time); at == nil || !at.Equal(oldest["pii-audit"]) {
		t.Errorf("as a text: %v", at)
	}
}

func refusalTests(t *testing.T) {
	for model, says := range map[string]string{
		`{"queryType":"nope"}`:                      "no query type",
		`{"queryType":"count","dsl":"zz("}`:         "Line 1, column 1",
		`{"queryType":"count","ruleIds":["nope"]}`:  `no rule with the id "nope"`,
		`{"queryType":"count","ruleIds":["$rule"]}`: "variable",
	} {
		answer := query(t, asked{model: model})
		if answer.Status != backend.StatusBadRequest || answer.ErrorSource != backend.ErrorSourceDownstream || !strings.Contains(answer.Error.Error(), says) {
			t.Errorf("%s: %+v", model, answer)
		}
	}
}

// cancelTest: a query that is given up lets go of the connection to BeTrace.
func cancelTest(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	arrived, closed := make(chan struct{}), make(chan struct{})
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		buffer := make([]byte, 4096)
		_, _ = connection.Read(buffer)
		close(arrived)
		for err == nil {
			_, err = connection.Read(buffer)
		}
		close(closed)
	}()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err = host.Query(ctx, &backend.QueryDataRequest{PluginContext: of("http://"+listener.Addr().String(), ""), Queries: []backend.DataQuery{{RefID: "A", JSON: []byte(`{"queryType":"count"}`),
		TimeRange: backend.TimeRange{From: start, To: end}}}})
	if status.Code(err) != codes.Canceled {
		t.Errorf("%v", err)
	}
	select {
	case <-closed:
	case <-time.After(20 * time.Second):
		t.Error("the call of BeTrace went on after its query was cancelled")
	}
}

func resourceTests(t *testing.T) {
	for path, part := range map[string]string{"rules": `"id":"slow-db-no-retry"`, "severities": `"critical"`, "frameworks": `["SOC2"]`, "labels": `"team":["db","privacy"]`, "services": `"payment-service"`} {
		code, media, text, err := host.Call(t.Context(), of(shared.url, ""), "GET", path, path, nil)
		if err != nil || code != 200 || media != "application/json" || !strings.Contains(string(text), part) {
			t.Errorf("%s: %d %s %s %v", path, code, media, text, err)
		}
	}
	code, _, text, err := host.Call(t.Context(), of(shared.url, ""), "POST", "validate", "validate", []byte(`{"dsl":"zz("}`))
	if err != nil || code != 200 || !strings.Contains(string(text), `"valid":false`) {
		t.Errorf("%d %s %v", code, text, err)
	}
	editorTests(t)
	if code, _, text, _ := host.Call(t.Context(), of("http://127.0.0.1:1", ""), "GET", "rules", "rules", nil); code != 502 || !strings.Contains(string(text), "cannot be reached") {
		t.Errorf("%d %s", code, text)
	}
	if code, _, _, _ := host.Call(t.Context(), of(shared.url, ""), "DELETE", "rules", "rules", nil); code != 405 {
		t.Errorf("DELETE of rules: %d", code)
	}
}

// editorTests: what the query editor asks while an ad-hoc text is typed, answered by BeTrace itself.
func editorTests(t *testing.T) {
	code, _, text, err := host.Call(t.Context(), of(shared.url, ""), "GET", "language", "language", nil)
	if err != nil || code != 200 || !strings.Contains(string(text), `"words":[`) {
		t.Errorf("language: %d %v", code, err)
	}
	for path, c := range map[string]struct{ body, part string }{
		"validate": {`{"dsl":"trace.has(span.duraton > 1s)"}`, `"position":{`},
		"complete": {`{"dsl":"trace.has(span.name == \"\")","line":1,"column":25}`, `"db.query"`},
		"hover":    {`{"dsl":"trace.has(span.name == \"x\")","line":1,"column":8}`, `"signature":"`},
	} {
		code, _, text, err := host.Call(t.Context(), of(shared.url, ""), "POST", path, path, []byte(c.body))
		if err != nil || code != 200 || !strings.Contains(string(text), c.part) {
			t.Errorf("%s: %d %s %v", path, code, text, err)
		}
		if code, _, _, _ := host.Call(t.Context(), of(shared.url, ""), "POST", path, path, []byte("{")); code != 400 {
			t.Errorf("%s of what is no question: %d", path, code)
		}
	}
}
