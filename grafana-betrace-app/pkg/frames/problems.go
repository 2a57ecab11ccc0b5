// Tables of problems: one row each, the gravest rules first, as BeTrace orders them.
package frames

import (
	"net/url"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

// ProblemRange is what a link to a problem shows.
type ProblemRange struct{ From, To time.Time }

// trendColors are those of the app's badges. That nothing is known has no colour.
var trendColors = map[string]string{"new": "red", "rising": "dark-orange", "steady": "purple", "over": "green"}

// Grafana puts the path below which it is served before an address that begins with a slash, so this is no ${__data.fields.link}.
const problemPage = "/a/betrace-app/violations?rule=${__data.fields.rule_id:percentencode}&problem=${__data.fields.id:percentencode}&from=${__from}&to=${__to}"

func (r ProblemRange) link(p *betrace.Problem) string {
	values := url.Values{"rule": {p.RuleID}, "problem": {p.ID}, "from": {strconv.FormatInt(r.From.UnixMilli(), 10)}, "to": {strconv.FormatInt(r.To.UnixMilli(), 10)}}
	return "/a/betrace-app/violations?" + values.Encode()
}

func beginsIn(p *betrace.Problem) string {
	switch {
	case p.Entry == "not_looked_at":
		return "not looked at"
	case p.Entry == "no_root":
		return "no known first span"
	case orEmpty(p.EntryService) == "":
		return "a service without a name"
	}
	return *p.EntryService
}

func trendField(values []string) *data.Field {
	mapper := data.ValueMapper{}
	for trend, color := range trendColors {
		mapper[trend] = data.ValueMappingResult{Text: trend, Color: color}
	}
	custom := width(90)
	custom["cellOptions"] = map[string]any{"type": "color-text"}
	return data.NewField("trend", nil, values).SetConfig(&data.FieldConfig{DisplayName: "Trend", Mappings: data.ValueMappings{mapper}, Custom: custom})
}

// ProblemTable has a row for each problem. What is not known is null, and no 0. A stat panel that shows all rows of it takes `count`, and names them by `rule`.
func ProblemTable(problems []betrace.Problem, shown ProblemRange, tempo Tempo) *data.Frame {
	n := len(problems)
	counts, shares, first, last, atLeast := make([]int64, n), make([]*float64, n), make([]time.Time, n), make([]time.Time, n), make([]bool, n)
	columns := make([][]string, 8)
	for i := range columns {
		columns[i] = make([]string, n)
	}
	for i := range problems {
		p := &problems[i]
		counts[i], shares[i], first[i], last[i], atLeast[i] = p.Count, p.Share, p.FirstSeen.Time, p.LastSeen.Time, p.CountKind != "exact"
		for c, value := range []string{p.RuleName, p.Severity, p.Message, beginsIn(p), p.Trend, p.ID, shown.link(p), p.RuleID} {
			columns[c][i] = value
		}
	}
	message := sentence("message", "What failed", columns[2], 360)
	message.Config.Links = []data.DataLink{{Title: "Open the problem", URL: problemPage}}
	count := data.NewField("count", nil, counts).SetConfig(&data.FieldConfig{DisplayName: "Violating traces", Unit: "short", Custom: width(130)})
	share := data.NewField("share", nil, shares).SetConfig(&data.FieldConfig{DisplayName: "Share of exercising traces", Unit: "percentunit", Custom: width(190)})
	frame := data.NewFrame("problems", tempo.ruleField(columns[0]), severityField(columns[1]), message, narrow("begins_in", "Begins in", columns[3], 150),
		count, share, trendField(columns[4]), moment("first", "First", first), moment("last", "Last", last), yesNo("at_least", "There may be more", atLeast, 150),
		narrow("id", "Problem", columns[5], 160), text("rule_id", "Rule id", columns[7]), text("link", "Link", columns[6]))
	return asTable(frame)
}

// ProblemNotices say what of the range was not looked at, which rules nothing exercised, and that there are more problems than rows.
func ProblemNotices(answer *betrace.Problems) []data.Notice {
	var notices []data.Notice
	if shown := len(answer.Problems); answer.Total > shown {
		notices = append(notices, warning("The table shows %d of %d problems: raise the limit of the query or narrow it.", shown, answer.Total))
	}
	notices = append(notices, CoverageNotices(answer.Reason, &answer.Coverage)...)
	for i, rule := range answer.Unexercised {
		if i == mostRulesNamed {
			return append(notices, info("And %d rules more.", len(answer.Unexercised)-i))
		}
		notices = append(notices, info("%s: %s.", rule.RuleID, capital(Sentence(rule.Message))))
	}
	return notices
}
