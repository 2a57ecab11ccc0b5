/* Texts that ids are compared with. What no id can be makes a test that nothing meets. See checker.h. */
#include <string.h>

#include "dsl/checker.h"
#include "dsl/diagnostic_codes.h"
#include "dsl/trace.h"

static const char zeros[] = "00000000000000000000000000000000";

/* ---- ids of traces and links, where other texts are errors ---- */

static bool is_hex(bt_str text) {
  bt_trace_id id;
  return bt_trace_id_parse(text, &id);
}

static bool is_zeros(bt_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.ptr[i] != '0') return false;
  return true;
}

static const char *name_of_id(bt_field_kind kind) {
  if (kind == BT_FIELD_LINK_SPAN_ID) return "link.span_id";
  if (kind == BT_FIELD_LINK_TRACE_ID) return "link.trace_id";
  return kind == BT_FIELD_TRACE_ID ? "trace.id" : "span.trace_id";
}

/* A text that no id can be would make a test that nothing meets, and a rule that nothing breaks. */
bool bt_checker_check_id(bt_checker *checker, bt_field_kind kind, const bt_expression *literal) {
  bt_str text = literal->literal.string;
  bool is_of_link = kind == BT_FIELD_LINK_TRACE_ID || kind == BT_FIELD_LINK_SPAN_ID;
  size_t digits = kind == BT_FIELD_LINK_SPAN_ID ? BT_SPAN_ID_HEX : BT_TRACE_ID_HEX;
  const char *name = name_of_id(kind);
  bool is_id = text.len == digits && is_hex(text);
  if (is_id && !is_zeros(text)) return true;
  if (is_id && !is_of_link) {
    bt_checker_report(checker, BT_E_UNKNOWN, literal->range, "an id of zeros is none, and no trace has it");
    return false;
  }
  if (is_id) {
    bt_checker_report(checker, BT_E_UNKNOWN, literal->range,
                      "an id of zeros is none: a link without one is found with link.where(not exists(%s))", name);
    return false;
  }
  bt_diagnostic *added = bt_checker_report(
      checker, BT_E_UNKNOWN, literal->range, "%s is %zu hexadecimal digits: found %zu characters%s", name, digits,
      text.len,
      text.len < digits && is_hex(text) ? ", which stores may write without the zeros in front"
      : kind == BT_FIELD_SPAN_TRACE_ID  ? "; an attribute of that name is span.attributes[\"trace_id\"]"
                                        : "");
  if (text.len < digits && is_hex(text) && !is_zeros(text))
    bt_checker_fix(checker, added, literal->range, "\"%.*s%.*s\"", (int)(digits - text.len), zeros, BT_FMT(text));
  return false;
}

/* ---- ids of spans, where they are warnings: rules that were stored before the others have them ---- */

static bool is_id_of_span(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_FIELD &&
         (expression->field.kind == BT_FIELD_ID || expression->field.kind == BT_FIELD_PARENT_ID);
}

static bool is_lower(bt_str text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.ptr[i] >= 'A' && text.ptr[i] <= 'F') return false;
  return true;
}

static const char *what_it_does(bt_comparison_operator op) {
  if (op == BT_EQUAL) return "this can never hold";
  if (op == BT_NOT_EQUAL) return "this always holds where there is one";
  return "this element is without effect";
}

/* `span.parent_id == ""` for a root. */
static void warn_of_no_parent(bt_checker *checker, const bt_ast *node, const bt_expression *field) {
  bool is_bound = field->field.binding != BT_NO_BINDING;
  bt_str name = is_bound ? checker->rule->bindings[field->field.binding].name : (bt_str){NULL, 0};
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_NO_SPAN_ID, node->range,
      "%s: a span without a parent has no span.parent_id, which %.*s%snot exists(span.parent_id)%s asks for",
      what_it_does(node->op), BT_FMT(name), is_bound ? ".where(" : "", is_bound ? ")" : "");
  if (!is_bound && (node->op == BT_EQUAL || node->op == BT_NOT_EQUAL))
    bt_checker_fix(checker, added, node->range, "%sexists(%.*s)", node->op == BT_EQUAL ? "not " : "",
                   BT_FMT(bt_checker_source(checker, field->range)));
}

static const char *advice_for(bt_str text) {
  if (!is_hex(text)) return ", not all of them digits: for a part of an id write starts_with, contains or matches";
  if (text.len == BT_TRACE_ID_HEX) return ": the id of a trace is span.trace_id";
  if (text.len == BT_SPAN_ID_HEX) return " in upper case";
  return text.len < BT_SPAN_ID_HEX
             ? ", which stores may write without the zeros in front; for the beginning of an id write starts_with"
             : "";
}

/* The id that was probably meant: the zeros in front, in lower case. */
static void offer_id(bt_checker *checker, bt_diagnostic *added, bt_range range, bt_str text) {
  char id[BT_SPAN_ID_HEX];
  memset(id, '0', sizeof id);
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    id[sizeof id - text.len + i] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
  }
  bt_checker_fix(checker, added, range, "\"%.*s\"", BT_SPAN_ID_HEX, id);
}

static void warn_of_span_id(bt_checker *checker, const bt_ast *node, const bt_expression *field,
                            const bt_expression *literal) {
  bt_str text = literal->literal.string;
  bool is_parent = field->field.kind == BT_FIELD_PARENT_ID;
  if (is_parent && is_zeros(text)) {
    warn_of_no_parent(checker, node, field);
    return;
  }
  if (text.len == BT_SPAN_ID_HEX && is_hex(text) && is_lower(text)) return;
  bt_diagnostic *added = bt_checker_report(checker, BT_W_NO_SPAN_ID, literal->range,
                                           "%s: span.%s is %d hexadecimal digits in lower case, found %zu characters%s",
                                           what_it_does(node->op), is_parent ? "parent_id" : "id", BT_SPAN_ID_HEX,
                                           text.len, advice_for(text));
  if (text.len <= BT_SPAN_ID_HEX && is_hex(text) && !is_zeros(text)) offer_id(checker, added, literal->range, text);
}

void bt_checker_warn_of_span_id(bt_checker *checker, const bt_ast *node, const bt_expression *left,
                                const bt_expression *right) {
  bt_comparison_operator op = node->op;
  if (op != BT_EQUAL && op != BT_NOT_EQUAL && op != BT_IN && op != BT_NOT_IN) return;
  if (is_id_of_span(left) && right->kind == BT_EXPRESSION_LITERAL && right->type == BT_TYPE_STRING)
    warn_of_span_id(checker, node, left, right);
}
