/* Numbers and prices of a replay. See ledger.h. Own traces count nowhere. */
#include "server/replay/ledger.h"

#include <assert.h>
#include <stdlib.h>

#include "server/replay/delivery.h"

/* ---- numbers ---- */

typedef struct exactness {
  bool evaluated, exercised;
} exactness;

/* Files give whole traces by every read. */
static bool judged_for(const bt_ledger *ledger, const bt_rule_sets *rule, const bt_known *known) {
  if (!known->judged) return false;
  return !rule->planned->whole_trace || ledger->plan->is_static || known->flags & BT_KNOWN_BY_ID;
}

/* A verdict follows for a trace that was judged, or that the searches show not to violate. A rule that takes
 * complete traces only cannot tell the latter without reading whether a trace is complete. */
static bool has_verdict(const bt_rule_sets *rule, size_t index, bool is_judged) {
  return is_judged || (!bt_bit_get(rule->unread, index) && !rule->planned->require_complete);
}

static void count_evaluated(const bt_rule_sets *rule, size_t index, bool is_judged, bt_place place,
                            bt_rule_result *result, exactness *exact) {
  if (place == BT_PLACE_UNDECIDED || !has_verdict(rule, index, is_judged))
    exact->evaluated = false;
  else if (place == BT_PLACE_SETTLED)
    result->traces_evaluated++;
}

static bool is_decided(const bt_rule_sets *rule, size_t index) {
  return rule->decided && bt_bit_get(rule->decided, index);
}

static bool is_surely_exercising(const bt_rule_sets *rule, size_t index) {
  return rule->surely_exercising && bt_bit_get(rule->surely_exercising, index);
}

/* Judged traces that exercised the rule are counted already. Of the others only those with a verdict count: what was
 * not evaluated exercised nothing that anybody looked at. */
static void count_exercised(const bt_rule_sets *rule, size_t index, bool is_judged, bt_place place,
                            bt_rule_result *result, exactness *exact) {
  if (is_judged || (rule->exercising && !bt_bit_get(rule->exercising, index))) return;
  if (is_decided(rule, index) && !bt_bit_get(rule->decided_exercised, index)) return;
  bool follows = has_verdict(rule, index, is_judged);
  if (follows && is_decided(rule, index) && place == BT_PLACE_SETTLED)
    result->traces_exercised++;
  else if (!follows || !is_surely_exercising(rule, index) || place == BT_PLACE_UNDECIDED)
    exact->exercised = false;
  else if (place == BT_PLACE_SETTLED)
    result->traces_exercised++;
}

/* Of a trace that the searches show not to violate. */
static bt_truth exercised_unread(const bt_rule_sets *rule, size_t index) {
  if (is_decided(rule, index)) return bt_bit_get(rule->decided_exercised, index) ? BT_TRUE : BT_FALSE;
  if (!rule->exercising) return BT_UNKNOWN;
  if (!bt_bit_get(rule->exercising, index)) return BT_FALSE;
  return is_surely_exercising(rule, index) ? BT_TRUE : BT_UNKNOWN;
}

void bt_ledger_count_later(const bt_ledger *ledger, bt_part_read *out) {
  const bt_rule_sets *rule = &ledger->decider->rules[0];
  if (rule->planned->require_complete) return;
  for (size_t i = 0; i < ledger->table->count; i++) {
    const bt_known *known = &ledger->table->traces[i];
    if (known->flags & BT_KNOWN_OWN || judged_for(ledger, rule, known) || bt_bit_get(rule->unread, i)) continue;
    bt_truth exercised = exercised_unread(rule, i);
    if (exercised == BT_FALSE ||
        bt_trace_table_place_in(ledger->table, rule->planned->window, known) != BT_PLACE_SETTLED)
      continue;
    bool is_within = bt_replay_plan_sample_key(ledger->plan, &known->matched.id) <= out->last_key;
    *(exercised == BT_TRUE ? &out->later : &out->later_unsure) += 1;
    *(exercised == BT_TRUE ? &out->within : &out->within_unsure) += is_within;
  }
}

static bt_status tell_unread(const bt_ledger *ledger, size_t number, size_t index, bt_place place, bt_error *error) {
  const bt_rule_sets *rule = &ledger->decider->rules[number];
  const bt_known *known = &ledger->table->traces[index];
  bt_found bounds;
  int64_t reach_ns = bt_trace_table_bounds(ledger->table, known, &bounds) ? 0 : rule->planned->window->margin_ns;
  bt_trace_verdict verdict = {.rule = number,
                              .trace_id = bounds.id,
                              .time_ns = bt_time_subtract(bounds.start_ns, reach_ns),
                              .time_latest_ns = bt_window_latest_time(rule->planned->window, &bounds),
                              .verdict = BT_SATISFIED,
                              .exercised = exercised_unread(rule, index),
                              .is_settled = place == BT_PLACE_SETTLED};
  return bt_delivery_tell(ledger->account, &verdict, error);
}

/* Those that need no reading and have a place in the window. */
static bt_status tell_rule(const bt_ledger *ledger, size_t number, bt_error *error) {
  const bt_rule_sets *rule = &ledger->decider->rules[number];
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < ledger->table->count; i++) {
    const bt_known *known = &ledger->table->traces[i];
    bt_place place = bt_trace_table_place_in(ledger->table, rule->planned->window, known);
    bool is_placed = place == BT_PLACE_SETTLED || place == BT_PLACE_TAIL;
    bool is_told = judged_for(ledger, rule, known) || bt_bit_get(rule->unread, i) || rule->planned->require_complete;
    if (known->flags & BT_KNOWN_OWN || !is_placed || is_told) continue;
    status = tell_unread(ledger, number, i, place, error);
  }
  return status;
}

static void count_rule(const bt_ledger *ledger, size_t number) {
  const bt_rule_sets *rule = &ledger->decider->rules[number];
  bt_rule_result *result = &ledger->account->result->rules[number];
  exactness exact = {ledger->table->is_listed && ledger->questions->own_are_known,
                     rule->exercising && ledger->questions->own_are_known};
  for (size_t i = 0; i < ledger->table->count; i++) {
    const bt_known *known = &ledger->table->traces[i];
    bt_place place = bt_trace_table_place_in(ledger->table, rule->planned->window, known);
    if (known->flags & BT_KNOWN_OWN || place == BT_PLACE_OUTSIDE) continue;
    if (place == BT_PLACE_TAIL) result->unsettled++;
    bool is_judged = judged_for(ledger, rule, known);
    if (bt_bit_get(rule->candidates, i)) result->traces_candidate++;
    count_evaluated(rule, i, is_judged, place, result, &exact);
    count_exercised(rule, i, is_judged, place, result, &exact);
  }
  result->evaluated_is_exact = exact.evaluated;
  result->exercised_is_exact = exact.exercised;
  assert(result->traces_exercised <= result->traces_evaluated);
  assert(result->violations_provisional <= result->violations_found);
  assert(result->violations_found - result->violations_provisional <= result->traces_exercised);
}

bt_status bt_ledger_count(const bt_ledger *ledger, bt_error *error) {
  bt_coverage *coverage = &ledger->account->result->coverage;
  for (size_t i = 0; i < ledger->table->count; i++) {
    if (ledger->table->traces[i].flags & BT_KNOWN_OWN) continue;
    if (bt_trace_table_is_in_tail(ledger->table, &ledger->table->traces[i])) coverage->unsettled++;
    if (bt_trace_table_place(ledger->table, &ledger->table->traces[i]) == BT_PLACE_OUTSIDE &&
        bt_decider_is_candidate(ledger->decider, i))
      coverage->outside++;
  }
  for (size_t i = 0; i < ledger->plan->rule_count; i++) count_rule(ledger, i);
  bt_status status = BT_OK;
  bool is_told = ledger->account->observer && ledger->account->observer->verdict;
  for (size_t i = 0; status == BT_OK && is_told && i < ledger->plan->rule_count; i++)
    status = tell_rule(ledger, i, error);
  return status;
}

/* ---- what each rule cost: a search is divided among the rules that asked for it, everything else (reads, probes) by
 * the traces that were read for each, in equal parts when there were none ---- */

static bool has_filter(const bt_over *over, bt_str filter) {
  if (over->kind == BT_OVER_QUERY) return bt_str_equal(over->query.filter, filter);
  for (uint32_t i = 0; i < over->item_count; i++)
    if (has_filter(over->items[i], filter)) return true;
  return false;
}

static bool asks_question(const bt_plan *plan, const bt_question *question) {
  for (uint32_t i = 0; i < plan->subtract_count; i++)
    if (bt_str_equal(plan->subtract[i].filter, question->text)) return true;
  return has_filter(plan->violating, question->text) || has_filter(plan->exercising, question->text);
}

static void add_part(bt_price *price, const bt_price *whole, double part) {
  price->requests += (uint64_t)((double)whole->requests * part + 0.5);
  price->bytes_inspected += (uint64_t)((double)whole->bytes_inspected * part + 0.5);
  price->bytes_received += (uint64_t)((double)whole->bytes_received * part + 0.5);
}

/* What nobody in particular asked for is left for all. */
static void divide_query(const bt_ledger *ledger, const bt_question *question, bt_price *prices, bt_price *rest) {
  bt_price whole = {.requests = question->account.requests,
                    .bytes_inspected = question->account.bytes_inspected,
                    .bytes_received = question->account.bytes_received};
  size_t users = 0, count = ledger->plan->rule_count;
  for (size_t i = 0; i < count; i++) users += asks_question(ledger->plan->rules[i].plan, question);
  if (!users || !question->is_taken) return;
  for (size_t i = 0; i < count; i++)
    if (asks_question(ledger->plan->rules[i].plan, question)) add_part(&prices[i], &whole, 1.0 / (double)users);
  rest->requests -= whole.requests;
  rest->bytes_inspected -= whole.bytes_inspected;
  rest->bytes_received -= whole.bytes_received;
}

static void divide_rest(const bt_ledger *ledger, const bt_price *rest, bt_price *prices) {
  uint64_t read = 0;
  size_t count = ledger->plan->rule_count;
  for (size_t i = 0; i < count; i++) read += ledger->account->result->rules[i].traces_read;
  for (size_t i = 0; i < count; i++) {
    double part = read ? (double)ledger->account->result->rules[i].traces_read / (double)read : 1.0 / (double)count;
    add_part(&prices[i], rest, part);
  }
}

void bt_ledger_feed_prices(const bt_ledger *ledger, int64_t duration_ns) {
  const bt_replay_result *result = ledger->account->result;
  size_t count = ledger->plan->rule_count;
  bt_price *prices = ledger->plan->request.prices ? calloc(count, sizeof *prices) : NULL;
  bt_price rest = {.requests = result->requests,
                   .bytes_inspected = result->bytes_inspected,
                   .bytes_received = result->bytes_received};
  if (!prices) return;
  for (size_t i = 0; i < ledger->questions->count; i++)
    divide_query(ledger, ledger->questions->items[i], prices, &rest);
  divide_rest(ledger, &rest, prices);
  for (size_t i = 0; i < count; i++) {
    const bt_rule_definition *rule = ledger->plan->rules[i].definition;
    bt_price_key key = {ledger->plan->request.tenant, rule->fields.id, rule->condition_hash};
    prices[i].replays = 1;
    prices[i].traces_read = result->rules[i].traces_read;
    prices[i].duration_ns = duration_ns / (int64_t)count;
    prices[i].differences = result->rules[i].sample_differences + result->rules[i].unread_differences;
    bt_price_table_add(ledger->plan->request.prices, &key, &prices[i]);
  }
  free(prices);
}
