/* A backtest of alerts as text. See backtest_print.h. */
#include "server/cli/lab/backtest_print.h"

#include <inttypes.h>

#include "server/base/time_text.h"
#include "server/cli/cli.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/replay/sampled_text.h"

enum { TIME_BYTES = 40, SPAN_BYTES = 64 };

static const char *time_text(int64_t time_ms, char out[TIME_BYTES]) {
  bt_time_format(time_ms * 1000000, out);
  out[16] = 'Z'; /* 2026-03-10T06:06Z */
  out[17] = '\0';
  return out;
}

static const char *span_text(int64_t ms, char out[SPAN_BYTES]) {
  bt_duration_format(ms * 1000000, out);
  return out;
}

/* ---- an alert ---- */

/* What the alert is named by is said above. */
static void print_labels(const bt_backtest *b, bt_label_set set) {
  const bt_label_row *row = &b->table.rows[set];
  for (size_t i = 0, said = 0; i < row->count; i++) {
    const bt_label *label = &row->labels[i];
    bool is_said_above = bt_str_equal(label->name, BT_STR("alertname")) || bt_str_equal(label->name, BT_STR("job")) ||
                         bt_str_equal(label->name, BT_STR("instance"));
    if (!is_said_above) bt_print("%s%.*s=%.*s", said++ ? " " : "", BT_FMT(label->name), BT_FMT(label->value));
  }
}

static void print_page(const bt_backtest *b, const bt_page_limits *limits, const bt_alert_page *page) {
  char fired[TIME_BYTES], resolved[TIME_BYTES], lasted[SPAN_BYTES];
  int64_t end_ms = page->resolved_ms ? page->resolved_ms : b->end_ms;
  bt_print("  %s to %s  %-8s %-5s  ", time_text(page->fired_ms, fired),
           page->resolved_ms ? time_text(page->resolved_ms, resolved) : "the end          ",
           span_text(end_ms - page->fired_ms, lasted), bt_page_is_at_night(limits, page->fired_ms) ? "night" : "");
  print_labels(b, page->labels);
  bt_print("\n");
}

static void print_pages(const bt_backtest *b, const bt_page_limits *limits, const bt_alert_summary *alert,
                        size_t most) {
  size_t shown = 0;
  for (size_t i = 0; i < b->page_count && shown < most; i++)
    if (b->pages[i].rule == alert->rule) {
      print_page(b, limits, &b->pages[i]);
      shown++;
    }
  if (alert->pages > shown) bt_print("  … and %zu more (--pages, --json)\n", alert->pages - shown);
}

static void print_severities(const bt_alert_summary *alert) {
  bt_print("  by severity:");
  for (size_t i = 0; i < alert->severity_count; i++) {
    const bt_severity_pages *one = &alert->severities[i];
    bt_print("%s %.*s %zu (%zu at night)", i ? "," : "", BT_FMT(one->severity.len ? one->severity : BT_STR("none")),
             one->pages, one->at_night);
  }
  bt_print("\n");
}

static void print_suggestions(const bt_alert_backtest *a, const bt_alert_summary *alert) {
  const bt_alert_rule *rule = &a->backtest.rules.rules[alert->rule];
  char now[SPAN_BYTES], wait[SPAN_BYTES];
  if (alert->has_for)
    bt_print("  with for: %s instead of %s it pages %zu time%s\n", span_text(alert->for_ms, wait),
             span_text(rule->for_ms, now), alert->for_pages, bt_cli_plural(alert->for_pages));
  if (alert->has_threshold)
    bt_print("  with %g instead of %g in the comparison at character %zu of expr it pages %zu time%s\n",
             alert->number_instead, alert->number_there, alert->threshold_offset + 1, alert->threshold_pages,
             bt_cli_plural(alert->threshold_pages));
  if (!alert->has_for && !alert->has_threshold)
    bt_print_line("  no for up to 2d and no other threshold that was tried makes it page seldom enough");
}

static void print_unknown(const bt_alert_backtest *a, const bt_alert_summary *alert) {
  const bt_rule_outcome *outcome = &a->backtest.outcomes[alert->rule];
  char unknown[SPAN_BYTES], from[TIME_BYTES], until[TIME_BYTES];
  if (outcome->unknown.count) {
    const bt_time_gap *first = &outcome->unknown.items[0], *last = &outcome->unknown.items[outcome->unknown.count - 1];
    bt_print("  %snot known for %s%s, between %s and %s: what it looks at could not be counted then\n",
             bt_style_on(BT_STYLE_YELLOW), span_text(bt_alert_unknown_ms(a, alert), unknown), bt_style_on(BT_STYLE_OFF),
             time_text(first->start_ms, from), time_text(last->end_ms, until));
  }
  if (outcome->failures)
    bt_print("  %sPrometheus refuses %zu of its evaluations%s: %s\n", bt_style_on(BT_STYLE_YELLOW), outcome->failures,
             bt_style_on(BT_STYLE_OFF), outcome->failure);
}

static void print_missing(const bt_rule_outcome *outcome) {
  for (size_t i = 0; i < outcome->missing_count; i++) {
    const bt_missing_series *missing = &outcome->missing[i];
    bt_print("  %snot known%s: ", bt_style_on(BT_STYLE_YELLOW), bt_style_on(BT_STYLE_OFF));
    if (missing->rule_id.len)
      bt_print("no rule here has the id %.*s of %.*s\n", BT_FMT(missing->rule_id), BT_FMT(missing->selector));
    else
      bt_print("%s %.*s\n",
               missing->is_counted ? "nothing that was counted for these rules passes" : "a backtest has no series for",
               BT_FMT(missing->selector));
  }
}

/* Which one it is, where files have several of a name. */
static void print_place(const bt_alert_backtest *a, const bt_alert_summary *alert) {
  const bt_alert_rules *rules = &a->backtest.rules;
  const bt_alert_rule *own = &rules->rules[alert->rule];
  size_t others = 0;
  for (size_t i = 0; i < rules->count; i++) {
    const bt_alert_rule *rule = &rules->rules[i];
    others += i != alert->rule && !rule->is_record && !rule->is_twin && bt_str_equal(rule->name, own->name);
  }
  if (others) bt_print(" (%s:%u)", own->file, own->line);
}

static void print_twins(const bt_alert_rules *rules, size_t rule) {
  for (size_t i = rule + 1; i < rules->count; i++)
    if (rules->rules[i].is_twin && rules->rules[i].twin_of == rule)
      bt_print("  %s:%u has the same alert: it pages once\n", rules->rules[i].file, rules->rules[i].line);
}

static void print_alert(const bt_alert_backtest *a, const bt_page_limits *limits, const bt_alert_summary *alert,
                        size_t most) {
  bt_str name = a->backtest.rules.rules[alert->rule].name;
  const bt_rule_outcome *outcome = &a->backtest.outcomes[alert->rule];
  bool is_known = !outcome->unknown.count && !outcome->failures && !bt_rule_outcome_lacks(outcome);
  bt_style style = alert->is_too_often ? BT_STYLE_RED : alert->pages || !is_known ? BT_STYLE_YELLOW : BT_STYLE_GREEN;
  char longest[SPAN_BYTES];
  bt_print("%s%.*s%s", bt_style_on(style), BT_FMT(name), bt_style_on(BT_STYLE_OFF));
  print_place(a, alert);
  if (alert->pages)
    bt_print(": %zu page%s, %.1f a week, %zu at night; the longest fires for %s\n", alert->pages,
             bt_cli_plural(alert->pages), alert->per_week, alert->at_night, span_text(alert->longest_ms, longest));
  else
    bt_print(": no page%s\n", is_known ? "" : " as far as is known");
  if (alert->pages) print_severities(alert);
  print_pages(&a->backtest, limits, alert, most);
  if (alert->is_too_often) print_suggestions(a, alert);
  print_unknown(a, alert);
  print_missing(outcome);
  print_twins(&a->backtest.rules, alert->rule);
}

/* ---- all of them ---- */

static bool is_on(const bt_alert_backtest *a, const bt_alert_summary *alert, bt_alert_basis basis) {
  return a->backtest.outcomes[alert->rule].basis == basis;
}

/* Those that page too often first. */
static void print_counted(const bt_alert_backtest *a, const bt_page_limits *limits, size_t most) {
  for (int turn = 0; turn < 3; turn++)
    for (size_t i = 0; i < a->alert_count; i++) {
      const bt_alert_summary *alert = &a->alerts[i];
      int own = alert->is_too_often ? 0 : alert->pages ? 1 : 2;
      if (own == turn && is_on(a, alert, BT_ALERT_ON_COUNTS)) print_alert(a, limits, alert, most);
    }
}

/* An alert on a rule that is not given, or on other labels than series have here. */
static void print_lacking(const bt_alert_backtest *a) {
  for (size_t i = 0; i < a->alert_count; i++) {
    const bt_rule_outcome *outcome = &a->backtest.outcomes[a->alerts[i].rule];
    if (outcome->basis == BT_ALERT_ON_COUNTS || !bt_rule_outcome_lacks(outcome)) continue;
    bt_print("%snot tested%s: %.*s", bt_style_on(BT_STYLE_YELLOW), bt_style_on(BT_STYLE_OFF),
             BT_FMT(a->backtest.rules.rules[a->alerts[i].rule].name));
    print_place(a, &a->alerts[i]);
    bt_print("\n");
    print_missing(outcome);
  }
}

/* An alert on nothing but assumptions says what was assumed. */
static void print_others(const bt_alert_backtest *a, bt_alert_basis basis, const char *why) {
  size_t said = 0;
  for (size_t i = 0; i < a->alert_count; i++)
    if (is_on(a, &a->alerts[i], basis) && !bt_rule_outcome_lacks(&a->backtest.outcomes[a->alerts[i].rule])) {
      bt_str name = a->backtest.rules.rules[a->alerts[i].rule].name;
      bt_print("%s%.*s", said++ ? ", " : "not tested: ", BT_FMT(name));
    }
  if (said) bt_print(": %s\n", why);
}

static void print_rules(const bt_alert_backtest *a) {
  for (size_t i = 0; i < a->rule_count; i++) {
    const bt_counted_rule *rule = &a->rules[i];
    bt_print("counted: %s: %" PRIu64 " violation%s", rule->rule->fields.id, rule->violations,
             bt_cli_plural(rule->violations));
    if (rule->has_exercised && !rule->exercised)
      bt_print("; nothing exercised it");
    else if (rule->has_exercised)
      bt_print(" of %" PRIu64 " traces that exercised it", rule->exercised);
    else
      bt_print("; what exercised it was not counted, so its betrace_exercised_total is not known");
    if (rule->unknown) bt_print("; %zu steps are not known", rule->unknown);
    bt_print("\n");
  }
}

static void print_sampling(const bt_sampled_traces *sampling) {
  bt_buffer said = {0};
  if (!bt_sampled_traces_lack(sampling)) return;
  bt_sampled_say_range(sampling, &said);
  bt_print("sampling: %.*s; the counters of watch, too, are of kept traces alone\n", BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

static void print_end(const bt_alert_backtest *a, const bt_page_limits *limits) {
  size_t pages = 0, at_night = 0, too_often = 0;
  char start[TIME_BYTES], end[TIME_BYTES], step[SPAN_BYTES];
  for (size_t i = 0; i < a->alert_count; i++) {
    pages += a->alerts[i].pages;
    at_night += a->alerts[i].at_night;
    too_often += a->alerts[i].is_too_often;
  }
  bt_print("%s to %s: %zu page%s, %.1f a week, %zu at night (%d to %d o'clock); %zu of %zu alerts more often than %g a "
           "week\n",
           time_text(a->backtest.start_ms, start), time_text(a->backtest.end_ms, end), pages, bt_cli_plural(pages),
           (double)pages / bt_backtest_weeks(&a->backtest), at_night, limits->night_from, limits->night_until,
           too_often, a->alert_count, limits->per_week);
  bt_duration_format(a->steps.step_ns, step);
  bt_print("%zu steps of %s, %zu evaluations in %.3f s; %" PRIu64 " requests, %" PRIu64 " bytes inspected, %" PRIu64
           " bytes received\n",
           bt_counted_steps_count(&a->steps), step, a->backtest.evaluations, (double)a->evaluating_ns / 1e9,
           a->steps.requests, a->steps.bytes_inspected, a->steps.bytes_received);
}

void bt_backtest_print(const bt_alert_backtest *a, const bt_page_limits *limits, size_t most) {
  print_counted(a, limits, most);
  print_lacking(a);
  print_others(a, BT_ALERT_ON_ASSUMED, "BeTrace and its watch are assumed to be well");
  print_others(a, BT_ALERT_ON_NOTHING, "there are no such series in a backtest");
  print_rules(a);
  if (a->steps.reason[0]) bt_print("not counted in full: %s\n", a->steps.reason);
  print_sampling(&a->steps.sampling);
  print_end(a, limits);
}
