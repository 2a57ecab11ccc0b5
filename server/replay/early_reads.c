/* Reads by id that go on while Tempo answers the first batch. A batch keeps Tempo busy with one question, and the
 * sample of violations that is read by id afterwards (violation_sample.c) costs more. Where candidates were subtracted
 * or decided by their spans, most of those that are left violate. So some are read by id at once, and those that
 * violate are part of the sample. One that does not is no waste either: it tests what a batch holds for no violation.
 * Young ones come first, because a violation that rests on absence is read by id there anyway. The seed and the ids
 * alone choose how many and which, so that the same question confirms the same traces. The rest of the sample is asked
 * for as soon as the batch has said what violates. Thread: the replay's. */
#include "server/replay/early_reads.h"

#include "server/replay/comparisons.h"
#include "server/replay/delivery.h"
#include "server/replay/trace_judge.h"
#include "server/replay/violation_sample.h"

_Static_assert((int)BT_MORE_BY_ID_MAX <= (int)BT_RESERVOIR_MAX, "a reservoir chooses what is asked for at once");

/* Left over where the rule's other candidates were subtracted, or decided by their spans. */
static bool is_left_of(const bt_judge *judge, size_t rule, size_t known) {
  return judge->account->result->rules[rule].strategy != BT_STRATEGY_READ &&
         bt_bit_get(judge->decider->rules[rule].unread, known);
}

static bool is_young(const bt_judge *judge, size_t known) {
  int64_t handed_over_ns = bt_time_subtract(judge->plan->request.now_ns, judge->plan->request.assumptions.handover_ns);
  return bt_known_bounds(&judge->table->traces[known])->end_ns > handed_over_ns;
}

/* Offers it, if it is left of some rule. */
static bool offer_trace(const bt_judge *judge, size_t known, bt_reservoir *smallest) {
  bool is_left = false, comes_first = false;
  for (size_t i = 0; i < judge->plan->rule_count; i++) {
    if (!is_left_of(judge, i, known)) continue;
    is_left = true;
    comes_first = comes_first || (judge->plan->rules[i].plan->rests_on_absence && is_young(judge, known));
  }
  uint64_t key = bt_replay_plan_sample_key(judge->plan, &judge->table->traces[known].matched.id) >> 1 |
                 (comes_first ? 0 : (uint64_t)1 << 63);
  if (is_left) bt_reservoir_offer(smallest, BT_EARLY_READS_MAX, (bt_keyed){key, known});
  return is_left;
}

static void move_to_front(bt_judge *judge, bt_known_list *known) {
  size_t front = 0;
  for (size_t i = 0; i < known->count; i++) {
    size_t item = known->items[i];
    if (!bt_violation_sample_find_early(judge, item)) continue;
    known->items[i] = known->items[front];
    known->items[front++] = item;
  }
}

/* Those for which earlier comparisons stand are left out: not all of what is left violates, but at most all. */
static void choose(bt_judge *judge, const bt_reservoir *from, size_t violating) {
  bt_early_reads *early = &judge->early;
  uint64_t wanted = bt_comparisons_wanted(judge, bt_violation_sample_size(judge, violating));
  for (size_t i = 0; i < from->count; i++) {
    size_t known = from->items[i].known;
    bool is_plain = judge->plan->keeps_trust && !is_young(judge, known);
    if (is_plain && !wanted) continue;
    wanted -= is_plain;
    early->chosen[early->count++] = (bt_sampled){.known = known};
  }
}

size_t bt_early_reads_choose(bt_judge *judge, bt_known_list *known) {
  bt_reservoir smallest = {.count = 0};
  bt_early_reads *early = &judge->early;
  if (early->is_done || !judge->plan->reads_early) return 0;
  size_t left = 0;
  for (size_t i = 0; i < known->count; i++) left += offer_trace(judge, known->items[i], &smallest);
  if (left) choose(judge, &smallest, left);
  early->is_done = smallest.count != 0;
  move_to_front(judge, known);
  return early->count;
}

static size_t place_of(const size_t *known, size_t count, size_t item) {
  size_t place = 0;
  while (place < count && known[place] != item) place++;
  return place;
}

size_t bt_early_reads_more(bt_judge *judge, const size_t *known, size_t count, size_t *places) {
  uint64_t under_way = 0;
  size_t samples[BT_MORE_BY_ID_MAX], used = 0;
  for (size_t i = 0; i < judge->early.count; i++) {
    const bt_judged *rules = judge->early.chosen[i].rules;
    under_way += rules && bt_judged_violates(judge, rules);
  }
  size_t chosen = bt_violation_sample_preview(judge, under_way, samples);
  for (size_t i = 0; i < chosen; i++) {
    size_t place = place_of(known, count, samples[i]);
    if (place < count) places[used++] = place;
  }
  return used;
}

/* Of the sample; it does not wait for its read by id any more. False: it is not one of them. */
static bool take_sample(bt_judge *judge, size_t known, bt_sampled *out) {
  for (uint32_t i = 0; i < judge->sample_count; i++) {
    if (judge->samples[i].known != known) continue;
    *out = judge->samples[i];
    judge->samples[i] = judge->samples[--judge->sample_count];
    return true;
  }
  return false;
}

/* What a batch could not give waits for a read by id, and this is one. */
static bt_status judge_queued(bt_judge *judge, size_t known, const bt_trace *trace, bt_error *error) {
  if (!trace || !bt_trace_judge_unqueue(judge, known)) return BT_OK;
  return bt_trace_judge_take(judge, known, trace, true, error);
}

bt_status bt_early_reads_take(bt_judge *judge, size_t known, const bt_trace *trace, bt_error *error) {
  bt_sampled *chosen = bt_violation_sample_find_early(judge, known);
  bt_sampled sample;
  if (!chosen && take_sample(judge, known, &sample)) {
    judge->early.read++;
    return bt_trace_judge_take_sampled(judge, &sample, trace, BT_SAMPLE_IS_GONE, error);
  }
  if (!chosen || !chosen->rules) return judge_queued(judge, known, trace, error);
  bool violates = bt_judged_violates(judge, chosen->rules);
  if (!trace && !violates) return BT_OK;
  judge->sampled_from += violates;
  judge->early.read += violates;
  return bt_trace_judge_take_sampled(judge, chosen, trace, BT_SAMPLE_IS_GONE, error);
}

static bt_status settle_chosen(bt_judge *judge, const bt_sampled *chosen, bt_error *error) {
  if (!chosen->rules) return BT_OK;
  return bt_judged_violates(judge, chosen->rules) ? bt_violation_sample_add(judge, *chosen, error)
                                                  : bt_delivery_take(judge, chosen->known, chosen->rules, error);
}

bt_status bt_early_reads_settle(bt_judge *judge, bt_error *error) {
  bt_early_reads *early = &judge->early;
  bt_status status = BT_OK;
  while (status == BT_OK && early->count) status = settle_chosen(judge, &early->chosen[--early->count], error);
  return status;
}
