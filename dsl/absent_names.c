/* Names that no trace has. See absent_names.h. */
#include "dsl/absent_names.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dsl/rule_walk.h"
#include "dsl/used_names.h"

struct bt_absent_names {
  bt_used_names *parts; /* of each part of the rule that is looked at */
  size_t part_count, part_capacity;
  bool **is_attribute; /* of each bare name: some attribute is called so */
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

/* Whether an absent name of it keeps a trace from exercising the rule, where not every trace does. */
static bool is_exercising(const bt_condition *part) {
  return part->kind != BT_CONDITION_NOT && part->kind != BT_CONDITION_COMPARE;
}

static bt_status add_bare(bt_absent_names *absent, const bt_rule *rule, bt_error *error) {
  const bt_condition *whole = rule->condition;
  bt_status status = BT_OK;
  bool is_and = whole->kind == BT_CONDITION_AND;
  if (bt_rule_is_exercised_by_all(rule)) return add_part(absent, whole, error);
  for (uint32_t i = 0; i < (is_and ? whole->item_count : 1) && !status; i++) {
    const bt_condition *part = is_and ? whole->items[i] : whole;
    if (!is_exercising(part)) status = add_part(absent, part, error);
  }
  return status;
}

static bt_status add_parts(bt_absent_names *absent, const bt_rule *rule, bt_error *error) {
  bt_status status = rule->condition ? add_bare(absent, rule, error) : BT_OK;
  if (!status && rule->always) status = add_part(absent, rule->always, error);
  if (!status && rule->never) status = add_part(absent, rule->never, error);
  return status;
}

static bt_status add_marks(bt_absent_names *absent, bt_error *error) {
  absent->is_attribute = calloc(absent->part_count + 1, sizeof *absent->is_attribute);
  if (!absent->is_attribute) return bt_error_no_memory(error);
  for (size_t i = 0; i < absent->part_count; i++) {
    absent->is_attribute[i] = calloc(absent->parts[i].count + 1, sizeof **absent->is_attribute);
    if (!absent->is_attribute[i]) return bt_error_no_memory(error);
  }
  return BT_OK;
}

bt_status bt_absent_names_new(const bt_rule *rule, bt_absent_names **out, bt_error *error) {
  bt_absent_names *absent = calloc(1, sizeof *absent);
  *out = NULL;
  if (!absent) return bt_error_no_memory(error);
  bt_status status = add_parts(absent, rule, error);
  if (!status) status = add_marks(absent, error);
  if (status)
    bt_absent_names_free(absent);
  else
    *out = absent;
  return status;
}

void bt_absent_names_free(bt_absent_names *absent) {
  if (!absent) return;
  for (size_t i = 0; i < absent->part_count; i++) {
    bt_used_names_dispose(&absent->parts[i]);
    if (absent->is_attribute) free(absent->is_attribute[i]);
  }
  free(absent->is_attribute);
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

static void look_for_name(bt_used_name *used, bool *is_attribute, const bt_trace *trace) {
  for (uint32_t i = 0; i < trace->span_count && used->presence == BT_NAME_ABSENT; i++) {
    if (has_name(&trace->spans[i], used)) used->presence = BT_NAME_THERE;
    if (used->kind == BT_NAME_SPAN_OR_SERVICE && !*is_attribute)
      *is_attribute = has_attribute(&trace->spans[i], used->name);
  }
}

void bt_absent_names_look(bt_absent_names *absent, const bt_trace *trace) {
  absent->traces++;
  bool has_dropped = trace->doubts & (BT_DOUBT_ATTRIBUTES | BT_DOUBT_EVENTS | BT_DOUBT_LINKS | BT_DOUBT_PARTS);
  absent->hides_some = absent->hides_some || trace->pruned || trace->partial || trace->differing_copies || has_dropped;
  for (size_t i = 0; i < absent->part_count; i++)
    for (size_t k = 0; k < absent->parts[i].count; k++)
      look_for_name(&absent->parts[i].items[k], &absent->is_attribute[i][k], trace);
}

void bt_absent_names_add(bt_absent_names *absent, const bt_absent_names *others) {
  absent->traces += others->traces;
  absent->hides_some = absent->hides_some || others->hides_some;
  for (size_t i = 0; i < absent->part_count; i++)
    for (size_t k = 0; k < absent->parts[i].count; k++) {
      if (others->parts[i].items[k].presence == BT_NAME_THERE) absent->parts[i].items[k].presence = BT_NAME_THERE;
      absent->is_attribute[i][k] = absent->is_attribute[i][k] || others->is_attribute[i][k];
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

bool bt_absent_names_say(bt_absent_names *absent, size_t i, bt_buffer *out, bt_range *place) {
  if (!absent->traces || absent->hides_some) return false;
  for (size_t part = 0; part < absent->part_count; part++) {
    bt_used_names *names = &absent->parts[part];
    bt_used_names_spare(names);
    for (size_t k = 0; k < names->count; k++) {
      const bt_used_name *used = &names->items[k];
      if (used->presence != BT_NAME_ABSENT || used->is_spared || absent->is_attribute[part][k] || i--) continue;
      *place = used->place;
      bt_buffer_printf(out, "`%.*s` %s in the %" PRIu64 " trace%s read", BT_FMT(used->name), say_lack(used->kind),
                       absent->traces, absent->traces == 1 ? " that was" : "s that were");
      return true;
    }
  }
  return false;
}
