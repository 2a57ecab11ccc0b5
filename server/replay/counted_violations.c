/* Which violations are counted alone. See counted_violations.h. What a trace's bounds say of its time may be wrong by
 * margin, because a fragment may lie before them; where it matters they are taken so. */
#include "server/replay/counted_violations.h"

#include <stdlib.h>

#include "dsl/base/time_sum.h"
#include "server/replay/decider.h"
#include "server/replay/spans_verdict.h"

static const int64_t precision_ns = 2000000000; /* of bounds in answers */

/* Of one rule: traces that begin between these may be counted. */
typedef struct countable {
  int64_t from_ns, until_ns;
} countable;

/* And within what is settled of its range. */
static bool is_violating(const bt_judge *judge, const bt_rule_sets *rule, size_t known) {
  if (!rule->violating || !bt_bit_get(rule->violating, known) || !bt_bit_get(rule->unread, known)) return false;
  const bt_known *k = &judge->table->traces[known];
  return bt_trace_table_place_in(judge->table, rule->planned->window, k) == BT_PLACE_SETTLED;
}

static int64_t start_of(const bt_judge *judge, size_t known) {
  return bt_known_bounds(&judge->table->traces[known])->start_ns;
}

/* Enough come before to be listed, and one comes after, also while all of the sample wait. */
static countable look_at_rule(const bt_judge *judge, const bt_rule_sets *rule, const bt_known_list *known) {
  const bt_replay_request *request = &judge->plan->request;
  uint64_t waiting = request->sample_size + BT_CHOSEN_MAX, before = 0, after = 0;
  countable out = {INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < known->count && before < request->most_listed + waiting; i++) {
    if (!is_violating(judge, rule, known->items[i])) continue;
    before++;
    out.from_ns = bt_time_add(start_of(judge, known->items[i]), judge->plan->window.margin_ns);
  }
  for (size_t i = known->count; i > 0 && after <= waiting; i--) {
    if (!is_violating(judge, rule, known->items[i - 1])) continue;
    after++;
    out.until_ns = start_of(judge, known->items[i - 1]);
  }
  return out;
}

/* For every rule that it would be read for. */
static bool is_countable(const bt_judge *judge, const countable *rules, size_t known) {
  bool wanted = false;
  for (size_t i = 0; i < judge->plan->rule_count; i++) {
    const bt_rule_sets *rule = &judge->decider->rules[i];
    if (!bt_bit_get(rule->unread, known)) continue;
    bool is_within = rules[i].from_ns < start_of(judge, known) && start_of(judge, known) < rules[i].until_ns;
    if (!is_within || !is_violating(judge, rule, known)) return false;
    wanted = true;
  }
  return wanted;
}

bt_status bt_counted_violations_choose(const bt_judge *judge, bt_known_list *known, bt_known_list *later,
                                       bt_error *error) {
  size_t kept = 0;
  if (!bt_spans_may_count(judge->decider)) return BT_OK;
  countable *rules = calloc(judge->plan->rule_count, sizeof *rules);
  later->items = bt_realloc_array(NULL, known->count + 1, sizeof *later->items);
  if (!rules || !later->items) {
    free(rules);
    return bt_error_no_memory(error);
  }
  for (size_t i = 0; i < judge->plan->rule_count; i++) rules[i] = look_at_rule(judge, &judge->decider->rules[i], known);
  for (size_t i = 0; i < known->count; i++) {
    size_t item = known->items[i];
    if (is_countable(judge, rules, item))
      later->items[later->count++] = item;
    else
      known->items[kept++] = item;
  }
  known->count = kept;
  free(rules);
  return BT_OK;
}

static bool is_counted_for(const bt_judge *judge, size_t rule, size_t known) {
  const bt_rule_result *result = &judge->account->result->rules[rule];
  const bt_found *bounds = bt_known_bounds(&judge->table->traces[known]);
  int64_t earliest_ns = bt_time_subtract(bounds->start_ns, judge->plan->window.margin_ns);
  int64_t latest_ns = bt_time_add(bounds->end_ns, precision_ns);
  bool is_later = result->listed_until_ns && result->listed_until_ns < earliest_ns;
  return is_later && result->first_violation.time_ns < earliest_ns && latest_ns < result->last_violation.time_ns;
}

static bool is_counted(const bt_judge *judge, size_t known) {
  for (size_t i = 0; i < judge->plan->rule_count; i++)
    if (bt_bit_get(judge->decider->rules[i].unread, known) && !is_counted_for(judge, i, known)) return false;
  return true;
}

size_t bt_counted_violations_sort(const bt_judge *judge, bt_known_list *later) {
  size_t due = 0;
  for (size_t i = 0; i < later->count; i++) {
    size_t known = later->items[i];
    if (!judge->spans_differ && is_counted(judge, known)) continue;
    later->items[i] = later->items[due];
    later->items[due++] = known;
  }
  return due;
}

static bt_status count_trace(bt_judge *judge, size_t known, bt_error *error) {
  const bt_replay_observer *observer = judge->account->observer;
  bt_moment moment = {true, judge->table->traces[known].matched.id, start_of(judge, known)};
  bt_status status = BT_OK;
  for (size_t r = 0; status == BT_OK && r < judge->plan->rule_count; r++) {
    bt_rule_sets *rule = &judge->decider->rules[r];
    if (!bt_bit_get(rule->unread, known)) continue;
    bt_spans_decide(judge->decider, rule, BT_SPANS_EXERCISED, known);
    judge->account->result->rules[r].violations_found++;
    bt_entry_services_count_violation(judge->entries, judge->table, r, &judge->table->traces[known]);
    if (observer->counted) status = observer->counted(observer->context, r, &moment, error);
  }
  judge->judged++;
  return status;
}

bt_status bt_counted_violations_count(bt_judge *judge, const size_t *known, size_t count, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < count; i++) status = count_trace(judge, known[i], error);
  return status;
}
