/* Filters on spans in hand. See filter_meaning.h. */
#include "tests/support/filter_meaning.h"

#include <stdio.h>
#include <stdlib.h>

#include "dsl/pattern/pattern.h"

/* A year: what lasts longer, or not at all, has a start or an end that nobody set. */
static const int64_t unknown_from_ns = INT64_C(31536000000000000);

static bool order_meets(bt_filter_operator op, int order) {
  switch (op) {
  case BT_FILTER_EQUAL: return order == 0;
  case BT_FILTER_NOT_EQUAL: return order != 0;
  case BT_FILTER_LESS: return order < 0;
  case BT_FILTER_LESS_EQUAL: return order <= 0;
  case BT_FILTER_GREATER: return order > 0;
  case BT_FILTER_GREATER_EQUAL: return order >= 0;
  case BT_FILTER_REGEX:
  case BT_FILTER_NOT_REGEX:
  case BT_FILTER_PRESENT:
  case BT_FILTER_SURELY_PRESENT: break;
  }
  return false;
}

static bool matches_whole(bt_str pattern, bt_str text) {
  bt_pattern *compiled = NULL;
  bt_error error = {0};
  bool matches = false;
  uint64_t cost;
  if (bt_pattern_new(pattern, true, &compiled, &error) != BT_OK ||
      bt_pattern_match(compiled, text, &cost, &matches) != BT_OK) {
    fprintf(stderr, "filter: pattern %.*s: %s\n", BT_FMT(pattern), error.message);
    abort();
  }
  bt_pattern_free(compiled);
  return matches;
}

static bool text_meets(bt_str text, const bt_filter_test *test) {
  if (test->op == BT_FILTER_REGEX || test->op == BT_FILTER_NOT_REGEX)
    return matches_whole(test->literal.string, text) == (test->op == BT_FILTER_REGEX);
  return order_meets(test->op, bt_str_compare(text, test->literal.string));
}

/* A NaN differs from every number, and meets nothing else. */
static bool number_meets(const bt_value *value, const bt_filter_test *test) {
  int order = 0;
  if (bt_value_compare_numbers(value, &test->literal, &order)) return order_meets(test->op, order);
  return value->type == BT_VALUE_DOUBLE && test->op == BT_FILTER_NOT_EQUAL;
}

static bool scalar_meets(const bt_value *value, const bt_filter_test *test) {
  const bt_value *literal = &test->literal;
  bool is_number = value->type == BT_VALUE_INT || value->type == BT_VALUE_DOUBLE;
  if (value->type == BT_VALUE_STRING && literal->type == BT_VALUE_STRING) return text_meets(value->string, test);
  if (value->type == BT_VALUE_BOOL && literal->type == BT_VALUE_BOOL)
    return order_meets(test->op, (int)value->boolean - (int)literal->boolean);
  return is_number && (literal->type == BT_VALUE_INT || literal->type == BT_VALUE_DOUBLE) && number_meets(value, test);
}

static bool value_meets(const bt_value *value, const bt_filter_test *test) {
  if (bt_value_is_missing(value)) return false;
  if (test->op == BT_FILTER_PRESENT || test->op == BT_FILTER_SURELY_PRESENT) return true;
  if (value->type != BT_VALUE_ARRAY) return scalar_meets(value, test);
  for (uint32_t i = 0; i < value->array.count; i++)
    if (scalar_meets(&value->array.items[i], test)) return true;
  return false;
}

/* Any value of the key, should it stand there twice. */
static bool some_attribute_meets(const bt_attributes *attributes, const bt_filter_test *test) {
  for (uint32_t i = 0; i < attributes->count; i++)
    if (bt_str_equal(attributes->items[i].key, test->key) && value_meets(&attributes->items[i].value, test))
      return true;
  return false;
}

static bool some_event_meets(const bt_span *record, const bt_filter_test *test) {
  for (uint32_t i = 0; i < record->event_count; i++) {
    const bt_event *event = &record->events[i];
    bool meets = test->field == BT_FILTER_EVENT_NAME ? text_meets(event->name, test)
                                                     : some_attribute_meets(&event->attributes, test);
    if (meets) return true;
  }
  return false;
}

static bool duration_meets(const bt_span *record, const bt_filter_test *test) {
  int64_t duration_ns = record->end_ns - record->start_ns, asked_ns = test->literal.duration_ns;
  bool is_known = duration_ns > 0 && duration_ns < unknown_from_ns;
  if (test->or_unknown && !is_known) return true;
  return order_meets(test->op, (duration_ns > asked_ns) - (duration_ns < asked_ns));
}

static bool test_is_met(const bt_filter_test *test, const bt_span *record) {
  static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  static const char *const statuses[] = {"unset", "ok", "error"};
  switch (test->field) {
  case BT_FILTER_NAME: return text_meets(record->name, test);
  case BT_FILTER_KIND: return text_meets(bt_str_from(kinds[record->kind]), test);
  case BT_FILTER_STATUS: return text_meets(bt_str_from(statuses[record->status]), test);
  case BT_FILTER_STATUS_MESSAGE: return text_meets(record->status_message, test);
  case BT_FILTER_DURATION: return duration_meets(record, test);
  case BT_FILTER_SPAN: return some_attribute_meets(&record->attributes, test);
  case BT_FILTER_RESOURCE: return some_attribute_meets(&record->resource->attributes, test);
  case BT_FILTER_EVENT_NAME:
  case BT_FILTER_EVENT: return some_event_meets(record, test);
  case BT_FILTER_LINK: return record->link_count > 0;
  case BT_FILTER_SERVICE: /* a sampler's, as those that follow */
  case BT_FILTER_SCOPE_NAME:
  case BT_FILTER_SCOPE_VERSION:
  case BT_FILTER_SCOPE: break;
  }
  return false;
}

bool filter_is_met(const bt_filter *filter, const bt_span *record) {
  switch (filter->kind) {
  case BT_FILTER_ALL: return true;
  case BT_FILTER_NONE: return false;
  case BT_FILTER_TEST: return test_is_met(&filter->test, record);
  case BT_FILTER_AND:
  case BT_FILTER_OR:
    for (uint32_t i = 0; i < filter->item_count; i++)
      if (filter_is_met(filter->items[i], record) == (filter->kind == BT_FILTER_OR))
        return filter->kind == BT_FILTER_OR;
    return filter->kind == BT_FILTER_AND;
  }
  return false;
}
