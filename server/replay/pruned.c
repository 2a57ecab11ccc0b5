/* Traces of which spans were summed up before they were stored (dsl/trace_pruned.h). One search finds them; mostly it finds none, which costs Tempo a few milliseconds.
 * Where there are some, batches give the marks too, so that the evaluator sees what it must not conclude. Thread: the replay's. */
#include "dsl/trace_pruned.h"
#include "server/replay/run.h"

static const bt_query *query_of(const bt_run *run) {
  return run->pruned ? run->queries[run->pruned] : NULL;
}

bt_status bt_pruned_ask(bt_run *run, bt_error *error) {
  if (!run->plan.filters) return BT_OK;
  bt_status status = bt_query_add(run, BT_STR(BT_PRUNED_FILTER), true, &run->pruned, error);
  if (status == BT_OK) run->queries[run->pruned]->expected = BT_EXPECTS_FEW;
  return status;
}

bool bt_pruned_are_known(const bt_run *run) {
  const bt_query *query = query_of(run);
  return !query || (query->is_taken && query->is_complete);
}

bool bt_pruned_has(const bt_run *run, size_t known) {
  const bt_query *query = query_of(run);
  return query && query->bits && bt_bit_get(query->bits, known);
}

void bt_pruned_join(const bt_run *run, const bt_run_rule *rule, uint64_t *bits) {
  const bt_query *query = query_of(run);
  bool can_violate = rule->planned->plan->violating->kind != BT_OVER_NONE;
  for (size_t w = 0; query && query->bits && can_violate && w < run->table.word_count; w++) bits[w] |= query->bits[w];
}

void bt_pruned_take(bt_run *run) {
  const bt_query *query = query_of(run);
  bool is_any = query && query->bits && bt_bits_count(&run->table, query->bits);
  if (is_any || !bt_pruned_are_known(run)) run->projection = &run->plan.marked_projection;
}
