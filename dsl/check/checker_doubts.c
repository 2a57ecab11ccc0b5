/* Warnings about what is read otherwise than it looks: numbers of nothing, and spans of the own trace next to those of
 * another. One of several that is asked for its links, and two spans where one is meant. See checker.h. They walk the
 * tree, because they offer what to write in its place. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

/* The conditions around one, the nearest first. The last is that of `when`. */
typedef struct around {
  const bt_ast *node;
  const struct around *outer;
} around;

/* ---- W019: min, max and the like of nothing ---- */

static bool is_missing_of_none(const bt_ast *node) {
  if (node->kind != BT_AST_CALL) return false;
  const bt_function_row *row = bt_function_row_of(node->function);
  return row->class == BT_AGGREGATES && !row->is_0_of_nothing;
}

/* An alternative that holds where there is none, or says how many there have to be. */
static bool allows_none(bt_checker *checker, const bt_ast *alternative, const bt_ast *spans) {
  if (alternative->kind == BT_AST_NOT) return bt_checker_asks_for(checker, alternative->items[0], spans);
  return alternative->kind == BT_AST_COMPARE && bt_checker_asks_for(checker, alternative, spans);
}

/* Another part of the rule asks for such a span, or allows that there is none. */
static bool is_guarded(bt_checker *checker, const around *outer, const bt_ast *spans) {
  for (; outer; outer = outer->outer) {
    const bt_ast *node = outer->node;
    bool is_joined = node->kind == BT_AST_AND || node->kind == BT_AST_OR;
    if (!is_joined && bt_checker_asks_for(checker, node, spans)) return true;
    for (uint32_t i = 0; is_joined && i < node->item_count; i++)
      if (node->kind == BT_AST_AND ? bt_checker_asks_for(checker, node->items[i], spans)
                                   : allows_none(checker, node->items[i], spans))
        return true;
  }
  return false;
}

typedef struct found_aggregate {
  const bt_ast *first; /* without a guard; NULL: none */
  bool is_several;     /* and of other spans, too */
} found_aggregate;

static void find_unguarded(bt_checker *checker, const bt_ast *value, const around *outer, found_aggregate *found) {
  if (is_missing_of_none(value)) {
    const bt_ast *spans = value->items[0];
    if (bt_checker_is_of_binding(checker, spans) || is_guarded(checker, outer, spans)) return;
    if (found->first && !bt_checker_asks_for(checker, found->first->items[0], spans)) found->is_several = true;
    if (!found->first) found->first = value;
    return;
  }
  if (!bt_ast_is_arithmetic(value)) return;
  for (uint32_t i = 0; i < value->item_count; i++) find_unguarded(checker, value->items[i], outer, found);
}

static void warn_of_nothing(bt_checker *checker, const bt_ast *comparison, const around *outer) {
  found_aggregate found = {0};
  for (uint32_t i = 0; i < comparison->item_count; i++) find_unguarded(checker, comparison->items[i], outer, &found);
  if (!found.first) return;
  bt_str spans = bt_checker_source(checker, found.first->items[0]->outer);
  const char *name = bt_function_name(found.first->function);
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_OF_NOTHING, comparison->range,
      "where there is no such span, %s is missing and this does not hold, so the rule is violated: write "
      "`count(%.*s) > 0 and …` if one has to be there, and `count(%.*s) == 0 or …` if not",
      name, BT_FMT(spans), BT_FMT(spans));
  /* This fix changes no verdict. The other one would hide violations. */
  if (!found.is_several)
    bt_checker_fix(checker, added, comparison->range, "count(%.*s) > 0 and %.*s", BT_FMT(spans),
                   BT_FMT(bt_checker_source(checker, comparison->range)));
}

/* Below `not` what is missing does no harm. */
static void visit_demand(bt_checker *checker, const bt_ast *node, const around *outer) {
  const around here = {node, outer};
  if (node->kind == BT_AST_COMPARE || node->kind == BT_AST_IN) warn_of_nothing(checker, node, outer);
  if (node->kind != BT_AST_AND && node->kind != BT_AST_OR) return;
  for (uint32_t i = 0; i < node->item_count; i++) visit_demand(checker, node->items[i], &here);
}

/* ---- W020: a name beside a span of another trace ---- */

static bool is_foreign_binding(const bt_checker *checker, const bt_ast *ref) {
  if (!ref || ref->kind != BT_AST_PATH) return false;
  bt_str name = bt_path_head(ref->text);
  for (int i = 0; i < checker->rule->binding_count; i++)
    if (bt_str_equal(checker->rule->bindings[i].name, name) && checker->rule->bindings[i].is_foreign) return true;
  return false;
}

static bool is_bare_name(const bt_checker *checker, const bt_ast *base) {
  if (base->kind == BT_AST_STRING) return true;
  return base->kind == BT_AST_PATH && !bt_scope_is_binding(checker, bt_path_head(base->text));
}

static void warn_of_own_name(bt_checker *checker, const bt_ast *selection) {
  const bt_ast *base = selection->items[0];
  const bt_ast_part *order = NULL;
  if (!is_bare_name(checker, base)) return;
  for (uint32_t i = 0; i < selection->part_count; i++) {
    const bt_ast_part *part = &selection->parts[i];
    if (part->kind != BT_PART_RELATION) continue;
    bool is_of_other = is_foreign_binding(checker, part->first.ref) || is_foreign_binding(checker, part->second.ref);
    if (bt_relation_is_linked(part->relation) || (is_of_other && !bt_relation_is_order(part->relation))) return;
    if (is_of_other && !order) order = part;
  }
  if (!order) return;
  bt_str name = bt_checker_source(checker, base->range);
  bt_checker_report(checker, BT_W_OWN_NAME, order->range,
                    "`%.*s` is a span of the rule's own trace, and what it is compared with may be one of another. For "
                    "one there relate it to that span, too (under, linked to, downstream of); if the own trace is "
                    "meant, write trace.has(span.name == …)",
                    BT_FMT(name));
}

/* ---- W021: one of several, and then its links ---- */

/* The parenthesis of the call moves behind the relation. */
static void warn_of_picked_link(bt_checker *checker, const bt_ast *selection) {
  const bt_ast *call = selection->items[0];
  if (call->kind != BT_AST_CALL || !bt_function_picks(call->function)) return;
  for (uint32_t i = 0; i < selection->part_count; i++) {
    const bt_ast_part *part = &selection->parts[i];
    if (part->kind != BT_PART_RELATION || !bt_relation_is_linked(part->relation)) continue;
    const char *name = bt_function_name(call->function);
    bt_diagnostic *added = bt_checker_report(
        checker, BT_W_PICKED_LINK, part->range,
        "%s(…) is one span of the rule's own trace, and only that one is asked for this: write %s(spans %s …) for the "
        "one of those that are",
        name, name, bt_relation_rows[part->relation].name);
    bt_range moved = {call->range.end - 1, part->range.end};
    if (i == 0 && call->range.end == call->outer.end)
      bt_checker_fix(checker, added, moved, " %.*s)", BT_FMT(bt_checker_source(checker, part->range)));
    return;
  }
}

static void visit_selections(bt_checker *checker, const bt_ast *node) {
  for (uint32_t i = 0; i < node->item_count; i++) visit_selections(checker, node->items[i]);
  for (uint32_t i = 0; i < node->part_count; i++) {
    const bt_ast_part *part = &node->parts[i];
    if (part->first.ref) visit_selections(checker, part->first.ref);
    if (part->second.ref) visit_selections(checker, part->second.ref);
  }
  if (node->kind != BT_AST_SELECTION) return;
  warn_of_own_name(checker, node);
  warn_of_picked_link(checker, node);
}

/* ---- W022: two spans of one name ---- */

static bool is_same_name(const bt_checker *checker, const bt_ast *a, const bt_ast *b) {
  return bt_is_direct_comparison(checker, a) && bt_is_direct_comparison(checker, b) &&
         bt_str_equal(bt_path_front(a->items[0]->text), bt_path_front(b->items[0]->text));
}

/* `currency == USD` of `payment.currency == USD`. */
static bt_str test_of(const bt_checker *checker, const bt_ast *direct) {
  uint32_t start = direct->items[0]->range.end - (uint32_t)bt_path_last(direct->items[0]->text).len;
  return bt_checker_source(checker, (bt_range){start, direct->range.end});
}

/* `count` items from `first` on are about the same name. */
static void fix_two_spans(bt_checker *checker, bt_diagnostic *added, const bt_ast *conjunction, uint32_t first,
                          uint32_t count) {
  const bt_ast *const *items = (const bt_ast *const *)&conjunction->items[first];
  bt_range whole = {items[0]->outer.start, items[count - 1]->outer.end};
  bt_buffer tests = {0};
  for (uint32_t i = 0; i < count; i++)
    bt_buffer_printf(&tests, "%s%.*s", i ? " and " : "", BT_FMT(test_of(checker, items[i])));
  bt_str joined = bt_buffer_str(&tests);
  if (tests.failed)
    checker->no_memory = true;
  else
    bt_checker_fix(checker, added, whole, "%.*s.where(%.*s)", BT_FMT(bt_path_front(items[0]->items[0]->text)),
                   BT_FMT(joined));
  bt_buffer_dispose(&tests);
}

/* Said at the second one; the fix is there where they follow each other. */
static void warn_of_two_spans(bt_checker *checker, const bt_ast *conjunction, uint32_t first) {
  const bt_ast *one = conjunction->items[first], *second = NULL;
  uint32_t all = 1, run = 1;
  for (uint32_t i = 0; i < first; i++)
    if (is_same_name(checker, conjunction->items[i], one)) return;
  for (uint32_t i = first + 1; i < conjunction->item_count; i++) {
    if (!is_same_name(checker, one, conjunction->items[i])) continue;
    if (!second) second = conjunction->items[i];
    all++;
    run += i == first + run;
  }
  if (!second) return;
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_TWO_SPANS, second->range,
      "these may be two spans called `%.*s`, each with what its test asks: what one span has to meet is "
      "in one where(…)",
      BT_FMT(bt_path_front(one->items[0]->text)));
  if (run == all) fix_two_spans(checker, added, conjunction, first, run);
}

static void visit_conjunctions(bt_checker *checker, const bt_ast *node) {
  if (node->kind != BT_AST_AND && node->kind != BT_AST_OR && node->kind != BT_AST_NOT) return;
  for (uint32_t i = 0; i < node->item_count; i++) visit_conjunctions(checker, node->items[i]);
  for (uint32_t i = 0; node->kind == BT_AST_AND && i < node->item_count; i++) warn_of_two_spans(checker, node, i);
}

/* ---- W003: `a.id`, where `a` is no binding ---- */

static const bt_ast *when_of(const bt_ast_rule *tree) {
  for (uint32_t i = 0; i < tree->clause_count; i++)
    if (tree->clauses[i].kind == BT_CLAUSE_WHEN) return tree->clauses[i].condition;
  return NULL;
}

static bool is_named(const bt_ast *node, bt_str name) {
  if (node->kind == BT_AST_SELECTION) node = node->items[0];
  return node->kind == BT_AST_PATH && bt_str_equal(node->text, name);
}

/* The selection of spans of that name in what binds, `when` or the bare condition. A word that stands there, too, sees
 * what was bound before it. */
static const bt_ast *find_bindable(const bt_checker *checker, bt_str name, bt_range word) {
  const bt_ast *condition = checker->tree->condition ? checker->tree->condition : when_of(checker->tree);
  if (!condition) return NULL;
  bool is_and = condition->kind == BT_AST_AND;
  bool is_inside = condition->range.start <= word.start && word.end <= condition->range.end;
  for (uint32_t i = 0; i < (is_and ? condition->item_count : 1); i++) {
    const bt_ast *item = is_and ? condition->items[i] : condition;
    if (is_named(item, name) && (!is_inside || item->range.end <= word.start)) return item;
  }
  return NULL;
}

static bool is_bound(const bt_ast *selection) {
  return selection->part_count && selection->parts[selection->part_count - 1].kind == BT_PART_AS;
}

static bool is_written_once(const bt_checker *checker, bt_str name) {
  int count = 0;
  for (const bt_noted_name *noted = checker->span_names; noted; noted = noted->next)
    count += bt_str_equal(noted->text, name);
  return count == 1;
}

/* A binding may be called like the name: that is quoted then. */
bool bt_checker_warn_of_unbound(bt_checker *checker, const bt_ast *word) {
  bt_str name = bt_path_front(word->text), key = bt_path_last(word->text);
  const bt_ast *spans = find_bindable(checker, name, word->range);
  if (!spans) return false;
  if (is_bound(spans)) {
    bt_str bound = spans->parts[spans->part_count - 1].name;
    bt_diagnostic *added = bt_checker_report(
        checker, BT_W_BARE_WORD, word->range,
        "a bare word on the right is the string \"%.*s\": the field of the span that is bound is %.*s.%.*s",
        BT_FMT(word->text), BT_FMT(bound), BT_FMT(key));
    bt_checker_fix(checker, added, word->range, "%.*s.%.*s", BT_FMT(bound), BT_FMT(key));
    return true;
  }
  bt_diagnostic *added = bt_checker_report(checker, BT_W_BARE_WORD, word->range,
                                           "a bare word on the right is the string \"%.*s\": to compare with a field "
                                           "of `%.*s` bind that span with `as`, and "
                                           "write the binding in its place",
                                           BT_FMT(word->text), BT_FMT(name));
  if (bt_path_rest(name).len || !is_written_once(checker, name)) return true;
  const bt_ast *base = spans->kind == BT_AST_SELECTION ? spans->items[0] : spans;
  bt_str rest = bt_checker_source(checker, (bt_range){base->range.end, spans->range.end});
  bt_checker_fix(checker, added, spans->range, "\"%.*s\"%.*s as %.*s", BT_FMT(name), BT_FMT(rest), BT_FMT(name));
  return true;
}

/* ---- all ---- */

static void visit_part(bt_checker *checker, const bt_ast *condition) {
  visit_selections(checker, condition);
  visit_conjunctions(checker, condition);
}

void bt_checker_warn_of_doubts(bt_checker *checker, const bt_ast_rule *tree) {
  const around when = {when_of(tree), NULL};
  for (uint32_t i = 0; i < tree->clause_count; i++) {
    visit_part(checker, tree->clauses[i].condition);
    if (tree->clauses[i].kind == BT_CLAUSE_ALWAYS)
      visit_demand(checker, tree->clauses[i].condition, when.node ? &when : NULL);
  }
  if (tree->condition) visit_part(checker, tree->condition);
}
