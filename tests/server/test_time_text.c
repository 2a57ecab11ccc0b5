/* Times and durations as text: tables of what is read, what is refused, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/base/time_text.h"

static const int64_t now_ns = 1768141397123456789; /* 2026-01-11T14:23:17.123456789Z */

typedef struct time_row {
  const char *text;
  int64_t ns;
} time_row;

static const time_row times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-01-11T14:23:17.123456789Z", 1768141397123456789},
    {"2026-01-11t14:23:17.5z", 1768141397500000000},
    {"2026-01-11T15:23:17+01:00", 1768141397000000000},
    {"2026-01-11T08:53:17-05:30", 1768141397000000000},
    {"2026-01-11T14:23:17.1234567890000Z", 1768141397123456789},
    {"2024-02-29T00:00:00Z", 1709164800000000000},
    {"2000-02-29T23:59:59.999999999Z", 951868799999999999},
    {"2016-12-31T23:59:60Z", 1483228800000000000},
    {"2017-01-01T00:59:60+01:00", 1483228800000000000},
    {"1969-12-31T23:59:59.999999999Z", -1},
    {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
    {"2262-04-11T23:47:16.854775807Z", INT64_MAX},
    {"now", 1768141397123456789},
    {"now-24h", 1768141397123456789 - 86400000000000},
    {"now-1m30s", 1768141397123456789 - 90000000000},
    {"now+500ms", 1768141397123456789 + 500000000},
    {"0", 0},
    {"1768141397", 1768141397000000000},
    {"9223372036", 9223372036000000000},
    {"1768141397123", 1768141397123000000},
    {"100000000000", 100000000000000000},
    {"1768141397123456789", 1768141397123456789},
    {"100000000000000000", 100000000000000000},
    {"9223372036854775807", INT64_MAX},
};

static const char *const not_times[] = {"",
                                        " ",
                                        "yesterday",
                                        "now ",
                                        "now-",
                                        "now24h",
                                        "now-24",
                                        "now--1h",
                                        "Now",
                                        "2026-01-11",
                                        "2026-01-11T14:23:17",
                                        "2026-1-11T14:23:17Z",
                                        "2026-13-01T00:00:00Z",
                                        "2026-00-01T00:00:00Z",
                                        "2026-01-00T00:00:00Z",
                                        "2026-01-32T00:00:00Z",
                                        "2026-04-31T00:00:00Z",
                                        "2026-02-29T00:00:00Z",
                                        "1900-02-29T00:00:00Z",
                                        "2026-01-11T24:00:00Z",
                                        "2026-01-11T14:60:00Z",
                                        "2026-01-11T14:23:61Z",
                                        "2026-01-11T14:23:60Z" /* a leap second only at the end of a day */,
                                        "2026-01-11T14:23:17.Z",
                                        "2026-01-11T14:23:17.1234567891Z",
                                        "2026-01-11T14:23:17+0100",
                                        "2026-01-11T14:23:17+24:00",
                                        "2026-01-11T14:23:17 02:00",
                                        "2026-01-11 14:23:17Z",
                                        "2026-01-11T14:23:17ZZ",
                                        "1677-09-21T00:12:43.145224191Z",
                                        "2262-04-11T23:47:16.854775808Z",
                                        "9999-12-31T23:59:59Z",
                                        "-1",
                                        "+1",
                                        "1.5",
                                        "12a",
                                        "9223372037" /* seconds past the range */,
                                        "99999999999",
                                        "100000000000000" /* would be microseconds */,
                                        "99999999999999999",
                                        "9223372036854775808",
                                        "99999999999999999999999",
                                        "１２３"};

static void test_times_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    int64_t ns = 42;
    if (!bt_time_parse(bt_str_from(times[i].text), now_ns, &ns) || ns != times[i].ns)
      fail_msg("%s: expected %lld, got %lld", times[i].text, (long long)times[i].ns, (long long)ns);
  }
}

static void test_others_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof not_times / sizeof not_times[0]; i++) {
    int64_t ns = 42;
    if (bt_time_parse(bt_str_from(not_times[i]), now_ns, &ns))
      fail_msg("\"%s\" was read as %lld", not_times[i], (long long)ns);
  }
  int64_t ns;
  assert_false(bt_time_parse(BT_STR("now-30000d"), INT64_MIN + 5, &ns)); /* below the range */
  assert_false(bt_time_parse(BT_STR("now+1ns"), INT64_MAX, &ns));
}

static void test_a_text_ends_where_its_length_says(void **state) {
  (void)state;
  int64_t ns;
  assert_true(bt_time_parse((bt_str){"17681413971", 10}, now_ns, &ns));
  assert_int_equal(ns, 1768141397000000000);
  assert_false(bt_time_parse((bt_str){"2026-01-11T14:23:17Z", 19}, now_ns, &ns));
}

/* Every day from 1680 to 2260, some of the seconds and nanoseconds: what is written reads back. */
static void test_written_times_read_back(void **state) {
  (void)state;
  int64_t wobble = 1;
  for (int64_t day = -105000; day < 105000; day++) {
    wobble = (wobble * 48271) % 2147483647;
    int64_t time_ns = day * 86400000000000 + wobble * 40233 % 86400000000000, read_ns;
    char text[40];
    bt_time_format(time_ns, text);
    assert_int_equal(strlen(text), 30);
    if (!bt_time_parse(bt_str_from(text), 0, &read_ns) || read_ns != time_ns) fail_msg("%s does not read back", text);
  }
}

static void test_times_are_written(void **state) {
  (void)state;
  char text[40];
  bt_time_format(1768141397000000000, text);
  assert_string_equal(text, "2026-01-11T14:23:17.000000000Z");
  bt_time_format(-1, text);
  assert_string_equal(text, "1969-12-31T23:59:59.999999999Z");
  bt_time_format(INT64_MIN, text);
  assert_string_equal(text, "1677-09-21T00:12:43.145224192Z");
  bt_time_format(INT64_MAX, text);
  assert_string_equal(text, "2262-04-11T23:47:16.854775807Z");
}

static const time_row durations[] = {{"0", 0},
                                     {"0s", 0},
                                     {"500ms", 500000000},
                                     {"24h", 86400000000000},
                                     {"7d", 604800000000000},
                                     {"1ns", 1},
                                     {"1us", 1000},
                                     {"1µs", 1000},
                                     {"1μs", 1000},
                                     {"1.5s", 1500000000},
                                     {"0.1d", 8640000000000},
                                     {"1m30s", 90000000000},
                                     {"1h0.5ms1ns", 3600000500001},
                                     {"0.00000000005m", 3},
                                     {"1.500s", 1500000000},
                                     {"106751d", 9223286400000000000}};

static const char *const not_durations[] = {"",
                                            "5",
                                            "s",
                                            "-5s",
                                            "1s1m",
                                            "1s1s",
                                            "1us1µs",
                                            "0.5ns",
                                            "1.s",
                                            ".5s",
                                            "5 s",
                                            "5S",
                                            "1h 2m",
                                            "5w",
                                            "106752d",
                                            "1e3s",
                                            "1.2.3s",
                                            "1s2",
                                            "0x1s",
                                            "99999999999999999999s",
                                            "0.0000000001s"};

static void test_durations_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
    int64_t ns = -1;
    if (!bt_duration_parse(bt_str_from(durations[i].text), &ns) || ns != durations[i].ns)
      fail_msg("%s: expected %lld, got %lld", durations[i].text, (long long)durations[i].ns, (long long)ns);
    char text[64];
    bt_duration_format(ns, text);
    int64_t again = -1;
    assert_true(bt_duration_parse(bt_str_from(text), &again));
    assert_int_equal(again, ns);
  }
  for (size_t i = 0; i < sizeof not_durations / sizeof not_durations[0]; i++) {
    int64_t ns;
    if (bt_duration_parse(bt_str_from(not_durations[i]), &ns))
      fail_msg("\"%s\" was read as %lld", not_durations[i], (long long)ns);
  }
}

static void test_durations_are_written(void **state) {
  (void)state;
  static const time_row rows[] = {{"0s", 0},
                                  {"2m", 120000000000},
                                  {"1m30s", 90000000000},
                                  {"1d", 86400000000000},
                                  {"1.001us", 1001},
                                  {"3.329s", 3329000000},
                                  {"1m500ms", 60500000000},
                                  {"1.5ms", 1500000},
                                  {"1d2h3m4.000000005s", 93784000000005},
                                  {"7ns", 7}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[64];
    bt_duration_format(rows[i].ns, text);
    assert_string_equal(text, rows[i].text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_times_are_read),
      cmocka_unit_test(test_others_are_refused),
      cmocka_unit_test(test_a_text_ends_where_its_length_says),
      cmocka_unit_test(test_written_times_read_back),
      cmocka_unit_test(test_times_are_written),
      cmocka_unit_test(test_durations_are_read),
      cmocka_unit_test(test_durations_are_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
