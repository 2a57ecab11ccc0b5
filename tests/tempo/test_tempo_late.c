/* For how long a Tempo hides late spans: from its configuration, else its version, in numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tempo/api/tempo_late.h"
#include "tests/support/random.h"

static const int64_t SECOND_NS = 1000000000;
enum { MINUTE_S = 60, HOUR_S = 3600, LATENESS_S = 15 * MINUTE_S };

/* As Tempo prints it, with what has the same names elsewhere. 3.0.3: */
#define STORE(slack, live, block, keeps)                                                                               \
  "live_store:\n    wal:\n        path: /x\n        ingestion_time_range_slack: " slack                                \
  "\n    complete_block_timeout: " keeps "\n    flush_check_period: 5s\n    max_trace_live: " live                     \
  "\n    max_block_duration: " block "\n"
#define FRONT(after, shards)                                                                                           \
  "query_frontend:\n    query_end_cutoff: 30s\n    search:\n        query_backend_after: " after                       \
  "\n        ingester_shards: " shards "\n    metrics:\n        query_backend_after: 1h0m0s\n"
#define BUILDER    "block_builder:\n    consume_cycle_duration: 5m0s\n    wal:\n        ingestion_time_range_slack: 2m0s\n"
#define POLL(poll) "storage:\n    trace:\n        blocklist_poll: " poll "\n"
#define ONE        "target: all\n"
/* 2.x: */
#define ASKED(after, until, shards)                                                                                    \
  "query_frontend:\n  search:\n    query_backend_after: " after "\n    query_ingesters_until: " until                  \
  "\n    ingester_shards: " shards "\n"
#define INGESTER(idle, block, keeps)                                                                                   \
  "ingester:\n  trace_idle_period: " idle "\n  flush_check_period: 10s\n  max_block_duration: " block                  \
  "\n  complete_block_timeout: " keeps "\nmetrics_generator:\n  processor:\n    local_blocks:\n"                       \
  "      max_block_duration: 1m0s\n      trace_idle_period: 1h0m0s\n"
#define BLOCKS(slack, poll)                                                                                            \
  "storage:\n  trace:\n    wal:\n      ingestion_time_range_slack: " slack "\n    blocklist_poll: " poll "\n"

static const struct {
  const char *what, *config;
  int64_t lateness_s, hidden_s;
} rows[] = {
    {"3.0 as it comes", ONE FRONT("15m0s", "3") BUILDER POLL("5m0s") STORE("2m0s", "30s", "30s", "20m0s"), LATENESS_S,
     15 * MINUTE_S + 40},
    {"nothing comes late", ONE FRONT("15m0s", "3") POLL("5m0s") STORE("2m0s", "30s", "30s", "20m0s"), 0, 0},
    {"not later than the slack", ONE FRONT("15m0s", "3") POLL("5m0s") STORE("2m0s", "30s", "30s", "20m0s"), 120, 0},
    {"one window alone helps nothing", ONE FRONT("15m0s", "1") POLL("5m0s") STORE("2m0s", "30s", "30s", "20m0s"),
     LATENESS_S, 15 * MINUTE_S + 40},
    {"a slack that all are within", ONE FRONT("15m0s", "3") POLL("5m0s") STORE("1h0m0s", "30s", "30s", "20m0s"),
     LATENESS_S, 11 * MINUTE_S + 10},
    {"and live stores that are asked for longer",
     ONE FRONT("1h0m0s", "3") POLL("5m0s") STORE("1h0m0s", "30s", "30s", "2h0m0s"), LATENESS_S, 0},
    {"but let go of it before", ONE FRONT("1h0m0s", "3") POLL("5m0s") STORE("1h0m0s", "30s", "30s", "20m0s"),
     LATENESS_S, 11 * MINUTE_S + 10},
    {"of several processes",
     "target: query-frontend\n" FRONT("15m0s", "3") BUILDER POLL("5m0s") STORE("1h0m0s", "30s", "30s", "20m0s"),
     LATENESS_S, 15 * MINUTE_S + 40},
    {"a longer poll", ONE FRONT("15m0s", "3") POLL("10m0s") STORE("2m0s", "30s", "30s", "20m0s"), LATENESS_S,
     21 * MINUTE_S + 10},
    {"that of tests", ONE FRONT("8760h0m0s", "1") POLL("5s") STORE("8760h0m0s", "1s", "30s", "8760h0m0s"), LATENESS_S,
     0},
    {"3.0 that says little", "query_frontend:\n    query_end_cutoff: 30s\n", LATENESS_S, 15 * MINUTE_S + 40},
    {"2.x as it comes", ASKED("15m0s", "30m0s", "3") INGESTER("10s", "30m0s", "15m0s") BLOCKS("2m0s", "5m0s"),
     LATENESS_S, 40 * MINUTE_S + 35},
    {"where what comes in time is hidden, too",
     ASKED("15m0s", "30m0s", "3") INGESTER("10s", "30m0s", "15m0s") BLOCKS("2m0s", "5m0s"), 0, 40 * MINUTE_S + 35},
    {"2.x with shorter blocks", ASKED("15m0s", "30m0s", "3") INGESTER("10s", "5m0s", "15m0s") BLOCKS("2m0s", "5m0s"),
     LATENESS_S, 15 * MINUTE_S + 35},
    {"in one window, asked for long",
     ASKED("15m0s", "1h0m0s", "1") INGESTER("10s", "5m0s", "15m0s") BLOCKS("2m0s", "5m0s"), LATENESS_S, 0},
    {"2.x of tests",
     ASKED("8760h0m0s", "8761h0m0s", "1") INGESTER("200ms", "30s", "8760h0m0s") BLOCKS("8760h0m0s", "5s"), LATENESS_S,
     0},
};

static void is_worked_out_of_the_configuration(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bt_tempo_dating dating;
    assert_true(bt_tempo_dating_of_config(rows[i].config, &dating));
    bt_late_promise late = bt_tempo_late_of(&dating);
    int64_t hidden_ns = bt_late_hides_ns(&late, rows[i].lateness_s * SECOND_NS);
    if (hidden_ns != rows[i].hidden_s * SECOND_NS)
      fail_msg("%s: %lld s", rows[i].what, (long long)(hidden_ns / SECOND_NS));
  }
}

static void windows_go_on_for_what_is_dated_by_its_arrival(void **state) {
  bt_tempo_dating dating;
  (void)state;
  assert_true(bt_tempo_dating_of_config(rows[0].config, &dating));
  bt_late_promise late = bt_tempo_late_of(&dating);
  assert_int_equal(bt_late_reach_ns(&late, LATENESS_S * SECOND_NS), (LATENESS_S + 40) * SECOND_NS);
  assert_int_equal(bt_late_reach_ns(&late, 2 * MINUTE_S * SECOND_NS), 0);
  assert_int_equal(bt_late_reach_ns(&late, INT64_MAX), INT64_MAX);
}

static void is_assumed_of_the_version(void **state) {
  static const struct {
    const char *version;
    bool is_checked;
    int64_t hidden_s;
  } versions[] = {{"3.0.3", true, 15 * MINUTE_S + 40},
                  {"2.8.2", true, 40 * MINUTE_S + 35},
                  {"2.10.8", true, 40 * MINUTE_S + 35},
                  {"3.9.0", false, 40 * MINUTE_S + 35}, /* nobody has looked: the longest */
                  {"", false, 40 * MINUTE_S + 35}};
  (void)state;
  for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
    bt_source_about about = {.is_checked = versions[i].is_checked};
    snprintf(about.version, sizeof about.version, "%s", versions[i].version);
    const bt_tempo_dating dating = bt_tempo_dating_of_version(&about);
    bt_late_promise late = bt_tempo_late_of(&dating);
    assert_int_equal(bt_late_hides_ns(&late, LATENESS_S * SECOND_NS), versions[i].hidden_s * SECOND_NS);
  }
}

static void what_is_no_configuration_says_nothing(void **state) {
  static const char *const texts[] = {"",
                                      "<html>sign in</html>",
                                      "query_frontend",
                                      "  query_frontend_x: 1\n",
                                      "server:\n    query_frontend: 1\n",
                                      "# query_frontend:\n"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    bt_tempo_dating dating;
    assert_false(bt_tempo_dating_of_config(texts[i], &dating));
  }
}

/* Second by second: whether a span of this age, which came at that lateness, is in a search. What ingesters are asked
 * for shows it while it is young enough, in any window where they are asked in one; blocks show it once they are known,
 * one that is dated by its arrival only when that is old enough. */
static bool is_seen(const bt_tempo_dating *d, int64_t lateness_ns, int64_t after_ns) {
  bool is_dated_apart = lateness_ns > d->slack_ns, is_known = after_ns >= d->cut_ns + d->known_ns;
  bool is_young = lateness_ns + after_ns <= d->newest_ns && !(is_dated_apart && d->is_cut);
  return is_young || (is_known && (!is_dated_apart || after_ns >= d->cut_ns + d->blocks_ns));
}

static bool is_hidden_between(const bt_tempo_dating *d, int64_t lateness_ns, int64_t from_ns, int64_t until_ns) {
  for (int64_t latest_ns = 0; latest_ns <= lateness_ns; latest_ns += SECOND_NS)
    for (int64_t after_ns = from_ns; after_ns < until_ns; after_ns += SECOND_NS)
      if (!is_seen(d, latest_ns, after_ns)) return true;
  return false;
}

/* What it promises to hide covers what is hidden: nothing after that, and nothing at all where it promises so. */
static void no_late_span_is_hidden_for_longer(void **state) {
  enum { DATINGS = 400, LONGEST_S = 60 };
  test_random random = test_random_start(54);
  size_t hiding = 0, showing = 0;
  (void)state;
  for (int i = 0; i < DATINGS; i++) {
    bt_tempo_dating dating = {.is_cut = test_random_below(&random, 2)};
    int64_t *const times[] = {&dating.slack_ns, &dating.cut_ns, &dating.known_ns, &dating.blocks_ns, &dating.newest_ns};
    for (size_t t = 0; t < sizeof times / sizeof *times; t++)
      *times[t] = (int64_t)test_random_below(&random, t == 4 ? 3 * LONGEST_S : LONGEST_S / 3) * SECOND_NS;
    int64_t lateness_ns = (int64_t)test_random_below(&random, LONGEST_S / 2) * SECOND_NS;
    bt_late_promise late = bt_tempo_late_of(&dating);
    int64_t hidden_ns = bt_late_hides_ns(&late, lateness_ns);
    if (is_hidden_between(&dating, lateness_ns, hidden_ns, LONGEST_S * SECOND_NS))
      fail_msg("dating %d: more than %lld s", i, (long long)(hidden_ns / SECOND_NS));
    hiding += hidden_ns > 0;
    showing += !hidden_ns;
  }
  assert_true(hiding > 50 && showing > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_worked_out_of_the_configuration),
                                     cmocka_unit_test(windows_go_on_for_what_is_dated_by_its_arrival),
                                     cmocka_unit_test(no_late_span_is_hidden_for_longer),
                                     cmocka_unit_test(is_assumed_of_the_version),
                                     cmocka_unit_test(what_is_no_configuration_says_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
