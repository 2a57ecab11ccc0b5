package frames

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/experimental"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

var update = flag.Bool("update", false, "write the golden files anew; look at the difference")

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func number(v float64) *float64 { return &v }

func rule(values ...*float64) RuleSeries {
	s := RuleSeries{RuleID: "slow-db", Rule: "Slow database", Severity: "high", Values: values}
	for i := range values {
		s.Times = append(s.Times, noon.Add(time.Duration(i)*time.Minute))
	}
	return s
}

func TestSeriesAreWideForAlertsAndTyped(t *testing.T) {
	s := rule(number(0), nil, number(3))
	frame := ByTime(&s, Kinds["count"], "x")
	if schema := frame.TimeSeriesSchema(); schema.Type != data.TimeSeriesTypeWide || len(schema.ValueIndices) != 1 {
		t.Fatalf("schema %+v", schema)
	}
	if frame.Meta.Type != data.FrameTypeTimeSeriesMulti || frame.Meta.TypeVersion.IsZero() {
		t.Fatalf("meta %+v: without type and version, alerts guess", frame.Meta)
	}
	if got := frame.Fields[1].Labels.String(); got != "rule=Slow database, rule_id=slow-db, severity=high" {
		t.Errorf("labels %s", got)
	}
	if zero := frame.Fields[1].At(0).(*float64); zero == nil || *zero != 0 {
		t.Error("a zero that was looked at has to be 0")
	}
	if frame.Fields[1].At(1).(*float64) != nil {
		t.Error("what was not looked at has to be null")
	}
}

func TestASeriesOfARuleThatNobodyJudgedIsNull(t *testing.T) {
	s := rule(number(1), number(2))
	s.Values = nil
	frame := ByTime(&s, Kinds["count"], "x")
	if frame.Rows() != 2 || frame.Fields[1].At(0).(*float64) != nil || frame.Fields[1].At(1).(*float64) != nil {
		t.Fatalf("%d rows", frame.Rows())
	}
}

func TestOneNumberKeepsNullAndItsType(t *testing.T) {
	s := rule()
	frame := AsNumber(&s, nil, Kinds["count"], "x")
	if frame.Meta.Type != data.FrameTypeNumericMulti || frame.Meta.TypeVersion.IsZero() || frame.Meta.Type.Kind() != data.KindNumeric {
		t.Fatalf("meta %+v", frame.Meta)
	}
	if frame.Rows() != 1 || len(frame.Fields) != 1 || frame.Fields[0].At(0).(*float64) != nil {
		t.Fatal("null has to be one null, as a NaN would be normal to a threshold")
	}
}

func TestTotalsNeverCallTheUnknownZero(t *testing.T) {
	for _, c := range []struct {
		values  []*float64
		atLeast bool
		want    *float64
	}{
		{[]*float64{number(1), number(2)}, false, number(3)},
		{[]*float64{number(0), number(0)}, true, number(0)},
		{[]*float64{number(0), nil}, true, nil},
		{[]*float64{number(2), nil}, true, number(2)},
		{[]*float64{number(2), nil}, false, nil},
		{[]*float64{nil}, true, nil},
		{nil, true, nil},
	} {
		s := rule(c.values...)
		got := s.Total(c.atLeast)
		if (got == nil) != (c.want == nil) || (got != nil && *got != *c.want) {
			t.Errorf("%v at least %v: %v", c.values, c.atLeast, got)
		}
	}
}

// gaps is a rule of eight steps: a letter is one without any trace (e), one that is not known (?) or one with a number.
func gaps(steps string) RuleSeries {
	var values []*float64
	for _, letter := range steps {
		if letter == 'e' || letter == '?' {
			values = append(values, nil)
		} else {
			values = append(values, number(float64(letter-'0')))
		}
	}
	s := rule(values...)
	for _, letter := range steps {
		s.Empty = append(s.Empty, letter == 'e')
	}
	return s
}

func TestAStepWithoutAnyTraceAddsNothingAndARangeThatEndsWithSomeIsNoZero(t *testing.T) {
	for steps, want := range map[string]*float64{
		"00000000": number(0), "0e0e00e0": number(0), // pauses between traces
		"eeeeeee0": number(0), // they have come back
		"0000000e": number(0), // less than a quarter
		"000000ee": nil, "0eeeeeee": nil, "eeeeeeee": nil,
		"100000ee": number(1), "1eeeeeee": number(1), // what was found is true
		"0?00000e": nil, "1?0000ee": number(1), "?eeeeeee": nil, "eeeeeee?": nil,
	} {
		s := gaps(steps)
		got := s.Total(true)
		if (got == nil) != (want == nil) || (got != nil && *got != *want) {
			t.Errorf("%s: %v", steps, got)
		}
	}
	partly := gaps("1?0000ee")
	if partly.Total(false) != nil {
		t.Error("one that is not known makes the exact total unknown")
	}
	for steps, want := range map[[2]string]*float64{{"000000ee", "444444ee"}: nil, {"000000e0", "444444e4"}: number(0), {"100000ee", "211111ee"}: number(1.0 / 7)} {
		counts, of := gaps(steps[0]), gaps(steps[1])
		if got := Share(&counts, &of); (got == nil) != (want == nil) || (got != nil && *got != *want) {
			t.Errorf("%v: %v", steps, got)
		}
	}
}

func TestPointsKnowWhichStepsHaveNoTrace(t *testing.T) {
	one := 1.0
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	answer := betrace.Series{Points: []betrace.Point{{Start: at(0)}, {Start: at(10), Value: &one}, {Start: at(20)}, {Start: at(30)}}}
	coverage := betrace.Coverage{Asked: betrace.TimeRange{Start: at(5), End: at(40)}, WindowsEmpty: []betrace.TimeRange{{Start: at(5), End: at(10)}, {Start: at(30), End: at(40)}}}
	s := FromAnswer(&answer, &coverage, 10*time.Minute)
	if got := fmt.Sprint(s.Empty); got != "[true false false true]" {
		t.Error(got)
	}
}

func TestGapsAreNamed(t *testing.T) {
	hour := func(from, to int) betrace.TimeRange {
		return betrace.TimeRange{Start: noon.Add(time.Duration(from) * time.Hour), End: noon.Add(time.Duration(to) * time.Hour)}
	}
	short := betrace.TimeRange{Start: noon.Add(90 * time.Minute), End: noon.Add(91 * time.Minute)}
	for name, c := range map[string]struct {
		empty []betrace.TimeRange
		want  string
	}{
		"pauses alone":    {[]betrace.TimeRange{short, short}, ""},
		"after the end":   {[]betrace.TimeRange{hour(23, 24)}, ""},
		"in front":        {[]betrace.TimeRange{hour(0, 1), short}, "No trace at all was there from 2026-03-10 12:00:00 UTC to 2026-03-10 13:00:00 UTC: nothing is said about that time."},
		"cut by the tail": {[]betrace.TimeRange{hour(20, 24)}, "No trace at all was there from 2026-03-11 08:00:00 UTC to 2026-03-11 11:00:00 UTC: nothing is said about that time."},
		"many": {[]betrace.TimeRange{hour(0, 1), hour(2, 3), hour(4, 5), hour(6, 7), hour(8, 9)},
			"No trace at all was there from 2026-03-10 12:00:00 UTC to 2026-03-10 13:00:00 UTC, from 2026-03-10 14:00:00 UTC to 2026-03-10 15:00:00 UTC, from 2026-03-10 16:00:00 UTC to 2026-03-10 17:00:00 UTC and 2 times more: nothing is said about that time."},
	} {
		coverage := betrace.Coverage{Complete: true, Asked: hour(0, 24), EffectiveEnd: hour(23, 24).Start, WindowsEmpty: c.empty}
		var got string
		for _, notice := range CoverageNotices(nil, &coverage) {
			if !strings.Contains(notice.Text, "not settled yet") {
				got += notice.Text
			}
		}
		if got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestAShareNeedsBothTotals(t *testing.T) {
	share := func(counts, of []*float64) *float64 {
		a, b := rule(counts...), rule(of...)
		return Share(&a, &b)
	}
	if got := share([]*float64{number(1), number(2)}, []*float64{number(4), number(8)}); got == nil || *got != 0.25 {
		t.Errorf("%v", got)
	}
	for _, c := range [][2][]*float64{{{number(1), nil}, {number(4), number(4)}}, {{number(1)}, {nil}}, {{number(0)}, {number(0)}}, {nil, nil}} {
		if got := share(c[0], c[1]); got != nil {
			t.Errorf("%v: %v", c, *got)
		}
	}
}

func TestLegendsTellRulesOfOneNameApart(t *testing.T) {
	names := Names([]RuleSeries{{RuleID: "a", Rule: "Same"}, {RuleID: "b", Rule: "Same"}, {RuleID: "c", Rule: "Other"}})
	if strings.Join(names, "|") != "Same (a)|Same (b)|Other" {
		t.Error(names)
	}
}

func violation() betrace.Violation {
	span := "0102030405060708"
	return betrace.Violation{ID: "aa", RuleID: "slow-db", RuleName: "Slow database", Severity: "high", TraceID: "4c0e343d7c72bd716fcbd70a9f6e4d50", SpanID: &span, Time: noon,
		RootService: "web", RootName: "POST /checkout", Services: []string{"db", "web"}, Message: "span db.query: the condition holds"}
}

func golden(t *testing.T, name string, frame *data.Frame) {
	t.Helper()
	experimental.CheckGoldenJSONResponse(t, "testdata", name, &backend.DataResponse{Frames: data.Frames{frame}}, *update)
}

func TestTablesAreAsTheyWere(t *testing.T) {
	without := violation()
	without.SpanID, without.Provisional = nil, true
	golden(t, "violations", Table([]betrace.Violation{violation(), without}, Tempo{UID: "tempo", Name: "Tempo"}))
	golden(t, "annotations", AsAnnotations([]betrace.Violation{violation()}))
	at, edge := violation(), true
	golden(t, "first_violations", FirstTable([]First{{RuleID: "slow-db", Rule: "Slow database", Severity: "high", At: &at, Proven: true, AtEdge: &edge, LookedUntil: noon, Says: "the first one"},
		{RuleID: "quiet", Rule: "Quiet", Severity: "low", LookedUntil: noon, Says: "none in the whole range"}}, Tempo{UID: "tempo", Name: "Tempo"}))
	share, shop := 0.025, "shop"
	golden(t, "problems", ProblemTable([]betrace.Problem{
		{ID: "0123456789abcdef", RuleID: "slow-db", RuleName: "Slow database", Severity: "high", Message: "no retry in this trace", Entry: "root", EntryService: &shop, Count: 12, CountKind: "exact",
			Share: &share, FirstSeen: betrace.Moment{Time: noon.Add(-time.Hour)}, LastSeen: betrace.Moment{Time: noon}, Trend: "rising"},
		{ID: "1123456789abcdef", RuleID: "slow-db", RuleName: "Slow database", Severity: "high", Message: "what failed was not looked at", Entry: "not_looked_at", Count: 7, CountKind: "at_least",
			FirstSeen: betrace.Moment{Time: noon}, LastSeen: betrace.Moment{Time: noon}, Trend: "unknown"}}, ProblemRange{noon.Add(-2 * time.Hour), noon}, Tempo{Stored: true}))
	s := rule(number(0), nil, number(3))
	golden(t, "count", ByTime(&s, Kinds["count"], "Slow database"))
	golden(t, "count_instant", AsNumber(&s, nil, Kinds["count"], "Slow database"))
}

func TestTracesLinkToTempoOnlyWhereThereIsOne(t *testing.T) {
	linked := Table([]betrace.Violation{violation()}, Tempo{UID: "tempo", Name: "Tempo"})
	if linked.Fields[0].Name != "time" {
		t.Error("the time has to be the first field")
	}
	text, _ := json.Marshal(linked)
	for _, part := range []string{`"datasourceUid":"tempo"`, `"queryType":"traceql"`, `"panelsState":{"trace":{"spanId":"${__data.fields.span_id}"}}`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s is not in %s", part, text)
		}
	}
	text, _ = json.Marshal(Table([]betrace.Violation{violation()}, Tempo{}))
	if strings.Contains(string(text), "links") {
		t.Error("there is a link to no data source")
	}
}

func TestNoticesSayWhatWasNotLookedAt(t *testing.T) {
	reason := "windows_failed: some steps could not be read in full"
	coverage := betrace.Coverage{Asked: betrace.TimeRange{Start: noon.Add(-time.Hour), End: noon}, EffectiveEnd: noon.Add(-2 * time.Minute)}
	coverage.Assumptions.Settle = "2m"
	for range 5 {
		coverage.WindowsFailed = append(coverage.WindowsFailed, betrace.FailedWindow{TimeRange: betrace.TimeRange{Start: noon.Add(-time.Hour), End: noon}, Reason: "Tempo answered 500"})
	}
	notices := CoverageNotices(&reason, &coverage)
	if len(notices) != 2 || notices[0].Severity != data.NoticeSeverityWarning {
		t.Fatalf("%+v", notices)
	}
	for _, part := range []string{"there may be more violations", "Some steps could not be read in full.", "2026-03-10 11:00:00 UTC to 2026-03-10 12:00:00 UTC: Tempo answered 500.", "And 2 more parts"} {
		if !strings.Contains(notices[0].Text, part) {
			t.Errorf("%q is not in %q", part, notices[0].Text)
		}
	}
	if !strings.Contains(notices[1].Text, "2026-03-10 11:58:00 UTC") {
		t.Error(notices[1].Text)
	}
	if whole := CoverageNotices(nil, &betrace.Coverage{Complete: true, EffectiveEnd: noon, Asked: betrace.TimeRange{End: noon}}); len(whole) != 0 {
		t.Errorf("complete, and yet %v", whole)
	}
}

func TestNoticesSayWhatLateSpansMayChange(t *testing.T) {
	from := noon.Add(-20 * time.Minute)
	coverage := betrace.Coverage{Complete: true, EffectiveEnd: noon, Asked: betrace.TimeRange{Start: noon.Add(-time.Hour), End: noon}, ProvisionalFrom: &from}
	want := "What is counted from 2026-03-10 11:40:00 UTC on is provisional: Tempo may still hide spans that came late. It is counted again later."
	if notices := CoverageNotices(nil, &coverage); len(notices) != 1 || notices[0].Text != want || notices[0].Severity != data.NoticeSeverityInfo {
		t.Errorf("%+v", notices)
	}
}

func TestNoticesSayWhatWasTakenAway(t *testing.T) {
	at := noon.Add(-20 * time.Minute)
	coverage := betrace.Coverage{Complete: true, EffectiveEnd: noon, Asked: betrace.TimeRange{Start: noon.Add(-time.Hour), End: noon}, KeptFrom: &at, RedactedAt: &at}
	want := []string{
		"The retention of the source may have deleted traces from before 2026-03-10 11:40:00 UTC: what is counted there may be too little.",
		"Some traces were redacted in the source, last at 2026-03-10 11:40:00 UTC: it does not say which, and they are not counted.",
	}
	notices := CoverageNotices(nil, &coverage)
	if len(notices) != len(want) {
		t.Fatalf("%+v", notices)
	}
	for i, notice := range notices {
		if notice.Text != want[i] || notice.Severity != data.NoticeSeverityWarning {
			t.Errorf("%+v", notice)
		}
	}
}

func TestNoticesNameATempoThatWasNotChecked(t *testing.T) {
	version := "3.1.0"
	coverage := betrace.Coverage{Complete: true, EffectiveEnd: noon, Asked: betrace.TimeRange{End: noon}}
	for _, one := range []struct {
		source *betrace.Source
		text   string
	}{
		{nil, ""}, // a service of before
		{&betrace.Source{Kind: "tempo", Version: &version, Checked: true}, ""},
		{&betrace.Source{Kind: "tempo", Version: &version, Note: "not among the versions that were checked (2.8)"}, "Tempo 3.1.0 is not among the versions that were checked (2.8). Of such a version every candidate is read."},
		{&betrace.Source{Kind: "tempo", Note: "not among the versions that were checked (2.8): it was built without a version"}, "Tempo is not among the versions that were checked (2.8): it was built without a version. Of such a version every candidate is read."},
	} {
		coverage.Source = one.source
		notices := CoverageNotices(nil, &coverage)
		if one.text == "" && len(notices) == 0 {
			continue
		}
		if len(notices) != 1 || notices[0].Text != one.text || notices[0].Severity != data.NoticeSeverityInfo {
			t.Errorf("%+v: %+v", one.source, notices)
		}
	}
}
