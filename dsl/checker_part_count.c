/* event.count(…) and link.count(…): how many events (links) of the span under test meet a test, each asked of one and
 * the same. A number of one span, so it stands inside where(…), trace.has(…) and their like. See checker.h. */
#include "dsl/checker.h"
#include "dsl/diagnostic_codes.h"

bool bt_is_part_count(const bt_ast *node) {
  return node->kind == BT_AST_CALL &&
         (node->function == BT_FUNCTION_EVENT_COUNT || node->function == BT_FUNCTION_LINK_COUNT);
}

/* Whether one span is under test there. */
static bool allows_part_count(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  const char *name = bt_function_name(node->function);
  switch (place->site) {
  case BT_SITE_OPERAND:
  case BT_SITE_WHERE: return true;
  case BT_SITE_CONDITION: bt_checker_report_which_span(checker, node, place->whole); return false;
  case BT_SITE_AGGREGATE:
    bt_checker_report(checker, BT_E_PART_COUNT, node->range,
                      "an aggregate takes a field of the span: %s(…) stands in a test, as in count(span(%s(…) > 3)), "
                      "which counts spans",
                      name, name);
    return false;
  case BT_SITE_EVENT:
  case BT_SITE_LINK:
    bt_checker_report(checker, BT_E_PART_COUNT, node->range,
                      "%s(…) is a number of the whole span, and this asks one %s of it: put the comparison outside, "
                      "joined with and",
                      name, place->site == BT_SITE_EVENT ? "event" : "link");
    return false;
  }
  return false;
}

/* `event.count(event.name)`: a text is never true. */
static bool is_no_test(bt_checker *checker, const bt_ast *node, const bt_predicate *test) {
  if (test->kind != BT_PREDICATE_IS_TRUE || bt_field_type(test->field.kind) == BT_TYPE_ATTRIBUTE) return false;
  bt_str field = bt_checker_source(checker, node->items[0]->range);
  const char *name = bt_function_name(node->function);
  bt_checker_report(checker, BT_E_PART_COUNT, node->items[0]->range,
                    "expected a test that each %s is asked, and %.*s is no boolean: compare it, as in %s(%.*s == …); "
                    "%s(true) counts all",
                    node->function == BT_FUNCTION_EVENT_COUNT ? "event" : "link", BT_FMT(field), name, BT_FMT(field),
                    name);
  return true;
}

const bt_expression *bt_checker_part_count(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  bool is_of_event = node->function == BT_FUNCTION_EVENT_COUNT;
  if (!allows_part_count(checker, node, place)) return NULL;
  const bt_predicate *test = bt_checker_predicate(checker, node->items[0], is_of_event ? BT_SITE_EVENT : BT_SITE_LINK);
  if (!test || is_no_test(checker, node, test)) return NULL;
  const bt_predicate *part =
      bt_checker_of_one_part(checker, is_of_event ? BT_PREDICATE_EVENT : BT_PREDICATE_LINK, test, node->range);
  bt_expression *count = bt_checker_new_expression(checker, BT_EXPRESSION_PART_COUNT, BT_TYPE_NUMBER, node->range);
  if (!part || !count) return NULL;
  count->part = part;
  return count;
}
