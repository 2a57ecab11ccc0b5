// Tables of violations, and annotations: pages of BeTrace until the limit, the end, or the time is over.
package plugin

import (
	"context"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/frames"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/query"
)

const mostPerPage = 1000

type listing struct {
	question   betrace.ViolationsQuestion
	violations []betrace.Violation
	last       *betrace.ViolationsPage
	total      *int64
	before     int // rows of the parts before
}

func (l *listing) rows() int { return l.before + len(l.violations) }

// isCut: there is more, or may be, than was fetched: the table is full, or the time was over between two pages of what is evaluated. What is not evaluated says the coverage.
func (l *listing) isCut(limit int) bool {
	if l.last.Cursor == nil {
		return false
	}
	if l.total != nil {
		return *l.total > int64(l.rows())
	}
	return l.rows() >= limit || l.last.Coverage.Complete
}

// isToGoOn: who asks in parts comes again, with the cursor.
func (l *listing) isToGoOn(q *query.Query) bool {
	return q.Part != nil && l.last.Cursor != nil && l.rows() < q.Limit
}

func (d *Instance) runViolations(ctx context.Context, q *query.Query, rules *scope) (data.Frames, error) {
	if rules.isEmpty() {
		frame := d.frameOf(ctx, q, rules, nil)
		frames.AddNotices(frame, frames.Unjudged(rules.unjudgedIDs()))
		return data.Frames{frame}, nil
	}
	list, err := d.list(ctx, q, rules, "newest", q.Limit)
	if err != nil {
		return nil, err
	}
	frame := d.frameOf(ctx, q, rules, list.violations)
	frame.RefID = q.RefID
	frame.Meta.ExecutedQueryString = executed("POST /v1/violations/query", &list.question)
	list.addNotices(frame, q)
	if ids := rules.unjudgedIDs(); len(ids) > 0 {
		frames.AddNotices(frame, frames.Unjudged(ids))
	}
	return data.Frames{frame}, nil
}

func (l *listing) addNotices(frame *data.Frame, q *query.Query) {
	coverage := &l.last.Coverage
	if l.isToGoOn(q) {
		frame.Meta.Custom = frames.PartOf(coverage, true, *l.last.Cursor)
		frames.AddNotices(frame, frames.StillLooking(coverage))
		return
	}
	if q.Part != nil {
		frame.Meta.Custom = frames.PartOf(coverage, false, "")
	}
	if l.last.Estimated != nil {
		frames.AddNotices(frame, frames.TotalStandsFor(l.last.Estimated.Text))
	}
	isCut := l.isCut(q.Limit)
	if isCut {
		frames.AddNotices(frame, frames.Truncated(l.rows(), l.total))
	}
	if !isCut || !frames.IsOnlyUnevaluated(coverage) { // a full table says already that it is not all
		frames.AddNotices(frame, frames.CoverageNotices(l.last.Reason, coverage)...)
	}
}

func (d *Instance) frameOf(ctx context.Context, q *query.Query, rules *scope, violations []betrace.Violation) *data.Frame {
	if q.Type == query.Annotations {
		return frames.AsAnnotations(violations)
	}
	return frames.Table(violations, d.links(ctx, rules))
}

// list fetches pages. A page that ran out of its time is gone on with while there is time for another one.
func (d *Instance) list(ctx context.Context, q *query.Query, rules *scope, order string, limit int) (*listing, error) {
	out := &listing{question: betrace.ViolationsQuestion{RuleIDs: rules.ids, DSL: rules.dsl, Service: q.Service, TraceID: q.TraceID, Start: q.From.UTC(), End: q.To.UTC(),
		Order: order, Limit: min(limit, mostPerPage), Timeout: betrace.DurationText(d.patience(q))}}
	until := time.Now().Add(d.patience(q))
	question := out.question
	if q.Part != nil {
		question.Cursor, out.before = q.Part.Cursor, q.Part.Have
		limit -= out.before
		question.Limit = min(limit, mostPerPage)
	}
	for {
		page, err := d.client.Violations(ctx, &question)
		if err != nil {
			return nil, err
		}
		out.last = page
		out.violations = append(out.violations, page.Violations...)
		if page.TotalCount != nil {
			out.total = page.TotalCount
		}
		left := time.Until(until)
		if page.Cursor == nil || len(out.violations) >= limit || left < time.Second {
			return out, nil
		}
		question.Cursor, question.Limit, question.Timeout = *page.Cursor, min(limit-len(out.violations), mostPerPage), betrace.DurationText(left)
	}
}
