package query

import (
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func parse(t *testing.T, text string, fromAlert bool) (*Query, error) {
	t.Helper()
	return Parse(backend.DataQuery{RefID: "A", JSON: []byte(text), TimeRange: backend.TimeRange{From: noon.Add(-time.Hour), To: noon}}, fromAlert)
}

func TestTypeOfAQuery(t *testing.T) {
	for _, c := range []struct {
		text      string
		fromAlert bool
		want      Type
	}{{`{}`, false, Violations}, {`{}`, true, Count}, {`{"queryType":"ratio"}`, true, Ratio}, {`{"queryType":"first_violation"}`, false, FirstViolation}} {
		q, err := parse(t, c.text, c.fromAlert)
		if err != nil || q.Type != c.want {
			t.Errorf("%s from alert %v: %v, %v; want %s", c.text, c.fromAlert, q, err, c.want)
		}
	}
}

func TestWhatIsRefusedAndHow(t *testing.T) {
	for _, c := range []struct {
		text, says string
		fromAlert  bool
	}{
		{`{"queryType":"nope"}`, `no query type "nope"; there are violations, count`, false},
		{`{"queryType":"violations"}`, "an alert needs numbers", true},
		{`{"queryType":"first_violation"}`, "an alert needs numbers", true},
		{`{"queryType":"problems"}`, "an alert needs numbers", true},
		{`{"queryType":"problems","dsl":"trace.has(x)"}`, "problems are of stored rules", false},
		{`{"queryType":"problems","service":"shop"}`, "problems cannot be narrowed", false},
		{`{"queryType":"annotations"}`, "an alert needs numbers", true},
		{`{"ruleIds":["$rule"]}`, "variables are not replaced in alerts", true},
		{`{"labels":{"team":"${team}"}}`, "variables are not replaced", false},
		{`{"dsl":"trace.has(a)","severities":["high"]}`, "take one of both", false},
		{`{"severities":["loud"]}`, `no severity "loud"`, false},
		{`{"queryType":"count","service":"web"}`, "cannot be narrowed", false},
		{`{"queryType":"count","step":"often"}`, "step has to be a duration", false},
		{`{"queryType":"count","step":"0s"}`, "step has to be a duration", false},
		{`{"incomplete":"zero"}`, "incomplete has to be", false},
		{`{"limit":-1}`, "limit has to be", false},
		{`{"limit":5001}`, "limit has to be", false},
		{`{"dsl":"` + strings.Repeat("x", 65537) + `"}`, "at most 65536", false},
		{`{"queryType":"count","part":{}}`, "an alert does not", true},
		{`{"queryType":"count","part":{"cursor":"x"}}`, "belongs to queries of type violations", false},
		{`{"limit":5,"part":{"cursor":"x","have":5}}`, "part.have has to be 0 to 4", false},
		{`[]`, "cannot be read", false},
	} {
		_, err := parse(t, c.text, c.fromAlert)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60s: %v; want %q", c.text, err, c.says)
		}
	}
}

func TestAlertsAreAlwaysOneNumber(t *testing.T) {
	q, err := parse(t, `{"queryType":"count","instant":false}`, true)
	if err != nil || !q.Instant {
		t.Fatalf("%+v, %v", q, err)
	}
}

func TestARulesTextMayHoldADollarSign(t *testing.T) {
	if _, err := parse(t, `{"queryType":"count","dsl":"trace.has(span.name matches \"^a$\")"}`, true); err != nil {
		t.Fatal(err)
	}
}

func TestStepsAreRoundAndWithinTheLimits(t *testing.T) {
	for _, c := range []struct {
		length, interval time.Duration
		points           int64
		rules            int
		instant          bool
		want             time.Duration
	}{
		{time.Hour, 15 * time.Second, 1000, 1, false, 15 * time.Second},
		{time.Hour, time.Second, 100, 1, false, time.Minute},
		{24 * time.Hour, time.Second, 0, 1, false, 5 * time.Minute},
		{30 * 24 * time.Hour, time.Second, 43200, 1000, false, 6 * time.Hour},
		{30 * 24 * time.Hour, time.Second, 43200, 10000, false, 24 * time.Hour},
		{10 * time.Minute, time.Second, 43200, 1, true, 10 * time.Second},
		{3 * 24 * time.Hour, time.Second, 43200, 1, true, time.Hour},
		{10 * time.Second, time.Second, 43200, 1, true, time.Second},
	} {
		q := &Query{From: noon.Add(-c.length), To: noon, Interval: c.interval, MaxPoints: c.points, Instant: c.instant}
		if step := q.StepFor(c.rules); step != c.want {
			t.Errorf("%+v: %s", c, step)
		}
	}
	q := &Query{From: noon.Add(-time.Hour), To: noon, Step: 7 * time.Minute}
	if q.StepFor(1) != 7*time.Minute {
		t.Error("the step of the query has to hold")
	}
}

func TestOneNumberStandsForWholeSteps(t *testing.T) {
	step := 10 * time.Second
	for _, odd := range []time.Duration{0, 3 * time.Second, 9999 * time.Millisecond} {
		q := &Query{From: noon.Add(odd - 10*time.Minute), To: noon.Add(odd)}
		from, to := q.Aligned(step)
		if to.Sub(from) != 10*time.Minute || to.UnixNano()%int64(step) != 0 || to.After(q.To) || q.To.Sub(to) >= step {
			t.Errorf("%s: %s to %s", odd, from, to)
		}
	}
	from, to := (&Query{From: noon.Add(time.Second), To: noon.Add(2 * time.Second)}).Aligned(step)
	if to.Sub(from) != step {
		t.Errorf("a range within a step: %s to %s", from, to)
	}
	if before := Floor(time.Unix(-1, 0), time.Minute); before.Unix() != -60 {
		t.Errorf("before the epoch: %s", before)
	}
}
