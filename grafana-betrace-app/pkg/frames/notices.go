// Package frames turns answers of BeTrace into data frames, by Grafana's conventions for panels, Explore and alerts. It asks nothing.
package frames

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

const (
	mostWindowsNamed = 3
	mostRulesNamed   = 10
	notEvaluated     = "not evaluated" // how the reason of a window begins that was not come to yet
)

// IsOnlyUnevaluated: all that is missing is time that was not come to yet.
func IsOnlyUnevaluated(coverage *betrace.Coverage) bool {
	for _, window := range coverage.WindowsFailed {
		if !strings.HasPrefix(window.Reason, notEvaluated) {
			return false
		}
	}
	return len(coverage.WindowsFailed) > 0
}

// gapsNamed: a time without any trace is named where it is this part of the range at least. What is shorter is a pause between traces.
const gapsNamed = 24

// Gaps are the times without any trace before `until` that are long enough to be named.
func Gaps(coverage *betrace.Coverage, until time.Time) []betrace.TimeRange {
	var joined, gaps []betrace.TimeRange
	for _, window := range coverage.WindowsEmpty {
		if n := len(joined); n > 0 && joined[n-1].End.Equal(window.Start) {
			joined[n-1].End = window.End
		} else {
			joined = append(joined, window)
		}
	}
	least := coverage.Asked.End.Sub(coverage.Asked.Start) / gapsNamed
	for _, window := range joined {
		if window.End.After(until) {
			window.End = until
		}
		if length := window.End.Sub(window.Start); length > 0 && length >= least {
			gaps = append(gaps, window)
		}
	}
	return gaps
}

// InWords names the first of them: "from … to …, from … to … and 3 times more".
func InWords(gaps []betrace.TimeRange) string {
	var parts []string
	for i, gap := range gaps {
		if i == mostWindowsNamed {
			return fmt.Sprintf("%s and %d times more", strings.Join(parts, ", "), len(gaps)-i)
		}
		parts = append(parts, fmt.Sprintf("from %s to %s", clock(gap.Start), clock(gap.End)))
	}
	return strings.Join(parts, ", ")
}

// CoverageNotices say what of the range was not looked at. No notice: everything up to now − settle was read and judged, of a Tempo
// of a version that was checked, traces were there all the time, and no late spans may be hidden.
func CoverageNotices(reason *string, coverage *betrace.Coverage) []data.Notice {
	var notices []data.Notice
	if !coverage.Complete {
		notices = append(notices, warning("Not everything was looked at, so there may be more violations than shown. %s", why(reason, coverage)))
	}
	if gaps := Gaps(coverage, coverage.EffectiveEnd); coverage.Complete && len(gaps) > 0 {
		notices = append(notices, info("No trace at all was there %s: nothing is said about that time.", InWords(gaps)))
	}
	if coverage.EffectiveEnd.Before(coverage.Asked.End) {
		notices = append(notices, info("Traces from %s on are not settled yet (settle %s): nothing is said about them.", clock(coverage.EffectiveEnd), coverage.Assumptions.Settle))
	}
	if from := coverage.ProvisionalFrom; from != nil {
		notices = append(notices, info("What is counted from %s on is provisional: Tempo may still hide spans that came late. It is counted again later.", clock(*from)))
	}
	if from := coverage.KeptFrom; from != nil {
		notices = append(notices, warning("The retention of the source may have deleted traces from before %s: what is counted there may be too little.", clock(*from)))
	}
	if at := coverage.RedactedAt; at != nil {
		notices = append(notices, warning("Some traces were redacted in the source, last at %s: it does not say which, and they are not counted.", clock(*at)))
	}
	if coverage.LongTraces > 0 {
		notices = append(notices, info("%d traces are longer than the margin and were judged where they were found.", coverage.LongTraces))
	}
	if coverage.Unended > 0 {
		notices = append(notices, info("In %d traces a span never ended. Tempo's searches never show a trace whose spans all lack an end.", coverage.Unended))
	}
	if coverage.WithoutTime > 0 {
		notices = append(notices, info("In %d traces the spans have neither a start nor an end. Nobody knows when they were, so they are judged in every range.", coverage.WithoutTime))
	}
	if coverage.Contradicted > 0 {
		notices = append(notices, info("Of %d traces Tempo says what contradicts itself; unless they violate all the same, nobody knows.", coverage.Contradicted))
	}
	if coverage.DifferingCount > 0 {
		notices = append(notices, info("In %d traces copies of a span do not agree. A rule is inconclusive there unless it says the same whichever is right.", coverage.DifferingCount))
	}
	if sampling := coverage.Sampling; sampling.Known != "" && sampling.Known != "not_declared" && sampling.Text != "" {
		notices = append(notices, info("Sampling: %s.", sampling.Text))
	}
	if source := coverage.Source; source != nil && !source.Checked {
		notices = append(notices, info("%s is %s. Of such a version every candidate is read.", sourceName(source), source.Note))
	}
	return notices
}

// Part is what a frame says of itself to who asked for a part (meta.custom): whether to come again, and with what.
type Part struct {
	More     bool    `json:"more"`
	Cursor   string  `json:"cursor,omitempty"`
	LookedAt float64 `json:"lookedAt"` // of the range, 0 to 1
}

// PartOf makes it of what was looked at so far.
func PartOf(coverage *betrace.Coverage, more bool, cursor string) Part {
	return Part{More: more, Cursor: cursor, LookedAt: LookedAt(coverage)}
}

// LookedAt is the part of the range that was come to, 0 to 1; what could not be read was come to.
func LookedAt(coverage *betrace.Coverage) float64 {
	whole := coverage.Asked.End.Sub(coverage.Asked.Start)
	if whole <= 0 {
		return 1
	}
	left := time.Duration(0)
	for _, window := range coverage.WindowsFailed {
		if strings.HasPrefix(window.Reason, notEvaluated) {
			left += window.End.Sub(window.Start)
		}
	}
	return min(max(1-float64(left)/float64(whole), 0), 1)
}

// StillLooking says that the answer goes on, and how far it has come.
func StillLooking(coverage *betrace.Coverage) data.Notice {
	return info("Still looking, newest first: %.0f %% of the range was looked at so far. There may be more violations.",
		math.Floor(LookedAt(coverage)*100))
}

// MovedBack says that an alert looked at an earlier range than it was set to.
func MovedBack(by, settle time.Duration, from, to time.Time) data.Notice {
	return info("The range was moved back by %s, to %s until %s: traces are settled %s after they end, and what is younger cannot be known. It is moved so at every tick, so no time is left out.",
		by.Round(time.Second), clock(from), clock(to), settle)
}

func sourceName(source *betrace.Source) string {
	if source.Version == nil {
		return "Tempo"
	}
	return "Tempo " + *source.Version
}

func why(reason *string, coverage *betrace.Coverage) string {
	var parts []string
	if reason != nil {
		parts = append(parts, capital(Sentence(*reason))+".")
	}
	for i, window := range coverage.WindowsFailed {
		if i == mostWindowsNamed {
			parts = append(parts, fmt.Sprintf("And %d more parts of the range.", len(coverage.WindowsFailed)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s to %s: %s.", clock(window.Start), clock(window.End), Sentence(window.Reason)))
	}
	return strings.Join(parts, " ")
}

// Sentence leaves out the stable word before the sentence: "no_data: the source has no trace".
func Sentence(reason string) string {
	word, sentence, found := strings.Cut(reason, ": ")
	if found && !strings.Contains(word, " ") {
		return strings.TrimSuffix(sentence, ".")
	}
	return strings.TrimSuffix(reason, ".")
}

// listed names the first rules, and says how many more there are.
func listed(ids []string) string {
	if len(ids) <= mostRulesNamed {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:mostRulesNamed], ", "), len(ids)-mostRulesNamed)
}

// NotAllRead says for which rules not everything was looked at, and why.
func NotAllRead(ids []string, reason string) data.Notice {
	return warning("Not everything was looked at for %s: %s.", listed(ids), Sentence(reason))
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func warning(format string, args ...any) data.Notice {
	return data.Notice{Severity: data.NoticeSeverityWarning, Text: strings.TrimSpace(fmt.Sprintf(format, args...))}
}

func info(format string, args ...any) data.Notice {
	return data.Notice{Severity: data.NoticeSeverityInfo, Text: fmt.Sprintf(format, args...)}
}

// Nothing is an answer without data that says why. Alerts get zero frames instead: that is what NoData is.
func Nothing(text string) *data.Frame {
	return data.NewFrame("").SetMeta(&data.FrameMeta{Notices: []data.Notice{{Severity: data.NoticeSeverityInfo, Text: text}}})
}
