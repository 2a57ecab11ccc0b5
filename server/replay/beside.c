/* Reads by id that go on while Tempo answers the first batch. A batch keeps Tempo busy with one question, and the
 * sample of violations that is read by id afterwards (deliver.c) costs more than it. Of a rule whose candidates were
 * subtracted, or decided by the spans that it speaks of, what is left violates as a rule: some of these are read by id
 * at once, and if they violate they are a part of the sample. One that does not is no waste either: it says whether
 * what a batch holds for no violation is none. Young ones come first, because a violation that rests on absence is read
 * by id in any case there. How many are chosen, and which, rests on the seed and the ids alone, so that the same
 * question is confirmed in the same way. When the batch has said what violates, the rest of the sample is asked for
 * before these answers are in. Thread: the replay's. */
#include "server/replay/reservoir.h"
#include "server/replay/run.h"

_Static_assert((int)BT_MORE_BY_ID_MAX <= (int)BT_RESERVOIR_MAX, "a reservoir chooses what is asked for at once");

/* Left over where the rule's other candidates were subtracted, or decided by their spans. */
static bool is_left_of(const bt_run *run, size_t rule, size_t known) {
  return run->account.result->rules[rule].strategy != BT_STRATEGY_READ &&
         bt_bit_get(run->decider.rules[rule].unread, known);
}

static bool is_young(const bt_run *run, size_t known) {
  int64_t handed_over_ns = bt_time_subtract(run->plan.request.now_ns, run->plan.request.assumptions.handover_ns);
  return bt_known_bounds(&run->table.traces[known])->end_ns > handed_over_ns;
}

/* Offers it, if it is left of some rule. */
static void offer(const bt_run *run, size_t known, bt_reservoir *smallest) {
  bool is_left = false, comes_first = false;
  for (size_t i = 0; i < run->plan.rule_count; i++) {
    if (!is_left_of(run, i, known)) continue;
    is_left = true;
    comes_first = comes_first || (run->plan.rules[i].plan->rests_on_absence && is_young(run, known));
  }
  uint64_t key = bt_sample_key(run, &run->table.traces[known].matched.id) >> 1 | (comes_first ? 0 : (uint64_t)1 << 63);
  if (is_left) bt_reservoir_offer(smallest, BT_BESIDE_MAX, (bt_keyed){key, known});
}

static bt_sampled *find_chosen(bt_run *run, size_t known) {
  for (size_t i = 0; i < run->beside.count; i++)
    if (run->beside.chosen[i].known == known) return &run->beside.chosen[i];
  return NULL;
}

static void move_to_front(bt_run *run, bt_known_list *known) {
  size_t front = 0;
  for (size_t i = 0; i < known->count; i++) {
    size_t item = known->items[i];
    if (!find_chosen(run, item)) continue;
    known->items[i] = known->items[front];
    known->items[front++] = item;
  }
}

size_t bt_beside_choose(bt_run *run, bt_known_list *known) {
  bt_reservoir smallest = {.count = 0};
  bt_beside *beside = &run->beside;
  if (beside->is_done || !run->plan.reads_early) return 0;
  for (size_t i = 0; i < known->count; i++) offer(run, known->items[i], &smallest);
  for (size_t i = 0; i < smallest.count; i++) beside->chosen[i] = (bt_sampled){.known = smallest.items[i].known};
  beside->count = smallest.count;
  beside->is_done = smallest.count != 0;
  move_to_front(run, known);
  return beside->count;
}

bool bt_beside_keep(bt_run *run, const bt_sampled *judged) {
  bt_sampled *chosen = find_chosen(run, judged->known);
  if (chosen) *chosen = *judged;
  return chosen != NULL;
}

static size_t place_of(const size_t *known, size_t count, size_t item) {
  size_t place = 0;
  while (place < count && known[place] != item) place++;
  return place;
}

size_t bt_beside_more(const bt_run *run, const size_t *known, size_t count, size_t *places) {
  uint64_t under_way = 0;
  size_t samples[BT_MORE_BY_ID_MAX], used = 0;
  for (size_t i = 0; i < run->beside.count; i++) {
    const bt_judged *rules = run->beside.chosen[i].rules;
    under_way += rules && bt_judged_violates(run, rules);
  }
  size_t chosen = bt_sample_preview(run, under_way, samples);
  for (size_t i = 0; i < chosen; i++) {
    size_t place = place_of(known, count, samples[i]);
    if (place < count) places[used++] = place;
  }
  return used;
}

/* Of the sample; it does not wait for its read by id any more. False: it is not one of them. */
static bool take_sample(bt_run *run, size_t known, bt_sampled *out) {
  for (uint32_t i = 0; i < run->sample_count; i++) {
    if (run->samples[i].known != known) continue;
    *out = run->samples[i];
    run->samples[i] = run->samples[--run->sample_count];
    return true;
  }
  return false;
}

/* What a batch could not give waits for a read by id, and this is one. */
static bt_status judge_queued(bt_run *run, size_t known, const bt_trace *trace, bt_error *error) {
  if (!trace || !bt_run_unqueue(run, known)) return BT_OK;
  return bt_judge_trace(run, known, trace, true, error);
}

bt_status bt_beside_take(bt_run *run, size_t known, const bt_trace *trace, bt_error *error) {
  bt_sampled *chosen = find_chosen(run, known);
  bt_sampled sample;
  if (!chosen && take_sample(run, known, &sample)) {
    run->beside.read++;
    return bt_judge_sampled(run, &sample, trace, BT_SAMPLE_IS_GONE, error);
  }
  if (!chosen || !chosen->rules) return judge_queued(run, known, trace, error);
  bool violates = bt_judged_violates(run, chosen->rules);
  if (!trace && !violates) return BT_OK;
  run->sampled_from += violates;
  run->beside.read += violates;
  return bt_judge_sampled(run, chosen, trace, BT_SAMPLE_IS_GONE, error);
}

static bt_status settle(bt_run *run, const bt_sampled *chosen, bt_error *error) {
  if (!chosen->rules) return BT_OK;
  return bt_judged_violates(run, chosen->rules) ? bt_sample_or_deliver(run, *chosen, error)
                                                : bt_deliver(run, chosen->known, chosen->rules, error);
}

bt_status bt_beside_settle(bt_run *run, bt_error *error) {
  bt_beside *beside = &run->beside;
  bt_status status = BT_OK;
  while (status == BT_OK && beside->count) status = settle(run, &beside->chosen[--beside->count], error);
  return status;
}

void bt_beside_dispose(bt_run *run) {
  for (size_t i = 0; i < run->beside.count; i++) bt_judged_free(run->beside.chosen[i].rules, run->plan.rule_count);
}
