/* The sample of violations. See violation_sample.h. */
#include "server/replay/violation_sample.h"

#include "server/replay/comparisons.h"
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

/* The root of their number, because what a sample can show follows from its size, and hardly from what it is of. */
uint64_t bt_violation_sample_size(const bt_judge *judge, uint64_t violating) {
  uint64_t wanted = SAMPLE_FLOOR, most = judge->plan->request.sample_size;
  while (wanted < most && wanted * wanted < violating) wanted++;
  wanted *= judge->plan->sample_times;
  return wanted < most ? wanted : most;
}

/* What is still to be read. */
static uint64_t count_wanted(const bt_judge *judge, uint64_t under_way) {
  uint64_t wanted = bt_violation_sample_size(judge, judge->sampled_from + under_way);
  uint64_t read = judge->spared + judge->early.read + under_way;
  return wanted - (read < wanted ? read : wanted);
}

/* Earlier comparisons can stand for it: it was handed over long ago, and names no parent that the batch lacks. */
static bool is_plain(const bt_judge *judge, const bt_sampled *sampled) {
  return judge->plan->keeps_trust && sampled->is_handed_over && sampled->key >> 63 != 0;
}

static uint64_t count_plain_wanted(bt_judge *judge, uint64_t under_way) {
  return bt_comparisons_wanted(judge, bt_violation_sample_size(judge, judge->sampled_from + under_way));
}

size_t bt_violation_sample_preview(bt_judge *judge, uint64_t under_way, size_t *known) {
  uint64_t wanted = count_wanted(judge, under_way);
  size_t most = wanted < BT_MORE_BY_ID_MAX ? (size_t)wanted : BT_MORE_BY_ID_MAX;
  bt_reservoir smallest = {.count = 0};
  for (uint32_t i = 0; most && i < judge->sample_count; i++)
    bt_reservoir_offer(&smallest, most, (bt_keyed){judge->samples[i].key, i});
  uint64_t plain = most ? count_plain_wanted(judge, under_way) : 0, used = 0;
  plain = plain > under_way ? plain - under_way : 0;
  for (size_t i = 0; i < smallest.count; i++) {
    const bt_sampled *sampled = &judge->samples[smallest.items[i].known];
    if (is_plain(judge, sampled) && !plain) continue;
    plain -= is_plain(judge, sampled);
    known[used++] = sampled->known;
  }
  return used;
}

/* Tells of one that waits as the batch showed it. */
static bt_status let_go(bt_judge *judge, uint32_t index, bt_error *error) {
  bt_sampled out = judge->samples[index];
  judge->samples[index] = judge->samples[--judge->sample_count];
  return bt_delivery_take(judge, out.known, out.rules, error);
}

/* Of what the sample holds those go for which earlier comparisons stand, the last ones first. */
static bt_status spare_plain(bt_judge *judge, bt_error *error) {
  uint64_t plain = 0, wanted = judge->sample_count ? count_plain_wanted(judge, 0) : 0;
  for (uint32_t i = 0; i < judge->sample_count; i++) plain += is_plain(judge, &judge->samples[i]);
  bt_status status = BT_OK;
  for (; status == BT_OK && plain > wanted; plain--) {
    uint32_t last = judge->sample_count;
    for (uint32_t i = 0; i < judge->sample_count; i++)
      if (is_plain(judge, &judge->samples[i]) &&
          (last == judge->sample_count || judge->samples[i].key > judge->samples[last].key))
        last = i;
    judge->spared++;
    status = let_go(judge, last, error);
  }
  return status;
}

bt_status bt_violation_sample_settle(bt_judge *judge, bt_error *error) {
  uint64_t wanted = count_wanted(judge, 0);
  bt_status status = BT_OK;
  while (status == BT_OK && !judge->plan->sample_is_fixed && judge->sample_count > wanted)
    status = let_go(judge, largest_key(judge), error);
  return status == BT_OK && judge->plan->keeps_trust ? spare_plain(judge, error) : status;
}
