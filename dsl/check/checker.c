/* Conditions and whole rules. See checker.h. The clause `when` is lowered first, whatever its place, because always and
 * never see its bindings; the numbers of bindings follow the text. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

bt_str bt_checker_source(const bt_checker *checker, bt_range range) {
  return (bt_str){checker->text.ptr + range.start, range.end - range.start};
}

void *bt_checker_alloc(bt_checker *checker, size_t count, size_t size) {
  void *memory = bt_arena_array(checker->arena, count, size);
  if (!memory) checker->no_memory = true;
  return memory;
}

static bt_condition *new_condition(bt_checker *checker, bt_condition_kind kind, bt_range range) {
  bt_condition *condition = bt_checker_alloc(checker, 1, sizeof *condition);
  if (!condition) return NULL;
  condition->kind = kind;
  condition->range = range;
  condition->binding = BT_NO_BINDING;
  return condition;
}

static const bt_condition *lower_condition(bt_checker *checker, const bt_ast *node, bool in_choice);

/* AND: what an item binds is seen by those behind it. OR and NOT: each item is a world of its own. */
static const bt_condition *lower_items(bt_checker *checker, const bt_ast *node, bt_condition_kind kind,
                                       bool in_choice) {
  bt_condition *condition = new_condition(checker, kind, node->range);
  const bt_condition **items = bt_checker_alloc(checker, node->item_count, sizeof *items);
  bool good = condition && items;
  int visible_before = checker->visible_count;
  if (kind != BT_CONDITION_NOT && bt_checker_report_unowned(checker, node)) return NULL;
  if (kind == BT_CONDITION_AND) checker->mixed++;
  for (uint32_t i = 0; i < node->item_count; i++) {
    const bt_condition *item = lower_condition(checker, node->items[i], in_choice && kind == BT_CONDITION_AND);
    good &= item != NULL;
    if (good) items[i] = item;
    if (kind != BT_CONDITION_AND) checker->visible_count = visible_before;
  }
  if (kind == BT_CONDITION_AND) checker->mixed--;
  if (!good) return NULL;
  condition->items = items;
  condition->item_count = node->item_count;
  return condition;
}

/* The `as` of a selection, which is its last part; false when one stands elsewhere. */
static bool find_as(bt_checker *checker, const bt_ast *node, const bt_ast_part **as) {
  *as = NULL;
  for (uint32_t i = 0; i < node->part_count; i++) {
    if (node->parts[i].kind != BT_PART_AS) continue;
    *as = &node->parts[i];
    if (i + 1 == node->part_count) continue;
    bt_checker_report(checker, BT_E_AS, node->parts[i].range,
                      "`as` comes last: write filters and relations in front of it, or where(…) on the binding");
    return false;
  }
  return true;
}

static const bt_condition *lower_exists(bt_checker *checker, const bt_ast *node, bool in_choice) {
  const bt_ast_part *as;
  if (!find_as(checker, node, &as)) return NULL;
  const bt_selection *selection = bt_checker_selection(checker, node);
  /* The name is bound even when its selection is wrong: what uses it is not wrong for that. */
  bool bound = !as || bt_scope_bind(checker, as);
  if (!selection || !bound) return NULL;
  bt_condition *condition = new_condition(checker, BT_CONDITION_EXISTS, node->range);
  if (!condition) return NULL;
  condition->selection = as ? selection : bt_checker_without_pick(selection);
  if (!as) return condition;
  condition->binding = as->binding;
  checker->rule->bindings[as->binding].in_choice = in_choice;
  checker->rule->bindings[as->binding].is_foreign = selection->is_foreign;
  return condition;
}

static const bt_condition *lower_order(bt_checker *checker, const bt_ast *node) {
  bt_condition_kind kind = node->function == BT_FUNCTION_HAS_BEFORE ? BT_CONDITION_HAS_BEFORE : BT_CONDITION_HAS_AFTER;
  bt_condition *condition = new_condition(checker, kind, node->range);
  const bt_selection *first = bt_checker_operand(checker, node->items[0]);
  const bt_selection *other = bt_checker_operand(checker, node->items[1]);
  if (!condition || !first || !other) return NULL;
  condition->selection = first;
  condition->other = other;
  return condition;
}

static const bt_condition *lower_call(bt_checker *checker, const bt_ast *node, bool in_choice) {
  switch (bt_function_row_of(node->function)->class) {
  case BT_SELECTS_SPANS:
  case BT_PICKS_SPAN: return lower_exists(checker, node, in_choice);
  case BT_ORDERS_SPANS: return lower_order(checker, node);
  case BT_TESTS_FIELD: bt_checker_report_which_span(checker, node, NULL); return NULL;
  case BT_TESTS_EVERY: return bt_checker_every(checker, node);
  case BT_AGGREGATES:
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "expected a condition: compare this number with something, as in > 3");
    return NULL;
  case BT_COUNTS_PARTS: {
    const char *name = bt_function_name(node->function);
    bt_checker_report(checker, BT_E_WHICH_SPAN, node->range,
                      "%s(…) is a number of one span: compare it in a test, as in trace.has(%s(…) > 3)", name, name);
    return NULL;
  }
  }
  return NULL;
}

/* A comparison whose left side names no span: `"GET /cart" > 5`, `amount > 5`. True: reported. */
static bool report_no_span(bt_checker *checker, const bt_ast *node) {
  const bt_ast *left = node->items[0];
  if (left->kind == BT_AST_STRING) {
    bt_str written = bt_checker_source(checker, left->range);
    bt_checker_report(checker, BT_E_WHICH_SPAN, left->range,
                      "a quoted name cannot be compared: write %.*s.where(key %s …) with the attribute's key",
                      BT_FMT(written), bt_operator_name(node->op));
    return true;
  }
  return false;
}

static const bt_condition *lower_comparison(bt_checker *checker, const bt_ast *node, bool in_choice) {
  if (bt_is_direct_comparison(checker, node)) return lower_exists(checker, node, in_choice);
  if (report_no_span(checker, node) || bt_checker_report_unowned(checker, node)) return NULL;
  bt_condition *condition = new_condition(checker, BT_CONDITION_COMPARE, node->range);
  if (!condition) return NULL;
  if (!bt_checker_comparison(checker, node, node->items[0], (bt_str){0}, BT_SITE_CONDITION, &condition->comparison))
    return NULL;
  return condition;
}

static const bt_condition *lower_condition(bt_checker *checker, const bt_ast *node, bool in_choice) {
  switch (node->kind) {
  case BT_AST_ERROR: return NULL;
  case BT_AST_OR: return lower_items(checker, node, BT_CONDITION_OR, in_choice);
  case BT_AST_AND: return lower_items(checker, node, BT_CONDITION_AND, in_choice);
  case BT_AST_NOT: return lower_items(checker, node, BT_CONDITION_NOT, in_choice);
  case BT_AST_BOOLEAN:
    return new_condition(checker, node->boolean ? BT_CONDITION_TRUE : BT_CONDITION_FALSE, node->range);
  case BT_AST_COMPARE:
  case BT_AST_IN: return lower_comparison(checker, node, in_choice);
  case BT_AST_PATH:
  case BT_AST_STRING:
  case BT_AST_SELECTION: return lower_exists(checker, node, in_choice);
  case BT_AST_CALL: return lower_call(checker, node, in_choice);
  case BT_AST_INDEX: bt_checker_report_which_span(checker, node, NULL); return NULL;
  case BT_AST_ADD:
  case BT_AST_SUBTRACT:
  case BT_AST_MULTIPLY:
  case BT_AST_DIVIDE:
  case BT_AST_NEGATE:
  case BT_AST_INTEGER:
  case BT_AST_DECIMAL:
  case BT_AST_DURATION:
    if (bt_checker_report_path_name(checker, node)) return NULL;
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "expected a condition: compare this value with something, as in > 3");
    return NULL;
  }
  return NULL;
}

static const bt_ast *find_clause(const bt_ast_rule *tree, bt_clause_kind kind) {
  for (uint32_t i = 0; i < tree->clause_count; i++)
    if (tree->clauses[i].kind == kind) return tree->clauses[i].condition;
  return NULL;
}

static void lower_clauses(bt_checker *checker, const bt_ast_rule *tree) {
  bt_rule *rule = checker->rule;
  const bt_ast *when = find_clause(tree, BT_CLAUSE_WHEN);
  const bt_ast *always = find_clause(tree, BT_CLAUSE_ALWAYS);
  const bt_ast *never = find_clause(tree, BT_CLAUSE_NEVER);
  checker->in_when = true;
  if (when) rule->when = lower_condition(checker, when, true);
  checker->in_when = false;
  int visible_from_when = checker->visible_count;
  if (when) checker->mixed++;
  if (always) rule->always = lower_condition(checker, always, false);
  checker->visible_count = visible_from_when;
  if (never) rule->never = lower_condition(checker, never, false);
  if (tree->condition) rule->condition = lower_condition(checker, tree->condition, true);
}

bt_status bt_checker_run(bt_str text, const bt_ast_rule *tree, const bt_checker_names *names, bt_arena *arena,
                         bt_diagnostics *diagnostics, bt_rule *rule, bt_pattern_list **patterns, bt_error *error) {
  bt_checker checker = {.text = text, .arena = arena, .diagnostics = diagnostics, .rule = rule, .tree = tree};
  checker.names = *names;
  bt_checker_own_names(&checker, tree);
  bt_scope_declare(&checker, tree);
  bt_checker_conventions(&checker, tree);
  bt_checker_clocks(&checker, tree);
  lower_clauses(&checker, tree);
  bt_checker_annotations(&checker, tree);
  if (!checker.no_memory && !diagnostics->error_count) bt_checker_keep_own_names(&checker);
  if (!checker.no_memory && !diagnostics->error_count) bt_checker_warnings(&checker, tree);
  *patterns = checker.patterns;
  if (checker.no_memory) return bt_error_no_memory(error);
  if (!diagnostics->error_count) return BT_OK;
  return bt_error_set(error, BT_INVALID, "the rule has %zu error%s", diagnostics->error_count,
                      diagnostics->error_count == 1 ? "" : "s");
}
