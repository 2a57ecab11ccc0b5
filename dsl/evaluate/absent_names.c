/* Names that no trace has. See absent_names.h. */
#include "dsl/evaluate/absent_names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/base/near_names.h"
#include "dsl/rule/rule_walk.h"
#include "dsl/rule/used_names.h"

/* Most spans are called as others before them. Those that were held against a name lately are not held again. */
enum { RECENT = 64, RECENT_BYTES = 63 };
enum { NEAR_LONGEST = 100, NEAR_BYTES = 16 * 1024 }; /* longer names are no hint */

typedef struct recent_name {
  unsigned char length; /* 0: none */
  char text[RECENT_BYTES];
} recent_name;

typedef struct sought { /* one name of the rule */
  bt_used_name *used;
  bool is_attribute; /* of a bare name: some attribute is called so */
  bt_near_names near;
  bt_arena texts; /* of what is near */
  recent_name recent[RECENT];
} sought;

struct bt_absent_names {
  bt_used_names *parts; /* of each part of the rule that is looked at */
  size_t part_count, part_capacity;
  sought *names; /* of all parts, one after the other */
  size_t name_count;
  uint64_t traces;
  bool hides_some; /* some trace may have more than is here: summaries, what was dropped, or another copy of a span */
};

/* ---- which parts ---- */

static bt_status add_part(bt_absent_names *absent, const bt_condition *part, bt_error *error) {
  bt_used_names *parts = bt_grow_array(absent->parts, absent->part_count, &absent->part_capacity, sizeof *parts);
  if (!parts) return bt_error_no_memory(error);
  absent->parts = parts;
  bt_used_names *names = &parts[absent->part_count++];
  *names = (bt_used_names){0};
  bt_status status = bt_used_names_add(names, part, error);
  for (size_t i = 0; i < names->count; i++) names->items[i].presence = BT_NAME_ABSENT;
  return status;
}

/* What needs spans keeps a trace from exercising the rule, where not every trace does. */
static bt_status add_bare(bt_absent_names *absent, const bt_rule *rule, bt_error *error) {
  const bt_condition *whole = rule->condition;
  bt_status status = BT_OK;
  bool is_and = whole->kind == BT_CONDITION_AND;
  if (bt_rule_is_exercised_by_all(rule)) return add_part(absent, whole, error);
  for (uint32_t i = 0; i < (is_and ? whole->item_count : 1) && !status; i++) {
    const bt_condition *part = is_and ? whole->items[i] : whole;
    if (!bt_condition_needs_spans(part)) status = add_part(absent, part, error);
  }
  return status;
}

static bt_status add_parts(bt_absent_names *absent, const bt_rule *rule, bt_error *error) {
  bt_status status = rule->condition ? add_bare(absent, rule, error) : BT_OK;
  if (!status && rule->always) status = add_part(absent, rule->always, error);
  if (!status && rule->never) status = add_part(absent, rule->never, error);
  return status;
}

static bt_status add_names(bt_absent_names *absent, bt_error *error) {
  size_t count = 0;
  for (size_t i = 0; i < absent->part_count; i++) count += absent->parts[i].count;
  absent->names = calloc(count + 1, sizeof *absent->names);
  if (!absent->names) return bt_error_no_memory(error);
  for (size_t i = 0; i < absent->part_count; i++)
    for (size_t k = 0; k < absent->parts[i].count; k++) {
      sought *name = &absent->names[absent->name_count++];
      name->used = &absent->parts[i].items[k];
      bt_arena_init(&name->texts, NEAR_BYTES);
    }
  return BT_OK;
}

bt_status bt_absent_names_new(const bt_rule *rule, bt_absent_names **out, bt_error *error) {
  bt_absent_names *absent = calloc(1, sizeof *absent);
  *out = NULL;
  if (!absent) return bt_error_no_memory(error);
  bt_status status = add_parts(absent, rule, error);
  if (!status) status = add_names(absent, error);
  if (status)
    bt_absent_names_free(absent);
  else
    *out = absent;
  return status;
}

void bt_absent_names_free(bt_absent_names *absent) {
  if (!absent) return;
  for (size_t i = 0; i < absent->name_count; i++) bt_arena_dispose(&absent->names[i].texts);
  for (size_t i = 0; i < absent->part_count; i++) bt_used_names_dispose(&absent->parts[i]);
  free(absent->names);
  free(absent->parts);
  free(absent);
}

/* ---- what is there ---- */

static bool has_attribute(const bt_span *span, bt_str key) {
  return bt_attributes_find(&span->attributes, key) || bt_attributes_find(&span->resource->attributes, key);
}

static bool has_service(const bt_span *span, bt_str name) {
  return bt_str_equal(span->resource->service, name);
}

static bool has_name(const bt_span *span, const bt_used_name *used) {
  switch (used->kind) {
  case BT_NAME_SPAN_OR_SERVICE: return bt_str_equal(span->name, used->name) || has_service(span, used->name);
  case BT_NAME_SPAN: return bt_str_equal(span->name, used->name);
  case BT_NAME_SERVICE: return has_service(span, used->name);
  case BT_NAME_ATTRIBUTE: return has_attribute(span, used->name);
  }
  return false;
}

/* ---- what is near ---- */

static bool was_recent(sought *name, bt_str text) {
  recent_name *recent = &name->recent[bt_str_hash(text) % RECENT];
  if (!text.len || text.len > RECENT_BYTES) return !text.len;
  if (recent->length == text.len && !memcmp(recent->text, text.ptr, text.len)) return true;
  recent->length = (unsigned char)text.len;
  memcpy(recent->text, text.ptr, text.len);
  return false;
}

/* They are hints: without room for a further one there is none. */
static void consider_text(sought *name, bt_str text) {
  bt_near_names before = name->near;
  if (text.len > NEAR_LONGEST || was_recent(name, text)) return;
  size_t at = bt_near_names_consider(&name->near, name->used->name, text);
  if (at < BT_NEAR_NAMES && !bt_arena_copy(&name->texts, text, &name->near.names[at])) name->near = before;
}

static void consider_keys(sought *name, const bt_attributes *attributes) {
  for (uint32_t i = 0; i < attributes->count; i++) consider_text(name, attributes->items[i].key);
}

static void consider_span(sought *name, const bt_span *span) {
  bt_name_kind kind = name->used->kind;
  if (kind == BT_NAME_ATTRIBUTE) {
    consider_keys(name, &span->attributes);
    consider_keys(name, &span->resource->attributes);
  }
  if (kind == BT_NAME_SPAN || kind == BT_NAME_SPAN_OR_SERVICE) consider_text(name, span->name);
  if (kind == BT_NAME_SERVICE || kind == BT_NAME_SPAN_OR_SERVICE) consider_text(name, span->resource->service);
}

static void look_for_name(sought *name, const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count && name->used->presence == BT_NAME_ABSENT; i++) {
    const bt_span *span = &trace->spans[i];
    if (has_name(span, name->used)) name->used->presence = BT_NAME_THERE;
    if (name->used->kind == BT_NAME_SPAN_OR_SERVICE && !name->is_attribute)
      name->is_attribute = has_attribute(span, name->used->name);
    consider_span(name, span);
  }
}

void bt_absent_names_look(bt_absent_names *absent, const bt_trace *trace) {
  absent->traces++;
  bool has_dropped = trace->doubts & (BT_DOUBT_ATTRIBUTES | BT_DOUBT_EVENTS | BT_DOUBT_LINKS | BT_DOUBT_PARTS);
  absent->hides_some = absent->hides_some || trace->pruned || trace->partial || trace->differing_copies || has_dropped;
  for (size_t i = 0; i < absent->name_count; i++) look_for_name(&absent->names[i], trace);
}

void bt_absent_names_add(bt_absent_names *absent, const bt_absent_names *others) {
  absent->traces += others->traces;
  absent->hides_some = absent->hides_some || others->hides_some;
  for (size_t i = 0; i < absent->name_count; i++) {
    sought *name = &absent->names[i];
    const sought *other = &others->names[i];
    if (other->used->presence == BT_NAME_THERE) name->used->presence = BT_NAME_THERE;
    name->is_attribute = name->is_attribute || other->is_attribute;
    for (size_t k = 0; k < other->near.count; k++) consider_text(name, other->near.names[k]);
  }
}

/* ---- sentences ---- */

static const char *say_lack(bt_name_kind kind) {
  switch (kind) {
  case BT_NAME_SPAN_OR_SERVICE: return "is the name of no span and no service";
  case BT_NAME_SPAN: return "is the name of no span";
  case BT_NAME_SERVICE: return "is the name of no service";
  case BT_NAME_ATTRIBUTE: break;
  }
  return "is an attribute of no span";
}

static void say_absent(const bt_absent_names *absent, const sought *name, bt_buffer *out) {
  const bt_near_names *near = &name->near;
  bt_buffer_printf(out, "`%.*s` %s in the %" PRIu64 " trace%s read", BT_FMT(name->used->name),
                   say_lack(name->used->kind), absent->traces, absent->traces == 1 ? " that was" : "s that were");
  for (size_t i = 0; i < near->count; i++) bt_near_name_write(near->names[i], i, out);
}

bool bt_absent_names_say(bt_absent_names *absent, size_t i, bt_buffer *out, bt_range *place) {
  if (!absent->traces || absent->hides_some) return false;
  for (size_t part = 0; part < absent->part_count; part++) bt_used_names_spare(&absent->parts[part]);
  for (size_t k = 0; k < absent->name_count; k++) {
    const sought *name = &absent->names[k];
    bool is_said = name->used->presence == BT_NAME_ABSENT && !name->used->is_spared && !name->is_attribute;
    if (!is_said || i--) continue;
    *place = name->used->place;
    say_absent(absent, name, out);
    return true;
  }
  return false;
}
