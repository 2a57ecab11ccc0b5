/* Evaluates rule files over series as `betrace backtest` does, for tests that hold it against a real Prometheus:
 *   backtest_series SERIES START_MS END_MS INTERVAL_MS all|alerts RULES…
 * SERIES has lines "S<TAB>name<TAB>value…" for a series, and "time_ms<TAB>value" or "time_ms<TAB>stale" for its
 * samples. Prints each series that rules wrote (of all, or ALERTS alone) in that form, then pages as
 * "P<TAB>active<TAB>fired<TAB> resolved<TAB>labels", failures as "F<TAB>rule<TAB>message", and how long it took. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/backtest/backtest.h"
#include "server/base/clock.h"

enum { MOST_LABELS = 20, LINE_BYTES = 4096 };

static void stop(const char *what, const char *message) {
  fprintf(stderr, "%s: %s\n", what, message);
  exit(2);
}

static size_t begin_series(bt_backtest *b, char *line) {
  bt_label labels[MOST_LABELS];
  size_t count = 0;
  char *rest = line + 2, *name;
  while (count < MOST_LABELS && (name = strsep(&rest, "\t")) && rest)
    labels[count++] = (bt_label){bt_str_from(name), bt_str_from(strsep(&rest, "\t"))};
  return bt_backtest_add_series(b, labels, count, BT_SERIES_COUNTED);
}

static void add_line(bt_backtest *b, size_t input, char *line) {
  bt_error error = {0};
  char *tab = strchr(line, '\t');
  if (!tab) stop("no sample", line);
  int64_t time_ms = strtoll(line, NULL, 10);
  if (strcmp(tab + 1, "stale") == 0)
    (void)bt_samples_mark_stale(&b->store, b->inputs[input].series, time_ms);
  else if (bt_backtest_add_sample(b, input, time_ms, strtod(tab + 1, NULL), &error))
    stop("sample", error.message);
}

static void read_series(bt_backtest *b, const char *path) {
  FILE *file = fopen(path, "r");
  char line[LINE_BYTES];
  size_t input = 0;
  if (!file) stop(path, "cannot be opened");
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == 'S')
      input = begin_series(b, line);
    else
      add_line(b, input, line);
  }
  fclose(file);
}

static void read_rules(bt_backtest *b, const char *path) {
  static char text[1 << 20];
  bt_error error = {0};
  FILE *file = fopen(path, "r");
  if (!file) stop(path, "cannot be opened");
  size_t length = fread(text, 1, sizeof text, file);
  fclose(file);
  if (bt_alert_rules_add(&b->rules, (bt_str){text, length}, path, &error)) stop("rules", error.message);
}

static void print_labels(const bt_backtest *b, bt_label_set set) {
  const bt_label_row *row = &b->table.rows[set];
  for (size_t i = 0; i < row->count; i++)
    printf("\t%.*s\t%.*s", BT_FMT(row->labels[i].name), BT_FMT(row->labels[i].value));
  printf("\n");
}

static void print_samples(const bt_series_samples *s) {
  size_t stale = 0;
  for (size_t i = 0; i <= s->count; i++) {
    while (stale < s->stale_count && (i == s->count || s->stale_ms[stale] < s->times_ms[i]))
      printf("%" PRId64 "\tstale\n", s->stale_ms[stale++]);
    if (i < s->count) printf("%" PRId64 "\t%.17g\n", s->times_ms[i], s->values[i]);
  }
}

static void print_all(const bt_backtest *b, bool only_alerts) {
  for (size_t i = 0; i < b->store.count; i++) {
    const bt_series_samples *s = &b->store.series[i];
    bt_str name = bt_labels_get(&b->table, s->labels, BT_METRIC_NAME);
    if (!s->is_written || (only_alerts && !bt_str_equal(name, BT_STR("ALERTS")))) continue;
    printf("S");
    print_labels(b, s->labels);
    print_samples(s);
  }
  for (size_t i = 0; i < b->page_count; i++) {
    const bt_alert_page *page = &b->pages[i];
    printf("P\t%" PRId64 "\t%" PRId64 "\t%" PRId64, page->active_ms, page->fired_ms, page->resolved_ms);
    print_labels(b, page->labels);
  }
  for (size_t i = 0; i < b->rules.count; i++)
    if (b->outcomes[i].failures)
      printf("F\t%.*s\t%zu\t%s\n", BT_FMT(b->rules.rules[i].name), b->outcomes[i].failures, b->outcomes[i].failure);
}

int main(int argc, char **argv) {
  bt_backtest b;
  bt_error error = {0};
  if (argc < 7) stop(argv[0], "SERIES START_MS END_MS INTERVAL_MS all|alerts RULES…");
  bt_backtest_init(&b);
  read_series(&b, argv[1]);
  for (int i = 6; i < argc; i++) read_rules(&b, argv[i]);
  b.start_ms = strtoll(argv[2], NULL, 10);
  b.end_ms = strtoll(argv[3], NULL, 10);
  b.interval_ms = strtoll(argv[4], NULL, 10);
  int64_t began_ns = bt_clock_monotonic_ns();
  if (bt_backtest_run(&b, NULL, NULL, &error)) stop("run", error.message);
  int64_t took_ns = bt_clock_monotonic_ns() - began_ns;
  print_all(&b, strcmp(argv[5], "alerts") == 0);
  printf("T\t%zu\t%.3f\n", b.evaluations, (double)took_ns / 1e9);
  bt_backtest_dispose(&b);
  return 0;
}
