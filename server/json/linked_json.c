/* Linked traces as JSON. See linked_json.h. Each link between two traces of the family stands once: one that the asked
 * trace has, or that leads to it, under the other trace; else under the trace whose span has it. The asked trace's come
 * first, so that they are not among those that are left out. */
#include "server/json/linked_json.h"

#include <stdlib.h>

#include "server/json/json_values.h"
#include "server/json/trace_json.h"

#define NOT_THERE UINT32_MAX

typedef struct shown_links {
  json_t *array; /* borrowed from the trace's item */
  json_int_t count;
} shown_links;

typedef struct maker {
  const bt_family *family;
  uint32_t *by_id; /* numbers of its traces in order of their ids: a batch names a thousand of them */
  shown_links *shown;
  uint32_t shown_count;  /* traces 1 to this one are listed */
  json_int_t most_links; /* of each */
} maker;

/* ---- which trace ---- */

static const bt_trace *trace_at(const bt_family *family, uint32_t number) {
  return family->traces[number].trace;
}

static int compare_numbers(const void *a, const void *b, void *context) {
  const bt_family *family = context;
  return bt_trace_id_compare(&trace_at(family, *(const uint32_t *)a)->id, &trace_at(family, *(const uint32_t *)b)->id);
}

static uint32_t find_trace(const maker *m, const bt_trace_id *id) {
  uint32_t low = 0, high = m->family->trace_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2, number = m->by_id[middle];
    int order = bt_trace_id_compare(&trace_at(m->family, number)->id, id);
    if (order == 0) return number;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NOT_THERE;
}

/* ---- links ---- */

static json_t *link_json(const bt_trace *trace, const bt_span *span, const bt_link *link) {
  char from_trace[BT_TRACE_ID_HEX + 1], to_trace[BT_TRACE_ID_HEX + 1];
  char from_span[BT_SPAN_ID_HEX + 1], to_span[BT_SPAN_ID_HEX + 1];
  bt_trace_id_format(&trace->id, from_trace);
  bt_span_id_format(&span->id, from_span);
  bt_trace_id_format(&link->trace_id, to_trace);
  bt_span_id_format(&link->span_id, to_span);
  return json_pack("{s:s, s:s, s:s, s:o}", "from_trace_id", from_trace, "from_span_id", from_span, "to_trace_id",
                   to_trace, "to_span_id", bt_span_id_is_zero(&link->span_id) ? json_null() : json_string(to_span));
}

static void add_link(maker *m, uint32_t under, const bt_trace *trace, const bt_span *span, const bt_link *link) {
  shown_links *shown = &m->shown[under];
  if (under > m->shown_count || shown->count++ >= m->most_links) return;
  bt_json_append(shown->array, link_json(trace, span, link));
}

/* Of one trace the links that tie it to the asked one, or else those that tie it to others. */
static void add_links_of(maker *m, uint32_t from, bool with_asked) {
  const bt_trace *trace = trace_at(m->family, from);
  const bt_trace_id *asked = &trace_at(m->family, 0)->id;
  for (uint32_t s = 0; s < trace->span_count; s++)
    for (uint32_t l = 0; l < trace->spans[s].link_count; l++) {
      const bt_link *link = &trace->spans[s].links[l];
      bool is_with_asked = from == 0 || bt_trace_id_compare(&link->trace_id, asked) == 0;
      if (is_with_asked != with_asked) continue;
      uint32_t to = find_trace(m, &link->trace_id);
      if (to == NOT_THERE || to == from) continue;
      add_link(m, from ? from : to, trace, &trace->spans[s], link);
    }
}

static void add_links(maker *m) {
  for (uint32_t t = 0; t <= m->shown_count; t++) add_links_of(m, t, true);
  for (uint32_t t = 1; t <= m->shown_count; t++) add_links_of(m, t, false);
}

/* ---- traces ---- */

static void add_traces(maker *m, json_t *array) {
  for (uint32_t i = 1; i <= m->shown_count; i++) {
    json_t *item = bt_trace_facts_json(trace_at(m->family, i)), *links = json_array();
    m->shown[i].array = links;
    bt_json_set(item, "incomplete", json_boolean(m->family->traces[i].is_incomplete));
    bt_json_set(item, "links", links);
    bt_json_append(array, item);
  }
}

/* Once all are counted. */
static void add_counts(const maker *m, json_t *array) {
  for (uint32_t i = 1; i <= m->shown_count; i++)
    bt_json_set(json_array_get(array, i - 1), "link_count", json_integer(m->shown[i].count));
}

static bool prepare_lists(maker *m) {
  uint32_t count = m->family->trace_count;
  m->shown_count = count - 1 < BT_LINKED_TRACES_SHOWN ? count - 1 : BT_LINKED_TRACES_SHOWN;
  m->most_links = m->shown_count > BT_MANY_LINKED_TRACES ? BT_LINKS_SHOWN_OF_MANY : BT_LINKS_SHOWN;
  m->by_id = calloc(count, sizeof *m->by_id);
  m->shown = calloc(count, sizeof *m->shown);
  if (!m->by_id || !m->shown) return false;
  for (uint32_t i = 0; i < count; i++) m->by_id[i] = i;
  qsort_r(m->by_id, count, sizeof *m->by_id, compare_numbers, (void *)(uintptr_t)m->family);
  return true;
}

bt_status bt_linked_json(const bt_family *family, json_t **out, bt_error *error) {
  maker m = {.family = family};
  *out = json_array();
  bool ok = *out && (!family || prepare_lists(&m));
  if (ok && family) {
    add_traces(&m, *out);
    add_links(&m);
    add_counts(&m, *out);
  }
  free(m.by_id);
  free(m.shown);
  if (ok) return BT_OK;
  json_decref(*out);
  *out = NULL;
  return bt_error_no_memory(error);
}
