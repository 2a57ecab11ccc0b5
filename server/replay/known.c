/* All traces that anything found, by id, each once, and sets of them as bits. Answers come in two steps (what has to be read; then the listing of
 * all traces and what is only counted), so that known traces get other numbers while the replay runs: whatever holds such numbers is moved
 * along here. Thread: the replay's. */
#include <stdlib.h>

#include "server/replay/run.h"

static bt_status move_numbers(void *context, const bt_trace_moves *moves, bt_error *error) {
  bt_run *run = context;
  bt_status status = BT_OK;
  for (size_t i = 0; i < run->queue_count; i++) run->queue[i] = moves->to[run->queue[i]];
  for (uint32_t i = 0; i < run->sample_count; i++) run->samples[i].known = moves->to[run->samples[i].known];
  for (size_t i = 0; status == BT_OK && i < run->plan.rule_count; i++) {
    bt_run_rule *rule = &run->rules[i];
    uint64_t **const sets[] = {&rule->candidates,        &rule->unread,  &rule->exercising,
                               &rule->surely_exercising, &rule->decided, &rule->decided_exercised};
    for (size_t s = 0; status == BT_OK && s < sizeof sets / sizeof *sets; s++)
      status = bt_bits_move(sets[s], moves, error);
  }
  return status;
}

static size_t bytes_of_bits(const bt_run *run) {
  size_t sets = 0;
  for (size_t i = 0; run->rules && i < run->plan.rule_count; i++) {
    const bt_run_rule *rule = &run->rules[i];
    const void *const all[] = {rule->candidates,        rule->unread,  rule->exercising,
                               rule->surely_exercising, rule->decided, rule->decided_exercised};
    for (size_t s = 0; s < sizeof all / sizeof *all; s++) sets += all[s] ? 1 : 0;
  }
  return sets * run->table.word_count * sizeof(uint64_t);
}

static size_t bytes_of_answers(const bt_run *run) {
  size_t found = run->first.found.capacity + run->first.searched.capacity;
  return found * sizeof(bt_found) + run->first.decided_capacity * sizeof(bt_decided);
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
  return run->queue_capacity * sizeof *run->queue + bytes_of_bits(run) + bytes_of_answers(run) + bytes_of_samples(run);
}

bt_trace_holder bt_run_holder(bt_run *run) {
  return (bt_trace_holder){run, move_numbers, count_bytes};
}
