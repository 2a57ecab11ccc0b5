/* The report for a bug report: everything that was asked, expected and seen, and nothing that is a secret. */
#include "server/json/doctor_json.h"

#include "server/base/time_text.h"
#include "server/doctor/doctor.h"
#include "server/json/json_values.h"

static json_t *time_json(int64_t time_ns) {
  char text[40];
  if (!time_ns) return json_null();
  bt_time_format(time_ns, text);
  return json_string(text);
}

static json_t *text_json(const char *text) {
  return text ? json_string(text) : json_null();
}

static json_t *seconds_json(int64_t duration_ns) {
  return duration_ns < 0 ? json_null() : json_real((double)duration_ns / 1e9);
}

/* ---- facts ---- */

static json_t *finding_json(const bt_fact_finding *finding) {
  return json_pack("{s:o, s:o, s:o}", "text", text_json(finding->text), "rule", text_json(finding->rule), "query",
                   text_json(finding->query));
}

static json_t *seen_json(const bt_fact_seen *seen) {
  json_t *findings = json_array();
  for (size_t i = 0; i < seen->finding_count; i++) bt_json_append(findings, finding_json(&seen->findings[i]));
  return json_pack("{s:s, s:s, s:o, s:o, s:I}", "outcome", bt_fact_outcome_name(seen->outcome), "seen",
                   seen->seen ? seen->seen : "", "means", text_json(seen->means), "findings", findings,
                   "findings_total", (json_int_t)seen->finding_total);
}

static json_t *fact_json(const bt_doctor_report *report, const bt_fact *fact) {
  json_t *passes = json_array();
  for (unsigned i = 0; i < BT_DOCTOR_PASSES; i++)
    if (!i || report->passes_ns[i]) bt_json_append(passes, seen_json(&fact->seen[i]));
  return json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", fact->id, "title", fact->title, "outcome",
                   bt_fact_outcome_name(bt_fact_outcome_of(fact)), "expected", fact->expected, "passes", passes);
}

/* ---- the rest ---- */

static json_t *probes_json(const bt_probes *probes) {
  json_t *list = json_array();
  for (size_t i = 0; i < probes->count; i++) {
    char id[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&probes->items[i].id, id);
    bt_json_append(list, json_pack("{s:s, s:s, s:I}", "label", probes->items[i].label, "trace_id", id, "spans",
                                   (json_int_t)(probes->items[i].trace ? probes->items[i].trace->span_count : 0)));
  }
  return list;
}

static json_t *exchange_json(const bt_exchange *made) {
  json_t *object =
      json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:s}", "what", made->what, "query", text_json(made->query), "at",
                time_json(made->at_ns), "took_ms", (json_int_t)made->took_ms, "status", (json_int_t)made->status,
                "answer_bytes", (json_int_t)made->answer_bytes, "content_type", made->content_type);
  if (made->start_s) bt_json_set(object, "start", json_integer(made->start_s));
  if (made->end_s) bt_json_set(object, "end", json_integer(made->end_s));
  if (made->limit) bt_json_set(object, "limit", json_integer(made->limit));
  if (made->sentence[0]) bt_json_set(object, "answer", bt_text_json(bt_str_from(made->sentence)));
  return object;
}

static json_t *odd_probe_json(const bt_odd_probe *probe) {
  char id[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(&probe->trace_id, id);
  return json_pack("{s:s, s:s, s:s, s:o, s:b, s:o, s:o, s:b, s:o}", "id", probe->id, "title", probe->title, "trace_id",
                   id, "start", time_json(probe->start_ns), "pushed", probe->is_pushed, "found_after_seconds",
                   seconds_json(probe->found_after_ns), "found_up_to_now_after_seconds",
                   seconds_json(probe->reached_after_ns), "by_id", probe->is_by_id, "problem",
                   text_json(probe->problem[0] ? probe->problem : NULL));
}

static json_t *odd_times_json(const bt_doctor_report *report) {
  json_t *probes = json_array();
  for (size_t i = 0; i < BT_ODD_PROBES; i++) bt_json_append(probes, odd_probe_json(&report->odd[i]));
  return json_pack("{s:o, s:o}", "looked_for_seconds", seconds_json(report->odd_looked_ns), "probes", probes);
}

/* A setting; below 0: not known. */
static json_t *number_json(int64_t number) {
  return number < 0 ? json_null() : json_integer(number);
}

static json_t *store_json(const bt_doctor_report *report) {
  return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
                   text_json(report->version[0] ? report->version : NULL), "checked", report->about.is_checked, "note",
                   text_json(report->about.note[0] ? report->about.note : NULL), "content_type",
                   text_json(report->content_type[0] ? report->content_type : NULL), "hidden_tail_seconds",
                   seconds_json(report->hidden_tail_ns), "max_block_duration_seconds",
                   seconds_json(report->max_block_ns), "max_search_duration_seconds",
                   seconds_json(report->max_range_ns), "max_result_limit", number_json(report->most_traces),
                   "max_attribute_bytes", number_json(report->cut_bytes));
}

static json_t *sum_json(const bt_doctor_report *report) {
  return json_pack("{s:I, s:I, s:I}", "holds", (json_int_t)bt_doctor_report_count(report, BT_FACT_HOLDS), "fails",
                   (json_int_t)bt_doctor_report_count(report, BT_FACT_FAILS), "unknown",
                   (json_int_t)bt_doctor_report_count(report, BT_FACT_UNKNOWN));
}

json_t *bt_doctor_report_json(const bt_doctor_report *report, const bt_exchanges *exchanges) {
  json_t *facts = json_array(), *requests = json_array(), *asked = json_array();
  for (size_t i = 0; i < report->count; i++) bt_json_append(facts, fact_json(report, &report->facts[i]));
  for (size_t i = 0; i < exchanges->count; i++) bt_json_append(requests, exchange_json(&exchanges->items[i]));
  for (unsigned i = 0; i < BT_DOCTOR_PASSES; i++)
    if (report->passes_ns[i]) bt_json_append(asked, time_json(report->passes_ns[i]));
  return json_pack("{s:s, s:s, s:s, s:o, s:{s:o, s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o}", "version", BETRACE_VERSION,
                   "run", report->probes.run, "outcome", bt_fact_outcome_name(bt_doctor_report_outcome(report)),
                   "summary", sum_json(report), "times", "started", time_json(report->started_ns), "pushed",
                   time_json(report->pushed_ns), "asked", asked, "finished", time_json(report->finished_ns), "store",
                   store_json(report), "facts", facts, "odd_times", odd_times_json(report), "probes",
                   probes_json(&report->probes), "requests", requests);
}
