// count, exercised and ratio. Every rule of a query has a frame in every answer, with explicit zeros, and with nulls
// where nothing is known. So the set of labels, and with it the set of alert instances, does not depend on what the
// service found.
package plugin

import (
	"context"
	"sort"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/frames"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/query"
)

type seriesRun struct {
	q         *query.Query
	rules     *scope
	question  betrace.SeriesQuestion
	step      time.Duration
	grid      []time.Time
	movedBack time.Duration // of an alert, whose range ended where nothing is settled yet
	settle    time.Duration // why
}

func (d *Instance) runSeries(ctx context.Context, q *query.Query, rules *scope, fromAlert bool) (data.Frames, error) {
	run, answer, err := d.firstAnswer(ctx, q, rules, fromAlert)
	if err != nil {
		return nil, err
	}
	all := run.collect(answer)
	names := frames.Names(all)
	var made data.Frames
	if q.Instant {
		made, err = d.numbers(ctx, run, all)
		if err != nil {
			return nil, err
		}
	} else {
		kind := frames.Kinds[string(q.Type)]
		for i := range all {
			made = append(made, frames.ByTime(&all[i], kind, names[i]))
		}
		for i := 0; i < len(all) && !fromAlert; i++ { // an alert instance is made of each frame
			made = append(made, frames.BoundsByTime(&all[i], kind, names[i])...)
		}
	}
	made = run.decorate(made, answer)
	if len(made) > 0 && !isOfTotals(q) {
		frames.AddNotices(made[0], frames.StandFor(all, names)...)
	}
	return made, nil
}

// firstAnswer asks for what the query wants. An alert's range that ends where traces are not settled yet, as that of
// every new alert rule does, is moved back as a whole: its newest steps could never be known.
func (d *Instance) firstAnswer(
	ctx context.Context, q *query.Query, rules *scope, fromAlert bool,
) (*seriesRun, *betrace.SeriesAnswer, error) {
	run := d.newSeriesRun(q, rules)
	if fromAlert {
		run = d.movedBack(run, rules.longestSettle(time.Duration(d.settle.Load())))
	}
	answer, err := d.askSeries(ctx, run, string(firstValue(q)))
	if err != nil || !fromAlert {
		return run, answer, err
	}
	settle := settleThatMatters(&answer.Coverage, time.Now())
	if settle == 0 {
		return run, answer, nil
	}
	d.settle.Store(int64(settle))
	run = d.movedBack(d.newSeriesRun(q, rules), rules.longestSettle(settle))
	answer, err = d.askSeries(ctx, run, string(firstValue(q)))
	return run, answer, err
}

// movedBack ends the range a minute before the newest that is settled, since traces take a while themselves.
func (d *Instance) movedBack(run *seriesRun, settle time.Duration) *seriesRun {
	by := run.q.To.Sub(time.Now().Add(-settle - time.Minute))
	if settle == 0 || by <= time.Minute { // what ends at settle or before is taken as it is
		return run
	}
	out := d.newSeriesRun(run.q.MovedBack(by), run.rules)
	out.movedBack, out.settle = by, settle
	return out
}

// settleThatMatters is the service's settle where the range ends after it; else 0. Files are settled as a whole.
func settleThatMatters(coverage *betrace.Coverage, now time.Time) time.Duration {
	settle, err := time.ParseDuration(coverage.Assumptions.Settle)
	if err != nil || settle <= 0 || !coverage.EffectiveEnd.Before(coverage.Asked.End) || !coverage.Asked.End.After(now.Add(-settle)) {
		return 0
	}
	return settle
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

func (d *Instance) newSeriesRun(q *query.Query, rules *scope) *seriesRun {
	step := q.StepFor(max(len(rules.judged), 1))
	from, to := q.From, q.To
	if q.Instant {
		from, to = q.Aligned(step)
	}
	return &seriesRun{q: q, rules: rules, step: step, grid: query.Grid(from, to, step),
		question: betrace.SeriesQuestion{RuleIDs: rules.ids, DSL: rules.dsl, Start: from.UTC(), End: to.UTC(), Step: betrace.DurationText(step),
			Timeout: betrace.DurationText(d.patience(q))}}
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
		all = append(all, frames.FromAnswer(&answer.Series[i], &answer.Coverage, run.step))
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
	counts := map[string]*frames.RuleSeries{}
	if isOfTotals(run.q) {
		answer, err := d.askSeries(ctx, run, string(query.Count))
		if err != nil {
			return nil, err
		}
		for i := range answer.Series {
			of := frames.FromAnswer(&answer.Series[i], &answer.Coverage, run.step)
			counts[of.RuleID] = &of
		}
	}
	kind, names := frames.Kinds[string(run.q.Type)], frames.Names(all)
	var made data.Frames
	for i := range all {
		value := all[i].Total(run.q.Incomplete == query.AtLeast)
		if isOfTotals(run.q) {
			value = nil
			if count := counts[all[i].RuleID]; count != nil {
				value = frames.Share(count, &all[i])
			}
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
	run.addNotices(made[0], answer)
	return made
}

func (run *seriesRun) addNotices(first *data.Frame, answer *betrace.SeriesAnswer) {
	coverage := &answer.Coverage
	isToGoOn := run.q.Part != nil && answer.Reason != nil && strings.HasPrefix(*answer.Reason, "not_evaluated")
	if run.q.Part != nil {
		first.Meta.Custom = frames.PartOf(coverage, isToGoOn, "")
	}
	if isToGoOn {
		frames.AddNotices(first, frames.StillLooking(coverage))
	} else {
		frames.AddNotices(first, frames.CoverageNotices(answer.Reason, coverage)...)
	}
	if run.movedBack > 0 {
		frames.AddNotices(first, frames.MovedBack(run.movedBack, run.settle, run.question.Start, run.question.End))
	}
	if ids := run.rules.unjudgedIDs(); len(ids) > 0 {
		frames.AddNotices(first, frames.Unjudged(ids))
	}
}
