// When did it start: the first violation of each rule that is meant.
package plugin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/frames"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/query"
)

const (
	mostFirst  = 20 // rules of one query: each is a search of its own; a dashboard's "All" can mean more
	firstsOnce = 2  // BeTrace runs so many at once
)

type firstAnswer struct {
	row     frames.First
	missing string // why not everything was looked at; empty: everything was
	notices []data.Notice
	err     error
}

func (d *Instance) runFirst(ctx context.Context, q *query.Query, rules *scope) (data.Frames, error) {
	looked, left := mostSevere(rules.judged, mostFirst)
	answers, err := d.firsts(ctx, q, &scope{dsl: rules.dsl, judged: looked})
	if err != nil {
		return nil, err
	}
	var rows []frames.First
	var notices []data.Notice
	for i := range answers {
		rows = append(rows, answers[i].row)
		notices = append(notices, answers[i].notices...)
	}
	frame := frames.FirstTable(rows, d.links(ctx, rules))
	frame.RefID = q.RefID
	if len(left) > 0 {
		frames.AddNotices(frame, frames.NotLookedFor(len(looked), left))
	}
	frame.Meta.ExecutedQueryString = fmt.Sprintf("first violations of %d rules, %s to %s", len(rows), q.From.UTC().Format(time.RFC3339), q.To.UTC().Format(time.RFC3339))
	frames.AddNotices(frame, append(notRead(answers), notices...)...)
	if ids := rules.unjudgedIDs(); len(ids) > 0 {
		frames.AddNotices(frame, frames.Unjudged(ids))
	}
	return data.Frames{frame}, nil
}

// notRead has a notice for each reason that not everything was looked at, with the rules that share it.
func notRead(answers []firstAnswer) []data.Notice {
	ids := map[string][]string{}
	var reasons []string
	for i := range answers {
		reason := answers[i].missing
		if reason == "" {
			continue
		}
		if len(ids[reason]) == 0 {
			reasons = append(reasons, reason)
		}
		ids[reason] = append(ids[reason], answers[i].row.RuleID)
	}
	var notices []data.Notice
	for _, reason := range reasons {
		notices = append(notices, frames.NotAllRead(ids[reason], reason))
	}
	return notices
}

// mostSevere cuts rules into the n most severe ones, by id among their like, and the ids of the rest. The order of what is kept stays.
func mostSevere(rules []betrace.Rule, n int) ([]betrace.Rule, []string) {
	if len(rules) <= n {
		return rules, nil
	}
	sorted := slices.Clone(rules)
	slices.SortStableFunc(sorted, func(a, b betrace.Rule) int {
		return slices.Index(betrace.Severities, b.Severity) - slices.Index(betrace.Severities, a.Severity)
	})
	var left []string
	for i := range sorted[n:] {
		left = append(left, sorted[n+i].ID)
	}
	kept := slices.DeleteFunc(slices.Clone(rules), func(r betrace.Rule) bool { return slices.Contains(left, r.ID) })
	return kept, left
}

func (d *Instance) firsts(ctx context.Context, q *query.Query, rules *scope) ([]firstAnswer, error) {
	if rules.dsl != "" {
		answer := d.firstOfText(ctx, q, rules)
		return []firstAnswer{answer}, answer.err
	}
	answers := make([]firstAnswer, len(rules.judged))
	var group sync.WaitGroup
	places := make(chan struct{}, firstsOnce)
	for i := range rules.judged {
		places <- struct{}{}
		group.Go(func() {
			answers[i] = d.firstOfRule(ctx, q, &rules.judged[i])
			<-places
		})
	}
	group.Wait()
	for i := range answers {
		if answers[i].err != nil {
			return nil, answers[i].err
		}
	}
	return answers, nil
}

func (d *Instance) firstOfRule(ctx context.Context, q *query.Query, rule *betrace.Rule) firstAnswer {
	first, err := d.client.FirstViolation(ctx, rule.ID, q.From, q.To, d.settings.Evaluation())
	if err != nil {
		return firstAnswer{err: err}
	}
	row := frames.First{RuleID: rule.ID, Rule: rule.Name, Severity: rule.Severity, At: first.Violation, Proven: first.Proven, LookedUntil: first.LookedAt.End, Says: says(first)}
	if first.Found {
		row.AtEdge = &first.AtEdgeOfData
	}
	out := firstAnswer{row: row}
	if first.Status != "completed" {
		out.missing = cmp.Or(first.Reason, first.Status)
	}
	return out
}

// says is what is certain, and what the rule met in the data that it can make nothing of.
func says(first *betrace.FirstViolation) string {
	words := certain(first)
	for _, note := range first.Notes {
		words += "; " + note.Message
	}
	return words
}

func certain(first *betrace.FirstViolation) string {
	switch {
	case first.Found && first.Proven && first.AtEdgeOfData:
		return "the first one in the data that there is; it may have started before"
	case first.Found && first.Proven:
		return firstWords(&first.Coverage, first.Violation.Time)
	case first.Found:
		return "a violation; there may be earlier ones: " + frames.Sentence(first.Reason)
	case first.Status == "completed" && len(first.Unexercised) > 0:
		return noneWords(&first.Coverage) + "; " + first.Unexercised[0].Message
	case first.Status == "completed":
		return noneWords(&first.Coverage)
	default:
		return "none found, but not everything was looked at: " + frames.Sentence(first.Reason)
	}
}

// noneWords say "in the whole range" only where traces were there all the time: of a time without any there is nothing to say.
func noneWords(coverage *betrace.Coverage) string {
	until := coverage.EffectiveEnd.UTC().Format(time.RFC3339)
	if gaps := frames.Gaps(coverage, coverage.EffectiveEnd); len(gaps) > 0 {
		return "none in the traces that there are, up to " + until + "; no trace at all " + frames.InWords(gaps)
	}
	return "none in the whole range, up to " + until
}

func firstWords(coverage *betrace.Coverage, at time.Time) string {
	if gaps := frames.Gaps(coverage, at); len(gaps) > 0 {
		return "the first one in the traces that there are; before it no trace at all " + frames.InWords(gaps)
	}
	return "the first one: everything before it was read and judged"
}

// firstOfText: there is no call for the first violation of an ad-hoc text, so it is the oldest of a listing that is asked for from the left.
func (d *Instance) firstOfText(ctx context.Context, q *query.Query, rules *scope) firstAnswer {
	list, err := d.list(ctx, q, rules, "oldest", 1)
	if err != nil {
		return firstAnswer{err: err}
	}
	coverage := &list.last.Coverage
	row := frames.First{RuleID: frames.AdHoc, Rule: frames.AdHoc, LookedUntil: coverage.EffectiveEnd}
	out := firstAnswer{notices: frames.CoverageNotices(list.last.Reason, coverage)}
	if len(list.violations) == 0 {
		row.Says = noneWords(coverage)
		if !coverage.Complete {
			row.Says = "none found, but not everything was looked at"
		}
		out.row = row
		return out
	}
	row.At, row.Severity = &list.violations[0], list.violations[0].Severity
	row.Proven = isReadBefore(list.last, row.At.Time)
	row.LookedUntil = row.At.Time
	row.Says = "a violation; there may be earlier ones"
	if row.Proven {
		row.Says, out.notices = firstWords(coverage, row.At.Time), nil
	}
	out.row = row
	return out
}

// isReadBefore: nothing before t is among what was not read or not decided.
func isReadBefore(page *betrace.ViolationsPage, t time.Time) bool {
	for _, window := range page.Coverage.WindowsFailed {
		if window.Start.Before(t) {
			return false
		}
	}
	return page.Inconclusive == 0 && t.Before(page.Coverage.EffectiveEnd)
}
