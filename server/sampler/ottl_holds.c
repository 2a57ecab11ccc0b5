/* What conditions come to. See ottl.h. OTTL compares values of one type, an int and a double as doubles; of any others
 * only `!=` holds. */
#include <stdlib.h>
#include <string.h>

#include "dsl/trace/cut_text.h"
#include "server/sampler/ottl_node.h"

/* What stands at a path. Unknown: a value is there, and a store lost which; or it lost whether one is. */
typedef struct seen {
  bt_value value;
  bool is_unknown, may_be_there;
} seen;

static bt_truth truth_of(bool holds) {
  return holds ? BT_TRUE : BT_FALSE;
}

static seen of_int(int64_t number) {
  return (seen){.value = {.type = BT_VALUE_INT, .integer = number}};
}

static seen of_text(bt_str text) {
  return (seen){.value = {.type = BT_VALUE_STRING, .string = text}};
}

static seen of_attribute(const bt_attributes *attributes, bt_str key) {
  const bt_value *value = bt_attributes_find(attributes, key);
  if (!value) return (seen){.may_be_there = attributes->dropped == BT_NOT_KEPT};
  return (seen){.value = *value, .is_unknown = bt_value_is_untyped(value) || bt_may_be_cut(value)};
}

static seen look_at_path(const bt_ottl *path, const bt_span *span, const bt_event *event) {
  switch (path->path) {
  case BT_OTTL_NAME: return of_text(span->name);
  case BT_OTTL_KIND: return of_int(span->kind);
  case BT_OTTL_STATUS: return of_int(span->status);
  case BT_OTTL_MESSAGE: return of_text(span->status_message);
  case BT_OTTL_START: return of_int(span->start_ns);
  case BT_OTTL_END: return of_int(span->end_ns);
  case BT_OTTL_LINK_COUNT: return of_int(span->link_count);
  case BT_OTTL_SCOPE_NAME: return of_text(span->scope->name);
  case BT_OTTL_SCOPE_VERSION: return of_text(span->scope->version);
  case BT_OTTL_OF_SPAN: return of_attribute(&span->attributes, path->key);
  case BT_OTTL_OF_RESOURCE: return of_attribute(&span->resource->attributes, path->key);
  case BT_OTTL_OF_SCOPE: return of_attribute(&span->scope->attributes, path->key);
  case BT_OTTL_EVENT_NAME:
    if (event) return of_text(event->name);
    break;
  case BT_OTTL_OF_EVENT:
    if (event) return of_attribute(&event->attributes, path->key);
    break;
  }
  return (seen){.may_be_there = true};
}

/* ---- operands ---- */

static seen double_of(seen of) {
  if (of.value.type == BT_VALUE_INT) of.value.decimal = (double)of.value.integer;
  if (of.value.type == BT_VALUE_STRING) {
    char digits[512] = {0};
    bt_str text = of.value.string;
    of.is_unknown = of.is_unknown || text.len >= sizeof digits;
    if (text.len && text.len < sizeof digits) memcpy(digits, text.ptr, text.len);
    of.value.decimal = strtod(digits, NULL);
  }
  bool is_number = of.value.type == BT_VALUE_INT || of.value.type == BT_VALUE_STRING;
  if (is_number) of.value.type = BT_VALUE_DOUBLE;
  return of;
}

static seen come_to(const bt_ottl *operand, const bt_span *span, const bt_event *event) {
  if (operand->kind == BT_OTTL_PATH) return look_at_path(operand, span, event);
  if (operand->kind == BT_OTTL_DOUBLE) return double_of(look_at_path(operand->left, span, event));
  if (operand->kind != BT_OTTL_MINUS) return (seen){.value = operand->value};
  return of_int((int64_t)((uint64_t)look_at_path(operand->left, span, event).value.integer -
                          (uint64_t)look_at_path(operand->right, span, event).value.integer));
}

static bt_truth compare_order(bt_ottl_sign op, int order) {
  switch (op) {
  case BT_OTTL_EQ: return truth_of(order == 0);
  case BT_OTTL_NE: return truth_of(order != 0);
  case BT_OTTL_LE: return truth_of(order <= 0);
  case BT_OTTL_GE: return truth_of(order >= 0);
  case BT_OTTL_LT: return truth_of(order < 0);
  case BT_OTTL_GT: return truth_of(order > 0);
  }
  return BT_UNKNOWN;
}

static bt_truth compare_doubles(bt_ottl_sign op, double a, double b) {
  if (a != a || b != b) return truth_of(op == BT_OTTL_NE);
  return compare_order(op, (a > b) - (a < b));
}

static bt_truth compare_seen(bt_ottl_sign op, const seen *left, const seen *right) {
  const bt_value *a = &left->value, *b = &right->value;
  if (left->may_be_there || right->may_be_there) return BT_UNKNOWN;
  bool has_nil = a->type == BT_VALUE_MISSING || b->type == BT_VALUE_MISSING;
  if (has_nil) return truth_of((op == BT_OTTL_EQ && a->type == b->type) || (op == BT_OTTL_NE && a->type != b->type));
  if (left->is_unknown || right->is_unknown) return BT_UNKNOWN;
  if (a->type == BT_VALUE_INT && b->type == BT_VALUE_INT)
    return compare_order(op, (a->integer > b->integer) - (a->integer < b->integer));
  if (bt_value_is_number(a) && bt_value_is_number(b))
    return compare_doubles(op, bt_value_as_double(a), bt_value_as_double(b));
  if (a->type != b->type) return truth_of(op == BT_OTTL_NE);
  if (a->type == BT_VALUE_STRING) return compare_order(op, bt_str_compare(a->string, b->string));
  if (a->type == BT_VALUE_BOOL) return compare_order(op, a->boolean - b->boolean);
  return BT_UNKNOWN;
}

/* ---- truths ---- */

/* A map, bytes and a list of several types are one to BeTrace. */
static bt_truth is_of_type(bt_ottl_type type, const seen *of) {
  static const bt_value_type types[] = {
      [BT_OTTL_STRING] = BT_VALUE_STRING,    [BT_OTTL_INT] = BT_VALUE_INT,   [BT_OTTL_BOOL] = BT_VALUE_BOOL,
      [BT_OTTL_IS_DOUBLE] = BT_VALUE_DOUBLE, [BT_OTTL_MAP] = BT_VALUE_OTHER, [BT_OTTL_LIST] = BT_VALUE_ARRAY};
  bool is_compound = type == BT_OTTL_MAP || type == BT_OTTL_LIST;
  if (of->is_unknown || of->may_be_there || (is_compound && of->value.type == BT_VALUE_OTHER)) return BT_UNKNOWN;
  return truth_of(of->value.type == types[type]);
}

static bt_truth match_text(const bt_ottl *match, const seen *of) {
  bool holds = false;
  uint64_t cost;
  if (of->is_unknown || of->may_be_there) return BT_UNKNOWN;
  if (of->value.type != BT_VALUE_STRING) return of->value.type == BT_VALUE_MISSING ? BT_FALSE : BT_UNKNOWN;
  return bt_pattern_match(match->pattern, of->value.string, &cost, &holds) ? BT_UNKNOWN : truth_of(holds);
}

static bt_truth join_halves(const bt_ottl *both, const bt_span *span, const bt_event *event) {
  bool is_and = both->kind == BT_OTTL_AND;
  bt_truth first = bt_ottl_holds(both->left, span, event);
  if (first == (is_and ? BT_FALSE : BT_TRUE)) return first;
  bt_truth second = bt_ottl_holds(both->right, span, event);
  return (first < second) == is_and ? first : second;
}

bt_truth bt_ottl_holds(const bt_ottl *condition, const bt_span *span, const bt_event *event) {
  seen left, right;
  switch (condition->kind) {
  case BT_OTTL_CONSTANT: return truth_of(condition->value.boolean);
  case BT_OTTL_NOT: return (bt_truth)(BT_TRUE - bt_ottl_holds(condition->left, span, event));
  case BT_OTTL_AND:
  case BT_OTTL_OR: return join_halves(condition, span, event);
  case BT_OTTL_IS: left = look_at_path(condition->left, span, event); return is_of_type(condition->is, &left);
  case BT_OTTL_MATCH: left = look_at_path(condition->left, span, event); return match_text(condition, &left);
  case BT_OTTL_COMPARE:
    left = come_to(condition->left, span, event);
    right = come_to(condition->right, span, event);
    return compare_seen(condition->op, &left, &right);
  case BT_OTTL_LITERAL:
  case BT_OTTL_PATH:
  case BT_OTTL_DOUBLE:
  case BT_OTTL_MINUS: break;
  }
  return BT_UNKNOWN;
}
