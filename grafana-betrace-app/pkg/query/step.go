// Steps of time. BeTrace counts in steps that are aligned to the epoch and keeps counts by step, so steps are round
// numbers. A range that stands for one number begins and ends with a step: otherwise its last step would never be
// whole.
package query

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

const (
	mostPoints       = 11000 // that BeTrace answers for one rule
	mostCells        = 200000
	defaultPoints    = 300
	pointsOfOneValue = 60
)

var roundSteps = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
	5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour}

var stepPattern = regexp.MustCompile(`^([1-9][0-9]{0,6})(s|m|h|d)$`)

func (q *Query) readStep(text string) error {
	if text == "" {
		return nil
	}
	match := stepPattern.FindStringSubmatch(text)
	if match == nil {
		return fmt.Errorf("step has to be a duration like 30s, 5m, 1h or 1d, but is %q", text)
	}
	number, _ := strconv.Atoi(match[1])
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[match[2]]
	q.Step = time.Duration(number) * unit
	return nil
}

// StepFor says the step of a query about so many rules: what the query says, else a round one that fits the panel and BeTrace's limits.
func (q *Query) StepFor(rules int) time.Duration {
	if q.Step > 0 {
		return q.Step
	}
	length := q.To.Sub(q.From)
	if q.Instant {
		return roundDown(length / pointsOfOneValue)
	}
	points := q.MaxPoints
	if points <= 0 {
		points = defaultPoints
	}
	points = min(points, mostPoints-1, int64(mostCells/max(rules, 1))-1)
	return roundUp(max(q.Interval, length/time.Duration(max(points, 1))))
}

func roundUp(least time.Duration) time.Duration {
	for _, step := range roundSteps {
		if step >= least {
			return step
		}
	}
	return roundSteps[len(roundSteps)-1]
}

func roundDown(most time.Duration) time.Duration {
	found := roundSteps[0]
	for _, step := range roundSteps {
		if step <= most {
			found = step
		}
	}
	return found
}

// Aligned is the range moved back to whole steps: as long as before, but for a range that is shorter than a step, which becomes one step.
func (q *Query) Aligned(step time.Duration) (from, to time.Time) {
	from, to = Floor(q.From, step), Floor(q.To, step)
	if !from.Before(to) {
		from = to.Add(-step)
	}
	return from, to
}

// Floor is the beginning of the step that t lies in, counted from the epoch.
func Floor(t time.Time, step time.Duration) time.Time {
	nanoseconds := t.UnixNano()
	rest := nanoseconds % int64(step)
	if rest < 0 {
		rest += int64(step)
	}
	return time.Unix(0, nanoseconds-rest).UTC()
}

// Grid is the beginnings of all steps that touch [from, to).
func Grid(from, to time.Time, step time.Duration) []time.Time {
	var grid []time.Time
	for t := Floor(from, step); t.Before(to); t = t.Add(step) {
		grid = append(grid, t)
	}
	return grid
}
