/* Bindings: who is declared, who is visible where. See checker.h. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"
#include "dsl/syntax/vocabulary.h"

static bool is_reserved(bt_str name) {
  for (size_t i = 0; bt_vocabulary_reserved(i); i++)
    if (bt_str_equal(name, bt_str_from(bt_vocabulary_reserved(i)))) return true;
  return false;
}

bool bt_scope_is_taken(bt_str word) {
  return bt_path_rest(word).len || is_reserved(word);
}

static void declare_binding(bt_checker *checker, bt_ast_part *as) {
  bt_rule *rule = checker->rule;
  if (bt_scope_is_taken(as->name)) {
    bt_checker_report(checker, BT_E_AS, as->name_range,
                      "`%.*s` cannot name a binding: expected a word without dots that is not reserved",
                      BT_FMT(as->name));
  } else if (bt_checker_find_own(checker, as->name)) {
    bt_checker_report(checker, BT_E_SHADOW, as->name_range,
                      "`%.*s` names spans already, by @name or by the rule file: choose another name",
                      BT_FMT(as->name));
  } else if (rule->binding_count == BT_MAX_BINDINGS) {
    bt_checker_report(checker, BT_E_LIMIT, as->name_range, "a rule has at most %d bindings", BT_MAX_BINDINGS);
  } else {
    as->binding = rule->binding_count;
    checker->as_ranges[as->binding] = as->range;
    rule->bindings[rule->binding_count++] = (bt_binding){.name = as->name, .range = as->name_range};
  }
}

static void declare_in(bt_checker *checker, const bt_ast *node) {
  if (!node || node->kind == BT_AST_ERROR) return;
  for (uint32_t i = 0; i < node->item_count; i++) declare_in(checker, node->items[i]);
  for (uint32_t i = 0; i < node->part_count; i++) {
    bt_ast_part *part = &node->parts[i];
    if (part->kind == BT_PART_AS) declare_binding(checker, part);
    declare_in(checker, part->predicate);
    declare_in(checker, part->first.ref);
    declare_in(checker, part->second.ref);
  }
}

void bt_scope_declare(bt_checker *checker, const bt_ast_rule *tree) {
  for (uint32_t i = 0; i < tree->clause_count; i++) declare_in(checker, tree->clauses[i].condition);
  declare_in(checker, tree->condition);
}

bool bt_scope_is_binding(const bt_checker *checker, bt_str name) {
  for (int i = 0; i < checker->rule->binding_count; i++)
    if (bt_str_equal(checker->rule->bindings[i].name, name)) return true;
  return false;
}

static int find_visible(const bt_checker *checker, bt_str name) {
  for (int i = checker->visible_count - 1; i >= 0; i--)
    if (bt_str_equal(checker->rule->bindings[checker->visible[i]].name, name)) return checker->visible[i];
  return BT_NO_BINDING;
}

int bt_scope_lookup(bt_checker *checker, bt_str name, bt_range range) {
  int binding = find_visible(checker, name);
  if (binding != BT_NO_BINDING) {
    checker->used[binding] = true;
    return binding;
  }
  /* It is used all the same: one mistake, one report. */
  for (int i = 0; i < checker->rule->binding_count; i++)
    if (bt_str_equal(checker->rule->bindings[i].name, name)) checker->used[i] = true;
  bt_checker_report(
      checker, BT_E_NOT_VISIBLE, range,
      "the binding `%.*s` is not visible here. It is visible to the right in its own conjunction, and from "
      "`when` (outside not and or) in always and never; quote it if a name is meant",
      BT_FMT(name));
  return BT_NO_BINDING;
}

bool bt_scope_bind(bt_checker *checker, const bt_ast_part *as) {
  if (as->binding == BT_NO_BINDING) return false;
  if (find_visible(checker, as->name) != BT_NO_BINDING) {
    bt_checker_report(checker, BT_E_SHADOW, as->name_range,
                      "`%.*s` names a binding that is visible here already: choose another name", BT_FMT(as->name));
    return false;
  }
  checker->visible[checker->visible_count++] = as->binding;
  return true;
}
