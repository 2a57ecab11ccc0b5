/* Comparisons: which values lie just below, at and above another one, and who is given them. See search.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/example/pattern_text.h"
#include "dsl/example/search.h"
#include "dsl/trace/text_number.h"

static const int64_t MS = 1000000;

static bt_value integer_value(bt_value_type type, int64_t number) {
  bt_value value = {.type = type};
  value.integer = number;
  return value;
}

static bt_value string_value(bt_str text) {
  return (bt_value){.type = BT_VALUE_STRING, .string = text};
}

/* A text of its own; missing where there is no room. */
static bt_value keep_text(search *s, const char *text, size_t length, const char *behind) {
  size_t more = strlen(behind);
  char *copy = bt_arena_array(&s->texts, length + more + 1, 1);
  s->no_memory = s->no_memory || !copy;
  if (!copy) return (bt_value){0};
  memcpy(copy, text, length);
  memcpy(copy + length, behind, more);
  return string_value((bt_str){copy, length + more});
}

/* ---- expressions ---- */

static model_place place_of(const search *s, const bt_field *field, model_place place) {
  if (field->binding >= 0) return (model_place){s->bound[s->rule][field->binding], MODEL_NONE};
  return place;
}

/* Numbers, durations and times in one: whole where both are. */
static bt_value compute_value(bt_expression_kind kind, bt_value left, bt_value right) {
  bool are_doubles = left.type == BT_VALUE_DOUBLE || right.type == BT_VALUE_DOUBLE || kind == BT_EXPRESSION_DIVIDE;
  bt_value out = {.type = BT_VALUE_DOUBLE};
  int64_t whole = 0;
  double a = left.type == BT_VALUE_DOUBLE ? left.decimal : (double)left.integer;
  double b = right.type == BT_VALUE_DOUBLE ? right.decimal : (double)right.integer;
  if (!are_doubles) {
    bool overflows = kind == BT_EXPRESSION_ADD        ? __builtin_add_overflow(left.integer, right.integer, &whole)
                     : kind == BT_EXPRESSION_SUBTRACT ? __builtin_sub_overflow(left.integer, right.integer, &whole)
                                                      : __builtin_mul_overflow(left.integer, right.integer, &whole);
    return overflows ? (bt_value){0} : integer_value(BT_VALUE_INT, whole);
  }
  out.decimal = kind == BT_EXPRESSION_ADD        ? a + b
                : kind == BT_EXPRESSION_SUBTRACT ? a - b
                : kind == BT_EXPRESSION_MULTIPLY ? a * b
                                                 : a / b;
  return out;
}

static bool is_number(const bt_value *value) {
  return value->type == BT_VALUE_INT || value->type == BT_VALUE_DOUBLE || value->type == BT_VALUE_DURATION ||
         value->type == BT_VALUE_TIME;
}

/* As a value of that static type: durations and times are whole nanoseconds. */
static bt_value typed_value(bt_value value, bt_type type) {
  if (!is_number(&value)) return value;
  if (type == BT_TYPE_DURATION || type == BT_TYPE_TIME) {
    if (value.type == BT_VALUE_DOUBLE) value.integer = fabs(value.decimal) < 9e18 ? (int64_t)value.decimal : 0;
    value.type = type == BT_TYPE_DURATION ? BT_VALUE_DURATION : BT_VALUE_TIME;
  } else if (value.type != BT_VALUE_DOUBLE) {
    value.type = BT_VALUE_INT;
  }
  return value;
}

bt_value search_value(search *s, const bt_expression *expression, model_place place) {
  model_place at;
  bt_value left, right;
  switch ((int)expression->kind) {
  case BT_EXPRESSION_LITERAL: return expression->literal;
  case BT_EXPRESSION_FIELD:
    at = place_of(s, &expression->field, place);
    left = model_get(&s->model, &expression->field, at);
    if (left.type == BT_VALUE_STRING && !left.is_name &&
        (expression->type == BT_TYPE_NUMBER || expression->type == BT_TYPE_DURATION))
      return (bt_value){0};
    return left;
  case BT_EXPRESSION_NEGATE:
    left = integer_value(BT_VALUE_INT, 0);
    right = search_value(s, expression->left, place);
    return is_number(&right) ? typed_value(compute_value(BT_EXPRESSION_SUBTRACT, left, right), expression->type)
                             : (bt_value){0};
  case BT_EXPRESSION_ADD:
  case BT_EXPRESSION_SUBTRACT:
  case BT_EXPRESSION_MULTIPLY:
  case BT_EXPRESSION_DIVIDE:
    left = search_value(s, expression->left, place);
    right = search_value(s, expression->right, place);
    if (!is_number(&left) || !is_number(&right)) return (bt_value){0};
    return typed_value(compute_value(expression->kind, left, right), expression->type);
  default: return (bt_value){0}; /* of many spans: nobody counts them here */
  }
}

/* Something that can be there, where the other side has nothing to say. */
static bt_value any_value(bt_type type) {
  switch ((int)type) {
  case BT_TYPE_DURATION: return integer_value(BT_VALUE_DURATION, MS);
  case BT_TYPE_TIME: return integer_value(BT_VALUE_TIME, MS);
  case BT_TYPE_STRING: return string_value(BT_STR("a"));
  case BT_TYPE_BOOLEAN: return (bt_value){.type = BT_VALUE_BOOL, .boolean = true};
  default: return integer_value(BT_VALUE_INT, 1);
  }
}

static bt_value value_or_set(search *s, const bt_expression *expression, model_place place) {
  bt_value value = search_value(s, expression, place);
  if (value.type != BT_VALUE_MISSING) return value;
  bt_value any = any_value(expression->type);
  if (!search_set(s, expression, place, any)) return (bt_value){0};
  value = search_value(s, expression, place);
  return value.type != BT_VALUE_MISSING ? value : any; /* of many spans: what was asked for */
}

/* One side of the operator, from the other one and the result. */
static bool set_side(search *s, const bt_expression *expression, model_place place, bt_value value, bool sets_left) {
  static const bt_expression_kind back[] = {[BT_EXPRESSION_ADD] = BT_EXPRESSION_SUBTRACT,
                                            [BT_EXPRESSION_SUBTRACT] = BT_EXPRESSION_ADD,
                                            [BT_EXPRESSION_MULTIPLY] = BT_EXPRESSION_DIVIDE,
                                            [BT_EXPRESSION_DIVIDE] = BT_EXPRESSION_MULTIPLY};
  const bt_expression *set = sets_left ? expression->left : expression->right;
  bt_value other = value_or_set(s, sets_left ? expression->right : expression->left, place);
  if (!is_number(&other) || !is_number(&value)) return false;
  bt_value needed;
  if (!sets_left && (expression->kind == BT_EXPRESSION_SUBTRACT || expression->kind == BT_EXPRESSION_DIVIDE))
    needed = compute_value(expression->kind, other, value);
  else
    needed = compute_value(back[expression->kind], value, other);
  if (needed.type == BT_VALUE_DOUBLE && needed.decimal == floor(needed.decimal) && fabs(needed.decimal) < 1e15)
    needed = integer_value(BT_VALUE_INT, (int64_t)needed.decimal);
  return is_number(&needed) && search_set(s, set, place, typed_value(needed, set->type));
}

/* So many spans of the selection, or one more or less where some are there already. */
static bool make_spans(search *s, const bt_selection *selection, int64_t count) {
  if (count < 0) return false;
  if (count > 0 && search_once_in(s, 3)) count--;
  uint32_t before = s->model.count;
  if (s->model.count + (uint64_t)count > s->most + (uint64_t)2) return false;
  for (int64_t i = 0; i < count; i++) {
    int span = selection->base_binding >= 0 || (i == 0 && search_once_in(s, 2)) ? search_make_span(s, selection)
                                                                                : model_add(&s->model, s->most);
    if (span < 0 || ((uint32_t)span >= before && !search_make_selection_on(s, selection, span))) return false;
  }
  return true;
}

static int64_t whole_of(const bt_value *value) {
  return value->type == BT_VALUE_DOUBLE ? (fabs(value->decimal) < 1e15 ? (int64_t)value->decimal : -1) : value->integer;
}

/* a, b, …, z, a1, b1, … */
static bt_value distinct_text(search *s, int64_t i) {
  enum { LETTERS = 26 };
  char text[24] = {(char)('a' + i % LETTERS), '\0'};
  if (i >= LETTERS) snprintf(text + 1, sizeof text - 1, "%lld", (long long)(i / LETTERS));
  return keep_text(s, text, strlen(text), "");
}

static bool set_distinct(search *s, const bt_expression *expression, int64_t count) {
  if (count < 0 || count > s->most) return false;
  for (int64_t i = 0; i < count; i++) {
    int span = model_add(&s->model, s->most);
    if (span < 0) span = search_make_span(s, expression->selection);
    if (span < 0 || !search_make_selection_on(s, expression->selection, span)) return false;
    bt_value value = distinct_text(s, i);
    model_place place = {span, MODEL_NONE};
    if (!search_set(s, expression->left, place, value) &&
        !search_set(s, expression->left, place, integer_value(BT_VALUE_INT, i)))
      return false;
  }
  return true;
}

static bool set_aggregate(search *s, const bt_expression *expression, bt_value value) {
  if (!is_number(&value)) return false;
  if (expression->aggregate == BT_AGGREGATE_COUNT) return make_spans(s, expression->selection, whole_of(&value));
  if (expression->aggregate == BT_AGGREGATE_COUNT_DISTINCT) return set_distinct(s, expression, whole_of(&value));
  int span = search_make_span(s, expression->selection);
  if (span < 0) return false;
  return search_set(s, expression->left, (model_place){span, MODEL_NONE}, typed_value(value, expression->left->type));
}

static model_parts *parts_of(search *s, const bt_predicate *predicate, int span) {
  model_span *of = &s->model.spans[span];
  return predicate->kind == BT_PREDICATE_LINK ? &of->links : &of->events;
}

static bool set_part_count(search *s, const bt_predicate *part, model_place place, bt_value value) {
  if (place.span < 0 || !is_number(&value) || whole_of(&value) < 0) return false;
  model_parts *parts = parts_of(s, part, place.span);
  for (int64_t i = 0; i < whole_of(&value); i++) {
    model_place at = {place.span, model_add_part(parts)};
    if (at.part < 0) return false;
    parts->items[at.part].time_ns = s->model.spans[place.span].start_ns;
    parts->items[at.part].trace_id = (bt_trace_id){{0xCE, [15] = 1}};
    parts->items[at.part].span_id = (bt_span_id){{[7] = 0xCE}};
    if (!search_make_predicate(s, part->items[0], at, true)) return false;
  }
  return true;
}

/* As an example is written: a decimal has 15 digits there. */
static bt_value written_value(bt_value value) {
  char text[32];
  if (value.type != BT_VALUE_DOUBLE) return value;
  snprintf(text, sizeof text, "%.15g", value.decimal);
  value.decimal = strtod(text, NULL);
  return value;
}

bool search_set(search *s, const bt_expression *expression, model_place place, bt_value value) {
  bool sets_left = true;
  if (++s->depth > BT_MAX_NESTING) return s->depth--, false;
  bool is_set = false;
  switch ((int)expression->kind) {
  case BT_EXPRESSION_LITERAL: break;
  case BT_EXPRESSION_FIELD: {
    model_place at = place_of(s, &expression->field, place);
    bool lacks_span = expression->field.binding >= 0 && at.span < 0;
    is_set = !lacks_span && model_set(&s->model, &expression->field, at, written_value(value));
    break;
  }
  case BT_EXPRESSION_AGGREGATE: is_set = set_aggregate(s, expression, value); break;
  case BT_EXPRESSION_PART_COUNT: is_set = set_part_count(s, expression->part, place, value); break;
  case BT_EXPRESSION_NEGATE:
    value = is_number(&value) ? compute_value(BT_EXPRESSION_SUBTRACT, integer_value(BT_VALUE_INT, 0), value) : value;
    is_set = search_set(s, expression->left, place, typed_value(value, expression->left->type));
    break;
  default:
    sets_left = search_once_in(s, 2);
    is_set = set_side(s, expression, place, value, sets_left) || set_side(s, expression, place, value, !sets_left);
  }
  s->depth--;
  return is_set;
}

/* ---- values beside others ---- */

/* The step from a number to its neighbours: a near one, or one that reads well. */
static bt_value step_value(search *s, bt_value value, int direction) {
  if (value.type == BT_VALUE_DOUBLE) {
    double size = fabs(value.decimal) >= 2 ? 1 : 0.01;
    value.decimal += direction * size;
    return value;
  }
  int64_t step = 1;
  if (value.type == BT_VALUE_DURATION || value.type == BT_VALUE_TIME)
    step = search_once_in(s, 6) || (value.type == BT_VALUE_DURATION && direction < 0 && value.integer < MS) ? 1 : MS;
  int64_t next = 0;
  if (__builtin_add_overflow(value.integer, direction * step, &next)) next = value.integer;
  value.integer = next;
  return value;
}

/* Equal, below or above in the order of the language; another one for `not equal`. */
static bt_value value_beside(search *s, bt_value value, bt_comparison_operator op) {
  int direction = op == BT_LESS || op == BT_LESS_EQUAL ? -1 : 1;
  bool may_be_equal = op == BT_EQUAL || op == BT_LESS_EQUAL || op == BT_GREATER_EQUAL;
  if (op == BT_EQUAL || (may_be_equal && search_once_in(s, 2))) return value;
  if (op == BT_NOT_EQUAL && search_once_in(s, 2)) direction = -1;
  if (is_number(&value)) return step_value(s, value, direction);
  if (value.type == BT_VALUE_BOOL) return value.boolean = !value.boolean, value;
  if (value.type != BT_VALUE_STRING) return value;
  if (op == BT_NOT_EQUAL)
    return search_once_in(s, 2) ? string_value(BT_STR("other")) : keep_text(s, value.string.ptr, value.string.len, "x");
  if (direction > 0) return keep_text(s, value.string.ptr, value.string.len, "a");
  return value.string.len ? keep_text(s, value.string.ptr, value.string.len - 1, "") : value;
}

static bt_value pattern_value(search *s, bt_str pattern) {
  char text[PATTERN_TEXT_BYTES];
  size_t length = pattern_text_make(pattern, ++s->drawn + s->seed, text);
  return keep_text(s, text, length, "");
}

static bt_value searched_text(search *s, bt_comparison_operator op, bt_value value) {
  if (value.type != BT_VALUE_STRING) return value;
  if (op == BT_MATCHES || op == BT_MATCHES_WHOLE) return pattern_value(s, value.string);
  return search_once_in(s, 3) && op == BT_STARTS_WITH ? keep_text(s, value.string.ptr, value.string.len, "a") : value;
}

static bt_comparison_operator opposite_operator(bt_comparison_operator op) {
  static const bt_comparison_operator of[] = {[BT_EQUAL] = BT_NOT_EQUAL,
                                              [BT_NOT_EQUAL] = BT_EQUAL,
                                              [BT_LESS] = BT_GREATER_EQUAL,
                                              [BT_LESS_EQUAL] = BT_GREATER,
                                              [BT_GREATER] = BT_LESS_EQUAL,
                                              [BT_GREATER_EQUAL] = BT_LESS,
                                              [BT_CONTAINS] = BT_NOT_EQUAL,
                                              [BT_STARTS_WITH] = BT_NOT_EQUAL,
                                              [BT_ENDS_WITH] = BT_NOT_EQUAL,
                                              [BT_MATCHES] = BT_NOT_MATCHES_WHOLE,
                                              [BT_MATCHES_WHOLE] = BT_NOT_MATCHES_WHOLE,
                                              [BT_NOT_MATCHES_WHOLE] = BT_MATCHES_WHOLE};
  return of[op];
}

static bt_comparison_operator mirrored_operator(bt_comparison_operator op) {
  return op == BT_LESS            ? BT_GREATER
         : op == BT_LESS_EQUAL    ? BT_GREATER_EQUAL
         : op == BT_GREATER       ? BT_LESS
         : op == BT_GREATER_EQUAL ? BT_LESS_EQUAL
                                  : op;
}

static bool is_of_words(const bt_expression *expression) {
  return expression->kind == BT_EXPRESSION_FIELD &&
         (expression->field.kind == BT_FIELD_KIND || expression->field.kind == BT_FIELD_STATUS);
}

/* Statuses and kinds have few values: another one of them. */
static bt_value other_word(search *s, const bt_expression *expression) {
  static const char *const kinds[] = {"internal", "server", "client", "producer", "consumer", "unspecified"};
  static const char *const statuses[] = {"ok", "unset", "error"};
  bool is_kind = expression->field.kind == BT_FIELD_KIND;
  return string_value(bt_str_from(is_kind ? kinds[search_draw(s, 6)] : statuses[search_draw(s, 3)]));
}

static bool make_beside(search *s, const bt_expression *set, const bt_expression *given, bt_comparison_operator op,
                        model_place place) {
  bt_value value = value_or_set(s, given, place);
  if (value.type == BT_VALUE_MISSING) return false;
  if (is_of_words(set) && op != BT_EQUAL) return search_set(s, set, place, other_word(s, set));
  value = op >= BT_CONTAINS && op <= BT_MATCHES_WHOLE ? searched_text(s, op, value)
          : op == BT_NOT_MATCHES_WHOLE                ? string_value(BT_STR("other"))
                                                      : value_beside(s, value, op);
  return search_set(s, set, place, typed_value(value, set->type));
}

static bool make_in(search *s, const bt_comparison *comparison, model_place place, bool is_in) {
  const bt_expression *item = comparison->list_count ? comparison->list[search_draw(s, comparison->list_count)] : NULL;
  if (!item) return !is_in;
  return make_beside(s, comparison->left, item,
                     is_in                  ? BT_EQUAL
                     : search_once_in(s, 2) ? BT_GREATER
                                            : BT_NOT_EQUAL,
                     place);
}

/* Takes away what the left side reads. */
static bool make_absent(search *s, const bt_expression *expression, model_place place) {
  if (expression->kind != BT_EXPRESSION_FIELD) return false;
  return search_set(s, expression, place, (bt_value){0});
}

bool search_make_comparison(search *s, const bt_comparison *comparison, model_place place, bool truth) {
  bt_comparison_operator op = comparison->op;
  if (!truth && search_once_in(s, 4) && make_absent(s, comparison->left, place)) return true;
  if (op == BT_IN || op == BT_NOT_IN) return make_in(s, comparison, place, (op == BT_IN) == truth);
  if (!truth) op = opposite_operator(op);
  bool is_ordered = op <= BT_GREATER_EQUAL;
  if (is_ordered && search_once_in(s, 3) &&
      make_beside(s, comparison->right, comparison->left, mirrored_operator(op), place))
    return true;
  return make_beside(s, comparison->left, comparison->right, op, place);
}
