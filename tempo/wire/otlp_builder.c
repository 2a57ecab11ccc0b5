/* Texts, values and lists of decoded traces. See otlp_builder.h. */
#include "tempo/wire/otlp_builder.h"

#include <stdlib.h>
#include <string.h>

void bt_build_init(bt_build *build, size_t cap_bytes) {
  *build = (bt_build){0};
  bt_arena_init(&build->arena, cap_bytes);
}

void bt_build_dispose(bt_build *build) {
  free(build->resource.items);
  free(build->scope.items);
  free(build->span.items);
  free(build->event.items);
  free(build->link.items);
  free(build->events.items);
  free(build->links.items);
  free(build->values.items);
  bt_arena_dispose(&build->arena);
  *build = (bt_build){0};
}

bt_status bt_build_no_room(const bt_build *build, size_t wanted_bytes, bt_error *error) {
  const bt_arena *arena = &build->arena;
  size_t left = arena->cap_bytes - arena->total_bytes;
  if (left >= sizeof(max_align_t) && wanted_bytes <= left - sizeof(max_align_t)) return bt_error_no_memory(error);
  return bt_error_set(error, BT_LIMIT,
                      "the decoded traces need more memory than the %zu bytes allowed; read fewer at once",
                      arena->cap_bytes);
}

static bool is_ascii(bt_str s) {
  size_t i = 0;
  for (; s.len - i >= 8; i += 8) {
    uint64_t word;
    memcpy(&word, s.ptr + i, 8);
    if (word & 0x8080808080808080u) return false;
  }
  for (; i < s.len; i++)
    if ((unsigned char)s.ptr[i] >= 0x80) return false;
  return true;
}

static bt_status repair_text(bt_build *build, bt_str raw, bt_str *out, bt_error *error) {
  static const char replacement[3] = {'\xEF', '\xBF', '\xBD'};
  char *text = raw.len > SIZE_MAX / 3 ? NULL : bt_arena_alloc(&build->arena, raw.len * 3);
  if (!text) return bt_build_no_room(build, raw.len > SIZE_MAX / 3 ? SIZE_MAX : raw.len * 3, error);
  size_t length = 0;
  while (raw.len) {
    size_t sequence = bt_utf8_sequence(raw, NULL);
    memcpy(text + length, sequence ? raw.ptr : replacement, sequence ? sequence : sizeof replacement);
    length += sequence ? sequence : sizeof replacement;
    raw.ptr += sequence ? sequence : 1;
    raw.len -= sequence ? sequence : 1;
  }
  *out = (bt_str){text, length};
  return BT_OK;
}

bt_status bt_build_text(bt_build *build, bt_str raw, bt_str *out, bt_error *error) {
  if (!is_ascii(raw) && !bt_utf8_valid(raw)) return repair_text(build, raw, out, error);
  *out = raw;
  return BT_OK;
}

bt_status bt_build_add(bt_attribute_list *list, const bt_attribute *attribute, bt_error *error) {
  bt_attribute *items = bt_grow_array(list->items, list->count, &list->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  list->items = items;
  items[list->count++] = *attribute;
  return BT_OK;
}

bt_status bt_build_add_value(bt_build *build, const bt_value *value, bt_error *error) {
  bt_value_list *list = &build->values;
  bt_value *items = bt_grow_array(list->items, list->count, &list->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  list->items = items;
  items[list->count++] = *value;
  return BT_OK;
}

bt_status bt_build_add_event(bt_build *build, const bt_event *event, bt_error *error) {
  bt_event_list *list = &build->events;
  bt_event *items = bt_grow_array(list->items, list->count, &list->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  list->items = items;
  items[list->count++] = *event;
  return BT_OK;
}

bt_status bt_build_add_link(bt_build *build, const bt_link *link, bt_error *error) {
  bt_link_list *list = &build->links;
  bt_link *items = bt_grow_array(list->items, list->count, &list->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  list->items = items;
  items[list->count++] = *link;
  return BT_OK;
}

/* A copy of `count` elements in the arena. Counts beyond 32 bits cannot be represented in a trace. */
static bt_status move_array(bt_build *build, const void *items, size_t count, size_t size, void **out,
                            bt_error *error) {
  *out = NULL;
  if (!count) return BT_OK;
  if (count > UINT32_MAX) return bt_error_set(error, BT_LIMIT, "a list has more than 4294967295 elements");
  *out = bt_arena_duplicate(&build->arena, items, count * size); /* in memory: it does not overflow */
  return *out ? BT_OK : bt_build_no_room(build, count * size, error);
}

bt_status bt_build_attributes(bt_build *build, bt_attribute_list *list, bt_attributes *out, bt_error *error) {
  void *items;
  bt_status status = move_array(build, list->items, list->count, sizeof *list->items, &items, error);
  out->items = items;
  out->count = status == BT_OK ? (uint32_t)list->count : 0;
  list->count = 0;
  return status;
}

static bool is_scalar(bt_value_type type) {
  return type == BT_VALUE_STRING || type == BT_VALUE_BOOL || type == BT_VALUE_INT || type == BT_VALUE_DOUBLE;
}

static bool is_uniform(const bt_value_list *list) {
  for (size_t i = 1; i < list->count; i++)
    if (list->items[i].type != list->items[0].type) return false;
  return list->count > 0 && is_scalar(list->items[0].type);
}

bt_status bt_build_array(bt_build *build, bt_value *out, bt_error *error) {
  bt_value_list *list = &build->values;
  *out = (bt_value){.type = BT_VALUE_OTHER};
  bt_status status = BT_OK;
  if (is_uniform(list)) {
    void *items;
    status = move_array(build, list->items, list->count, sizeof *list->items, &items, error);
    if (status == BT_OK)
      *out = (bt_value){.type = BT_VALUE_ARRAY, .array = {.items = items, .count = (uint32_t)list->count}};
  }
  list->count = 0;
  return status;
}

bt_status bt_build_events(bt_build *build, bt_span *span, bt_error *error) {
  void *items;
  bt_event_list *list = &build->events;
  bt_status status = move_array(build, list->items, list->count, sizeof *list->items, &items, error);
  span->events = items;
  span->event_count = status == BT_OK ? (uint32_t)list->count : 0;
  list->count = 0;
  return status;
}

bt_status bt_build_links(bt_build *build, bt_span *span, bt_error *error) {
  void *items;
  bt_link_list *list = &build->links;
  bt_status status = move_array(build, list->items, list->count, sizeof *list->items, &items, error);
  span->links = items;
  span->link_count = status == BT_OK ? (uint32_t)list->count : 0;
  list->count = 0;
  return status;
}
