/* Small values as JSON. See json_values.h. */
#include "server/json/json_values.h"

#include "server/base/time_text.h"
#include "server/json/canonical_json.h"
#include "server/json/json_memory.h"

json_t *bt_text_json(bt_str text) {
  if (bt_utf8_valid(text)) return json_stringn(text.ptr ? text.ptr : "", text.len);
  bt_buffer repaired = {0};
  while (text.len) {
    size_t length = bt_utf8_sequence(text, NULL);
    bt_buffer_append(&repaired, length ? (bt_str){text.ptr, length} : BT_STR("\xEF\xBF\xBD"));
    text.ptr += length ? length : 1;
    text.len -= length ? length : 1;
  }
  json_t *string = repaired.failed ? NULL : json_stringn(repaired.ptr, repaired.len);
  bt_buffer_dispose(&repaired);
  return string;
}

json_t *bt_time_json(int64_t time_ns) {
  char text[40];
  if (!time_ns) return json_null();
  bt_time_format(time_ns, text);
  return json_string(text);
}

json_t *bt_duration_json(int64_t ns) {
  char text[64];
  bt_duration_format(ns, text);
  return json_string(text);
}

json_t *bt_lasting_json(const bt_lasting *lasting) {
  return lasting->length == BT_LENGTH_KNOWN ? bt_duration_json(lasting->length_ns) : json_null();
}

json_t *bt_range_json(bt_time_range range) {
  return json_pack("{s:o, s:o}", "start", bt_time_json(range.start_ns), "end", bt_time_json(range.end_ns));
}

json_t *bt_count_json(uint64_t number) {
  return json_integer(number > (uint64_t)BT_CANONICAL_INTEGER_MAX ? BT_CANONICAL_INTEGER_MAX : (json_int_t)number);
}

json_t *bt_moment_json(const bt_moment *moment) {
  char hex[BT_TRACE_ID_HEX + 1];
  if (!moment->is_set) return json_null();
  bt_trace_id_format(&moment->trace_id, hex);
  return json_pack("{s:s, s:o}", "trace_id", hex, "time", bt_time_json(moment->time_ns));
}

json_t *bt_assumptions_json(const bt_assumptions *a) {
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o*, s:s*, s:s*, s:s*}", "margin",
                   bt_duration_json(a->margin_ns), "lateness", bt_duration_json(a->lateness_ns), "settle",
                   bt_duration_json(a->settle_ns), "clock_skew", bt_duration_json(a->clock_skew_ns), "handover",
                   bt_duration_json(a->handover_ns), "require_complete", a->require_complete, "links_sampled",
                   a->links_sampled, "links_within", a->links_within_ns ? bt_duration_json(a->links_within_ns) : NULL,
                   "sampling", a->sampling, "max_rate", a->max_rate, "coarse_clocks",
                   a->coarse_clocks_unknown ? "unknown" : NULL);
}

json_t *bt_spent_json(const bt_rule_verdict *verdict, bt_str rule_text) {
  if (verdict->spent == BT_SPENT_NOTHING) return json_null();
  bt_buffer text = {0};
  bt_range in = verdict->spent_in;
  bt_verdict_say_spending(verdict, rule_text, &text);
  json_t *range = in.end > in.start ? json_pack("{s:I, s:I}", "start", (json_int_t)in.start, "end", (json_int_t)in.end)
                                    : json_null();
  json_t *spent =
      json_pack("{s:o, s:o}", "text", text.failed ? NULL : bt_text_json(bt_buffer_str(&text)), "range", range);
  bt_buffer_dispose(&text);
  return spent;
}

json_t *bt_data_note_json(bt_str text, bt_range place) {
  return json_pack("{s:o, s:{s:I, s:I}}", "message", bt_text_json(text), "range", "start", (json_int_t)place.start,
                   "end", (json_int_t)place.end);
}

json_t *bt_data_notes_json(const bt_data_notes *notes) {
  json_t *array = json_array();
  bt_buffer text = {0};
  bt_range place;
  for (size_t i = 0; bt_data_notes_say(notes, i, &text, &place); i++) {
    bt_json_append(array, bt_data_note_json(bt_buffer_str(&text), place));
    bt_buffer_clear(&text);
  }
  bt_buffer_dispose(&text);
  return array;
}

json_t *bt_optional_text_json(const char *text) {
  return text && text[0] ? bt_text_json(bt_str_from(text)) : json_null();
}

void bt_json_append(json_t *to, json_t *value) {
  if (json_array_append_new(to, value)) bt_json_memory_lacks(); /* takes the value in any case */
}

void bt_json_set(json_t *to, const char *name, json_t *value) {
  if (json_object_set_new(to, name, value)) bt_json_memory_lacks();
}

void bt_json_set_text(json_t *to, bt_str name, json_t *value) {
  if (json_object_setn_new(to, name.ptr, name.len, value)) bt_json_memory_lacks();
}

void bt_json_append_all(json_t *to, json_t *values) {
  if (json_array_extend(to, values)) bt_json_memory_lacks();
  json_decref(values);
}

void bt_json_set_all(json_t *to, json_t *values) {
  if (json_object_update(to, values)) bt_json_memory_lacks();
  json_decref(values);
}
