/* Fields of a made-up trace, read and set. See model.h. */
#include "dsl/example/model.h"

#include <string.h>

#include "dsl/base/hex.h"

static const int64_t MS = 1000000;
static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
static const char *const statuses[] = {"unset", "ok", "error"};

void model_clear(model *m) {
  m->id = (bt_trace_id){{0xBE, [15] = 1}};
  m->count = 0;
  m->next_id = 1;
}

void model_copy(const model *from, model *to) {
  to->id = from->id;
  to->count = from->count;
  to->next_id = from->next_id;
  memcpy(to->spans, from->spans, from->count * sizeof *from->spans);
}

int model_add(model *m, uint32_t most) {
  if (m->count >= most || m->count >= MODEL_SPANS) return MODEL_NONE;
  model_span *span = &m->spans[m->count];
  memset(span, 0, sizeof *span);
  span->id.bytes[6] = (uint8_t)(m->next_id >> 8);
  span->id.bytes[7] = (uint8_t)m->next_id;
  m->next_id++;
  if (m->count) span->parent_id = m->spans[0].id;
  span->start_ns = m->count * MS;
  span->end_ns = span->start_ns + MS;
  return (int)m->count++;
}

void model_remove(model *m, uint32_t span) {
  model_span *gone = &m->spans[span];
  for (uint32_t i = 0; i < m->count; i++)
    if (memcmp(&m->spans[i].parent_id, &gone->id, sizeof gone->id) == 0) m->spans[i].parent_id = gone->parent_id;
  memmove(gone, gone + 1, (m->count - span - 1) * sizeof *gone);
  m->count--;
}

int model_find(const model *m, bt_span_id id) {
  for (uint32_t i = 0; i < m->count; i++)
    if (memcmp(&m->spans[i].id, &id, sizeof id) == 0) return (int)i;
  return MODEL_NONE;
}

bool model_is_under(const model *m, int span, int ancestor) {
  for (uint32_t steps = 0; span >= 0 && steps <= m->count; steps++) {
    span = model_find(m, m->spans[span].parent_id);
    if (span == ancestor) return true;
  }
  return false;
}

bool model_is_sound(const model *m) {
  for (uint32_t i = 0; i < m->count; i++)
    if (model_is_under(m, (int)i, (int)i)) return false;
  return true;
}

int model_add_part(model_parts *parts) {
  if (parts->count >= MODEL_PARTS) return MODEL_NONE;
  memset(&parts->items[parts->count], 0, sizeof *parts->items);
  return (int)parts->count++;
}

/* ---- keys ---- */

typedef struct key_list {
  bt_attribute *items;
  uint32_t *count;
  uint32_t room;
} key_list;

static key_list list_of(model_keys *keys) {
  return (key_list){keys->items, &keys->count, MODEL_KEYS};
}

static bt_value key_get(key_list list, bt_str key) {
  for (uint32_t i = 0; list.items && i < *list.count; i++)
    if (bt_str_equal(list.items[i].key, key)) return list.items[i].value;
  return (bt_value){0};
}

static bool key_set(key_list list, bt_str key, bt_value value) {
  uint32_t at = 0;
  if (!list.items) return false;
  while (at < *list.count && !bt_str_equal(list.items[at].key, key)) at++;
  if (value.type == BT_VALUE_MISSING) {
    if (at < *list.count) memmove(&list.items[at], &list.items[at + 1], (--*list.count - at) * sizeof *list.items);
    return true;
  }
  if (value.type == BT_VALUE_DURATION || value.type == BT_VALUE_TIME || at == list.room) return false;
  value.is_name = false;
  list.items[at] = (bt_attribute){key, value};
  if (at == *list.count) ++*list.count;
  return true;
}

static bool is_of_links(bt_field_kind kind) {
  return kind == BT_FIELD_LINK_TRACE_ID || kind == BT_FIELD_LINK_SPAN_ID || kind == BT_FIELD_LINK_ATTRIBUTE;
}

/* The event or the link that a field is about: that of the place, else the first. */
static model_part *part_of(model *m, const bt_field *field, model_place place) {
  if (place.span < 0) return NULL;
  model_span *span = &m->spans[place.span];
  model_parts *parts = is_of_links(field->kind) ? &span->links : &span->events;
  uint32_t number = place.part < 0 ? 0 : (uint32_t)place.part;
  return number < parts->count ? &parts->items[number] : NULL;
}

/* The attributes that a field is one of; no items: it is none. */
static key_list keys_of(model *m, const bt_field *field, model_place place) {
  bool is_of_root =
      field->kind == BT_FIELD_TRACE_ROOT_ATTRIBUTE || field->kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE;
  int number = is_of_root ? 0 : place.span;
  if (number < 0 || (uint32_t)number >= m->count) return (key_list){0};
  model_span *span = &m->spans[number];
  model_part *part = NULL;
  switch ((int)field->kind) {
  case BT_FIELD_SPAN_ATTRIBUTE:
  case BT_FIELD_EITHER_ATTRIBUTE:
  case BT_FIELD_TRACE_ROOT_ATTRIBUTE: return list_of(&span->attributes);
  case BT_FIELD_RESOURCE_ATTRIBUTE:
  case BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE: return list_of(&span->resource);
  case BT_FIELD_SCOPE_ATTRIBUTE: return list_of(&span->scope);
  case BT_FIELD_EVENT_ATTRIBUTE:
  case BT_FIELD_LINK_ATTRIBUTE:
    part = part_of(m, field, place);
    if (part) return (key_list){part->items, &part->count, MODEL_PART_KEYS};
    return (key_list){0};
  default: return (key_list){0};
  }
}

/* ---- reading ---- */

static bt_value text_value(bt_str text) {
  return text.len ? (bt_value){.type = BT_VALUE_STRING, .is_name = true, .string = text} : (bt_value){0};
}

static bt_value number_value(bt_value_type type, int64_t number) {
  bt_value value = {.type = type};
  value.integer = number;
  return value;
}

static int64_t edge_of(const model *m, bool is_end) {
  int64_t edge = m->count ? (is_end ? m->spans[0].end_ns : m->spans[0].start_ns) : 0;
  for (uint32_t i = 1; i < m->count; i++) {
    int64_t at = is_end ? m->spans[i].end_ns : m->spans[i].start_ns;
    if (is_end ? at > edge : at < edge) edge = at;
  }
  return edge;
}

static bt_value get_of_trace(const model *m, bt_field_kind kind) {
  bt_value services[MODEL_SPANS];
  int64_t count = 0;
  switch ((int)kind) {
  case BT_FIELD_TRACE_DURATION: return number_value(BT_VALUE_DURATION, edge_of(m, true) - edge_of(m, false));
  case BT_FIELD_TRACE_START: return number_value(BT_VALUE_TIME, edge_of(m, false));
  case BT_FIELD_TRACE_END: return number_value(BT_VALUE_TIME, edge_of(m, true));
  case BT_FIELD_TRACE_SPAN_COUNT: return number_value(BT_VALUE_INT, m->count);
  case BT_FIELD_TRACE_ROOT_NAME: return m->count ? text_value(m->spans[0].name) : (bt_value){0};
  case BT_FIELD_TRACE_SERVICE_COUNT:
    for (uint32_t i = 0; i < m->count; i++) {
      services[i] = model_get(m, &(bt_field){.kind = BT_FIELD_SERVICE}, (model_place){(int)i, MODEL_NONE});
      bool is_new = services[i].type == BT_VALUE_STRING;
      for (uint32_t j = 0; is_new && j < i; j++)
        is_new = services[j].type != BT_VALUE_STRING || !bt_str_equal(services[i].string, services[j].string);
      count += is_new;
    }
    return number_value(BT_VALUE_INT, count);
  default: return (bt_value){0};
  }
}

bt_value model_get(const model *m, const bt_field *field, model_place place) {
  model *all = (model *)(uintptr_t)m; /* only looked at */
  bt_value named = {0};
  for (uint32_t i = 0; i < field->name_count && named.type == BT_VALUE_MISSING; i++)
    named = model_get(m, &field->names[i], place);
  if (field->name_count) return named;
  if (field->kind == BT_FIELD_SERVICE && place.span >= 0)
    return key_get(list_of(&all->spans[place.span].resource), BT_STR("service.name"));
  if (field->kind == BT_FIELD_TRACE_ROOT_SERVICE && m->count)
    return key_get(list_of(&all->spans[0].resource), BT_STR("service.name"));
  key_list list = keys_of(all, field, place);
  if (list.items) {
    bt_value value = key_get(list, field->key);
    if (value.type == BT_VALUE_MISSING && field->kind == BT_FIELD_EITHER_ATTRIBUTE)
      value = key_get(list_of(&all->spans[place.span].resource), field->key);
    return value;
  }
  if (place.span < 0 || field->kind >= BT_FIELD_TRACE_DURATION) return get_of_trace(m, field->kind);
  const model_span *span = &m->spans[place.span];
  const model_part *part = part_of(all, field, place);
  switch ((int)field->kind) {
  case BT_FIELD_NAME: return text_value(span->name);
  case BT_FIELD_KIND: return text_value(bt_str_from(kinds[span->kind]));
  case BT_FIELD_STATUS: return text_value(bt_str_from(statuses[span->status]));
  case BT_FIELD_STATUS_MESSAGE: return text_value(span->status_message);
  case BT_FIELD_DURATION: return number_value(BT_VALUE_DURATION, span->end_ns - span->start_ns);
  case BT_FIELD_START: return number_value(BT_VALUE_TIME, span->start_ns);
  case BT_FIELD_END: return number_value(BT_VALUE_TIME, span->end_ns);
  case BT_FIELD_TRACE_STATE:
    return bt_str_equal(span->trace_state.key, field->key) ? span->trace_state.value : (bt_value){0};
  case BT_FIELD_FLAGS: return span->flags ? number_value(BT_VALUE_INT, span->flags) : (bt_value){0};
  case BT_FIELD_SCOPE_NAME: return text_value(span->scope_name);
  case BT_FIELD_SCOPE_VERSION: return text_value(span->scope_version);
  case BT_FIELD_EVENT_NAME: return part ? text_value(part->name) : (bt_value){0};
  case BT_FIELD_EVENT_TIME: return part ? number_value(BT_VALUE_TIME, part->time_ns) : (bt_value){0};
  default: return (bt_value){0};
  }
}

/* ---- setting ---- */

static bool set_word(const char *const *words, size_t count, bt_value value, unsigned *out) {
  for (size_t i = 0; value.type == BT_VALUE_STRING && i < count; i++)
    if (bt_str_equal_nocase(value.string, bt_str_from(words[i]))) return *out = (unsigned)i, true;
  if (value.type == BT_VALUE_MISSING) *out = 0;
  return value.type == BT_VALUE_MISSING;
}

static bool set_text(bt_str *text, bt_value value) {
  if (value.type != BT_VALUE_STRING && value.type != BT_VALUE_MISSING) return false;
  *text = value.type == BT_VALUE_STRING ? value.string : (bt_str){0};
  return true;
}

static bool set_count(uint32_t *count, bt_value value) {
  if (value.type == BT_VALUE_MISSING) return *count = 0, true;
  if (value.type != BT_VALUE_INT || value.integer < 0 || value.integer > UINT32_MAX / 2) return false;
  *count = (uint32_t)value.integer;
  return true;
}

/* Nothing lies further from the start than this. */
static bool is_near(bt_value value) {
  int64_t most = INT64_C(3600) * 1000000000 * 24 * 3650;
  return (value.type == BT_VALUE_DURATION || value.type == BT_VALUE_TIME) && value.integer > -most &&
         value.integer < most;
}

static bool set_time(model_span *span, bt_field_kind kind, bt_value value) {
  int64_t duration_ns = span->end_ns - span->start_ns;
  if (!is_near(value)) return false;
  if (kind == BT_FIELD_DURATION) {
    if (value.integer < 0) return false;
    span->end_ns = span->start_ns + value.integer;
  } else if (kind == BT_FIELD_START) {
    span->start_ns = value.integer;
    span->end_ns = value.integer + duration_ns;
  } else {
    span->end_ns = value.integer;
    if (span->start_ns > span->end_ns) span->start_ns = span->end_ns;
  }
  return true;
}

static bool set_id(bt_span_id *id, bt_value value) {
  if (value.type == BT_VALUE_MISSING) return *id = (bt_span_id){{0}}, true;
  return value.type == BT_VALUE_STRING && bt_span_id_parse(value.string, id);
}

/* A span without an id is no span. */
static bool set_own_id(bt_span_id *id, bt_value value) {
  bt_span_id own = {{0}};
  if (!set_id(&own, value) || bt_span_id_is_zero(&own)) return false;
  *id = own;
  return true;
}

static bool set_trace_id(bt_trace_id *id, bt_value value) {
  return value.type == BT_VALUE_STRING && bt_trace_id_parse(value.string, id);
}

static bool set_part(model_part *part, bt_field_kind kind, bt_value value) {
  if (!part) return value.type == BT_VALUE_MISSING;
  if (kind == BT_FIELD_EVENT_NAME) return set_text(&part->name, value);
  if (kind == BT_FIELD_LINK_TRACE_ID) return set_trace_id(&part->trace_id, value);
  if (kind == BT_FIELD_LINK_SPAN_ID) return set_id(&part->span_id, value);
  if (!is_near(value)) return false;
  part->time_ns = value.integer;
  return true;
}

static bool set_services(model *m, int64_t count) {
  static const char *const names[] = {"service-1", "service-2", "service-3", "service-4", "service-5"};
  for (uint32_t i = 0; i < m->count; i++) {
    bt_value name = {0};
    if (i < count) name = text_value(bt_str_from(names[i % 5]));
    if (!key_set(list_of(&m->spans[i].resource), BT_STR("service.name"), name)) return false;
  }
  return count <= 5;
}

static bool set_of_trace(model *m, bt_field_kind kind, bt_value value) {
  bool is_count = kind == BT_FIELD_TRACE_SPAN_COUNT || kind == BT_FIELD_TRACE_SERVICE_COUNT;
  if (kind == BT_FIELD_TRACE_ID) return set_trace_id(&m->id, value);
  if (is_count && (value.type != BT_VALUE_INT || value.integer < 1 || value.integer > MODEL_SPANS)) return false;
  while (is_count && m->count < value.integer)
    if (model_add(m, MODEL_SPANS) < 0) return false;
  if (kind == BT_FIELD_TRACE_SERVICE_COUNT) return set_services(m, value.integer);
  if (is_count) return true;
  if (!m->count && model_add(m, MODEL_SPANS) < 0) return false;
  if (kind == BT_FIELD_TRACE_ROOT_NAME) return set_text(&m->spans[0].name, value);
  if (kind == BT_FIELD_TRACE_ROOT_SERVICE)
    return key_set(list_of(&m->spans[0].resource), BT_STR("service.name"), value);
  if (kind == BT_FIELD_TRACE_DURATION && is_near(value)) value.integer += edge_of(m, false);
  if (kind == BT_FIELD_TRACE_START) return set_time(&m->spans[0], BT_FIELD_START, value);
  return set_time(&m->spans[0], BT_FIELD_END, value);
}

/* Other ones are not kept by every way a trace is written. */
static bool can_be_service(const bt_value *value) {
  return value->type == BT_VALUE_MISSING || (value->type == BT_VALUE_STRING && value->string.len > 0);
}

/* By its newest name, and by no other. */
static bool set_by_name(model *m, const bt_field *field, model_place place, bt_value value) {
  bool ok = true;
  for (uint32_t i = 1; i < field->name_count; i++) ok = model_set(m, &field->names[i], place, (bt_value){0}) && ok;
  return model_set(m, &field->names[0], place, value) && ok;
}

bool model_set(model *m, const bt_field *field, model_place place, bt_value value) {
  if (field->name_count) return set_by_name(m, field, place, value);
  unsigned word = 0;
  key_list list = keys_of(m, field, place);
  bool is_of_resource =
      field->kind == BT_FIELD_RESOURCE_ATTRIBUTE || field->kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE;
  if (is_of_resource && bt_str_equal(field->key, BT_STR("service.name")) && !can_be_service(&value)) return false;
  if (list.items) return key_set(list, field->key, value);
  if (field->kind >= BT_FIELD_TRACE_DURATION) return set_of_trace(m, field->kind, value);
  if (place.span < 0) return false;
  model_span *span = &m->spans[place.span];
  switch ((int)field->kind) {
  case BT_FIELD_NAME: return set_text(&span->name, value);
  case BT_FIELD_SERVICE: return key_set(list_of(&span->resource), BT_STR("service.name"), value);
  case BT_FIELD_KIND:
    if (!set_word(kinds, 6, value, &word)) return false;
    span->kind = (bt_span_kind)word;
    return true;
  case BT_FIELD_STATUS:
    if (!set_word(statuses, 3, value, &word)) return false;
    span->status = (bt_span_status)word;
    return true;
  case BT_FIELD_STATUS_MESSAGE: return set_text(&span->status_message, value);
  case BT_FIELD_DURATION:
  case BT_FIELD_START:
  case BT_FIELD_END: return set_time(span, field->kind, value);
  case BT_FIELD_ID: return set_own_id(&span->id, value);
  case BT_FIELD_PARENT_ID: return set_id(&span->parent_id, value);
  case BT_FIELD_SPAN_TRACE_ID: return set_trace_id(&m->id, value);
  case BT_FIELD_TRACE_STATE:
    if (value.type == BT_VALUE_STRING && !value.string.len) return false;
    span->trace_state = (bt_attribute){field->key, value};
    return value.type == BT_VALUE_STRING || value.type == BT_VALUE_MISSING;
  case BT_FIELD_FLAGS: return set_count(&span->flags, value);
  case BT_FIELD_DROPPED_ATTRIBUTES: return set_count(&span->dropped_attributes, value);
  case BT_FIELD_DROPPED_EVENTS: return set_count(&span->dropped_events, value);
  case BT_FIELD_DROPPED_LINKS: return set_count(&span->dropped_links, value);
  case BT_FIELD_SCOPE_NAME: return set_text(&span->scope_name, value);
  case BT_FIELD_SCOPE_VERSION: return set_text(&span->scope_version, value);
  case BT_FIELD_EVENT_NAME:
  case BT_FIELD_EVENT_TIME:
  case BT_FIELD_LINK_TRACE_ID:
  case BT_FIELD_LINK_SPAN_ID: return set_part(part_of(m, field, place), field->kind, value);
  default: return false;
  }
}

/* ---- the trace ---- */

static bool build_keys(bt_arena *arena, const bt_attribute *items, uint32_t count, bt_attributes *out) {
  out->count = count;
  out->items = bt_arena_duplicate(arena, items, count * sizeof *items);
  return out->items != NULL;
}

static bool build_events(bt_arena *arena, const model_parts *from, bt_span *span) {
  bt_event *events = bt_arena_array(arena, from->count, sizeof *events);
  for (uint32_t i = 0; events && i < from->count; i++) {
    const model_part *part = &from->items[i];
    events[i] = (bt_event){.name = part->name, .time_ns = EXAMPLE_START_NS + part->time_ns};
    if (!build_keys(arena, part->items, part->count, &events[i].attributes)) return false;
  }
  span->events = events;
  span->event_count = from->count;
  return events != NULL;
}

static bool build_links(bt_arena *arena, const model_parts *from, bt_span *span) {
  bt_link *links = bt_arena_array(arena, from->count, sizeof *links);
  for (uint32_t i = 0; links && i < from->count; i++) {
    const model_part *part = &from->items[i];
    links[i] = (bt_link){.trace_id = part->trace_id, .span_id = part->span_id};
    if (!build_keys(arena, part->items, part->count, &links[i].attributes)) return false;
  }
  span->links = links;
  span->link_count = from->count;
  return links != NULL;
}

static bool build_trace_state(bt_arena *arena, const bt_attribute *from, bt_str *out) {
  if (from->value.type != BT_VALUE_STRING) return true;
  size_t key = from->key.len, value = from->value.string.len;
  char *text = bt_arena_array(arena, key + value + 1, 1);
  if (!text) return false;
  memcpy(text, from->key.ptr, key);
  text[key] = '=';
  memcpy(text + key + 1, from->value.string.ptr, value);
  *out = (bt_str){text, key + value + 1};
  return true;
}

static bool build_span(const model_span *from, bt_arena *arena, bt_span *span) {
  bt_resource *resource = bt_arena_alloc(arena, sizeof *resource);
  bt_scope *scope = bt_arena_alloc(arena, sizeof *scope);
  *span = (bt_span){.id = from->id,
                    .parent_id = from->parent_id,
                    .name = from->name.len ? from->name : BT_STR("work"),
                    .status_message = from->status_message,
                    .kind = from->kind,
                    .status = from->status,
                    .start_ns = EXAMPLE_START_NS + from->start_ns,
                    .end_ns = EXAMPLE_START_NS + from->end_ns,
                    .resource = resource,
                    .scope = scope,
                    .flags = from->flags,
                    .dropped_attributes = from->dropped_attributes,
                    .dropped_events = from->dropped_events,
                    .dropped_links = from->dropped_links};
  if (!resource || !scope || !build_keys(arena, from->attributes.items, from->attributes.count, &span->attributes) ||
      !build_keys(arena, from->resource.items, from->resource.count, &resource->attributes) ||
      !build_keys(arena, from->scope.items, from->scope.count, &scope->attributes))
    return false;
  resource->service = bt_attributes_service(&resource->attributes);
  scope->name = from->scope_name;
  scope->version = from->scope_version;
  return build_trace_state(arena, &from->trace_state, &span->trace_state) && build_events(arena, &from->events, span) &&
         build_links(arena, &from->links, span);
}

const bt_trace *model_build(const model *m, bt_arena *arena) {
  bt_trace_builder *builder = bt_trace_builder_new(arena, &m->id);
  for (uint32_t i = 0; builder && i < m->count; i++) {
    bt_span span;
    if (!build_span(&m->spans[i], arena, &span) || !bt_trace_builder_add(builder, &span)) return NULL;
  }
  return builder ? bt_trace_builder_finish(builder) : NULL;
}
