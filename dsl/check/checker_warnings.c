/* Warnings about a rule without errors: constants, empty lists, unused bindings, attributes that look like spans. See
 * checker.h. They walk the checked rule, so sugar is no concern here. */
#include "dsl/base/suggestion.h"
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

static void visit_selection(bt_checker *checker, const bt_selection *selection);
static void visit_predicate(bt_checker *checker, const bt_predicate *predicate);

static void warn_of_empty_list(bt_checker *checker, const bt_comparison *comparison) {
  if (comparison->right || comparison->list_count) return;
  bool in = comparison->op == BT_IN;
  bt_checker_report(checker, BT_W_EMPTY_LIST, comparison->range,
                    in ? "`in []` never holds: write the values, or remove the test"
                       : "`not in []` only asks whether the field is there: write exists(…)");
}

static void warn_of_constant(bt_checker *checker, const bt_comparison *comparison) {
  bt_static_truth truth = bt_static_comparison(comparison);
  if (truth == BT_STATIC_OPEN) return;
  bt_checker_report(checker, BT_W_CONSTANT, comparison->range, "this %s: %s",
                    truth == BT_STATIC_NEVER ? "can never hold" : "always holds", bt_static_reason(comparison));
}

static void visit_expression(bt_checker *checker, const bt_expression *expression) {
  if (!expression) return;
  if (expression->selection) visit_selection(checker, expression->selection);
  if (expression->part) visit_predicate(checker, expression->part);
  visit_expression(checker, expression->left);
  visit_expression(checker, expression->right);
}

static void visit_comparison(bt_checker *checker, const bt_comparison *comparison) {
  visit_expression(checker, comparison->left);
  visit_expression(checker, comparison->right);
  for (uint32_t i = 0; i < comparison->list_count; i++) visit_expression(checker, comparison->list[i]);
  warn_of_empty_list(checker, comparison);
  if (comparison->right || comparison->list_count) warn_of_constant(checker, comparison);
}

static void visit_predicate(bt_checker *checker, const bt_predicate *predicate) {
  for (uint32_t i = 0; i < predicate->item_count; i++) visit_predicate(checker, predicate->items[i]);
  if (predicate->kind == BT_PREDICATE_COMPARE) visit_comparison(checker, &predicate->comparison);
  const bt_predicate *second = bt_static_contradiction(predicate);
  if (second)
    bt_checker_report(
        checker, BT_W_CONSTANT, second->range,
        "this can never hold together with the test before it: a span has one such value; write or, or `in [a, b]`");
  if (predicate->kind == BT_PREDICATE_IS_TRUE && bt_static_predicate(predicate) == BT_STATIC_NEVER)
    bt_checker_report(
        checker, BT_W_CONSTANT, predicate->range,
        "this can never hold: a field alone asks whether it is the boolean true; compare it with something");
  if (predicate->kind == BT_PREDICATE_EXISTS && bt_static_predicate(predicate) == BT_STATIC_ALWAYS)
    bt_checker_report(checker, BT_W_CONSTANT, predicate->range, "this always holds: every span has this field");
}

static void visit_selection(bt_checker *checker, const bt_selection *selection) {
  visit_predicate(checker, selection->predicate);
  for (uint32_t i = 0; i < selection->relation_count; i++) {
    const bt_relation *relation = &selection->relations[i];
    if (relation->first.selection) visit_selection(checker, relation->first.selection);
    if (relation->second.selection) visit_selection(checker, relation->second.selection);
  }
}

static void visit_condition(bt_checker *checker, const bt_condition *condition) {
  for (uint32_t i = 0; i < condition->item_count; i++) visit_condition(checker, condition->items[i]);
  if (condition->selection) visit_selection(checker, condition->selection);
  if (condition->other) visit_selection(checker, condition->other);
  if (condition->kind == BT_CONDITION_COMPARE) visit_comparison(checker, &condition->comparison);
}

typedef struct clause_row {
  const bt_condition *condition;
  const char *never, *always; /* what it means when the clause can never hold, always holds; NULL: nothing to say */
} clause_row;

/* A clause that is constant as a whole, where no part of it was reported yet. */
static void visit_clause(bt_checker *checker, const clause_row *row) {
  if (!row->condition) return;
  size_t before = checker->diagnostics->count;
  visit_condition(checker, row->condition);
  if (checker->diagnostics->count != before) return;
  bt_static_truth truth = bt_static_condition(row->condition);
  const char *meaning = truth == BT_STATIC_NEVER ? row->never : truth == BT_STATIC_ALWAYS ? row->always : NULL;
  if (meaning) bt_checker_report(checker, BT_W_CONSTANT, row->condition->range, "%s", meaning);
}

static void warn_of_unused(bt_checker *checker) {
  for (int i = 0; i < checker->rule->binding_count; i++) {
    if (checker->used[i]) continue;
    const bt_binding *binding = &checker->rule->bindings[i];
    bt_diagnostic *added = bt_checker_report(checker, BT_W_UNUSED_BINDING, binding->range,
                                             "the binding `%.*s` is never used", BT_FMT(binding->name));
    bt_range range = checker->as_ranges[i];
    while (range.start > 0 && checker->text.ptr[range.start - 1] == ' ') range.start--;
    bt_diagnostics_set_fix(checker->diagnostics, added, range, BT_STR(""));
  }
}

static bool is_span_name(const bt_checker *checker, bt_str text) {
  for (const bt_noted_name *name = checker->span_names; name; name = name->next)
    if (bt_str_equal(name->text, text)) return true;
  return false;
}

/* `trace.has(checkout.amount > 5)`: of a key that begins with no namespace that is in use, the first part is probably a
 * span's name. */
static void warn_of_unusual_key(bt_checker *checker, const bt_noted_name *path) {
  bt_str head = bt_path_head(path->text), key = bt_path_rest(path->text);
  if (!path->whole.end || bt_path_rest(key).len || bt_is_usual_namespace(head)) return;
  if (bt_foreign_hint(path->text, BT_FOREIGN_BARE)) return; /* said already */
  if (bt_checker_has_alias(checker, path->text)) return;    /* so it is a key */
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_UNUSUAL_KEY, path->range,
      "this is the attribute `%.*s` of any span: if `%.*s` is a span, write %.*s.where(%.*s …), and to say that the "
      "attribute is meant, span.%.*s",
      BT_FMT(path->text), BT_FMT(head), BT_FMT(head), BT_FMT(key), BT_FMT(path->text));
  bt_str rest = bt_checker_source(checker, (bt_range){path->range.end, path->whole.end});
  bt_checker_fix(checker, added, path->whole, "%.*s.where(%.*s%.*s)", BT_FMT(head), BT_FMT(key), BT_FMT(rest));
}

/* `event.k` and `link.k` behind a name: an attribute that is called so, or of its events or links. */
static bool has_two_readings(bt_str key) {
  bt_str head = bt_path_head(key);
  return bt_path_rest(key).len && (bt_str_equal(head, BT_STR("event")) || bt_str_equal(head, BT_STR("link")));
}

/* Two readings, and no fix: nobody can tell which is meant. */
static void warn_of_part_path(bt_checker *checker, const bt_noted_name *path, bt_str front, bt_str key) {
  bt_checker_report(
      checker, BT_W_HEAD_IS_SPAN, path->range,
      "this is the attribute `%.*s` of any span, and `%.*s` is a span elsewhere in this rule: to test its "
      "%.*ss write %.*s.where(%.*s …), and its attribute of that name %.*s.where(span.%.*s …)",
      BT_FMT(path->text), BT_FMT(front), BT_FMT(bt_path_head(key)), BT_FMT(front), BT_FMT(key), BT_FMT(front),
      BT_FMT(key));
}

/* `trace.has(payment.amount > 5)` where `payment` is a span elsewhere: the attribute is called payment.amount. */
static void warn_of_operand_path(bt_checker *checker, const bt_noted_name *path) {
  for (bt_str front = bt_path_front(path->text); front.len; front = bt_path_front(front)) {
    if (!is_span_name(checker, front)) continue;
    bt_str key = {path->text.ptr + front.len + 1, path->text.len - front.len - 1};
    if (has_two_readings(key)) {
      warn_of_part_path(checker, path, front, key);
      return;
    }
    bt_diagnostic *added = bt_checker_report(checker, BT_W_HEAD_IS_SPAN, path->range,
                                             "this is the attribute `%.*s` of any span, and `%.*s` is a span elsewhere "
                                             "in this rule: to test its attribute write "
                                             "%.*s.where(%.*s …)",
                                             BT_FMT(path->text), BT_FMT(front), BT_FMT(front), BT_FMT(key));
    bt_str rest = bt_checker_source(checker, (bt_range){path->range.end, path->whole.end});
    if (path->whole.end)
      bt_checker_fix(checker, added, path->whole, "%.*s.where(%.*s%.*s)", BT_FMT(front), BT_FMT(key), BT_FMT(rest));
    return;
  }
  warn_of_unusual_key(checker, path);
}

/* `fraud after chekcout` where `checkout` is a binding: the misspelt word is silently a span's name. Names that are
 * told apart by a number (order1, order2) are left alone. */
static void warn_of_near_binding(bt_checker *checker, const bt_noted_name *name) {
  for (int i = 0; i < checker->rule->binding_count; i++) {
    bt_str binding = checker->rule->bindings[i].name;
    char last = binding.ptr[binding.len - 1];
    if (binding.len < 4 || (last >= '0' && last <= '9') || bt_suggest_distance(name->text, binding) != 1) continue;
    bt_diagnostic *added = bt_checker_report(
        checker, BT_W_NEAR_BINDING, name->range,
        "this is a span's name: did you mean the binding `%.*s`? Quote the name if it is meant", BT_FMT(binding));
    bt_checker_fix(checker, added, name->range, "%.*s", BT_FMT(binding));
    return;
  }
}

static bool is_quoted(const bt_checker *checker, bt_range range) {
  return checker->text.ptr[range.start] == '"' || checker->text.ptr[range.start] == '`';
}

void bt_checker_warnings(bt_checker *checker, const bt_ast_rule *tree) {
  const bt_rule *rule = checker->rule;
  bool literal_when = rule->when && rule->when->kind == BT_CONDITION_TRUE;
  const clause_row rows[] = {
      {rule->when, "`when` can never hold, so the rule is never exercised",
       literal_when ? NULL : "`when` always holds: leave it out if that is meant"},
      {rule->always, "`always` can never hold: every trace that exercises the rule violates it",
       "`always` always holds, so it cannot be violated"},
      {rule->never, "`never` can never hold, so it cannot be violated",
       "`never` always holds: every trace that exercises the rule violates it"},
      {rule->condition, "this condition can never hold, so the rule cannot be violated",
       "this condition always holds, so every trace violates the rule"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) visit_clause(checker, &rows[i]);
  warn_of_unused(checker);
  for (const bt_noted_name *name = checker->span_names; name; name = name->next)
    if (!is_quoted(checker, name->range)) warn_of_near_binding(checker, name);
  for (const bt_noted_name *path = checker->operand_paths; path; path = path->next) warn_of_operand_path(checker, path);
  bt_checker_warn_of_every(checker, tree);
  bt_checker_warn_of_doubts(checker, tree);
}
