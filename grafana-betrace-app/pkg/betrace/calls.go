// The calls, one function each. Every error is an *Error.
package betrace

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	mostRules    = 10000 // that are listed; a scope beyond has to be narrowed
	rulesPerPage = 1000
)

// Health asks who is there. Needs no token.
func (c *Client) Health(ctx context.Context) (*Health, error) {
	out := &Health{}
	if err := c.call(ctx, http.MethodGet, "v1/health", nil, nil, out); err != nil {
		return nil, err
	}
	if out.Version == "" {
		return nil, c.notBeTrace(http.StatusOK, "JSON of another service")
	}
	return out, nil
}

// Ready asks whether each part works. Needs no token.
func (c *Client) Ready(ctx context.Context) (*Readiness, error) {
	out := &Readiness{}
	return out, c.call(ctx, http.MethodGet, "v1/ready", nil, nil, out, http.StatusServiceUnavailable)
}

// Rules lists all rules by id.
func (c *Client) Rules(ctx context.Context) ([]Rule, error) {
	var all []Rule
	query := url.Values{"limit": {strconv.Itoa(rulesPerPage)}}
	for {
		var page struct {
			Rules  []Rule  `json:"rules"`
			Cursor *string `json:"cursor"`
		}
		if err := c.call(ctx, http.MethodGet, "v1/rules", query, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Rules...)
		if page.Cursor == nil {
			return all, nil
		}
		if len(all) >= mostRules {
			return nil, &Error{Kind: TooLarge, Text: "There are more than 10,000 rules."}
		}
		query.Set("cursor", *page.Cursor)
	}
}

// FirstRules asks for one rule only: does the token do?
func (c *Client) FirstRules(ctx context.Context) error {
	var page struct {
		Rules []Rule `json:"rules"`
	}
	return c.call(ctx, http.MethodGet, "v1/rules", url.Values{"limit": {"1"}}, nil, &page)
}

// Violations asks for one page.
func (c *Client) Violations(ctx context.Context, question *ViolationsQuestion) (*ViolationsPage, error) {
	out := &ViolationsPage{}
	return out, c.call(ctx, http.MethodPost, "v1/violations/query", nil, question, out)
}

// Series asks for counts by steps.
func (c *Client) Series(ctx context.Context, question *SeriesQuestion) (*SeriesAnswer, error) {
	out := &SeriesAnswer{}
	return out, c.call(ctx, http.MethodPost, "v1/violations/series", nil, question, out)
}

// Problems asks for the violations of a range as problems.
func (c *Client) Problems(ctx context.Context, question *ProblemsQuestion) (*Problems, error) {
	out := &Problems{}
	return out, c.call(ctx, http.MethodGet, "v1/problems", question.Values(), nil, out)
}

// FirstViolation of a stored rule in [start, end).
func (c *Client) FirstViolation(ctx context.Context, ruleID string, start, end time.Time, timeout time.Duration) (*FirstViolation, error) {
	out := &FirstViolation{}
	query := url.Values{"start": {start.UTC().Format(time.RFC3339Nano)}, "end": {end.UTC().Format(time.RFC3339Nano)}, "timeout": {DurationText(timeout)}}
	return out, c.call(ctx, http.MethodGet, "v1/rules/"+url.PathEscape(ruleID)+"/first-violation", query, nil, out)
}

// TextQuestion is about a rule's text, or a place in it: line and column from 1, in UTF-16 units.
type TextQuestion struct {
	DSL    string `json:"dsl"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// Language has the words of BeTraceDSL, as BeTrace writes them.
func (c *Client) Language(ctx context.Context) (json.RawMessage, error) {
	var out json.RawMessage
	err := c.call(ctx, http.MethodGet, "v1/dsl/language", nil, nil, &out)
	return out, err
}

// Validate says what is wrong with a rule's text.
func (c *Client) Validate(ctx context.Context, q TextQuestion) (json.RawMessage, error) {
	return c.aboutText(ctx, "v1/rules/validate", TextQuestion{DSL: q.DSL})
}

// Complete says what can be written at a place.
func (c *Client) Complete(ctx context.Context, q TextQuestion) (json.RawMessage, error) {
	return c.aboutText(ctx, "v1/dsl/complete", q)
}

// Hover says what the word at a place means.
func (c *Client) Hover(ctx context.Context, q TextQuestion) (json.RawMessage, error) {
	return c.aboutText(ctx, "v1/dsl/hover", q)
}

func (c *Client) aboutText(ctx context.Context, path string, q TextQuestion) (json.RawMessage, error) {
	var out json.RawMessage
	err := c.call(ctx, http.MethodPost, path, nil, q, &out)
	return out, err
}

// Services that the source has seen lately: what an editor would offer between the quotes of a comparison with span.service.
func (c *Client) Services(ctx context.Context) ([]string, error) {
	const before, after = `trace.has(span.service == "`, `")`
	var out struct {
		Items []struct {
			Label string `json:"label"`
			Kind  string `json:"kind"`
		} `json:"items"`
		Problem *string `json:"tags_problem"`
	}
	body := map[string]any{"dsl": before + after, "offset": len(before)}
	if err := c.call(ctx, http.MethodPost, "v1/dsl/complete", nil, body, &out); err != nil {
		return nil, err
	}
	if out.Problem != nil {
		return nil, &Error{Kind: Busy, Text: "The names of services cannot be had: " + *out.Problem}
	}
	names := []string{}
	for _, item := range out.Items {
		if item.Kind == "value" {
			names = append(names, item.Label)
		}
	}
	return names, nil
}
