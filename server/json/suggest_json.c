/* Suggestions as JSON. See suggest_json.h. */
#include "server/json/suggest_json.h"

#include <math.h>

#include "server/json/gate_json.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"
#include "server/query/behaviour_text.h"

static json_t *exceptions_json(const bt_suggest_exceptions *exceptions) {
  json_t *array = json_array();
  for (size_t i = 0; i < exceptions->count; i++) {
    char id[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&exceptions->items[i].trace_id, id);
    bt_json_append(array, json_pack("{s:s, s:o}", "trace_id", id, "time", bt_time_json(exceptions->items[i].time_ns)));
  }
  return array;
}

json_t *bt_suggestion_json(const bt_suggestions *s, size_t at, const bt_rate *rate) {
  const bt_habit *habit = s->proposals[at];
  const bt_rule_fields *fields = &s->rules[at]->fields;
  bt_buffer words = {0};
  bt_behaviour_write(s->traces, habit->behaviour, &words);
  json_t *json = json_pack(
      "{s:o, s:s, s:o, s:o, s:o, s:f, s:o, s:f, s:{s:I, s:I}, s:f, s:I}", "id", bt_text_json(bt_str_from(fields->id)),
      "kind", bt_behaviour_kind_name(habit->behaviour->kind), "behaviour", bt_text_json(bt_buffer_str(&words)), "dsl",
      bt_text_json(bt_str_from(fields->dsl)), "rate", bt_rate_json(rate), "share_at_least",
      bt_suggestion_share_at_least(rate), "lift", isfinite(habit->lift) ? json_real(habit->lift) : json_null(),
      "lift_at_least", habit->lift_at_least, "without", "kept", (json_int_t)habit->without.kept, "traces",
      (json_int_t)habit->without.all, "chance", habit->probability, "behaviours", (json_int_t)habit->members);
  bt_buffer_dispose(&words);
  return json;
}

void bt_suggestions_json_account(json_t *object, const bt_suggestions *s) {
  const bt_mine_sample *traces = s->traces;
  bt_json_set(object, "traces_sampled", json_integer((json_int_t)bt_suggestions_traces(s)));
  bt_json_set(object, "traces_not_sampled", json_integer((json_int_t)s->sample.not_given));
  bt_json_set(object, "traces_left_out",
              json_integer(traces ? (json_int_t)(traces->incomplete + traces->too_large) : 0));
  bt_json_set(object, "names_not_looked_at", json_integer(traces ? (json_int_t)traces->names_beyond : 0));
  bt_json_set(object, "behaviours_tested", json_integer((json_int_t)s->habits.looked_at));
  bt_json_set(object, "behaviours_without_comparison", json_integer((json_int_t)s->habits.incomparable));
  bt_json_set(object, "false_discovery_rate", json_real(BT_HABIT_RATE));
}

json_t *bt_suggest_json(const bt_suggest_result *result) {
  const bt_suggestions *s = &result->suggestions;
  json_t *suggestions = json_array();
  for (size_t i = 0; i < s->kept_count; i++) {
    json_t *one = bt_suggestion_json(s, s->kept[i], &result->rates[s->kept[i]]);
    bt_json_set(one, "exceptions", exceptions_json(&result->exceptions[s->kept[i]]));
    bt_json_append(suggestions, one);
  }
  json_t *object =
      json_pack("{s:s, s:o, s:I, s:o}", "status", bt_replay_outcome_name(result->outcome), "suggestions", suggestions,
                "considered", (json_int_t)s->proposal_count, "coverage", bt_coverage_json(&result->coverage));
  if (!object) return NULL;
  bt_suggestions_json_account(object, s);
  if (result->reason[0]) bt_json_set(object, "reason", bt_text_json(bt_str_from(result->reason)));
  bt_json_set(object, "duration_seconds", json_real(round((double)result->duration_ns / 1e6) / 1e3));
  bt_json_set(object, "queries", json_integer((json_int_t)result->requests));
  bt_json_set(object, "bytes_inspected", json_integer((json_int_t)result->bytes_inspected));
  bt_json_set(object, "bytes_received", json_integer((json_int_t)result->bytes_received));
  return object;
}
