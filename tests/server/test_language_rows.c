/* Every row of dsl/rule/functions.c and relations.c against the program. The name is read at its number of arguments
 * and at no other. Its value is what the row says over nothing and as spans arrive. Editors have its help, and the
 * reference has its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "server/editor/completion.h"
#include "server/editor/language.h"
#include "tests/support/case_file.h"

enum { TEXT_BYTES = 256, SAID_BYTES = 4096 };

static char *reference;
static bt_arena arena;
static const bt_trace *nothing, *few, *with_low, *with_high; /* no span x; some, with k; these and one more */

static const bt_trace *make_trace(const int64_t *values, uint32_t count) {
  static const bt_resource resource = {.service = {"web", 3}};
  static const bt_scope scope = {.name = {"s", 1}};
  bt_trace_id id = {{1}};
  bt_trace_builder *builder = bt_trace_builder_new(&arena, &id);
  for (uint32_t i = 0; i <= count; i++) {
    bt_attribute *k = bt_arena_array(&arena, 1, sizeof *k);
    *k = (bt_attribute){BT_STR("k"), {.type = BT_VALUE_INT, .integer = i < count ? values[i] : 0}};
    bt_span span = {.name = i < count ? BT_STR("x") : BT_STR("other"), .resource = &resource, .scope = &scope};
    span.start_ns = i + 1, span.end_ns = i + 2;
    memcpy(span.id.bytes, &(uint32_t){i + 1}, sizeof(uint32_t));
    span.attributes = (bt_attributes){.items = k, .count = i < count};
    assert_true(bt_trace_builder_add(builder, &span));
  }
  return bt_trace_builder_finish(builder);
}

/* The rule; NULL: it is refused, and what is wrong is in `said`. */
static bt_rule *compile(const char *text, char said[SAID_BYTES]) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  size_t length = 0;
  bt_diagnostics_init(&diagnostics);
  said[0] = '\0';
  if (bt_rule_compile(bt_str_from(text), &rule, &diagnostics, NULL) != BT_OK)
    for (size_t i = 0; i < diagnostics.count && length < SAID_BYTES; i++)
      length += (size_t)snprintf(said + length, SAID_BYTES - length, "%.*s\n", BT_FMT(diagnostics.items[i].message));
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

static void expect_taken(const char *text, bool is_taken) {
  char said[SAID_BYTES];
  bt_rule *rule = compile(text, said);
  if ((rule != NULL) != is_taken) fail_msg("`%s` is %s: %s", text, rule ? "taken" : "refused", said);
  bt_rule_free(rule);
}

static void expect_refused(const char *text, const char *message) {
  char said[SAID_BYTES];
  bt_rule *rule = compile(text, said);
  if (rule || !strstr(said, message)) fail_msg("`%s` is to say `%s`: %s", text, message, said);
}

/* Whether the condition, which is compiled as a rule, is true of the trace. */
static bool holds(const char *condition, const bt_trace *trace) {
  char said[SAID_BYTES];
  bt_rule *rule = compile(condition, said);
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  const bt_rule_verdict *verdict;
  if (!rule) fail_msg("`%s`: %s", condition, said);
  assert_int_equal(bt_ruleset_new((const bt_rule *const *)&rule, 1, &ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, NULL), BT_OK);
  assert_int_equal(bt_evaluator_run(evaluator, trace, NULL, &verdict, NULL), BT_OK);
  if (verdict->verdict == BT_INCONCLUSIVE) fail_msg("`%s` is inconclusive", condition);
  bool is_violated = verdict->verdict == BT_VIOLATED;
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_rule_free(rule);
  return is_violated;
}

/* ---- calls ---- */

/* "sum(x, k)" of "sum(spans, value)", with `change` arguments more or fewer. Returns how many the shape has. */
static unsigned write_call(const bt_function_word *word, int change, char out[TEXT_BYTES]) {
  static const char *const samples[][2] = {
      {"spans after point", "x after y"}, {"spans", "x"}, {"test", "k == 1"}, {"value", "k"}, {"field", "k"}};
  size_t at = strlen(word->name);
  unsigned count = 0;
  int length = snprintf(out, TEXT_BYTES, "%s(", word->name);
  assert_int_equal(word->shape[at], '(');
  assert_memory_equal(word->shape, word->name, at);
  for (at++; word->shape[at] && word->shape[at] != ')';) {
    size_t name = strcspn(word->shape + at, ",)"), i = 0;
    while (strlen(samples[i][0]) != name || strncmp(word->shape + at, samples[i][0], name) != 0)
      assert_true(++i < sizeof samples / sizeof samples[0]);
    bool is_left_out = change < 0 && word->shape[at + name] == ')';
    if (!is_left_out)
      length += snprintf(out + length, TEXT_BYTES - (size_t)length, "%s%s", count ? ", " : "", samples[i][1]);
    count++;
    at += name + strspn(word->shape + at + name, ", ");
  }
  snprintf(out + length, TEXT_BYTES - (size_t)length, "%s)", change > 0 ? ", x" : "");
  return count;
}

/* The call where it can stand: as a condition, as a test of a span, or compared. */
static void write_condition(const bt_function_row *row, const char *call, const char *compared, char out[TEXT_BYTES]) {
  bool is_of_span = row->class == BT_TESTS_FIELD || row->class == BT_COUNTS_PARTS;
  bool is_value = row->class == BT_AGGREGATES || row->class == BT_COUNTS_PARTS;
  snprintf(out, TEXT_BYTES, is_of_span ? "trace.has(%s%s)" : "%s%s", call, is_value ? compared : "");
}

static void check_calls(const bt_function_row *row, const bt_function_word *word) {
  char call[TEXT_BYTES], text[TEXT_BYTES], wanted[TEXT_BYTES];
  assert_int_equal(write_call(word, 0, call), row->arguments);
  write_condition(row, call, " > 0", text);
  expect_taken(text, true);
  snprintf(wanted, sizeof wanted, "expected %s, found ", word->shape);
  for (int change = -1; change <= 1; change += 2) {
    write_call(word, change, call);
    write_condition(row, call, " > 0", text);
    expect_refused(text, change < 0 && row->without_any ? row->without_any : wanted);
  }
  snprintf(text, sizeof text, "x as %s", word->name);
  if (!strchr(word->name, '.')) expect_taken(text, !row->is_reserved);
}

/* ---- values ---- */

static bool value_is(const bt_function_row *row, const char *operator, int64_t number, const bt_trace *trace) {
  char call[TEXT_BYTES], compared[TEXT_BYTES], text[TEXT_BYTES];
  write_call(&row->word, 0, call);
  snprintf(compared, sizeof compared, " %s %lld", operator,(long long) number);
  write_condition(row, call, compared, text);
  return holds(text, trace);
}

static void check_nothing(const bt_function_row *row) {
  char call[TEXT_BYTES], text[TEXT_BYTES];
  write_call(&row->word, 0, call);
  write_condition(row, call, " != 0", text);
  /* Every one of nothing is true, all others are false; a number that is missing is not even unequal. */
  assert_int_equal(holds(text, nothing), row->class == BT_TESTS_EVERY);
  if (row->class != BT_AGGREGATES) return;
  assert_int_equal(value_is(row, "==", 0, nothing), row->is_0_of_nothing);
  if (row->is_count) assert_true(row->is_0_of_nothing);
}

/* Whether the value of the few is not greater (less) than that of either trace that has these spans and others. */
static bool moves_one_way(const bt_function_row *row, const char *operator) {
  for (int64_t number = -50; number <= 50; number++) {
    bool stays = value_is(row, operator, number, with_low) && value_is(row, operator, number, with_high);
    if (!stays && value_is(row, operator, number, few)) return false;
  }
  return true;
}

static void check_movement(const bt_function_row *row) {
  assert_int_equal(moves_one_way(row, ">="), row->movement == BT_GROWS);
  assert_int_equal(moves_one_way(row, "<="), row->movement == BT_SHRINKS);
  bool is_one_of_them = value_is(row, "==", 2, few) || value_is(row, "==", 5, few);
  if (!row->is_count) assert_int_equal(is_one_of_them, row->is_one_of_its_values);
}

/* ---- editors and pages ---- */

static void check_help(bt_word_class class, const bt_function_word *word, const char *place) {
  bt_language_word found;
  bt_completion completion;
  bool is_offered = false;
  assert_int_equal(bt_language_find(bt_str_from(word->name), 1U << class, &found), word->help != NULL);
  assert_int_equal(bt_completion_run(bt_str_from(place), strlen(place), NULL, &completion, NULL), BT_OK);
  for (size_t i = 0; i < completion.count; i++) {
    if (!bt_str_equal(completion.items[i].label, bt_str_from(word->name))) continue;
    is_offered = true;
    assert_string_equal(completion.items[i].doc, word->help);
    assert_string_equal(completion.items[i].detail, word->shape);
  }
  if (is_offered != (word->help != NULL)) fail_msg("%s at `%s`: offered %d", word->name, place, is_offered);
  bt_completion_dispose(&completion);
  if (!word->help) return;
  assert_string_equal(found.doc, word->help);
  assert_string_equal(found.signature, word->shape);
}

static void expect_in_reference(const char *written) {
  if (!strstr(reference, written)) fail_msg("docs/BETRACE_DSL_REFERENCE.md lacks `%s`", written);
}

/* ---- the tests ---- */

static void test_functions(void **state) {
  (void)state;
  for (bt_function function = 0; function < BT_FUNCTIONS; function++) {
    const bt_function_row *row = bt_function_row_of(function);
    bool is_of_span = row->class == BT_TESTS_FIELD || row->class == BT_COUNTS_PARTS;
    const char *place = is_of_span ? "trace.has(" : "";
    char call[TEXT_BYTES];
    assert_int_equal(row->function, function);
    check_calls(row, &row->word);
    check_help(BT_WORD_FUNCTION, &row->word, place);
    if (row->other.name) check_calls(row, &row->other);
    if (row->other.name) check_help(BT_WORD_FUNCTION, &row->other, place);
    check_nothing(row);
    if (row->class == BT_AGGREGATES) check_movement(row);
    if (row->class == BT_AGGREGATES) assert_ptr_equal(bt_aggregate_row(row->aggregate), row);
    snprintf(call, sizeof call, "%s(", row->word.name);
    expect_in_reference(call);
  }
}

static void test_relations(void **state) {
  (void)state;
  const bt_relation_row *row = NULL;
  size_t count = 0;
  for (; (row = bt_relation_row_at(count)) != NULL; count++) {
    char text[TEXT_BYTES];
    assert_int_equal(row->kind, count);
    expect_taken(row->shape, true);
    if (row->class != BT_RELATES_LINKS) assert_false(holds(row->shape, nothing));
    snprintf(text, sizeof text, "x %s", row->name);
    expect_taken(text, false);
    snprintf(text, sizeof text, "x %s y", row->word);
    if (row->second) expect_refused(text, row->second_wants);
    snprintf(text, sizeof text, "%s within 5ms", row->class == BT_RELATES_LINKS ? "x" : row->shape);
    if (row->class != BT_RELATES_LINKS) expect_taken(text, row->joins_within);
    snprintf(text, sizeof text, "x as %s", row->word);
    expect_taken(text, !row->is_reserved);
    check_help(BT_WORD_RELATION, &(bt_function_word){row->name, row->shape, row->help}, "x ");
    snprintf(text, sizeof text, "x %s ", row->name);
    expect_in_reference(text);
  }
  for (; count < BT_RELATIONS; count++) {
    assert_int_equal(bt_relation_rows[count].kind, count);
    assert_int_equal(bt_relation_rows[count].class, BT_RELATES_PICK);
  }
}

int main(void) {
  bt_arena_init(&arena, SIZE_MAX);
  nothing = make_trace(NULL, 0);
  few = make_trace((const int64_t[]){2, 5}, 2);
  with_low = make_trace((const int64_t[]){2, 5, -9}, 3);
  with_high = make_trace((const int64_t[]){2, 5, 30}, 3);
  size_t length = 0;
  reference = case_read_file("../docs/BETRACE_DSL_REFERENCE.md", &length);
  if (!reference) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_functions), cmocka_unit_test(test_relations)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  bt_arena_dispose(&arena);
  free(reference);
  return failed;
}
