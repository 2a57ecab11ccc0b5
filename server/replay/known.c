/* All traces that anything found, by id, each once, and sets of them as bits. Answers come in two steps (what has to be read; then the listing of
 * all traces and what is only counted), so that known traces get other numbers while the replay runs: whatever holds such numbers is moved
 * along here. Thread: the replay's. */
#include <stdlib.h>

#include "server/replay/run.h"

static bt_status move_numbers(void *context, const bt_trace_moves *moves, bt_error *error) {
  bt_run *run = context;
  for (size_t i = 0; i < run->queue_count; i++) run->queue[i] = moves->to[run->queue[i]];
  for (uint32_t i = 0; i < run->sample_count; i++) run->samples[i].known = moves->to[run->samples[i].known];
  (void)error;
  return BT_OK;
}

static size_t bytes_of_sample(const bt_run *run, const bt_sampled *sampled) {
  size_t bytes = run->plan.rule_count * sizeof *sampled->rules;
  for (size_t i = 0; i < run->plan.rule_count; i++)
    if (sampled->rules[i].violation) bytes += bt_violation_bytes(sampled->rules[i].violation);
  return bytes;
}

static size_t bytes_of_samples(const bt_run *run) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < run->sample_count; i++)
    if (run->samples[i].rules) bytes += bytes_of_sample(run, &run->samples[i]);
  return bytes;
}

static size_t count_bytes(const void *context) {
  const bt_run *run = context;
  return run->queue_capacity * sizeof *run->queue + bytes_of_samples(run);
}

bt_trace_holder bt_run_holder(bt_run *run) {
  return (bt_trace_holder){run, move_numbers, count_bytes};
}
