// Package query reads the query model that panels, Explore, annotations and alert rules send (src/datasource/types.ts holds the same model for the
// editor), and refuses what is not clear. Every error is meant for the one who wrote the query.
package query

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

// Type of a query.
type Type string

const (
	Violations     Type = "violations"      // a table, newest first
	Count          Type = "count"           // violating traces by steps, one series a rule
	Exercised      Type = "exercised"       // traces that exercised the rule
	Ratio          Type = "ratio"           // count of exercised
	FirstViolation Type = "first_violation" // one row a rule
	Problems       Type = "problems"        // violations by rule, failed part and entry service: one row a problem
	Annotations    Type = "annotations"     // violations as annotations
)

// Types are all of them.
var Types = []Type{Violations, Count, Exercised, Ratio, FirstViolation, Problems, Annotations}

// What an instant value over a range that was not looked at in full says, when violations were found in the rest.
const (
	AtLeast = "at_least" // the number that was found: a certain lower bound
	Null    = "null"     // nothing
)

const (
	DefaultLimit = 200
	MaxLimit     = 5000
	maxDSLBytes  = 64 << 10
)

// Query is one query, checked. Either DSL is set, or the other fields choose stored rules; none: all enabled ones.
type Query struct {
	RefID      string
	Type       Type
	RuleIDs    []string
	Severities []string
	Labels     map[string]string
	Framework  string
	DSL        string
	Service    string // violations and annotations
	TraceID    string // violations and annotations
	Limit      int    // violations, annotations and problems
	Part       *Part  // nil: the whole answer at once
	Step       time.Duration
	Instant    bool   // count, exercised, ratio: one number a rule
	Incomplete string // of instant counts: AtLeast or Null
	From, To   time.Time
	Interval   time.Duration
	MaxPoints  int64
}

// Part of an answer: who asks comes again for the rest, so what is certain after a few seconds is answered. Pages ask so.
type Part struct {
	Cursor string `json:"cursor"` // of violations: where the part before ended
	Have   int    `json:"have"`   // of violations: rows of the parts before
}

type model struct {
	QueryType  string            `json:"queryType"`
	RuleIDs    []string          `json:"ruleIds"`
	Severities []string          `json:"severities"`
	Labels     map[string]string `json:"labels"`
	Framework  string            `json:"framework"`
	DSL        string            `json:"dsl"`
	Service    string            `json:"service"`
	TraceID    string            `json:"traceId"`
	Limit      int               `json:"limit"`
	Step       string            `json:"step"`
	Instant    bool              `json:"instant"`
	Incomplete string            `json:"incomplete"`
	Part       *Part             `json:"part"`
}

// IsSeries: the answer is numbers by steps, or one number.
func (q *Query) IsSeries() bool { return q.Type == Count || q.Type == Exercised || q.Type == Ratio }

// IsEmptyRange: there is no time to ask about.
func (q *Query) IsEmptyRange() bool { return !q.From.Before(q.To) }

// Parse reads one query. A query without a type is a table in panels and a count in alerts.
func Parse(source backend.DataQuery, fromAlert bool) (*Query, error) {
	var m model
	if len(source.JSON) > 0 {
		if err := json.Unmarshal(source.JSON, &m); err != nil {
			return nil, fmt.Errorf("the query cannot be read: %w", err)
		}
	}
	q := &Query{RefID: source.RefID, RuleIDs: clean(m.RuleIDs), Severities: clean(m.Severities), Labels: m.Labels, Framework: strings.TrimSpace(m.Framework),
		DSL: strings.TrimSpace(m.DSL), Service: strings.TrimSpace(m.Service), TraceID: strings.TrimSpace(m.TraceID), Limit: m.Limit, Instant: m.Instant || fromAlert,
		Incomplete: m.Incomplete, Part: m.Part, From: source.TimeRange.From, To: source.TimeRange.To, Interval: source.Interval, MaxPoints: source.MaxDataPoints}
	if err := q.readType(source.QueryType, m.QueryType, fromAlert); err != nil {
		return nil, err
	}
	if err := q.readStep(m.Step); err != nil {
		return nil, err
	}
	return q, q.check(fromAlert)
}

func (q *Query) readType(outer, inner string, fromAlert bool) error {
	text := outer
	if text == "" {
		text = inner
	}
	switch {
	case text != "":
		q.Type = Type(text)
	case fromAlert:
		q.Type = Count
	default:
		q.Type = Violations
	}
	if !slices.Contains(Types, q.Type) {
		return fmt.Errorf("there is no query type %q; there are %s", text, joinTypes())
	}
	if fromAlert && !q.IsSeries() {
		return fmt.Errorf("an alert needs numbers: a query of type %s answers a table. Take count, exercised or ratio", q.Type)
	}
	return nil
}

func joinTypes() string {
	names := make([]string, 0, len(Types))
	for _, t := range Types {
		names = append(names, string(t))
	}
	return strings.Join(names, ", ")
}

func (q *Query) check(fromAlert bool) error {
	if text, ok := q.unresolved(); ok {
		return fmt.Errorf("%q still holds a variable: variables are not replaced in alerts, write the value itself", text)
	}
	if len(q.DSL) > maxDSLBytes {
		return fmt.Errorf("the rule's text has %d bytes; at most %d", len(q.DSL), maxDSLBytes)
	}
	if q.DSL != "" && (len(q.RuleIDs) > 0 || len(q.Severities) > 0 || len(q.Labels) > 0 || q.Framework != "") {
		return fmt.Errorf("the query holds a rule's text and chooses stored rules as well (ruleIds, severities, labels or framework): take one of both")
	}
	for i, severity := range q.Severities {
		q.Severities[i] = strings.ToLower(severity)
		if !slices.Contains(betrace.Severities, q.Severities[i]) {
			return fmt.Errorf("there is no severity %q; there are %s", severity, strings.Join(betrace.Severities, ", "))
		}
	}
	if q.Type == Problems && q.DSL != "" {
		return fmt.Errorf("problems are of stored rules: a text that is not stored has none. Take violations instead")
	}
	if q.Type == Problems && (q.Service != "" || q.TraceID != "") {
		return fmt.Errorf("service and traceId belong to tables of violations; problems cannot be narrowed by them")
	}
	if q.IsSeries() && (q.Service != "" || q.TraceID != "") {
		return fmt.Errorf("service and traceId belong to tables of violations; a count cannot be narrowed by them. Say it in the rule's text instead")
	}
	if q.Incomplete == "" {
		q.Incomplete = AtLeast
	}
	if q.Incomplete != AtLeast && q.Incomplete != Null {
		return fmt.Errorf("incomplete has to be %s or %s, but is %q", AtLeast, Null, q.Incomplete)
	}
	if err := q.checkLimit(); err != nil {
		return err
	}
	return q.checkPart(fromAlert)
}

func (q *Query) checkPart(fromAlert bool) error {
	switch {
	case q.Part == nil:
		return nil
	case fromAlert:
		return fmt.Errorf("part is for who comes again for the rest, and an alert does not: leave it out")
	case q.Part.Cursor != "" && q.Type != Violations:
		return fmt.Errorf("part.cursor belongs to queries of type violations, and this one has the type %s", q.Type)
	case q.Part.Have < 0 || q.Part.Have >= q.Limit:
		return fmt.Errorf("part.have has to be 0 to %d, less than the limit, but is %d", q.Limit-1, q.Part.Have)
	}
	return nil
}

// MovedBack is the same query about an earlier range of the same length.
func (q *Query) MovedBack(by time.Duration) *Query {
	out := *q
	out.From, out.To = q.From.Add(-by), q.To.Add(-by)
	return &out
}

func (q *Query) checkLimit() error {
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	if q.Limit < 1 || q.Limit > MaxLimit {
		return fmt.Errorf("limit has to be 1 to %d, but is %d", MaxLimit, q.Limit)
	}
	return nil
}

// unresolved finds a template variable that nobody replaced. A rule's text may hold a dollar sign: patterns do.
func (q *Query) unresolved() (string, bool) {
	texts := append(append([]string{q.Framework, q.Service, q.TraceID}, q.RuleIDs...), q.Severities...)
	for key, value := range q.Labels {
		texts = append(texts, key, value)
	}
	for _, text := range texts {
		if strings.HasPrefix(text, "$") || strings.Contains(text, "${") || (strings.HasPrefix(text, "[[") && strings.HasSuffix(text, "]]")) {
			return text, true
		}
	}
	return "", false
}

// clean leaves out empty texts and what stands twice.
func clean(texts []string) []string {
	var kept []string
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text != "" && !slices.Contains(kept, text) {
			kept = append(kept, text)
		}
	}
	return kept
}
