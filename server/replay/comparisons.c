/* See comparisons.h. */
#include "server/replay/comparisons.h"

#include "server/base/clock.h"
#include "server/replay/delivery.h"
#include "server/replay/strategy.h"

/* Looks again each time: another replay may have seen a difference since, and the source may be another one. With the
 * marks of pruned traces batches are asked in another way, of which nothing is kept. */
static bt_trust_grant look(bt_judge *judge) {
  const bt_replay_plan *plan = judge->plan;
  bool is_same = judge->questions->projection == &plan->projection && bt_questions_are_of_one_source(judge->questions);
  return is_same ? bt_trust_look(plan->request.trust, &plan->question, bt_clock_steady_ns()) : bt_trust_nothing();
}

uint64_t bt_comparisons_wanted(bt_judge *judge, uint64_t sample) {
  bt_comparisons *made = &judge->comparisons;
  if (!judge->plan->keeps_trust) return sample;
  bt_trust_grant grant = look(judge);
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

uint32_t bt_comparisons_lacking(const bt_judge *judge) {
  const bt_comparisons *made = &judge->comparisons;
  uint32_t lacking = judge->plan->keeps_trust && made->from_batches ? judge->plan->trust.lacking : 0;
  return lacking > made->agreed ? lacking - made->agreed : 0;
}

static void say(bt_judge *judge) {
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
  bt_trust_news news = {.compared = made->handed_over, .agreed = made->agreed, .differed = made->differed};
  say(judge);
  if (!judge->plan->keeps_trust) return;
  news.units = bt_strategy_spent(result->requests, judge->judged);
  if (judge->questions->projection != &judge->plan->projection || !bt_questions_are_of_one_source(judge->questions))
    news.agreed = 0;
  bt_trust_add(judge->plan->request.trust, &judge->plan->question, bt_clock_steady_ns(), &news);
}
