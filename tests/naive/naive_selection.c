/* Predicates, relations, selections and aggregates of the naive evaluator. See naive_world.h. */
#include <math.h>
#include <stdlib.h>

#include "tests/naive/naive_world.h"

/* Wide enough for the sum of any whole numbers of a trace. */
__extension__ typedef __int128 wide_integer;

static bt_truth predicate_holds(const naive_world *world, const bt_predicate *predicate, naive_subject subject);

static bt_truth is_named(const naive_world *world, bt_str name, uint32_t number) {
  if (naive_is_unseen(number)) return BT_UNKNOWN;
  const bt_span *span = &world->spans[number];
  bool by_service = span->resource->service.ptr && bt_str_equal(span->resource->service, name);
  return by_service || bt_str_equal(span->name, name) ? BT_TRUE : BT_FALSE;
}

static bt_truth is_true(const naive_value *value) {
  naive_value yes = {.kind = NAIVE_EXACT, .exact = {.type = BT_VALUE_BOOL, .boolean = true}};
  return naive_compare(BT_EQUAL, value, &yes, NULL, false);
}

static bt_truth field_test(const naive_world *world, const bt_predicate *predicate, naive_subject subject);

static bt_truth some_link_has(const naive_world *world, const bt_predicate *predicate, naive_subject subject) {
  if (naive_is_summary(world, subject.span)) return BT_UNKNOWN;
  bt_truth some = naive_further_links(world, subject.span);
  const bt_span *span = &world->spans[subject.span];
  for (uint32_t i = 0; i < span->link_count; i++) {
    subject.link = &span->links[i];
    some = naive_or(some, field_test(world, predicate, subject));
  }
  return some;
}

/* EXISTS and IS_TRUE of a field; of an event's (a link's) field: of some event (link). */
static bt_truth field_test(const naive_world *world, const bt_predicate *predicate, naive_subject subject) {
  bool is_exists = predicate->kind == BT_PREDICATE_EXISTS;
  bool is_of_event = naive_is_of_event(predicate->field.kind);
  if (naive_is_of_link(predicate->field.kind) && !subject.link && !naive_is_unseen(subject.span))
    return some_link_has(world, predicate, subject);
  if (!is_of_event || subject.event || naive_is_unseen(subject.span)) {
    naive_value value = naive_field(world, &predicate->field, subject);
    return is_exists ? naive_present(&value) : is_true(&value);
  }
  if (naive_is_summary(world, subject.span)) return BT_UNKNOWN;
  bt_truth some = naive_further_events(world, subject.span);
  const bt_span *span = &world->spans[subject.span];
  for (uint32_t i = 0; i < span->event_count; i++) {
    subject.event = &span->events[i];
    some = naive_or(some, field_test(world, predicate, subject));
  }
  return some;
}

static bt_truth some_event(const naive_world *world, const bt_predicate *inner, naive_subject subject) {
  if (naive_is_unseen(subject.span)) return naive_and(BT_UNKNOWN, predicate_holds(world, inner, subject));
  if (naive_is_summary(world, subject.span)) return BT_UNKNOWN;
  bt_truth some = naive_further_events(world, subject.span);
  const bt_span *span = &world->spans[subject.span];
  for (uint32_t i = 0; i < span->event_count; i++) {
    subject.event = &span->events[i];
    some = naive_or(some, predicate_holds(world, inner, subject));
  }
  return some;
}

static bt_truth some_link(const naive_world *world, const bt_predicate *inner, naive_subject subject) {
  if (naive_is_unseen(subject.span)) return naive_and(BT_UNKNOWN, predicate_holds(world, inner, subject));
  if (naive_is_summary(world, subject.span)) return BT_UNKNOWN;
  bt_truth some = naive_further_links(world, subject.span);
  const bt_span *span = &world->spans[subject.span];
  for (uint32_t i = 0; i < span->link_count; i++) {
    subject.link = &span->links[i];
    some = naive_or(some, predicate_holds(world, inner, subject));
  }
  return some;
}

static bt_truth predicate_holds(const naive_world *world, const bt_predicate *predicate, naive_subject subject) {
  bt_truth result;
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: return BT_TRUE;
  case BT_PREDICATE_FALSE: return BT_FALSE;
  case BT_PREDICATE_AND:
    result = BT_TRUE;
    for (uint32_t i = 0; i < predicate->item_count; i++)
      result = naive_and(result, predicate_holds(world, predicate->items[i], subject));
    return result;
  case BT_PREDICATE_OR:
    result = BT_FALSE;
    for (uint32_t i = 0; i < predicate->item_count; i++)
      result = naive_or(result, predicate_holds(world, predicate->items[i], subject));
    return result;
  case BT_PREDICATE_NOT: return naive_not(predicate_holds(world, predicate->items[0], subject));
  case BT_PREDICATE_NAMED: return is_named(world, predicate->name, subject.span);
  case BT_PREDICATE_COMPARE: return naive_comparison(world, &predicate->comparison, subject);
  case BT_PREDICATE_EXISTS:
  case BT_PREDICATE_IS_TRUE: return field_test(world, predicate, subject);
  case BT_PREDICATE_EVENT: return some_event(world, predicate->items[0], subject);
  case BT_PREDICATE_LINK: return some_link(world, predicate->items[0], subject);
  }
  abort();
}

naive_value naive_part_count(const naive_world *world, const bt_predicate *part, uint32_t number) {
  if (naive_is_unseen(number) || naive_is_summary(world, number)) return naive_any();
  const bt_span *span = &world->spans[number];
  bool of_links = part->kind == BT_PREDICATE_LINK;
  uint32_t all = of_links ? span->link_count : span->event_count;
  int64_t certain = 0, maybe = 0;
  for (uint32_t i = 0; i < all; i++) {
    naive_subject one = {.span = number};
    if (of_links)
      one.link = &span->links[i];
    else
      one.event = &span->events[i];
    bt_truth holds = predicate_holds(world, part->items[0], one);
    if (holds == BT_TRUE) certain++;
    if (holds == BT_UNKNOWN) maybe++;
  }
  bt_value low = {.type = BT_VALUE_INT, .integer = certain}, high = {.type = BT_VALUE_INT, .integer = certain + maybe};
  bt_truth further = of_links ? naive_further_links(world, number) : naive_further_events(world, number);
  return naive_range(naive_bound_at(low), further == BT_UNKNOWN ? naive_bound_none() : naive_bound_at(high));
}

/* The relation of one span to one other; BETWEEN is BEFORE and AFTER. */
static bt_truth relates(const naive_world *world, bt_relation_kind kind, uint32_t span, uint32_t other, bool is_end,
                        int64_t within_ns) {
  bt_truth near = within_ns < 0 ? BT_TRUE : naive_is_within(world, span, other, is_end, within_ns);
  switch (kind) {
  case BT_BEFORE: return naive_and(naive_is_before(world, span, other, is_end), near);
  case BT_AFTER: return naive_and(naive_is_after(world, span, other, is_end), near);
  case BT_WITHIN_OF: return near;
  case BT_UNDER: return naive_is_under(world, span, other);
  case BT_ABOVE: return naive_is_under(world, other, span);
  case BT_CHILD_OF: return naive_is_child(world, span, other);
  case BT_PARENT_OF: return naive_is_child(world, other, span);
  case BT_SIBLING_OF: return naive_is_sibling(world, span, other);
  case BT_LINKED_TO:
  case BT_LINKED_FROM:
  case BT_DOWNSTREAM_OF:
  case BT_BETWEEN:
  case BT_FIRST_OF:
  case BT_LAST_OF: break;
  }
  abort();
}

typedef struct pair_test { /* of one span to one other */
  const bt_relation *relation;
  bt_relation_kind kind; /* BETWEEN is BEFORE and AFTER */
  bool is_end;
  int64_t within_ns;
} pair_test;

static bt_truth pair_holds(const naive_world *world, const pair_test *test, uint32_t span, uint32_t other) {
  if (bt_relation_is_linked(test->kind)) return naive_is_linked(world, test->relation, span, other);
  return relates(world, test->kind, span, other, test->is_end, test->within_ns);
}

/* The relation to the bound span, or to at least one span of the selection. */
static bt_truth relates_to(const naive_world *world, const pair_test *test, uint32_t span,
                           const bt_reference *reference) {
  if (reference->binding != BT_NO_BINDING) return pair_holds(world, test, span, world->bound[reference->binding]);
  const bt_selection *selection = reference->selection;
  bt_truth some = naive_is_open(world, selection) ? BT_UNKNOWN : BT_FALSE;
  for (uint32_t i = 0; i < naive_candidate_count(world, selection) && some != BT_TRUE; i++) {
    uint32_t other = naive_candidate(world, selection, i);
    bt_truth related = pair_holds(world, test, span, other);
    if (related != BT_FALSE) some = naive_or(some, naive_and(naive_is_member(world, selection, other), related));
  }
  return some;
}

static bt_truth relation_holds(const naive_world *world, const bt_relation *relation, uint32_t span) {
  if (relation->kind == BT_FIRST_OF) return naive_is_end_of(world, relation->first.selection, span, true);
  if (relation->kind == BT_LAST_OF) return naive_is_end_of(world, relation->first.selection, span, false);
  pair_test first = {relation, relation->kind, relation->first_is_end, relation->within_ns};
  if (relation->kind != BT_BETWEEN) return relates_to(world, &first, span, &relation->first);
  pair_test after = {relation, BT_AFTER, relation->first_is_end, -1};
  pair_test before = {relation, BT_BEFORE, relation->second_is_end, -1};
  return naive_and(relates_to(world, &after, span, &relation->first),
                   relates_to(world, &before, span, &relation->second));
}

uint32_t naive_candidate_count(const naive_world *world, const bt_selection *selection) {
  if (selection->base_binding != BT_NO_BINDING) return 1;
  return selection->is_foreign ? world->span_count : world->trace->span_count;
}

uint32_t naive_candidate(const naive_world *world, const bt_selection *selection, uint32_t i) {
  return selection->base_binding == BT_NO_BINDING ? i : world->bound[selection->base_binding];
}

bool naive_is_open(const naive_world *world, const bt_selection *selection) {
  if (selection->base_binding != BT_NO_BINDING) return false;
  if (selection->is_foreign) return world->incomplete || naive_is_pruned(world) || naive_may_lack(world, selection);
  return world->incomplete || naive_may_hide(world, selection->predicate);
}

/* What a summary of another trace hides was not seen (naive_may_lack). */
bt_truth naive_is_member(const naive_world *world, const bt_selection *selection, uint32_t span) {
  if (selection->is_foreign && selection->base_binding == BT_NO_BINDING && naive_is_summary(world, span))
    return BT_FALSE;
  bt_truth result = predicate_holds(world, selection->predicate, (naive_subject){.span = span});
  for (uint32_t i = 0; i < selection->relation_count && result != BT_FALSE; i++) /* false stays false */
    result = naive_and(result, relation_holds(world, &selection->relations[i], span));
  return result;
}

bt_truth naive_some_member(const naive_world *world, const bt_selection *selection) {
  bt_truth some = naive_is_open(world, selection) ? BT_UNKNOWN : BT_FALSE;
  for (uint32_t i = 0; i < naive_candidate_count(world, selection) && some != BT_TRUE; i++)
    some = naive_or(some, naive_is_member(world, selection, naive_candidate(world, selection, i)));
  return some;
}

/* A summary is all its spans where their name and status alone make them members, else one of them. */
static int64_t weight_of(const naive_world *world, const bt_selection *selection, uint32_t span) {
  bool is_plain = selection->base_binding == BT_NO_BINDING && selection->relation_count == 0;
  if (!is_plain || !naive_is_summary(world, span)) return 1;
  const bt_span *summary = &world->spans[span];
  return naive_hidden_meets(selection->predicate, summary) == BT_TRUE ? naive_span_count(summary) : 1;
}

static naive_value count_members(const naive_world *world, const bt_selection *selection) {
  int64_t certain = 0, possible = 0;
  for (uint32_t i = 0; i < naive_candidate_count(world, selection); i++) {
    uint32_t span = naive_candidate(world, selection, i);
    bt_truth member = naive_is_member(world, selection, span);
    if (member == BT_TRUE) certain += weight_of(world, selection, span);
    if (member != BT_FALSE) possible++;
  }
  naive_value low = naive_integer(certain), high = naive_integer(possible);
  return naive_range(low.low, naive_is_open(world, selection) ? naive_bound_none() : high.high);
}

/* The numbers of the members, gathered in one walk. */
typedef struct numbers {
  uint32_t count;
  bool is_certain;  /* each of them is a member, and no other span can be, and no value is unknown */
  bool has_unknown; /* some value is not known: any number, or none */
  wide_integer whole_sum;
  long double decimal_sum;
  bool has_decimals, has_infinity;
  bool has_certain, has_possible;
  bt_value certain_min, certain_max, possible_min, possible_max; /* possible: also members that are not certain */
} numbers;

static void widen(bool *has_one, bt_value *min, bt_value *max, const bt_value *number) {
  if (!*has_one || naive_compare_numbers(number, min) < 0) *min = *number;
  if (!*has_one || naive_compare_numbers(number, max) > 0) *max = *number;
  *has_one = true;
}

static void add_number(numbers *n, const bt_value *number, bt_truth member) {
  n->count++;
  if (member != BT_TRUE) n->is_certain = false;
  if (number->type == BT_VALUE_INT)
    n->whole_sum += number->integer;
  else
    n->decimal_sum += (long double)number->decimal, n->has_decimals = true;
  if (number->type == BT_VALUE_DOUBLE && isinf(number->decimal)) n->has_infinity = true;
  widen(&n->has_possible, &n->possible_min, &n->possible_max, number);
  if (member == BT_TRUE) widen(&n->has_certain, &n->certain_min, &n->certain_max, number);
}

static bool is_one_number(const naive_value *value) {
  return value->kind == NAIVE_RANGE && !value->may_be_missing && !value->low.is_open && !value->high.is_open &&
         naive_compare_numbers(&value->low.number, &value->high.number) == 0;
}

static numbers gather(const naive_world *world, const bt_expression *aggregate) {
  const bt_selection *selection = aggregate->selection;
  numbers n = {.is_certain = !naive_is_open(world, selection)};
  for (uint32_t i = 0; i < naive_candidate_count(world, selection); i++) {
    uint32_t span = naive_candidate(world, selection, i);
    bt_truth member = naive_is_member(world, selection, span);
    if (member == BT_FALSE) continue;
    naive_value value = naive_read(naive_expression(world, aggregate->left, (naive_subject){.span = span}));
    if (is_one_number(&value)) {
      add_number(&n, &value.low.number, member);
    } else if (value.kind == NAIVE_ANY || value.kind == NAIVE_RANGE) {
      n.is_certain = false;
      n.has_unknown = true;
    }
  }
  return n;
}

static naive_value decimal_result(long double sum, bool may_be_infinite) {
  bt_value value = {.type = BT_VALUE_DOUBLE, .decimal = (double)sum};
  if (isnan(value.decimal) || (isinf(value.decimal) && !may_be_infinite)) return naive_missing();
  return naive_known(&value);
}

/* Whole numbers are summed apart and exactly; what they come to is added to the decimals as with +. */
static naive_value sum_of(const numbers *n) {
  if (!n->is_certain) return naive_any();
  bool is_whole_in_range = n->whole_sum <= INT64_MAX && n->whole_sum >= INT64_MIN;
  if (n->has_decimals && !is_whole_in_range)
    return decimal_result(n->decimal_sum + (long double)n->whole_sum, n->has_infinity);
  if (!is_whole_in_range) return naive_missing();
  naive_value whole = naive_integer((int64_t)n->whole_sum);
  if (!n->has_decimals) return whole;
  return naive_arithmetic(BT_EXPRESSION_ADD, whole, decimal_result(n->decimal_sum, n->has_infinity));
}

static naive_value average_of(const numbers *n) {
  if (!n->is_certain) return naive_any();
  if (n->count == 0) return naive_missing();
  return decimal_result((n->decimal_sum + (long double)n->whole_sum) / n->count, n->has_infinity);
}

/* min at most what was seen, max at least; a member that is not certain may change it, or be the only one. */
static naive_value extreme_of(const numbers *n, bool is_min, bool is_open) {
  if (n->is_certain && n->count == 0) return naive_missing();
  if (!n->has_certain && (is_open || !n->has_possible)) return naive_any();
  const bt_value *possible = is_min ? &n->possible_min : &n->possible_max;
  bt_value nearest = is_min ? n->certain_min : n->certain_max;
  if (!n->has_certain) nearest = is_min ? n->possible_max : n->possible_min;
  naive_bound farthest = is_open ? naive_bound_none() : naive_bound_at(*possible);
  naive_value result =
      is_min ? naive_range(farthest, naive_bound_at(nearest)) : naive_range(naive_bound_at(nearest), farthest);
  result.may_be_missing = !n->has_certain;
  return result;
}

naive_value naive_aggregate(const naive_world *world, const bt_expression *aggregate) {
  if (aggregate->aggregate == BT_AGGREGATE_COUNT) return count_members(world, aggregate->selection);
  if (aggregate->aggregate == BT_AGGREGATE_COUNT_DISTINCT) return naive_distinct(world, aggregate);
  numbers n = gather(world, aggregate);
  bool is_open = n.has_unknown || naive_is_open(world, aggregate->selection);
  switch (aggregate->aggregate) {
  case BT_AGGREGATE_SUM: return sum_of(&n);
  case BT_AGGREGATE_AVG: return average_of(&n);
  case BT_AGGREGATE_MIN: return extreme_of(&n, true, is_open);
  case BT_AGGREGATE_MAX: return extreme_of(&n, false, is_open);
  case BT_AGGREGATE_COUNT:
  case BT_AGGREGATE_COUNT_DISTINCT: break;
  }
  abort();
}
