/* every(spans, test): all of them pass. It is `not spans.where(not (test))`, and lowered to that, so whatever reads
 * checked rules knows it already. Of no spans it holds; where that is hardly meant there is a warning (W018), which
 * looks at the tree: whether what stands next to it asks for such a span. See checker.h. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/format.h"

/* ---- lowering ---- */

static const bt_predicate *negate_test(bt_checker *checker, const bt_predicate *test) {
  bt_predicate *negation = bt_checker_alloc(checker, 1, sizeof *negation);
  const bt_predicate **items = bt_checker_alloc(checker, 1, sizeof *items);
  if (!negation || !items) return NULL;
  items[0] = test;
  *negation = (bt_predicate){.kind = BT_PREDICATE_NOT, .range = test->range, .items = items, .item_count = 1};
  negation->field.binding = BT_NO_BINDING;
  return negation;
}

/* The spans that fail. */
static const bt_selection *select_failing(bt_checker *checker, const bt_ast *node, const bt_selection *spans,
                                          const bt_predicate *test) {
  const bt_predicate *items[2] = {spans->predicate, negate_test(checker, test)};
  bt_selection *failing = bt_checker_alloc(checker, 1, sizeof *failing);
  if (!failing || !items[1]) return NULL;
  *failing = *spans;
  failing->range = node->range;
  failing->predicate = bt_checker_all_of(checker, items, 2, node->range);
  return failing->predicate ? failing : NULL;
}

const bt_condition *bt_checker_every(bt_checker *checker, const bt_ast *node) {
  const bt_selection *spans = bt_checker_operand(checker, node->items[0]);
  const bt_predicate *test = bt_checker_predicate(checker, node->items[1], BT_SITE_WHERE);
  const bt_selection *failing = spans && test ? select_failing(checker, node, spans, test) : NULL;
  bt_condition *some = failing ? bt_checker_alloc(checker, 1, sizeof *some) : NULL;
  bt_condition *none = some ? bt_checker_alloc(checker, 1, sizeof *none) : NULL;
  const bt_condition **items = none ? bt_checker_alloc(checker, 1, sizeof *items) : NULL;
  if (!items) return NULL;
  *some =
      (bt_condition){.kind = BT_CONDITION_EXISTS, .range = node->range, .selection = failing, .binding = BT_NO_BINDING};
  items[0] = some;
  *none = (bt_condition){
      .kind = BT_CONDITION_NOT, .range = node->range, .items = items, .item_count = 1, .binding = BT_NO_BINDING};
  return none;
}

/* ---- the warning ---- */

/* What asks for spans beside it: the conjunctions that it stands in, innermost first, and `when`. */
typedef struct beside {
  const bt_ast *conjunction;
  const struct beside *outer;
} beside;

static bool is_every(const bt_ast *node) {
  return node->kind == BT_AST_CALL && node->function == BT_FUNCTION_EVERY;
}

/* The same text in canonical form. */
static bool is_same(bt_checker *checker, const bt_ast *a, const bt_ast *b) {
  bt_buffer x = {0}, y = {0};
  bt_format_condition(a, &x);
  bt_format_condition(b, &y);
  bool same = bt_str_equal(bt_buffer_str(&x), bt_buffer_str(&y));
  if (x.failed || y.failed) checker->no_memory = true;
  bt_buffer_dispose(&x);
  bt_buffer_dispose(&y);
  return same;
}

/* What `span(…)` and `trace.has(…)` are about, else the node itself: `span(k == 1)` asks for the spans of `k == 1`. */
static const bt_ast *spans_of(const bt_ast *node) {
  bool selects = node->kind == BT_AST_CALL && bt_function_row_of(node->function)->class == BT_SELECTS_SPANS;
  return selects ? node->items[0] : node;
}

/* They themselves, some of them, or a comparison with their number, which says what is to be with none. */
bool bt_checker_asks_for(bt_checker *checker, const bt_ast *condition, const bt_ast *spans) {
  if (condition->kind == BT_AST_COMPARE && condition->items[0]->kind == BT_AST_CALL)
    return condition->items[0]->function == BT_FUNCTION_COUNT && is_same(checker, condition->items[0]->items[0], spans);
  spans = spans_of(spans);
  if (condition->kind != BT_AST_SELECTION) return is_same(checker, spans_of(condition), spans);
  if (is_same(checker, spans_of(condition->items[0]), spans)) return true;
  bt_ast unbound = *condition;
  bool binds = unbound.part_count && unbound.parts[unbound.part_count - 1].kind == BT_PART_AS;
  if (binds && --unbound.part_count == 0) return false;
  return is_same(checker, &unbound, spans);
}

static bool is_asked_for(bt_checker *checker, const beside *around, const bt_ast *spans) {
  for (; around; around = around->outer) {
    const bt_ast *node = around->conjunction;
    if (node->kind != BT_AST_AND && bt_checker_asks_for(checker, node, spans)) return true;
    for (uint32_t i = 0; node->kind == BT_AST_AND && i < node->item_count; i++)
      if (bt_checker_asks_for(checker, node->items[i], spans)) return true;
  }
  return false;
}

bool bt_checker_is_of_binding(const bt_checker *checker, const bt_ast *spans) {
  const bt_ast *base = spans->kind == BT_AST_SELECTION ? spans->items[0] : spans;
  return base->kind == BT_AST_PATH && bt_scope_is_binding(checker, base->text);
}

/* In `always`, alone: what `when` leaves out has no such span and would not violate, so that the violations stay. */
static void fix_when(bt_checker *checker, bt_diagnostic *added, const bt_ast_rule *tree, const bt_ast *node) {
  const bt_ast_clause *when = NULL, *always = NULL;
  bt_str spans = bt_checker_source(checker, node->items[0]->outer);
  for (uint32_t i = 0; i < tree->clause_count; i++) {
    if (tree->clauses[i].kind == BT_CLAUSE_NEVER) return;
    if (tree->clauses[i].kind == BT_CLAUSE_WHEN) when = &tree->clauses[i];
    if (tree->clauses[i].kind == BT_CLAUSE_ALWAYS) always = &tree->clauses[i];
  }
  if (!always || always->condition != node) return;
  bt_range before = {always->keyword.start, always->keyword.start};
  if (!when) {
    bt_checker_fix(checker, added, before, "when { %.*s } ", BT_FMT(spans));
  } else if (when->condition->kind != BT_AST_OR || when->condition->parenthesised) {
    bt_range behind = {when->condition->outer.end, when->condition->outer.end};
    bt_checker_fix(checker, added, behind, " and %.*s", BT_FMT(spans));
  }
}

static bool is_operand_only(const bt_ast *spans) {
  return spans->kind != BT_AST_PATH && spans->kind != BT_AST_STRING && spans->kind != BT_AST_SELECTION &&
         spans->kind != BT_AST_CALL;
}

static void warn_of_none(bt_checker *checker, const bt_ast_rule *tree, const bt_ast *node, bool is_demand) {
  const bt_ast *spans = node->items[0];
  bt_str written = bt_checker_source(checker, spans->outer);
  const char *open = is_operand_only(spans) ? "span(" : "", *close = is_operand_only(spans) ? ")" : "";
  if (is_demand) {
    bt_diagnostic *added = bt_checker_report(
        checker, BT_W_EVERY_OF_NONE, node->range,
        "this also holds if there is no such span. Name them in `when` if the rule is about traces that have some, "
        "or write %s%.*s%s and every(…) if one has to be there",
        open, BT_FMT(written), close);
    if (!open[0]) fix_when(checker, added, tree, node);
    return;
  }
  bt_diagnostic *added =
      bt_checker_report(checker, BT_W_EVERY_OF_NONE, node->range,
                        "this also holds in every trace without such a span: write %s%.*s%s and every(…) if one has "
                        "to be there",
                        open, BT_FMT(written), close);
  bt_checker_fix(checker, added, node->range, "%s%.*s%s and %.*s", open, BT_FMT(written), close,
                 BT_FMT(bt_checker_source(checker, node->range)));
}

/* is_demand: it stands in `always`, where what holds does no harm. Below `not` a failing span is asked for. */
static void visit_node(bt_checker *checker, const bt_ast_rule *tree, const bt_ast *node, const beside *around,
                       bool is_demand) {
  if (is_every(node)) {
    if (!bt_checker_is_of_binding(checker, node->items[0]) && !is_asked_for(checker, around, node->items[0]))
      warn_of_none(checker, tree, node, is_demand);
    return;
  }
  const beside here = {node, around};
  if (node->kind != BT_AST_AND && node->kind != BT_AST_OR) return;
  for (uint32_t i = 0; i < node->item_count; i++)
    visit_node(checker, tree, node->items[i], node->kind == BT_AST_AND ? &here : around, is_demand);
}

void bt_checker_warn_of_every(bt_checker *checker, const bt_ast_rule *tree) {
  const bt_ast *condition_of_when = NULL;
  for (uint32_t i = 0; i < tree->clause_count; i++)
    if (tree->clauses[i].kind == BT_CLAUSE_WHEN) condition_of_when = tree->clauses[i].condition;
  const beside when = {condition_of_when, NULL};
  for (uint32_t i = 0; i < tree->clause_count; i++) {
    bool is_when = tree->clauses[i].kind == BT_CLAUSE_WHEN;
    visit_node(checker, tree, tree->clauses[i].condition, is_when || !condition_of_when ? NULL : &when,
               tree->clauses[i].kind == BT_CLAUSE_ALWAYS);
  }
  if (tree->condition) visit_node(checker, tree, tree->condition, NULL, false);
}
