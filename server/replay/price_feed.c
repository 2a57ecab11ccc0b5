/* What a replay cost, divided among its rules: a search among the rules that asked for it, everything else (reads,
 * probes) by the traces that were read for each, in equal parts when there were none. Thread: the replay's. */
#include <stdlib.h>

#include "server/replay/ledger.h"

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
