/* Violations by steps of a range. See counted_steps.h. */
#include "server/query/counted_steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/query/series_pool.h"

enum { MOST_CELLS = 8000000 };

static bt_status check_steps(const bt_counted_steps *steps, bt_error *error) {
  if (!steps->rule_count || steps->end_step <= steps->first_step)
    return bt_error_set(error, BT_INVALID, "the range has no whole step that is settled");
  if (bt_counted_steps_count(steps) > MOST_CELLS / steps->rule_count)
    return bt_error_set(error, BT_INVALID,
                        "%zu steps of %zu rules are more than %d counts; take a longer --step, a shorter range or "
                        "fewer rules",
                        bt_counted_steps_count(steps), steps->rule_count, MOST_CELLS);
  return BT_OK;
}

/* What counted nothing at all has failed: the reason begins with the word of its status. */
static bt_status check_run(const bt_series_run *run, bt_error *error) {
  if (!run->counts && run->hold.bytes) return bt_error_no_memory(error);
  if (!run->counts) return bt_error_set(error, BT_LIMIT, "%s", run->reason);
  for (size_t i = 0; i < run->series_count * bt_run_steps(run); i++)
    if (run->counts[i].is_read) return BT_OK;
  return bt_error_set(error, BT_UNAVAILABLE, "no step could be counted: %s", run->reason);
}

static int64_t time_of(const bt_counted_steps *steps, size_t index) {
  return (steps->first_step + (int64_t)index) * steps->step_ns;
}

static void leave_out(bt_counted_steps *steps, size_t first, size_t end) {
  size_t count = bt_counted_steps_count(steps);
  for (size_t rule = 0; rule < steps->rule_count; rule++)
    for (size_t i = first; i < end; i++) steps->counts[rule * count + i].is_read = false;
  steps->lacking += end - first;
}

static bool is_worth_saying(const bt_counted_steps *steps, size_t first, size_t end, int64_t margin_ns) {
  const bt_time_range whole = {time_of(steps, 0), time_of(steps, bt_counted_steps_count(steps))};
  return bt_gap_is_worth_saying(whole, (bt_time_range){time_of(steps, first), time_of(steps, end)}, margin_ns);
}

static void add_reason(bt_counted_steps *steps, const char *said) {
  size_t length = strlen(steps->reason);
  if (said[0]) snprintf(steps->reason + length, sizeof steps->reason - length, "%s%s", length ? "; " : "", said);
}

/* A passed retention, a wrong tenant and an outage look like a time in which nothing was violated. So does a time of
 * which retention left some traces: it ends at kept_from_ns (0: there is none). */
static void leave_out_ends(bt_counted_steps *steps, int64_t kept_from_ns, int64_t margin_ns) {
  size_t count = bt_counted_steps_count(steps), deleted = 0, first = 0, end = count;
  char said[BT_ENDS_BYTES] = "the source has no trace in the range";
  while (deleted < count && time_of(steps, deleted) < kept_from_ns) deleted++;
  while (first < count && bt_counted_step(steps, 0, first)->is_empty) first++;
  while (end > first && bt_counted_step(steps, 0, end - 1)->is_empty) end--;
  if (!is_worth_saying(steps, 0, first, margin_ns)) first = 0;
  if (!is_worth_saying(steps, end, count, margin_ns)) end = count;
  const int64_t from_ns = time_of(steps, first), until_ns = time_of(steps, end);
  const size_t left_out = first > deleted ? first : deleted;
  leave_out(steps, 0, left_out);
  leave_out(steps, end > left_out ? end : left_out, count);
  if (first < count) bt_ends_say(first ? &from_ns : NULL, end < count ? &until_ns : NULL, said);
  add_reason(steps, said);
}

/* What the source says now that it has taken away. */
static void leave_out_losses(bt_source *source, const bt_replay_request *asked, bt_counted_steps *steps) {
  const bt_losses losses = bt_source_losses(source, asked->tenant, asked->cancel);
  bt_coverage coverage = {.asked = asked->range};
  char said[BT_LOSSES_BYTES];
  bt_coverage_add_losses(&coverage, &losses, bt_clock_wall_ns());
  bt_coverage_say_losses(&coverage, said);
  add_reason(steps, said);
  steps->is_redacted = coverage.redacted_ns != 0;
  leave_out_ends(steps, coverage.kept_from_ns, asked->assumptions.margin_ns);
}

bt_status bt_counted_steps_find(bt_source *source, const bt_replay_request *asked, int64_t step_ns,
                                void (*progress)(void *context, double fraction, const bt_replay_result *so_far),
                                bt_counted_steps *out, bt_error *error) {
  *out = (bt_counted_steps){.step_ns = step_ns,
                            .first_step = asked->range.start_ns / step_ns,
                            .end_step = asked->range.end_ns / step_ns,
                            .rule_count = asked->rule_count};
  bt_status status = check_steps(out, error);
  if (status) return status;
  bt_series_options options = {
      .assumptions = asked->assumptions, .memory_limit_bytes = (size_t)256 << 20, .memory = asked->memory};
  bt_series_run run = {.rules = (const bt_rule_definition **)asked->rules,
                       .series_count = asked->rule_count,
                       .tenant = asked->tenant ? (char *)asked->tenant : (char *)"",
                       .source = source,
                       .step_ns = step_ns,
                       .first_step = out->first_step,
                       .end_step = out->end_step,
                       .margin_ns = asked->assumptions.margin_ns,
                       .wants_exercised = true,
                       .counts_all = asked->count == BT_COUNT_EXACT,
                       .cancel = asked->cancel,
                       .is_past = true,
                       .progress = progress};
  bt_series_run_evaluate(&options, &run);
  status = check_run(&run, error);
  out->counts = run.counts;
  out->hold = run.hold;
  out->sampling = run.sampling;
  out->requests = run.requests;
  out->bytes_inspected = run.bytes_inspected;
  out->bytes_received = run.bytes_received;
  memcpy(out->reason, run.reason, sizeof out->reason);
  if (!status) leave_out_losses(source, asked, out);
  bt_series_run_drop_marks(&run);
  return status;
}

void bt_counted_steps_dispose(bt_counted_steps *steps) {
  free(steps->counts);
  bt_memory_hold_shrink(&steps->hold, 0);
  *steps = (bt_counted_steps){0};
}
