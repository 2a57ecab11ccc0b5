/* Violations by steps of a range. See counted_steps.h. */
#include "server/query/counted_steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool leave_out(bt_counted_steps *steps, size_t first, size_t end, int64_t margin_ns) {
  size_t count = bt_counted_steps_count(steps);
  const bt_time_range whole = {time_of(steps, 0), time_of(steps, count)};
  const bt_time_range gap = {time_of(steps, first), time_of(steps, end)};
  if (!bt_gap_is_worth_saying(whole, gap, margin_ns)) return false;
  for (size_t rule = 0; rule < steps->rule_count; rule++)
    for (size_t i = first; i < end; i++) steps->counts[rule * count + i].is_read = false;
  steps->lacking += end - first;
  return true;
}

/* A passed retention, a wrong tenant and an outage look like a time in which nothing was violated. */
static void leave_out_ends(bt_counted_steps *steps, int64_t margin_ns) {
  size_t count = bt_counted_steps_count(steps), first = 0, end = count, length = strlen(steps->reason);
  char said[BT_ENDS_BYTES] = "the source has no trace in the range";
  while (first < count && bt_counted_step(steps, 0, first)->is_empty) first++;
  while (end > first && bt_counted_step(steps, 0, end - 1)->is_empty) end--;
  const int64_t from_ns = time_of(steps, first), until_ns = time_of(steps, end);
  bool begins_late = leave_out(steps, 0, first, margin_ns), ends_early = leave_out(steps, end, count, margin_ns);
  if (steps->lacking < count) bt_ends_say(begins_late ? &from_ns : NULL, ends_early ? &until_ns : NULL, said);
  if (said[0]) snprintf(steps->reason + length, sizeof steps->reason - length, "%s%s", length ? "; " : "", said);
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
  if (!status) leave_out_ends(out, asked->assumptions.margin_ns);
  free(run.is_unsure);
  free(run.has_trace);
  free(run.provisional);
  return status;
}

void bt_counted_steps_dispose(bt_counted_steps *steps) {
  free(steps->counts);
  bt_memory_hold_shrink(&steps->hold, 0);
  *steps = (bt_counted_steps){0};
}
