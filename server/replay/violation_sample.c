/* The sample of what batches said, and what came of comparing it. See violation_sample.h. */
#include "server/replay/violation_sample.h"

#include "dsl/base/time_sum.h"
#include "server/base/clock.h"
#include "server/replay/decider.h"
#include "server/replay/delivery.h"
#include "server/replay/strategy.h"

enum { SAMPLE_FLOOR = 8 }; /* violating traces that are read by id whatever their number */
_Static_assert((int)BT_CHOSEN_MAX <= (int)SAMPLE_FLOOR, "what is chosen is not more than a sample");

/* ---- what earlier replays compared, and what this one adds ---- */

/* Looks again each time: another replay may have seen a difference since, and the source may be another one. With the
 * marks of pruned traces batches are asked in another way, of which nothing is kept. */
static bt_trust_grant look_up_trust(bt_judge *judge) {
  const bt_replay_plan *plan = judge->plan;
  bool is_same = judge->questions->projection == &plan->projection && bt_questions_are_of_one_source(judge->questions);
  return is_same ? bt_trust_look(plan->request.trust, &plan->question, bt_clock_steady_ns()) : bt_trust_nothing();
}

uint64_t bt_comparisons_wanted(bt_judge *judge, uint64_t sample) {
  bt_comparisons *made = &judge->comparisons;
  if (!judge->plan->keeps_trust) return sample;
  bt_trust_grant grant = look_up_trust(judge);
  bool is_first = !made->is_granted;
  made->is_granted = true;
  if (is_first || grant.compared < made->grant.compared) made->grant = grant;
  uint64_t wanted = bt_trust_wants(&grant, sample), done = made->agreed + made->differed;
  return wanted > done ? wanted - done : 0;
}

void bt_comparisons_take(bt_judge *judge, const bt_sampled *sampled, bool differs) {
  bt_comparisons *made = &judge->comparisons;
  made->count++;
  if (!sampled->is_handed_over) return;
  made->handed_over++;
  made->differed += differs;
  made->agreed += !differs && bt_judged_violates(judge, sampled->rules);
}

bool bt_comparisons_tell_of_others(const bt_judge *judge) {
  const bt_comparisons *made = &judge->comparisons;
  uint64_t differ = judge->differs.lost + judge->differs.refuted;
  if (differ != 1) return differ > 1;
  bool rests_on_batches = made->count < made->from_batches;
  return rests_on_batches && (judge->differs.lost || made->agreed < BT_TRUST_REASSURED);
}

uint32_t bt_comparisons_lacking(const bt_judge *judge) {
  const bt_comparisons *made = &judge->comparisons;
  uint32_t lacking = judge->plan->keeps_trust && made->from_batches ? judge->plan->trust.lacking : 0;
  return lacking > made->agreed ? lacking - made->agreed : 0;
}

static void say_comparison(bt_judge *judge) {
  const bt_comparisons *made = &judge->comparisons;
  bt_compared *said = &judge->account->result->coverage.compared;
  int64_t now_ns = judge->plan->request.now_ns;
  *said = (bt_compared){.here = made->count};
  if (!made->is_granted || !made->from_batches || !made->grant.compared) return;
  said->before = made->grant.compared;
  said->oldest_ns = bt_time_subtract(now_ns, made->grant.oldest_ns);
  said->newest_ns = bt_time_subtract(now_ns, made->grant.newest_ns);
}

void bt_comparisons_finish(bt_judge *judge) {
  const bt_comparisons *made = &judge->comparisons;
  const bt_replay_result *result = judge->account->result;
  bt_trust_news news = {.compared = made->handed_over,
                        .agreed = made->agreed,
                        .differed = bt_comparisons_tell_of_others(judge) ? made->differed : 0,
                        .spans = judge->decider->first.probed,
                        .subtracted_from = bt_decider_subtracted_from(judge->decider),
                        .is_looked = bt_kept_traces_count(&result->coverage.sampling.kept) > 0,
                        .is_unsampled = bt_sampled_traces_known(&result->coverage.sampling) == BT_KEPT_NOT_SAID};
  say_comparison(judge);
  if (!judge->plan->keeps_trust) return;
  news.units = bt_strategy_spent(&judge->plan->costs, result->requests, judge->judged);
  if (judge->questions->projection != &judge->plan->projection || !bt_questions_are_of_one_source(judge->questions))
    news.agreed = 0;
  bt_trust_add(judge->plan->request.trust, &judge->plan->question, bt_clock_steady_ns(), &news);
}

/* ---- candidates that are compared whatever the batch says of them ---- */

/* Of a rule whose other candidates were subtracted, or decided by the spans that it speaks of, what is left violates
 * as a rule: a few of these are compared, and asked for by id beside the first batch. One that violates is a part of
 * the sample; one that does not says whether what a batch holds for no violation is none. How many are chosen, and
 * which, rests on the seed and the ids alone. */

static bool is_left(const bt_judge *judge, size_t known) {
  for (size_t i = 0; i < judge->plan->rule_count; i++)
    if (judge->account->result->rules[i].strategy != BT_STRATEGY_READ &&
        bt_bit_get(judge->decider->rules[i].unread, known))
      return true;
  return false;
}

static bool is_young(const bt_judge *judge, size_t known) {
  int64_t handed_over_ns = bt_time_subtract(judge->plan->request.now_ns, judge->plan->request.assumptions.handover_ns);
  return bt_known_bounds(&judge->table->traces[known])->end_ns > handed_over_ns;
}

/* Those for which earlier comparisons stand are left out: not all of what is left violates, but at most all. */
void bt_violation_sample_choose(bt_judge *judge, const bt_known_list *known) {
  bt_reservoir smallest = {.count = 0};
  bt_chosen *chosen = &judge->chosen;
  uint64_t left = 0;
  if (!judge->plan->compares_some || judge->plan->reads_agree) return;
  for (size_t i = 0; i < known->count; i++) {
    size_t item = known->items[i];
    if (!is_left(judge, item)) continue;
    left++;
    uint64_t key = bt_replay_plan_sample_key(judge->plan, &judge->table->traces[item].matched.id);
    bt_reservoir_offer(&smallest, BT_CHOSEN_MAX, (bt_keyed){key, item});
  }
  uint64_t wanted = left ? bt_comparisons_wanted(judge, bt_violation_sample_size(judge, left)) : 0;
  for (size_t i = 0; i < smallest.count; i++) {
    bool is_plain = judge->plan->keeps_trust && !is_young(judge, smallest.items[i].known);
    if (is_plain && !wanted) continue;
    wanted -= is_plain;
    chosen->known[chosen->count++] = smallest.items[i].known;
  }
}

/* What cannot be asked for now is read with the sample. */
void bt_violation_sample_ask_chosen(bt_judge *judge, bt_read_request *batches) {
  bt_trace_id ids[BT_CHOSEN_MAX];
  uint32_t span_counts[BT_CHOSEN_MAX];
  bt_chosen *chosen = &judge->chosen;
  if (!chosen->count || chosen->are_asked) return;
  batches->ahead = bt_questions_ahead(judge->questions, (bt_asked){BT_AHEAD_BATCHES, .read = batches});
  if (!batches->ahead || batches->ahead->status != BT_OK) return;
  chosen->are_asked = true;
  for (size_t i = 0; i < chosen->count; i++) {
    ids[i] = judge->table->traces[chosen->known[i]].matched.id;
    span_counts[i] = bt_known_span_count(&judge->table->traces[chosen->known[i]]);
  }
  bt_read_request request = bt_replay_plan_read(judge->plan, ids, chosen->count, judge->plan->search_range);
  request.span_counts = span_counts;
  bt_questions_keep_ahead(judge->questions, (bt_asked){BT_AHEAD_BY_ID, .read = &request});
}

bool bt_violation_sample_is_chosen(const bt_judge *judge, size_t known) {
  for (size_t i = 0; i < judge->chosen.count; i++)
    if (judge->chosen.known[i] == known) return true;
  return false;
}

/* ---- violations ---- */

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

static uint64_t order_of(const bt_sampled *sampled) {
  return sampled->is_chosen ? 0 : sampled->key;
}

static uint32_t find_last(const bt_judge *judge) {
  uint32_t last = 0;
  for (uint32_t i = 1; i < judge->sample_count; i++)
    if (order_of(&judge->samples[i]) > order_of(&judge->samples[last])) last = i;
  return last;
}

/* Keeps the traces that come first by order_of, whatever the order in which they are read; the others are reported at
 * once. */
bt_status bt_violation_sample_add(bt_judge *judge, bt_sampled sampled, bt_error *error) {
  judge->sampled_from += sampled.violates;
  if (judge->sample_count < judge->plan->request.sample_size) {
    judge->samples[judge->sample_count++] = sampled;
    return BT_OK;
  }
  uint32_t last = find_last(judge);
  if (order_of(&sampled) < order_of(&judge->samples[last])) {
    bt_sampled out = judge->samples[last];
    judge->samples[last] = sampled;
    sampled = out;
  }
  return bt_delivery_take(judge, sampled.known, sampled.rules, error);
}

/* The root of their number, because what a sample can show follows from its size, and hardly from what it is of. */
uint64_t bt_violation_sample_size(const bt_judge *judge, uint64_t violating) {
  if (judge->plan->reads_agree && !judge->plan->sample_is_fixed) return 0;
  uint64_t wanted = SAMPLE_FLOOR, most = judge->plan->request.sample_size;
  while (wanted < most && wanted * wanted < violating) wanted++;
  wanted *= judge->plan->sample_times;
  return wanted < most ? wanted : most;
}

/* Tells of one that waits as the batch showed it. */
static bt_status let_go(bt_judge *judge, uint32_t index, bt_error *error) {
  bt_sampled out = judge->samples[index];
  judge->samples[index] = judge->samples[--judge->sample_count];
  return bt_delivery_take(judge, out.known, out.rules, error);
}

/* Earlier comparisons can stand for it: it was handed over long ago, and names no parent that the batch lacks. */
static bool is_plain(const bt_sampled *sampled) {
  return sampled->violates && sampled->is_handed_over && sampled->key >> 63 != 0;
}

/* Of what the sample holds those go for which earlier comparisons stand, the last ones first. */
static bt_status spare_plain(bt_judge *judge, bt_error *error) {
  uint64_t plain = 0;
  for (uint32_t i = 0; i < judge->sample_count; i++) plain += is_plain(&judge->samples[i]);
  uint64_t wanted =
      judge->sample_count ? bt_comparisons_wanted(judge, bt_violation_sample_size(judge, judge->sampled_from)) : 0;
  bt_status status = BT_OK;
  for (; status == BT_OK && plain > wanted; plain--) {
    uint32_t last = judge->sample_count;
    for (uint32_t i = 0; i < judge->sample_count; i++) {
      const bt_sampled *one = &judge->samples[i];
      if (!is_plain(one) || one->is_chosen) continue;
      if (last == judge->sample_count || one->key > judge->samples[last].key) last = i;
    }
    if (last == judge->sample_count) return BT_OK; /* those that are left were chosen when so many were wanted */
    status = let_go(judge, last, error);
  }
  return status;
}

/* Its batch does not violate, or where batches say all of what lies near may lack what lies far. */
static bool is_read_anyway(const bt_judge *judge, const bt_sampled *sampled) {
  bool lacks_parents = !judge->plan->wants_earliest && sampled->key >> 63 == 0;
  return !sampled->violates || (judge->plan->reads_agree && lacks_parents);
}

/* What was chosen stays. */
bt_status bt_violation_sample_settle(bt_judge *judge, bt_error *error) {
  uint64_t wanted = bt_violation_sample_size(judge, judge->sampled_from), others = 0;
  for (uint32_t i = 0; i < judge->sample_count; i++) others += is_read_anyway(judge, &judge->samples[i]);
  bt_status status = BT_OK;
  while (status == BT_OK && !judge->plan->sample_is_fixed && judge->sample_count > wanted + others) {
    uint32_t last = find_last(judge);
    if (judge->samples[last].is_chosen) break;
    status = let_go(judge, last, error);
  }
  return status == BT_OK && judge->plan->keeps_trust ? spare_plain(judge, error) : status;
}
