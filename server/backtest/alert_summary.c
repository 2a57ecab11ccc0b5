/* How often alerts page, and what would make them page less. A suggestion was tried: the alert is evaluated over the
 * whole range once more with it. See alert_summary.h. */
#include "server/backtest/alert_summary.h"

#include <math.h>
#include <stdlib.h>

static const int64_t MINUTE_MS = 60000, HOUR_MS = 3600000, WEEK_MS = INT64_C(7) * 86400000;

double bt_backtest_weeks(const bt_backtest *b) {
  int64_t there_ms = b->end_ms - b->start_ms - b->lacking_ms;
  return (double)(there_ms > 0 ? there_ms : b->end_ms - b->start_ms) / (double)WEEK_MS;
}

bool bt_page_is_at_night(const bt_page_limits *limits, int64_t time_ms) {
  int64_t hour = (time_ms + limits->zone_ms) / HOUR_MS % 24;
  if (limits->night_from <= limits->night_until) return hour >= limits->night_from && hour < limits->night_until;
  return hour >= limits->night_from || hour < limits->night_until;
}

/* ---- counting ---- */

static void count_severity(bt_alert_summary *s, bt_str severity, bool is_at_night) {
  size_t at = 0;
  while (at < s->severity_count && !bt_str_equal(s->severities[at].severity, severity)) at++;
  if (at == BT_SEVERITIES) at--;
  if (at == s->severity_count) s->severities[s->severity_count++] = (bt_severity_pages){.severity = severity};
  s->severities[at].pages++;
  s->severities[at].at_night += is_at_night;
}

static void count_pages(const bt_backtest *b, const bt_page_limits *limits, bt_alert_summary *s) {
  for (size_t i = 0; i < b->page_count; i++) {
    const bt_alert_page *page = &b->pages[i];
    if (page->rule != s->rule) continue;
    bool is_at_night = bt_page_is_at_night(limits, page->fired_ms);
    int64_t lasted_ms = (page->resolved_ms ? page->resolved_ms : b->end_ms) - page->fired_ms;
    s->pages++;
    s->at_night += is_at_night;
    s->firing_ms += lasted_ms;
    if (lasted_ms > s->longest_ms) s->longest_ms = lasted_ms;
    count_severity(s, bt_labels_get(&b->table, page->labels, BT_STR("severity")), is_at_night);
  }
}

/* Of less than a week one page says nothing of how often. */
static size_t most_pages(const bt_backtest *b, const bt_page_limits *limits) {
  double most = floor(bt_backtest_weeks(b) * limits->per_week + 1e-9);
  return most < 1 && limits->per_week > 0 ? 1 : (size_t)most;
}

/* ---- what would be seldom enough ---- */

static const int waits[] = {1,  2,  3,   5,   7,   10,  15,  20,  30,   45,
                            60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880}; /* min */
static const double times[] = {1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1000};
enum { WAIT_COUNT = sizeof waits / sizeof *waits, TIME_COUNT = sizeof times / sizeof *times };

typedef struct trying {
  bt_backtest *backtest;
  size_t rule, most;
  bt_promql_node *number; /* of a comparison */
  bool is_from_below;     /* the larger the number, the fewer pages */
  double before;
} trying;

static void set_wait(const trying *t, size_t index) {
  t->backtest->rules.rules[t->rule].for_ms = waits[index] * MINUTE_MS;
}

/* Of 0 nothing is a multiple: 1, 2, 3 and so on stand for it. */
static double number_at(const trying *t, size_t index) {
  if (t->before == 0) return index == 0 ? 1 : times[index];
  return t->is_from_below == (t->before > 0) ? t->before * times[index] : t->before / times[index];
}

static void set_number(const trying *t, size_t index) {
  t->number->number = number_at(t, index);
}

/* The first place of [first, count) that is seldom enough, where later ones are no more often; count: none is. */
static bt_status find_least(const trying *t, void (*set)(const trying *t, size_t index), size_t first, size_t count,
                            size_t *place, size_t *pages, bt_error *error) {
  size_t low = first, high = count, found;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    set(t, middle);
    bt_status status = bt_backtest_count_again(t->backtest, t->rule, &found, error);
    if (status) return status;
    if (found > t->most) {
      low = middle + 1;
    } else {
      high = middle;
      *pages = found;
    }
  }
  *place = low;
  return BT_OK;
}

static bt_status suggest_wait(trying *t, bt_alert_summary *s, bt_error *error) {
  bt_alert_rule *rule = &t->backtest->rules.rules[t->rule];
  int64_t before = rule->for_ms;
  size_t first = 0, place = WAIT_COUNT;
  while (first < WAIT_COUNT && waits[first] * MINUTE_MS <= before) first++;
  bt_status status = find_least(t, set_wait, first, WAIT_COUNT, &place, &s->for_pages, error);
  s->has_for = !status && place < WAIT_COUNT;
  if (s->has_for) s->for_ms = waits[place] * MINUTE_MS;
  rule->for_ms = before;
  return status;
}

/* The first comparison with a number, from the left. */
static bt_promql_node *find_comparison(bt_promql_node *node) {
  bool compares = node->kind == BT_PROMQL_BINARY && node->op >= BT_PROMQL_GREATER && node->op <= BT_PROMQL_AT_MOST;
  for (size_t i = 0; compares && i < 2; i++)
    if (node->arguments[i]->kind == BT_PROMQL_NUMBER && node->arguments[1 - i]->type == BT_PROMQL_VECTOR) return node;
  for (size_t i = 0; i < node->argument_count; i++) {
    bt_promql_node *found = find_comparison(node->arguments[i]);
    if (found) return found;
  }
  return NULL;
}

static bt_status suggest_threshold(trying *t, bt_alert_summary *s, bt_error *error) {
  bt_promql_node *compared = find_comparison(t->backtest->rules.rules[t->rule].expression.root);
  if (!compared) return BT_OK;
  bool is_right = compared->arguments[1]->kind == BT_PROMQL_NUMBER;
  bool is_greater = compared->op == BT_PROMQL_GREATER || compared->op == BT_PROMQL_AT_LEAST;
  t->number = compared->arguments[is_right ? 1 : 0];
  t->before = t->number->number;
  t->is_from_below = is_greater == is_right;
  if (!isfinite(t->before) || (t->before == 0 && !t->is_from_below)) return BT_OK;
  size_t place = TIME_COUNT;
  bt_status status = find_least(t, set_number, 0, TIME_COUNT, &place, &s->threshold_pages, error);
  s->has_threshold = !status && place < TIME_COUNT;
  s->number_there = t->before;
  s->threshold_offset = compared->offset;
  if (s->has_threshold) s->number_instead = number_at(t, place);
  t->number->number = t->before;
  return status;
}

/* In the end the alert has written again what it wrote the first time, for others that look at it. */
static bt_status suggest_both(bt_backtest *b, size_t most, bt_alert_summary *s, bt_error *error) {
  trying t = {.backtest = b, .rule = s->rule, .most = most};
  size_t pages;
  bt_status status = suggest_wait(&t, s, error);
  if (!status) status = suggest_threshold(&t, s, error);
  return status ? status : bt_backtest_count_again(b, s->rule, &pages, error);
}

bt_status bt_backtest_summarize(bt_backtest *b, const bt_page_limits *limits, bt_alert_summary **out, size_t *count,
                                bt_error *error) {
  size_t most = most_pages(b, limits);
  *count = 0;
  *out = calloc(b->rules.count + 1, sizeof **out);
  bt_status status = *out ? BT_OK : bt_error_no_memory(error);
  for (size_t i = 0; i < b->rules.count && !status; i++) {
    if (b->rules.rules[i].is_record || b->rules.rules[i].is_twin) continue;
    bt_alert_summary *s = &(*out)[(*count)++];
    s->rule = i;
    count_pages(b, limits, s);
    s->per_week = (double)s->pages / bt_backtest_weeks(b);
    s->is_too_often = s->pages > most;
    if (s->is_too_often && b->outcomes[i].basis == BT_ALERT_ON_COUNTS) status = suggest_both(b, most, s, error);
  }
  return status;
}
