/* Tests on a span where nothing says on which (E036): `amount > 5`, `span.k == 1 and span.m == 2`, `exists(span.k)`.
 * trace.has(…) around them is right where no other span stands next to them and nothing else is wrong. See checker.h.
 */
#include <string.h>

#include "dsl/check/checker.h"
#include "dsl/check/checker_vocabulary.h"
#include "dsl/syntax/diagnostic_codes.h"

bool bt_checker_says_whose(const bt_checker *checker, const bt_ast *node) {
  static const char *const owned[] = {"span.attributes", "resource.attributes", "scope.attributes", "event.attributes",
                                      "link.attributes"};
  bt_str head = bt_path_head(node->text);
  if (node->kind == BT_AST_STRING) return false;
  bool known = node->kind != BT_AST_INDEX;
  for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) known |= bt_str_equal(node->text, bt_str_from(owned[i]));
  if (!known) return true; /* wrong in another way, which resolve_index reports */
  return bt_scope_is_binding(checker, head) || (bt_str_equal(head, BT_STR("trace")) && bt_path_rest(node->text).len);
}

/* `exists(checkout)` may ask for a span, too. */
static bool may_be_a_name(const bt_checker *checker, const bt_ast *node) {
  return node->kind == BT_AST_CALL && node->function == BT_FUNCTION_EXISTS &&
         !bt_checker_has_field_head(checker, node->items[0]);
}

static void report_exists(bt_checker *checker, const bt_ast *node) {
  bt_str name = bt_checker_source(checker, node->items[0]->range);
  bt_checker_report(checker, BT_E_WHICH_SPAN, node->range,
                    "exists(…) asks for a field, and this does not say of which span: write trace.has(exists(%.*s)), "
                    "or for spans of this name %.*s alone",
                    BT_FMT(name), BT_FMT(name));
}

/* `checkout > 3`: more than three of them, or an attribute of that name? */
static bool may_be_a_count(const bt_checker *checker, const bt_ast *whole) {
  return whole && whole->kind == BT_AST_COMPARE && whole->items[0]->kind == BT_AST_PATH &&
         whole->items[1]->kind == BT_AST_INTEGER && !bt_checker_has_field_head(checker, whole->items[0]);
}

/* Two readings, and no fix: nobody can tell which is meant. */
static void report_count(bt_checker *checker, const bt_ast *node, const bt_ast *whole) {
  bt_str name = bt_checker_source(checker, node->range), written = bt_checker_source(checker, whole->range);
  bt_str rest = {name.ptr + name.len, (size_t)(written.ptr + written.len - (name.ptr + name.len))};
  bt_checker_report(checker, BT_E_WHICH_SPAN, node->range,
                    "this does not say of which span: where `%.*s` is an attribute write trace.has(%.*s), and where "
                    "it is the name of spans count(%.*s)%.*s",
                    BT_FMT(name), BT_FMT(written), BT_FMT(name), BT_FMT(rest));
}

void bt_checker_report_which_span(bt_checker *checker, const bt_ast *node, const bt_ast *whole) {
  if (whole && whole == checker->unowned) return;
  checker->unowned = whole;
  if (may_be_a_name(checker, node)) {
    report_exists(checker, node);
    return;
  }
  if (may_be_a_count(checker, whole) && node == whole->items[0]) {
    report_count(checker, node, whole);
    return;
  }
  const bt_ast *to_wrap = whole ? whole : node;
  bt_str written = bt_checker_source(checker, to_wrap->range);
  if (written.len > 200) written = (bt_str){"…", strlen("…")};
  bt_diagnostic *added =
      bt_checker_report(checker, BT_E_WHICH_SPAN, node->range,
                        "this does not say of which span: write trace.has(%.*s), or name the span, as in "
                        "checkout.where(…)",
                        BT_FMT(written));
  bool is_glued = to_wrap->outer.start && bt_is_identifier_part(checker->text.ptr[to_wrap->outer.start - 1]);
  bt_range range = is_glued ? to_wrap->range : to_wrap->outer; /* `not(…)` keeps its parentheses */
  /* Beside other spans, one of those may be meant. */
  if (!checker->mixed && !bt_str_contains(written, BT_STR("…")))
    bt_checker_fix(checker, added, range, "trace.has(%.*s)", BT_FMT(written));
}

static bool is_test(const bt_ast *node) {
  return node->kind == BT_AST_COMPARE || node->kind == BT_AST_IN;
}

static bool is_unowned(const bt_checker *checker, const bt_ast *node) {
  bool is_group = node->kind == BT_AST_AND || node->kind == BT_AST_OR;
  for (uint32_t i = 0; is_group && i < node->item_count; i++)
    if (!is_unowned(checker, node->items[i])) return false;
  if (is_group) return true;
  bool asks = node->kind == BT_AST_CALL && node->function == BT_FUNCTION_EXISTS;
  if ((!is_test(node) && !asks) || (is_test(node) && bt_is_direct_comparison(checker, node))) return false;
  const bt_ast *field = node->items[0];
  if (bt_is_part_count(field)) return true;
  if (field->kind != BT_AST_PATH && field->kind != BT_AST_INDEX) return false;
  if (asks && field->kind == BT_AST_PATH && !bt_checker_has_field_head(checker, field)) return false;
  return !bt_checker_says_whose(checker, field);
}

/* What was found since has an error that nothing mends, so that a fix in front of it would lead to no rule. */
static bool leads_nowhere(const bt_diagnostics *diagnostics, size_t since) {
  for (size_t i = since; i < diagnostics->count; i++)
    if (diagnostics->items[i].is_error && !diagnostics->items[i].has_fix) return true;
  return false;
}

/* Several of them are about one and the same span. */
bool bt_checker_report_unowned(bt_checker *checker, const bt_ast *node) {
  if (!is_unowned(checker, node)) return false;
  bt_diagnostics *diagnostics = checker->diagnostics;
  size_t at = diagnostics->count;
  bt_checker_report_which_span(checker, is_test(node) ? node->items[0] : node, node);
  bt_checker_predicate(checker, node, BT_SITE_OPERAND);
  if (diagnostics->count > at && leads_nowhere(diagnostics, at + 1)) diagnostics->items[at].has_fix = false;
  return true;
}

bool bt_checker_report_field_as_spans(bt_checker *checker, const bt_ast *node) {
  bool is_field = bt_str_equal(node->text, BT_STR("event.time"));
  bool is_of_span = bt_str_equal(bt_path_head(node->text), BT_STR("span"));
  bt_type type;
  const char *name;
  for (size_t i = 0; is_of_span && !is_field && (name = bt_vocabulary_span_field(i, &type)); i++)
    is_field = bt_str_equal(bt_path_rest(node->text), bt_str_from(name));
  if (is_field)
    bt_checker_report(checker, BT_E_WHICH_SPAN, node->range,
                      "expected spans, and `%.*s` is a field of theirs: compare it in a test, as in trace.has(%.*s == "
                      "…); a span with this name is written \"%.*s\"",
                      BT_FMT(node->text), BT_FMT(node->text), BT_FMT(node->text));
  return is_field;
}
