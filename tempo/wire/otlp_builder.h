/* What the decoders build traces from: texts, values and lists, in an arena. Lists grow in scratch memory that is used
 * again for the next span, and move to the arena in their final size. Texts borrow from the input where they are UTF-8
 * there. Thread: one at a time. Only the decoders of tempo/ include this. Errors: BT_LIMIT, the arena has no room or a
 * list more than 2^32 − 1 elements; BT_NO_MEMORY. */
#ifndef BT_TEMPO_WIRE_OTLP_BUILDER_H
#define BT_TEMPO_WIRE_OTLP_BUILDER_H

#include <stddef.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"

typedef struct bt_attribute_list {
  bt_attribute *items;
  size_t count, capacity;
} bt_attribute_list;

typedef struct bt_value_list {
  bt_value *items;
  size_t count, capacity;
} bt_value_list;

typedef struct bt_event_list {
  bt_event *items;
  size_t count, capacity;
} bt_event_list;

typedef struct bt_link_list {
  bt_link *items;
  size_t count, capacity;
} bt_link_list;

typedef struct bt_build {
  bt_arena arena;
  /* Scratch. An attribute list for each place that can be open at the same time. */
  bt_attribute_list resource, scope, span, event, link;
  bt_event_list events;
  bt_link_list links;
  bt_value_list values;
} bt_build;

void bt_build_init(bt_build *build, size_t cap_bytes);
void bt_build_dispose(bt_build *build);

/* Why the arena did not give that many bytes: BT_LIMIT at its cap, BT_NO_MEMORY otherwise. */
bt_status bt_build_no_room(const bt_build *build, size_t wanted_bytes, bt_error *error);

/* A text from protobuf: bytes that are not UTF-8 become U+FFFD one by one, as Tempo's own JSON writes them. */
bt_status bt_build_text(bt_build *build, bt_str raw, bt_str *out, bt_error *error) BT_MUST_CHECK;

bt_status bt_build_add(bt_attribute_list *list, const bt_attribute *attribute, bt_error *error) BT_MUST_CHECK;
bt_status bt_build_add_value(bt_build *build, const bt_value *value, bt_error *error) BT_MUST_CHECK;
bt_status bt_build_add_event(bt_build *build, const bt_event *event, bt_error *error) BT_MUST_CHECK;
bt_status bt_build_add_link(bt_build *build, const bt_link *link, bt_error *error) BT_MUST_CHECK;

/* Each moves a list to the arena and empties it. How many attributes were dropped stays in *out. The values become
 * BT_VALUE_ARRAY when they are scalars of one type, else BT_VALUE_OTHER. */
bt_status bt_build_attributes(bt_build *build, bt_attribute_list *list, bt_attributes *out,
                              bt_error *error) BT_MUST_CHECK;
bt_status bt_build_array(bt_build *build, bt_value *out, bt_error *error) BT_MUST_CHECK;
bt_status bt_build_events(bt_build *build, bt_span *span, bt_error *error) BT_MUST_CHECK;
bt_status bt_build_links(bt_build *build, bt_span *span, bt_error *error) BT_MUST_CHECK;

#endif
