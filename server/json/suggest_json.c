/* Suggestions as JSON. See suggest_json.h. */
#include "server/json/suggest_json.h"

#include <math.h>

#include "server/json/gate_json.h"
#include "server/json/json_values.h"
#include "server/json/replay_json.h"

static json_t *exceptions_json(const bt_suggest_exceptions *exceptions) {
  json_t *array = json_array();
  for (size_t i = 0; i < exceptions->count; i++) {
    char id[BT_TRACE_ID_HEX + 1];
    bt_trace_id_format(&exceptions->items[i].trace_id, id);
    bt_json_append(array, json_pack("{s:s, s:o}", "trace_id", id, "time", bt_time_json(exceptions->items[i].time_ns)));
  }
  return array;
}

static json_t *suggestion_json(const bt_suggest_result *result, size_t at) {
  const bt_suggestions *s = &result->suggestions;
  return json_pack("{s:o, s:s, s:o, s:o, s:o}", "id", bt_text_json(bt_str_from(s->rules[at]->fields.id)), "kind",
                   bt_proposal_kind_name(s->proposals[at].kind), "dsl",
                   bt_text_json(bt_str_from(s->rules[at]->fields.dsl)), "rate", bt_rate_json(&result->rates[at]),
                   "exceptions", exceptions_json(&result->exceptions[at]));
}

json_t *bt_suggest_json(const bt_suggest_result *result) {
  const bt_suggestions *s = &result->suggestions;
  json_t *suggestions = json_array();
  for (size_t i = 0; i < s->kept_count; i++) bt_json_append(suggestions, suggestion_json(result, s->kept[i]));
  json_t *object =
      json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:o}", "status", bt_replay_outcome_name(result->outcome), "suggestions",
                suggestions, "considered", (json_int_t)s->proposal_count, "traces_sampled",
                (json_int_t)(s->mining ? s->mining->traces : 0), "traces_not_sampled", (json_int_t)s->sample.not_given,
                "names_not_looked_at", (json_int_t)(s->mining ? s->mining->names_beyond : 0), "coverage",
                bt_coverage_json(&result->coverage));
  if (!object) return NULL;
  if (result->reason[0]) bt_json_set(object, "reason", bt_text_json(bt_str_from(result->reason)));
  bt_json_set(object, "duration_seconds", json_real(round((double)result->duration_ns / 1e6) / 1e3));
  bt_json_set(object, "queries", json_integer((json_int_t)result->requests));
  bt_json_set(object, "bytes_inspected", json_integer((json_int_t)result->bytes_inspected));
  bt_json_set(object, "bytes_received", json_integer((json_int_t)result->bytes_received));
  return object;
}
