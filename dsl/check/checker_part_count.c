/* event.count(…) and link.count(…): how many events (links) of the span under test meet a test, each asked of one and
 * the same. A number of one span, so it stands inside where(…), trace.has(…) and their like. See checker.h. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

bool bt_is_part_count(const bt_ast *node) {
  return node->kind == BT_AST_CALL && bt_function_row_of(node->function)->class == BT_COUNTS_PARTS;
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
                      "an aggregate takes a field of the span: %s(…) is for tests, as in count(span(%s(…) > 3)), "
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

/* ---- what was probably meant to be one ---- */

static bool is_one_span_tested(const bt_place *place) {
  return place->site == BT_SITE_OPERAND || place->site == BT_SITE_WHERE;
}

void bt_checker_fix_number_of_parts(bt_checker *checker, bt_diagnostic *added, const bt_ast *node, bt_str key,
                                    const bt_place *place) {
  bool is_number = bt_is_spelled(key, "count") || bt_is_spelled(key, "length");
  if (!is_number || !place->whole || !is_one_span_tested(place)) return;
  bt_str head = bt_path_head(node->text);
  bt_checker_fix(checker, added, node->range, "%.*s.count(true)", BT_FMT(head));
}

static bool is_of(const bt_ast *node, bt_str head) {
  bool is_field = node->kind == BT_AST_PATH || node->kind == BT_AST_INDEX;
  return is_field && bt_str_equal(bt_path_head(node->text), head);
}

/* All of its tests are of fields of an event (a link). */
static bool asks_parts_alone(const bt_ast *node, bt_str head) {
  if (node->kind == BT_AST_SELECTION) return bt_is_where_behind(node, head);
  if (node->kind == BT_AST_COMPARE || node->kind == BT_AST_IN) return is_of(node->items[0], head);
  if (node->kind == BT_AST_CALL) return node->function == BT_FUNCTION_EXISTS && is_of(node->items[0], head);
  if (node->kind != BT_AST_AND && node->kind != BT_AST_OR) return is_of(node, head);
  for (uint32_t i = 0; i < node->item_count; i++)
    if (!asks_parts_alone(node->items[i], head)) return false;
  return true;
}

/* Where one span is tested, the number of all spans of the trace that have such an event is the same for each. */
void bt_checker_warn_of_spans_counted(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  if (node->function != BT_FUNCTION_COUNT || !is_one_span_tested(place)) return;
  const bt_ast *test = node->items[0];
  bool is_of_event = asks_parts_alone(test, BT_STR("event"));
  if (!is_of_event && !asks_parts_alone(test, BT_STR("link"))) return;
  const char *head = is_of_event ? "event" : "link";
  bool is_where = test->kind == BT_AST_SELECTION;
  bt_str asked = bt_checker_source(checker, is_where ? test->parts[0].predicate->outer : test->outer);
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_SPANS_COUNTED, node->range,
      "count(…) counts spans of the trace, here those with such %s %s, and is the same for every span: how many %ss of "
      "one span meet the test is %s.count(…)",
      is_of_event ? "an" : "a", head, head, head);
  bt_checker_fix(checker, added, node->range, "%s.count(%.*s)", head, BT_FMT(asked));
}
