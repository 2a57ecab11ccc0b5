/* Saying what failed. See rule_sentence.h. The blamed part is found in the rule's tree by its range; its kind, and
 * whether it should have held, choose the sentence. */
#include "dsl/rule/rule_sentence.h"

#include <inttypes.h>
#include <string.h>

typedef struct sentence {
  const bt_rule *rule;
  const bt_sides *measured;
  bt_buffer *out;
} sentence;

/* ---- the rule's text ---- */

static bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* On one line: blanks made single, and none behind `(` or before `)` where a line ended there. */
static void append_text(sentence *s, bt_range range) {
  bt_str text = s->rule->text;
  bool needs_blank = false, broke_line = false;
  char last = 0;
  for (uint32_t at = range.start; at < range.end && at < text.len; at++) {
    char c = text.ptr[at];
    if (is_blank(c)) {
      needs_blank = last != 0;
      broke_line = broke_line || c == '\n';
      continue;
    }
    if (needs_blank && !(broke_line && (last == '(' || c == ')'))) bt_buffer_append_char(s->out, ' ');
    needs_blank = broke_line = false;
    bt_buffer_append_char(s->out, c);
    last = c;
  }
}

static void append_words(sentence *s, const char *text) {
  bt_buffer_append(s->out, bt_str_from(text));
}

/* ---- spans ---- */

/* `span.name == "retry"` alone. */
static const bt_value *name_of(const bt_predicate *predicate) {
  const bt_comparison *c = &predicate->comparison;
  bool is_name = predicate->kind == BT_PREDICATE_COMPARE && c->op == BT_EQUAL && c->left && c->right &&
                 c->left->kind == BT_EXPRESSION_FIELD && c->left->field.kind == BT_FIELD_NAME &&
                 c->left->field.binding == BT_NO_BINDING && c->right->kind == BT_EXPRESSION_LITERAL &&
                 c->right->literal.type == BT_VALUE_STRING;
  return is_name ? &c->right->literal : NULL;
}

static bool begins_with_a_name(const bt_predicate *predicate) {
  while (predicate->item_count && !predicate->own_name.len) predicate = predicate->items[0];
  return predicate->own_name.len || predicate->kind == BT_PREDICATE_NAMED || predicate->kind == BT_PREDICATE_TRUE;
}

static bool begins_with(const sentence *s, bt_range range, const char *word) {
  bt_str text = s->rule->text;
  return range.end <= text.len &&
         bt_str_starts_with((bt_str){text.ptr + range.start, range.end - range.start}, bt_str_from(word));
}

/* `trace.has(P)` and `span(P)` alone, of which the range is that of P. */
static bool is_plain_test(const sentence *s, const bt_selection *selection) {
  return !selection->relation_count && selection->base_binding == BT_NO_BINDING &&
         !begins_with_a_name(selection->predicate) && !begins_with(s, selection->range, "service:") &&
         !begins_with(s, selection->range, "name:");
}

static void append_selection(sentence *s, const bt_selection *selection) {
  bool is_test = is_plain_test(s, selection);
  const bt_value *name = is_test ? name_of(selection->predicate) : NULL;
  if (is_test) append_words(s, name ? "span named " : "span where ");
  append_text(s, name ? selection->predicate->comparison.right->range : selection->range);
}

/* ---- numbers ---- */

static void append_time(sentence *s, int64_t ns) {
  static const struct {
    int64_t unit;
    const char *name;
  } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "µs"}, {1, "ns"}};
  size_t u = 0;
  while (u < 3 && ns < units[u].unit && ns > -units[u].unit) u++;
  bt_buffer_printf(s->out, "%.6g %s", (double)ns / (double)units[u].unit, units[u].name);
}

static bool append_measured(sentence *s, const bt_value *value, bt_type type) {
  if (type == BT_TYPE_TIME) return false; /* a point in time would be shown as nanoseconds */
  bool is_time = type == BT_TYPE_DURATION;
  if (value->type == BT_VALUE_DURATION)
    append_time(s, value->duration_ns);
  else if (value->type == BT_VALUE_INT && is_time)
    append_time(s, value->integer);
  else if (value->type == BT_VALUE_INT)
    bt_buffer_printf(s->out, "%" PRId64, value->integer);
  else if (value->type == BT_VALUE_DOUBLE && is_time)
    append_time(s, (int64_t)value->decimal);
  else if (value->type == BT_VALUE_DOUBLE)
    bt_buffer_printf(s->out, "%.15g", value->decimal);
  else
    return false;
  return true;
}

/* `5 * 2` says itself what it is. */
static bool is_constant(const bt_expression *expression) {
  if (expression->kind == BT_EXPRESSION_LITERAL) return true;
  bool is_arithmetic = expression->kind >= BT_EXPRESSION_NEGATE && expression->kind <= BT_EXPRESSION_DIVIDE;
  return is_arithmetic && is_constant(expression->left) && (!expression->right || is_constant(expression->right));
}

static void append_right(sentence *s, const bt_expression *right) {
  size_t before = s->out->len;
  if (!right || is_constant(right)) return;
  append_words(s, ", which is ");
  if (!append_measured(s, &s->measured->right, right->type) && !s->out->failed) s->out->len = before;
}

/* `count(retry) is 5, expected <= 2`, and where it must not hold `…, must not be > 2`. */
static void say_comparison(sentence *s, const bt_comparison *comparison, bool should_hold) {
  bt_range rest = {comparison->left->range.end, comparison->range.end};
  size_t before = s->out->len;
  append_text(s, comparison->left->range);
  append_words(s, " is ");
  if (append_measured(s, &s->measured->left, comparison->left->type)) {
    append_words(s, should_hold ? ", expected " : ", must not be ");
    append_text(s, rest);
    append_right(s, comparison->right);
    return;
  }
  if (!s->out->failed) s->out->len = before;
  append_words(s, should_hold ? "this does not hold: " : "this must not hold: ");
  append_text(s, comparison->range);
}

/* ---- conditions ---- */

static void say_condition(sentence *s, const bt_condition *condition, bool should_hold);

/* `no retry` where one was wanted, else `there is retry`, `there is a span named "retry"`. */
static void begin_sentence(sentence *s, const bt_selection *selection, bool should_hold) {
  bool is_in_words = is_plain_test(s, selection);
  append_words(s, should_hold ? "no " : is_in_words ? "there is a " : "there is ");
  append_selection(s, selection);
}

static void say_order(sentence *s, const bt_condition *condition, bool should_hold) {
  begin_sentence(s, condition->selection, should_hold);
  append_words(s, condition->kind == BT_CONDITION_HAS_BEFORE ? " before " : " after ");
  append_selection(s, condition->other);
  if (!should_hold) append_words(s, ", and there must be none");
}

static void say_selection(sentence *s, const bt_selection *selection, bool should_hold) {
  begin_sentence(s, selection, should_hold);
  if (!selection->relation_count && should_hold) append_words(s, " in this trace");
  if (!should_hold) append_words(s, ", and there must be none");
}

static bool is_list_of_spans(const bt_condition *condition) {
  for (uint32_t i = 0; i < condition->item_count; i++)
    if (condition->items[i]->kind != BT_CONDITION_EXISTS || condition->items[i]->selection->relation_count)
      return false;
  return true;
}

/* `no a, b or c in this trace` */
static void say_none_of(sentence *s, const bt_condition *condition) {
  append_words(s, "no ");
  for (uint32_t i = 0; i < condition->item_count; i++) {
    if (i) append_words(s, i + 1 == condition->item_count ? " or " : ", ");
    append_selection(s, condition->items[i]->selection);
  }
  append_words(s, " in this trace");
}

static void say_text(sentence *s, const bt_condition *condition, bool should_hold) {
  bool is_part = should_hold && condition->kind == BT_CONDITION_AND, is_any = condition->kind == BT_CONDITION_OR;
  append_words(s, is_part                 ? "not all of this holds: "
                  : should_hold && is_any ? "nothing of this holds: "
                  : should_hold           ? "this does not hold: "
                                          : "this must not hold: ");
  append_text(s, condition->range);
}

/* every(…) is a negation that is written without one. */
static bool is_every(const bt_condition *condition) {
  const bt_condition *inside = condition->kind == BT_CONDITION_NOT ? condition->items[0] : NULL;
  return inside && inside->range.start == condition->range.start && inside->range.end == condition->range.end;
}

/* Its test: what the spans that it looks for must fail. */
static const bt_predicate *test_of_every(const bt_condition *condition) {
  const bt_predicate *failing = condition->items[0]->selection->predicate;
  if (failing->kind == BT_PREDICATE_AND) failing = failing->items[failing->item_count - 1];
  return failing->kind == BT_PREDICATE_NOT ? failing->items[0] : NULL;
}

/* `not all of payment meet amount > 5`: the spans stand between the parenthesis and the comma before the test. */
static void say_every(sentence *s, const bt_condition *condition, bool should_hold) {
  const bt_predicate *test = test_of_every(condition);
  const char *text = s->rule->text.ptr;
  bt_range spans = {condition->range.start, test ? test->range.start : 0};
  while (spans.start < spans.end && text[spans.start] != '(') spans.start++;
  while (spans.end > spans.start && (is_blank(text[spans.end - 1]) || strchr("(,", text[spans.end - 1]))) spans.end--;
  if (++spans.start >= spans.end) {
    say_text(s, condition, should_hold);
    return;
  }
  append_words(s, should_hold ? "not all of " : "all of ");
  append_text(s, spans);
  append_words(s, " meet ");
  append_text(s, test->range);
  if (!should_hold) append_words(s, ", and some must not");
}

static void say_condition(sentence *s, const bt_condition *condition, bool should_hold) {
  if (is_every(condition)) {
    say_every(s, condition, should_hold);
    return;
  }
  switch (condition->kind) {
  case BT_CONDITION_NOT: say_condition(s, condition->items[0], !should_hold); return;
  case BT_CONDITION_EXISTS: say_selection(s, condition->selection, should_hold); return;
  case BT_CONDITION_COMPARE: say_comparison(s, &condition->comparison, should_hold); return;
  case BT_CONDITION_HAS_BEFORE:
  case BT_CONDITION_HAS_AFTER: say_order(s, condition, should_hold); return;
  case BT_CONDITION_OR:
    if (should_hold && is_list_of_spans(condition)) {
      say_none_of(s, condition);
      return;
    }
    say_text(s, condition, should_hold);
    return;
  case BT_CONDITION_TRUE:
  case BT_CONDITION_FALSE:
  case BT_CONDITION_AND: say_text(s, condition, should_hold); return;
  }
}

/* ---- the blamed part ---- */

typedef struct blamed {
  const bt_condition *condition;
  bool should_hold;
} blamed;

static blamed find_condition(const bt_condition *condition, bt_range range, bool should_hold) {
  if (!condition) return (blamed){0};
  if (condition->range.start == range.start && condition->range.end == range.end)
    return (blamed){condition, should_hold};
  for (uint32_t i = 0; i < condition->item_count; i++) {
    blamed found =
        find_condition(condition->items[i], range, condition->kind == BT_CONDITION_NOT ? !should_hold : should_hold);
    if (found.condition) return found;
  }
  return (blamed){0};
}

/* A bare condition describes the bad trace, and so does a part of it that is blamed as there. */
static blamed find_blamed(const bt_rule *rule, bt_range failed) {
  blamed found = find_condition(rule->always, failed, true);
  if (!found.condition) found = find_condition(rule->never, failed, false);
  return found.condition ? found : find_condition(rule->condition, failed, false);
}

/* The condition of `other` at the place that the condition with this range has. */
static const bt_condition *find_twin(const bt_condition *condition, const bt_condition *other, bt_range range) {
  if (!condition || !other) return NULL;
  if (condition->range.start == range.start && condition->range.end == range.end) return other;
  for (uint32_t i = 0; i < condition->item_count && i < other->item_count; i++) {
    const bt_condition *twin = find_twin(condition->items[i], other->items[i], range);
    if (twin) return twin;
  }
  return NULL;
}

bt_range bt_rule_same_part(const bt_rule *rule, bt_range failed, const bt_rule *other) {
  const bt_condition *twin = find_twin(rule->always, other->always, failed);
  if (!twin) twin = find_twin(rule->never, other->never, failed);
  if (!twin) twin = find_twin(rule->condition, other->condition, failed);
  return twin ? twin->range : (bt_range){0};
}

bool bt_rule_blames_every(const bt_rule *rule, bt_range failed) {
  blamed found = find_blamed(rule, failed);
  return found.condition && is_every(found.condition);
}

/* A number of spans that is to be larger, or another. */
static bool wants_more(const bt_comparison *comparison) {
  bool is_aggregate = comparison->left && comparison->left->kind == BT_EXPRESSION_AGGREGATE;
  return is_aggregate &&
         (comparison->op == BT_GREATER || comparison->op == BT_GREATER_EQUAL || comparison->op == BT_EQUAL);
}

bool bt_rule_blames_absence(const bt_rule *rule, bt_range failed) {
  blamed found = find_blamed(rule, failed);
  for (; found.condition && found.condition->kind == BT_CONDITION_NOT; found.condition = found.condition->items[0])
    found.should_hold = !found.should_hold;
  if (!found.condition || !found.should_hold) return false;
  return found.condition->kind != BT_CONDITION_COMPARE || wants_more(&found.condition->comparison);
}

static bt_range range_of_blamed(const bt_rule *rule, bt_range failed) {
  bool is_in_text = failed.start < failed.end && failed.end <= rule->text.len;
  return is_in_text ? failed : (bt_range){0, (uint32_t)rule->text.len};
}

void bt_rule_write_blamed(const bt_rule *rule, bt_range failed, bt_buffer *out) {
  sentence s = {.rule = rule, .out = out};
  append_text(&s, range_of_blamed(rule, failed));
}

void bt_rule_say_failure(const bt_rule *rule, bt_range failed, const bt_sides *measured, bt_buffer *out) {
  sentence s = {rule, measured, out};
  blamed found = find_blamed(rule, failed);
  if (found.condition) {
    say_condition(&s, found.condition, found.should_hold);
    return;
  }
  append_words(&s, "the rule is violated: ");
  append_text(&s, range_of_blamed(rule, failed));
}
