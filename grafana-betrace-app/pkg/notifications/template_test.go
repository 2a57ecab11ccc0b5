// Package notifications has no code: its test fills in the texts of notifications that distribution/grafana ships, with the functions that Grafana's
// alerting gives to templates. Each alert is one line, which says what is broken, since when, and what is not looked at.
package notifications

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"text/template"
	"time"
)

const shipped = "../../../distribution/grafana/provisioning/alerting/betrace-notifications.yaml"

type alert struct {
	Status              string
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
}

type alerts []alert

func (all alerts) withStatus(status string) alerts {
	var found alerts
	for _, one := range all {
		if one.Status == status {
			found = append(found, one)
		}
	}
	return found
}

func (all alerts) Firing() alerts   { return all.withStatus("firing") }
func (all alerts) Resolved() alerts { return all.withStatus("resolved") }

// templateText is the block of the file that Grafana is given; what it is indented by is no part of it.
func templateText(t *testing.T) string {
	t.Helper()
	file, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(file), "    template: |\n")
	if !found {
		t.Fatal("the file has no template")
	}
	return strings.ReplaceAll("\n"+block, "\n      ", "\n")
}

func filledIn(t *testing.T, name string, all alerts) string {
	t.Helper()
	functions := template.FuncMap{
		"match":        regexp.MatchString,
		"reReplaceAll": func(pattern, by, text string) string { return regexp.MustCompile(pattern).ReplaceAllString(text, by) },
	}
	parsed, err := template.New("").Option("missingkey=zero").Funcs(functions).Parse(templateText(t))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := parsed.ExecuteTemplate(&text, name, map[string]any{"Alerts": all}); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func firing(reason string) alert {
	annotations := map[string]string{"summary": "Rule Slow query (high) was violated\nat least 3 times", "runbook_url": "https://grafana.example/a/betrace-app"}
	if reason != "" {
		annotations["grafana_state_reason"] = reason
	}
	began := time.Date(2026, 3, 10, 12, 42, 30, 0, time.FixedZone("CET", 3600))
	return alert{Status: "firing", Labels: map[string]string{"alertname": "BeTrace violation"}, Annotations: annotations, StartsAt: began, EndsAt: began.Add(time.Hour)}
}

func over(reason string) alert {
	one := firing(reason)
	one.Status = "resolved"
	return one
}

func TestEachAlertIsOneLine(t *testing.T) {
	const broken = "BROKEN: Rule Slow query (high) was violated at least 3 times. Since 2026-03-10 11:42 UTC."
	const ended = "OVER: Rule Slow query (high) was violated at least 3 times. Since 2026-03-10 11:42 UTC until 2026-03-10 12:42 UTC."
	const link = " https://grafana.example/a/betrace-app"
	cases := map[string]struct {
		alert alert
		line  string
	}{
		"looked at":      {firing(""), broken + link},
		"no data":        {firing("NoData, KeepLast"), broken + " NOT LOOKED AT NOW: there was no answer for it, so it keeps the state that it had." + link},
		"an error":       {firing("Error, KeepLast"), broken + " NOT LOOKED AT NOW: the question failed, so it keeps the state that it had." + link},
		"over":           {over(""), ended + link},
		"a series gone":  {over("MissingSeries"), ended + " Its numbers stopped coming: that is no proof that it is over." + link},
		"a rule changed": {over("Updated"), ended + " The alert rule was changed: that is no proof that it is over." + link},
	}
	for name, one := range cases {
		if line := filledIn(t, "betrace.message", alerts{one.alert}); line != one.line+"\n" {
			t.Errorf("%s:\n%q\nin place of\n%q", name, line, one.line)
		}
	}
}

func TestSeveralAlertsAreALineEach(t *testing.T) {
	all := alerts{firing(""), over(""), firing("Error")}
	if lines := strings.Count(filledIn(t, "betrace.message", all), "\n"); lines != len(all) {
		t.Errorf("%d lines", lines)
	}
	if title := filledIn(t, "betrace.title", all); title != "BeTrace: 2 broken, 1 over" {
		t.Error(title)
	}
}

func TestAnAlertWithoutASummaryHasItsName(t *testing.T) {
	bare := alert{Status: "firing", Labels: map[string]string{"alertname": "Mine"}, Annotations: map[string]string{}}
	if line := filledIn(t, "betrace.message", alerts{bare}); !strings.HasPrefix(line, "BROKEN: Mine. Since ") {
		t.Error(line)
	}
}
