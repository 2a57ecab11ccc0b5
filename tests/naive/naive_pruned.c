/* Traces of which spans were summed up, for the naive evaluator: from docs/spec/semantics.md alone. See naive_world.h.
 */
#include "dsl/trace/trace_pruned.h"
#include "tests/naive/naive_world.h"

bool naive_is_summary(const naive_world *world, uint32_t span) {
  return !naive_is_unseen(span) && world->spans[span].pruning == BT_PRUNING_SUMMARY;
}

bool naive_is_pruned(const naive_world *world) {
  for (uint32_t i = 0; i < world->trace->span_count; i++)
    if (world->trace->spans[i].pruning != BT_PRUNING_NONE) return true;
  return false;
}

int64_t naive_span_count(const bt_span *summary) {
  return (int64_t)bt_pruning_span_count(summary);
}

bool naive_knows(const naive_world *world, uint32_t span, bt_field_kind kind) {
  if (world->spans[span].pruning == BT_PRUNING_KEPT) return kind != BT_FIELD_PARENT_ID;
  if (!naive_is_summary(world, span)) return true;
  switch (kind) {
  case BT_FIELD_NAME:
  case BT_FIELD_KIND:
  case BT_FIELD_STATUS:
  case BT_FIELD_STATUS_MESSAGE:
  case BT_FIELD_SERVICE:
  case BT_FIELD_SPAN_TRACE_ID:
  case BT_FIELD_SPAN_ATTRIBUTE:
  case BT_FIELD_RESOURCE_ATTRIBUTE:
  case BT_FIELD_EITHER_ATTRIBUTE:
  case BT_FIELD_SCOPE_NAME:
  case BT_FIELD_SCOPE_VERSION:
  case BT_FIELD_SCOPE_ATTRIBUTE: return true;
  case BT_FIELD_DURATION:
  case BT_FIELD_START:
  case BT_FIELD_END:
  case BT_FIELD_ID:
  case BT_FIELD_PARENT_ID:
  case BT_FIELD_FLAGS:
  case BT_FIELD_TRACE_STATE:
  case BT_FIELD_DROPPED_ATTRIBUTES:
  case BT_FIELD_DROPPED_EVENTS:
  case BT_FIELD_DROPPED_LINKS:
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
  return false;
}

static bool is_name_or_status(const bt_field *field) {
  return field->binding == BT_NO_BINDING && (field->kind == BT_FIELD_NAME || field->kind == BT_FIELD_STATUS);
}

static bool compares_with_literals(const bt_comparison *comparison) {
  if (comparison->left->kind != BT_EXPRESSION_FIELD || !is_name_or_status(&comparison->left->field)) return false;
  for (uint32_t i = 0; i < comparison->list_count; i++)
    if (comparison->list[i]->kind != BT_EXPRESSION_LITERAL) return false;
  return comparison->list_count > 0 || comparison->op == BT_IN || comparison->op == BT_NOT_IN ||
         comparison->right->kind == BT_EXPRESSION_LITERAL;
}

/* The test as it is on a trace of that one span. */
static bt_truth compare_with_literals(const bt_comparison *comparison, const bt_span *summary) {
  bt_span alone = *summary;
  alone.pruning = BT_PRUNING_NONE;
  bt_trace trace = {.spans = &alone, .span_count = 1};
  uint32_t home = 0;
  naive_world world = {.trace = &trace, .spans = &alone, .home = &home, .span_count = 1};
  return naive_comparison(&world, comparison, (naive_subject){.span = 0});
}

bt_truth naive_hidden_meets(const bt_predicate *predicate, const bt_span *summary) {
  bt_truth result;
  switch (predicate->kind) {
  case BT_PREDICATE_TRUE: return BT_TRUE;
  case BT_PREDICATE_FALSE: return BT_FALSE;
  case BT_PREDICATE_AND:
    result = BT_TRUE;
    for (uint32_t i = 0; i < predicate->item_count; i++)
      result = naive_and(result, naive_hidden_meets(predicate->items[i], summary));
    return result;
  case BT_PREDICATE_OR:
    result = BT_FALSE;
    for (uint32_t i = 0; i < predicate->item_count; i++)
      result = naive_or(result, naive_hidden_meets(predicate->items[i], summary));
    return result;
  case BT_PREDICATE_NOT: return naive_not(naive_hidden_meets(predicate->items[0], summary));
  case BT_PREDICATE_NAMED: return bt_str_equal(predicate->name, summary->name) ? BT_TRUE : BT_UNKNOWN;
  case BT_PREDICATE_COMPARE:
    if (compares_with_literals(&predicate->comparison)) return compare_with_literals(&predicate->comparison, summary);
    return BT_UNKNOWN;
  case BT_PREDICATE_EXISTS: return is_name_or_status(&predicate->field) ? BT_TRUE : BT_UNKNOWN;
  case BT_PREDICATE_IS_TRUE: return is_name_or_status(&predicate->field) ? BT_FALSE : BT_UNKNOWN; /* they are texts */
  case BT_PREDICATE_EVENT:
  case BT_PREDICATE_LINK: break;
  }
  return BT_UNKNOWN;
}

/* A span that was kept has the name and the status of those that were not. */
bool naive_may_hide(const naive_world *world, const bt_predicate *predicate) {
  for (uint32_t i = 0; i < world->trace->span_count; i++) {
    const bt_span *span = &world->trace->spans[i];
    if (span->pruning != BT_PRUNING_NONE && naive_hidden_meets(predicate, span) != BT_FALSE) return true;
  }
  return false;
}
