// Counts and ratios: one frame a rule, by time or as one number. A value that is not known is null and never 0.
package frames

import (
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

// RuleSeries are the points of one rule, with what names it. Values nil: nothing is known of any step. Empty: the steps without any trace, which are null, too.
type RuleSeries struct {
	RuleID, Rule, Severity string
	Times                  []time.Time
	Values                 []*float64
	Empty                  []bool
	Bounds                 []betrace.Bounds // of sampled traces, what each value stands for; else nil
	StandsFor              string           // in a sentence, all of them
}

// labels are of low cardinality on purpose: every set of labels is an alert instance.
func (s *RuleSeries) labels() data.Labels {
	return data.Labels{"rule_id": s.RuleID, "rule": s.Rule, "severity": s.Severity}
}

// Kind of numbers: the name of the field, its unit and what it says.
type Kind struct {
	Field, Unit, Description string
}

// Kinds by query type.
var Kinds = map[string]Kind{
	"count":     {"violations", "short", "Traces that violate the rule. Null: no trace was there, not looked at in full, or not settled yet"},
	"exercised": {"exercised", "short", "Traces that exercise the rule. Null: no trace was there, or not known exactly"},
	"ratio":     {"ratio", "percentunit", "Violating traces of those that exercise the rule. Null: not known, or none exercised it"},
}

var version = data.FrameTypeVersion{0, 1}

// ByTime makes one timeseries-multi frame.
func ByTime(s *RuleSeries, kind Kind, name string) *data.Frame {
	times := make([]time.Time, len(s.Times))
	copy(times, s.Times)
	values := s.Values
	if values == nil {
		values = make([]*float64, len(times))
	}
	value := data.NewField(kind.Field, s.labels(), values).SetConfig(kind.config(s, name))
	frame := data.NewFrame("", data.NewField("time", nil, times), value)
	return frame.SetMeta(&data.FrameMeta{Type: data.FrameTypeTimeSeriesMulti, TypeVersion: version, PreferredVisualization: data.VisTypeGraph})
}

// BoundsByTime makes two more frames where traces were sampled: at least and at most so many happened, with 95 % confidence for each point.
func BoundsByTime(s *RuleSeries, kind Kind, name string) []*data.Frame {
	if len(s.Bounds) == 0 || len(s.Bounds) != len(s.Times) {
		return nil
	}
	low, high := *s, *s
	low.Values, high.Values = make([]*float64, len(s.Times)), make([]*float64, len(s.Times))
	for i := range s.Bounds {
		low.Values[i], high.Values[i] = s.Bounds[i].Low, s.Bounds[i].High
	}
	unit := kind.Unit
	return []*data.Frame{
		ByTime(&low, Kind{kind.Field + "_low", unit, "At least so many happened (95 %): traces were sampled. Null: not known"}, name+" (at least)"),
		ByTime(&high, Kind{kind.Field + "_high", unit, "At most so many happened (95 %): traces were sampled. Null: not known, or there is no such bound"}, name+" (at most)"),
	}
}

// StandFor says of each rule what its number stands for where traces were sampled.
func StandFor(all []RuleSeries, names []string) []data.Notice {
	var notices []data.Notice
	for i := range all {
		if all[i].StandsFor == "" {
			continue
		}
		if len(notices) == mostRulesNamed {
			return append(notices, info("And more rules: narrow the query to see what their numbers stand for."))
		}
		notices = append(notices, info("%s: %s.", names[i], all[i].StandsFor))
	}
	return notices
}

// AsNumber makes one numeric-multi frame. The typed form matters: only in it does an alert read null as "no data"; untyped tables and reduced series turn null into NaN,
// which a threshold calls normal.
func AsNumber(s *RuleSeries, value *float64, kind Kind, name string) *data.Frame {
	field := data.NewField(kind.Field, s.labels(), []*float64{value}).SetConfig(kind.config(s, name))
	return data.NewFrame("", field).SetMeta(&data.FrameMeta{Type: data.FrameTypeNumericMulti, TypeVersion: version})
}

const (
	violationsPage = "/a/betrace-app/violations?rule=${__field.labels.rule_id:percentencode}&from=${__from}&to=${__to}"
	// AdHoc is the id of a text that is not stored: the app has no page of it.
	AdHoc = "ad-hoc"
)

func (k Kind) config(s *RuleSeries, name string) *data.FieldConfig {
	config := &data.FieldConfig{DisplayNameFromDS: name, Unit: k.Unit, Description: k.Description}
	if s.RuleID != AdHoc {
		config.Links = []data.DataLink{{Title: "See the violations", URL: violationsPage}}
	}
	return config
}

// Names are what legends show: the rule's name, with its id where several rules have one name.
func Names(all []RuleSeries) []string {
	seen := map[string]int{}
	for i := range all {
		seen[all[i].Rule]++
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Rule
		if seen[all[i].Rule] > 1 || all[i].Rule == "" {
			names[i] = all[i].Rule + " (" + all[i].RuleID + ")"
		}
	}
	return names
}

// mostQuiet is the part of a range that may be without any trace at its end while its number still speaks of now.
const mostQuiet = 4

// Total is the sum of all steps. Where a step is not known it is nil; with atLeast it is then the sum of the others, unless that is 0: that nothing was found in a part
// does not say that there is nothing. A step without any trace adds nothing; where the newest quarter of the range has none, or all of it, there is no 0 either: nobody
// looked at anything there.
func (s *RuleSeries) Total(atLeast bool) *float64 {
	sum, known := 0.0, len(s.Values) > 0
	for i, value := range s.Values {
		switch {
		case value != nil:
			sum += *value
		case !s.isEmpty(i):
			known = false
		}
	}
	if sum > 0 && (known || atLeast) || known && !s.isQuietAtItsEnd() {
		return &sum
	}
	return nil
}

func (s *RuleSeries) isEmpty(i int) bool { return i < len(s.Empty) && s.Empty[i] }

func (s *RuleSeries) isQuietAtItsEnd() bool {
	quiet := 0
	for i := len(s.Values) - 1; i >= 0 && s.isEmpty(i); i-- {
		quiet++
	}
	return quiet > 0 && quiet*mostQuiet >= len(s.Values)
}

// Share is the ratio of two totals over the same steps; nil where one is not known in full, or where nothing was exercised.
func Share(counts, exercised *RuleSeries) *float64 {
	count, of := counts.Total(false), exercised.Total(false)
	if count == nil || of == nil || *of == 0 {
		return nil
	}
	share := *count / *of
	return &share
}

// FromAnswer takes the points of one rule of an answer in such steps.
func FromAnswer(s *betrace.Series, coverage *betrace.Coverage, step time.Duration) RuleSeries {
	out := RuleSeries{RuleID: s.Labels.RuleID, Rule: s.Labels.Rule, Severity: s.Labels.Severity,
		Times: make([]time.Time, len(s.Points)), Values: make([]*float64, len(s.Points)), Empty: make([]bool, len(s.Points))}
	if s.Estimated != nil {
		out.StandsFor, out.Bounds = s.Estimated.Text, s.Estimated.Points
	}
	for i, point := range s.Points {
		out.Times[i], out.Values[i] = point.Start, point.Value
		out.Empty[i] = point.Value == nil && coverage.IsEmptyAt(point.Start, step)
	}
	return out
}
