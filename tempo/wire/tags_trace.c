/* Names and values out of one trace, as Tempo's tag API gives them: an array's items one by one. See tags_trace.h. */
#include "tempo/wire/tags_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsl/trace/untyped_text.h"

typedef struct lister {
  const bt_tag_request *request;
  bt_tag_list *list;
  bool is_full; /* out of memory */
} lister;

static void add_tag(lister *l, bt_str text, bt_value_type type) {
  if (!l->is_full && !bt_tag_list_add(l->list, l->request, text, type)) l->is_full = true;
}

/* As few digits as tell the number from all others, as Tempo writes them. */
static void add_double(lister *l, double number) {
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, number);
    if (strtod(text, NULL) == number) break;
  }
  add_tag(l, bt_str_from(text), BT_VALUE_DOUBLE);
}

static void add_scalar(lister *l, const bt_value *value) {
  char text[32];
  if (value->type == BT_VALUE_STRING) add_tag(l, value->string, BT_VALUE_STRING);
  if (value->type == BT_VALUE_BOOL) add_tag(l, value->boolean ? BT_STR("true") : BT_STR("false"), BT_VALUE_BOOL);
  if (value->type == BT_VALUE_DOUBLE) add_double(l, value->decimal);
  if (value->type != BT_VALUE_INT) return;
  snprintf(text, sizeof text, "%" PRId64, value->integer);
  add_tag(l, bt_str_from(text), BT_VALUE_INT);
}

/* What a text of unknown type reads as; one that may have been a list or nothing is left out. */
static void add_reading(lister *l, const bt_value *value) {
  bt_readings readings = bt_readings_of(value);
  if (!readings.is_open && readings.count) add_scalar(l, &readings.items[readings.count > 1 ? 1 : 0]);
}

static void add_value(lister *l, const bt_value *value) {
  if (bt_value_is_untyped(value)) {
    add_reading(l, value);
    return;
  }
  if (value->type == BT_VALUE_ARRAY)
    for (uint32_t i = 0; i < value->array.count; i++) add_scalar(l, &value->array.items[i]);
  else
    add_scalar(l, value);
}

static void add_attributes(lister *l, const bt_attributes *attributes) {
  for (uint32_t i = 0; i < attributes->count; i++) {
    const bt_attribute *attribute = &attributes->items[i];
    if (!l->request->key.ptr)
      add_tag(l, attribute->key, BT_VALUE_MISSING);
    else if (bt_str_equal(attribute->key, l->request->key))
      add_value(l, &attribute->value);
  }
}

static void add_span(lister *l, const bt_span *span) {
  switch (l->request->scope) {
  case BT_TAG_SPAN: add_attributes(l, &span->attributes); break;
  case BT_TAG_RESOURCE: add_attributes(l, &span->resource->attributes); break;
  case BT_TAG_SCOPE: add_attributes(l, &span->scope->attributes); break;
  case BT_TAG_ANY:
    add_attributes(l, &span->attributes);
    add_attributes(l, &span->resource->attributes);
    break;
  case BT_TAG_EVENT:
    for (uint32_t i = 0; i < span->event_count; i++) add_attributes(l, &span->events[i].attributes);
    break;
  case BT_TAG_LINK:
    for (uint32_t i = 0; i < span->link_count; i++) add_attributes(l, &span->links[i].attributes);
    break;
  case BT_TAG_SPAN_NAME: add_tag(l, span->name, BT_VALUE_STRING); break;
  case BT_TAG_SERVICE_NAME:
    if (span->resource->service.ptr) add_tag(l, span->resource->service, BT_VALUE_STRING);
    break;
  case BT_TAG_STATUS_MESSAGE: add_tag(l, span->status_message, BT_VALUE_STRING); break;
  case BT_TAG_SCOPES: break;
  }
}

bool bt_tags_of_trace(const bt_trace *trace, const bt_tag_request *request, bt_tag_list *list) {
  lister l = {.request = request, .list = list};
  for (uint32_t i = 0; i < trace->span_count && !l.is_full; i++) add_span(&l, &trace->spans[i]);
  return !l.is_full;
}

bool bt_tags_of_attributes(const bt_attributes *attributes, const bt_tag_request *request, bt_tag_list *list) {
  lister l = {.request = request, .list = list};
  add_attributes(&l, attributes);
  return !l.is_full;
}
