/* A made-up trace: a few spans that a search changes in any way, and turns into a bt_trace for the evaluator. Ids are
 * numbers from 1, times count from EXAMPLE_START_NS. Texts are borrowed from rules or from the search's arena. The
 * files of this folder only. Thread: a model belongs to one thread. */
#ifndef BT_DSL_EXAMPLE_MODEL_H
#define BT_DSL_EXAMPLE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"

enum { MODEL_SPANS = 128, MODEL_KEYS = 16, MODEL_PARTS = 8, MODEL_PART_KEYS = 4, MODEL_NONE = -1 };
#define EXAMPLE_START_NS INT64_C(1767225600000000000) /* 2026-01-01T00:00:00Z */

typedef struct model_keys {
  bt_attribute items[MODEL_KEYS];
  uint32_t count;
} model_keys;

typedef struct model_part { /* an event or a link */
  bt_str name;
  int64_t time_ns;
  bt_trace_id trace_id;
  bt_span_id span_id;
  bt_attribute items[MODEL_PART_KEYS];
  uint32_t count;
} model_part;

typedef struct model_parts {
  model_part items[MODEL_PARTS];
  uint32_t count;
} model_parts;

typedef struct model_span {
  bt_span_id id, parent_id;
  bt_str name; /* len 0: no matter which */
  bt_str status_message, scope_name, scope_version;
  bt_attribute trace_state; /* one vendor's, a text */
  bt_span_kind kind;
  bt_span_status status;
  uint32_t flags, dropped_attributes, dropped_events, dropped_links;
  int64_t start_ns, end_ns;
  model_keys attributes, resource, scope;
  model_parts events, links;
} model_span;

typedef struct model {
  bt_trace_id id;
  uint32_t count, next_id;
  model_span spans[MODEL_SPANS];
} model;

/* Which part of a span a test is about. */
typedef struct model_place {
  int span; /* MODEL_NONE: a condition, which is about none */
  int part; /* of events or links; MODEL_NONE: none */
} model_place;

void model_clear(model *m);
void model_copy(const model *from, model *to);
/* A new last span; MODEL_NONE: there are `most` already. */
int model_add(model *m, uint32_t most);
/* Its children become its parent's. */
void model_remove(model *m, uint32_t span);
int model_find(const model *m, bt_span_id id);
bool model_is_under(const model *m, int span, int ancestor);

/* No span is its own ancestor. */
bool model_is_sound(const model *m);

/* Of the span of the place, or of the trace. MISSING: it is not there. */
bt_value model_get(const model *m, const bt_field *field, model_place place);
/* MISSING removes it. False: nothing can be set so. */
bool model_set(model *m, const bt_field *field, model_place place, bt_value value);
/* MODEL_NONE: there is no room. */
int model_add_part(model_parts *parts);

/* The trace, in the arena; NULL: no room there. */
const bt_trace *model_build(const model *m, bt_arena *arena);

#endif
