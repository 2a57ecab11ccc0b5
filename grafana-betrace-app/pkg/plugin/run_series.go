// count, exercised and ratio. Every rule of a query has a frame in every answer, with explicit zeros, and with nulls
// where nothing is known. So the set of labels, and with it the set of alert instances, does not depend on what the
// service found.
package plugin

import (
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/frames"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/query"
)

type seriesRun struct {
	q        *query.Query
	rules    *scope
	question betrace.SeriesQuestion
	step     time.Duration
	grid     []time.Time
}

func (d *Instance) runSeries(ctx context.Context, q *query.Query, rules *scope, fromAlert bool) (data.Frames, error) {
	run := newSeriesRun(q, rules)
	run.question.Timeout = betrace.DurationText(d.settings.Evaluation())
	answer, err := d.askSeries(ctx, run, string(firstValue(q)))
	if err != nil {
		return nil, err
	}
	if fromAlert {
		if err := refuseUnsettledEnd(answer, time.Now()); err != nil {
			return nil, err
		}
	}
	all := run.collect(answer)
	var made data.Frames
	if q.Instant {
		made, err = d.numbers(ctx, run, all)
		if err != nil {
			return nil, err
		}
	} else {
		kind, names := frames.Kinds[string(q.Type)], frames.Names(all)
		for i := range all {
			made = append(made, frames.ByTime(&all[i], kind, names[i]))
		}
	}
	return run.decorate(made, answer), nil
}

// isOfTotals: a ratio over a range is made of two totals, never a mean of ratios.
func isOfTotals(q *query.Query) bool { return q.Type == query.Ratio && q.Instant }

// firstValue is what is asked for first. Of two totals it is the one whose evaluation gives the other as well, which then comes out of BeTrace's step cache.
func firstValue(q *query.Query) query.Type {
	if isOfTotals(q) {
		return query.Exercised
	}
	return q.Type
}

func newSeriesRun(q *query.Query, rules *scope) *seriesRun {
	step := q.StepFor(max(len(rules.judged), 1))
	from, to := q.From, q.To
	if q.Instant {
		from, to = q.Aligned(step)
	}
	return &seriesRun{q: q, rules: rules, step: step, grid: query.Grid(from, to, step),
		question: betrace.SeriesQuestion{RuleIDs: rules.ids, DSL: rules.dsl, Start: from.UTC(), End: to.UTC(), Step: betrace.DurationText(step)}}
}

func (d *Instance) askSeries(ctx context.Context, run *seriesRun, value string) (*betrace.SeriesAnswer, error) {
	if run.rules.isEmpty() { // only rules that cannot be judged
		return &betrace.SeriesAnswer{Coverage: betrace.Coverage{Complete: true, EffectiveEnd: run.question.End, Asked: betrace.TimeRange{Start: run.question.Start, End: run.question.End}}}, nil
	}
	question := run.question
	question.Value = value
	return d.client.Series(ctx, &question)
}

// collect gives the series of all rules that are meant, by id: those of the answer, and empty ones for the others.
func (run *seriesRun) collect(answer *betrace.SeriesAnswer) []frames.RuleSeries {
	var all []frames.RuleSeries
	seen := map[string]bool{}
	for i := range answer.Series {
		all = append(all, frames.FromAnswer(&answer.Series[i]))
		seen[answer.Series[i].Labels.RuleID] = true
	}
	for _, rules := range [][]betrace.Rule{run.rules.judged, run.rules.unjudged} {
		for i := range rules {
			if !seen[rules[i].ID] {
				all = append(all, frames.RuleSeries{RuleID: rules[i].ID, Rule: rules[i].Name, Severity: rules[i].Severity, Times: run.grid})
			}
		}
	}
	sort.Slice(all, func(a, b int) bool { return all[a].RuleID < all[b].RuleID })
	return all
}

// numbers gives one number a rule over the whole range.
func (d *Instance) numbers(ctx context.Context, run *seriesRun, all []frames.RuleSeries) (data.Frames, error) {
	counts := map[string][]*float64{}
	if isOfTotals(run.q) {
		answer, err := d.askSeries(ctx, run, string(query.Count))
		if err != nil {
			return nil, err
		}
		for i := range answer.Series {
			counts[answer.Series[i].Labels.RuleID] = frames.FromAnswer(&answer.Series[i]).Values
		}
	}
	kind, names := frames.Kinds[string(run.q.Type)], frames.Names(all)
	var made data.Frames
	for i := range all {
		value := frames.Total(all[i].Values, run.q.Incomplete == query.AtLeast)
		if isOfTotals(run.q) {
			value = frames.Share(counts[all[i].RuleID], all[i].Values)
		}
		made = append(made, frames.AsNumber(&all[i], value, kind, names[i]))
	}
	return made, nil
}

func (run *seriesRun) decorate(made data.Frames, answer *betrace.SeriesAnswer) data.Frames {
	if len(made) == 0 {
		return made
	}
	asked := run.question
	asked.Value = string(firstValue(run.q))
	text := executed("POST /v1/violations/series", &asked)
	if isOfTotals(run.q) {
		text += "\nand the same with value count, divided by it"
	}
	for _, frame := range made {
		frame.RefID = run.q.RefID
		frame.Meta.ExecutedQueryString = text
	}
	frames.AddNotices(made[0], frames.CoverageNotices(answer.Reason, &answer.Coverage)...)
	if ids := run.rules.unjudgedIDs(); len(ids) > 0 {
		frames.AddNotices(made[0], frames.Unjudged(ids))
	}
	return made
}

// refuseUnsettledEnd: an alert that asks up to now can never know its newest steps. Said once and clearly, that is an error of its time range; as null it would look like a
// BeTrace that does not answer.
func refuseUnsettledEnd(answer *betrace.SeriesAnswer, now time.Time) error {
	coverage := &answer.Coverage
	settle, err := time.ParseDuration(coverage.Assumptions.Settle)
	if err != nil || settle <= 0 || !coverage.EffectiveEnd.Before(coverage.Asked.End) || !coverage.Asked.End.After(now.Add(-settle)) {
		return nil
	}
	least := settle + time.Minute
	return badScope{fmt.Sprintf("The alert asks up to %s ago, but traces are settled only after %s, so its newest steps can never be known. Let its time range end at now-%s (relativeTimeRange.to: %d) or earlier.",
		now.Sub(coverage.Asked.End).Round(time.Second), settle, least, int(least.Seconds()))}
}
