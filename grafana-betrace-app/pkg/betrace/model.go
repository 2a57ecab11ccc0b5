// Package betrace is a typed client of BeTrace's HTTP API (docs/openapi.yaml), as far as the data source needs it.
// It knows nothing of Grafana. All of it may be used from several goroutines.
package betrace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Severities are all that a rule can have, from the least to the most severe.
var Severities = []string{"info", "low", "warning", "medium", "high", "error", "critical"}

// Rule is a stored rule. Broken says why its text does not compile; nil: it does.
type Rule struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Severity string            `json:"severity"`
	Enabled  bool              `json:"enabled"`
	Shadow   bool              `json:"shadow"`
	Labels   map[string]string `json:"labels"`
	Controls []Control         `json:"controls"`
	Settle   *string           `json:"settle"` // of its own; nil: the service's
	Broken   *string           `json:"broken"`
}

// Control is one control of a compliance framework that a rule is about.
type Control struct {
	Framework string `json:"framework"`
	Control   string `json:"control"`
}

// TimeRange is [Start, End).
type TimeRange struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// FailedWindow is a part of the range that was not read, and why.
type FailedWindow struct {
	TimeRange
	Reason string `json:"reason"`
}

// Source is where traces came from. Checked: BeTrace was held against that version; else Note says so in words.
type Source struct {
	Kind    string  `json:"kind"`
	Version *string `json:"version"`
	Checked bool    `json:"checked"`
	Note    string  `json:"note"`
	// Store is its name, where the service has several.
	Store string `json:"store"`
}

// Sampling says how the traces of a range came to be kept. Known: not_declared, all, by_chance, in_part or contradicts.
type Sampling struct {
	Known string `json:"known"`
	Text  string `json:"text"` // one sentence
}

// Coverage says what of a range was looked at. Complete: everything up to EffectiveEnd was read in full and judged.
type Coverage struct {
	Complete        bool           `json:"complete"`
	Source          *Source        `json:"source"`
	Asked           TimeRange      `json:"asked"`
	EffectiveEnd    time.Time      `json:"effective_end"`
	HandoverFrom    *time.Time     `json:"handover_from"`
	ProvisionalFrom *time.Time     `json:"provisional_from"` // late spans may be hidden in what was counted from there on; nil: in nothing
	LateUntil       *time.Time     `json:"late_until"`
	KeptFrom        *time.Time     `json:"kept_from"`     // what is older the source may have deleted; nil: nothing of the range
	RedactedAt      *time.Time     `json:"redacted_at"`   // when it last took traces out that somebody named; nil: it is not known to have
	DataFrom        *time.Time     `json:"data_from"`     // the earliest trace, or of series the first step with one; nil: not known, or there is none
	WindowsEmpty    []TimeRange    `json:"windows_empty"` // without any trace
	WindowsFailed   []FailedWindow `json:"windows_failed"`
	Unsettled       *int64         `json:"unsettled"`
	LongTraces      int64          `json:"long_traces_count"`
	DifferingCount  int64          `json:"differing_traces_count"`
	Unended         int64          `json:"unended"`
	WithoutTime     int64          `json:"without_time"`
	Contradicted    int64          `json:"contradicted_count"`
	Sampling        Sampling       `json:"sampling"`
	Assumptions     struct {
		Settle string `json:"settle"`
	} `json:"assumptions"`
}

// IsEmptyAt says whether the source has no trace at all from there on for so long, as far as it was asked for.
func (c *Coverage) IsEmptyAt(start time.Time, length time.Duration) bool {
	end := start.Add(length)
	if start.Before(c.Asked.Start) {
		start = c.Asked.Start
	}
	for _, window := range c.WindowsEmpty {
		if !window.Start.After(start) && !window.End.Before(end) {
			return true
		}
	}
	return false
}

// Witness is a span that a violation rests on.
type Witness struct {
	SpanID  *string   `json:"span_id"`
	Binding *string   `json:"binding"`
	Name    string    `json:"name"`
	Service string    `json:"service"`
	Start   time.Time `json:"start"`
}

// Violation of one rule by one trace. The ID is the same on every run.
type Violation struct {
	ID          string    `json:"id"`
	RuleID      string    `json:"rule_id"`
	RuleName    string    `json:"rule_name"`
	Severity    string    `json:"severity"`
	TraceID     string    `json:"trace_id"`
	SpanID      *string   `json:"span_id"`
	Time        time.Time `json:"time"`
	RootService string    `json:"root_service"`
	RootName    string    `json:"root_name"`
	Services    []string  `json:"services"`
	Message     string    `json:"message"`
	Provisional bool      `json:"provisional"`
	Problem     string    `json:"problem"` // its id; empty in answers of replays and single traces
	Witnesses   []Witness `json:"witnesses"`
}

// ViolationsQuestion is the body of POST /v1/violations/query. At most one of RuleIDs and DSL.
type ViolationsQuestion struct {
	RuleIDs   []string  `json:"rule_ids,omitempty"`
	DSL       string    `json:"dsl,omitempty"`
	Severity  string    `json:"severity,omitempty"`
	Framework string    `json:"framework,omitempty"`
	TraceID   string    `json:"trace_id,omitempty"`
	Service   string    `json:"service,omitempty"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Limit     int       `json:"limit,omitempty"`
	Order     string    `json:"order,omitempty"`
	Cursor    string    `json:"cursor,omitempty"`
	Timeout   string    `json:"timeout,omitempty"`
}

// ViolationsPage is one page. TotalCount is nil until everything is evaluated, and when it could not be.
type ViolationsPage struct {
	Violations []Violation `json:"violations"`
	TotalCount *int64      `json:"total_count"`
	Estimated  *struct {
		Text string `json:"text"` // what TotalCount stands for, where traces were sampled
	} `json:"estimated"`
	Inconclusive int64    `json:"inconclusive"`
	Reason       *string  `json:"reason"`
	Coverage     Coverage `json:"coverage"`
	Cursor       *string  `json:"cursor"`
}

// SeriesQuestion is the body of POST /v1/violations/series. At most one of RuleIDs and DSL. Value: count, exercised or ratio.
type SeriesQuestion struct {
	RuleIDs   []string  `json:"rule_ids,omitempty"`
	DSL       string    `json:"dsl,omitempty"`
	Severity  string    `json:"severity,omitempty"`
	Framework string    `json:"framework,omitempty"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Step      string    `json:"step"`
	Value     string    `json:"value"`
	Timeout   string    `json:"timeout,omitempty"`
}

// Point is one step of a series. Value nil: not looked at in full, or no trace was there (Coverage.WindowsEmpty).
type Point struct {
	Start time.Time
	Value *float64
}

// UnmarshalJSON reads the pair [time, value].
func (p *Point) UnmarshalJSON(text []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil || len(pair) != 2 {
		return fmt.Errorf("a point has to be [time, value], but is %.40s", bytes.TrimSpace(text))
	}
	if err := json.Unmarshal(pair[0], &p.Start); err != nil {
		return err
	}
	return json.Unmarshal(pair[1], &p.Value)
}

// Series are the points of one rule.
type Series struct {
	Labels struct {
		RuleID   string `json:"rule_id"`
		Rule     string `json:"rule"`
		Severity string `json:"severity"`
	} `json:"labels"`
	Points    []Point          `json:"points"`
	Estimated *SeriesEstimated `json:"estimated"` // where traces were sampled
}

// SeriesEstimated says what points stand for where traces were sampled, each with 95 % confidence. Of ratios the text alone.
type SeriesEstimated struct {
	Text   string   `json:"text"` // of the sum of all points, in one sentence
	Points []Bounds `json:"points"`
}

// Bounds are between what so many happened. Low nil: the point is not known. High nil: that, or there is no such bound.
type Bounds struct {
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
}

// SeriesAnswer holds one series a rule.
type SeriesAnswer struct {
	Series   []Series `json:"series"`
	Reason   *string  `json:"reason"`
	Coverage Coverage `json:"coverage"`
}

// ProblemsQuestion is the query of GET /v1/problems. RuleIDs nil: all enabled rules.
type ProblemsQuestion struct {
	RuleIDs    []string
	Start, End time.Time
	Limit      int
	Timeout    time.Duration
}

// Values are its parameters.
func (q *ProblemsQuestion) Values() url.Values {
	values := url.Values{"start": {q.Start.UTC().Format(time.RFC3339Nano)}, "end": {q.End.UTC().Format(time.RFC3339Nano)}, "limit": {strconv.Itoa(q.Limit)},
		"timeout": {DurationText(q.Timeout)}}
	for _, id := range q.RuleIDs {
		values.Add("rule_id", id)
	}
	return values
}

// Problem is all violations of a rule in which the same part failed, in traces that begin in the same service. Entry: root, no_root or not_looked_at.
type Problem struct {
	ID           string   `json:"id"`
	RuleID       string   `json:"rule_id"`
	RuleName     string   `json:"rule_name"`
	Severity     string   `json:"severity"`
	Message      string   `json:"message"`
	Entry        string   `json:"entry"`
	EntryService *string  `json:"entry_service"`
	Count        int64    `json:"count"`
	CountKind    string   `json:"count_kind"` // exact or at_least
	Share        *float64 `json:"share"`      // of the traces that exercised the rule; nil: not known
	FirstSeen    Moment   `json:"first_seen"`
	LastSeen     Moment   `json:"last_seen"`
	Trend        string   `json:"trend"`         // new, rising, steady, over or unknown
	TrendUnknown *string  `json:"trend_unknown"` // why
}

// Moment is a trace and when it began.
type Moment struct {
	Time time.Time `json:"time"`
}

// Problems of a range. No problem says something only where the coverage is complete, and of rules that were exercised.
type Problems struct {
	Problems    []Problem     `json:"problems"`
	Total       int           `json:"problems_total"`
	Status      string        `json:"status"`
	Reason      *string       `json:"reason"`
	Coverage    Coverage      `json:"coverage"`
	Unexercised []Unexercised `json:"unexercised"`
}

// Unexercised is a rule that nothing exercised and why, or, where it is not known, of which that could not be found out.
type Unexercised struct {
	RuleID  string `json:"rule_id"`
	Known   bool   `json:"known"`
	Message string `json:"message"`
}

// FirstViolation is the earliest violation of a rule in a range. Proven: everything before it was read in full and judged.
type FirstViolation struct {
	RuleID       string     `json:"rule_id"`
	Status       string     `json:"status"`
	Reason       string     `json:"reason"`
	Found        bool       `json:"found"`
	Violation    *Violation `json:"violation"`
	Proven       bool       `json:"proven"`
	AtEdgeOfData bool       `json:"at_edge_of_data"`
	LookedAt     TimeRange  `json:"looked_at"`
	Coverage     Coverage   `json:"coverage"`
	Inconclusive int64      `json:"inconclusive"`
	Notes        []DataNote `json:"notes"`

	Unexercised []Unexercised `json:"unexercised"`
}

// DataNote is what a name or a comparison of a rule met in the data, where that is seldom meant. No verdict depends on it.
type DataNote struct {
	RuleID  string `json:"rule_id"`
	Message string `json:"message"`
}

// Health is what the service says of itself.
type Health struct {
	Status   string `json:"status"`
	Version  string `json:"version"`
	Metadata struct {
		Source string `json:"source"`
	} `json:"metadata"`
}

// Readiness says of each part whether it works. Status: ready, degraded or not_ready.
type Readiness struct {
	Status string                   `json:"status"`
	Parts  map[string]ReadinessPart `json:"parts"`
}

// ReadinessPart is one part: store, rules, source, otlp, watch.
type ReadinessPart struct {
	Ready           bool       `json:"ready"`
	Reason          string     `json:"reason"`
	ProvisionalFrom *time.Time `json:"provisional_from"` // of watch: late spans may be missing in what it counted from there on; nil: in nothing
}
