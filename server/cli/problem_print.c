/* Problems on a terminal. See problem_print.h. */
#include "server/cli/problem_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/base/span_time.h"
#include "server/base/time_text.h"
#include "server/cli/printer.h"
#include "server/cli/terminal.h"
#include "server/json/problems_json.h"

static const int64_t SECOND_NS = 1000000000;

static void write_place(const bt_found_problem *problem, bt_buffer *out) {
  if (!problem->is_looked_at) return;
  if (!problem->has_root)
    bt_buffer_append(out, BT_STR("traces without a root span: "));
  else if (!problem->service.len)
    bt_buffer_append(out, BT_STR("traces whose root span has no service: "));
  else
    bt_buffer_printf(out, "%.*s: ", BT_FMT(problem->service));
}

static void print_head(const bt_found_problem *problem, const bt_rule_definition *rule) {
  bt_buffer said = {0};
  write_place(problem, &said);
  bt_problem_say(problem, rule, &said);
  bt_print("%s%s%s  %s%s%s  %.*s\n", bt_style_on(BT_STYLE_DIM), problem->id, bt_style_on(BT_STYLE_OFF),
           bt_style_on(BT_STYLE_RED), rule->fields.id, bt_style_on(BT_STYLE_OFF), BT_FMT(bt_buffer_str(&said)));
  bt_buffer_dispose(&said);
}

static void write_share(const bt_problems *problems, const bt_found_problem *problem, bt_buffer *out) {
  const bt_rule_result *rule = &problems->result.rules[problem->rule];
  if (problem->share >= 0) bt_buffer_printf(out, ", %.3g %%", 100 * problem->share);
  bt_buffer_printf(out, " of %s%" PRIu64 " that exercised the rule", rule->exercised_is_exact ? "" : "at least ",
                   problems->exercised[problem->rule]);
  if (problem->provisional) bt_buffer_printf(out, ", %" PRIu64 " not settled yet", problem->provisional);
}

static void print_numbers(const bt_problems *problems, const bt_found_problem *problem, bt_severity severity) {
  char first[BT_SPAN_TIME_BYTES], last[BT_SPAN_TIME_BYTES];
  bt_buffer share = {0};
  write_share(problems, problem, &share);
  bt_span_time_format(problem->first.time_ns, 0, first);
  bt_span_time_format(problem->last.time_ns, 0, last);
  bt_print("  %s, %s, %s%" PRIu64 " trace%s%.*s, first %s, last %s\n", bt_severity_name(severity),
           bt_trend_name(problem->trend), problem->is_at_least ? "at least " : "", problem->count,
           problem->count == 1 ? "" : "s", BT_FMT(bt_buffer_str(&share)), first, last);
  if (problem->why) bt_print("  trend unknown: %s\n", problem->why);
  bt_buffer_dispose(&share);
}

static void write_part(const bt_rate_part *part, bool by_time, bt_buffer *out) {
  char length[64];
  bt_duration_format(part->length_ns / SECOND_NS * SECOND_NS, length);
  bt_buffer_printf(out, "%" PRIu64, part->violations);
  if (by_time)
    bt_buffer_printf(out, " in %s", length);
  else
    bt_buffer_printf(out, " of %" PRIu64, part->exercised);
}

static void print_change(const bt_rate_change *change, bool by_time) {
  char at[BT_SPAN_TIME_BYTES], from[BT_SPAN_TIME_BYTES], to[BT_SPAN_TIME_BYTES];
  bt_buffer said = {0};
  bt_span_time_format(change->at_ns, 0, at);
  bt_span_time_format(change->from_ns, 0, from);
  bt_span_time_format(change->to_ns, 0, to);
  write_part(&change->before, by_time, &said);
  bt_buffer_append(&said, BT_STR(" before, "));
  write_part(&change->after, by_time, &said);
  bt_print("  %s at %s: %.*s after; between %s and %s\n", bt_rate_change_is_rise(change, by_time) ? "rose" : "fell", at,
           BT_FMT(bt_buffer_str(&said)), from, to);
  bt_buffer_dispose(&said);
}

/* A step without any is the lowest line, and one that is not known a question mark. */
static void print_sparkline(const bt_problems *problems, const bt_found_problem *problem) {
  static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  enum { HIGHEST = sizeof bars / sizeof bars[0] - 1 };
  uint64_t most = 1, violations = 0;
  for (size_t i = 0; i < problems->step_count; i++)
    if (bt_problem_step(problems, problem, i, &violations) && violations > most) most = violations;
  bt_print("  ");
  for (size_t i = 0; i < problems->step_count; i++) {
    bool is_known = bt_problem_step(problems, problem, i, &violations);
    size_t height = (size_t)((double)violations / (double)most * HIGHEST + 0.999999);
    bt_print("%s", !is_known ? "?" : bars[height > HIGHEST ? (size_t)HIGHEST : height]);
  }
  bt_print("\n");
}

void bt_problems_print(const bt_problems *problems, const bt_rule_definition *const *rules, uint64_t most) {
  size_t shown = most && problems->count > most ? (size_t)most : problems->count;
  for (size_t i = 0; i < shown; i++) {
    const bt_found_problem *problem = &problems->items[i];
    print_head(problem, rules[problem->rule]);
    print_numbers(problems, problem, rules[problem->rule]->fields.severity);
    print_sparkline(problems, problem);
    for (size_t k = 0; k < problem->change_count; k++) print_change(&problem->changes[k], problem->changes_by_time);
  }
  if (shown < problems->count) bt_print("… and %zu more problems (--limit 0 prints all)\n", problems->count - shown);
}
