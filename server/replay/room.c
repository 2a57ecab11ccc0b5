/* What a replay holds while it runs, in the account of memory (server/memory/account.h): the traces that it knows, sets of them, and what waits to be told. A
 * replay that finds no room for that ends, and says that it is incomplete. Thread: the replay's. */
#include "server/replay/run.h"

/* A page of traces as they are read and judged: an answer of the source, its spans, what the evaluator needs. Of a small limit a part, so that several fit. */
static const size_t PAGE_BYTES = (size_t)2 << 20;
enum { PAGE_PART = 32 };

static size_t bytes_of_page(const bt_run *run) {
  size_t part = bt_memory_limit(run->request.memory) / PAGE_PART;
  return part < PAGE_BYTES ? part : PAGE_BYTES;
}

static size_t bytes_of_bits(const bt_run *run) {
  size_t sets = 0;
  for (size_t i = 0; i < run->query_count; i++) sets += run->queries[i]->bits ? 1 : 0;
  for (size_t i = 0; run->rules && i < run->request.rule_count; i++) {
    const bt_run_rule *rule = &run->rules[i];
    const void *const all[] = {rule->candidates,        rule->unread,  rule->exercising,
                               rule->surely_exercising, rule->decided, rule->decided_exercised};
    for (size_t s = 0; s < sizeof all / sizeof *all; s++) sets += all[s] ? 1 : 0;
  }
  return sets * run->word_count * sizeof(uint64_t);
}

/* Answers that were taken, and are not joined with the known traces yet. The others are the helper's. */
static size_t bytes_of_answers(const bt_run *run) {
  size_t found = run->own_found.capacity + run->first.found.capacity + run->first.searched.capacity;
  for (size_t i = 0; i < run->query_count; i++)
    if (run->queries[i]->is_taken && !run->queries[i]->is_gathered) found += run->queries[i]->found.capacity;
  return found * sizeof(bt_found) + run->first.decided_capacity * sizeof(bt_decided);
}

static size_t bytes_of_sample(const bt_run *run, const bt_sampled *sampled) {
  size_t bytes = run->request.rule_count * sizeof *sampled->rules;
  for (size_t i = 0; i < run->request.rule_count; i++)
    if (sampled->rules[i].violation) bytes += bt_violation_bytes(sampled->rules[i].violation);
  return bytes;
}

static size_t bytes_of_samples(const bt_run *run) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < run->sample_count; i++)
    if (run->samples[i].rules) bytes += bytes_of_sample(run, &run->samples[i]);
  return bytes;
}

/* The table of known traces, and the numbers of those that are read, by id or in pages. */
static size_t bytes_of_known(const bt_run *run) {
  return run->known_count * (sizeof *run->known + sizeof(size_t)) + run->queue_capacity * sizeof *run->queue;
}

bt_status bt_run_hold(bt_run *run, size_t more_bytes, bt_error *error) {
  size_t bytes = bytes_of_page(run) + bytes_of_known(run) + bytes_of_bits(run) + bytes_of_answers(run);
  bytes += bytes_of_samples(run);
  run->hold.account = run->request.memory;
  run->hold.kind = BT_MEMORY_READS;
  if (bt_memory_hold_set(&run->hold, bytes + more_bytes)) return BT_OK;
  run->has_no_room = true;
  return bt_error_set(error, BT_LIMIT,
                      "there is no room for the %zu traces that were found: what runs and what is kept fills the %zu "
                      "bytes of --memory-limit; take a shorter range, or wait for others to end",
                      run->known_count, bt_memory_limit(run->request.memory));
}

void bt_run_let_go(bt_run *run) {
  bt_memory_hold_shrink(&run->hold, 0);
}
