package plugin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/betracehq/betrace/grafana-betrace-app/pkg/betrace"
	"github.com/betracehq/betrace/grafana-betrace-app/pkg/frames"
)

const coverage = `"coverage":{"complete":%v,"asked":{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T12:00:00Z"},"effective_end":"2026-03-10T12:00:00Z","windows_failed":[%s],"assumptions":{"settle":"2m"}}`

func one(minute int) string {
	return fmt.Sprintf(`{"id":"%02d","rule_id":"a","rule_name":"A","severity":"high","trace_id":"%032x","span_id":null,"time":"2026-03-10T11:%02d:00Z","services":[],"witnesses":[]}`, minute, minute, minute)
}

func (f *fake) pages(pages ...string) {
	n := 0
	f.answers["/v1/violations/query"] = func(w http.ResponseWriter, _ *http.Request) {
		sendJSON(w, pages[min(n, len(pages)-1)])
		n++
	}
}

// slowly answers one page each time, as late as a BeTrace that waits for more until the time is over.
func (f *fake) slowly(late time.Duration, page string) {
	f.answers["/v1/violations/query"] = func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(late)
		sendJSON(w, page)
	}
}

func page(total, cursor string, complete bool, failed string, violations ...string) string {
	return fmt.Sprintf(`{"violations":[%s],"total_count":%s,"inconclusive":0,"reason":%s,%s,"cursor":%s}`, strings.Join(violations, ","), total,
		map[bool]string{true: "null", false: `"not_evaluated: the time was over"`}[complete], fmt.Sprintf(coverage, complete, failed), cursor)
}

func TestPagesAreFetchedUpToTheLimit(t *testing.T) {
	f := newFake(t)
	f.pages(page("5", `"next"`, true, "", one(50), one(40)), page("5", `"more"`, true, "", one(30)))
	answer := ask(t, f.instance(t), `{"queryType":"violations","limit":3}`, false)
	if answer.Error != nil || answer.Frames[0].Rows() != 3 || f.count("/v1/violations/query") != 2 {
		t.Fatalf("%v, asked %v", answer.Error, f.asked)
	}
	if !strings.Contains(f.last("/v1/violations/query"), `"limit":1,"order":"newest","cursor":"next"`) {
		t.Error(f.last("/v1/violations/query"))
	}
	if text := answer.Frames[0].Meta.Notices[0].Text; !strings.Contains(text, "3 of 5") {
		t.Error(text)
	}
}

// Where a trace id leads is said by the role: a viewer has no Explore, and an alert has no user.
func TestTracesOfATableLeadWhereTheReaderMayGo(t *testing.T) {
	const explore, app = `"datasourceUid":"tempo"`, `/a/betrace-app/violations/${__data.fields.rule_id:percentencode}/${__value.raw:percentencode}`
	for name, c := range map[string]struct {
		user        *backend.User
		query, want string
	}{
		"an editor goes to Explore":          {&backend.User{Role: "Editor"}, `{"queryType":"violations"}`, explore},
		"nobody is no viewer":                {nil, `{"queryType":"violations"}`, explore},
		"a viewer goes to the app":           {&backend.User{Role: "Viewer"}, `{"queryType":"violations"}`, app},
		"a text that is not stored: no page": {&backend.User{Role: "Viewer"}, `{"queryType":"violations","dsl":"trace.has(a)"}`, ""},
	} {
		f := newFake(t)
		f.pages(page("1", "null", true, "", one(50)))
		d := f.instance(t)
		d.settings.TempoUID = "tempo"
		ctx := backend.WithPluginContext(t.Context(), backend.PluginContext{User: c.user})
		answer := d.answer(ctx, backend.DataQuery{RefID: "A", JSON: []byte(c.query), TimeRange: backend.TimeRange{From: noon.Add(-time.Hour), To: noon}}, false)
		text, _ := answer.Frames[0].MarshalJSON()
		for _, link := range []string{explore, app} {
			if has := strings.Contains(string(text), link); answer.Error != nil || has != (link == c.want) {
				t.Errorf("%s: %v, %s is %v", name, answer.Error, link, has)
			}
		}
	}
}

const halfLeft = `{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T11:30:00Z","reason":"not evaluated yet"}`

// Who asks in parts has the rows of the newest part at once, and a cursor for the rest.
func TestAPartOfATableSaysHowToGoOn(t *testing.T) {
	f := newFake(t)
	f.slowly(time.Second, page("null", `"next"`, false, halfLeft, one(50), one(40)))
	d := f.instance(t)
	d.settings.Timeout = 2 * time.Second // evaluates for a second, so there is one page a part
	answer := ask(t, d, `{"queryType":"violations","part":{}}`, false)
	if answer.Error != nil || answer.Frames[0].Rows() != 2 {
		t.Fatalf("%v", answer.Error)
	}
	meta := answer.Frames[0].Meta
	if want := (frames.Part{More: true, Cursor: "next", LookedAt: 0.5}); meta.Custom != want {
		t.Errorf("%+v", meta.Custom)
	}
	if len(meta.Notices) != 1 || !strings.Contains(meta.Notices[0].Text, "Still looking, newest first: 50 %") {
		t.Errorf("%+v", meta.Notices)
	}
	f.pages(page("3", "null", true, "", one(20)))
	answer = ask(t, d, `{"queryType":"violations","part":{"cursor":"next","have":2}}`, false)
	if asked := f.last("/v1/violations/query"); !strings.Contains(asked, `"limit":198,"order":"newest","cursor":"next"`) {
		t.Error(asked)
	}
	if meta = answer.Frames[0].Meta; meta.Custom != (frames.Part{LookedAt: 1}) || len(meta.Notices) != 0 {
		t.Errorf("the last part: %+v", meta)
	}
}

func TestTheLastPartOfAFullTableSaysThatThereIsMore(t *testing.T) {
	f := newFake(t)
	f.pages(page("9", `"next"`, true, "", one(50), one(40)))
	answer := ask(t, f.instance(t), `{"queryType":"violations","limit":5,"part":{"cursor":"x","have":3}}`, false)
	meta := answer.Frames[0].Meta
	if custom := meta.Custom.(frames.Part); custom.More || !strings.Contains(meta.Notices[0].Text, "5 of 9") {
		t.Errorf("%+v %+v", custom, meta.Notices)
	}
}

func TestATableThatIsAllSaysNothingMore(t *testing.T) {
	f := newFake(t)
	f.pages(page("2", `"next"`, true, "", one(50), one(40)), page("2", "null", true, ""))
	answer := ask(t, f.instance(t), `{"queryType":"violations"}`, false)
	if answer.Error != nil || len(answer.Frames[0].Meta.Notices) != 0 || answer.Frames[0].Rows() != 2 {
		t.Errorf("%v %+v", answer.Error, answer.Frames[0].Meta.Notices)
	}
	if answer.Frames[0].Fields[0].Type() != data.FieldTypeTime || !strings.Contains(answer.Frames[0].Meta.ExecutedQueryString, "POST /v1/violations/query") {
		t.Error("time first, and what was asked")
	}
}

func TestAListThatTheTimeCutIsCut(t *testing.T) {
	next, five := "next", int64(5)
	two := make([]betrace.Violation, 2)
	for name, c := range map[string]struct {
		list listing
		want bool
	}{
		"all is evaluated, the rest was not fetched": {listing{violations: two, total: &five, last: &betrace.ViolationsPage{Cursor: &next, Coverage: betrace.Coverage{Complete: true}}}, true},
		"a cursor, and nobody says how many":         {listing{violations: two, last: &betrace.ViolationsPage{Cursor: &next, Coverage: betrace.Coverage{Complete: true}}}, true},
		"what is left out is not evaluated":          {listing{violations: two, last: &betrace.ViolationsPage{Cursor: &next}}, false},
		"the end":                                    {listing{violations: two, total: &five, last: &betrace.ViolationsPage{Coverage: betrace.Coverage{Complete: true}}}, false},
	} {
		if got := c.list.isCut(200); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhatWasNotReadIsANotice(t *testing.T) {
	f := newFake(t)
	f.pages(page("null", "null", false, `{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T11:30:00Z","reason":"Tempo answered 500"}`))
	answer := ask(t, f.instance(t), `{"queryType":"violations"}`, false)
	if answer.Error != nil || answer.Frames[0].Rows() != 0 || !strings.Contains(answer.Frames[0].Meta.Notices[0].Text, "Tempo answered 500") {
		t.Errorf("%+v", answer)
	}
}

func TestAnnotationsHaveTheirFields(t *testing.T) {
	f := newFake(t)
	f.pages(page("1", "null", true, "", one(50)))
	frame := ask(t, f.instance(t), `{"queryType":"annotations"}`, false).Frames[0]
	var names []string
	for _, field := range frame.Fields {
		names = append(names, field.Name)
	}
	if strings.Join(names, ",") != "time,title,text,tags,id" {
		t.Error(names)
	}
}

func first(found, proven bool, status string) http.HandlerFunc {
	violation := "null"
	if found {
		violation = one(10)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		sendJSON(w, fmt.Sprintf(`{"rule_id":"a","status":"%s","reason":"windows_failed: x","found":%v,"violation":%s,"proven":%v,"at_edge_of_data":false,"looked_at":{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T11:30:00Z"},%s}`,
			status, found, violation, proven, fmt.Sprintf(coverage, status == "completed", "")))
	}
}

// noted is an answer with a note about the data.
func noted(answer http.HandlerFunc, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		answer(recorder, r)
		sendJSON(w, strings.Replace(recorder.Body.String(), "{", fmt.Sprintf(`{"notes":[{"rule_id":"a","message":%q}],`, message), 1))
	}
}

// Nothing exercised the rule.
func idle(w http.ResponseWriter, _ *http.Request) {
	sendJSON(w, fmt.Sprintf(`{"rule_id":"a","status":"completed","found":false,"violation":null,"proven":false,"at_edge_of_data":false,"looked_at":{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T11:30:00Z"},`+
		`"unexercised":[{"rule_id":"a","known":true,"message":"nothing exercised this rule: no trace has chekout; near: checkout"}],%s}`, fmt.Sprintf(coverage, true, "")))
}

func TestFirstViolationsSayWhatIsCertain(t *testing.T) {
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		says    string
		notices int
	}{
		"proven":     {first(true, true, "completed"), "everything before it was read", 0},
		"not proven": {first(true, false, "incomplete"), "there may be earlier ones", 1},
		"none":       {first(false, false, "completed"), "none in the whole range", 0},
		"idle":       {idle, "no trace has chekout; near: checkout", 0},
		"unknown":    {first(false, false, "incomplete"), "not everything was looked at", 1},
		"noted": {noted(first(false, false, "completed"), "`http.status_code` was a string in 1 of 3 spans"),
			"; `http.status_code` was a string in 1 of 3 spans", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.answers["/v1/rules/a/first-violation"] = c.answer
			answer := ask(t, f.instance(t), `{"queryType":"first_violation","ruleIds":["a"]}`, false)
			if answer.Error != nil || answer.Frames[0].Rows() != 1 {
				t.Fatal(answer.Error)
			}
			frame := answer.Frames[0]
			field, _ := frame.FieldByName("says")
			if says := field.At(0).(string); !strings.Contains(says, c.says) || len(frame.Meta.Notices) != c.notices {
				t.Errorf("%q, notices %v", says, frame.Meta.Notices)
			}
			if at := frame.Fields[0].At(0).(*time.Time); (at != nil) != strings.HasPrefix(c.says, "everything") && (at != nil) != strings.HasPrefix(c.says, "there may") {
				t.Errorf("time %v", at)
			}
		})
	}
}

// Over a range without any trace for a while "none in the whole range" would be said about time that nobody could look at.
func TestFirstViolationsNameTheTimeWithoutAnyTrace(t *testing.T) {
	windows := map[string]string{
		"front":  `{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T11:05:00Z"}`,
		"middle": `{"start":"2026-03-10T11:20:00Z","end":"2026-03-10T11:30:00Z"}`,
		"end":    `{"start":"2026-03-10T11:40:00Z","end":"2026-03-10T12:00:00Z"}`,
		"pause":  `{"start":"2026-03-10T11:20:00Z","end":"2026-03-10T11:20:10Z"}`,
	}
	for name, c := range map[string]struct {
		window string
		found  bool
		says   string
	}{
		"none, front":   {"front", false, "none in the traces that there are, up to 2026-03-10T11:58:00Z; no trace at all from 2026-03-10 11:00:00 UTC to 2026-03-10 11:05:00 UTC"},
		"none, middle":  {"middle", false, "none in the traces that there are, up to 2026-03-10T11:58:00Z; no trace at all from 2026-03-10 11:20:00 UTC to 2026-03-10 11:30:00 UTC"},
		"none, end":     {"end", false, "none in the traces that there are, up to 2026-03-10T11:58:00Z; no trace at all from 2026-03-10 11:40:00 UTC to 2026-03-10 11:58:00 UTC"},
		"none, pause":   {"pause", false, "none in the whole range, up to 2026-03-10T11:58:00Z"},
		"found, front":  {"front", true, "the first one in the traces that there are; before it no trace at all from 2026-03-10 11:00:00 UTC to 2026-03-10 11:05:00 UTC"},
		"found, later":  {"end", true, "the first one: everything before it was read and judged"},
		"found, middle": {"middle", true, "the first one: everything before it was read and judged"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			of := strings.Replace(coverageOf("2026-03-10T11:58:00Z"), `"windows_empty":[]`, `"windows_empty":[`+windows[c.window]+`]`, 1)
			violation := "null"
			if c.found {
				violation = one(10)
			}
			f.answers["/v1/rules/a/first-violation"] = func(w http.ResponseWriter, _ *http.Request) {
				sendJSON(w, fmt.Sprintf(`{"rule_id":"a","status":"completed","reason":"","found":%v,"violation":%s,"proven":%v,"at_edge_of_data":false,"looked_at":{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T12:00:00Z"},%s}`, c.found, violation, c.found, of))
			}
			var listed []string
			if c.found {
				listed = []string{one(10)}
			}
			f.answers["/v1/violations/query"] = func(w http.ResponseWriter, _ *http.Request) {
				sendJSON(w, fmt.Sprintf(`{"violations":[%s],"total_count":%d,"inconclusive":0,"reason":null,"cursor":null,%s}`, strings.Join(listed, ","), len(listed), of))
			}
			for _, model := range []string{`{"queryType":"first_violation","ruleIds":["a"]}`, `{"queryType":"first_violation","dsl":"trace.has(x)"}`} {
				answer := ask(t, f.instance(t), model, false)
				if answer.Error != nil {
					t.Fatal(answer.Error)
				}
				field, _ := answer.Frames[0].FieldByName("says")
				if says := field.At(0).(string); says != c.says {
					t.Errorf("%s: %q", model, says)
				}
			}
		})
	}
}

func coverageOf(effectiveEnd string) string {
	return fmt.Sprintf(`"coverage":{"complete":true,"asked":{"start":"2026-03-10T11:00:00Z","end":"2026-03-10T12:00:00Z"},"effective_end":"%s","windows_empty":[],"windows_failed":[],"assumptions":{"settle":"2m"}}`, effectiveEnd)
}

func TestRulesThatShareAReasonShareANotice(t *testing.T) {
	answers := []firstAnswer{{row: frames.First{RuleID: "a"}, missing: "no_data: no trace"}, {row: frames.First{RuleID: "b"}},
		{row: frames.First{RuleID: "c"}, missing: "no_data: no trace"}, {row: frames.First{RuleID: "d"}, missing: "timeout: too slow"}}
	var texts []string
	for _, notice := range notRead(answers) {
		texts = append(texts, notice.Text)
	}
	if all := strings.Join(texts, "|"); all != "Not everything was looked at for a, c: no trace.|Not everything was looked at for d: too slow." {
		t.Error(all)
	}
}

func TestTheFirstOfATextIsProvenOnlyWhenAllBeforeWasRead(t *testing.T) {
	for name, c := range map[string]struct {
		failed string
		want   bool
	}{
		"all read":      {"", true},
		"a gap before":  {`{"start":"2026-03-10T11:05:00Z","end":"2026-03-10T11:06:00Z","reason":"x"}`, false},
		"the rest only": {`{"start":"2026-03-10T11:30:00Z","end":"2026-03-10T12:00:00Z","reason":"not evaluated"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.pages(page("null", `"next"`, c.failed == "", c.failed, one(10)))
			answer := ask(t, f.instance(t), `{"queryType":"first_violation","dsl":"trace.has(x)"}`, false)
			if answer.Error != nil {
				t.Fatal(answer.Error)
			}
			field, _ := answer.Frames[0].FieldByName("proven")
			if got := field.At(0).(bool); got != c.want {
				t.Errorf("proven %v", got)
			}
			if !strings.Contains(f.last("/v1/violations/query"), `"order":"oldest"`) {
				t.Error("asked from the wrong end")
			}
		})
	}
}

// A dashboard's "All" of many rules: the most severe ones have rows, and the rest is named as what nothing is said about.
func TestTooManyFirstViolations(t *testing.T) {
	f := newFake(t)
	var rules, named []string
	for i := range 35 {
		severity, id := "low", fmt.Sprintf("r%02d", i)
		if i%2 == 1 {
			severity = "critical"
		}
		rules = append(rules, fmt.Sprintf(`{"id":"%s","name":"R","severity":"%s","enabled":true,"broken":null}`, id, severity))
		named = append(named, `"`+id+`"`)
		f.answers["/v1/rules/"+id+"/first-violation"] = first(false, false, "completed")
	}
	f.rules = "[" + strings.Join(rules, ",") + "]"
	answer := ask(t, f.instance(t), `{"queryType":"first_violation","ruleIds":[`+strings.Join(named, ",")+`]}`, false)
	if answer.Error != nil || answer.Frames[0].Rows() != mostFirst {
		t.Fatalf("%v, %d rows", answer.Error, answer.Frames[0].Rows())
	}
	frame := answer.Frames[0]
	severities, _ := frame.FieldByName("severity")
	critical := 0
	for row := range frame.Rows() {
		if severities.At(row).(string) == "critical" {
			critical++
		}
	}
	if critical != 17 {
		t.Errorf("%d of the 17 critical ones have a row", critical)
	}
	if len(frame.Meta.Notices) != 1 || frame.Meta.Notices[0].Severity != data.NoticeSeverityWarning {
		t.Fatalf("%+v", frame.Meta.Notices)
	}
	for _, part := range []string{"20 most severe of the 35", "Nothing is said about the others: r06, r08", "and 5 more", "at most 20"} {
		if text := frame.Meta.Notices[0].Text; !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

func TestAWrongSetupSaysSoEverywhere(t *testing.T) {
	made, err := NewInstance(t.Context(), backend.DataSourceInstanceSettings{Name: "BeTrace", URL: "betrace:8080"})
	if err != nil {
		t.Fatal("an error here would say no more than that the plugin is not available")
	}
	d := made.(*Instance)
	health, err := d.CheckHealth(t.Context(), nil)
	if err != nil || health.Status != backend.HealthStatusError || !strings.Contains(health.Message, "http://betrace:8080") {
		t.Errorf("%+v %v", health, err)
	}
	if answer := ask(t, d, `{}`, false); answer.Status != backend.StatusBadRequest || !strings.Contains(answer.Error.Error(), "URL") {
		t.Errorf("%+v", answer)
	}
}

func TestATableOfSampledTracesSaysWhatItsTotalStandsFor(t *testing.T) {
	f := newFake(t)
	f.pages(strings.Replace(page("1", "null", true, "", one(50)), `"total_count"`, `"estimated":{"text":"1 seen of a 10 % sample; 1 to 55 happened (95 %)"},"total_count"`, 1))
	frame := ask(t, f.instance(t), `{"queryType":"violations"}`, false).Frames[0]
	if notice := fmt.Sprint(frame.Meta.Notices); !strings.Contains(notice, "1 seen of a 10 % sample; 1 to 55 happened (95 %).") {
		t.Error(notice)
	}
}

const problemRow = `{"id":"0123456789abcdef","rule_id":"a","rule_name":"A","severity":"high","message":"no b in this trace","entry":"root","entry_service":"shop","count":3,"count_kind":%q,"share":%s,
 "first_seen":{"time":"2026-03-10T11:10:00Z"},"last_seen":{"time":"2026-03-10T11:50:00Z"},"trend":"new","trend_unknown":null}`

// problems answers so many of so many, and what else there is to say.
func (f *fake) problems(total int, complete bool, kind, share, more string) {
	f.answers["/v1/problems"] = func(w http.ResponseWriter, r *http.Request) {
		f.mutex.Lock()
		f.asked = append(f.asked, "asked "+r.URL.RawQuery)
		f.mutex.Unlock()
		sendJSON(w, fmt.Sprintf(`{"status":"completed","reason":%s,"problems_total":%d,"problems":[%s],"unexercised":[%s],%s}`, map[bool]string{true: "null", false: `"timeout: the time was over"`}[complete],
			total, fmt.Sprintf(problemRow, kind, share), more, fmt.Sprintf(coverage, complete, "")))
	}
}

func TestProblemsAreATable(t *testing.T) {
	f := newFake(t)
	f.problems(1, true, "exact", "0.5", "")
	answer := ask(t, f.instance(t), `{"queryType":"problems","ruleIds":["a"],"limit":9}`, false)
	if answer.Error != nil || answer.Frames[0].Rows() != 1 || len(answer.Frames[0].Meta.Notices) != 0 {
		t.Fatalf("%v %+v", answer.Error, answer.Frames)
	}
	if asked := f.last("asked"); !strings.Contains(asked, "limit=9&rule_id=a&start=2026-03-10T11%3A00%3A00Z") {
		t.Error(asked)
	}
	frame := answer.Frames[0]
	for name, want := range map[string]any{"rule": "A", "severity": "high", "message": "no b in this trace", "begins_in": "shop", "count": int64(3), "trend": "new", "at_least": false,
		"id": "0123456789abcdef", "link": "/a/betrace-app/violations?from=1773140400000&problem=0123456789abcdef&rule=a&to=1773144000000"} {
		field, _ := frame.FieldByName(name)
		if field == nil || field.At(0) != want {
			t.Errorf("%s: %v", name, field)
		}
	}
	if share, _ := frame.FieldByName("share"); *share.At(0).(*float64) != 0.5 {
		t.Error("share")
	}
	ask(t, f.instance(t), `{"queryType":"problems"}`, false)
	if asked := f.last("asked"); strings.Contains(asked, "rule_id") {
		t.Error("all enabled rules are not named: " + asked)
	}
}

func TestWhatIsMissingOfProblemsIsANotice(t *testing.T) {
	f := newFake(t)
	f.problems(4, false, "at_least", "null", `{"rule_id":"b","known":true,"message":"no span is called x"}`)
	frame := ask(t, f.instance(t), `{"queryType":"problems"}`, false).Frames[0]
	var texts []string
	for _, notice := range frame.Meta.Notices {
		texts = append(texts, notice.Text)
	}
	for i, want := range []string{"1 of 4 problems", "Not everything was looked at, so there may be more violations than shown. The time was over.", "b: No span is called x."} {
		if i >= len(texts) || !strings.Contains(texts[i], want) {
			t.Fatalf("%q is not in its place: %q", want, texts)
		}
	}
	share, _ := frame.FieldByName("share")
	atLeast, _ := frame.FieldByName("at_least")
	if share.At(0).(*float64) != nil || atLeast.At(0) != true {
		t.Error("what is not known is null")
	}
}

func TestProblemsOfTooManyNamedRulesAreRefused(t *testing.T) {
	f := newFake(t)
	var rules, named []string
	for i := range mostProblemRules + 1 {
		rules = append(rules, fmt.Sprintf(`{"id":"r%d","name":"R","severity":"high","enabled":true,"labels":{},"controls":[],"broken":null}`, i))
		named = append(named, fmt.Sprintf(`"r%d"`, i))
	}
	f.rules = "[" + strings.Join(rules, ",") + "]"
	answer := ask(t, f.instance(t), `{"queryType":"problems","ruleIds":[`+strings.Join(named, ",")+`]}`, false)
	if answer.Error == nil || !strings.Contains(answer.Error.Error(), "201 rules") {
		t.Errorf("%v", answer.Error)
	}
}

func TestProblemsOfRulesThatCannotBeJudgedAreNotNone(t *testing.T) {
	f := newFake(t)
	f.rules = `[{"id":"a","name":"A","severity":"high","enabled":true,"labels":{},"controls":[],"broken":"no such word"}]`
	frame := ask(t, f.instance(t), `{"queryType":"problems"}`, false).Frames[0]
	if f.count("/v1/problems") != 0 || len(frame.Meta.Notices) != 1 || !strings.Contains(frame.Meta.Notices[0].Text, "Not checked") {
		t.Errorf("%+v", frame.Meta.Notices)
	}
}
