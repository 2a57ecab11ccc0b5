/* What changed, as JSON. See changed_json.h. */
#include "server/json/changed_json.h"

#include "server/json/json_values.h"
#include "server/query/behaviour_text.h"

static json_t *share_json(bt_share share) {
  bt_share_bounds bounds = bt_share_interval(share, 0.95);
  return json_pack("{s:I, s:I, s:f, s:f, s:f}", "kept", (json_int_t)share.kept, "traces", (json_int_t)share.all,
                   "share", bt_share_value(share), "low", bounds.low, "high", bounds.high);
}

static json_t *marks_json(const bt_changed *changed, const bt_mark *items, uint32_t count) {
  json_t *marks = json_array();
  for (uint32_t m = 0; m < count; m++) {
    bt_buffer value = {0};
    bt_mine_value_write(changed->traces, &items[m].value, &value);
    bt_json_append(marks,
                   json_pack("{s:o, s:o, s:f}", "key", bt_text_json(bt_mine_text(changed->traces, items[m].value.key)),
                             "value", bt_text_json(bt_buffer_str(&value)), "share", items[m].share));
    bt_buffer_dispose(&value);
  }
  return marks;
}

static json_t *change_json(const bt_changed *changed, const bt_change *change) {
  bt_buffer words = {0};
  char before[BT_TRACE_ID_HEX + 1], after[BT_TRACE_ID_HEX + 1];
  bt_error error = {0};
  bt_rule_definition *rule = NULL;
  bool has_rule = bt_change_rule(changed->traces, change, &rule, &error) == BT_OK && rule;
  bt_behaviour_write(changed->traces, change->behaviour, &words);
  bt_trace_id_format(&change->example_before, before);
  bt_trace_id_format(&change->example_after, after);
  json_t *since = json_null();
  if (change->has_time)
    since = json_pack("{s:o, s:o, s:o}", "first", bt_time_json(change->since_ns), "from", bt_time_json(change->from_ns),
                      "until", bt_time_json(change->until_ns));
  json_t *json = json_pack(
      "{s:o, s:s, s:o, s:o, s:f, s:f, s:I, s:o, s:o, s:s, s:s, s:o}", "behaviour", bt_text_json(bt_buffer_str(&words)),
      "kind", bt_behaviour_kind_name(change->behaviour->kind), "before", share_json(change->before), "after",
      share_json(change->after), "chance", change->probability, "damage", change->damage, "behaviours",
      (json_int_t)change->members, "since", since, "marks", marks_json(changed, change->marks, change->mark_count),
      "trace_before", before, "trace_after", after, "dsl", bt_optional_text_json(has_rule ? rule->fields.dsl : NULL));
  bt_rule_definition_unref(rule);
  bt_buffer_dispose(&words);
  return json;
}

json_t *bt_changed_json(const bt_changed *changed) {
  const bt_changes *c = &changed->changes;
  const bt_mine_sample *traces = changed->traces;
  const char *unknown = bt_changed_is_unknown(changed);
  json_t *changes = json_array();
  for (size_t i = 0; i < c->count; i++) bt_json_append(changes, change_json(changed, &c->items[i]));
  return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:o}", "status",
                   unknown    ? "unknown"
                   : c->count ? "changed"
                              : "as_before",
                   "reason", bt_optional_text_json(unknown), "changes", changes, "matched",
                   marks_json(changed, changed->matched, changed->matched_count), "behaviours",
                   (json_int_t)c->looked_at, "unchanged", (json_int_t)c->unchanged, "baseline_traces",
                   (json_int_t)c->sizes[BT_MINE_BASELINE], "candidate_traces", (json_int_t)c->sizes[BT_MINE_CANDIDATE],
                   "chance_of_any", BT_CHANGE_LEVEL, "least_seen", (json_int_t)c->least_seen, "traces_incomplete",
                   (json_int_t)traces->incomplete, "traces_too_large", (json_int_t)traces->too_large, "traces_not_read",
                   (json_int_t)changed->account.not_given, "not_read", bt_optional_text_json(changed->account.unread));
}
