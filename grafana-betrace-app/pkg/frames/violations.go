// Tables of violations, first violations, and annotations.
package frames

import (
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

// Tempo is the data source that trace ids link to. UID empty: there is none, so there are no links to it.
type Tempo struct {
	UID, Name string
	// InApp: to the app's page of the violation instead, for who has no Explore. Of stored rules only: the page knows no others.
	InApp bool
	// Stored: the rules are stored ones, so the app has a page of each.
	Stored bool
}

const rulePage = "/a/betrace-app/rules/${__data.fields.rule_id:percentencode}"

const violationPage = "/a/betrace-app/violations/${__data.fields.rule_id:percentencode}/${__value.raw:percentencode}"

const messagePage = "/a/betrace-app/violations/${__data.fields.rule_id:percentencode}/${__data.fields.trace_id:percentencode}"

// traceField holds trace ids. Each opens in Explore, at the span that the violation rests on; the field span_id of the same row says which.
func (t Tempo) traceField(ids []*string) *data.Field {
	field := data.NewField("trace_id", nil, ids)
	config := &data.FieldConfig{DisplayName: "Trace", Custom: width(300)}
	switch {
	case t.InApp:
		config.Links = []data.DataLink{{Title: "Open the violation", URL: violationPage}}
	case t.UID != "":
		var state data.ExplorePanelsState = map[string]any{"trace": map[string]any{"spanId": "${__data.fields.span_id}"}}
		config.Links = []data.DataLink{{Title: "View trace", Internal: &data.InternalDataLink{DatasourceUID: t.UID, DatasourceName: t.Name,
			Query: map[string]any{"query": "${__value.raw}", "queryType": "traceql"}, ExplorePanelsState: &state}}}
	}
	return field.SetConfig(config)
}

// messageField says what a violation is. Each opens its page in the app, by the fields rule_id and trace_id of the same row.
func (t Tempo) messageField(messages []string) *data.Field {
	field := sentence("message", "Message", messages, 440)
	if t.Stored {
		field.Config.Links = []data.DataLink{{Title: "Open the violation", URL: messagePage}}
	}
	return field
}

func text(name, shown string, values []string) *data.Field {
	return data.NewField(name, nil, values).SetConfig(&data.FieldConfig{DisplayName: shown})
}

// ruleField holds names of rules. Each opens the rule in the app, by the field rule_id of the same row.
func (t Tempo) ruleField(names []string) *data.Field {
	config := &data.FieldConfig{DisplayName: "Rule", Custom: wrapped(240)}
	if t.Stored {
		config.Links = []data.DataLink{{Title: "Open the rule", URL: rulePage}}
	}
	return data.NewField("rule", nil, names).SetConfig(config)
}

// Table of violations, a row each, the time first.
func Table(violations []betrace.Violation, tempo Tempo) *data.Frame {
	n := len(violations)
	times, traces, spans, provisional := make([]time.Time, n), make([]*string, n), make([]string, n), make([]bool, n)
	columns := make([][]string, 7)
	for i := range columns {
		columns[i] = make([]string, n)
	}
	for i := range violations {
		v := &violations[i]
		times[i], traces[i], spans[i], provisional[i] = v.Time, &v.TraceID, orEmpty(v.SpanID), v.Provisional
		for c, value := range []string{v.RuleName, v.Severity, v.Message, v.RootService, v.RootName, strings.Join(v.Services, ", "), v.RuleID} {
			columns[c][i] = value
		}
	}
	frame := data.NewFrame("violations", moment("time", "Time", times),
		tempo.ruleField(columns[0]), severityField(columns[1]), tempo.traceField(traces), tempo.messageField(columns[2]),
		narrow("root_service", "Root service", columns[3], 150), narrow("root_name", "Root span", columns[4], 180), text("services", "Services", columns[5]),
		narrow("span_id", "Span", spans, 150), text("rule_id", "Rule id", columns[6]), yesNo("provisional", "Provisional", provisional, 110))
	return asTable(frame)
}

// asTable has Explore draw rows with the panel for tables: its own table forgets the widths and the cells that a frame asks
// for (looks.go). Of a frame without rows that panel would draw an empty box, where Explore's own says that there are none.
func asTable(frame *data.Frame) *data.Frame {
	meta := &data.FrameMeta{Type: data.FrameTypeTable, TypeVersion: version, PreferredVisualization: data.VisTypeTable}
	if frame.Rows() > 0 {
		meta.PreferredVisualizationPluginID = "table"
	}
	return frame.SetMeta(meta)
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// AsAnnotations has the fields that Grafana's annotations read.
func AsAnnotations(violations []betrace.Violation) *data.Frame {
	n := len(violations)
	times, titles, texts, tags, ids := make([]time.Time, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i := range violations {
		v := &violations[i]
		times[i], titles[i], ids[i] = v.Time, v.RuleName, v.ID
		texts[i] = v.Message + " (trace " + v.TraceID + ")"
		tags[i] = strings.Join([]string{"betrace", v.Severity, v.RuleID}, ",")
	}
	return data.NewFrame("annotations", data.NewField("time", nil, times), data.NewField("title", nil, titles), data.NewField("text", nil, texts),
		data.NewField("tags", nil, tags), data.NewField("id", nil, ids)).SetMeta(&data.FrameMeta{DataTopic: data.DataTopicAnnotations})
}

// First is when a rule was first violated. At nil: no violation was found. AtEdge nil: not known.
type First struct {
	RuleID, Rule, Severity string
	At                     *betrace.Violation
	Proven                 bool
	AtEdge                 *bool
	LookedUntil            time.Time
	Says                   string
}

// FirstTable has a row for each rule.
func FirstTable(all []First, tempo Tempo) *data.Frame {
	n := len(all)
	times, traces, found, proven, edge, until := make([]*time.Time, n), make([]*string, n), make([]bool, n), make([]bool, n), make([]*bool, n), make([]time.Time, n)
	columns := make([][]string, 8)
	for i := range columns {
		columns[i] = make([]string, n)
	}
	for i := range all {
		f := &all[i]
		found[i], proven[i], edge[i], until[i] = f.At != nil, f.Proven, f.AtEdge, f.LookedUntil
		at := betrace.Violation{}
		if f.At != nil {
			at = *f.At
			times[i], traces[i] = &at.Time, &at.TraceID
		}
		for c, value := range []string{f.Rule, f.Severity, f.Says, at.Message, at.RootService, at.RootName, orEmpty(at.SpanID), f.RuleID} {
			columns[c][i] = value
		}
	}
	frame := data.NewFrame("first violations", moment("time", "Since", times),
		tempo.ruleField(columns[0]), severityField(columns[1]), yesNo("found", "Found", found, 110), yesNo("proven", "Proven", proven, 110),
		yesNo("at_edge_of_data", "At the edge of the data", edge, 190), sentence("says", "What is certain", columns[2], 260),
		tempo.traceField(traces), tempo.messageField(columns[3]),
		narrow("root_service", "Root service", columns[4], 150), narrow("root_name", "Root span", columns[5], 180), narrow("span_id", "Span", columns[6], 150),
		moment("looked_until", "Looked until", until), text("rule_id", "Rule id", columns[7]))
	return asTable(frame)
}

// NotLookedFor says that a table of first violations has no rows for rules that are meant, because they are too many for one query.
func NotLookedFor(looked int, left []string) data.Notice {
	return warning("First violations were looked for in the %d most severe of the %d rules that are meant. Nothing is said about the others: %s. Choose at most %d rules at once.",
		looked, looked+len(left), listed(left), looked)
}

// Truncated says that there is more than the table shows.
func Truncated(shown int, total *int64) data.Notice {
	if total != nil {
		return warning("The table shows %d of %d violations: raise the limit of the query or narrow it.", shown, *total)
	}
	return warning("The table shows the newest %d violations: there may be older ones, so raise the limit of the query or narrow it.", shown)
}

// TotalStandsFor says what the number of violations stands for where traces were sampled.
func TotalStandsFor(text string) data.Notice { return info("%s.", capital(text)) }

// AddNotices adds to the metadata of a frame.
func AddNotices(frame *data.Frame, notices ...data.Notice) {
	if frame.Meta == nil {
		frame.Meta = &data.FrameMeta{}
	}
	frame.Meta.Notices = append(frame.Meta.Notices, notices...)
}

// Unjudged says that rules were not checked because their texts do not compile.
func Unjudged(ids []string) data.Notice {
	return warning("Not checked, because their stored text does not compile in this version of BeTrace: %s.", strings.Join(ids, ", "))
}
