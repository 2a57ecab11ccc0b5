/* Tags that stand for fields. See told_tags.h. */
#include "tempo/wire/told_tags.h"

#include <string.h>

#include "tempo/wire/json_number.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef enum told_field {
  TOLD_KIND,
  TOLD_CODE,
  TOLD_MESSAGE,
  TOLD_SCOPE,
  TOLD_VERSION,
  TOLD_STATE,
  TOLD_LOST_ATTRIBUTES,
  TOLD_LOST_EVENTS,
  TOLD_LOST_LINKS,
  TOLD_ERROR,
  TOLD_NOTHING
} told_field;

static const struct {
  const char *key;
  told_field field;
} told[] = {{"span.kind", TOLD_KIND},
            {"otel.status_code", TOLD_CODE},
            {"otel.status_description", TOLD_MESSAGE},
            {"otel.scope.name", TOLD_SCOPE},
            {"otel.library.name", TOLD_SCOPE},
            {"otel.scope.version", TOLD_VERSION},
            {"otel.library.version", TOLD_VERSION},
            {"w3c.tracestate", TOLD_STATE},
            {"otel.dropped_attributes_count", TOLD_LOST_ATTRIBUTES},
            {"otel.dropped_events_count", TOLD_LOST_EVENTS},
            {"otel.dropped_links_count", TOLD_LOST_LINKS},
            {"error", TOLD_ERROR}};

static told_field field_of(bt_str key) {
  for (size_t i = 0; i < COUNT(told); i++)
    if (bt_str_equal(key, bt_str_from(told[i].key))) return told[i].field;
  return TOLD_NOTHING;
}

bool bt_told_kind(bt_str word, bt_span_kind *out) {
  static const struct {
    const char *word;
    bt_span_kind kind;
  } kinds[] = {{"internal", BT_KIND_INTERNAL},
               {"server", BT_KIND_SERVER},
               {"client", BT_KIND_CLIENT},
               {"producer", BT_KIND_PRODUCER},
               {"consumer", BT_KIND_CONSUMER}};
  for (size_t i = 0; i < COUNT(kinds); i++)
    if (bt_str_equal_nocase(word, bt_str_from(kinds[i].word))) return *out = kinds[i].kind, true;
  return false;
}

/* What is told of one span. */
typedef struct told_span {
  bt_span *span;
  bt_str scope, version;
  bool has_code, has_error;
  bt_str error_text;
} told_span;

/* A word, or OTLP's number, as the SDK for C++ writes it. */
static bool take_code(told_span *t, const bt_value *value) {
  static const char *const words[] = {
      [BT_SPAN_STATUS_UNSET] = "UNSET", [BT_SPAN_STATUS_OK] = "OK", [BT_SPAN_STATUS_ERROR] = "ERROR"};
  bool is_text = value->type == BT_VALUE_STRING;
  for (size_t i = 0; i < COUNT(words); i++) {
    bool is_it = is_text ? bt_str_equal_nocase(value->string, bt_str_from(words[i]))
                         : value->type == BT_VALUE_INT && value->integer == (int64_t)i;
    if (!is_it) continue;
    t->span->status = (bt_span_status)i;
    return t->has_code = true;
  }
  return false;
}

static bool take_count(const bt_value *value, uint32_t *out) {
  int64_t count = value->integer;
  bool is_text = value->type == BT_VALUE_STRING;
  if (is_text ? !bt_json_is_number(value->string) || !bt_json_to_int64(value->string, &count)
              : value->type != BT_VALUE_INT)
    return false;
  if (count < 0 || count > UINT32_MAX) return false;
  if ((uint32_t)count > *out) *out = (uint32_t)count; /* those that were seen to be lost are no fewer */
  return true;
}

static bool take_text(const bt_value *value, bt_str *out) {
  if (value->type != BT_VALUE_STRING) return false;
  *out = value->string;
  return true;
}

static void note_error(told_span *t, const bt_value *value) {
  bool is_text = value->type == BT_VALUE_STRING;
  bool is_false =
      is_text ? bt_str_equal(value->string, BT_STR("false")) : value->type == BT_VALUE_BOOL && !value->boolean;
  t->has_error = !is_false;
  if (is_text && !is_false && !bt_str_equal(value->string, BT_STR("true"))) t->error_text = value->string;
}

/* Whether the tag is a field now, and no attribute. */
static bool take_tag(told_span *t, const bt_attribute *tag) {
  bt_span *span = t->span;
  const bt_value *value = &tag->value;
  bool is_text = value->type == BT_VALUE_STRING;
  switch (field_of(tag->key)) {
  case TOLD_KIND: return is_text && bt_told_kind(value->string, &span->kind);
  case TOLD_CODE: return take_code(t, value);
  case TOLD_MESSAGE: return take_text(value, &span->status_message);
  case TOLD_SCOPE: return take_text(value, &t->scope);
  case TOLD_VERSION: return take_text(value, &t->version);
  case TOLD_STATE: return take_text(value, &span->trace_state);
  case TOLD_LOST_ATTRIBUTES: return take_count(value, &span->dropped_attributes);
  case TOLD_LOST_EVENTS: return take_count(value, &span->dropped_events);
  case TOLD_LOST_LINKS: return take_count(value, &span->dropped_links);
  case TOLD_ERROR: note_error(t, value); return false;
  case TOLD_NOTHING: break;
  }
  return false;
}

static bt_status find_scope(bt_build *build, bt_told_scope *known, const told_span *t, bt_error *error) {
  const bt_scope *last = known->last;
  if (!last || !bt_str_equal(last->name, t->scope) || !bt_str_equal(last->version, t->version)) {
    bt_scope *scope = bt_arena_alloc(&build->arena, sizeof *scope);
    if (!scope) return bt_build_no_room(build, sizeof *scope, error);
    *scope = (bt_scope){.name = t->scope, .version = t->version, .attributes.dropped = BT_NOT_KEPT};
    known->last = scope;
  }
  t->span->scope = known->last;
  return BT_OK;
}

bt_status bt_told_tags_take(bt_build *build, bt_told_scope *scope, bt_span *span, bt_error *error) {
  told_span t = {.span = span, .scope = BT_STR(""), .version = BT_STR(""), .error_text = BT_STR("")};
  bt_attribute_list *tags = &build->span;
  size_t kept = 0;
  for (size_t i = 0; i < tags->count; i++)
    if (!take_tag(&t, &tags->items[i])) tags->items[kept++] = tags->items[i];
  tags->count = kept;
  span->is_kind_lost = span->kind == BT_KIND_UNSPECIFIED;
  if (!t.has_code && t.has_error) span->status = BT_SPAN_STATUS_ERROR;
  if (span->status == BT_SPAN_STATUS_ERROR && !span->status_message.len) span->status_message = t.error_text;
  return find_scope(build, scope, &t, error);
}
