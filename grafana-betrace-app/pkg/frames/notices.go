// Package frames turns answers of BeTrace into data frames, by Grafana's conventions for panels, Explore and alerts. It asks nothing.
package frames

import (
	"fmt"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

const (
	mostWindowsNamed = 3
	mostRulesNamed   = 10
)

// IsOnlyUnevaluated: all that is missing is time that was not come to yet.
func IsOnlyUnevaluated(coverage *betrace.Coverage) bool {
	for _, window := range coverage.WindowsFailed {
		if !strings.HasPrefix(window.Reason, "not evaluated") {
			return false
		}
	}
	return len(coverage.WindowsFailed) > 0
}

// CoverageNotices say what of the range was not looked at. No notice: everything up to now − settle was read and judged, of a Tempo
// of a version that was checked.
func CoverageNotices(reason *string, coverage *betrace.Coverage) []data.Notice {
	var notices []data.Notice
	if !coverage.Complete {
		notices = append(notices, warning("Not everything was looked at, so there may be more violations than shown. %s", why(reason, coverage)))
	}
	if coverage.EffectiveEnd.Before(coverage.Asked.End) {
		notices = append(notices, info("Traces from %s on are not settled yet (settle %s): nothing is said about them.", clock(coverage.EffectiveEnd), coverage.Assumptions.Settle))
	}
	if coverage.LongTraces > 0 {
		notices = append(notices, info("%d traces are longer than the margin and were judged where they were found.", coverage.LongTraces))
	}
	if coverage.DifferingCount > 0 {
		notices = append(notices, info("Tempo holds copies of spans that do not agree in %d traces; the first copy was judged.", coverage.DifferingCount))
	}
	if source := coverage.Source; source != nil && !source.Checked {
		notices = append(notices, info("%s is %s. Of such a version every candidate is read.", sourceName(source), source.Note))
	}
	return notices
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
		parts = append(parts, capital(afterWord(*reason))+".")
	}
	for i, window := range coverage.WindowsFailed {
		if i == mostWindowsNamed {
			parts = append(parts, fmt.Sprintf("And %d more parts of the range.", len(coverage.WindowsFailed)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s to %s: %s.", clock(window.Start), clock(window.End), strings.TrimSuffix(window.Reason, ".")))
	}
	return strings.Join(parts, " ")
}

// afterWord leaves out the stable word before the sentence: "no_data: the source has no trace".
func afterWord(reason string) string {
	word, sentence, found := strings.Cut(reason, ": ")
	if found && !strings.Contains(word, " ") {
		return strings.TrimSuffix(sentence, ".")
	}
	return strings.TrimSuffix(reason, ".")
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
