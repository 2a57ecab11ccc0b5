// Which rules a query means. The answer of BeTrace names the rules that it judged; what was meant and is not among them must not look like "no violations".
package plugin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/query"
)

const mostRuleIDs = 1000 // of one question

type scope struct {
	dsl      string
	ids      []string       // to send as rule_ids; nil: all enabled rules are meant, or dsl
	judged   []betrace.Rule // by id; empty for dsl
	unjudged []betrace.Rule // meant, but their text does not compile
}

// longestSettle is the service's or the longest of the rules' own; 0 where the service's is not known yet.
func (s *scope) longestSettle(service time.Duration) time.Duration {
	longest := service
	for i := range s.judged {
		if own := s.judged[i].Settle; own != nil && service > 0 {
			if parsed, err := time.ParseDuration(*own); err == nil {
				longest = max(longest, parsed)
			}
		}
	}
	return longest
}

// badScope is an error of the one who wrote the query.
type badScope struct{ text string }

func (e badScope) Error() string { return e.text }

func (s *scope) isEmpty() bool { return s.dsl == "" && len(s.judged) == 0 }

func (s *scope) unjudgedIDs() []string {
	var ids []string
	for i := range s.unjudged {
		ids = append(ids, s.unjudged[i].ID)
	}
	return ids
}

// scope says which rules q means. Shadow rules are in tables, and in numbers only where they are named: they never alert.
func (d *Instance) scope(ctx context.Context, q *query.Query, fromAlert bool) (*scope, error) {
	if q.DSL != "" {
		return &scope{dsl: q.DSL}, nil
	}
	rules, err := d.rules.list(ctx, d.client, fromAlert) // an alert looks at the rules of this moment
	if err != nil {
		return nil, err
	}
	out := &scope{}
	if err := isKnown(q.RuleIDs, rules); err != nil {
		return nil, err
	}
	for i := range rules {
		if !isMeant(q, &rules[i]) {
			continue
		}
		if fromAlert && rules[i].Shadow {
			return nil, badScope{fmt.Sprintf("The rule %q is a shadow rule: it is evaluated and shown, and never alerts. Take shadow off the rule, or the rule out of this query.", rules[i].ID)}
		}
		if rules[i].Broken != nil {
			out.unjudged = append(out.unjudged, rules[i])
		} else {
			out.judged = append(out.judged, rules[i])
		}
	}
	return out, out.name(q)
}

func isKnown(ids []string, rules []betrace.Rule) error {
	for _, id := range ids {
		if !slices.ContainsFunc(rules, func(r betrace.Rule) bool { return r.ID == id }) {
			return badScope{fmt.Sprintf("There is no rule with the id %q. Rules are named by id, not by name.", id)}
		}
	}
	return nil
}

// name fills ids, unless all enabled rules are meant: BeTrace then chooses itself, and questions stay short.
func (s *scope) name(q *query.Query) error {
	if len(q.RuleIDs)+len(q.Severities)+len(q.Labels) == 0 && q.Framework == "" {
		return nil
	}
	if len(s.judged) > mostRuleIDs {
		return badScope{fmt.Sprintf("The query means %d rules; at most %d can be asked for. Narrow it by labels or severities.", len(s.judged), mostRuleIDs)}
	}
	s.ids = []string{}
	for i := range s.judged {
		s.ids = append(s.ids, s.judged[i].ID)
	}
	return nil
}

func isMeant(q *query.Query, rule *betrace.Rule) bool {
	isNamed := slices.Contains(q.RuleIDs, rule.ID)
	switch {
	case len(q.RuleIDs) > 0 && !isNamed:
		return false
	case !isNamed && !rule.Enabled:
		return false
	case !isNamed && rule.Shadow && q.IsSeries():
		return false
	case len(q.Severities) > 0 && !slices.Contains(q.Severities, rule.Severity):
		return false
	case q.Framework != "" && !isOf(rule, q.Framework):
		return false
	}
	for key, value := range q.Labels {
		if own, found := rule.Labels[key]; !found || own != value {
			return false
		}
	}
	return true
}

func isOf(rule *betrace.Rule, framework string) bool {
	return slices.ContainsFunc(rule.Controls, func(c betrace.Control) bool { return strings.EqualFold(plain(c.Framework), plain(framework)) })
}

// plain is a framework's name without punctuation: SOC-2 and soc2 are one.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, name)
}
