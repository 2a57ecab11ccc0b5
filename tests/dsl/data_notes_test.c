/* Notes about what a rule met in data: names that select by service and by name, values of another type than what they
 * are compared with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dsl/compile.h"
#include "dsl/evaluate/data_notes.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/trace_text.h"

static bt_rule *compile(const char *text) {
  bt_diagnostics diagnostics;
  bt_rule *rule = NULL;
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile(bt_str_from(text), &rule, &diagnostics, NULL), BT_OK);
  bt_diagnostics_dispose(&diagnostics);
  return rule;
}

/* All notes, a line each, after `times` looks at that trace. */
static void say(const char *rule_text, const char *trace_text, int times, bt_buffer *out) {
  bt_rule *rule = compile(rule_text);
  bt_data_notes *notes = NULL;
  bt_arena arena;
  char message[256];
  bt_range place;
  bt_arena_init(&arena, 16 * 1024 * 1024);
  const bt_trace *trace = trace_text_read(&arena, trace_text, message, sizeof message);
  assert_non_null(trace);
  assert_int_equal(bt_data_notes_new(rule, &notes, NULL), BT_OK);
  for (int i = 0; i < times; i++) bt_data_notes_look(notes, trace);
  for (size_t i = 0; bt_data_notes_say(notes, i, out, &place); i++) {
    bt_buffer_append_char(out, '\n');
    assert_true(place.end <= strlen(rule_text) && place.start < place.end);
  }
  bt_data_notes_free(notes);
  bt_arena_dispose(&arena);
  bt_rule_free(rule);
}

static void expect(const char *rule, const char *trace, int times, const char *expected) {
  bt_buffer out = {0};
  say(rule, trace, times, &out);
  assert_string_equal(out.ptr ? out.ptr : "", expected);
  bt_buffer_dispose(&out);
}

static const char both[] = "a checkout service=web\nb work service=checkout\nc more service=checkout\n";

static void test_a_name_that_selects_both(void **state) {
  (void)state;
  expect("checkout", both, 1,
         "`checkout` selected 2 spans by service and 1 by name; service:checkout or name:checkout says which\n");
  expect("when { service:checkout } never { name:checkout }", both, 1, "");
  expect("web and work", both, 1, "");
  expect("\"a b\"", "a \"a b\"\nb x service=\"a b\"\n", 1000,
         "`a b` selected 1,000 spans by service and 1,000 by name; service:\"a b\" or name:\"a b\" says which\n");
}

static void test_a_binding_by_service(void **state) {
  (void)state;
  expect("when { web as w } always { work after w }", both, 1,
         "`web` selected 1 span by service and none by name; service:web or name:web says which, and each span of the "
         "service is bound\n");
  expect("when { web } always { work }", both, 1, "");
}

static void test_values_of_another_type(void **state) {
  (void)state;
  static const char texts[] = "a x amount=\"12 EUR\"\nb x amount=\"7 EUR\"\nc y amount=5\n";
  expect("x.where(amount > 10)", texts, 1000,
         "`amount` was a string in 2,000 of 2,000 spans, and here it is compared with a number: it reads as none\n");
  expect("y.amount > 10 and trace.has(amount > 10)", texts, 1,
         "`amount` was a string in 2 of 3 spans, and here it is compared with a number: it reads as none\n");
  expect("y.where(amount == \"5\" or missing == 1)", texts, 1, ""); /* the other alternative can hold */
  expect("y.where(amount == \"5 EUR\")", texts, 1,
         "`amount` was a number in 1 of 1 spans, and here it is compared with a string: types do not mix\n");
  expect("x.where(missing > 10)", texts, 1, "`missing` is an attribute of no span in the 1 trace that was read\n");
}

/* A rule that nothing can break, or keep, looks like one that holds. What has to be there for a trace to exercise the
 * rule is said elsewhere. */
static void test_names_that_stand_in_nothing(void **state) {
  (void)state;
  static const char shop[] = "a checkout service=web amount=5\nb db.query service=bank\n";
  static const char *const lacks[][3] = {
      {"when { checkout } never { refnud }", "`refnud` is the name of no span and no service"},
      {"when { checkout } always { fraud }", "`fraud` is the name of no span and no service"},
      {"never { trace.has(span.name == \"refund\") }", "`refund` is the name of no span"},
      {"never { service:shop }", "`shop` is the name of no service"},
      {"never { checkout.where(amuont > 3) }", "`amuont` is an attribute of no span", "; near: amount"},
      {"never { service:bnak }", "`bnak` is the name of no service", "; near: bank"},
      {"never { wbe }", "`wbe` is the name of no span and no service", "; near: web"},
      {"never { db.client.query }", "`db.client.query` is the name of no span and no service", "; near: db.query"},
      {"never { checkout.where(not exists(kye)) }", "`kye` is an attribute of no span"},
      {"count(retry) > 3", "`retry` is the name of no span and no service"},
      {"checkout and not audit", "`audit` is the name of no span and no service"},
      {"when { checkout } always { refund or reversal }", NULL},
      {"when { checkout } always { refund or db.query }", ""}, /* the other one can hold */
      {"when { checkout } never { bank }", ""},
      {"when { checkuot } always { db.query }", ""}, /* "nothing exercised this rule" says it */
      {"checkuot and not db.query", ""},
      {"never { checkout.where(amount > 3) }", ""},
  };
  for (size_t i = 0; i < sizeof lacks / sizeof *lacks; i++) {
    char expected[256];
    if (!lacks[i][1])
      expect(lacks[i][0], shop, 1,
             "`refund` is the name of no span and no service in the 1 trace that was read\n"
             "`reversal` is the name of no span and no service in the 1 trace that was read\n");
    if (!lacks[i][1]) continue;
    snprintf(expected, sizeof expected, lacks[i][1][0] ? "%s in the 2 traces that were read%s\n" : "%s%s", lacks[i][1],
             lacks[i][2] ? lacks[i][2] : "");
    expect(lacks[i][0], shop, 2, expected);
    expect(lacks[i][0], shop, 0, "");
  }
}

static bt_data_notes *notes_of(const bt_rule *rule, bt_arena *arena, const char *trace_text) {
  char message[256];
  bt_data_notes *notes = NULL;
  const bt_trace *trace = trace_text_read(arena, trace_text, message, sizeof message);
  assert_non_null(trace);
  assert_int_equal(bt_data_notes_new(rule, &notes, NULL), BT_OK);
  bt_data_notes_look(notes, trace);
  return notes;
}

/* What one thread saw is there for all; and of some of the traces nothing is said. */
static void test_names_that_others_saw(void **state) {
  (void)state;
  bt_rule *rule = compile("when { a } never { refund or reversal }");
  bt_arena arena;
  bt_buffer out = {0};
  bt_range place;
  bt_arena_init(&arena, 16 * 1024 * 1024);
  bt_data_notes *first = notes_of(rule, &arena, "a a\n"), *second = notes_of(rule, &arena, "a b\n"),
                *third = notes_of(rule, &arena, "a refund\n");
  bt_data_notes_add(first, second);
  assert_true(bt_data_notes_say(first, 1, &out, &place));
  assert_string_equal(out.ptr, "`reversal` is the name of no span and no service in the 2 traces that were read");
  assert_int_equal(place.start, 29);
  bt_data_notes_are_of_some(second);
  assert_false(bt_data_notes_say(second, 0, &out, &place));
  bt_data_notes_add(first, third);
  assert_false(bt_data_notes_say(first, 0, &out, &place));
  bt_data_notes_free(first);
  bt_data_notes_free(second);
  bt_data_notes_free(third);
  bt_buffer_dispose(&out);
  bt_arena_dispose(&arena);
  bt_rule_free(rule);
}

/* Whatever the order of spans and threads, the nearest are the same ones. */
static void test_near_names_in_each_order(void **state) {
  (void)state;
  static const char *const orders[] = {"a refund1\nb fund\nc refunds\nd refind\n",
                                       "d refind\nc refunds\nb fund\na refund1\n"};
  static const char said[] = "`refund` is the name of no span and no service in the 2 traces that were read; "
                             "near: refind, refund1, refunds";
  bt_rule *rule = compile("never { refund }");
  bt_arena arena;
  bt_range place;
  bt_arena_init(&arena, 16 * 1024 * 1024);
  for (size_t i = 0; i < 2; i++) {
    bt_buffer out = {0};
    bt_data_notes *first = notes_of(rule, &arena, orders[i]), *second = notes_of(rule, &arena, orders[1 - i]);
    bt_data_notes_add(first, second);
    assert_true(bt_data_notes_say(first, 0, &out, &place));
    assert_string_equal(out.ptr, said);
    bt_data_notes_free(first);
    bt_data_notes_free(second);
    bt_buffer_dispose(&out);
  }
  bt_arena_dispose(&arena);
  bt_rule_free(rule);
}

/* Of an attribute that goes by several names, which of them the spans had. */
static void test_names_that_were_met(void **state) {
  (void)state;
  static const char mixed[] = "a x http.method=GET k=1\n  b x http.request.method=PUT\n  c y http.method=PUT\n";
  expect("@semconv(stable) x.where(http.request.method == \"GET\")", mixed, 2,
         "`http.request.method` was read as `http.method` in 4 of 6 spans that have it\n");
  expect("@semconv(stable) x.where(http.method == \"GET\")", mixed, 1,
         "`http.method` was read as `http.request.method` in 1 of 3 spans that have it\n");
  expect("x.where(http.method == \"GET\")", mixed, 1, "");
  /* Who has both is read by the first of them, and what the rule says itself is not told. */
  expect("@alias(k, other) x.where(k == 1)", mixed, 1, "");
  expect("@alias(verb, http.request.method, http.method) x as p and y.where(verb == p.verb and not exists(verb))",
         mixed, 1, "`verb` was read as `http.request.method` in 1, as `http.method` in 2 of 3 spans that have it\n");
  expect("@alias(n, k) sum(x, n * 2) > 3", mixed, 1, "`n` was read as `k` in 1 of 1 span that has it\n");
  expect("@alias(k, n) trace.root.attributes[\"k\"] == 1", "a x n=1\n  b x n=2\n", 1,
         "`k` was read as `n` in 1 of 1 span that has it\n");
  expect("@alias(k, n) x.where(k == 1)", "a x resource.n=1\nb x n=1\nc x resource.k=1 n=null\n", 1,
         "`k` was read as `n` in 2 of 3 spans that have it\n");
  expect("@alias(k, n) x.where(event.k == 1)", "a x event=e event.n=1 event=e event.n=2\nb x event=e event.k=1\n", 1,
         "`k` was read as `n` in 1 of 2 spans that have it\n");
}

static void test_names_that_others_met(void **state) {
  (void)state;
  bt_rule *rule = compile("@alias(k, n) when { a } never { a.where(k == 1) or b }");
  bt_arena arena;
  bt_buffer out = {0};
  bt_range place;
  bt_arena_init(&arena, 16 * 1024 * 1024);
  bt_data_notes *first = notes_of(rule, &arena, "a a k=1\n"), *second = notes_of(rule, &arena, "a a n=1\nb b n=2\n");
  bt_data_notes_add(first, second);
  bt_data_notes_are_of_some(first);
  assert_true(bt_data_notes_say(first, 0, &out, &place));
  assert_string_equal(out.ptr, "`k` was read as `n` in 2 of 3 spans that have it");
  assert_int_equal(place.start, 40);
  assert_false(bt_data_notes_say(first, 1, &out, &place));
  bt_data_notes_free(first);
  bt_data_notes_free(second);
  bt_buffer_dispose(&out);
  bt_arena_dispose(&arena);
  bt_rule_free(rule);
}

/* Two values that are missing are not equal: said with the traces in which a span of each side lacks it. */
static void test_spans_that_both_lack_it(void **state) {
  (void)state;
  static const char lacking[] = "a login\n  b audit\n  c z user=u\n", one[] = "a login user=u\n  b audit\n";
#define LACK(comparison, count)                                                                                        \
  "`" comparison "` had spans on both sides that lack it in " count ": what is missing equals nothing. exists(…) "   \
  "asks for it, and an alias gives it other keys\n"
  static const char of_one[] = LACK("user == l.user", "1 of 1 trace");
  expect("when { login as l } never { audit.where(user == l.user) }", lacking, 2,
         LACK("user == l.user", "2 of 2 traces"));
  expect("when { login as l } never { audit.where(user == l.user) after l }", "a login user=u\nb login\n  c audit\n", 1,
         of_one);
  expect("when { login as l } never { audit.where(user == l.user) }", one, 1, "");
  expect("when { login.where(exists(user)) as l } never { audit.where(user == l.user) }", lacking, 1, "");
  expect("when { login as l } never { audit.where(user == l.user or span.name == l.span.name) }",
         "a login user=u\nb audit\n", 1, "");
  expect("when { login as l and audit as t and l.user != t.user } never { login.where(span.status == error) }", lacking,
         1, LACK("l.user != t.user", "1 of 1 trace"));
  expect("when { span(k == 1) as l } never { span(span.name == audit).where(user == l.user) }",
         "a login k=1\nb audit user=u\nc x\n", 1, "");
  expect("@alias(user, uid) when { login as l } never { audit.where(user == l.user) }",
         "a login uid=u\nb audit uid=u\n", 1, "`user` was read as `uid` in 2 of 2 spans that have it\n");
  expect("when { span(exists(k)) as l } never { login.where(user == l.user) }", "a login\nb audit user=u k=1\n", 1, "");
#undef LACK
}

static void test_an_attribute_that_is_called_so(void **state) {
  (void)state;
  static const char failing[] = "a x error=true\nb y error=true\nc z\n";
  expect("span(error)", failing, 1,
         "`error` is the name of no span and no service that was read, and an attribute of 2 spans: where that is "
         "meant, ask for its value, as in trace.has(\"error\" == true)\n");
  expect("never { error }", "a x error=true\nb error\n", 1, "");
  expect("never { refund }", failing, 1,
         "`refund` is the name of no span and no service in the 1 trace that was read\n");
  expect("x.where(error)", failing, 1, "");
}

/* What reads as a number or a boolean can be compared with one, and texts with texts. */
static void test_values_that_are_read(void **state) {
  (void)state;
  static const char texts[] = "a x k=\"503\" b=\"True\" l=[\"x\",\"503\"] s=ok\n";
  expect("x.where(k > 500 and k == \"x\" and k in [1, abc] and b == true and b and l > 1 and s == \"5\" and s < b)",
         texts, 1, "");
  expect("x.where(k == true)", texts, 1,
         "`k` was a string in 1 of 1 spans, and here it is compared with true or false: types do not mix\n");
  expect("x.where(b < true)", texts, 1,
         "`b` was a string in 1 of 1 spans, and here it is compared with true or false: types do not mix\n");
  expect("x.where(not (k > 1 or s))", texts, 1,
         "`s` was a string in 1 of 1 spans, and here it is compared with true or false: types do not mix\n");
  expect("x.where(s not in [1, 2])", texts, 1,
         "`s` was a string in 1 of 1 spans, and here it is compared with a number: it reads as none\n");
  expect("x.where(s in [1, true])", texts, 1,
         "`s` was a string in 1 of 1 spans, and here it is compared with these values: types do not mix\n");
}

/* Some of the spans are enough. */
static void test_some_values(void **state) {
  (void)state;
  static const char spans[] = "a x k=1\nb x k=\"2\"\nc x k=many\nd x k=[1,a]\ne x\nf x k=true\ng x k=[true,false]\n";
  expect("x.where(k > 1)", spans, 1,
         "`k` was of other types in 4 of 6 spans, and here it is compared with a number: types do not mix\n");
  expect("x.where(k matches \"1\" or k contains \"m\")", "a x k=1\nb x k=\"1\"\n", 1,
         "`k` was a number in 1 of 2 spans, and here it is compared with a string: types do not mix\n"
         "`k` was a number in 1 of 2 spans, and here it is compared with a string: types do not mix\n");
  expect("x.where(exists(k))", spans, 1,
         "`k` was a map, a list of maps, bytes, or a list that is empty or mixed, in 1 of 6 spans that have it: "
         "that counts as not there\n");
}

/* Of events and links each span counts once. */
static void test_values_of_parts(void **state) {
  (void)state;
  static const char spans[] =
      "a x event=e event.k=many event=e event.k=more event=e event.k=1\nb x event=e event.k=\"5\"\n";
  expect("x.where(event.k > 1)", spans, 1,
         "`event.k` was a string in 1 of 2 spans, and here it is compared with a number: it reads as none\n");
  expect("x.where(event.where(event.name == e and event.k > 1))", spans, 1,
         "`event.k` was a string in 1 of 2 spans, and here it is compared with a number: it reads as none\n");
  expect("x.where(link.k == true)", "a x link=ab/a link.k=1\n", 1,
         "`link.k` was a number in 1 of 1 spans, and here it is compared with true or false: types do not mix\n");
}

/* What the rule says of each of the traces, taken together. */
static void expect_of_verdicts(const char *rule_text, const char *const *traces, size_t count, const char *expected) {
  bt_rule *rule = compile(rule_text);
  const bt_rule *rules[] = {rule};
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  bt_data_notes *notes = NULL, *others = NULL;
  bt_buffer out = {0};
  bt_range place;
  assert_int_equal(bt_ruleset_new(rules, 1, &ruleset, NULL), BT_OK);
  assert_int_equal(bt_evaluator_new(ruleset, &evaluator, NULL), BT_OK);
  assert_int_equal(bt_data_notes_new(rule, &notes, NULL) | bt_data_notes_new(rule, &others, NULL), BT_OK);
  for (size_t i = 0; i < count; i++) {
    const bt_rule_verdict *verdict;
    bt_arena arena;
    char message[256];
    bt_arena_init(&arena, 1 << 20);
    const bt_trace *trace = trace_text_read(&arena, traces[i], message, sizeof message);
    assert_int_equal(bt_evaluator_run(evaluator, trace, NULL, &verdict, NULL), BT_OK);
    bt_data_notes_take(i ? notes : others, verdict);
    bt_arena_dispose(&arena);
  }
  bt_data_notes_add(notes, others);
  bt_data_notes_are_of_some(notes);
  bool is_said = bt_data_notes_say(notes, 0, &out, &place);
  assert_string_equal(is_said ? out.ptr : "", expected);
  bt_buffer_dispose(&out);
  bt_data_notes_free(notes);
  bt_data_notes_free(others);
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
  bt_rule_free(rule);
}

#define TIED(count, verdicts, writes)                                                                                  \
  count " of " verdicts " on spans that start in one millisecond, and " writes                                         \
        " no finer starts: as written neither is before the other; coarse_clocks: unknown leaves that open"

static void test_starts_of_one_millisecond(void **state) {
  (void)state;
  static const char rule[] = "when { x as p } never { y after p }", kept[] = "a x service=shop at=1ms\n",
                    tied[] = "a x service=shop at=1ms\nb y service=shop at=1ms\n",
                    fine[] = "a x service=shop at=1ms\nb y service=shop at=1ms\nc z service=shop at=1ms5us\n",
                    none[] = "a y service=shop at=1ms\n", unnamed[] = "a x at=1ms\nb y at=1ms\n",
                    broken[] = "a x service=shop at=1ms\nb y service=shop at=1ms\nc y service=shop at=2ms\n";
  expect_of_verdicts(rule, (const char *[]){kept, tied, none, tied, fine, broken}, 6,
                     TIED("2", "5 verdicts hang", "the service `shop` writes"));
  expect_of_verdicts(rule, (const char *[]){tied}, 1, TIED("1", "1 verdict hangs", "the service `shop` writes"));
  expect_of_verdicts(rule, (const char *[]){unnamed}, 1, TIED("1", "1 verdict hangs", "their services write"));
  expect_of_verdicts(rule, (const char *[]){kept, fine, broken, none}, 4, "");
}

static void test_no_memory(void **state) {
  (void)state;
  bt_rule *rule = compile("@alias(k, n) a as p and b.where(k == 1 and m == p.m) and c");
  int failures = 0;
  for (;; failures++) {
    bt_data_notes *notes = NULL;
    failing_alloc_after((size_t)failures);
    bt_status status = bt_data_notes_new(rule, &notes, NULL);
    failing_alloc_stop();
    if (status == BT_OK) {
      bt_data_notes_free(notes);
      break;
    }
    assert_int_equal(status, BT_NO_MEMORY);
    assert_null(notes);
  }
  assert_true(failures > 1);
  bt_rule_free(rule);
}

static void test_a_text_that_may_have_been_cut(void **state) {
  (void)state;
  char trace[8192], text[2049];
  memset(text, 'u', 2048);
  text[2048] = '\0';
  snprintf(trace, sizeof trace, "a x url=%s\nb x url=%.2047s\nc x\n", text, text);
  static const char said[] =
      "`url` was a text of 2,048 bytes in 1 of 2 spans, which is where stores cut: what may stand "
      "behind would decide this test\n";
  expect("x.where(url contains \"v\")", trace, 1, said);
  expect("x.where(not (url =~ \"u+\"))", trace, 1, said);
  expect("x.where(url contains \"u\")", trace, 1, "");
  expect("x.where(url == \"u\")", trace, 1, "");
  expect("x.where(url in [\"u\", \"v\"])", trace, 1, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_name_that_selects_both),
                                     cmocka_unit_test(test_a_binding_by_service),
                                     cmocka_unit_test(test_names_that_were_met),
                                     cmocka_unit_test(test_names_that_others_met),
                                     cmocka_unit_test(test_spans_that_both_lack_it),
                                     cmocka_unit_test(test_an_attribute_that_is_called_so),
                                     cmocka_unit_test(test_values_of_another_type),
                                     cmocka_unit_test(test_values_that_are_read),
                                     cmocka_unit_test(test_some_values),
                                     cmocka_unit_test(test_values_of_parts),
                                     cmocka_unit_test(test_a_text_that_may_have_been_cut),
                                     cmocka_unit_test(test_names_that_stand_in_nothing),
                                     cmocka_unit_test(test_names_that_others_saw),
                                     cmocka_unit_test(test_near_names_in_each_order),
                                     cmocka_unit_test(test_starts_of_one_millisecond),
                                     cmocka_unit_test(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
