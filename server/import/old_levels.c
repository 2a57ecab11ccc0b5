/* Tests of one span and conditions on a trace in one rule. See old_levels.h. */
#include "server/import/old_levels.h"

typedef bt_old_node node;

static bool is_of_span(const node *field) {
  return field->kind == BT_OLD_SPAN_FIELD || field->kind == BT_OLD_SPAN_KEY;
}

/* Whether a condition has tests of a span outside trace.has( ), and whether it has anything that is about the trace. */
static void look_for_levels(const node *at, bool *has_tests, bool *has_trace) {
  bool is_joint = at->kind == BT_OLD_AND || at->kind == BT_OLD_OR || at->kind == BT_OLD_NOT;
  if (is_of_span(at))
    *has_tests = true;
  else if (at->kind == BT_OLD_COMPARE && is_of_span(at->first->kind == BT_OLD_STRING ? at->last : at->first))
    *has_tests = true;
  else if (!is_joint && at->kind != BT_OLD_BOOL)
    *has_trace = true;
  for (const node *item = is_joint ? at->first : NULL; item; item = item->next)
    look_for_levels(item, has_tests, has_trace);
}

bt_status bt_old_levels_check(bt_old_rule *rule, bt_error *error) {
  const node *all[] = {rule->condition, rule->when, rule->always, rule->never};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    bool has_tests = false, has_trace = false;
    if (!all[i]) continue;
    look_for_levels(all[i], &has_tests, &has_trace);
    if (i == 0) rule->is_of_one_span = has_tests && !has_trace;
    if (!has_tests || (i == 0 && !has_trace)) continue;
    bt_status status = bt_error_set(error, BT_INVALID,
                                    "a test of one span (span.…) is next to conditions on the trace: put it into "
                                    "trace.has(…)");
    if (error) error->range = all[i]->range;
    return status;
  }
  return BT_OK;
}
