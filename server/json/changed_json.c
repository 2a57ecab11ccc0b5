/* What changed, as JSON. See changed_json.h. */
#include "server/json/changed_json.h"

#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/query/behaviour_text.h"
#include "server/query/changed_text.h"
#include "server/query/changed_versions.h"

/* Takes the text; "" is null. */
static json_t *taken_json(bt_buffer *text) {
  json_t *json = text->len ? bt_text_json(bt_buffer_str(text)) : json_null();
  bt_buffer_dispose(text);
  return json;
}

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
  bt_buffer words = {0}, line = {0};
  char before[BT_TRACE_ID_HEX + 1], after[BT_TRACE_ID_HEX + 1];
  bt_error error = {0};
  bt_rule_definition *rule = NULL;
  bool has_rule = bt_change_rule(changed->traces, change, &rule, &error) == BT_OK && rule;
  bt_behaviour_write(changed->traces, change->behaviour, &words);
  bt_change_write(changed, change, &line);
  bt_trace_id_format(&change->example_before, before);
  bt_trace_id_format(&change->example_after, after);
  json_t *since = json_null();
  if (change->has_time)
    since = json_pack("{s:o, s:o, s:o}", "first", bt_time_json(change->since_ns), "from", bt_time_json(change->from_ns),
                      "until", bt_time_json(change->until_ns));
  json_t *json = json_pack(
      "{s:o, s:o, s:s, s:o, s:o, s:f, s:f, s:I, s:o, s:o, s:s, s:s, s:o}", "text", taken_json(&line), "behaviour",
      taken_json(&words), "kind", bt_behaviour_kind_name(change->behaviour->kind), "before", share_json(change->before),
      "after", share_json(change->after), "chance", change->probability, "damage", change->damage, "behaviours",
      (json_int_t)change->members, "since", since, "marks", marks_json(changed, change->marks, change->mark_count),
      "trace_before", before, "trace_after", after, "dsl", bt_optional_text_json(has_rule ? rule->fields.dsl : NULL));
  bt_rule_definition_unref(rule);
  return json;
}

static json_t *side_json(const bt_changed_side *side) {
  bt_buffer having = {0};
  if (side->key.len) bt_buffer_printf(&having, "%.*s=%.*s", BT_FMT(side->key), BT_FMT(side->value));
  return json_pack("{s:o, s:o, s:o}", "start", bt_time_json(side->range.start_ns), "end",
                   bt_time_json(side->range.end_ns), "having", taken_json(&having));
}

static json_t *versions_json(const bt_changed *changed, bool *has_more) {
  bt_seen_versions seen = {0};
  json_t *versions = json_array();
  if (changed->traces) bt_seen_versions_find(changed->traces, &seen);
  for (size_t i = 0; i < seen.count; i++) {
    const bt_seen_version *one = &seen.items[i];
    bt_json_append(versions, json_pack("{s:o, s:o, s:o, s:o, s:I}", "service", bt_text_json(one->service), "version",
                                       bt_text_json(one->version), "first", bt_time_json(one->first_ns), "last",
                                       bt_time_json(one->last->start_ns), "traces", (json_int_t)one->traces));
  }
  *has_more = seen.has_more;
  return versions;
}

/* What no line of the changes speaks about. */
static void set_left_out(const bt_changed *changed, json_t *json) {
  const bt_mine_sample *traces = changed->traces;
  const bt_catalog *catalog = &changed->changes.catalog;
  const struct {
    const char *name;
    uint64_t count;
  } numbers[] = {{"traces_incomplete", traces ? traces->incomplete : 0},
                 {"traces_too_large", traces ? traces->too_large : 0},
                 {"traces_not_read", changed->account.not_given},
                 {"spans_not_named", traces ? traces->names_beyond : 0},
                 {"attributes_drifting", catalog->drifting},
                 {"behaviours_beyond", catalog->beyond}};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    bt_json_set(json, numbers[i].name, json_integer((json_int_t)numbers[i].count));
  bt_json_set(json, "not_read", bt_optional_text_json(changed->account.unread));
}

json_t *bt_changed_json(const bt_changed *changed) {
  const bt_changes *c = &changed->changes;
  const char *unknown = bt_changed_is_unknown(changed);
  json_t *changes = json_array();
  bool has_more = false;
  for (size_t i = 0; i < c->count; i++) bt_json_append(changes, change_json(changed, &c->items[i]));
  json_t *versions = versions_json(changed, &has_more);
  json_t *json = json_pack(
      "{s:s, s:o, s:o, s:o, s:{s:o, s:o}, s:o, s:b, s:o, s:I, s:I, s:I, s:I, s:f, s:I}", "status",
      unknown && !(changed->stopped[0] && c->count) ? "unknown"
      : c->count                                    ? "changed"
                                                    : "as_before",
      "reason", bt_optional_text_json(unknown), "changes", changes, "matched",
      marks_json(changed, changed->matched, changed->matched_count), "sides", "baseline",
      side_json(&changed->sides[BT_MINE_BASELINE]), "candidate", side_json(&changed->sides[BT_MINE_CANDIDATE]),
      "versions", versions, "has_more_versions", has_more, "sampling", bt_sampling_json(&changed->sampling),
      "behaviours", (json_int_t)c->looked_at, "unchanged", (json_int_t)c->unchanged, "baseline_traces",
      (json_int_t)c->sizes[BT_MINE_BASELINE], "candidate_traces", (json_int_t)c->sizes[BT_MINE_CANDIDATE],
      "chance_of_any", BT_CHANGE_LEVEL, "least_seen", (json_int_t)c->least_seen);
  if (json) set_left_out(changed, json);
  return json;
}
