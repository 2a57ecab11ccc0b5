/* A backtest of alerts as JSON. See backtest_json.h. */
#include "server/json/backtest_json.h"

#include "server/json/json_values.h"
#include "server/json/replay_json.h"

static json_t *time_json(int64_t time_ms) {
  return bt_time_json(time_ms * 1000000);
}

static json_t *labels_json(const bt_label_table *table, bt_label_set set) {
  json_t *labels = json_object();
  for (size_t i = 0; i < table->rows[set].count; i++)
    bt_json_set_text(labels, table->rows[set].labels[i].name, bt_text_json(table->rows[set].labels[i].value));
  return labels;
}

static json_t *pages_json(const bt_backtest *b, size_t rule, size_t most) {
  json_t *pages = json_array();
  for (size_t i = 0; i < b->page_count && json_array_size(pages) < most; i++) {
    const bt_alert_page *page = &b->pages[i];
    if (page->rule != rule) continue;
    int64_t end_ms = page->resolved_ms ? page->resolved_ms : b->end_ms;
    bt_json_append(pages, json_pack("{s:o, s:o, s:o, s:o, s:I}", "labels", labels_json(&b->table, page->labels),
                                    "active", time_json(page->active_ms), "fired", time_json(page->fired_ms),
                                    "resolved", page->resolved_ms ? time_json(page->resolved_ms) : json_null(),
                                    "seconds", (json_int_t)(end_ms - page->fired_ms) / 1000));
  }
  return pages;
}

static json_t *severities_json(const bt_alert_summary *alert) {
  json_t *list = json_array();
  for (size_t i = 0; i < alert->severity_count; i++) {
    const bt_severity_pages *one = &alert->severities[i];
    bt_json_append(list, json_pack("{s:o, s:I, s:I}", "severity",
                                   one->severity.len ? bt_text_json(one->severity) : json_null(), "pages",
                                   (json_int_t)one->pages, "at_night", (json_int_t)one->at_night));
  }
  return list;
}

/* null: nothing that was tried is seldom enough, or nothing has to be. */
static json_t *suggestions_json(const bt_alert_summary *alert) {
  json_t *wait = json_null(), *threshold = json_null();
  if (alert->has_for)
    wait = json_pack("{s:o, s:I}", "for", bt_duration_json(alert->for_ms * 1000000), "pages",
                     (json_int_t)alert->for_pages);
  if (alert->has_threshold)
    threshold = json_pack("{s:f, s:f, s:I, s:I}", "now", alert->number_there, "instead", alert->number_instead,
                          "offset", (json_int_t)alert->threshold_offset, "pages", (json_int_t)alert->threshold_pages);
  return json_pack("{s:o, s:o}", "for", wait, "threshold", threshold);
}

static json_t *gaps_json(const bt_time_gaps *gaps) {
  json_t *list = json_array();
  for (size_t i = 0; i < gaps->count; i++)
    bt_json_append(list, json_pack("{s:o, s:o}", "from", time_json(gaps->items[i].start_ms), "until",
                                   time_json(gaps->items[i].end_ms)));
  return list;
}

static json_t *missing_json(const bt_rule_outcome *outcome) {
  json_t *list = json_array();
  for (size_t i = 0; i < outcome->missing_count; i++) {
    const bt_missing_series *one = &outcome->missing[i];
    bt_json_append(list,
                   json_pack("{s:o, s:o, s:b}", "selector", bt_text_json(one->selector), "rule_id",
                             one->rule_id.len ? bt_text_json(one->rule_id) : json_null(), "counted", one->is_counted));
  }
  return list;
}

static json_t *twins_json(const bt_alert_rules *rules, size_t rule) {
  json_t *list = json_array();
  for (size_t i = rule + 1; i < rules->count; i++)
    if (rules->rules[i].is_twin && rules->rules[i].twin_of == rule)
      bt_json_append(list,
                     json_pack("{s:s, s:I}", "file", rules->rules[i].file, "line", (json_int_t)rules->rules[i].line));
  return list;
}

static json_t *alert_json(const bt_alert_backtest *a, const bt_alert_summary *alert, size_t most_firings) {
  static const char *const bases[] = {"counted", "assumed", "no_series"};
  const bt_alert_rule *rule = &a->backtest.rules.rules[alert->rule];
  const bt_rule_outcome *outcome = &a->backtest.outcomes[alert->rule];
  json_t *json =
      json_pack("{s:o, s:s, s:I, s:o, s:s, s:o, s:I, s:f, s:I, s:b, s:o, s:o, s:o, s:I, s:o, s:o}", "alert",
                bt_text_json(rule->name), "file", rule->file, "line", (json_int_t)rule->line, "also_in",
                twins_json(&a->backtest.rules, alert->rule), "rests_on", bases[outcome->basis], "not_there",
                missing_json(outcome), "pages", (json_int_t)alert->pages, "pages_per_week", alert->per_week,
                "pages_at_night", (json_int_t)alert->at_night, "too_often", alert->is_too_often, "by_severity",
                severities_json(alert), "suggestions", suggestions_json(alert), "unknown", gaps_json(&outcome->unknown),
                "unknown_seconds", (json_int_t)bt_alert_unknown_ms(a, alert) / 1000, "refused",
                outcome->failures ? bt_optional_text_json(outcome->failure) : json_null(), "firings",
                pages_json(&a->backtest, alert->rule, most_firings));
  return json;
}

static json_t *rule_json(const bt_counted_rule *rule) {
  return json_pack("{s:s, s:I, s:o, s:I}", "rule_id", rule->rule->fields.id, "violations", (json_int_t)rule->violations,
                   "exercised", rule->has_exercised ? json_integer((json_int_t)rule->exercised) : json_null(),
                   "unknown_steps", (json_int_t)rule->unknown);
}

json_t *bt_backtest_json(const bt_alert_backtest *a, size_t most_firings) {
  static const char *const endings[] = {
      [BT_ALERTS_SELDOM] = "seldom", [BT_ALERTS_TOO_OFTEN] = "too_often", [BT_ALERTS_UNKNOWN] = "unknown"};
  json_t *alerts = json_array(), *rules = json_array();
  for (size_t i = 0; i < a->alert_count; i++) bt_json_append(alerts, alert_json(a, &a->alerts[i], most_firings));
  for (size_t i = 0; i < a->rule_count; i++) bt_json_append(rules, rule_json(&a->rules[i]));
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:s, s:o, s:I, s:f, s:I, s:I, s:I, s:o}", "status",
                   endings[bt_alert_backtest_judge(a)], "alerts", alerts, "rules", rules, "start",
                   time_json(a->backtest.start_ms), "end", time_json(a->backtest.end_ms), "step",
                   bt_duration_json(a->steps.step_ns), "steps", (json_int_t)bt_counted_steps_count(&a->steps),
                   "assumed_well", bt_assumed_metrics, "not_counted", bt_optional_text_json(a->steps.reason),
                   "evaluations", (json_int_t)a->backtest.evaluations, "evaluating_seconds",
                   (double)a->evaluating_ns / 1e9, "requests", (json_int_t)a->steps.requests, "bytes_inspected",
                   (json_int_t)a->steps.bytes_inspected, "bytes_received", (json_int_t)a->steps.bytes_received,
                   "sampling", bt_sampling_json(&a->steps.sampling));
}
