/* What Tempo gets to read: quoting, blanks for its lexer, ids, groups of a projection, and that everything fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tempo/api/traceql.h"
#include "tests/support/asked.h"
#include "tests/support/random.h"
#include "tests/support/wide_text.h"

enum { CHUNK = 1024 };

static void assert_text(const bt_buffer *buffer, const char *expected) {
  assert_false(buffer->failed);
  assert_string_equal(buffer->ptr ? buffer->ptr : "", expected);
}

static void test_quote(void **state) {
  static const struct {
    bt_str text;
    const char *quoted;
  } rows[] = {{{"", 0}, "\"\""},
              {{"a b", 3}, "\"a b\""},
              {{"a\"b\\c", 5}, "\"a\\\"b\\\\c\""},
              {{"\n\t\r\0", 4}, "\"\\n\\t\\r\\u0000\""},
              {{"\x7f", 1}, "\"\\u007f\""},
              {{"\xc3\xa9", 2}, "\"\\u00e9\""},
              {{"\xf0\x9f\x98\x80", 4}, "\"\\U0001f600\""},
              {{"a\xff", 2}, "\"a\\xff\""}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_buffer out = {0};
    bt_traceql_quote(rows[i].text, &out);
    assert_text(&out, rows[i].quoted);
    bt_buffer_dispose(&out);
  }
}

static void test_search(void **state) {
  static const struct {
    const char *filter, *regex, *query;
  } rows[] = {
      {"{}", "", "{}"},
      {"{ name = \"a\" }", "", "{ name = \"a\" }"},
      {"{}", "[1-3].*", "{ trace:id =~ \"[1-3].*\" }"},
      {"{ name = \"a\" || name = \"b\" }", "[1-3].*", "{ trace:id =~ \"[1-3].*\" && (name = \"a\" || name = \"b\") }"},
      {"{ name = \"}\" }", "ab12", "{ trace:id =~ \"ab12|x\" && (name = \"}\") }"}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_buffer out = {0};
    bt_traceql_search(bt_str_from(rows[i].filter), bt_str_from(rows[i].regex), &out);
    assert_text(&out, rows[i].query);
    bt_buffer_dispose(&out);
  }
}

/* Patterns of attributes become any string; of names and of the service, which hold no arrays, they stay. What is
 * written wider is what the text made wider is. */
static void test_widen(void **state) {
  static const struct {
    const char *condition, *wider; /* NULL: there is nothing to widen */
  } rows[] = {
      {"trace.has(k matches \"a.*\")",
       "{ span.k =~ \"(?s:.*)\" || (span.k =~ \"(?s:.*)\" && true) || resource.k =~ \"(?s:.*)\" || "
       "(resource.k =~ \"(?s:.*)\" && true) }"},
      {"trace.has(span.name matches \"a\" and span.attributes[\"k =~ b\"] matches \"x y\")",
       "{ name =~ \"(?s:.*)(?:a)(?s:.*)\" && (span.\"k =~ b\" =~ \"(?s:.*)\" || "
       "(span.\"k =~ b\" =~ \"(?s:.*)\" && true)) }"},
      {"trace.has(span.name == \"span.k =~ \" and span.attributes[\"k\"] starts_with \"a\")",
       "{ name = \"span.k =~ \" && span.k =~ \"(?s:.*)\" }"},
      {"trace.has(span.name matches \"a\" or span.service matches \"c\")", NULL},
      {"trace.has(span.name == \"a\")", NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const bt_query query = asked_rule(rows[i].condition);
    bt_buffer out = {0}, of_text = {0};
    bt_traceql_write(query, true, &out);
    assert_int_equal(bt_traceql_can_widen(query), rows[i].wider != NULL);
    assert_int_equal(widen_text(asked_text(query), &of_text), rows[i].wider != NULL);
    assert_true(bt_str_equal(bt_buffer_str(&out), bt_buffer_str(&of_text)));
    if (rows[i].wider) assert_string_equal(out.ptr, rows[i].wider);
    bt_buffer_dispose(&out);
    bt_buffer_dispose(&of_text);
  }
}

static void test_sizes(void **state) {
  static const bt_trace_id ids[] = {{{0, 0x0a, 1}}, {{0xff, 2}}};
  bt_buffer out = {0};
  (void)state;
  bt_traceql_sizes(ids, 2, &out);
  assert_text(&out, "{ trace:id =~ \"a0100000000000000000000000000|ff020000000000000000000000000000|x\" } | "
                    "by(traceDuration)");
  bt_buffer_dispose(&out);
}

static void test_crowded(void **state) {
  bt_buffer out = {0};
  (void)state;
  bt_traceql_crowded(BT_STR("{}"), 1, &out);
  assert_text(&out, "{} | count() >= 1");
  bt_buffer_clear(&out);
  bt_traceql_crowded(BT_STR("{ name = \"a\" || kind = client }"), 64, &out);
  assert_text(&out, "{ name = \"a\" || kind = client } | count() >= 64");
  bt_buffer_dispose(&out);
}

static void test_without(void **state) {
  static const bt_trace_id ids[] = {{{0, 0x0a, 1}}, {{0xff, 2}}};
  bt_buffer out = {0};
  (void)state;
  bt_traceql_without(BT_STR("{ name = \"a\" || kind = client }"), ids, 1, &out);
  assert_text(&out, "{ trace:id !~ \"a0100000000000000000000000000|x\" && (name = \"a\" || kind = client) }");
  bt_buffer_clear(&out);
  bt_traceql_without(BT_STR("{}"), ids, 2, &out);
  assert_text(&out, "{ trace:id !~ \"a0100000000000000000000000000|ff020000000000000000000000000000|x\" }");
  bt_buffer_clear(&out);
  bt_traceql_without(BT_STR("{ name = \"a\" }"), ids, 0, &out);
  assert_text(&out, "{ name = \"a\" }");
  bt_buffer_dispose(&out);
}

/* Tempo's lexer copies itself at the start of a number and behind the scope of an attribute, and the copy reads on from
 * the same source when it comes to the end of a chunk. So a number with what follows it, and the first dozen bytes of a
 * name, must lie in one chunk. */
static size_t places_that_are_read_twice(bt_str query) {
  size_t found = 0;
  bool quoted = false;
  for (size_t i = 0; i < query.len; i++) {
    char c = query.ptr[i], before = i ? query.ptr[i - 1] : ' ';
    if (c == '\\' && quoted) {
      i++;
      continue;
    }
    if (c == '"') quoted = !quoted;
    bool starts_number = c >= '0' && c <= '9' && (before == ' ' || before == '-');
    bool starts_name =
        before == '.' && i >= 2 && (query.ptr[i - 2] == 'n' || query.ptr[i - 2] == 'e' || query.ptr[i - 2] == ' ');
    bool was_quoted = quoted && c != '"';
    if (was_quoted || !(starts_number || starts_name)) continue;
    size_t end = i;
    while (end < query.len && end < i + 24 && query.ptr[end] != ' ' && query.ptr[end] != ')') end++;
    if (starts_name && end > i + 12) end = i + 12;
    found += i / CHUNK != (end + 1) / CHUNK;
  }
  return found;
}

static void append_random_test(bt_buffer *filter, test_random *random) {
  static const char *const fields[] = {"span.region", "resource.k8s.pod.name", "span.\"a key\"", "duration", "name"};
  static const char *const literals[] = {
      "\"value\"", "123", "-1.5", "1e+300", "9223372036854775807ns", "\"a \\\" 12 span.x\"", "true"};
  bt_buffer_printf(filter, "%s = %s", fields[test_random_below(random, 5)], literals[test_random_below(random, 7)]);
}

static void remove_blanks(bt_buffer *text) {
  size_t kept = 0;
  for (size_t i = 0; i < text->len; i++)
    if (text->ptr[i] != ' ') text->ptr[kept++] = text->ptr[i];
  text->ptr[kept] = '\0';
  text->len = kept;
}

static void test_blanks_for_the_lexer(void **state) {
  (void)state;
  test_random random = test_random_start(7);
  size_t without = 0, with = 0;
  for (int round = 0; round < 200; round++) {
    bt_buffer filter = {0}, query = {0};
    bt_buffer_append(&filter, BT_STR("{ "));
    for (int i = 0; i < 200; i++) {
      if (i) bt_buffer_append(&filter, test_random_below(&random, 2) ? BT_STR(" || ") : BT_STR(" && "));
      if (test_random_below(&random, 3) == 0) {
        bt_buffer_append(&filter, BT_STR("("));
        append_random_test(&filter, &random);
        bt_buffer_append(&filter, BT_STR(")"));
      } else {
        append_random_test(&filter, &random);
      }
    }
    bt_buffer_append(&filter, BT_STR(" }"));
    bt_traceql_search(bt_buffer_str(&filter), (bt_str){0}, &query);
    without += places_that_are_read_twice(bt_buffer_str(&filter));
    with += places_that_are_read_twice(bt_buffer_str(&query));
    remove_blanks(&filter);
    remove_blanks(&query);
    assert_text(&query, filter.ptr);
    bt_buffer_dispose(&filter);
    bt_buffer_dispose(&query);
  }
  assert_true(without > 100);
  assert_int_equal(with, 0);
}

/* A query that follows something else in a buffer counts its places from its own start. */
static void test_places_count_from_the_start(void **state) {
  (void)state;
  bt_buffer alone = {0}, behind = {0};
  bt_buffer filter = {0};
  bt_buffer_append(&filter, BT_STR("{ "));
  for (int i = 0; i < 100; i++) bt_buffer_printf(&filter, "%sspan.a = %d", i ? " || " : "", i);
  bt_buffer_append(&filter, BT_STR(" }"));
  bt_buffer_append(&behind, BT_STR("GET "));
  bt_traceql_search(bt_buffer_str(&filter), (bt_str){0}, &alone);
  bt_traceql_search(bt_buffer_str(&filter), (bt_str){0}, &behind);
  assert_string_equal(alone.ptr, behind.ptr + 4);
  bt_buffer_dispose(&alone);
  bt_buffer_dispose(&behind);
  bt_buffer_dispose(&filter);
}

static void test_groups(void **state) {
  (void)state;
  bt_projected attributes[] = {{BT_PROJECTED_EITHER, BT_STR("amount")},      {BT_PROJECTED_SPAN, BT_STR("k")},
                               {BT_PROJECTED_RESOURCE, BT_STR("k")},         {BT_PROJECTED_EITHER, BT_STR("k")},
                               {BT_PROJECTED_SPAN, BT_STR("status")},        {BT_PROJECTED_EITHER, BT_STR("status")},
                               {BT_PROJECTED_EITHER, BT_STR("service.name")}};
  static const struct {
    const char *key;
    uint32_t group;
    bool reads;
    bt_projected_scope scope;
  } rows[] = {{"amount", 0, true, BT_PROJECTED_EITHER},
              {"amount", 1, false, BT_PROJECTED_EITHER},
              {"k", 0, true, BT_PROJECTED_SPAN},
              {"k", 1, true, BT_PROJECTED_RESOURCE},
              {"k", 2, false, BT_PROJECTED_EITHER},
              {"status", 0, false, BT_PROJECTED_EITHER},
              {"status", 1, true, BT_PROJECTED_SPAN},
              {"status", 2, true, BT_PROJECTED_RESOURCE},
              {"service.name", 0, true, BT_PROJECTED_RESOURCE},
              {"service.name", 1, true, BT_PROJECTED_EITHER},
              {"nosuch", 0, false, BT_PROJECTED_EITHER}};
  bt_projection projection = {.attributes = attributes, .attribute_count = sizeof attributes / sizeof *attributes};
  assert_int_equal(bt_projection_groups(&projection), 3);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_projected_scope scope = BT_PROJECTED_EITHER;
    assert_int_equal(bt_projection_scope_in_group(&projection, rows[i].group, bt_str_from(rows[i].key), &scope),
                     rows[i].reads);
    if (rows[i].reads) assert_int_equal(scope, rows[i].scope);
  }
  bt_projection none = {0};
  assert_int_equal(bt_projection_groups(&none), 1);
}

/* As many ids as are promised fit, for the largest projection that there can be. */
static void test_ids_per_read(void **state) {
  static char keys[64][33];
  static bt_trace_id ids[8192];
  static bt_projected attributes[64];
  (void)state;
  for (size_t i = 0; i < 64; i++) {
    snprintf(keys[i], sizeof keys[i], "%02zu \"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\"", i);
    attributes[i] = (bt_projected){i % 2 ? BT_PROJECTED_RESOURCE : BT_PROJECTED_EITHER, bt_str_from(keys[i])};
  }
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) memset(ids[i].bytes, 0xff, sizeof ids[i].bytes);
  bt_projection largest = {.attributes = attributes, .attribute_count = 64, .status_message = true}, smallest = {0};
  const bt_projection *projections[] = {&largest, &smallest};
  for (size_t i = 0; i < 2; i++) {
    bt_buffer out = {.maximum = BT_TRACEQL_MAX_BYTES};
    size_t count = bt_traceql_ids_per_read(projections[i]);
    assert_in_range(count, 1001, sizeof ids / sizeof *ids);
    bt_traceql_read(ids, count, projections[i], 0, BT_COLUMNS_OF_ANY_TYPE, &out);
    assert_false(out.failed);
    assert_int_equal(places_that_are_read_twice(bt_buffer_str(&out)), 0);
    remove_blanks(&out);
    assert_non_null(strstr(out.ptr, "|by(span:id)|by(kind)|select("));
    bt_buffer_dispose(&out);
  }
}

static void a_read_asks_for_the_types_that_columns_have(void **state) {
  const bt_projected attribute = {BT_PROJECTED_SPAN, BT_STR("k")};
  const bt_projection projection = {.attributes = (bt_projected *)&attribute, .attribute_count = 1};
  bt_buffer any = {0}, known = {0};
  (void)state;
  bt_traceql_read(NULL, 0, &projection, 0, BT_COLUMNS_OF_ANY_TYPE, &any);
  bt_traceql_read(NULL, 0, &projection, 0, BT_COLUMNS_OF_STRINGS_AND_INTEGERS, &known);
  assert_non_null(strstr(any.ptr,
                         "(span.betrace.none != nil || span.k =~ \"(?s:.*)\" || span.k >= 0 || span.k < 0 || "
                         "span.k >= 0.0 || span.k != 5e-324 || span.k = true || (span.k = false && true) || true)"));
  assert_non_null(
      strstr(known.ptr, "(span.betrace.none != nil || span.k =~ \"(?s:.*)\" || span.k >= 0 || span.k < 0 || true)"));
  bt_buffer_dispose(&any);
  bt_buffer_dispose(&known);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_read_asks_for_the_types_that_columns_have),
      cmocka_unit_test(test_quote),
      cmocka_unit_test(test_search),
      cmocka_unit_test(test_widen),
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_crowded),
      cmocka_unit_test(test_without),
      cmocka_unit_test(test_blanks_for_the_lexer),
      cmocka_unit_test(test_places_count_from_the_start),
      cmocka_unit_test(test_groups),
      cmocka_unit_test(test_ids_per_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
