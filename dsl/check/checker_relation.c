/* Relations: before, after, within, between, under and the other ones, with what they point to. See checker.h. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

/* `c`, `c.start`, `c.end` */
static bool lower_bound(bt_checker *checker, const bt_ast *node, bool point, bt_reference *out, bool *is_end) {
  bt_str name = bt_path_head(node->text), rest = bt_path_rest(node->text);
  out->binding = bt_scope_lookup(checker, name, node->range);
  if (out->binding == BT_NO_BINDING) return false;
  *is_end = bt_str_equal(rest, BT_STR("end"));
  if (!rest.len) return true;
  if (point && (*is_end || bt_str_equal(rest, BT_STR("start")))) return true;
  bt_diagnostic *added = bt_checker_report(checker, BT_E_UNKNOWN, node->range,
                                           point ? "expected the binding `%.*s`, or its .start or .end"
                                                 : "expected the binding `%.*s` itself here",
                                           BT_FMT(name));
  bt_checker_fix(checker, added, node->range, "%.*s", BT_FMT(name));
  return false;
}

/* `payment.end` is a name with a dot: whoever wants the end of payment writes (payment).end. */
static void warn_of_point_in_name(bt_checker *checker, const bt_ast *node) {
  bt_str last = bt_path_last(node->text), front = bt_path_front(node->text);
  if (!front.len || (!bt_str_equal(last, BT_STR("start")) && !bt_str_equal(last, BT_STR("end")))) return;
  bt_diagnostic *added =
      bt_checker_report(checker, BT_W_POINT_IN_NAME, node->range,
                        "`%.*s` is read as a name: write the %.*s of `%.*s` as (%.*s).%.*s, or quote the name "
                        "if it is meant",
                        BT_FMT(node->text), BT_FMT(last), BT_FMT(front), BT_FMT(front), BT_FMT(last));
  bt_checker_fix(checker, added, node->range, "(%.*s).%.*s", BT_FMT(front), BT_FMT(last));
}

static bool report_no_spans(bt_checker *checker, const bt_ast *node) {
  bt_str head = bt_path_head(node->text);
  bool is_field = bt_str_equal(head, BT_STR("trace")) || bt_str_equal(head, BT_STR("span")) ||
                  bt_str_equal(node->text, BT_STR("event.time"));
  if (node->kind != BT_AST_PATH || !bt_path_rest(node->text).len || !is_field) return false;
  bt_diagnostic *added =
      bt_checker_report(checker, BT_E_SYNTAX, node->range,
                        "expected a binding, a name or spans in parentheses, and `%.*s` is a field: quote it if a "
                        "span has this name",
                        BT_FMT(node->text));
  bt_checker_fix(checker, added, node->range, "\"%.*s\"", BT_FMT(node->text));
  return true;
}

static bool lower_reference(bt_checker *checker, const bt_ast *node, bool point, bt_reference *out, bool *is_end) {
  if (node->kind == BT_AST_ERROR) return false;
  bool bound = node->kind == BT_AST_PATH && bt_scope_is_binding(checker, bt_path_head(node->text));
  if (bound) return lower_bound(checker, node, point && !node->parenthesised, out, is_end);
  if (!node->parenthesised && report_no_spans(checker, node)) return false;
  if (node->kind == BT_AST_PATH && !node->parenthesised) warn_of_point_in_name(checker, node);
  for (uint32_t i = 0; i < node->part_count; i++) {
    if (node->parts[i].kind != BT_PART_AS) continue;
    bt_checker_report(checker, BT_E_AS, node->parts[i].range,
                      "`as` stands on a selection that is itself a condition, not behind a relation");
    return false;
  }
  /* The parentheses belong to the reference, not to the selection inside. */
  bt_ast inner = *node;
  inner.parenthesised = false;
  inner.outer = inner.range;
  out->selection = bt_checker_selection(checker, &inner);
  return out->selection != NULL;
}

static bool lower_point(bt_checker *checker, const bt_ast_point *point, bt_relation_kind kind, bt_reference *out,
                        bool *is_end) {
  *out = (bt_reference){.binding = BT_NO_BINDING};
  *is_end = false;
  if (!lower_reference(checker, point->ref, bt_relation_is_order(kind), out, is_end)) return false;
  if (point->suffix == BT_SUFFIX_NONE) return true;
  *is_end = point->suffix == BT_SUFFIX_END;
  if (bt_relation_is_order(kind)) return true;
  bt_checker_report(checker, BT_E_SYNTAX, point->range, "`%s` relates spans, not points: remove .start or .end",
                    bt_relation_rows[kind].name);
  return false;
}

/* Without a bound nothing in other traces would ever be known to be missing. */
static bool check_links(bt_checker *checker, const bt_ast_part *part) {
  if (!bt_relation_is_linked(part->relation)) return true;
  const char *name = bt_relation_rows[part->relation].name;
  if (checker->in_when) {
    bt_checker_report(checker, BT_E_LINKED, part->range,
                      "`%s` looks into other traces and cannot be in `when`: the trace of `when` is the one that "
                      "violates, so bind a span of it here and write `%s` in always or never",
                      name, name);
    return false;
  }
  if (part->within_ns >= 0 || part->within_range.end) return true;
  bt_diagnostic *added = bt_checker_report(checker, BT_E_LINKED, part->range,
                                           "expected `within` and a duration behind `%s` and its span: only a bound "
                                           "in time lets other traces be looked through to the end",
                                           name);
  bt_range behind = {part->first.range.end, part->first.range.end};
  bt_checker_fix(checker, added, behind, " within 10m");
  return false;
}

bool bt_checker_relation(bt_checker *checker, const bt_ast_part *part, bt_relation *out) {
  *out = (bt_relation){.kind = part->relation, .range = part->range, .within_ns = part->within_ns};
  out->first.binding = out->second.binding = BT_NO_BINDING;
  if (part->relation == BT_DOWNSTREAM_OF) out->max_links = part->max_links ? part->max_links : 1;
  bool good = check_links(checker, part);
  good &= lower_point(checker, &part->first, part->relation, &out->first, &out->first_is_end);
  if (part->relation == BT_BETWEEN)
    good &= lower_point(checker, &part->second, part->relation, &out->second, &out->second_is_end);
  return good;
}
