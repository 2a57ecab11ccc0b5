/* Fields, expressions and comparisons of the naive evaluator. See naive_world.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/naive/naive_world.h"

static const char *const kind_names[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
static const char *const status_names[] = {"unset", "ok", "error"};

static naive_value string_value(bt_str s) {
  return (naive_value){.kind = NAIVE_EXACT, .exact = {.type = BT_VALUE_STRING, .string = s}};
}

/* How many bytes of an attribute's text are known: of one of 2,048 bytes, the last of which may be those of a character
 * that was cut in two and then became U+FFFD each. 0: it was not cut. */
static size_t known_length(bt_str text) {
  for (size_t halves = 0; halves < 4; halves++) {
    if (text.len != 2048 + 2 * halves) continue;
    bool are_replaced = true;
    for (size_t i = 0; i < halves; i++)
      are_replaced = are_replaced && memcmp(text.ptr + text.len - 3 * (i + 1), "\xEF\xBF\xBD", 3) == 0;
    if (are_replaced) return text.len - 3 * halves;
  }
  return 0;
}

/* The first attribute with the key counts, and of an array of one its element. */
static naive_value attribute_value(const bt_attributes *attributes, bt_str key) {
  for (uint32_t i = 0; i < attributes->count; i++) {
    const bt_value *value = &attributes->items[i].value;
    if (!bt_str_equal(attributes->items[i].key, key)) continue;
    size_t length = value->type == BT_VALUE_STRING ? known_length(value->string) : 0;
    if (value->type == BT_VALUE_ARRAY && value->array.count == 1) value = &value->array.items[0];
    naive_value known = naive_known(value);
    known.may_be_cut = length > 0;
    if (length) known.exact.string.len = length;
    return known;
  }
  return naive_missing();
}

/* Where attributes were dropped any that is not there may have been. */
static naive_value kept_value(const naive_world *world, const bt_attributes *attributes, uint32_t dropped, bt_str key) {
  bool is_there = false;
  for (uint32_t i = 0; i < attributes->count; i++)
    if (bt_str_equal(attributes->items[i].key, key)) is_there = true;
  if (!is_there && dropped > 0 && !world->takes_dropped) return naive_any();
  return attribute_value(attributes, key);
}

static naive_value own_value(const naive_world *world, const bt_span *span, bt_str key) {
  return kept_value(world, &span->attributes, span->dropped_attributes, key);
}

/* Of a resource, a scope, an event or a link. */
static naive_value held_value(const naive_world *world, const bt_attributes *attributes, bt_str key) {
  return kept_value(world, attributes, attributes->dropped, key);
}

bt_truth naive_further_events(const naive_world *world, uint32_t span) {
  return world->spans[span].dropped_events > 0 && !world->takes_dropped ? BT_UNKNOWN : BT_FALSE;
}

bt_truth naive_further_links(const naive_world *world, uint32_t span) {
  return world->spans[span].dropped_links > 0 && !world->takes_dropped ? BT_UNKNOWN : BT_FALSE;
}

/* The value of a member of `vendor=value, vendor=value`. *is_doubled: there are several, with different values. */
static naive_value state_value(bt_str state, bt_str vendor, bool *is_doubled) {
  naive_value value = naive_missing();
  *is_doubled = false;
  for (size_t at = 0; at < state.len;) {
    size_t end = at, equals;
    while (end < state.len && state.ptr[end] != ',') end++;
    size_t first = at, last = end;
    at = end + 1;
    while (first < last && (state.ptr[first] == ' ' || state.ptr[first] == '\t')) first++;
    while (last > first && (state.ptr[last - 1] == ' ' || state.ptr[last - 1] == '\t')) last--;
    for (equals = first; equals < last && state.ptr[equals] != '=';) equals++;
    if (equals == last || equals == first) continue;
    if (!bt_str_equal((bt_str){state.ptr + first, equals - first}, vendor)) continue;
    bt_str behind = {state.ptr + equals + 1, last - equals - 1};
    if (value.kind == NAIVE_MISSING)
      value = string_value(behind);
    else if (!bt_str_equal(value.exact.string, behind))
      *is_doubled = true;
  }
  return value;
}

static naive_value at_least(int64_t number, bool incomplete) {
  naive_value v = naive_integer(number);
  if (incomplete) v.high = naive_bound_none();
  return v;
}

static naive_value at_most(int64_t number, bool incomplete) {
  naive_value v = naive_integer(number);
  if (incomplete) v.low = naive_bound_none();
  return v;
}

static int64_t count_services(const bt_trace *trace) {
  int64_t count = 0;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bt_str service = trace->spans[i].resource->service;
    bool is_new = service.ptr != NULL;
    for (uint32_t j = 0; j < i && is_new; j++) {
      bt_str earlier = trace->spans[j].resource->service;
      if (earlier.ptr && bt_str_equal(earlier, service)) is_new = false;
    }
    if (is_new) count++;
  }
  return count;
}

/* The earliest span whose parent is not here, ties by lowest id; NULL: none. *in_doubt: there are several, and of one
 * the start is not known. */
static const bt_span *find_root(const naive_world *world, bool *in_doubt) {
  const bt_trace *trace = world->trace;
  const bt_span *root = NULL;
  uint32_t count = 0;
  bool lacks_start = false;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    const bt_span *span = &trace->spans[i];
    bool has_parent = false;
    for (uint32_t j = 0; j < trace->span_count; j++)
      if (!bt_span_id_is_zero(&span->parent_id) &&
          memcmp(trace->spans[j].id.bytes, span->parent_id.bytes, sizeof span->id.bytes) == 0)
        has_parent = true;
    if (has_parent) continue;
    count++;
    if (naive_lacks_time(world, i, false)) lacks_start = true;
    bool is_earlier =
        !root || span->start_ns < root->start_ns ||
        (span->start_ns == root->start_ns && memcmp(span->id.bytes, root->id.bytes, sizeof span->id.bytes) < 0);
    if (is_earlier) root = span;
  }
  *in_doubt = lacks_start && count > 1;
  return root;
}

/* One of the spans that a summary stands for may have started as early; where the summary is not there, too. */
static bool may_hide_root(const naive_world *world, const bt_span *root) {
  bool has_summary = false;
  for (uint32_t i = 0; i < world->trace->span_count; i++) {
    if (!naive_is_summary(world, i)) continue;
    if (!root || root->start_ns == 0 || world->trace->spans[i].start_ns <= root->start_ns) return true;
    has_summary = true;
  }
  return naive_is_pruned(world) && !has_summary;
}

/* Digits of an id; one of zeros is none. */
static naive_value id_digits(const uint8_t *bytes, size_t count) {
  static _Thread_local char texts[8][BT_TRACE_ID_HEX + 1];
  static _Thread_local unsigned next;
  char *text = texts[next++ % 8];
  bool is_there = false;
  for (size_t i = 0; i < count; i++) {
    snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    is_there = is_there || bytes[i];
  }
  return is_there ? string_value((bt_str){text, 2 * count}) : naive_missing();
}

static naive_value root_value(const naive_world *world, const bt_field *field) {
  bool in_doubt = false;
  const bt_span *root = find_root(world, &in_doubt);
  if (world->incomplete || in_doubt || may_hide_root(world, root)) return naive_any();
  if (!root) return naive_missing();
  if (field->kind == BT_FIELD_TRACE_ROOT_NAME) return string_value(root->name);
  if (field->kind == BT_FIELD_TRACE_ROOT_ATTRIBUTE) return own_value(world, root, field->key);
  if (field->kind == BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE)
    return held_value(world, &root->resource->attributes, field->key);
  return root->resource->service.ptr ? string_value(root->resource->service) : naive_missing();
}

static int64_t count_spans(const naive_world *world) {
  int64_t count = 0;
  for (uint32_t i = 0; i < world->trace->span_count; i++)
    count += naive_is_summary(world, i) ? naive_span_count(&world->trace->spans[i]) : 1;
  return count;
}

static naive_value trace_value(const naive_world *world, const bt_field *field) {
  bt_field_kind kind = field->kind;
  const bt_trace *trace = world->trace;
  if (kind == BT_FIELD_TRACE_ID) return id_digits(trace->id.bytes, sizeof trace->id.bytes);
  bool is_time = kind == BT_FIELD_TRACE_START || kind == BT_FIELD_TRACE_END || kind == BT_FIELD_TRACE_DURATION;
  if (is_time && trace->span_count == 0) return world->incomplete ? naive_any() : naive_missing();
  int64_t start_ns = INT64_MAX, end_ns = INT64_MIN;
  bool has_start = false, has_end = false;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    bool starts = !naive_lacks_time(world, i, false), ends = !naive_lacks_time(world, i, true);
    has_start = has_start || starts;
    has_end = has_end || ends;
    if (starts && trace->spans[i].start_ns < start_ns) start_ns = trace->spans[i].start_ns;
    if (ends && trace->spans[i].end_ns > end_ns) end_ns = trace->spans[i].end_ns;
  }
  if (is_time && kind != BT_FIELD_TRACE_END && !has_start) return naive_any();
  if (is_time && kind != BT_FIELD_TRACE_START && !has_end) return naive_any();
  int64_t duration_ns = end_ns > start_ns ? end_ns - start_ns : 0;
  if (kind == BT_FIELD_TRACE_START) return at_most(start_ns, world->incomplete);
  if (kind == BT_FIELD_TRACE_END) return at_least(end_ns, world->incomplete);
  if (kind == BT_FIELD_TRACE_DURATION) return at_least(duration_ns, world->incomplete);
  bool lacks_spans = world->incomplete || naive_is_pruned(world);
  if (kind == BT_FIELD_TRACE_SPAN_COUNT) return at_least(count_spans(world), lacks_spans);
  if (kind == BT_FIELD_TRACE_SERVICE_COUNT) return at_least(count_services(trace), lacks_spans);
  return root_value(world, field);
}

static naive_value id_value(const bt_span_id *id, bool is_parent) {
  static _Thread_local char texts[8][BT_SPAN_ID_HEX + 1]; /* several are alive during one comparison */
  static _Thread_local unsigned next;
  if (is_parent && bt_span_id_is_zero(id)) return naive_missing();
  char *text = texts[next++ % 8];
  bt_span_id_format(id, text);
  return string_value((bt_str){text, BT_SPAN_ID_HEX});
}

static naive_value span_value(const naive_world *world, const bt_span *span, const bt_field *field) {
  naive_value value = naive_missing();
  switch (field->kind) {
  case BT_FIELD_NAME: return string_value(span->name);
  case BT_FIELD_KIND: return string_value(bt_str_from(kind_names[span->kind]));
  case BT_FIELD_STATUS: return string_value(bt_str_from(status_names[span->status]));
  case BT_FIELD_STATUS_MESSAGE: return string_value(span->status_message);
  case BT_FIELD_DURATION: return naive_integer(span->end_ns > span->start_ns ? span->end_ns - span->start_ns : 0);
  case BT_FIELD_START: return naive_integer(span->start_ns);
  case BT_FIELD_END: return naive_integer(span->end_ns);
  case BT_FIELD_ID: return id_value(&span->id, false);
  case BT_FIELD_PARENT_ID: return id_value(&span->parent_id, true);
  case BT_FIELD_SERVICE: return span->resource->service.ptr ? string_value(span->resource->service) : value;
  case BT_FIELD_FLAGS: return naive_integer(span->flags);
  case BT_FIELD_DROPPED_ATTRIBUTES: return naive_integer(span->dropped_attributes);
  case BT_FIELD_DROPPED_EVENTS: return naive_integer(span->dropped_events);
  case BT_FIELD_DROPPED_LINKS: return naive_integer(span->dropped_links);
  case BT_FIELD_SPAN_ATTRIBUTE: return own_value(world, span, field->key);
  case BT_FIELD_RESOURCE_ATTRIBUTE: return held_value(world, &span->resource->attributes, field->key);
  case BT_FIELD_EITHER_ATTRIBUTE:
    value = own_value(world, span, field->key);
    if (value.kind != NAIVE_MISSING) return value;
    return span->resource->attributes.dropped == BT_NOT_APART
               ? attribute_value(&span->resource->attributes, field->key)
               : held_value(world, &span->resource->attributes, field->key);
  case BT_FIELD_SCOPE_NAME: return string_value(span->scope->name);
  case BT_FIELD_SCOPE_VERSION: return string_value(span->scope->version);
  case BT_FIELD_SCOPE_ATTRIBUTE: return held_value(world, &span->scope->attributes, field->key);
  case BT_FIELD_SPAN_TRACE_ID:
  case BT_FIELD_TRACE_STATE:
  case BT_FIELD_TRACE_ID:
  case BT_FIELD_EVENT_NAME:
  case BT_FIELD_EVENT_TIME:
  case BT_FIELD_EVENT_ATTRIBUTE:
  case BT_FIELD_LINK_TRACE_ID:
  case BT_FIELD_LINK_SPAN_ID:
  case BT_FIELD_LINK_ATTRIBUTE:
  case BT_FIELD_TRACE_DURATION:
  case BT_FIELD_TRACE_START:
  case BT_FIELD_TRACE_END:
  case BT_FIELD_TRACE_SPAN_COUNT:
  case BT_FIELD_TRACE_SERVICE_COUNT:
  case BT_FIELD_TRACE_ROOT_NAME:
  case BT_FIELD_TRACE_ROOT_SERVICE:
  case BT_FIELD_TRACE_ROOT_ATTRIBUTE:
  case BT_FIELD_TRACE_ROOT_RESOURCE_ATTRIBUTE: break;
  }
  abort();
}

static bool is_of_trace(bt_field_kind kind) {
  return kind >= BT_FIELD_TRACE_DURATION;
}

bool naive_is_of_event(bt_field_kind kind) {
  return kind == BT_FIELD_EVENT_NAME || kind == BT_FIELD_EVENT_TIME || kind == BT_FIELD_EVENT_ATTRIBUTE;
}

static naive_value event_value(const naive_world *world, const bt_event *event, const bt_field *field) {
  if (!event) return naive_any();
  if (field->kind == BT_FIELD_EVENT_NAME) return string_value(event->name);
  if (field->kind == BT_FIELD_EVENT_TIME) return naive_integer(event->time_ns);
  return held_value(world, &event->attributes, field->key);
}

bool naive_is_of_link(bt_field_kind kind) {
  return kind == BT_FIELD_LINK_TRACE_ID || kind == BT_FIELD_LINK_SPAN_ID || kind == BT_FIELD_LINK_ATTRIBUTE;
}

static naive_value link_value(const naive_world *world, const bt_link *link, const bt_field *field) {
  if (!link) return naive_any();
  if (field->kind == BT_FIELD_LINK_TRACE_ID) return id_digits(link->trace_id.bytes, sizeof link->trace_id.bytes);
  if (field->kind == BT_FIELD_LINK_SPAN_ID) return id_digits(link->span_id.bytes, sizeof link->span_id.bytes);
  return held_value(world, &link->attributes, field->key);
}

/* Of the trace that the span is in. */
static naive_value home_id(const naive_world *world, uint32_t span) {
  const bt_trace *trace = world->family ? world->family->traces[world->home[span]].trace : world->trace;
  return id_digits(trace->id.bytes, sizeof trace->id.bytes);
}

/* The first of its names that is there. */
static naive_value field_of_names(const naive_world *world, const bt_field *field, naive_subject subject) {
  naive_value value = naive_missing();
  for (uint32_t i = 0; i < field->name_count && value.kind == NAIVE_MISSING; i++)
    value = naive_field(world, &field->names[i], subject);
  return value;
}

naive_value naive_field(const naive_world *world, const bt_field *field, naive_subject subject) {
  if (field->name_count) return field_of_names(world, field, subject);
  if (is_of_trace(field->kind)) return trace_value(world, field);
  if (naive_is_of_event(field->kind)) return event_value(world, subject.event, field);
  if (naive_is_of_link(field->kind)) return link_value(world, subject.link, field);
  uint32_t span = field->binding == BT_NO_BINDING ? subject.span : world->bound[field->binding];
  if (naive_is_unseen(span) || !naive_knows(world, span, field->kind)) return naive_any();
  bool asks_start = field->kind == BT_FIELD_START || field->kind == BT_FIELD_DURATION;
  bool asks_end = field->kind == BT_FIELD_END || field->kind == BT_FIELD_DURATION;
  if (asks_start && naive_lacks_time(world, span, false)) return naive_any();
  if (asks_end && naive_lacks_time(world, span, true)) return naive_any();
  if (field->kind == BT_FIELD_FLAGS && world->spans[span].flags == 0 && !world->takes_dropped) return naive_any();
  if (field->kind == BT_FIELD_SPAN_TRACE_ID) return home_id(world, span);
  if (field->kind == BT_FIELD_TRACE_STATE) {
    bool is_doubled = false;
    naive_value value = state_value(world->spans[span].trace_state, field->key, &is_doubled);
    return is_doubled && !world->takes_doubled ? naive_any() : value;
  }
  return span_value(world, &world->spans[span], field);
}

naive_value naive_expression(const naive_world *world, const bt_expression *expression, naive_subject subject) {
  switch (expression->kind) {
  case BT_EXPRESSION_LITERAL: return naive_known(&expression->literal);
  case BT_EXPRESSION_FIELD: return naive_field(world, &expression->field, subject);
  case BT_EXPRESSION_AGGREGATE: return naive_aggregate(world, expression);
  case BT_EXPRESSION_PART_COUNT: return naive_part_count(world, expression->part, subject.span);
  case BT_EXPRESSION_NEGATE: return naive_negate(naive_expression(world, expression->left, subject));
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE:
    return naive_arithmetic(expression->kind, naive_expression(world, expression->left, subject),
                            naive_expression(world, expression->right, subject));
  }
  abort();
}

static bool speaks_of_events(const bt_expression *expression) {
  if (!expression) return false;
  if (expression->kind == BT_EXPRESSION_FIELD) return naive_is_of_event(expression->field.kind);
  return speaks_of_events(expression->left) || speaks_of_events(expression->right);
}

/* Kinds and statuses are equal without regard to case; their order is that of the names in lower case. */
static bool is_caseless(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_FIELD &&
         (expression->field.kind == BT_FIELD_KIND || expression->field.kind == BT_FIELD_STATUS);
}

/* The start or the end of a span, and of which. */
static bool is_point(const naive_world *world, const bt_expression *expression, naive_subject subject, uint32_t *span,
                     bool *is_end) {
  if (expression->kind != BT_EXPRESSION_FIELD) return false;
  const bt_field *field = &expression->field;
  *is_end = field->kind == BT_FIELD_END;
  *span = field->binding == BT_NO_BINDING ? subject.span : world->bound[field->binding];
  return field->kind == BT_FIELD_START || field->kind == BT_FIELD_END;
}

static bt_truth order_says(bt_comparison_operator op, bt_truth less, bt_truth greater) {
  switch (op) {
  case BT_LESS: return less;
  case BT_GREATER: return greater;
  case BT_LESS_EQUAL: return naive_not(greater);
  case BT_GREATER_EQUAL: return naive_not(less);
  case BT_EQUAL: return naive_and(naive_not(less), naive_not(greater));
  case BT_NOT_EQUAL: return naive_or(less, greater);
  case BT_CONTAINS:
  case BT_STARTS_WITH:
  case BT_ENDS_WITH:
  case BT_MATCHES:
  case BT_MATCHES_WHOLE:
  case BT_NOT_MATCHES_WHOLE:
  case BT_IN:
  case BT_NOT_IN: break;
  }
  abort();
}

/* Two points of spans are compared as `before` and `after` do it: their order may be unknown. */
static bt_truth compare_points(const naive_world *world, bt_comparison_operator op, uint32_t a, bool a_is_end,
                               uint32_t b, bool b_is_end) {
  bool lacks_a = !naive_is_unseen(a) && naive_lacks_time(world, a, a_is_end);
  bool lacks_b = !naive_is_unseen(b) && naive_lacks_time(world, b, b_is_end);
  if (lacks_a || lacks_b) return BT_UNKNOWN; /* two values that are not known, also if they are one */
  bt_truth less = naive_is_first(world, a, a_is_end, b, b_is_end);
  bt_truth greater = naive_is_first(world, b, b_is_end, a, a_is_end);
  return order_says(op, less, greater);
}

static bool is_time_of_some(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_AGGREGATE && expression->type == BT_TYPE_TIME;
}

/* Two times that are at most the skew apart may have any order; so far as they are ranges, none of their numbers may
 * be. */
static bt_truth is_first_by_clocks(const naive_world *world, naive_value a, naive_value b) {
  naive_value skew = naive_integer(world->skew_ns), back = naive_integer(-world->skew_ns);
  naive_value apart = naive_arithmetic(BT_EXPRESSION_SUBTRACT, b, a);
  if (naive_compare(BT_GREATER, &apart, &skew, NULL, false) == BT_TRUE) return BT_TRUE;
  if (naive_compare(BT_LESS, &apart, &back, NULL, false) == BT_TRUE) return BT_FALSE;
  return BT_UNKNOWN;
}

/* The same without clock skew: one whole millisecond says nothing where some service tells no more. */
static bt_truth is_first_by_milliseconds(const naive_world *world, naive_value a, naive_value b) {
  bool is_tie = !world->takes_zero_times && naive_compare(BT_EQUAL, &a, &b, NULL, false) == BT_TRUE &&
                a.low.number.type == BT_VALUE_INT && a.low.number.integer % 1000000 == 0;
  for (uint32_t i = 0; is_tie && i < world->span_count; i++)
    if (naive_is_coarse(world, i)) return BT_UNKNOWN;
  return naive_compare(BT_LESS, &a, &b, NULL, false);
}

/* The earliest or latest time of several spans on one side at least, under clock skew. */
static bt_truth compare_times(const naive_world *world, bt_comparison_operator op, naive_value a, naive_value b) {
  if (a.kind == NAIVE_MISSING || b.kind == NAIVE_MISSING) return BT_FALSE;
  if (world->skew_ns > 0) return order_says(op, is_first_by_clocks(world, a, b), is_first_by_clocks(world, b, a));
  return order_says(op, is_first_by_milliseconds(world, a, b), is_first_by_milliseconds(world, b, a));
}

static bool is_event_time(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_FIELD && expression->field.kind == BT_FIELD_EVENT_TIME;
}

static bt_truth compare_event(const naive_world *world, bt_comparison_operator op, naive_subject subject, uint32_t b,
                              bool b_is_end) {
  return order_says(op, naive_is_event_before(world, subject, b, b_is_end),
                    naive_is_event_after(world, subject, b, b_is_end));
}

/* Two sides, both maybe points. Not IN and NOT_IN. */
static bt_truth compare_sides(const naive_world *world, const bt_comparison *comparison, bt_comparison_operator op,
                              const bt_expression *right_side, naive_subject subject) {
  uint32_t a = 0, b = 0;
  bool a_is_end = false, b_is_end = false;
  bool left_is_point = is_point(world, comparison->left, subject, &a, &a_is_end);
  bool right_is_point = is_point(world, right_side, subject, &b, &b_is_end);
  bool left_is_event = is_event_time(comparison->left);
  if (left_is_event && right_is_point) return compare_event(world, op, subject, b, b_is_end);
  if (left_is_point && right_is_point) return compare_points(world, op, a, a_is_end, b, b_is_end);
  naive_value left = naive_expression(world, comparison->left, subject);
  naive_value right = naive_expression(world, right_side, subject);
  bool is_unsure = world->skew_ns > 0 || world->coarse_clocks_unknown;
  if (is_unsure && (left_is_point || left_is_event || is_time_of_some(comparison->left)) &&
      (right_is_point || is_time_of_some(right_side)))
    return compare_times(world, op, left, right);
  if (world->takes_dropped) left.may_be_cut = right.may_be_cut = false;
  bool ignore_case = is_caseless(comparison->left) || is_caseless(right_side);
  return naive_compare(op, &left, &right, comparison->pattern, ignore_case);
}

/* `k in [a, b]` is `k == a or k == b`. */
static bt_truth is_in_list(const naive_world *world, const bt_comparison *comparison, naive_subject subject) {
  bt_truth is_in = BT_FALSE;
  for (uint32_t i = 0; i < comparison->list_count; i++)
    is_in = naive_or(is_in, compare_sides(world, comparison, BT_EQUAL, comparison->list[i], subject));
  return is_in;
}

static bt_truth compare_once(const naive_world *world, const bt_comparison *comparison, naive_subject subject) {
  if (comparison->op == BT_IN) return is_in_list(world, comparison, subject);
  if (comparison->op != BT_NOT_IN) return compare_sides(world, comparison, comparison->op, comparison->right, subject);
  naive_value left = naive_expression(world, comparison->left, subject);
  if (left.kind == NAIVE_NAN) return BT_FALSE;
  return naive_and(naive_present(&left), naive_not(is_in_list(world, comparison, subject)));
}

static bool speaks_of_links(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_FIELD && naive_is_of_link(expression->field.kind);
}

static bt_truth compare_some_link(const naive_world *world, const bt_comparison *comparison, naive_subject subject) {
  if (naive_is_unseen(subject.span) || naive_is_summary(world, subject.span)) return BT_UNKNOWN;
  bt_truth some = naive_further_links(world, subject.span);
  const bt_span *span = &world->spans[subject.span];
  for (uint32_t i = 0; i < span->link_count; i++) {
    subject.link = &span->links[i];
    some = naive_or(some, compare_once(world, comparison, subject));
  }
  return some;
}

bt_truth naive_comparison(const naive_world *world, const bt_comparison *comparison, naive_subject subject) {
  if (speaks_of_links(comparison->left) && !subject.link) return compare_some_link(world, comparison, subject);
  if (subject.event || !speaks_of_events(comparison->left)) return compare_once(world, comparison, subject);
  if (naive_is_unseen(subject.span) || naive_is_summary(world, subject.span)) return BT_UNKNOWN;
  bt_truth some = naive_further_events(world, subject.span);
  const bt_span *span = &world->spans[subject.span];
  for (uint32_t i = 0; i < span->event_count; i++) {
    subject.event = &span->events[i];
    some = naive_or(some, compare_once(world, comparison, subject));
  }
  return some;
}
