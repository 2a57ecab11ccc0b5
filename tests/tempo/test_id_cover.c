/* Covers of id ranges: every id between two matches, as Tempo matches (without leading zeros, the whole of it); and a
 * cover of close neighbours does not find everything. Seeded random ids, many with leading zeros and long common
 * beginnings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tempo/api/id_cover.h"
#include "tests/support/random.h"
#include "tests/support/slow_build.h"

enum { ROUNDS = ROUNDS_OF(3000, 600), IDS = 8 };

static bt_trace_id random_id(test_random *random, const bt_trace_id *near) {
  bt_trace_id id = *near;
  size_t from = (size_t)test_random_below(random, 16);
  for (size_t i = from; i < 16; i++) id.bytes[i] = (uint8_t)test_random_below(random, 256);
  if (test_random_below(random, 3) == 0) memset(id.bytes, 0, (size_t)test_random_below(random, 4));
  if (test_random_below(random, 4) == 0) id.bytes[from] &= 0x0f;
  id.bytes[15] |= 1; /* not all zero */
  return id;
}

static int compare(const void *a, const void *b) {
  return bt_trace_id_compare(a, b);
}

static bool matches(const char *pattern, const bt_trace_id *id) {
  regex_t regex;
  char whole[200], hex[BT_TRACE_ID_HEX + 1];
  snprintf(whole, sizeof whole, "^(%s)$", pattern);
  if (regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB) != 0) fail_msg("%s is no regex", whole);
  bt_trace_id_format(id, hex);
  bool matched = regexec(&regex, hex + strspn(hex, "0"), 0, NULL, 0) == 0;
  regfree(&regex);
  return matched;
}

static void every_id_between_is_found(void **state) {
  (void)state;
  test_random random = test_random_start(7);
  size_t beyond = 0, narrow = 0;
  for (int round = 0; round < ROUNDS; round++) {
    bt_trace_id ids[IDS];
    bt_buffer regex = {0};
    ids[0] = random_id(&random, &(bt_trace_id){{0x3a, 0x10}});
    for (size_t i = 1; i < IDS; i++) ids[i] = random_id(&random, &ids[0]);
    qsort(ids, IDS, sizeof *ids, compare);
    size_t low = (size_t)test_random_below(&random, IDS),
           high = low + (size_t)test_random_below(&random, (unsigned)(IDS - low));
    bt_id_cover(&ids[low], &ids[high], &regex);
    bt_buffer_append_char(&regex, '\0');
    if (regex.len > 1)
      for (size_t i = 0; i < IDS; i++) {
        bool is_between = bt_trace_id_compare(&ids[i], &ids[low]) >= 0 && bt_trace_id_compare(&ids[i], &ids[high]) <= 0;
        bool found = matches(regex.ptr, &ids[i]);
        if (is_between && !found) fail_msg("round %d: %s misses id %zu", round, regex.ptr, i);
        *(found && !is_between ? &beyond : &narrow) += 1;
      }
    bt_buffer_dispose(&regex);
  }
  assert_true(narrow > beyond);
}

/* Of ids that lie next to each other, wherever they lie: also where they agree in no digit. */
static void neighbours_have_narrow_covers(void **state) {
  (void)state;
  enum { ALL = 2000, SOME = 40 };
  static bt_trace_id ids[ALL];
  test_random random = test_random_start(11);
  for (size_t i = 0; i < ALL; i++)
    for (size_t b = 0; b < 16; b++) ids[i].bytes[b] = (uint8_t)test_random_below(&random, 256);
  qsort(ids, ALL, sizeof *ids, compare);
  for (size_t first = 0; first + SOME <= ALL; first += SOME) {
    bt_buffer regex = {0};
    size_t found = 0;
    bt_id_cover(&ids[first], &ids[first + SOME - 1], &regex);
    bt_buffer_append_char(&regex, '\0');
    for (size_t i = 0; i < ALL; i++) found += matches(regex.ptr, &ids[i]);
    if (found > 2 * SOME) fail_msg("%s finds %zu for %d", regex.ptr, found, SOME);
    bt_buffer_dispose(&regex);
  }
}

static void covers_as_written(void **state) {
  (void)state;
  static const struct {
    bt_trace_id low, high;
    const char *regex;
  } cases[] = {
      {{{0x00, 1}}, {{0xff, 0x10}}, ""},
      {{{0x12}}, {{0x7e}}, "1[23456789abcdef][0-9a-f]{30}|[23456][0-9a-f]{31}|7[0123456789abcde][0-9a-f]{30}"},
      {{{0x02}}, {{0x3f}}, "[23456789abcdef][0-9a-f]{30}|[123][0-9a-f]{31}"},
      {{{0x0e}}, {{0x1f}}, "[ef][0-9a-f]{30}|[1][0-9a-f]{31}"},
      {{{0x00, 0x2b}}, {{0x02, 0x30}}, "[23456789abcdef][0-9a-f]{29}|[1][0-9a-f]{30}|2[0123][0-9a-f]{29}"},
      {{{0x00, 0x2b}}, {{0x00, 0x30}}, "2[bcdef][0-9a-f]{28}|30000000000000000000000000000[0]"},
      {{{0x0a, 0x10}}, {{0x0a, 0x3f}}, "a[123][0-9a-f]{29}"},
      {{{0xab, 0xc0}}, {{0xab, 0xdf}}, "ab[cd][0-9a-f]{29}"},
      {{{0x5f, 0xfb}}, {{0x60, 0x00, 0x3f}}, "5ff[bcdef][0-9a-f]{28}|6000[0123][0-9a-f]{27}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bt_buffer regex = {0};
    bt_id_cover(&cases[i].low, &cases[i].high, &regex);
    bt_buffer_append_char(&regex, '\0');
    assert_string_equal(regex.ptr, cases[i].regex);
    bt_buffer_dispose(&regex);
  }
  bt_trace_id one = {{0x00, 0x0b, [15] = 5}};
  bt_buffer regex = {0};
  bt_id_cover(&one, &one, &regex);
  bt_buffer_append_char(&regex, '\0');
  assert_string_equal(regex.ptr, "b0000000000000000000000000005");
  bt_buffer_dispose(&regex);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_id_between_is_found),
      cmocka_unit_test(neighbours_have_narrow_covers),
      cmocka_unit_test(covers_as_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
