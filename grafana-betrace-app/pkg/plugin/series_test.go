package plugin

import (
	"fmt"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

func labelSets(made data.Frames) string {
	var sets []string
	for _, frame := range made {
		sets = append(sets, frame.Fields[len(frame.Fields)-1].Labels.String())
	}
	sort.Strings(sets)
	return strings.Join(sets, " | ")
}

func valueOf(frame *data.Frame) *float64 { return frame.Fields[0].At(0).(*float64) }

func TestAlertsGetTypedNumbers(t *testing.T) {
	f := newFake(t)
	f.series = seriesOf("0", "a", "b")
	answer := ask(t, f.instance(t), `{"queryType":"count"}`, true)
	if answer.Error != nil || len(answer.Frames) != 2 {
		t.Fatalf("%v, %d frames", answer.Error, len(answer.Frames))
	}
	for _, frame := range answer.Frames {
		if frame.Meta.Type != data.FrameTypeNumericMulti || frame.Meta.TypeVersion.IsZero() || len(frame.Fields) != 1 {
			t.Errorf("%+v", frame.Meta)
		}
		if v := valueOf(frame); v == nil || *v != 0 {
			t.Error("a range that was looked at and holds nothing is 0")
		}
	}
}

func TestTheLabelSetsOfTwoTicksAreTheSame(t *testing.T) {
	f := newFake(t)
	d := f.instance(t)
	var ticks []string
	// rule b is known, then unknown, then missing in the answer, then does not compile
	for _, say := range []func(){
		func() { f.series = seriesOf("0", "a", "b") },
		func() { f.series = seriesOf("null", "a", "b") },
		func() { f.series = seriesOf("0", "a") },
		func() {
			f.rules = strings.Replace(threeRules, `"id":"b","name":"B","severity":"low","enabled":true,"labels":{"team":"web"},"controls":[],"broken":null`,
				`"id":"b","name":"B","severity":"high","enabled":true,"labels":{"team":"web"},"controls":[],"broken":"E010"`, 1)
		},
	} {
		say()
		f.rules = strings.Replace(f.rules, `"severity":"low"`, `"severity":"high"`, 1)
		ticks = append(ticks, labelSets(ask(t, d, `{"queryType":"count"}`, true).Frames))
	}
	for _, tick := range ticks {
		if tick != ticks[0] || !strings.Contains(tick, "rule_id=b") {
			t.Errorf("%q, before %q", tick, ticks[0])
		}
	}
}

func TestTheUnknownIsNeverZero(t *testing.T) {
	f := newFake(t)
	f.series = seriesOf("null", "a")
	for _, model := range []string{`{"queryType":"count"}`, `{"queryType":"exercised"}`, `{"queryType":"ratio"}`} {
		for _, frame := range ask(t, f.instance(t), model, true).Frames {
			if v := valueOf(frame); v != nil {
				t.Errorf("%s: %v", model, *v)
			}
		}
	}
	broken := newFake(t)
	broken.rules = `[{"id":"x","name":"X","severity":"high","enabled":true,"broken":"E010"}]`
	answer := ask(t, broken.instance(t), `{"queryType":"count"}`, false)
	if answer.Error != nil || len(answer.Frames) != 1 || broken.count("/v1/violations/series") != 0 {
		t.Fatalf("%v %d", answer.Error, len(answer.Frames))
	}
	for row := range answer.Frames[0].Rows() {
		if answer.Frames[0].Fields[1].At(row).(*float64) != nil {
			t.Fatal("a rule that does not compile is unknown")
		}
	}
	if !strings.Contains(answer.Frames[0].Meta.Notices[0].Text, "x") {
		t.Error("the notice has to name the rule")
	}
}

func TestARatioOverARangeIsOfTotals(t *testing.T) {
	f := newFake(t)
	f.series = func(q betrace.SeriesQuestion) string {
		if q.Value == "count" {
			return seriesOf("1", "a")(q)
		}
		return seriesOf("4", "a")(q)
	}
	answer := ask(t, f.instance(t), `{"queryType":"ratio","instant":true,"ruleIds":["a"]}`, false)
	if answer.Error != nil || *valueOf(answer.Frames[0]) != 0.25 {
		t.Fatal(answer.Error)
	}
	if f.count("/v1/violations/series") != 2 {
		t.Error("count and exercised have to be asked for")
	}
}

func TestWhichRulesAreMeant(t *testing.T) {
	for model, want := range map[string]string{
		`{"queryType":"count"}`:                                          "",
		`{"queryType":"count","ruleIds":["off"]}`:                        `"rule_ids":["off"]`,
		`{"queryType":"count","severities":["HIGH"]}`:                    `"rule_ids":["a"]`,
		`{"queryType":"count","labels":{"team":"pay"}}`:                  `"rule_ids":["a"]`,
		`{"queryType":"count","framework":"soc 2"}`:                      `"rule_ids":["a"]`,
		`{"queryType":"count","ruleIds":["shadow"]}`:                     `"rule_ids":["shadow"]`,
		`{"queryType":"count","ruleIds":["a","b"],"severities":["low"]}`: `"rule_ids":["b"]`,
		`{"queryType":"count","dsl":"trace.has(x)"}`:                     `"dsl":"trace.has(x)"`,
	} {
		f := newFake(t)
		f.series = seriesOf("0", "a")
		if answer := ask(t, f.instance(t), model, false); answer.Error != nil {
			t.Errorf("%s: %v", model, answer.Error)
		}
		got := f.last("/v1/violations/series")
		if !strings.Contains(got, want) || (want == "" && strings.Contains(got, "rule_ids")) {
			t.Errorf("%s asked %s", model, got)
		}
	}
}

func TestAShadowRuleNeverAlerts(t *testing.T) {
	instance := newFake(t).instance(t)
	answer := ask(t, instance, `{"queryType":"count","ruleIds":["shadow"]}`, true)
	if answer.Status != backend.StatusBadRequest || answer.Error == nil || !strings.Contains(answer.Error.Error(), "shadow") {
		t.Fatalf("a shadow rule was asked for by an alert: %v %v", answer.Status, answer.Error)
	}
}

func TestNothingIsMeant(t *testing.T) {
	f := newFake(t)
	d := f.instance(t)
	panel, alert := ask(t, d, `{"queryType":"count","labels":{"team":"nobody"}}`, false), ask(t, d, `{"queryType":"count","labels":{"team":"nobody"}}`, true)
	if panel.Error != nil || len(panel.Frames) != 1 || len(panel.Frames[0].Fields) != 0 || len(panel.Frames[0].Meta.Notices) != 1 {
		t.Errorf("a panel has to say why: %+v", panel)
	}
	if alert.Error != nil || len(alert.Frames) != 0 {
		t.Errorf("an alert gets zero frames, which is NoData: %+v", alert)
	}
	unknown := ask(t, d, `{"queryType":"count","ruleIds":["nope"]}`, true)
	if unknown.Status != backend.StatusBadRequest || !strings.Contains(unknown.Error.Error(), `"nope"`) {
		t.Errorf("%+v", unknown)
	}
}

func TestAnEmptyRangeIsZeroFrames(t *testing.T) {
	f := newFake(t)
	answer := askOver(t, f.instance(t), `{"queryType":"count"}`, false, noon, noon)
	if answer.Error != nil || len(answer.Frames) != 0 || len(f.asked) != 0 {
		t.Errorf("%+v %v", answer, f.asked)
	}
}

func TestAlertsDoNotUseTheKeptRules(t *testing.T) {
	f := newFake(t)
	f.series = seriesOf("0", "a", "b")
	d := f.instance(t)
	for range 3 {
		ask(t, d, `{"queryType":"count"}`, false)
	}
	if f.count("/v1/rules") != 1 {
		t.Errorf("panels asked %d times for the rules", f.count("/v1/rules"))
	}
	for range 3 {
		ask(t, d, `{"queryType":"count"}`, true)
	}
	if f.count("/v1/rules") != 4 {
		t.Errorf("alerts have to ask each time, but rules were asked for %d times", f.count("/v1/rules"))
	}
}

func TestAnAlertUpToNowIsRefusedWithTheRemedy(t *testing.T) {
	f := newFake(t)
	f.series = func(q betrace.SeriesQuestion) string {
		return fmt.Sprintf(`{"series":[],"reason":null,"coverage":{"complete":true,"asked":{"start":"%s","end":"%s"},"effective_end":"%s","assumptions":{"settle":"2m"}}}`,
			q.Start.Format(time.RFC3339), q.End.Format(time.RFC3339), q.End.Add(-2*time.Minute).Format(time.RFC3339))
	}
	now := time.Now()
	answer := askOver(t, f.instance(t), `{"queryType":"count"}`, true, now.Add(-10*time.Minute), now)
	if answer.Status != backend.StatusBadRequest || !strings.Contains(answer.Error.Error(), "relativeTimeRange.to: 180") {
		t.Errorf("%+v", answer)
	}
	if panel := askOver(t, f.instance(t), `{"queryType":"count"}`, false, now.Add(-10*time.Minute), now); panel.Error != nil {
		t.Errorf("a panel may ask up to now: %v", panel.Error)
	}
}

func TestErrorsAreNotThePluginsFault(t *testing.T) {
	for status, want := range map[int]backend.Status{400: backend.StatusBadRequest, 401: backend.StatusUnauthorized, 403: backend.StatusForbidden, 503: backend.StatusTooManyRequests, 500: backend.StatusBadGateway} {
		f := newFake(t)
		f.answers["/v1/rules"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"type":"urn:x","title":"x","detail":"because"}`))
		}
		answer := ask(t, f.instance(t), `{"queryType":"count"}`, true)
		if answer.Error == nil || answer.ErrorSource != backend.ErrorSourceDownstream || answer.Status != want {
			t.Errorf("%d: %+v", status, answer)
		}
	}
}

func TestAFaultOfOursEndsOneQueryOnly(t *testing.T) {
	f := newFake(t)
	f.series = seriesOf("0", "a", "b")
	d := f.instance(t)
	d.rules.rules, d.rules.until = nil, time.Now().Add(time.Hour)
	client := d.client
	d.client = nil // the next call of it panics
	answer := ask(t, d, `{"queryType":"count","dsl":"x"}`, false)
	if answer.ErrorSource != backend.ErrorSourcePlugin || answer.Status != backend.StatusInternal {
		t.Errorf("%+v", answer)
	}
	d.client = client
	if answer := ask(t, d, `{"queryType":"count","dsl":"x"}`, false); answer.Error != nil {
		t.Error(answer.Error)
	}
}
