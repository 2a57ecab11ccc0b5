// How fields look in tables without any override of a panel: names, widths and the colours of severities. A word says what each colour says.
package frames

import "github.com/grafana/grafana-plugin-sdk-go/data"

// severityColors are those of the app's badges. Of Grafana's oranges the dark one is the best to read on white.
var severityColors = map[string]string{"info": "blue", "low": "blue", "warning": "purple", "medium": "purple", "high": "dark-orange", "error": "red", "critical": "red"}

// width of a table's column in pixels. Columns without one share what is left.
func width(pixels int) map[string]any {
	return map[string]any{"width": pixels}
}

// sentence holds what takes more than a line in a column that leaves room for others: it goes on in the next line instead of being cut.
func sentence(name, shown string, values []string, pixels int) *data.Field {
	return data.NewField(name, nil, values).SetConfig(&data.FieldConfig{DisplayName: shown, Custom: wrapped(pixels)})
}

func wrapped(pixels int) map[string]any {
	custom := width(pixels)
	custom["wrapText"] = true
	return custom
}

func severityField(values []string) *data.Field {
	mapper := data.ValueMapper{}
	for severity, color := range severityColors {
		mapper[severity] = data.ValueMappingResult{Text: severity, Color: color}
	}
	custom := width(100)
	custom["cellOptions"] = map[string]any{"type": "color-text"}
	return data.NewField("severity", nil, values).SetConfig(&data.FieldConfig{DisplayName: "Severity", Mappings: data.ValueMappings{mapper}, Custom: custom})
}

// moment takes times or pointers to them.
func moment(name, shown string, times any) *data.Field {
	return data.NewField(name, nil, times).SetConfig(&data.FieldConfig{DisplayName: shown, Custom: width(190)})
}

func narrow(name, shown string, values []string, pixels int) *data.Field {
	return data.NewField(name, nil, values).SetConfig(&data.FieldConfig{DisplayName: shown, Custom: width(pixels)})
}

// yesNo takes booleans or pointers to them.
func yesNo(name, shown string, values any, pixels int) *data.Field {
	return data.NewField(name, nil, values).SetConfig(&data.FieldConfig{DisplayName: shown, Custom: width(pixels)})
}
