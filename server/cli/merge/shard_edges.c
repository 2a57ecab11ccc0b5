/* What several shards tell of one trace. See shard_edges.h. */
#include "server/cli/merge/shard_edges.h"

#include <stdlib.h>

#include "dsl/base/arena.h"

typedef struct edge {
  bt_trace_verdict verdict;
  size_t shard; /* its answer */
} edge;

static int compare_edges(const void *a, const void *b) {
  const edge *x = a, *y = b;
  int order = bt_trace_id_compare(&x->verdict.trace_id, &y->verdict.trace_id);
  if (!order) order = (x->verdict.rule > y->verdict.rule) - (x->verdict.rule < y->verdict.rule);
  return order ? order : (x->shard > y->shard) - (x->shard < y->shard);
}

/* New, by trace, then rule, then shard; NULL: no memory. */
static edge *list_edges(const bt_shard_answer *answers, size_t count, size_t *out) {
  size_t all = 0;
  for (size_t i = 0; i < count; i++) all += answers[i].edge_count;
  edge *edges = bt_realloc_array(NULL, all + 1, sizeof *edges);
  *out = 0;
  for (size_t i = 0; edges && i < count; i++)
    for (size_t e = 0; e < answers[i].edge_count; e++) edges[(*out)++] = (edge){answers[i].edges[e], i};
  if (edges && all) qsort(edges, all, sizeof *edges, compare_edges);
  return edges;
}

/* ---- what one verdict counts ---- */

/* As the replay counted it (delivery.c, ledger.c). Unsigned numbers wrap, so that taking is adding the negative. */
static void count_verdict(bt_rule_result *into, const bt_trace_verdict *verdict, uint64_t times) {
  bool violates = verdict->verdict == BT_VIOLATED, is_settled = verdict->is_settled;
  if (is_settled) into->traces_evaluated += times;
  if (is_settled && verdict->exercised == BT_TRUE) into->traces_exercised += times;
  if (is_settled && verdict->verdict == BT_INCONCLUSIVE) into->inconclusive += times;
  if (!is_settled) into->unsettled += times;
  if (violates) into->violations_found += times;
  if (violates) into->violations_listed += times;
  if (violates && !is_settled) into->violations_provisional += times;
  if (violates && verdict->rests_on_no_link) into->violations_without_link += times;
}

static int rank_of(bt_verdict verdict) {
  return verdict == BT_VIOLATED ? 3 : verdict == BT_INCONCLUSIVE ? 2 : verdict == BT_SATISFIED ? 1 : 0;
}

/* Settled where some shard has it in its settled part; a violation where some shard saw one. */
static bt_trace_verdict join_verdicts(const edge *edges, size_t count) {
  bt_trace_verdict joined = edges[0].verdict;
  for (size_t i = 1; i < count; i++) {
    const bt_trace_verdict *from = &edges[i].verdict;
    if (rank_of(from->verdict) > rank_of(joined.verdict)) {
      joined.verdict = from->verdict;
      joined.rests_on_no_link = from->rests_on_no_link;
    }
    if (from->exercised > joined.exercised) joined.exercised = from->exercised;
    joined.is_settled = joined.is_settled || from->is_settled;
  }
  return joined;
}

/* ---- one trace ---- */

static size_t count_same_rule(const edge *edges, size_t count) {
  size_t same = 1;
  while (same < count && edges[same].verdict.rule == edges[0].verdict.rule) same++;
  return same;
}

/* In how many answers it has such an edge. */
static uint64_t count_shards(const edge *edges, size_t count, bool (*has)(const bt_trace_verdict *)) {
  uint64_t shards = 0;
  for (size_t i = 0; i < count; i++) {
    bool is_first = has(&edges[i].verdict);
    for (size_t k = 0; k < i && is_first; k++) is_first = edges[k].shard != edges[i].shard || !has(&edges[k].verdict);
    shards += is_first;
  }
  return shards;
}

static bool is_in_tail(const bt_trace_verdict *verdict) {
  return !verdict->is_settled;
}

static bool is_named_long(const bt_trace_verdict *verdict) {
  return verdict->is_long;
}

/* All edges of one trace. Returns how often too much it is counted as a long one. */
static uint64_t settle_trace(const edge *edges, size_t count, bt_replay_result *result) {
  bool is_tail = false;
  for (size_t i = 0, same; i < count; i += same) {
    same = count_same_rule(edges + i, count - i);
    bt_rule_result *rule = &result->rules[edges[i].verdict.rule];
    bt_trace_verdict joined = join_verdicts(edges + i, same);
    for (size_t k = 0; k < same; k++) count_verdict(rule, &edges[i + k].verdict, (uint64_t)-1);
    count_verdict(rule, &joined, 1);
    is_tail = is_tail || !joined.is_settled;
  }
  result->coverage.unsettled -= count_shards(edges, count, is_in_tail) - is_tail;
  uint64_t named = count_shards(edges, count, is_named_long);
  return named ? named - 1 : 0;
}

/* Where all are named the names tell how many there are. */
static void settle_long(const bt_shard_answer *answers, size_t count, uint64_t doubled, bt_coverage *coverage) {
  uint64_t sum = 0;
  if (coverage->long_trace_count < BT_LONG_TRACES_NAMED) return;
  for (size_t i = 0; i < count; i++) sum += answers[i].result.coverage.long_trace_count;
  coverage->long_trace_count = sum > doubled + BT_LONG_TRACES_NAMED ? sum - doubled : BT_LONG_TRACES_NAMED;
}

static size_t count_same_trace(const edge *edges, size_t count) {
  size_t same = 1;
  while (same < count && !bt_trace_id_compare(&edges[same].verdict.trace_id, &edges[0].verdict.trace_id)) same++;
  return same;
}

bt_status bt_shard_edges_settle(const bt_shard_answer *answers, size_t count, bt_replay_result *result,
                                bt_error *error) {
  size_t all;
  edge *edges = list_edges(answers, count, &all);
  if (!edges) return bt_error_no_memory(error);
  uint64_t doubled = 0;
  for (size_t i = 0, same; i < all; i += same) {
    same = count_same_trace(edges + i, all - i);
    doubled += settle_trace(edges + i, same, result);
  }
  free(edges);
  settle_long(answers, count, doubled, &result->coverage);
  return BT_OK;
}
