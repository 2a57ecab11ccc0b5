/* Do two records of one span agree? See trace_comparison.h. */
#include "dsl/trace/trace_comparison.h"

#include <stdlib.h>
#include <string.h>

static bool arrays_agree(const bt_value *a, const bt_value *b) {
  if (a->array.count != b->array.count) return false;
  for (uint32_t i = 0; i < a->array.count; i++)
    if (!bt_values_agree(&a->array.items[i], &b->array.items[i])) return false;
  return true;
}

/* NaN agrees with NaN here: the question is whether the same was sent twice. What is inside an OTHER is not kept. */
bool bt_values_agree(const bt_value *a, const bt_value *b) {
  if (a->type != b->type) return false;
  switch (a->type) {
  case BT_VALUE_MISSING:
  case BT_VALUE_OTHER: return true;
  case BT_VALUE_STRING: return bt_str_equal(a->string, b->string);
  case BT_VALUE_BOOL: return a->boolean == b->boolean;
  case BT_VALUE_INT: return a->integer == b->integer;
  case BT_VALUE_DOUBLE: return bt_double_is_same(a->decimal, b->decimal);
  case BT_VALUE_DURATION: return a->duration_ns == b->duration_ns;
  case BT_VALUE_TIME: return a->time_ns == b->time_ns;
  case BT_VALUE_ARRAY: return arrays_agree(a, b);
  }
  return false;
}

static bool attribute_agrees(const bt_attribute *a, const bt_attribute *b) {
  return bt_str_equal(a->key, b->key) && bt_values_agree(&a->value, &b->value);
}

static bool attributes_agree_in_order(bt_attributes a, bt_attributes b) {
  for (uint32_t i = 0; i < a.count; i++)
    if (!attribute_agrees(&a.items[i], &b.items[i])) return false;
  return true;
}

/* By key; of equal keys the first one stays first. Both point into one array. */
static int compare_attribute_pointers(const void *left, const void *right) {
  const bt_attribute *a = *(const bt_attribute *const *)left, *b = *(const bt_attribute *const *)right;
  int order = bt_str_compare(a->key, b->key);
  if (order) return order;
  return (a > b) - (a < b);
}

const bt_attribute **bt_attributes_sorted(bt_attributes attributes, bt_arena *arena) {
  const bt_attribute **sorted = bt_arena_array(arena, attributes.count, sizeof *sorted);
  if (!sorted) return NULL;
  for (uint32_t i = 0; i < attributes.count; i++) sorted[i] = &attributes.items[i];
  qsort(sorted, attributes.count, sizeof *sorted, compare_attribute_pointers);
  return sorted;
}

/* Attributes have no order of their own: two answers of a store may list them differently. */
static bool attributes_agree(bt_attributes a, bt_attributes b, bt_arena *arena, bool *has_room) {
  if (a.count != b.count || a.dropped != b.dropped) return false;
  if (attributes_agree_in_order(a, b)) return true;
  const bt_attribute **left = bt_attributes_sorted(a, arena), **right = bt_attributes_sorted(b, arena);
  if (!left || !right) return *has_room = false;
  for (uint32_t i = 0; i < a.count; i++)
    if (!attribute_agrees(left[i], right[i])) return false;
  return true;
}

bool bt_span_events_agree(const bt_span *a, const bt_span *b, bt_arena *arena, bool *has_room) {
  if (a->event_count != b->event_count) return false;
  for (uint32_t i = 0; i < a->event_count; i++) {
    const bt_event *x = &a->events[i], *y = &b->events[i];
    if (x->time_ns != y->time_ns || !bt_str_equal(x->name, y->name)) return false;
    if (!attributes_agree(x->attributes, y->attributes, arena, has_room)) return false;
  }
  return true;
}

bool bt_span_links_agree(const bt_span *a, const bt_span *b, bt_arena *arena, bool *has_room) {
  if (a->link_count != b->link_count) return false;
  for (uint32_t i = 0; i < a->link_count; i++) {
    const bt_link *x = &a->links[i], *y = &b->links[i];
    if (memcmp(&x->trace_id, &y->trace_id, sizeof x->trace_id) != 0) return false;
    if (memcmp(&x->span_id, &y->span_id, sizeof x->span_id) != 0) return false;
    if (!attributes_agree(x->attributes, y->attributes, arena, has_room)) return false;
  }
  return true;
}

/* But for the attributes that they have. */
static bool scopes_agree(const bt_scope *a, const bt_scope *b) {
  return a == b || (bt_str_equal(a->name, b->name) && bt_str_equal(a->version, b->version) &&
                    a->attributes.dropped == b->attributes.dropped);
}

static bool resources_agree(const bt_resource *a, const bt_resource *b) {
  return a == b || (bt_str_equal(a->service, b->service) && !a->service.ptr == !b->service.ptr &&
                    a->attributes.dropped == b->attributes.dropped);
}

bool bt_spans_agree_but_for_parts(const bt_span *a, const bt_span *b) {
  return memcmp(&a->parent_id, &b->parent_id, sizeof a->parent_id) == 0 && bt_str_equal(a->name, b->name) &&
         bt_str_equal(a->status_message, b->status_message) && a->status == b->status && a->start_ns == b->start_ns &&
         a->end_ns == b->end_ns && a->flags == b->flags && a->is_kind_lost == b->is_kind_lost &&
         a->time_slack_ns == b->time_slack_ns && bt_str_equal(a->trace_state, b->trace_state) &&
         a->dropped_attributes == b->dropped_attributes && a->dropped_events == b->dropped_events &&
         a->dropped_links == b->dropped_links && resources_agree(a->resource, b->resource) &&
         scopes_agree(a->scope, b->scope);
}

/* Resources and scopes that are shared need no look. */
static bool all_attributes_agree(const bt_span *a, const bt_span *b, bt_arena *arena, bool *has_room) {
  return (a->resource == b->resource ||
          attributes_agree(a->resource->attributes, b->resource->attributes, arena, has_room)) &&
         (a->scope == b->scope || attributes_agree(a->scope->attributes, b->scope->attributes, arena, has_room)) &&
         attributes_agree(a->attributes, b->attributes, arena, has_room);
}

bool bt_spans_agree(const bt_span *a, const bt_span *b, bt_arena *arena, bool *has_room) {
  *has_room = true;
  return bt_spans_agree_but_for_parts(a, b) && all_attributes_agree(a, b, arena, has_room) &&
         bt_span_events_agree(a, b, arena, has_room) && bt_span_links_agree(a, b, arena, has_room);
}
