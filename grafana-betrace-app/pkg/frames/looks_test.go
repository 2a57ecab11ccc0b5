package frames

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
)

func fieldOf(t *testing.T, frame *data.Frame, name string) *data.Field {
	t.Helper()
	field, at := frame.FieldByName(name)
	if at < 0 {
		t.Fatalf("no field %s", name)
	}
	return field
}

func TestEverySeverityHasAColorAndKeepsItsWord(t *testing.T) {
	field := severityField(betrace.Severities)
	mapper := field.Config.Mappings[0].(data.ValueMapper)
	for _, severity := range betrace.Severities {
		if result := mapper[severity]; result.Color == "" || result.Text != severity {
			t.Errorf("%s: %+v", severity, result)
		}
	}
	if len(mapper) != len(betrace.Severities) {
		t.Errorf("%d colors for %d severities", len(mapper), len(betrace.Severities))
	}
}

func TestEveryColumnHasANameThatPeopleRead(t *testing.T) {
	for _, frame := range []*data.Frame{Table([]betrace.Violation{violation()}, Tempo{}), FirstTable([]First{{RuleID: "a"}}, Tempo{})} {
		for _, field := range frame.Fields {
			if field.Config == nil || field.Config.DisplayName == "" || strings.Contains(field.Config.DisplayName, "_") {
				t.Errorf("%s of %s has no name to show", field.Name, frame.Name)
			}
		}
	}
}

func TestSentencesAndNamesOfRulesAreWrappedAndNotCut(t *testing.T) {
	first := FirstTable([]First{{RuleID: "a"}}, Tempo{})
	table := Table([]betrace.Violation{violation()}, Tempo{})
	for _, field := range []*data.Field{fieldOf(t, first, "rule"), fieldOf(t, first, "says"), fieldOf(t, first, "message"), fieldOf(t, table, "rule"), fieldOf(t, table, "message")} {
		if custom := field.Config.Custom; custom["wrapText"] != true || custom["width"] == nil {
			t.Errorf("%s: %v", field.Name, custom)
		}
	}
}

func TestExploreDrawsRowsWithThePanelForTables(t *testing.T) {
	for rows, want := range map[int]string{0: "", 1: "table"} {
		if got := Table(make([]betrace.Violation, rows), Tempo{}).Meta.PreferredVisualizationPluginID; got != want {
			t.Errorf("%d rows: drawn with %q, not with %q", rows, got, want)
		}
	}
}

func TestRulesAndViolationsLinkToTheirPagesOnlyWhereRulesAreStored(t *testing.T) {
	for _, stored := range []bool{true, false} {
		for _, frame := range []*data.Frame{Table([]betrace.Violation{violation()}, Tempo{Stored: stored}), FirstTable([]First{{RuleID: "a"}}, Tempo{Stored: stored})} {
			for _, name := range []string{"rule", "message"} {
				if links := fieldOf(t, frame, name).Config.Links; (len(links) == 1) != stored {
					t.Errorf("%s, stored %v: %+v", name, stored, links)
				}
			}
			fieldOf(t, frame, "rule_id") // the link reads it
		}
	}
	s := rule(number(1))
	if links := AsNumber(&s, number(1), Kinds["count"], "x").Fields[0].Config.Links; len(links) != 1 || !strings.Contains(links[0].URL, "${__field.labels.rule_id:percentencode}") {
		t.Errorf("%+v", links)
	}
	s.RuleID = AdHoc
	text, _ := json.Marshal(AsNumber(&s, number(1), Kinds["count"], "x"))
	if strings.Contains(string(text), "links") {
		t.Error("a text that is not stored has no page")
	}
}
