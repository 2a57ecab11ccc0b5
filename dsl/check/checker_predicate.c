/* Predicates: tests on one span, inside where(…) and inside trace.has(…) and its like. See checker.h. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

bt_predicate *bt_checker_new_predicate(bt_checker *checker, bt_predicate_kind kind, bt_range range) {
  bt_predicate *predicate = bt_checker_alloc(checker, 1, sizeof *predicate);
  if (!predicate) return NULL;
  predicate->kind = kind;
  predicate->range = range;
  predicate->field.binding = BT_NO_BINDING;
  return predicate;
}

static bool keep_text(bt_checker *checker, bt_str *text) {
  if (bt_arena_copy(checker->arena, *text, text)) return true;
  checker->no_memory = true;
  return false;
}

/* `service:checkout`: the test of one field. */
static const bt_predicate *owned_name(bt_checker *checker, const bt_ast *node) {
  bt_predicate *predicate = bt_checker_new_predicate(checker, BT_PREDICATE_COMPARE, node->range);
  bt_expression *sides = bt_checker_alloc(checker, 2, sizeof *sides);
  bt_str text = node->text;
  if (!predicate || !sides || !keep_text(checker, &text)) return NULL;
  bt_field_kind kind = node->owner == BT_NAME_OF_SERVICE ? BT_FIELD_SERVICE : BT_FIELD_NAME;
  bt_field none = {.kind = kind, .binding = BT_NO_BINDING};
  sides[0] = (bt_expression){.kind = BT_EXPRESSION_FIELD, .type = BT_TYPE_STRING, .range = node->range, .field = none};
  sides[1] = (bt_expression){.kind = BT_EXPRESSION_LITERAL,
                             .type = BT_TYPE_STRING,
                             .range = node->range,
                             .literal = {.type = BT_VALUE_STRING, .string = text},
                             .field = {.binding = BT_NO_BINDING}};
  predicate->comparison = (bt_comparison){.op = BT_EQUAL, .range = node->range, .left = &sides[0], .right = &sides[1]};
  return predicate;
}

const bt_predicate *bt_checker_name(bt_checker *checker, const bt_ast *node) {
  if (node->kind == BT_AST_PATH) return bt_checker_word(checker, node->text, node->range);
  return node->owner == BT_NAME_OF_EITHER ? bt_checker_named(checker, node->text, node->range)
                                          : owned_name(checker, node);
}

bool bt_checker_note_name(bt_checker *checker, bt_str name, bt_range range) {
  bt_noted_name *note = bt_checker_alloc(checker, 1, sizeof *note);
  if (!note) return false;
  *note = (bt_noted_name){checker->span_names, name, range, {0, 0}};
  checker->span_names = note;
  return true;
}

const bt_predicate *bt_checker_named(bt_checker *checker, bt_str name, bt_range range) {
  bt_predicate *predicate = bt_checker_new_predicate(checker, BT_PREDICATE_NAMED, range);
  if (!predicate || !keep_text(checker, &name)) return NULL;
  predicate->name = name;
  return bt_checker_note_name(checker, name, range) ? predicate : NULL;
}

const bt_predicate *bt_checker_all_of(bt_checker *checker, const bt_predicate *const *items, uint32_t count,
                                      bt_range range) {
  uint32_t total = 0;
  for (uint32_t i = 0; i < count; i++) total += items[i]->kind == BT_PREDICATE_AND ? items[i]->item_count : 1;
  bt_predicate *all = bt_checker_new_predicate(checker, BT_PREDICATE_AND, range);
  const bt_predicate **flat = bt_checker_alloc(checker, total, sizeof *flat);
  if (!all || !flat) return NULL;
  all->items = flat;
  for (uint32_t i = 0; i < count; i++) {
    if (items[i]->kind == BT_PREDICATE_TRUE) continue;
    bool nested = items[i]->kind == BT_PREDICATE_AND;
    for (uint32_t k = 0; nested && k < items[i]->item_count; k++) flat[all->item_count++] = items[i]->items[k];
    if (!nested) flat[all->item_count++] = items[i];
  }
  if (all->item_count == 1) return flat[0];
  if (all->item_count == 0) all->kind = BT_PREDICATE_TRUE;
  return all;
}

/* `x == "a" or "b"` reads well and says something else. */
static void warn_of_lone_strings(bt_checker *checker, const bt_ast *node, bt_site site) {
  for (uint32_t i = 1; node->kind == BT_AST_OR && i < node->item_count; i++) {
    const bt_ast *before = node->items[i - 1], *item = node->items[i];
    if (item->kind != BT_AST_STRING || before->kind != BT_AST_COMPARE || before->op != BT_EQUAL) continue;
    if (before->items[1]->kind != BT_AST_STRING && before->items[1]->kind != BT_AST_PATH) continue;
    bt_str left = bt_checker_source(checker, before->items[0]->outer), value = bt_checker_source(checker, item->range);
    bt_str first = bt_checker_source(checker, before->items[1]->outer);
    bt_diagnostic *added = bt_checker_report(
        checker, BT_W_LONE_STRING, item->range, "a string alone is %s here: did you mean %.*s in [%.*s, %.*s]?",
        site == BT_SITE_OPERAND ? "the test for a span's or service's name" : "the test whether that attribute is true",
        BT_FMT(left), BT_FMT(first), BT_FMT(value));
    bt_range both = {before->range.start, item->range.end};
    bt_checker_fix(checker, added, both, "%.*s in [%.*s, %.*s]", BT_FMT(left), BT_FMT(first), BT_FMT(value));
  }
}

static const bt_predicate *lower_items(bt_checker *checker, const bt_ast *node, bt_predicate_kind kind, bt_site site) {
  bt_predicate *predicate = bt_checker_new_predicate(checker, kind, node->range);
  const bt_predicate **items = bt_checker_alloc(checker, node->item_count, sizeof *items);
  bool good = predicate && items;
  warn_of_lone_strings(checker, node, site);
  for (uint32_t i = 0; i < node->item_count; i++) {
    const bt_predicate *item = bt_checker_predicate(checker, node->items[i], site);
    good &= item != NULL;
    if (good) items[i] = item;
  }
  if (!good) return NULL;
  predicate->items = items;
  predicate->item_count = node->item_count;
  return predicate;
}

/* `whole` is the test, and `node` its field. */
static const bt_predicate *lower_field_test(bt_checker *checker, const bt_ast *node, bt_range whole,
                                            bt_predicate_kind kind, bt_site site) {
  bt_place place = {.site = site};
  bt_predicate *predicate = bt_checker_new_predicate(checker, kind, whole);
  if (!predicate || !bt_checker_field(checker, node, &place, &predicate->field)) return NULL;
  if (!bt_checker_keep_field(checker, &predicate->field, node->range)) return NULL;
  return predicate;
}

/* Remembers `payment.amount` in an operand: when `payment` turns out to be a span's name, its filter was probably
 * meant. */
static bool note_operand_path(bt_checker *checker, const bt_ast *left, const bt_ast *node) {
  if (left->kind != BT_AST_PATH || bt_checker_has_field_head(checker, left) || !bt_path_rest(left->text).len)
    return true;
  bt_noted_name *note = bt_checker_alloc(checker, 1, sizeof *note);
  if (!note) return false;
  bt_range whole = node == checker->operand ? node->range : (bt_range){0, 0};
  *note = (bt_noted_name){checker->operand_paths, left->text, left->range, whole};
  checker->operand_paths = note;
  return true;
}

const bt_predicate *bt_checker_compare_predicate(bt_checker *checker, const bt_ast *node, const bt_ast *left,
                                                 bt_str direct, bt_site site) {
  bt_predicate *predicate = bt_checker_new_predicate(checker, BT_PREDICATE_COMPARE, node->range);
  if (!predicate) return NULL;
  bool has_text = node->item_count > 1 && node->items[1]->kind == BT_AST_STRING;
  if (has_text) bt_checker_warn_of_path_key(checker, left);
  if (site == BT_SITE_OPERAND && !note_operand_path(checker, left, node)) return NULL;
  bool ok = bt_checker_comparison(checker, node, left, direct, site, &predicate->comparison) &&
            bt_checker_keep_event_names(checker, &predicate->comparison);
  return ok ? predicate : NULL;
}

/* A path or string alone: a name in operands, the boolean field inside where(…). */
static const bt_predicate *lower_word(bt_checker *checker, const bt_ast *node, bt_site site) {
  bool field = bt_checker_has_field_head(checker, node);
  if (site != BT_SITE_OPERAND || field) {
    if (node->kind == BT_AST_PATH && !bt_scope_is_binding(checker, bt_path_head(node->text)) && field &&
        bt_str_equal(bt_path_head(node->text), BT_STR("trace"))) {
      bt_checker_report(checker, BT_E_SYNTAX, node->range, "expected a test: compare `%.*s` with something, as in > 5",
                        BT_FMT(node->text));
      return NULL;
    }
    bt_checker_warn_of_own_key(checker, node);
    return lower_field_test(checker, node, node->range, BT_PREDICATE_IS_TRUE, site);
  }
  bt_checker_warn_of_wildcard(checker, node, false);
  return bt_checker_name(checker, node);
}

static const bt_predicate *report_selection(bt_checker *checker, const bt_ast *node, bt_site site) {
  if (node->kind == BT_AST_SELECTION && node->parts[node->part_count - 1].kind == BT_PART_AS) {
    bt_checker_report(
        checker, BT_E_AS, node->parts[node->part_count - 1].range,
        "`as` stands on a selection that is itself a condition, not inside parentheses of a function or filter");
    return NULL;
  }
  bool relation = false;
  for (uint32_t i = 0; i < node->part_count; i++) relation |= node->parts[i].kind == BT_PART_RELATION;
  const char *message =
      site == BT_SITE_OPERAND
          ? (relation
                 ? "a relation cannot stand between tests on one span: put the tests into span(…), the relation behind "
                   "it"
                 : "a filtered selection cannot stand between tests on one span: write its tests here, joined with and")
          : "expected a test on one span, and this selects spans: put it outside of where(…), joined with and";
  bt_checker_report(checker, BT_E_SYNTAX, node->range, "%s", message);
  return NULL;
}

static const bt_predicate *lower_call(bt_checker *checker, const bt_ast *node, bt_site site) {
  switch (bt_function_row_of(node->function)->class) {
  case BT_TESTS_FIELD: return lower_field_test(checker, node->items[0], node->range, BT_PREDICATE_EXISTS, site);
  case BT_SELECTS_SPANS:
  case BT_PICKS_SPAN: return report_selection(checker, node, site);
  case BT_TESTS_EVERY:
  case BT_ORDERS_SPANS:
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "%s(…) is a condition on the trace: put it outside, joined with and",
                      bt_function_name(node->function));
    return NULL;
  case BT_COUNTS_PARTS:
  case BT_AGGREGATES:
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "expected a test: compare this value with something, as in > 5");
    return NULL;
  }
  return NULL;
}

const bt_predicate *bt_checker_predicate(bt_checker *checker, const bt_ast *node, bt_site site) {
  switch (node->kind) {
  case BT_AST_ERROR: return NULL;
  case BT_AST_OR: return lower_items(checker, node, BT_PREDICATE_OR, site);
  case BT_AST_AND: return lower_items(checker, node, BT_PREDICATE_AND, site);
  case BT_AST_NOT: return lower_items(checker, node, BT_PREDICATE_NOT, site);
  case BT_AST_COMPARE:
  case BT_AST_IN: return bt_checker_compare_predicate(checker, node, node->items[0], (bt_str){0}, site);
  case BT_AST_BOOLEAN:
    return bt_checker_new_predicate(checker, node->boolean ? BT_PREDICATE_TRUE : BT_PREDICATE_FALSE, node->range);
  case BT_AST_PATH:
  case BT_AST_STRING:
  case BT_AST_INDEX: return lower_word(checker, node, site);
  case BT_AST_CALL: return lower_call(checker, node, site);
  case BT_AST_SELECTION:
    if (bt_is_link_test(node)) return bt_checker_link_test(checker, node, site);
    return bt_is_event_test(node) ? bt_checker_event_test(checker, node, site) : report_selection(checker, node, site);
  case BT_AST_ADD:
  case BT_AST_SUBTRACT:
  case BT_AST_MULTIPLY:
  case BT_AST_DIVIDE:
  case BT_AST_NEGATE:
  case BT_AST_INTEGER:
  case BT_AST_DECIMAL:
  case BT_AST_DURATION:
    if (site == BT_SITE_OPERAND && bt_checker_report_path_name(checker, node)) return NULL;
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "expected a test: compare this value with something, as in > 5");
    return NULL;
  }
  return NULL;
}
