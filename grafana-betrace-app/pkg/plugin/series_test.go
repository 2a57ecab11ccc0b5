package plugin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/frames"
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

// withTraces answers value for steps with traces and null for the others: those where isEmpty says so, by minutes after noon's hour.
func withTraces(value string, isEmpty func(minute int) bool) func(betrace.SeriesQuestion) string {
	return func(q betrace.SeriesQuestion) string {
		step, _ := time.ParseDuration(q.Step)
		var points, windows []string
		for at := q.Start; at.Before(q.End); at = at.Add(step) {
			said := value
			if isEmpty(int(at.Sub(noon.Add(-time.Hour)).Minutes())) {
				said = "null"
				windows = append(windows, fmt.Sprintf(`{"start":"%s","end":"%s"}`, at.Format(time.RFC3339), at.Add(step).Format(time.RFC3339)))
			}
			points = append(points, fmt.Sprintf(`["%s",%s]`, at.Format(time.RFC3339), said))
		}
		return fmt.Sprintf(`{"series":[{"labels":{"rule_id":"a","rule":"A","severity":"high"},"points":[%s]}],"reason":null,"coverage":{"complete":true,"asked":{"start":"%[2]s","end":"%[3]s"},"effective_end":"%[3]s","windows_empty":[%[4]s],"windows_failed":[],"assumptions":{"settle":"2m"}}}`,
			strings.Join(points, ","), q.Start.Format(time.RFC3339), q.End.Format(time.RFC3339), strings.Join(windows, ","))
	}
}

// What an alert is given while traces come, pause, and stop: 0 of a time of which the newest part was seen, and else nothing.
func TestAnAlertIsToldNothingOnceTracesStop(t *testing.T) {
	for name, c := range map[string]struct {
		value   string
		isEmpty func(minute int) bool
		want    *float64
	}{
		"they come":               {"0", func(int) bool { return false }, pointer(0)},
		"every other minute":      {"0", func(m int) bool { return m%2 == 1 }, pointer(0)},
		"they stopped":            {"0", func(m int) bool { return m >= 40 }, nil},
		"none at all":             {"0", func(int) bool { return true }, nil},
		"they came back":          {"0", func(m int) bool { return m < 50 }, pointer(0)},
		"violations, and stopped": {"1", func(m int) bool { return m >= 10 }, pointer(10)},
	} {
		f := newFake(t)
		f.series = withTraces(c.value, c.isEmpty)
		for _, fromAlert := range []bool{true, false} {
			answer := ask(t, f.instance(t), `{"queryType":"count","ruleIds":["a"],"instant":true}`, fromAlert)
			if answer.Error != nil || len(answer.Frames) != 1 {
				t.Fatalf("%s: %v", name, answer.Error)
			}
			got := valueOf(answer.Frames[0])
			if (got == nil) != (c.want == nil) || (got != nil && *got != *c.want) {
				t.Errorf("%s: %v", name, got)
			}
		}
	}
}

// What late spans may change is a number all the same, for alerts and graphs, and a notice says from where on.
func TestWhatLateSpansMayChangeIsANumberAndSaysSo(t *testing.T) {
	f := newFake(t)
	f.series = func(q betrace.SeriesQuestion) string {
		return strings.Replace(withTraces("1", func(int) bool { return false })(q), `"windows_empty"`, fmt.Sprintf(`"provisional_from":"%s","windows_empty"`, q.Start.Format(time.RFC3339)), 1)
	}
	for _, c := range []struct {
		instant   string
		fromAlert bool
	}{{"true", true}, {"true", false}, {"false", false}} {
		answer := ask(t, f.instance(t), `{"queryType":"count","ruleIds":["a"],"instant":`+c.instant+`}`, c.fromAlert)
		if answer.Error != nil || len(answer.Frames) != 1 {
			t.Fatalf("%+v: %v", c, answer.Error)
		}
		values := answer.Frames[0].Fields[len(answer.Frames[0].Fields)-1]
		for i := range values.Len() {
			if value, isKnown := values.ConcreteAt(i); !isKnown || value.(float64) == 0 {
				t.Errorf("%+v: step %d is %v", c, i, value)
			}
		}
		if notices := answer.Frames[0].Meta.Notices; len(notices) == 0 || !strings.Contains(fmt.Sprint(notices), "is provisional: Tempo may still hide spans that came late") {
			t.Errorf("%+v: %v", c, notices)
		}
	}
}

// What Grafana makes of an alert query: a number, a typed null (no data of that instance, which KeepLast keeps), or an error.
func TestAnOutageIsNoNumber(t *testing.T) {
	unread := func(q betrace.SeriesQuestion) string { // BeTrace is up, its Tempo is not
		return fmt.Sprintf(`{"series":[{"labels":{"rule_id":"a","rule":"A","severity":"high"},"points":[["%[1]s",null]]}],"reason":"windows_failed: some steps could not be read in full","coverage":{"complete":false,"asked":{"start":"%[1]s","end":"%[2]s"},"effective_end":"%[2]s","windows_empty":[],"windows_failed":[{"start":"%[1]s","end":"%[2]s","reason":"Tempo could not be reached"}],"assumptions":{"settle":"2m"}}}`,
			q.Start.Format(time.RFC3339), q.End.Format(time.RFC3339))
	}
	for name, series := range map[string]func(betrace.SeriesQuestion) string{"Tempo is down": unread, "no traffic": withTraces("0", func(int) bool { return true })} {
		f := newFake(t)
		f.series = series
		answer := ask(t, f.instance(t), `{"queryType":"count","ruleIds":["a"],"instant":true}`, true)
		if answer.Error != nil || len(answer.Frames) != 1 || answer.Frames[0].Meta.Type != data.FrameTypeNumericMulti {
			t.Fatalf("%s: %+v", name, answer)
		}
		if value := valueOf(answer.Frames[0]); value != nil {
			t.Errorf("%s: %v", name, *value)
		}
	}
	f := newFake(t)
	d := f.instance(t)
	f.answers["/v1/violations/series"] = func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) } // BeTrace goes away
	if answer := ask(t, d, `{"queryType":"count","ruleIds":["a"],"instant":true}`, true); answer.Error == nil || len(answer.Frames) != 0 {
		t.Errorf("BeTrace is down: %+v", answer)
	}
}

func pointer(value float64) *float64 { return &value }

// The frames of a graph keep the steps without any trace null, and a notice names a long time of them.
func TestAGraphDrawsNoZeroWhereNoTraceWas(t *testing.T) {
	f := newFake(t)
	f.series = withTraces("0", func(m int) bool { return m >= 30 })
	answer := ask(t, f.instance(t), `{"queryType":"count","ruleIds":["a"],"step":"1m"}`, false)
	if answer.Error != nil {
		t.Fatal(answer.Error)
	}
	for row := range answer.Frames[0].Rows() {
		if value := answer.Frames[0].Fields[1].At(row).(*float64); (value == nil) != (row >= 30) {
			t.Errorf("minute %d: %v", row, value)
		}
	}
	notices := answer.Frames[0].Meta.Notices
	if len(notices) == 0 || !strings.Contains(notices[0].Text, "No trace at all was there from 2026-03-10 11:30:00 UTC") {
		t.Errorf("%+v", notices)
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

// unsettled answers as a Tempo that is written to: what is younger than settle is not known.
func unsettled(settle time.Duration) func(betrace.SeriesQuestion) string {
	return func(q betrace.SeriesQuestion) string {
		end := q.End
		if latest := time.Now().Add(-settle); latest.Before(end) {
			end = latest
		}
		return fmt.Sprintf(`{"series":[{"labels":{"rule_id":"a","rule":"A","severity":"high"},"points":[["%s",0]]}],"reason":null,
			"coverage":{"complete":true,"asked":{"start":"%s","end":"%s"},"effective_end":"%s","assumptions":{"settle":"2m"}}}`,
			q.Start.Format(time.RFC3339), q.Start.Format(time.RFC3339), q.End.Format(time.RFC3339), end.Format(time.RFC3339))
	}
}

func questionOf(t *testing.T, asked string) (q betrace.SeriesQuestion) {
	t.Helper()
	if err := json.Unmarshal([]byte(strings.TrimPrefix(asked, "/v1/violations/series ")), &q); err != nil {
		t.Fatal(err)
	}
	return q
}

// A new alert rule asks from 10 minutes ago to now, whose newest steps can never be known.
func TestAnAlertUpToNowIsMovedBackAndSaysSo(t *testing.T) {
	f := newFake(t)
	f.series = unsettled(2 * time.Minute)
	d, now := f.instance(t), time.Now()
	for tick, asks := range []int{2, 3} { // from the second tick on the settle of the service is known
		answer := askOver(t, d, `{"queryType":"count","ruleIds":["a"]}`, true, now.Add(-10*time.Minute), now)
		if answer.Error != nil || len(answer.Frames) != 1 || f.count("/v1/violations/series") != asks {
			t.Fatalf("tick %d: %v, asked %d times", tick, answer.Error, f.count("/v1/violations/series"))
		}
		q := questionOf(t, f.last("/v1/violations/series"))
		if ago := now.Sub(q.End); ago < 3*time.Minute-time.Second || ago > 4*time.Minute || q.End.Sub(q.Start) != 10*time.Minute {
			t.Errorf("tick %d: asked %s to %s, %s ago", tick, q.Start, q.End, ago)
		}
		if v := valueOf(answer.Frames[0]); v == nil || *v != 0 {
			t.Errorf("tick %d: all of the moved range is known, and its number is %v", tick, v)
		}
		notices := answer.Frames[0].Meta.Notices
		if len(notices) != 1 || !strings.Contains(notices[0].Text, "moved back by 3m") || !strings.Contains(notices[0].Text, "settled 2m") {
			t.Errorf("tick %d: %+v", tick, notices)
		}
	}
}

func TestAnAlertWaitsForTheSettleOfARuleOfItsOwn(t *testing.T) {
	f := newFake(t)
	f.rules = strings.Replace(threeRules, `"id":"a",`, `"id":"a","settle":"10m",`, 1)
	f.series = unsettled(10 * time.Minute)
	now := time.Now()
	answer := askOver(t, f.instance(t), `{"queryType":"count","ruleIds":["a"]}`, true, now.Add(-10*time.Minute), now)
	q := questionOf(t, f.last("/v1/violations/series"))
	if ago := now.Sub(q.End); answer.Error != nil || ago < 11*time.Minute-time.Second || ago > 12*time.Minute {
		t.Errorf("%v, asked up to %s ago", answer.Error, ago)
	}
}

func TestWhatIsSettledIsNotMoved(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		series    func(betrace.SeriesQuestion) string
		fromAlert bool
		to        time.Time
	}{
		"a panel may ask up to now":    {unsettled(2 * time.Minute), false, now},
		"an alert that ends before":    {unsettled(2 * time.Minute), true, now.Add(-3 * time.Minute)},
		"files are settled as a whole": {seriesOf("0", "a"), true, now},
	} {
		f := newFake(t)
		f.series = c.series
		answer := askOver(t, f.instance(t), `{"queryType":"count","ruleIds":["a"]}`, c.fromAlert, c.to.Add(-10*time.Minute), c.to)
		q := questionOf(t, f.last("/v1/violations/series"))
		if late := c.to.Sub(q.End); answer.Error != nil || f.count("/v1/violations/series") != 1 || late > time.Minute {
			t.Errorf("%s: %v, asked up to %s before its end", name, answer.Error, late)
		}
	}
}

func TestCountsThatGoOnSaySo(t *testing.T) {
	f := newFake(t)
	f.series = func(q betrace.SeriesQuestion) string {
		return fmt.Sprintf(`{"series":[{"labels":{"rule_id":"a","rule":"A","severity":"high"},"points":[["%s",null]]}],"reason":"not_evaluated: some steps",
			"coverage":{"complete":false,"asked":{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T12:00:00Z"},"effective_end":"2026-03-10T12:00:00Z",
			"windows_failed":[{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T11:45:00Z","reason":"not evaluated yet: ask again"}],"assumptions":{"settle":"2m"}}}`,
			q.Start.Format(time.RFC3339))
	}
	d := f.instance(t)
	d.settings.Timeout = time.Minute
	part := ask(t, d, `{"queryType":"count","ruleIds":["a"],"part":{}}`, false)
	if custom := part.Frames[0].Meta.Custom.(frames.Part); !custom.More || custom.LookedAt != 0.25 {
		t.Errorf("%+v", custom)
	}
	if text := part.Frames[0].Meta.Notices[0].Text; !strings.Contains(text, "Still looking") || !strings.Contains(text, "25 %") {
		t.Error(text)
	}
	if q := questionOf(t, f.last("/v1/violations/series")); q.Timeout != "5s" {
		t.Errorf("a part takes %s", q.Timeout)
	}
	whole := ask(t, d, `{"queryType":"count","ruleIds":["a"]}`, false)
	if whole.Frames[0].Meta.Custom != nil || !strings.Contains(whole.Frames[0].Meta.Notices[0].Text, "Not everything was looked at") {
		t.Errorf("%+v", whole.Frames[0].Meta)
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

func estimatedSeriesOf(value, estimated string) func(betrace.SeriesQuestion) string {
	plain := seriesOf(value, "a")
	return func(q betrace.SeriesQuestion) string {
		var answer map[string]any
		_ = json.Unmarshal([]byte(plain(q)), &answer)
		one := answer["series"].([]any)[0].(map[string]any)
		var bounds []string
		for range one["points"].([]any) {
			bounds = append(bounds, estimated)
		}
		one["estimated"] = json.RawMessage(`{"text":"12 seen of a 10 % sample; 65 to 205 happened (95 %)","points":[` + strings.Join(bounds, ",") + `]}`)
		text, _ := json.Marshal(answer)
		return string(text)
	}
}

func TestSampledSeriesHaveWhatTheyStandFor(t *testing.T) {
	f := newFake(t)
	d := f.instance(t)
	f.series = seriesOf("12", "a")
	plain := ask(t, d, `{"queryType":"count"}`, false)
	f.series = estimatedSeriesOf("12", `{"low":65,"high":null}`)
	sampled := ask(t, d, `{"queryType":"count"}`, false)
	if len(sampled.Frames) != len(plain.Frames)+2 {
		t.Fatalf("%d frames, without sampling %d", len(sampled.Frames), len(plain.Frames))
	}
	low, high := sampled.Frames[len(plain.Frames)], sampled.Frames[len(plain.Frames)+1]
	if at := low.Fields[1].At(0).(*float64); low.Fields[1].Name != "violations_low" || at == nil || *at != 65 {
		t.Errorf("%s %v", low.Fields[1].Name, at)
	}
	if high.Fields[1].Name != "violations_high" || high.Fields[1].At(0).(*float64) != nil || high.Fields[1].Config.DisplayNameFromDS != "A (at most)" {
		t.Errorf("%s %v: no bound is null", high.Fields[1].Name, high.Fields[1].Config)
	}
	if notice := fmt.Sprint(sampled.Frames[0].Meta.Notices); !strings.Contains(notice, "A: 12 seen of a 10 % sample; 65 to 205 happened (95 %).") {
		t.Error(notice)
	}
	if alert := ask(t, d, `{"queryType":"count"}`, true); len(alert.Frames) != len(plain.Frames) {
		t.Errorf("%d frames: each would be an alert instance", len(alert.Frames))
	}
	if instant := ask(t, d, `{"queryType":"count","instant":true}`, false); len(instant.Frames) != len(plain.Frames) || len(instant.Frames[0].Fields) != 1 {
		t.Errorf("%d frames of a number", len(instant.Frames))
	}
}
