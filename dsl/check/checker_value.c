/* Values: literals, fields, aggregates and arithmetic with its static types. See checker.h and dsl.md §5. */
#include "dsl/check/checker.h"
#include "dsl/syntax/diagnostic_codes.h"

bt_expression *bt_checker_new_expression(bt_checker *checker, bt_expression_kind kind, bt_type type, bt_range range) {
  bt_expression *expression = bt_checker_alloc(checker, 1, sizeof *expression);
  if (!expression) return NULL;
  expression->kind = kind;
  expression->type = type;
  expression->range = range;
  expression->field.binding = BT_NO_BINDING;
  return expression;
}

static const bt_expression *new_literal(bt_checker *checker, const bt_ast *node, bt_type type, bt_value value) {
  bt_expression *expression = bt_checker_new_expression(checker, BT_EXPRESSION_LITERAL, type, node->range);
  if (expression) expression->literal = value;
  return expression;
}

static const bt_expression *new_string(bt_checker *checker, const bt_ast *node) {
  bt_value value = {.type = BT_VALUE_STRING};
  if (!bt_arena_copy(checker->arena, node->text, &value.string)) {
    checker->no_memory = true;
    return NULL;
  }
  return new_literal(checker, node, BT_TYPE_STRING, value);
}

static const bt_expression *new_field(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  bt_field field;
  if (!bt_checker_field(checker, node, place, &field)) return NULL;
  bt_expression *expression =
      bt_checker_new_expression(checker, BT_EXPRESSION_FIELD, bt_field_type(field.kind), node->range);
  if (!expression) return NULL;
  if (!bt_checker_keep_field(checker, &field, node->range)) return NULL;
  expression->field = field;
  return expression;
}

/* `amount < limit` and `id == c.id` without a binding c compare with a text, which may surprise. */
static void warn_of_bare_word(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  if (bt_means_nothing(node->text)) {
    bt_checker_report_nothing(checker, node, place);
    return;
  }
  bool dotted = bt_path_rest(node->text).len > 0;
  if ((!dotted && !place->is_ordering) || place->unit_wanted) return;
  if (dotted && bt_checker_warn_of_unbound(checker, node)) return;
  bt_diagnostic *added = bt_checker_report(
      checker, BT_W_BARE_WORD, node->range,
      "a bare word on the right is the string \"%.*s\": quote it, or write span.%.*s for an attribute "
      "of the same span",
      BT_FMT(node->text), BT_FMT(node->text));
  bt_checker_fix(checker, added, node->range, "\"%.*s\"", BT_FMT(node->text));
}

static const bt_expression *lower_word(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  if (!place->on_right || bt_checker_has_field_head(checker, node)) return new_field(checker, node, place);
  if (place->in_arithmetic) {
    bt_diagnostic *added =
        bt_checker_report(checker, BT_E_ARITHMETIC, node->range,
                          "a bare word on the right is a string, and strings have no arithmetic: an attribute is "
                          "written span.%.*s",
                          BT_FMT(node->text));
    if (place->site != BT_SITE_CONDITION) bt_checker_fix(checker, added, node->range, "span.%.*s", BT_FMT(node->text));
    return NULL;
  }
  warn_of_bare_word(checker, node, place);
  return new_string(checker, node);
}

static const bt_expression *lower_string(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  if (!place->on_right) return new_field(checker, node, place);
  if (node->owner != BT_NAME_OF_EITHER) return bt_checker_report_owned_name(checker, node), NULL;
  if (!place->in_arithmetic) return new_string(checker, node);
  bt_checker_report(checker, BT_E_ARITHMETIC, node->range,
                    "expected a number, a duration or a time: strings have no arithmetic");
  return NULL;
}

static const bt_expression *lower_call(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  switch (bt_function_row_of(node->function)->class) {
  case BT_AGGREGATES: return bt_checker_aggregate(checker, node, place);
  case BT_COUNTS_PARTS: return bt_checker_part_count(checker, node, place);
  case BT_SELECTS_SPANS:
  case BT_PICKS_SPAN:
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "selected spans have no value: expected count(…), sum(…, value) or a field");
    return NULL;
  case BT_ORDERS_SPANS:
  case BT_TESTS_EVERY:
  case BT_TESTS_FIELD:
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "%s(…) is a condition and has no value to compare or to count with",
                      bt_function_name(node->function));
    return NULL;
  }
  return NULL;
}

/* span.x, and for the trace's own trace.x. */
static bool is_intrinsic(bt_str path, bt_str last, bool bound) {
  bt_str front = bt_path_front(path);
  return bt_str_equal(bt_path_last(path), last) &&
         (bt_str_equal(front, BT_STR("span")) || (!bound && bt_str_equal(front, BT_STR("trace"))));
}

static bt_type unit_of_path(const bt_checker *checker, bt_str path) {
  if (bt_str_equal(path, BT_STR("event.time"))) return BT_TYPE_TIME;
  bool bound = bt_scope_is_binding(checker, bt_path_head(path));
  bt_str rest = bound ? bt_path_rest(path) : path;
  if (is_intrinsic(rest, BT_STR("duration"), bound)) return BT_TYPE_DURATION;
  bool point = bt_str_equal(bt_path_last(rest), BT_STR("start")) || bt_str_equal(bt_path_last(rest), BT_STR("end"));
  if (!point) return BT_TYPE_ATTRIBUTE;
  if (bound && !bt_path_rest(rest).len) return BT_TYPE_TIME;
  return is_intrinsic(rest, bt_path_last(rest), bound) ? BT_TYPE_TIME : BT_TYPE_ATTRIBUTE;
}

/* The unit of a sum or product from those of its sides. */
static bt_type join_units(bt_ast_kind kind, bt_type left, bt_type right) {
  if (kind == BT_AST_SUBTRACT && left == BT_TYPE_TIME && right == BT_TYPE_TIME) return BT_TYPE_DURATION;
  if (kind == BT_AST_DIVIDE && left == BT_TYPE_DURATION && right == BT_TYPE_DURATION) return BT_TYPE_ATTRIBUTE;
  if (left == BT_TYPE_TIME || right == BT_TYPE_TIME) return BT_TYPE_TIME;
  if (kind == BT_AST_DIVIDE) return left;
  return left == BT_TYPE_DURATION || right == BT_TYPE_DURATION ? BT_TYPE_DURATION : BT_TYPE_ATTRIBUTE;
}

bt_type bt_checker_unit(const bt_checker *checker, const bt_ast *node) {
  switch (node->kind) {
  case BT_AST_DURATION: return BT_TYPE_DURATION;
  case BT_AST_PATH: return unit_of_path(checker, node->text);
  case BT_AST_NEGATE: return bt_checker_unit(checker, node->items[0]);
  case BT_AST_CALL:
    return bt_gives_unit_of_value(node->function) ? bt_checker_unit(checker, node->items[1]) : BT_TYPE_ATTRIBUTE;
  case BT_AST_ADD:
  case BT_AST_SUBTRACT:
  case BT_AST_MULTIPLY:
  case BT_AST_DIVIDE:
    return join_units(node->kind, bt_checker_unit(checker, node->items[0]), bt_checker_unit(checker, node->items[1]));
  case BT_AST_ERROR:
  case BT_AST_OR:
  case BT_AST_AND:
  case BT_AST_NOT:
  case BT_AST_COMPARE:
  case BT_AST_IN:
  case BT_AST_INTEGER:
  case BT_AST_DECIMAL:
  case BT_AST_STRING:
  case BT_AST_BOOLEAN:
  case BT_AST_INDEX:
  case BT_AST_SELECTION: return BT_TYPE_ATTRIBUTE;
  }
  return BT_TYPE_ATTRIBUTE;
}

static const char *type_name(bt_type type) {
  switch (type) {
  case BT_TYPE_NUMBER: return "a number";
  case BT_TYPE_DURATION: return "a duration";
  case BT_TYPE_TIME: return "a time";
  case BT_TYPE_STRING: return "a string";
  case BT_TYPE_BOOLEAN: return "true or false";
  case BT_TYPE_ATTRIBUTE: return "an attribute";
  }
  return "";
}

/* The type of `left op right`; false when there is none. An attribute counts as a number here. */
static bool type_of_arithmetic(bt_expression_kind op, bt_type left, bt_type right, bt_type *out) {
  enum { N = BT_TYPE_NUMBER, D = BT_TYPE_DURATION, T = BT_TYPE_TIME };
  static const struct {
    bt_expression_kind op;
    int left, right, result;
  } rows[] = {
      {BT_EXPRESSION_ADD, N, N, N},      {BT_EXPRESSION_ADD, D, D, D},      {BT_EXPRESSION_ADD, T, D, T},
      {BT_EXPRESSION_SUBTRACT, N, N, N}, {BT_EXPRESSION_SUBTRACT, D, D, D}, {BT_EXPRESSION_SUBTRACT, T, D, T},
      {BT_EXPRESSION_SUBTRACT, T, T, D}, {BT_EXPRESSION_MULTIPLY, N, N, N}, {BT_EXPRESSION_MULTIPLY, D, N, D},
      {BT_EXPRESSION_DIVIDE, N, N, N},   {BT_EXPRESSION_DIVIDE, D, N, D},   {BT_EXPRESSION_DIVIDE, D, D, N},
  };
  if (left == BT_TYPE_ATTRIBUTE) left = BT_TYPE_NUMBER;
  if (right == BT_TYPE_ATTRIBUTE) right = BT_TYPE_NUMBER;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (rows[i].op != op || rows[i].left != (int)left || rows[i].right != (int)right) continue;
    *out = (bt_type)rows[i].result;
    return true;
  }
  return false;
}

static void report_arithmetic(bt_checker *checker, const bt_ast *node, bt_type left, bt_type right) {
  static const char *const signs[] = {"+", "-", "*", "/"};
  bool time = left == BT_TYPE_TIME || right == BT_TYPE_TIME;
  bool unit = left == BT_TYPE_DURATION || right == BT_TYPE_DURATION;
  const char *advice =
      time   ? "a time takes + and - with a duration, and - with a time"
      : unit ? "durations add up with durations, and are multiplied and divided by numbers; attributes have no unit"
             : "arithmetic is for numbers, durations and times";
  bt_checker_report(checker, time ? BT_E_TIME : BT_E_ARITHMETIC, node->range, "no %s between %s and %s: %s",
                    signs[node->kind - BT_AST_ADD], type_name(left), type_name(right), advice);
}

static bt_expression_kind arithmetic_of(bt_ast_kind kind) {
  switch ((int)kind) {
  case BT_AST_ADD: return BT_EXPRESSION_ADD;
  case BT_AST_SUBTRACT: return BT_EXPRESSION_SUBTRACT;
  case BT_AST_MULTIPLY: return BT_EXPRESSION_MULTIPLY;
  default: return BT_EXPRESSION_DIVIDE;
  }
}

static const bt_expression *lower_arithmetic(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  bt_place left_place = *place, right_place = *place;
  left_place.in_arithmetic = right_place.in_arithmetic = true;
  left_place.duration_wanted |= bt_checker_unit(checker, node->items[1]) == BT_TYPE_DURATION;
  right_place.duration_wanted |= bt_checker_unit(checker, node->items[0]) == BT_TYPE_DURATION;
  const bt_expression *left = bt_checker_value(checker, node->items[0], &left_place);
  const bt_expression *right = bt_checker_value(checker, node->items[1], &right_place);
  if (!left || !right) return NULL;
  bt_expression_kind kind = arithmetic_of(node->kind);
  /* number × duration is duration × number */
  if (kind == BT_EXPRESSION_MULTIPLY && right->type == BT_TYPE_DURATION && left->type != BT_TYPE_DURATION) {
    const bt_expression *swap = left;
    left = right;
    right = swap;
  }
  bt_type type;
  if (!type_of_arithmetic(kind, left->type, right->type, &type)) {
    report_arithmetic(checker, node, left->type, right->type);
    return NULL;
  }
  bt_expression *expression = bt_checker_new_expression(checker, kind, type, node->range);
  if (!expression) return NULL;
  expression->left = left;
  expression->right = right;
  return expression;
}

static const bt_expression *lower_negation(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  bt_place inside = *place;
  inside.in_arithmetic = true;
  const bt_expression *left = bt_checker_value(checker, node->items[0], &inside);
  if (!left) return NULL;
  if (left->type == BT_TYPE_STRING || left->type == BT_TYPE_BOOLEAN || left->type == BT_TYPE_TIME) {
    bt_checker_report(checker, left->type == BT_TYPE_TIME ? BT_E_TIME : BT_E_ARITHMETIC, node->range,
                      "a minus stands before a number or a duration, not before %s", type_name(left->type));
    return NULL;
  }
  bt_type type = left->type == BT_TYPE_DURATION ? BT_TYPE_DURATION : BT_TYPE_NUMBER;
  bt_expression *expression = bt_checker_new_expression(checker, BT_EXPRESSION_NEGATE, type, node->range);
  if (expression) expression->left = left;
  return expression;
}

static const bt_expression *lower_literal(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  switch ((int)node->kind) {
  case BT_AST_INTEGER:
    return new_literal(checker, node, BT_TYPE_NUMBER, (bt_value){.type = BT_VALUE_INT, .integer = node->integer});
  case BT_AST_DECIMAL:
    return new_literal(checker, node, BT_TYPE_NUMBER, (bt_value){.type = BT_VALUE_DOUBLE, .decimal = node->decimal});
  case BT_AST_DURATION:
    return new_literal(checker, node, BT_TYPE_DURATION,
                       (bt_value){.type = BT_VALUE_DURATION, .duration_ns = node->duration_ns});
  default: break;
  }
  if (place->in_arithmetic) {
    bt_checker_report(checker, BT_E_ARITHMETIC, node->range,
                      "expected a number, a duration or a time: true and false have no arithmetic");
    return NULL;
  }
  return new_literal(checker, node, BT_TYPE_BOOLEAN, (bt_value){.type = BT_VALUE_BOOL, .boolean = node->boolean});
}

const bt_expression *bt_checker_value(bt_checker *checker, const bt_ast *node, const bt_place *place) {
  switch (node->kind) {
  case BT_AST_ERROR: return NULL;
  case BT_AST_INTEGER:
  case BT_AST_DECIMAL:
  case BT_AST_DURATION:
  case BT_AST_BOOLEAN: return lower_literal(checker, node, place);
  case BT_AST_STRING: return lower_string(checker, node, place);
  case BT_AST_PATH: return lower_word(checker, node, place);
  case BT_AST_INDEX: return new_field(checker, node, place);
  case BT_AST_CALL: return lower_call(checker, node, place);
  case BT_AST_ADD:
  case BT_AST_SUBTRACT:
  case BT_AST_MULTIPLY:
  case BT_AST_DIVIDE: return lower_arithmetic(checker, node, place);
  case BT_AST_NEGATE: return lower_negation(checker, node, place);
  case BT_AST_OR:
  case BT_AST_AND:
  case BT_AST_NOT:
  case BT_AST_COMPARE:
  case BT_AST_IN:
  case BT_AST_SELECTION:
    bt_checker_report(checker, BT_E_SYNTAX, node->range,
                      "expected a value: a number, a string, a field or an aggregate, not a condition or a selection");
    return NULL;
  }
  return NULL;
}
