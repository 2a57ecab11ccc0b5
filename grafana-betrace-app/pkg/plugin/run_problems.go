// Problems: the violations of a range by rule, failed part and entry service. BeTrace reads all of the range for it.
package plugin

import (
	"context"
	"fmt"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/frames"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/query"
)

const (
	mostProblems     = 1000 // of one answer of BeTrace
	mostProblemRules = 200  // that an address has room for
)

func (d *Instance) runProblems(ctx context.Context, q *query.Query, rules *scope) (data.Frames, error) {
	answer, question := &betrace.Problems{}, betrace.ProblemsQuestion{}
	if len(rules.ids) > mostProblemRules {
		return nil, badScope{fmt.Sprintf("The query means %d rules; problems can be asked for of %d named ones, or of all enabled ones. Narrow it by labels or severities.", len(rules.ids), mostProblemRules)}
	}
	if !rules.isEmpty() {
		question = betrace.ProblemsQuestion{RuleIDs: rules.ids, Start: q.From.UTC(), End: q.To.UTC(), Limit: min(q.Limit, mostProblems), Timeout: d.patience(q)}
		found, err := d.client.Problems(ctx, &question)
		if err != nil {
			return nil, err
		}
		answer = found
	}
	frame := frames.ProblemTable(answer.Problems, frames.ProblemRange{From: q.From, To: q.To}, d.links(ctx, rules))
	frame.RefID = q.RefID
	if !rules.isEmpty() {
		frame.Meta.ExecutedQueryString = "GET /v1/problems?" + question.Values().Encode()
		frames.AddNotices(frame, frames.ProblemNotices(answer)...)
	}
	if ids := rules.unjudgedIDs(); len(ids) > 0 {
		frames.AddNotices(frame, frames.Unjudged(ids))
	}
	return data.Frames{frame}, nil
}
