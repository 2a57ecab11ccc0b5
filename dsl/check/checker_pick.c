/* first(…), last(…) and next(…): one span of several, by start time. See checker.h. The new selection asks for all that
 * its argument asks of a span, so searches and indexes know what it can be. Its first relation says which of these
 * spans it is. */
#include <string.h>

#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

/* The relation that `next` needs. */
static bool has_relation(const bt_ast *node, bt_relation_kind kind) {
  for (uint32_t i = 0; i < node->part_count; i++)
    if (node->parts[i].kind == BT_PART_RELATION && node->parts[i].relation == kind) return true;
  return false;
}

/* `next(x)` without `after`. Between two points the first one is the next one. */
static void report_next(bt_checker *checker, const bt_ast *node) {
  const bt_ast *spans = node->items[0];
  bt_str written = bt_checker_source(checker, spans->range);
  if (written.len > 60) written = BT_STR("x");
  bt_diagnostic *added = bt_checker_report(
      checker, BT_E_SYNTAX, node->range,
      "expected next(spans after point), which is the first of the spans that start after it: the first of all is "
      "first(%.*s)",
      BT_FMT(written));
  bt_range name = {node->range.start, node->range.start + (uint32_t)strlen("next")};
  if (has_relation(spans, BT_BETWEEN)) bt_checker_fix(checker, added, name, "first");
}

static const bt_selection *new_pick(bt_checker *checker, const bt_ast *node, const bt_selection *from) {
  bt_selection *selection = bt_checker_alloc(checker, 1, sizeof *selection);
  bt_relation *relation = bt_checker_alloc(checker, 1, sizeof *relation);
  if (!selection || !relation) return NULL;
  *relation = (bt_relation){.kind = node->function == BT_FUNCTION_LAST ? BT_LAST_OF : BT_FIRST_OF,
                            .range = node->range,
                            .first = {.binding = BT_NO_BINDING, .selection = from},
                            .second = {.binding = BT_NO_BINDING},
                            .within_ns = -1};
  *selection = (bt_selection){.range = node->range,
                              .base_binding = from->base_binding,
                              .predicate = from->predicate,
                              .relations = relation,
                              .relation_count = 1,
                              .is_foreign = from->is_foreign};
  return selection;
}

const bt_selection *bt_checker_pick(bt_checker *checker, const bt_ast *node) {
  const bt_selection *from = bt_checker_operand(checker, node->items[0]);
  if (!from) return NULL;
  if (node->function == BT_FUNCTION_NEXT && !has_relation(node->items[0], BT_AFTER)) {
    report_next(checker, node);
    return NULL;
  }
  return new_pick(checker, node, from);
}

const bt_selection *bt_checker_without_pick(const bt_selection *selection) {
  while (selection->relation_count == 1 && bt_relation_is_pick(selection->relations[0].kind)) {
    const bt_selection *from = selection->relations[0].first.selection;
    /* A filter behind it asks for more. */
    if (selection->predicate != from->predicate) break;
    selection = from;
  }
  return selection;
}
