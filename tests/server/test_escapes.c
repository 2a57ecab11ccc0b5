/* No text changes what it is put into. Random bytes, full of what means something in TraceQL, in our language, in a log
 * line, in a metric and in a page, come out as the value that they are. Everything around them stays as it is with a
 * harmless word in their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "dsl/compile.h"
#include "dsl/plan/plan.h"
#include "server/base/log.h"
#include "server/base/shown_text.h"
#include "server/json/xml.h"
#include "server/metrics/exposition.h"
#include "server/rules/derived_rule.h"
#include "tempo/api/traceql.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/support/asked.h"
#include "tests/support/random.h"

enum { ROUNDS = 20000, LONGEST = 24 };

/* Pieces that end strings, open others, begin comments, or are not text at all. */
static const char *const pieces[] = {"\"",
                                     "\\",
                                     "`",
                                     "'",
                                     "}",
                                     "{",
                                     "||",
                                     "&&",
                                     " ",
                                     "\n",
                                     "\r",
                                     "\t",
                                     ")",
                                     "(",
                                     "#",
                                     "//",
                                     "--",
                                     ";",
                                     "=",
                                     "true",
                                     "%00",
                                     "\\u0022",
                                     "\\\"",
                                     "\x01",
                                     "\x7f",
                                     "\xc2\x85",
                                     "\xe2\x80\xa8",
                                     "\xf0\x9f\x98\x80",
                                     "\xff",
                                     "a",
                                     "Z",
                                     "0",
                                     "level=error",
                                     "span.x",
                                     "}",
                                     "| select(name)",
                                     "<script>",
                                     "</bdi>",
                                     "<!--",
                                     "]]>",
                                     "&lt;",
                                     "&",
                                     "\" onload=\"",
                                     "\xef\xbf\xbe"};

static void random_text(test_random *random, bool only_text, bt_buffer *out) {
  bt_buffer_clear(out);
  bt_buffer_append_char(out, ' '); /* so that it is never a plain word */
  for (unsigned i = test_random_below(random, LONGEST); i > 0; i--) {
    const char *piece = pieces[test_random_below(random, sizeof pieces / sizeof *pieces)];
    if (!only_text || *piece != '\xff') bt_buffer_append(out, bt_str_from(piece));
  }
}

static uint32_t hex_value(const char *digits, unsigned count) {
  char copy[9] = {0};
  memcpy(copy, digits, count);
  return (uint32_t)strtoul(copy, NULL, 16);
}

static void append_character(bt_buffer *out, uint32_t c) {
  char text[4];
  size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = length; i-- > 1; c >>= 6) text[i] = (char)(0x80 | (c & 0x3F));
  text[0] = (char)(length == 1 ? c : (0xF00u >> length & 0xFF) | c);
  bt_buffer_append(out, (bt_str){text, length});
}

/* Reads a Go string literal at `at`, by Go's own rules and no code of ours; returns the place after it. Stops the test
 * where there is none. */
static const char *read_go_string(const char *at, bt_buffer *out) {
  assert_int_equal(*at++, '"');
  for (; *at != '"'; at++) {
    assert_in_range((unsigned char)*at, 0x20, 0x7E); /* one line of plain ASCII */
    if (*at != '\\') {
      bt_buffer_append_char(out, *at);
      continue;
    }
    at++;
    unsigned digits = *at == 'x' ? 2 : *at == 'u' ? 4 : *at == 'U' ? 8 : 0;
    const char *found = strchr("abfnrtv\\\"", *at);
    if (digits == 2)
      bt_buffer_append_char(out, (char)hex_value(at + 1, 2));
    else if (digits)
      append_character(out, hex_value(at + 1, digits));
    else {
      assert_true(found && *found);
      bt_buffer_append_char(out, "\a\b\f\n\r\t\v\\\""[found - "abfnrtv\\\""]);
    }
    at += digits;
  }
  return at + 1;
}

static void test_a_literal_is_its_text(void **state) {
  test_random random = test_random_start(7);
  bt_buffer text = {0}, quoted = {0}, back = {0};
  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++) {
    random_text(&random, false, &text);
    bt_buffer_clear(&quoted);
    bt_buffer_clear(&back);
    bt_traceql_quote(bt_buffer_str(&text), &quoted);
    assert_int_equal(*read_go_string(quoted.ptr, &back), '\0');
    assert_true(bt_str_equal(bt_buffer_str(&text), bt_buffer_str(&back)));
  }
  bt_buffer_dispose(&text);
  bt_buffer_dispose(&quoted);
  bt_buffer_dispose(&back);
}

/* The filters of a rule in which `key` and `value` stand as an attribute and what it is compared with; with each string
 * literal replaced by K, V or, when it is neither, X. */
static void skeleton_of(bt_str key, bt_str value, bt_buffer *out) {
  bt_buffer dsl = {0}, literal = {0}, printed = {0};
  bt_error error = {0};
  bt_rule *rule = NULL;
  bt_plan *plan = NULL;
  bt_diagnostics diagnostics;
  bt_buffer_append(&dsl, BT_STR("trace.has(span.attributes["));
  bt_rule_quote(key, &dsl);
  bt_buffer_append(&dsl, BT_STR("] == "));
  bt_rule_quote(value, &dsl);
  bt_buffer_append(&dsl, BT_STR(") and not trace.has(span.name == "));
  bt_rule_quote(value, &dsl);
  bt_buffer_append_char(&dsl, ')');
  bt_diagnostics_init(&diagnostics);
  assert_int_equal(bt_rule_compile(bt_buffer_str(&dsl), &rule, &diagnostics, &error), BT_OK);
  assert_int_equal(bt_plan_new(rule, bt_traceql_dialect(), &plan, &error), BT_OK);
  bt_projection projection;
  bt_projection_init(&projection);
  assert_int_equal(bt_projection_add(&projection, rule, &error), BT_OK);
  const bt_over *asked = plan->violating;
  while (asked->item_count) asked = asked->items[asked->item_count - 1]; /* the one that says most */
  bt_traceql_search(asked_text(asked->query.asked), (bt_str){0}, &printed);
  bt_buffer_append_char(&printed, '\n');
  bt_traceql_read(&(bt_trace_id){{1}}, 1, &projection, 0, BT_COLUMNS_OF_ANY_TYPE, &printed);
  for (const char *at = printed.ptr; *at;) {
    if (*at != '"') {
      if (*at != ' ') bt_buffer_append_char(out, *at); /* blanks depend on lengths: Tempo's lexer wants them so */
      at++;
      continue;
    }
    bt_buffer_clear(&literal);
    at = read_go_string(at, &literal);
    bool is_key = bt_str_equal(bt_buffer_str(&literal), key), is_value = bt_str_equal(bt_buffer_str(&literal), value);
    bt_buffer_append_char(out, is_key ? 'K' : is_value ? 'V' : 'X');
  }
  bt_projection_dispose(&projection);
  bt_plan_free(plan);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&dsl);
  bt_buffer_dispose(&literal);
  bt_buffer_dispose(&printed);
}

/* The forms with harmless words. Of keys and values with control characters the planner asks less, or nothing. */
enum { FORMS = 4 };

static void test_a_query_keeps_its_form(void **state) {
  static const struct {
    bt_str key, value;
  } harmless[FORMS] = {{{" a key", 6}, {" a value", 8}},
                       {{" a\x01key", 6}, {" a value", 8}},
                       {{" a key", 6}, {" a\x01value", 8}},
                       {{" a\x01key", 6}, {" a\x01value", 8}}};
  test_random random = test_random_start(8);
  bt_buffer key = {0}, value = {0}, form = {0}, forms[FORMS] = {{0}};
  size_t met[FORMS] = {0};
  (void)state;
  for (size_t i = 0; i < FORMS; i++) skeleton_of(harmless[i].key, harmless[i].value, &forms[i]);
  assert_non_null(strchr(forms[0].ptr, 'K'));
  assert_non_null(strchr(forms[0].ptr, 'V'));
  for (unsigned round = 0; round < ROUNDS / 10; round++) {
    random_text(&random, true, &key);
    random_text(&random, true, &value);
    bt_buffer_append_char(&key, 'k'); /* the two differ */
    bt_buffer_append_char(&value, 'v');
    bt_buffer_clear(&form);
    skeleton_of(bt_buffer_str(&key), bt_buffer_str(&value), &form);
    size_t which = 0;
    while (which < FORMS && strcmp(form.ptr, forms[which].ptr) != 0) which++;
    if (which == FORMS) print_error("key <%s> value <%s>\n%s\n", key.ptr, value.ptr, form.ptr);
    assert_true(which < FORMS);
    met[which]++;
  }
  assert_true(met[0] > 100);
  for (size_t i = 0; i < FORMS; i++) bt_buffer_dispose(&forms[i]);
  bt_buffer_dispose(&key);
  bt_buffer_dispose(&value);
  bt_buffer_dispose(&form);
}

/* What a terminal obeys: C1, a line separator, marks of direction and of byte order; and what it shows, to the last of
 * a cut text. */
static void test_a_log_line_moves_no_terminal(void **state) {
  static const char *const obeyed[] = {"\x1b",         "\x7f",         "\xc2\x9b",         "\xd8\x9c",
                                       "\xe2\x80\xa8", "\xe2\x80\xae", "\xe2\x81\xa6",     "\xef\xbb\xbf",
                                       "\xe2\x80\x8b", "\xef\xb8\x8f", "\xf3\xa0\x81\x81", "\xc2\xad"};
  static const char shown[] = "\xc2\xa0\xe2\x80\x93\xe2\x81\x84\xc3\xa9\xe2\x80";
  char line[512];
  FILE *file = tmpfile();
  int kept = dup(STDERR_FILENO);
  (void)state;
  assert_non_null(file);
  assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
  for (size_t i = 0; i < sizeof obeyed / sizeof *obeyed; i++) bt_log(BT_LOG_INFO, "a%sb%s", obeyed[i], shown);
  assert_true(dup2(kept, STDERR_FILENO) >= 0);
  close(kept);
  rewind(file);
  for (size_t i = 0; i < sizeof obeyed / sizeof *obeyed; i++) {
    assert_non_null(fgets(line, sizeof line, file));
    assert_null(strstr(line, obeyed[i]));
    assert_non_null(strstr(line, "msg=\"a\\x"));
    assert_non_null(strstr(line, shown));
  }
  fclose(file);
}

static void test_a_log_line_stays_one(void **state) {
  test_random random = test_random_start(9);
  bt_buffer text = {0};
  char line[8192];
  FILE *file = tmpfile();
  int kept = dup(STDERR_FILENO);
  (void)state;
  assert_non_null(file);
  assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
  for (unsigned round = 0; round < 2000; round++) {
    random_text(&random, false, &text);
    bt_log(BT_LOG_INFO, "rule %s", text.ptr);
  }
  assert_true(dup2(kept, STDERR_FILENO) >= 0);
  close(kept);
  rewind(file);
  unsigned lines = 0;
  for (; fgets(line, sizeof line, file); lines++) {
    const char *message = strstr(line, " level=info msg=\"rule ");
    assert_true(!strncmp(line, "time=", 5) && message);
    const char *at = message + strlen(" level=info msg=\"");
    for (; *at != '"'; at++) {
      assert_true((unsigned char)*at >= 0x20 && *at != 0x7F);
      if (*at == '\\') at++;
    }
    assert_string_equal(at, "\"\n");
  }
  assert_int_equal(lines, 2000);
  fclose(file);
  bt_buffer_dispose(&text);
}

/* A sample is one line, and its label is the text. */
static void test_a_label_stays_one(void **state) {
  test_random random = test_random_start(10);
  bt_buffer text = {0}, out = {0}, back = {0};
  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++) {
    random_text(&random, true, &text);
    bt_buffer_clear(&out);
    bt_buffer_clear(&back);
    bt_expose_count(&out, "m", (bt_label[]){{"rule_id", text.ptr}, {NULL, NULL}}, 1);
    assert_true(!strncmp(out.ptr, "m{rule_id=\"", 11));
    const char *at = out.ptr + 11;
    for (; *at != '"'; at++) {
      assert_int_not_equal(*at, '\n');
      bool is_escaped = *at == '\\';
      if (is_escaped) at++;
      bt_buffer_append_char(&back, is_escaped && *at == 'n' ? '\n' : *at);
    }
    assert_string_equal(at, "\"} 1\n");
    assert_string_equal(back.ptr, text.ptr);
  }
  bt_buffer_dispose(&text);
  bt_buffer_dispose(&out);
  bt_buffer_dispose(&back);
}

/* Reads one character of a page at `at`; returns the place after it. Stops the test at what would begin a tag, or end
 * an attribute. */
static const char *read_page_character(const char *at, bool is_attribute, bt_buffer *out) {
  static const struct {
    const char *entity;
    uint32_t character;
  } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
  assert_true(*at != '<' && *at != '>' && *at != '"');
  if (*at != '&') {
    assert_true(!is_attribute || (unsigned char)*at >= ' ');
    bt_buffer_append_char(out, *at);
    return at + 1;
  }
  for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
    size_t length = strlen(entities[i].entity);
    if (strncmp(at, entities[i].entity, length) != 0) continue;
    append_character(out, entities[i].character);
    return at + length;
  }
  assert_true(is_attribute && at[1] == '#');
  char *end = NULL;
  append_character(out, (uint32_t)strtoul(at + 2, &end, 10));
  assert_int_equal(*end, ';');
  return end + 1;
}

/* What no page can hold stands there as U+FFFD, by the rules of XML and no code of ours; what is not shown as its
 * escape, but for the layout. */
static void write_page_text(bt_str text, bool is_attribute, bt_buffer *out) {
  bt_buffer_clear(out);
  while (text.len) {
    uint32_t code = 0;
    size_t length = bt_utf8_sequence(text, &code);
    bool is_layout = code == '\t' || code == '\n' || (code == '\r' && is_attribute);
    bool is_held = length && code != 0xFFFE && code != 0xFFFF;
    if (is_held && bt_is_obeyed(code) && !is_layout)
      bt_shown_append_escape(code, out);
    else
      bt_buffer_append(out, is_held ? (bt_str){text.ptr, length} : BT_STR("\xef\xbf\xbd"));
    length = length ? length : 1;
    text = (bt_str){text.ptr + length, text.len - length};
  }
}

/* Of reports as pages, and of JUnit's files. */
static void test_a_text_of_a_page_is_its_text(void **state) {
  test_random random = test_random_start(11);
  bt_buffer text = {0}, out = {0}, back = {0}, wanted = {0};
  (void)state;
  for (unsigned round = 0; round < ROUNDS; round++) {
    bool is_attribute = round % 2;
    random_text(&random, false, &text);
    bt_buffer_clear(&out);
    bt_buffer_clear(&back);
    bt_xml_text(&out, bt_buffer_str(&text), is_attribute);
    for (const char *at = out.ptr; *at;) at = read_page_character(at, is_attribute, &back);
    write_page_text(bt_buffer_str(&text), is_attribute, &wanted);
    assert_string_equal(back.ptr, wanted.ptr);
  }
  bt_buffer_dispose(&text);
  bt_buffer_dispose(&out);
  bt_buffer_dispose(&back);
  bt_buffer_dispose(&wanted);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_literal_is_its_text), cmocka_unit_test(test_a_query_keeps_its_form),
      cmocka_unit_test(test_a_log_line_stays_one),  cmocka_unit_test(test_a_log_line_moves_no_terminal),
      cmocka_unit_test(test_a_label_stays_one),     cmocka_unit_test(test_a_text_of_a_page_is_its_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
