/* The sample of violations. See violation_sample.h. */
#include "server/replay/violation_sample.h"

#include "server/replay/delivery.h"

enum { SAMPLE_FLOOR = 8 }; /* violating traces that are read by id whatever their number */

bt_sampled *bt_violation_sample_find_early(bt_judge *judge, size_t known) {
  for (size_t i = 0; i < judge->early.count; i++)
    if (judge->early.chosen[i].known == known) return &judge->early.chosen[i];
  return NULL;
}

bool bt_violation_sample_keep(bt_judge *judge, const bt_sampled *judged) {
  bt_sampled *chosen = bt_violation_sample_find_early(judge, judged->known);
  if (chosen) *chosen = *judged;
  return chosen != NULL;
}

/* In order of time, for who wants the earliest violation: those are worth the reads by id. */
static uint64_t time_key(const bt_judge *judge, const bt_judged *rules) {
  int64_t time_ns = INT64_MAX;
  for (size_t i = 0; i < judge->plan->rule_count; i++) {
    const bt_trace_verdict *verdict = &rules[i].verdict;
    bool violates = rules[i].is_usable && verdict->verdict == BT_VIOLATED;
    if (violates && verdict->violation_ns < time_ns) time_ns = verdict->violation_ns;
  }
  return (uint64_t)time_ns ^ (uint64_t)1 << 63;
}

/* Traces that name parents which the batch did not show come first: they are the ones whose beginning may lie
 * farther back than margin. */
uint64_t bt_violation_sample_key(const bt_judge *judge, const bt_trace *trace, const bt_judged *rules) {
  if (judge->plan->wants_earliest) return time_key(judge, rules);
  return bt_replay_plan_sample_key(judge->plan, &trace->id) >> 1 | (trace->missing_parents ? 0 : (uint64_t)1 << 63);
}

static uint32_t largest_key(const bt_judge *judge) {
  uint32_t largest = 0;
  for (uint32_t i = 1; i < judge->sample_count; i++)
    if (judge->samples[i].key > judge->samples[largest].key) largest = i;
  return largest;
}

/* Keeps the traces with the smallest keys, which does not depend on the order in which they come; the others are
 * reported at once. */
bt_status bt_violation_sample_add(bt_judge *judge, bt_sampled sampled, bt_error *error) {
  judge->sampled_from++;
  if (judge->sample_count < judge->plan->request.sample_size) {
    judge->samples[judge->sample_count++] = sampled;
    return BT_OK;
  }
  uint32_t largest = largest_key(judge);
  if (sampled.key < judge->samples[largest].key) {
    bt_sampled out = judge->samples[largest];
    judge->samples[largest] = sampled;
    sampled = out;
  }
  return bt_delivery_take(judge, sampled.known, sampled.rules, error);
}

/* Those that name parents which the batch did not show; they have the smallest keys. */
static uint64_t count_orphans(const bt_judge *judge) {
  uint64_t count = 0, most = SAMPLE_FLOOR * judge->plan->sample_times;
  for (uint32_t i = 0; i < judge->sample_count; i++) count += judge->samples[i].key >> 63 == 0;
  return count < most ? count : most;
}

/* What is still to be read: the root of their number, because what a sample can show follows from its size, and
 * hardly from what it is of. What comes after a part of the sample was read lies near the edges, where beginnings
 * may be missing: of such traces some are read whatever was read before. */
static uint64_t count_wanted(const bt_judge *judge, uint64_t under_way) {
  uint64_t wanted = SAMPLE_FLOOR, times = judge->plan->sample_times;
  while (wanted < judge->plan->request.sample_size && wanted * wanted < judge->sampled_from + under_way) wanted++;
  wanted *= times;
  if (wanted > judge->plan->request.sample_size) wanted = judge->plan->request.sample_size;
  uint64_t read = judge->samples_read + judge->early.read + under_way;
  wanted -= read < wanted ? read : wanted;
  uint64_t orphans = judge->has_sampled_part ? count_orphans(judge) : 0;
  return orphans > wanted ? orphans : wanted;
}

size_t bt_violation_sample_preview(const bt_judge *judge, uint64_t under_way, size_t *known) {
  uint64_t wanted = count_wanted(judge, under_way);
  size_t most = wanted < BT_MORE_BY_ID_MAX ? (size_t)wanted : BT_MORE_BY_ID_MAX;
  bt_reservoir smallest = {.count = 0};
  for (uint32_t i = 0; most && i < judge->sample_count; i++)
    bt_reservoir_offer(&smallest, most, (bt_keyed){judge->samples[i].key, judge->samples[i].known});
  for (size_t i = 0; i < smallest.count; i++) known[i] = smallest.items[i].known;
  return smallest.count;
}

bt_status bt_violation_sample_settle(bt_judge *judge, bt_error *error) {
  uint64_t wanted = count_wanted(judge, 0);
  bt_status status = BT_OK;
  while (status == BT_OK && !judge->plan->sample_is_fixed && judge->sample_count > wanted) {
    uint32_t largest = largest_key(judge);
    bt_sampled out = judge->samples[largest];
    judge->samples[largest] = judge->samples[--judge->sample_count];
    status = bt_delivery_take(judge, out.known, out.rules, error);
  }
  return status;
}
