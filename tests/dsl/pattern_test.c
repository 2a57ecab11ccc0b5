/* Patterns mean what Tempo's mean. Bad ones are refused with a reason. A match says what it cost, or gives up.
 * Allocations may fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "dsl/pattern/pattern.h"
#include "dsl/pattern/pattern_size.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/plain_re2.h"
#include "tests/support/random.h"

typedef struct match_row {
  const char *pattern;
  const char *subject;
  bool anywhere, whole;
} match_row;

static const match_row rows_of_matches[] = {
    {"abc", "abc", true, true},
    {"b", "abc", true, false},
    {"^b", "abc", false, false},
    {"a|abc", "abc", true, true}, /* the whole string, not the first alternative that fits */
    {"a.c", "a\nc", true, true},  /* dot matches newline */
    {"(?-s)a.c", "a\nc", false, false},
    {"a$", "a\n", false, false}, /* $ is the end of the text */
    {"(?i)ABC", "abc", true, true},
    {"", "", true, true},
    {"", "abc", true, false},
    {"\\d+", "abc123", true, false},
    {"(?<year>\\d{4})-(?<month>\\d\\d)", "2024-05", true, true},
    {"(?<a>x)(?<a>y)", "xy", true, true}, /* one name twice, as Go takes it */
    {"(?P<year>\\d{4})", "2024", true, true},
    {"[(?<a>]+", "(?<a>", true, true},   /* nothing is rewritten in a class */
    {"[]()?<>]+", "]()?<>", true, true}, /* nor where a bracket is a member */
    {"[[:alpha:](?<]+", "a(?<", true, true},
    {"\\(\\?<", "(?<", true, true},
    {"\\Q(?<a>\\C\\E", "(?<a>\\C", true, true}, /* nor in quoted text */
    {".", "\xC3\xA4", true, true},              /* one character, not two bytes */
    {"...",
     "a\xFF"
     "b",
     true, true}, /* a bad byte is one U+FFFD */
    {"\xEF\xBF\xBD", "\xFF", true, true},
    {"\xEF\xBF\xBD\xEF\xBF\xBD", "\xE2\x82", true, true}, /* each bad byte for itself */
    {"\\pL", "\xC3\xA4", true, true},
    {"(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false, false}, /* linear time */
};

static bt_pattern *compile(const char *text, bool whole) {
  bt_pattern *pattern = NULL;
  bt_error error = {0};
  if (bt_pattern_new(bt_str_from(text), whole, &pattern, &error) != BT_OK) fail_msg("%s: %s", text, error.message);
  return pattern;
}

static bool match(const char *text, bt_str subject, bool whole) {
  bt_pattern *pattern = compile(text, whole);
  bool matches = false;
  uint64_t cost;
  assert_int_equal(bt_pattern_match(pattern, subject, &cost, &matches), BT_OK);
  assert_true(cost >= subject.len);
  bt_pattern_free(pattern);
  return matches;
}

static void test_matches(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows_of_matches / sizeof rows_of_matches[0]; i++) {
    bool anywhere = match(rows_of_matches[i].pattern, bt_str_from(rows_of_matches[i].subject), false);
    bool whole = match(rows_of_matches[i].pattern, bt_str_from(rows_of_matches[i].subject), true);
    if (anywhere != rows_of_matches[i].anywhere || whole != rows_of_matches[i].whole)
      fail_msg("%s on %s: anywhere %d, whole %d", rows_of_matches[i].pattern, rows_of_matches[i].subject, anywhere,
               whole);
  }
}

/* A subject may hold NULs and need not be terminated. */
static void test_slices(void **state) {
  (void)state;
  assert_true(match("a.b", (bt_str){"a\0bc", 3}, true));
  assert_false(match("a.b", (bt_str){NULL, 0}, false));
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *message;
    bt_status status;
  } rows[] = {
      {"a(", "missing )", BT_INVALID},
      {"[a", "missing ]", BT_INVALID},
      {"a**", "bad", BT_INVALID},
      {"(?<=a)b", "invalid", BT_INVALID},
      {"a\\C", "\\C", BT_INVALID},
      {"\\\\\\C", "\\C", BT_INVALID},
      {"a{1001}", "repetition", BT_INVALID},
      {"(((\\pL{100}){100}){100})", "too large", BT_LIMIT}, /* its size, before RE2 refuses the repetitions */
      {"\\pL{1000}", "too large", BT_LIMIT},
      {"(((((a{10}){10}){10}){10}){10}){10}", "too large", BT_LIMIT}, /* before RE2 looks at it */
      {"a{99999999999999999999}", "too large", BT_LIMIT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_pattern *pattern = NULL;
    bt_error error = {0};
    if (bt_pattern_new(bt_str_from(rows[i].pattern), false, &pattern, &error) != rows[i].status)
      fail_msg("%s gave another status: %s", rows[i].pattern, error.message);
    assert_null(pattern);
    if (!strstr(error.message, rows[i].message)) fail_msg("%s: %s", rows[i].pattern, error.message);
  }
}

static void test_failing_allocator(void **state) {
  (void)state;
  for (size_t n = 0;; n++) {
    bt_pattern *pattern = NULL;
    bt_error error = {0};
    bool met = false;
    uint64_t cost;
    failing_alloc_after(n);
    bt_status status = bt_pattern_new(BT_STR("(?<a>x)."), true, &pattern, &error);
    if (status == BT_OK) status = bt_pattern_match(pattern, BT_STR("x\xFF"), &cost, &met);
    bool was_refused = failing_alloc_stop();
    bt_pattern_free(pattern);
    assert_int_equal(status, was_refused ? BT_NO_MEMORY : BT_OK);
    assert_int_equal(met, !was_refused);
    if (!was_refused) break;
    assert_true(n < 100);
  }
}

/* ---- size ---- */

/* What RE2 takes minutes or hundreds of MB for, only to say no, is never handed to it. */
static void test_refused_by_size(void **state) {
  (void)state;
  static const struct {
    const char *part;
    uint32_t times;
  } rows[] = {{"a{1000}", 9000}, {"\\pL{1000}", 7000},     {"(a{1000}|b{1000})", 3500},
              {"\\pL", 20000},   {"(?i)\\pL|", 8000},      {"\\p{Lu}", 8000},
              {"[\\pL]", 8000},  {"((x?){50}){20}y", 4000}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bt_buffer large = {0};
    bt_pattern *pattern = NULL;
    for (uint32_t n = 0; n < rows[i].times; n++) bt_buffer_append(&large, bt_str_from(rows[i].part));
    assert_true(bt_pattern_size(bt_buffer_str(&large)) > BT_MAX_PATTERN_SIZE);
    assert_int_equal(bt_pattern_new(bt_buffer_str(&large), false, &pattern, NULL), BT_LIMIT);
    bt_buffer_dispose(&large);
  }
}

static void test_sizes(void **state) {
  (void)state;
  static const struct {
    const char *pattern;
    uint64_t least, most;
  } rows[] = {
      {"", 0, 0},
      {"error", 5, 5},
      {"a{3}", 3, 3},
      {"a{2,5}b{3,}", 8, 8},
      {"a{,3}", 5, 5}, /* letters */
      {"(ab){10}", 20, 60},
      {"((a{10}){10}){10}", 1000, 1500},
      {"\\Qa{1000}\\E{2}", 8, 9}, /* quoted */
      {"[a{1000}]{2}", 14, 20},   /* in a class */
      {"\\{1000}", 6, 6},
      {"[]a]{4}", 4, 12},
      {"[^[:alpha:]]", 1, 16},
      {"\\pL{50}", 50000, 70000},
      {"\\p{Greek}", 1, 100},
      {"(((a", 1, 20},
      {"a)))b{2}", 2, 12},
      {"\\", 1, 2},
      {"\\p", 1, 2},
      {"\\p{L", 1, 1300},
      {"[", 1, 2},
      {"{", 1, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint64_t size = bt_pattern_size(bt_str_from(rows[i].pattern));
    if (size < rows[i].least || size > rows[i].most) fail_msg("%s: %llu", rows[i].pattern, (unsigned long long)size);
  }
}

/* ---- sharing ---- */

/* Equal patterns are one, where they mean the same; and what was let go is there for a while. */
static void test_shared(void **state) {
  (void)state;
  size_t before = bt_patterns_held_bytes();
  bt_pattern *first = compile("shared.*", true), *again = compile("shared.*", true),
             *other = compile("shared.*", false);
  assert_ptr_equal(first, again);
  assert_ptr_not_equal(first, other);
  assert_int_equal(bt_patterns_held_bytes(),
                   before + bt_pattern_bytes(first) + bt_pattern_bytes(other)); /* each once */
  bt_pattern_free(first);
  assert_true(match("shared.*", BT_STR("shared by two"), true));
  bt_pattern_free(again);
  bt_pattern *kept = compile("shared.*", true);
  assert_ptr_equal(kept, first);
  bt_pattern_free(kept);
  bt_pattern_free(other);
}

/* More than are kept, and larger ones, in any order: the sanitizers see what is lost or used too late. */
static void test_let_go(void **state) {
  (void)state;
  test_random random = {.state = 9};
  bt_pattern *held[64] = {NULL};
  for (int round = 0; round < 4000; round++) {
    bt_pattern **place = &held[test_random_below(&random, 64)];
    char text[32];
    bt_pattern_free(*place);
    snprintf(text, sizeof text, test_random_below(&random, 50) ? "let%u" : "\\pL{%u}", test_random_below(&random, 30));
    *place = test_random_below(&random, 3) ? compile(text, false) : NULL;
  }
  for (size_t i = 0; i < 64; i++) bt_pattern_free(held[i]);
}

static void *use_patterns(void *context) {
  test_random random = {.state = (uint64_t)(uintptr_t)context};
  for (int round = 0; round < 2000; round++) {
    char text[32];
    bt_pattern *pattern = NULL;
    bool matches = false;
    uint64_t cost;
    snprintf(text, sizeof text, "^thread%u$", test_random_below(&random, 40));
    if (bt_pattern_new(bt_str_from(text), false, &pattern, NULL) != BT_OK) return "it does not compile";
    bt_str subject = {text + 1, strlen(text) - 2};
    if (bt_pattern_match(pattern, subject, &cost, &matches) != BT_OK || !matches) return "it does not match itself";
    bt_pattern_free(pattern);
  }
  return NULL;
}

static void test_shared_by_threads(void **state) {
  (void)state;
  pthread_t threads[4];
  void *problem;
  for (uintptr_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, use_patterns, (void *)(i + 1)), 0);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], &problem), 0);
    if (problem) fail_msg("%s", (const char *)problem);
  }
}

/* ---- cost ---- */

typedef struct text {
  char *bytes;
  size_t len;
} text;

/* a and b as they come, so that an automaton that counts them meets new states all the time; or the same letter. */
static text make_text(size_t len, bool is_random) {
  text made = {test_malloc(len), len};
  test_random random = {.state = 25};
  for (size_t i = 0; i < len; i++) made.bytes[i] = is_random ? (char)('a' + (int)test_random_below(&random, 2)) : 'x';
  return made;
}

typedef struct total {
  uint64_t cost;
  size_t limits;
} total;

/* The text in pieces, one match each. */
static total match_pieces(const char *pattern_text, bool whole, text from, size_t piece) {
  bt_pattern *pattern = compile(pattern_text, whole);
  total sum = {0};
  for (size_t at = 0; at + piece <= from.len; at += piece) {
    bool matches = false;
    uint64_t cost;
    bt_status status = bt_pattern_match(pattern, (bt_str){from.bytes + at, piece}, &cost, &matches);
    assert_true(status == BT_OK || status == BT_LIMIT);
    sum.cost += cost;
    sum.limits += status == BT_LIMIT;
  }
  bt_pattern_free(pattern);
  return sum;
}

/* What people write costs about as much as its text is long, once it has met it. */
static void test_common_patterns_cost_their_text(void **state) {
  (void)state;
  static const char *const patterns[] = {"error|timeout",      ".*error.*timeout.*", "^/api/v[0-9]+/.*",
                                         "(?i)FATAL",          "\\pL+@\\pL+",        "[a-z]+(-[a-z0-9]+)*",
                                         "(\\w+\\s*,?){1,9}$", "\\d{3}-\\d{4}",      "(?i)\\pL{20}"};
  text of = make_text(400000, true);
  for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
    for (int whole = 0; whole < 2; whole++) {
      total sum = match_pieces(patterns[i], whole, of, 100);
      assert_int_equal(sum.limits, 0);
      if (sum.cost < of.len || sum.cost > 12 * of.len)
        fail_msg("%s cost %llu", patterns[i], (unsigned long long)sum.cost);
    }
  test_free(of.bytes);
}

/* Where nearly each byte is a new state, or no automaton is walked, the cost says so. */
static void test_hostile_patterns_cost_more(void **state) {
  (void)state;
  static const char *const patterns[] = {"(a|b)*a(a|b){60}0", "(a|b)*a(a|b){250}0", "(a|b)*a(a|b){900}0",
                                         "a.{1,200}b.{1,200}q", "(a|b)*a(a|b|\\pL){20}0"};
  text of = make_text(20000, true);
  for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
    total sum = match_pieces(patterns[i], false, of, of.len);
    if (!sum.limits && sum.cost < 100 * of.len) fail_msg("%s cost %llu", patterns[i], (unsigned long long)sum.cost);
  }
  test_free(of.bytes);
}

/* One text that could take seconds is not begun; nothing is said of it. */
static void test_too_much_for_one_match(void **state) {
  (void)state;
  static const char *const patterns[] = {"(x?){500}x{500}y", "(x?){1000}y", "(x.?){300}q", "((a|b)*c){900}",
                                         "\\pL{40}"};
  text of = make_text(20 << 20, false);
  for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
    for (int whole = 0; whole < 2; whole++) {
      bt_pattern *pattern = compile(patterns[i], whole);
      bool matches = true;
      uint64_t cost = 1;
      assert_int_equal(bt_pattern_match(pattern, (bt_str){of.bytes, of.len}, &cost, &matches), BT_LIMIT);
      assert_true(matches);
      assert_int_equal(cost, 0);
      bt_pattern_free(pattern);
    }
  test_free(of.bytes);
}

/* Random patterns on random texts: whatever is answered is what plain RE2 answers. */
static void write_piece(test_random *random, bt_buffer *out, int depth) {
  static const char *const atoms[] = {"a",    "b", "x", ".", "[ab]", "[^a]",  "\\w",
                                      "\\pL", "ä", "^", "$", "\\b",  "(?i)A", ""};
  static const char *const counts[] = {"", "", "", "*", "+", "?", "{2}", "{0,3}", "{20}", "{150}", "*?"};
  enum { ATOMS = sizeof atoms / sizeof atoms[0], COUNTS = sizeof counts / sizeof counts[0] };
  uint32_t parts = 1 + test_random_below(random, 4);
  for (uint32_t i = 0; i < parts; i++) {
    bt_buffer_append(out, BT_STR("(?:"));
    if (depth > 0 && test_random_below(random, 3) == 0)
      write_piece(random, out, depth - 1);
    else
      bt_buffer_append(out, bt_str_from(atoms[test_random_below(random, ATOMS)]));
    bt_buffer_append(out, BT_STR(")"));
    bt_buffer_append(out, bt_str_from(counts[test_random_below(random, COUNTS)]));
    if (i + 1 < parts && test_random_below(random, 4) == 0) bt_buffer_append_char(out, '|');
  }
}

static void write_subject(test_random *random, bt_buffer *out) {
  static const char *const letters[] = {"a", "b", "x", "A", "ä", " ", "\n", "ab"};
  for (uint32_t n = test_random_below(random, 4) ? test_random_below(random, 12) : test_random_below(random, 400); n;
       n--)
    bt_buffer_append(out, bt_str_from(letters[test_random_below(random, 8)]));
}

static void compare_with_plain(bt_str text_of, bt_str subject, bool whole, size_t *compared) {
  bt_pattern *pattern = NULL;
  bool matches = false;
  uint64_t cost;
  if (bt_pattern_new(text_of, whole, &pattern, NULL) != BT_OK) return;
  bt_status status = bt_pattern_match(pattern, subject, &cost, &matches);
  plain_re2_answer plain = plain_re2_match(text_of, subject, whole);
  bt_pattern_free(pattern);
  if (status != BT_OK || plain == PLAIN_RE2_UNKNOWN) return;
  ++*compared;
  if ((plain == PLAIN_RE2_MATCHES) != matches)
    fail_msg("%.*s on %.*s, whole %d: %d", BT_FMT(text_of), BT_FMT(subject), whole, matches);
}

static void test_same_as_plain_re2(void **state) {
  (void)state;
  test_random random = {.state = 2025};
  size_t compared = 0;
  for (int round = 0; round < 1500; round++) {
    bt_buffer pattern = {0}, subject = {0};
    write_piece(&random, &pattern, 2);
    write_subject(&random, &subject);
    compare_with_plain(bt_buffer_str(&pattern), bt_buffer_str(&subject), round % 2, &compared);
    bt_buffer_dispose(&pattern);
    bt_buffer_dispose(&subject);
  }
  assert_true(compared > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_matches),
                                     cmocka_unit_test(test_slices),
                                     cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_refused_by_size),
                                     cmocka_unit_test(test_sizes),
                                     cmocka_unit_test(test_shared),
                                     cmocka_unit_test(test_let_go),
                                     cmocka_unit_test(test_shared_by_threads),
                                     cmocka_unit_test(test_common_patterns_cost_their_text),
                                     cmocka_unit_test(test_hostile_patterns_cost_more),
                                     cmocka_unit_test(test_too_much_for_one_match),
                                     cmocka_unit_test(test_same_as_plain_re2),
                                     cmocka_unit_test(test_failing_allocator)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
