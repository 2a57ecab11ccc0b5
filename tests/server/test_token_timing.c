/* The time to look for a token tells nothing of how much of it is right. A compare that stops at the first byte that
 * differs takes longer the more bytes agree; whoever measures that finds a token byte by byte. Here the same secret is
 * looked for among hashes that differ from its own in their first bytes, in their last ones, and among hashes that
 * contain its own, in turn and many times. Only ratios of medians are asserted. A compare that does stop early is
 * measured as well: if the measure cannot tell that one, the test fails too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/http/tokens.h"

enum { TOKENS = 900, ROUNDS = 401, ATTEMPTS = 8 };
enum { DIFFER_FIRST, DIFFER_LAST, FOUND_FIRST, FOUND_LAST, KINDS };
#define SECRET "betrace_a-secret-that-is-looked-for"

static const double MOST_OF_OURS = 1.25, LEAST_OF_EARLY = 2; /* longer median by shorter one */

typedef const bt_token *(*find)(const bt_tokens *tokens, bt_str secret);

static bt_tokens *tables[KINDS];

/* Hash number i of a table; no two are equal. */
static bt_sha256 hash_of(int kind, unsigned i) {
  bt_sha256 hash;
  assert_int_equal(bt_token_hash(BT_STR(SECRET), &hash, NULL), BT_OK);
  bool is_own = (kind == FOUND_FIRST && i == 0) || (kind == FOUND_LAST && i == TOKENS - 1);
  size_t at = kind == DIFFER_LAST ? BT_SHA256_BYTES - 2 : 0;
  hash.bytes[at] ^= is_own ? 0 : (uint8_t)(i % 255 + 1);
  hash.bytes[at + 1] ^= is_own ? 0 : (uint8_t)(i / 255 + 1);
  return hash;
}

static bt_tokens *make_table(int kind) {
  bt_buffer text = {0};
  bt_error error = {0};
  bt_tokens *tokens = NULL;
  char hex[BT_SHA256_HEX + 1];
  for (unsigned i = 0; i < TOKENS; i++) {
    bt_sha256 hash = hash_of(kind, i);
    bt_sha256_format(&hash, hex);
    bt_buffer_printf(&text, "t%u sha256:%s viewer\n", i, hex);
  }
  assert_int_equal(bt_tokens_parse(bt_buffer_str(&text), "test", &tokens, &error), BT_OK);
  bt_buffer_dispose(&text);
  return tokens;
}

/* What it must not be like. */
static const bt_token *find_early(const bt_tokens *tokens, bt_str secret) {
  bt_sha256 hash;
  const bt_token *found = NULL;
  assert_int_equal(bt_token_hash(secret, &hash, NULL), BT_OK);
  for (size_t i = 0; i < tokens->count; i++) {
    const volatile uint8_t *stored = tokens->items[i].hash.bytes;
    size_t same = 0;
    while (same < BT_SHA256_BYTES && stored[same] == hash.bytes[same]) same++;
    if (same == BT_SHA256_BYTES) found = &tokens->items[i];
  }
  return found;
}

static int compare_times(const void *a, const void *b) {
  const double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

/* Of the middle half, which others on the machine disturb least. */
static double welch_t(const double *a, const double *b) {
  double mean[2] = {0}, variance[2] = {0};
  const double *samples[2] = {a, b};
  const size_t first = ROUNDS / 4, end = ROUNDS - ROUNDS / 4, count = end - first;
  for (int k = 0; k < 2; k++) {
    for (size_t i = first; i < end; i++) mean[k] += samples[k][i] / (double)count;
    for (size_t i = first; i < end; i++) variance[k] += (samples[k][i] - mean[k]) * (samples[k][i] - mean[k]);
    variance[k] /= (double)(count - 1);
  }
  double scale = sqrt((variance[0] + variance[1]) / (double)count);
  return scale > 0 ? (mean[0] - mean[1]) / scale : 0;
}

/* The two kinds in turn, so that what slows one slows the other. Longer median by shorter one. */
static double ratio_of(find looks, int a, int b, double *t) {
  static double times[2][ROUNDS];
  const int kinds[2] = {a, b};
  for (int round = 0; round < ROUNDS; round++) {
    for (int k = 0; k < 2; k++) {
      int which = (round + k) % 2;
      int64_t start_ns = bt_clock_monotonic_ns();
      const bt_token *found = looks(tables[kinds[which]], BT_STR(SECRET));
      times[which][round] = (double)(bt_clock_monotonic_ns() - start_ns);
      assert_int_equal(found != NULL, kinds[which] == FOUND_FIRST || kinds[which] == FOUND_LAST);
    }
  }
  for (int k = 0; k < 2; k++) qsort(times[k], ROUNDS, sizeof times[k][0], compare_times);
  double left = times[0][ROUNDS / 2], right = times[1][ROUNDS / 2];
  *t = welch_t(times[0], times[1]);
  return left > right ? left / right : right / left;
}

/* A leak is there at every attempt; another program that takes the processor away is not. */
static void check_alike(int a, int b, const char *what) {
  double ours = 0, early = 0, ours_t = 0, early_t = 0;
  bool tells = false;
  for (int attempt = 0; attempt < ATTEMPTS && !tells; attempt++) {
    ours = ratio_of(bt_tokens_find, a, b, &ours_t);
    early = ratio_of(find_early, DIFFER_FIRST, DIFFER_LAST, &early_t);
    tells = ours < MOST_OF_OURS && early > LEAST_OF_EARLY;
  }
  print_message("%s: ours %.3f times (t %.1f); one that stops early %.1f times (t %.1f)\n", what, ours, ours_t, early,
                early_t);
  assert_true(early > LEAST_OF_EARLY);
  assert_true(ours < MOST_OF_OURS);
}

static void test_how_much_agrees(void **state) {
  (void)state;
  check_alike(DIFFER_FIRST, DIFFER_LAST, "first bytes differ / last bytes differ");
}

static void test_where_it_stands(void **state) {
  (void)state;
  check_alike(FOUND_FIRST, FOUND_LAST, "the first line / the last line");
}

static void test_whether_it_is_there(void **state) {
  (void)state;
  check_alike(DIFFER_FIRST, FOUND_FIRST, "not there / there");
}

static int open_tables(void **state) {
  (void)state;
  for (int kind = 0; kind < KINDS; kind++) tables[kind] = make_table(kind);
  return 0;
}

static int close_tables(void **state) {
  (void)state;
  for (int kind = 0; kind < KINDS; kind++) bt_tokens_free(tables[kind]);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_how_much_agrees), cmocka_unit_test(test_where_it_stands),
                                     cmocka_unit_test(test_whether_it_is_there)};
  return cmocka_run_group_tests(tests, open_tables, close_tables);
}
