/* Spans of which not everything is known. See doubt.h. */
#include "dsl/evaluate/doubt.h"

#include <stddef.h>

#include "dsl/base/time_sum.h"
#include "dsl/evaluate/cut_comparison.h"
#include "dsl/evaluate/matcher.h"
#include "dsl/trace/cut_text.h"
#include "dsl/trace/trace_state.h"
#include "dsl/trace/untyped_text.h"
#include "dsl/trace/value.h"

static unsigned doubt_of_time(const bt_span *span, unsigned doubts) {
  return span->doubts & doubts ? BT_WHY_TIME : 0;
}

bool bt_field_is_cut_time(const bt_span *span, const bt_field *field) {
  bool has_start = !bt_span_lacks_time(span, false), has_end = !bt_span_lacks_time(span, true);
  switch ((int)field->kind) {
  case BT_FIELD_START: return span->time_slack_ns && has_start;
  case BT_FIELD_END: return span->time_slack_ns && has_end;
  case BT_FIELD_DURATION: return span->time_slack_ns && has_start && has_end;
  case BT_FIELD_EVENT_TIME: return span->time_slack_ns;
  default: return false;
  }
}

bt_outcome bt_doubt_cut_time(const bt_span *span, const bt_field *field, const bt_span_part *part) {
  char no_id[BT_SPAN_ID_HEX + 1];
  uint32_t slack_ns = field->kind == BT_FIELD_DURATION ? span->duration_slack_ns : span->time_slack_ns;
  bt_value low = bt_field_value(span, field, part, no_id), high = low;
  if (low.type != BT_VALUE_INT) return bt_outcome_value(low); /* no event */
  high.integer = bt_time_add(low.integer, slack_ns);
  return bt_outcome_between(low, high, BT_WHY_TIME);
}

/* What is there is final, also where it counts as missing. */
static unsigned doubt_of_key(const bt_attributes *attributes, uint32_t dropped, bt_str key) {
  return dropped && !bt_attributes_find(attributes, key) ? BT_WHY_DROPPED : 0;
}

static unsigned doubt_of_own(const bt_span *span, bt_str key) {
  return doubt_of_key(&span->attributes, span->dropped_attributes, key);
}

static unsigned doubt_of_resource(const bt_span *span, bt_str key) {
  return doubt_of_key(&span->resource->attributes, span->resource->attributes.dropped, key);
}

/* The resource's counts where the span's own is missing for certain. */
static unsigned doubt_of_either(const bt_span *span, bt_str key) {
  char no_id[BT_SPAN_ID_HEX + 1];
  const bt_field own_field = {.kind = BT_FIELD_SPAN_ATTRIBUTE, .binding = BT_NO_BINDING, .key = key};
  unsigned why = doubt_of_own(span, key);
  if (why) return why;
  bt_value own = bt_field_value(span, &own_field, NULL, no_id);
  if (bt_may_be_none(&own) && bt_attributes_find(&span->resource->attributes, key)) return BT_WHY_TYPE;
  bool is_apart = span->resource->attributes.dropped != BT_NOT_APART;
  return bt_value_is_missing(&own) && is_apart ? doubt_of_resource(span, key) : 0;
}

static unsigned doubt_of_part(const bt_span_part *part, bt_str key) {
  const bt_attributes *attributes = part->event ? &part->event->attributes : &part->link->attributes;
  return doubt_of_key(attributes, attributes->dropped, key);
}

static unsigned doubt_of_member(const bt_span *span, bt_str vendor) {
  bt_str value;
  return bt_trace_state_find(span->trace_state, vendor, &value) == BT_MEMBER_SEVERAL ? BT_WHY_COPIES : 0;
}

/* A store may keep none of these numbers, or nothing of what is counted. */
static unsigned doubt_of_count(const bt_span *span, uint32_t dropped) {
  return dropped == BT_NOT_KEPT || span->scope->attributes.dropped == BT_NOT_KEPT ? BT_WHY_DROPPED : 0;
}

static unsigned doubt_of_plain(const bt_span *span, const bt_field *field, const bt_span_part *part) {
  switch (field->kind) {
  case BT_FIELD_START: return doubt_of_time(span, BT_DOUBT_START);
  case BT_FIELD_END: return doubt_of_time(span, BT_DOUBT_END);
  case BT_FIELD_DURATION: return doubt_of_time(span, BT_DOUBT_START | BT_DOUBT_END);
  case BT_FIELD_SPAN_ATTRIBUTE: return doubt_of_own(span, field->key);
  case BT_FIELD_EITHER_ATTRIBUTE: return doubt_of_either(span, field->key);
  case BT_FIELD_RESOURCE_ATTRIBUTE: return doubt_of_resource(span, field->key);
  case BT_FIELD_SCOPE_ATTRIBUTE:
    return doubt_of_key(&span->scope->attributes, span->scope->attributes.dropped, field->key);
  case BT_FIELD_EVENT_ATTRIBUTE:
  case BT_FIELD_LINK_ATTRIBUTE: return part ? doubt_of_part(part, field->key) : 0;
  case BT_FIELD_FLAGS: return span->flags ? 0 : BT_WHY_DROPPED; /* OTLP's default, and a store need not keep them */
  case BT_FIELD_TRACE_STATE: return doubt_of_member(span, field->key);
  case BT_FIELD_DROPPED_ATTRIBUTES: return doubt_of_count(span, span->dropped_attributes);
  case BT_FIELD_DROPPED_EVENTS: return doubt_of_count(span, span->dropped_events);
  case BT_FIELD_DROPPED_LINKS: return doubt_of_count(span, span->dropped_links);
  case BT_FIELD_KIND: return span->is_kind_lost ? BT_WHY_DROPPED : 0;
  case BT_FIELD_NAME:
  case BT_FIELD_STATUS:
  case BT_FIELD_STATUS_MESSAGE:
  case BT_FIELD_ID:
  case BT_FIELD_PARENT_ID:
  case BT_FIELD_SERVICE:
  case BT_FIELD_SPAN_TRACE_ID:
  case BT_FIELD_SCOPE_NAME:
  case BT_FIELD_SCOPE_VERSION:
  case BT_FIELD_EVENT_NAME:
  case BT_FIELD_EVENT_TIME:
  case BT_FIELD_LINK_TRACE_ID:
  case BT_FIELD_LINK_SPAN_ID:
  case BT_FIELD_TRACE_DURATION:
  case BT_FIELD_TRACE_START:
  case BT_FIELD_TRACE_END:
  case BT_FIELD_TRACE_SPAN_COUNT:
  case BT_FIELD_TRACE_SERVICE_COUNT:
  case BT_FIELD_TRACE_ID:
  case BT_FIELD_TRACE_ROOT_NAME:
  case BT_FIELD_TRACE_ROOT_SERVICE:
  case BT_FIELD_TRACE_ROOT_ATTRIBUTE:
  case BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE: break;
  }
  return 0;
}

/* One of its names from number `from` on is there. */
static bool has_later_name(const bt_span *span, bt_field_names names, uint32_t from, const bt_span_part *part) {
  char id_text[BT_SPAN_ID_HEX + 1];
  for (uint32_t i = from; i < names.count; i++) {
    bt_value value = bt_field_value(span, &names.items[i], part, id_text);
    if (!bt_value_is_missing(&value)) return true;
  }
  return false;
}

/* A name counts where those before it are missing for certain. */
unsigned bt_doubt_of_field(const bt_span *span, const bt_field *field, const bt_span_part *part) {
  bt_field_names names = bt_names_of_field(field);
  for (uint32_t i = 0; i < names.count; i++) {
    unsigned why = doubt_of_plain(span, &names.items[i], part);
    if (why || i + 1 == names.count) return why;
    char id_text[BT_SPAN_ID_HEX + 1];
    bt_value value = bt_field_value(span, &names.items[i], part, id_text);
    if (bt_may_be_none(&value) && has_later_name(span, names, i + 1, part)) return BT_WHY_TYPE;
    if (!bt_value_is_missing(&value)) return 0;
  }
  return 0;
}

unsigned bt_doubt_of_parts(const bt_span *span, bool are_links) {
  return span->doubts & (are_links ? BT_DOUBT_LINKS : BT_DOUBT_EVENTS) ? BT_WHY_DROPPED : 0;
}

/* `in []` is false whatever the value, and `not in []` asks whether it is there. */
static bt_kleene test_unknown(const bt_program_predicate *predicate, unsigned why) {
  const bt_program_comparison *comparison = &predicate->comparison;
  bool is_of_nothing = predicate->kind == BT_PREDICATE_COMPARE && comparison->is_list && comparison->right_count == 0;
  return is_of_nothing && !comparison->is_negated ? bt_kleene_from(false) : bt_kleene_unknown(why);
}

/* Of a time that was cut, against literals. */
static bt_kleene test_cut_time(const bt_program_comparison *comparison, const bt_span *span, const bt_span_part *part,
                               bt_work *work) {
  bt_outcome left = bt_doubt_cut_time(span, &comparison->left->field, part);
  bt_kleene met = bt_kleene_from(false);
  for (uint32_t i = 0; i < comparison->right_count && met.truth != BT_TRUE; i++) {
    bt_outcome right = bt_outcome_value(comparison->rights[i]->literal);
    met = bt_kleene_or(met, bt_outcome_compare(&comparison->comparator, &left, &right, work));
  }
  return comparison->is_list && comparison->is_negated ? bt_kleene_not(met) : met;
}

/* Of an attribute, against literals. */
static bt_kleene test_cut(const bt_program_comparison *comparison, const bt_span *span, const bt_span_part *part,
                          bt_work *work) {
  char id_text[BT_SPAN_ID_HEX + 1];
  bt_value left = bt_field_value(span, &comparison->left->field, part, id_text);
  bt_cut_side tested = {&left, true};
  bt_kleene met = bt_kleene_from(false);
  if (!comparison->is_list)
    return bt_cut_meets(&comparison->comparator, tested, (bt_cut_side){&comparison->rights[0]->literal, false}, work);
  for (uint32_t i = 0; i < comparison->right_count && met.truth != BT_TRUE; i++) {
    bt_cut_side item = {&comparison->rights[i]->literal, false};
    met = bt_kleene_or(met, bt_cut_meets(&comparison->comparator, tested, item, work));
  }
  return comparison->is_negated ? bt_kleene_and(bt_cut_is_there(&left), bt_kleene_not(met)) : met;
}

/* Whether it is there, or true, hangs on what it was. A text that reads as true is true, whatever it was. */
static bool is_of_unknown_type(const bt_field *field, const bt_span *span, const bt_span_part *part) {
  char id_text[BT_SPAN_ID_HEX + 1];
  bt_value value = bt_field_value(span, field, part, id_text);
  return bt_may_be_none(&value);
}

/* Of a kind that is none or internal: what holds of both is known. */
static bt_kleene test_lost_kind(const bt_program_predicate *predicate, const bt_span *span, bt_work *work) {
  bt_span internal = *span;
  internal.kind = BT_KIND_INTERNAL;
  bool of_none = bt_matcher_test(predicate, span, NULL, work);
  return of_none == bt_matcher_test(predicate, &internal, NULL, work) ? bt_kleene_from(of_none)
                                                                      : bt_kleene_unknown(BT_WHY_DROPPED);
}

static bt_kleene test_leaf(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                           bt_work *work) {
  bool compares = predicate->kind == BT_PREDICATE_COMPARE;
  if (compares && bt_field_is_cut_time(span, &predicate->comparison.left->field))
    return test_cut_time(&predicate->comparison, span, part, work);
  const bt_field *field = compares ? &predicate->comparison.left->field : &predicate->field;
  if (span->is_kind_lost && field->kind == BT_FIELD_KIND) return test_lost_kind(predicate, span, work);
  unsigned why = bt_doubt_of_field(span, field, part);
  if (why) return test_unknown(predicate, why);
  bool is_doubtful = span->doubts & (BT_DOUBT_CUT | BT_DOUBT_TYPE);
  if (compares && is_doubtful && bt_field_may_be_cut(&predicate->comparison.left->field))
    return test_cut(&predicate->comparison, span, part, work);
  if (!compares && span->doubts & BT_DOUBT_TYPE && is_of_unknown_type(&predicate->field, span, part))
    return bt_kleene_unknown(BT_WHY_TYPE);
  return bt_kleene_from(bt_matcher_test(predicate, span, part, work));
}

static bt_kleene test_parts(const bt_program_predicate *predicate, const bt_span *span, bool are_links, bt_work *work) {
  bt_span_parts parts = {.span = span, .are_links = are_links};
  unsigned why = bt_doubt_of_parts(span, are_links);
  bt_kleene any = why ? bt_kleene_unknown(why) : bt_kleene_from(false);
  while (any.truth != BT_TRUE && bt_span_parts_next(&parts))
    any = bt_kleene_or(any, bt_doubt_test(predicate, span, &parts.part, work));
  return any;
}

static bt_kleene test_all(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                          bt_work *work) {
  bt_kleene all = bt_kleene_from(true);
  for (uint32_t i = 0; i < predicate->item_count && all.truth != BT_FALSE; i++)
    all = bt_kleene_and(all, bt_doubt_test(predicate->items[i], span, part, work));
  return all;
}

static bt_kleene test_any(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                          bt_work *work) {
  bt_kleene any = bt_kleene_from(false);
  for (uint32_t i = 0; i < predicate->item_count && any.truth != BT_TRUE; i++)
    any = bt_kleene_or(any, bt_doubt_test(predicate->items[i], span, part, work));
  return any;
}

bt_kleene bt_doubt_test(const bt_program_predicate *predicate, const bt_span *span, const bt_span_part *part,
                        bt_work *work) {
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: return bt_kleene_from(true);
  case BT_PREDICATE_FALSE: return bt_kleene_from(false);
  case BT_PREDICATE_AND: return test_all(predicate, span, part, work);
  case BT_PREDICATE_OR: return test_any(predicate, span, part, work);
  case BT_PREDICATE_NOT: return bt_kleene_not(bt_doubt_test(predicate->items[0], span, part, work));
  case BT_PREDICATE_NAMED: return bt_kleene_from(bt_matcher_test(predicate, span, part, work));
  case BT_PREDICATE_EVENT: return test_parts(predicate->items[0], span, false, work);
  case BT_PREDICATE_LINK: return test_parts(predicate->items[0], span, true, work);
  case BT_PREDICATE_COMPARE:
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE:
    if (!part && (predicate->reads_event || predicate->reads_link))
      return test_parts(predicate, span, predicate->reads_link, work);
    return test_leaf(predicate, span, part, work);
  }
  return bt_kleene_from(false);
}
