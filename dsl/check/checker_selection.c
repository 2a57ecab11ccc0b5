/* Selections: a base with its filters and relations, as a condition, as an operand, or behind a relation. See
 * checker.h. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

static bt_selection *new_selection(bt_checker *checker, bt_range range, const bt_predicate *predicate) {
  bt_selection *selection = predicate ? bt_checker_alloc(checker, 1, sizeof *selection) : NULL;
  if (!selection) return NULL;
  *selection = (bt_selection){.range = range, .base_binding = BT_NO_BINDING, .predicate = predicate};
  return selection;
}

static const bt_predicate *new_true(bt_checker *checker, bt_range range) {
  return bt_checker_all_of(checker, NULL, 0, range);
}

bool bt_is_direct_comparison(const bt_checker *checker, const bt_ast *node) {
  if (node->kind != BT_AST_COMPARE && node->kind != BT_AST_IN) return false;
  const bt_ast *left = node->items[0];
  return left->kind == BT_AST_PATH && bt_path_rest(left->text).len && !bt_checker_has_field_head(checker, left);
}

/* `name.key > 5` is `name.where(key > 5)`. */
static const bt_selection *lower_direct(bt_checker *checker, const bt_ast *node) {
  const bt_ast *path = node->items[0];
  bt_str name = bt_path_front(path->text);
  bt_ast key = *path;
  key.text = bt_path_last(path->text);
  key.range.start = path->range.end - (uint32_t)key.text.len;
  key.outer = key.range;
  bt_checker_warn_of_direct(checker, node);
  bt_range name_range = {path->range.start, path->range.start + (uint32_t)name.len};
  const bt_predicate *items[2] = {
      bt_checker_word(checker, name, name_range),
      bt_checker_compare_predicate(checker, node, &key, name, BT_SITE_WHERE),
  };
  if (!items[0] || !items[1]) return NULL;
  return new_selection(checker, node->range, bt_checker_all_of(checker, items, 2, node->range));
}

static const bt_selection *lower_binding(bt_checker *checker, const bt_ast *node) {
  if (bt_path_rest(node->text).len) {
    bt_str binding_name = bt_path_head(node->text);
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "expected spans or a condition, and `%.*s` is a field of the binding `%.*s`: compare it, as in "
                      "%.*s == true; if a span has this name, rename the binding or quote the name",
                      BT_FMT(node->text), BT_FMT(binding_name), BT_FMT(node->text));
    return NULL;
  }
  int binding = bt_scope_lookup(checker, node->text, node->range);
  bt_selection *selection =
      binding == BT_NO_BINDING ? NULL : new_selection(checker, node->range, new_true(checker, node->range));
  if (!selection) return NULL;
  selection->base_binding = binding;
  selection->is_foreign = checker->rule->bindings[binding].is_foreign;
  return selection;
}

/* `trace.x` and `span.x` where spans are expected. */
static const bt_selection *report_field(bt_checker *checker, const bt_ast *node) {
  if (bt_checker_report_field_as_spans(checker, node)) return NULL;
  if (bt_str_equal(bt_path_head(node->text), BT_STR("span"))) {
    bt_checker_report_which_span(checker, node, NULL);
    return NULL;
  }
  bt_place place = {.site = BT_SITE_CONDITION};
  bt_field field;
  if (bt_checker_field(checker, node, &place, &field))
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "expected a condition: compare `%.*s` with something, as in > 5", BT_FMT(node->text));
  return NULL;
}

static const bt_selection *lower_path(bt_checker *checker, const bt_ast *node) {
  bt_str head = bt_path_head(node->text);
  if (bt_scope_is_binding(checker, head)) return lower_binding(checker, node);
  bool reserved =
      bt_path_rest(node->text).len && (bt_str_equal(head, BT_STR("span")) || bt_str_equal(head, BT_STR("trace")));
  if (reserved || bt_str_equal(node->text, BT_STR("event.time"))) return report_field(checker, node);
  return new_selection(checker, node->range, bt_checker_word(checker, node->text, node->range));
}

static const bt_selection *lower_selection(bt_checker *checker, const bt_ast *node, bool in_operand);

/* A filter, a relation or an `as` behind something that selects no spans. */
static const bt_selection *report_base(bt_checker *checker, const bt_ast *base, const bt_ast_part *part) {
  bt_str written = bt_checker_source(checker, base->range);
  if (bt_checker_report_path_name(checker, base)) return NULL;
  if (part && part->kind == BT_PART_AS) {
    bt_checker_report(checker, BT_E_AS, part->range,
                      "`as` binds spans, and this condition selects none: put it on a selection");
    return NULL;
  }
  bt_diagnostic *added =
      bt_checker_report(checker, BT_E_SYNTAX, base->range, "expected spans: a name, a binding, or a test in span(…)");
  bool of_field = (base->kind == BT_AST_COMPARE || base->kind == BT_AST_IN) && base->items[0]->kind != BT_AST_CALL;
  bool test = of_field || base->kind == BT_AST_AND || base->kind == BT_AST_OR || base->kind == BT_AST_NOT ||
              base->kind == BT_AST_INDEX;
  if (test && part) bt_checker_fix(checker, added, base->outer, "span(%.*s)", BT_FMT(written));
  return NULL;
}

/* `in_operand`: a comparison is a test there and selects nothing. `part`: what follows the base, or NULL. */
static const bt_selection *lower_base(bt_checker *checker, const bt_ast *base, bool in_operand,
                                      const bt_ast_part *part) {
  if (part && base->parenthesised && (base->kind == BT_AST_PATH || base->kind == BT_AST_STRING)) {
    bt_str written = bt_checker_source(checker, base->range);
    bt_diagnostic *added = bt_checker_report(
        checker, BT_E_SYNTAX, base->outer, "a name in front of a filter, relation or `as` stands without parentheses");
    bt_checker_fix(checker, added, base->outer, "%.*s", BT_FMT(written));
    return NULL;
  }
  switch ((int)base->kind) {
  case BT_AST_ERROR: return NULL;
  case BT_AST_PATH: return lower_path(checker, base);
  case BT_AST_STRING:
    bt_checker_warn_of_wildcard(checker, base, true);
    return new_selection(checker, base->range, bt_checker_name(checker, base));
  case BT_AST_CALL:
    if (bt_function_picks(base->function)) return bt_checker_pick(checker, base);
    if (bt_function_selects(base->function)) return bt_checker_operand(checker, base->items[0]);
    return report_base(checker, base, part);
  case BT_AST_COMPARE:
  case BT_AST_IN:
    if (!in_operand && !(part && base->parenthesised) && bt_is_direct_comparison(checker, base))
      return lower_direct(checker, base);
    return report_base(checker, base, part);
  case BT_AST_SELECTION:
    if (!base->parenthesised) return lower_selection(checker, base, in_operand);
    bt_checker_report(checker, BT_E_SYNTAX, base->outer,
                      "filters and relations of one selection follow each other without parentheses");
    return NULL;
  default: return report_base(checker, base, part);
  }
}

static bool is_foreign_reference(const bt_checker *checker, const bt_reference *reference) {
  if (reference->binding != BT_NO_BINDING) return checker->rule->bindings[reference->binding].is_foreign;
  return reference->selection->is_foreign;
}

/* What is under a span of another trace lies there; what starts after it is of the rule's own. */
static bool is_foreign_relation(const bt_checker *checker, const bt_relation *relation) {
  if (bt_relation_is_linked(relation->kind)) return true;
  return !bt_relation_is_order(relation->kind) && is_foreign_reference(checker, &relation->first);
}

/* Joins the parts of a selection to its base. */
static const bt_selection *join_parts(bt_checker *checker, const bt_ast *node, const bt_selection *base) {
  bt_selection *selection = bt_checker_alloc(checker, 1, sizeof *selection);
  const bt_predicate **tests = bt_checker_alloc(checker, node->part_count + 1, sizeof *tests);
  bt_relation *relations =
      bt_checker_alloc(checker, base ? base->relation_count + node->part_count : node->part_count, sizeof *relations);
  if (!selection || !tests || !relations) return NULL;
  bool good = base != NULL;
  uint32_t test_count = 0, relation_count = 0;
  if (base) tests[test_count++] = base->predicate;
  for (uint32_t i = 0; base && i < base->relation_count; i++) relations[relation_count++] = base->relations[i];
  for (uint32_t i = 0; i < node->part_count; i++) {
    const bt_ast_part *part = &node->parts[i];
    if (part->kind == BT_PART_WHERE) {
      tests[test_count] = bt_checker_predicate(checker, part->predicate, BT_SITE_WHERE);
      good &= tests[test_count++] != NULL;
    } else if (part->kind == BT_PART_RELATION) {
      good &= bt_checker_relation(checker, part, &relations[relation_count++]);
    }
  }
  if (!good) return NULL;
  selection->range = node->range;
  selection->base_binding = base->base_binding;
  selection->predicate = bt_checker_all_of(checker, tests, test_count, node->range);
  selection->relations = relations;
  selection->relation_count = relation_count;
  selection->is_foreign = base->is_foreign;
  for (uint32_t i = 0; i < relation_count && base->base_binding == BT_NO_BINDING; i++)
    selection->is_foreign = selection->is_foreign || is_foreign_relation(checker, &relations[i]);
  return selection->predicate ? selection : NULL;
}

static const bt_selection *lower_selection(bt_checker *checker, const bt_ast *node, bool in_operand) {
  if (node->kind != BT_AST_SELECTION) return lower_base(checker, node, in_operand, NULL);
  const bt_selection *base = lower_base(checker, node->items[0], in_operand, &node->parts[0]);
  return join_parts(checker, node, base);
}

const bt_selection *bt_checker_selection(bt_checker *checker, const bt_ast *node) {
  if (bt_is_event_test(node)) {
    bt_checker_report_event_test(checker, node);
    return NULL;
  }
  if (bt_is_link_test(node)) {
    bt_checker_report_link_test(checker, node);
    return NULL;
  }
  return lower_selection(checker, node, false);
}

bool bt_checker_selects_spans(const bt_checker *checker, const bt_ast *node) {
  switch ((int)node->kind) {
  case BT_AST_STRING: return true;
  case BT_AST_PATH:
    return !bt_checker_has_field_head(checker, node) ||
           (bt_scope_is_binding(checker, node->text) && !bt_path_rest(node->text).len);
  case BT_AST_CALL: return bt_function_selects(node->function);
  case BT_AST_SELECTION: return !bt_is_event_test(node) && !bt_is_link_test(node);
  default: return false;
  }
}

const bt_selection *bt_checker_operand(bt_checker *checker, const bt_ast *node) {
  if (node->kind == BT_AST_ERROR) return NULL;
  if (!bt_checker_selects_spans(checker, node)) {
    checker->operand = node;
    return new_selection(checker, node->range, bt_checker_predicate(checker, node, BT_SITE_OPERAND));
  }
  for (uint32_t i = 0; i < node->part_count; i++) {
    if (node->parts[i].kind != BT_PART_AS) continue;
    bt_checker_report(
        checker, BT_E_AS, node->parts[i].range,
        "`as` stands on a selection that is itself a condition, not inside the parentheses of a function");
    return NULL;
  }
  return lower_selection(checker, node, true);
}
