/* Names that conventions changed (dsl/rule/conventions.h): OpenTelemetry's table, chains, merges, and names that were
 * used again; and what the checker says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "dsl/syntax/diagnostic_codes.h"

static void show_names(const bt_conventions *conventions, bt_names_of of, const char *name, uint32_t until,
                       bt_buffer *out) {
  bt_convention_names names;
  bt_buffer_clear(out);
  bt_convention_find(conventions, of, bt_str_from(name), until, &names);
  for (uint32_t i = 0; i < names.count; i++) bt_buffer_printf(out, "%s%.*s", i ? " " : "", BT_FMT(names.items[i]));
  if (names.is_ambiguous) bt_buffer_append(out, BT_STR(" ambiguous"));
  bt_buffer_append_char(out, '\0');
}

typedef struct expected_names {
  const char *name;
  bt_names_of of;
  uint32_t until;
  const char *names;
} expected_names;

static void check_names(const bt_conventions *conventions, const expected_names *rows, size_t count) {
  bt_buffer out = {0};
  for (size_t i = 0; i < count; i++) {
    show_names(conventions, rows[i].of, rows[i].name, rows[i].until ? rows[i].until : conventions->newest, &out);
    assert_string_equal(out.ptr, rows[i].names);
  }
  bt_buffer_dispose(&out);
}

static void test_opentelemetry(void **state) {
  static const expected_names rows[] = {
      {"http.method", BT_NAMES_OF_SPANS, 0, "http.request.method http.method"},
      {"http.request.method", BT_NAMES_OF_SPANS, 0, "http.request.method http.method"},
      {"http.method", BT_NAMES_OF_RESOURCES, 0, "http.method"},
      {"http.method", BT_NAMES_OF_SPANS, BT_RELEASE(1, 20, 0), "http.method"},
      {"http.retry_count", BT_NAMES_OF_SPANS, 0, "http.request.resend_count http.resend_count http.retry_count"},
      {"http.retry_count", BT_NAMES_OF_SPANS, BT_RELEASE(1, 16, 0), "http.resend_count http.retry_count"},
      {"db.hbase.namespace", BT_NAMES_OF_SPANS, 0,
       "db.namespace db.name db.cassandra.keyspace db.hbase.namespace db.elasticsearch.cluster.name"},
      {"messaging.kafka.consumer_group", BT_NAMES_OF_SPANS, 0,
       "messaging.consumer.group.name messaging.kafka.consumer.group messaging.kafka.consumer_group "
       "messaging.rocketmq.client_group messaging.eventhubs.consumer.group"},
      {"deployment.environment", BT_NAMES_OF_RESOURCES, 0, "deployment.environment.name deployment.environment"},
      {"gen_ai.usage.prompt_tokens", BT_NAMES_OF_SPANS, 0, "gen_ai.usage.input_tokens gen_ai.usage.prompt_tokens"},
      /* values changed with the name */
      {"db.system", BT_NAMES_OF_SPANS, 0, "db.system"},
      {"gen_ai.provider.name", BT_NAMES_OF_SPANS, 0, "gen_ai.provider.name"},
      /* in use again */
      {"enduser.id", BT_NAMES_OF_SPANS, 0, "enduser.id"},
      {"user.id", BT_NAMES_OF_SPANS, 0, "user.id"},
      /* renamed twice, to two things */
      {"feature_flag.evaluation.error.message", BT_NAMES_OF_SPANS, 0,
       "feature_flag.evaluation.error.message ambiguous"},
      {"error.message", BT_NAMES_OF_SPANS, 0, "error.message"},
      {"nobody.renamed.this", BT_NAMES_OF_SPANS, 0, "nobody.renamed.this"}};
  (void)state;
  check_names(bt_conventions_built_in(), rows, sizeof rows / sizeof *rows);
}

#define NAME(literal)                                                                                                  \
  { (literal), sizeof(literal) - 1 }
#define RENAME(step, from, to)                                                                                         \
  {                                                                                                                    \
    (step), BT_RELEASE(1, (step), 0), BT_NAMES_OF_SPANS, BT_RENAME_PLAIN, NAME(from), NAME(to), {                      \
      0                                                                                                                \
    }                                                                                                                  \
  }

/* a became b, and c took the name a: a span's `a` may be of either age, and b must not read it. */
static void test_used_again(void **state) {
  static const bt_rename renames[] = {RENAME(1, "a", "b"), RENAME(5, "c", "a")};
  static const bt_conventions conventions = {BT_RELEASE(1, 9, 0), renames, 2};
  static const expected_names rows[] = {
      {"a", BT_NAMES_OF_SPANS, 0, "a c"}, {"b", BT_NAMES_OF_SPANS, 0, "b"}, {"c", BT_NAMES_OF_SPANS, 0, "a c"}};
  (void)state;
  check_names(&conventions, rows, sizeof rows / sizeof *rows);
}

/* There and back: one attribute all the time. */
static void test_there_and_back(void **state) {
  static const bt_rename renames[] = {RENAME(1, "a", "b"), RENAME(5, "b", "a")};
  static const bt_conventions conventions = {BT_RELEASE(1, 9, 0), renames, 2};
  static const expected_names rows[] = {{"a", BT_NAMES_OF_SPANS, 0, "a b"}, {"b", BT_NAMES_OF_SPANS, 0, "a b"}};
  (void)state;
  check_names(&conventions, rows, sizeof rows / sizeof *rows);
}

/* In one step both are renamed at once: a is b afterwards, and what b was is c. */
static void test_at_once(void **state) {
  static const bt_rename renames[] = {RENAME(1, "a", "b"), RENAME(1, "b", "c")};
  static const bt_conventions conventions = {BT_RELEASE(1, 9, 0), renames, 2};
  static const expected_names rows[] = {
      {"a", BT_NAMES_OF_SPANS, 0, "b a"}, {"b", BT_NAMES_OF_SPANS, 0, "b a"}, {"c", BT_NAMES_OF_SPANS, 0, "c"}};
  (void)state;
  check_names(&conventions, rows, sizeof rows / sizeof *rows);
}

static void test_releases(void **state) {
  static const char *const wrong[] = {"", "1", "1.2", "1.2.3.4", "1..3", "a.b.c", "1.2.3 ", "1.1024.0", "v1.2.3"};
  uint32_t release = 0;
  char text[BT_RELEASE_TEXT];
  (void)state;
  assert_true(bt_release_parse(BT_STR("1.26.0"), &release));
  assert_true(release > BT_RELEASE(1, 9, 1) && release < BT_RELEASE(1, 26, 1));
  bt_release_format(release, text);
  assert_string_equal(text, "1.26.0");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_false(bt_release_parse(bt_str_from(wrong[i]), &release));
}

/* ---- what the checker says ---- */

static void check_said(const char *text, const char *beside, bool proposes, const char *codes, const char *canonical) {
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_buffer said = {0};
  bt_compile_options options = {.proposes = proposes};
  if (beside) options.semconv = bt_str_from(beside);
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile_with(bt_str_from(text), &options, &rule, &diagnostics, NULL);
  for (size_t i = 0; i < diagnostics.count; i++)
    bt_buffer_printf(&said, "%s%s", i ? " " : "", diagnostics.items[i].code);
  bt_buffer_append_char(&said, '\0');
  assert_string_equal(said.ptr, codes);
  if (canonical) {
    assert_int_equal(status, BT_OK);
    assert_true(bt_str_equal(rule->canonical, bt_str_from(canonical)));
  } else {
    assert_int_equal(status, BT_INVALID);
  }
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&said);
}

static void test_what_is_said(void **state) {
  (void)state;
  check_said("a.where(http.method == \"x\")", NULL, false, "", "a.where(http.method == \"x\")");
  check_said("a.where(http.method == \"x\" and http.url == \"y\")", NULL, true, "W026",
             "a.where(http.method == \"x\" and http.url == \"y\")");
  check_said("a.where(http.method == \"x\")", "stable", true, "", "@semconv(stable)\na.where(http.method == \"x\")");
  check_said("@semconv(stable) a.where(db.system == \"x\")", NULL, false, "W027",
             "@semconv(stable)\na.where(db.system == \"x\")");
  check_said("@semconv(\"1.26.0\") a.where(k == 1)", NULL, false, "", "@semconv(\"1.26.0\")\na.where(k == 1)");
  check_said("@semconv(stable) a", "stable", false, "", "@semconv(stable)\na");
  check_said("@semconv(stable) a", "1.26.0", false, "E040", NULL);
  check_said("@semconv(stable) @semconv(stable) a", NULL, false, "E040", NULL);
  check_said("@semconv(newest) a", NULL, false, "E040", NULL);
  check_said("@semconv a", NULL, false, "E040", NULL);
  check_said("@semconv(\"7.0.0\") a", NULL, false, "E040", NULL);
}

/* The fix of a proposal makes the rule read all names, and nothing is proposed any more. */
static void test_proposal(void **state) {
  const char *text = "// why\n@severity(high) a.where(http.method == \"x\")";
  bt_rule *rule = NULL;
  bt_diagnostics diagnostics;
  bt_buffer fixed = {0};
  const bt_compile_options options = {.proposes = true};
  (void)state;
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile_with(bt_str_from(text), &options, &rule, &diagnostics, NULL), BT_OK);
  assert_int_equal(diagnostics.count, 1);
  const bt_diagnostic *found = &diagnostics.items[0];
  assert_string_equal(found->code, BT_W_RENAMED);
  assert_true(found->has_fix && found->fix_range.start == found->fix_range.end);
  bt_buffer_printf(&fixed, "%.*s%.*s%s", (int)found->fix_range.start, text, BT_FMT(found->fix_text),
                   text + found->fix_range.start);
  check_said(fixed.ptr, NULL, true, "", "@semconv(stable)\na.where(http.method == \"x\")");
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&fixed);
}

/* An event that was renamed is asked for by both names. */
static void test_event_names(void **state) {
  static const struct {
    const char *text;
    bt_comparison_operator op;
    uint32_t count; /* of texts; 0: one, and no list */
  } rows[] = {{"trace.has(event.name == \"thrown\")", BT_IN, 2},
              {"trace.has(event.name != \"exception\")", BT_NOT_IN, 2},
              {"trace.has(event.name in [\"exception\", \"retry\"])", BT_IN, 3},
              {"trace.has(event.name == \"retry\")", BT_EQUAL, 0},
              {"trace.has(event.name contains \"thrown\")", BT_CONTAINS, 0}};
  static const bt_rename renames[] = {{.step = 1,
                                       .release = BT_RELEASE(1, 1, 0),
                                       .of = BT_NAMES_OF_EVENT_NAMES,
                                       .from = NAME("thrown"),
                                       .to = NAME("exception")}};
  static const bt_conventions conventions = {BT_RELEASE(1, 9, 0), renames, 1};
  const bt_compile_options options = {.conventions = &conventions, .semconv = BT_STR("stable")};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_rule *rule = NULL;
    bt_diagnostics diagnostics;
    bt_diagnostics_init(&diagnostics);
    assert_int_equal(bt_rule_compile_with(bt_str_from(rows[i].text), &options, &rule, &diagnostics, NULL), BT_OK);
    const bt_comparison *comparison = &rule->condition->selection->predicate->comparison;
    assert_int_equal(comparison->op, rows[i].op);
    assert_int_equal(comparison->list_count, rows[i].count);
    bt_rule_free(rule);
    bt_diagnostics_dispose(&diagnostics);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_opentelemetry),  cmocka_unit_test(test_used_again),
                                     cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_at_once),
                                     cmocka_unit_test(test_releases),       cmocka_unit_test(test_what_is_said),
                                     cmocka_unit_test(test_proposal),       cmocka_unit_test(test_event_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
