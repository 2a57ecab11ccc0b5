/* A trace and its spans as JSON. See trace_json.h. The keys that rules compare are sorted once, so that a span costs a
 * search for each of its attributes and not one for each key of each rule. */
#include "server/json/trace_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/span_time.h"
#include "server/json/json_values.h"
#include "server/replay/violation.h"

typedef struct shown_keys {
  bt_projection *projections; /* of each rule; hold the keys */
  size_t rule_count;
  bt_projected *items; /* sorted, each once */
  size_t count;
  bool status_message;
} shown_keys;

typedef struct maker {
  const bt_trace *trace;
  shown_keys keys;
  uint32_t *order;  /* spans by start and id */
  bool *is_witness; /* by span */
} maker;

/* ---- the trace ---- */

json_t *bt_trace_facts_json(const bt_trace *trace) {
  char id[BT_TRACE_ID_HEX + 1];
  bt_lasting lasting = bt_lasting_of_trace(trace);
  uint32_t root = bt_trace_root(trace);
  bt_trace_id_format(&trace->id, id);
  json_t *name = root == BT_NO_SPAN ? json_null() : bt_text_json(trace->spans[root].name);
  json_t *service = root == BT_NO_SPAN ? json_null() : bt_text_json(trace->spans[root].resource->service);
  return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o}", "trace_id", id, "span_count", (int)trace->span_count, "start",
                   bt_time_json(lasting.start_ns), "end", bt_time_json(lasting.end_ns), "root_name", name,
                   "root_service", service);
}

/* ---- which attributes ---- */

static int compare_keys(const void *a, const void *b) {
  const bt_projected *x = a, *y = b;
  int order = bt_str_compare(x->key, y->key);
  return order ? order : (x->scope > y->scope) - (x->scope < y->scope);
}

static bt_status collect_keys(shown_keys *keys, const bt_rule *const *rules, size_t count, bt_error *error) {
  size_t most = 0;
  keys->projections = calloc(count + 1, sizeof *keys->projections);
  if (!keys->projections) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) {
    bt_projection_init(&keys->projections[keys->rule_count++]);
    bt_status status = bt_projection_add(&keys->projections[i], rules[i], error);
    if (status) return status;
    most += keys->projections[i].attribute_count;
    keys->status_message = keys->status_message || keys->projections[i].status_message;
  }
  keys->items = calloc(most + 1, sizeof *keys->items);
  if (!keys->items) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++)
    for (uint32_t a = 0; a < keys->projections[i].attribute_count; a++)
      keys->items[keys->count++] = keys->projections[i].attributes[a];
  qsort(keys->items, keys->count, sizeof *keys->items, compare_keys);
  return BT_OK;
}

static void dispose_keys(shown_keys *keys) {
  for (size_t i = 0; i < keys->rule_count; i++) bt_projection_dispose(&keys->projections[i]);
  free(keys->projections);
  free(keys->items);
}

static bool is_shown(const shown_keys *keys, bt_projected_scope scope, bt_str key) {
  bt_projected wanted = {scope, key};
  return keys->count && bsearch(&wanted, keys->items, keys->count, sizeof wanted, compare_keys);
}

/* ---- spans ---- */

/* False: no memory. What is there under that name already stays. */
static bool set_attribute(json_t *object, bt_str prefix, const bt_attribute *attribute) {
  bt_buffer key = {0}, value = {0};
  bt_buffer_append(&key, prefix);
  bt_buffer_append(&key, attribute->key);
  bt_witness_value_write(&attribute->value, &value);
  bool ok = !key.failed && !value.failed;
  bool is_text = ok && bt_utf8_valid(bt_buffer_str(&key));
  if (is_text && !json_object_getn(object, key.ptr, key.len))
    bt_json_set_text(object, bt_buffer_str(&key),
                     bt_text_json(bt_text_cut(bt_buffer_str(&value), BT_WITNESS_VALUE_BYTES)));
  bt_buffer_dispose(&key);
  bt_buffer_dispose(&value);
  return ok;
}

/* A span's own attribute goes before its resource's, as in rules. */
static json_t *attributes_json(const shown_keys *keys, const bt_span *span) {
  json_t *object = json_object();
  bool ok = object != NULL;
  for (uint32_t i = 0; ok && i < span->attributes.count; i++) {
    const bt_attribute *attribute = &span->attributes.items[i];
    bool is_wanted = !bt_value_is_missing(&attribute->value) && (is_shown(keys, BT_PROJECTED_SPAN, attribute->key) ||
                                                                 is_shown(keys, BT_PROJECTED_EITHER, attribute->key));
    if (is_wanted) ok = set_attribute(object, BT_STR(""), attribute);
  }
  for (uint32_t i = 0; ok && i < span->resource->attributes.count; i++) {
    const bt_attribute *attribute = &span->resource->attributes.items[i];
    if (bt_value_is_missing(&attribute->value)) continue;
    if (is_shown(keys, BT_PROJECTED_RESOURCE, attribute->key))
      ok = set_attribute(object, BT_STR("resource."), attribute);
    if (ok && is_shown(keys, BT_PROJECTED_EITHER, attribute->key)) ok = set_attribute(object, BT_STR(""), attribute);
  }
  if (ok) return object;
  json_decref(object);
  return NULL;
}

static json_t *nanoseconds_json(int64_t ns) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, ns);
  return json_string(text);
}

static json_t *span_json(const maker *m, const bt_span *span) {
  static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  static const char *const statuses[] = {"unset", "ok", "error"};
  char id[BT_SPAN_ID_HEX + 1], parent[BT_SPAN_ID_HEX + 1];
  bt_span_id_format(&span->id, id);
  bt_span_id_format(&span->parent_id, parent);
  bool has_kind = (size_t)span->kind < sizeof kinds / sizeof kinds[0];
  bool has_status = (size_t)span->status < sizeof statuses / sizeof statuses[0];
  json_t *message = m->keys.status_message ? bt_text_json(span->status_message) : json_null();
  return json_pack("{s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "span_id", id, "parent_span_id",
                   bt_span_id_is_zero(&span->parent_id) ? json_null() : json_string(parent), "name",
                   bt_text_json(span->name), "service", bt_text_json(span->resource->service), "kind",
                   kinds[has_kind ? span->kind : 0], "status", statuses[has_status ? span->status : 0],
                   "status_message", message, "start_unix_nano", nanoseconds_json(span->start_ns), "end_unix_nano",
                   nanoseconds_json(span->end_ns), "attributes", attributes_json(&m->keys, span));
}

/* ---- which spans ---- */

static int compare_spans(const void *a, const void *b, void *context) {
  const bt_trace *trace = context;
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  const bt_span *s = &trace->spans[x], *t = &trace->spans[y];
  if (s->start_ns != t->start_ns) return s->start_ns < t->start_ns ? -1 : 1;
  int order = memcmp(s->id.bytes, t->id.bytes, sizeof s->id.bytes);
  return order ? order : (x > y) - (x < y);
}

static void mark_witnesses(maker *m, const bt_rule_verdict *verdict) {
  for (uint32_t c = 0; c < verdict->choice_count; c++)
    for (uint32_t w = 0; w < verdict->choices[c].witness_count; w++)
      if (!verdict->choices[c].witnesses[w].trace) m->is_witness[verdict->choices[c].witnesses[w].span] = true;
}

static bt_status prepare_spans(maker *m, const bt_rule_verdict *verdicts, size_t count, bt_error *error) {
  uint32_t span_count = m->trace->span_count;
  m->order = calloc((size_t)span_count + 1, sizeof *m->order);
  m->is_witness = calloc((size_t)span_count + 1, sizeof *m->is_witness);
  if (!m->order || !m->is_witness) return bt_error_no_memory(error);
  for (uint32_t i = 0; i < span_count; i++) m->order[i] = i;
  qsort_r(m->order, span_count, sizeof *m->order, compare_spans, (void *)(uintptr_t)m->trace);
  for (size_t i = 0; i < count; i++)
    if (verdicts[i].verdict == BT_VIOLATED) mark_witnesses(m, &verdicts[i]);
  return BT_OK;
}

bt_status bt_trace_spans_json(const bt_trace *trace, const bt_rule *const *rules, const bt_rule_verdict *verdicts,
                              size_t count, size_t most, json_t **out, bt_error *error) {
  maker m = {.trace = trace};
  *out = json_array();
  bt_status status = *out ? collect_keys(&m.keys, rules, count, error) : bt_error_no_memory(error);
  if (!status) status = prepare_spans(&m, verdicts, count, error);
  for (uint32_t i = 0; !status && i < trace->span_count; i++)
    if (i < most || m.is_witness[m.order[i]]) bt_json_append(*out, span_json(&m, &trace->spans[m.order[i]]));
  dispose_keys(&m.keys);
  free(m.order);
  free(m.is_witness);
  if (!status) return BT_OK;
  json_decref(*out);
  *out = NULL;
  return status;
}
