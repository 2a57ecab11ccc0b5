/* The families of given traces. See given_families.h. */
#include "server/replay/given_families.h"

#include <stdlib.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "dsl/evaluate/link_reach.h"
#include "server/replay/family.h"

typedef struct gathering {
  bt_replay_plan plan;
  bt_replay_result result;
  bt_replay_account replay_account;
  bt_trace_table table;
  bt_questions questions;
  const bt_given_trace *traces;
  size_t *order; /* of their starts: those of one look-up are near one another then */
  bt_trace_id *ids;
  bt_given_family_sink sink;
  void *context;
  bt_source_account *account; /* or NULL */
  size_t failures_told;
} gathering;

bool bt_verdict_awaits_links(const bt_rule_definition *rule, const bt_rule_verdict *verdict) {
  bt_link_reach reach = bt_link_reach_of(rule->rule);
  return bt_link_reach_awaits(&reach, verdict);
}

bool bt_verdicts_await_links(const bt_rule_definition *const *rules, const bt_rule_verdict *verdicts, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (bt_verdict_awaits_links(rules[i], &verdicts[i])) return true;
  return false;
}

bt_given_trace bt_given_trace_of(const bt_trace *trace) {
  return (bt_given_trace){trace->id, {bt_trace_start_ns(trace), bt_time_add(bt_trace_latest_start_ns(trace), 1)}};
}

static int compare_start(const void *a, const void *b, void *context) {
  const bt_given_trace *traces = context;
  const size_t left = *(const size_t *)a, right = *(const size_t *)b;
  int64_t left_ns = traces[left].starts.start_ns, right_ns = traces[right].starts.start_ns;
  return left_ns != right_ns ? (left_ns > right_ns) - (left_ns < right_ns) : (left > right) - (left < right);
}

static bt_status order_traces(gathering *g, size_t count, bt_error *error) {
  g->order = bt_realloc_array(NULL, count, sizeof *g->order);
  g->ids = bt_realloc_array(NULL, count, sizeof *g->ids);
  if (!g->order || !g->ids) return bt_error_no_memory(error);
  for (size_t i = 0; i < count; i++) g->order[i] = i;
  qsort_r(g->order, count, sizeof *g->order, compare_start, (void *)g->traces);
  for (size_t i = 0; i < count; i++) g->ids[i] = g->traces[g->order[i]].id;
  return BT_OK;
}

static bt_time_range range_of(const bt_given_trace *traces, size_t count) {
  bt_time_range range = traces[0].starts;
  for (size_t i = 1; i < count; i++) {
    if (traces[i].starts.start_ns < range.start_ns) range.start_ns = traces[i].starts.start_ns;
    if (traces[i].starts.end_ns > range.end_ns) range.end_ns = traces[i].starts.end_ns;
  }
  return range;
}

static void connect_parts(gathering *g, bt_source *source) {
  g->replay_account.result = &g->result;
  g->table.plan = &g->plan;
  g->questions = (bt_questions){.source = source, .plan = &g->plan, .table = &g->table, .account = &g->replay_account};
}

/* Whoever takes a family may look whether anything failed so far. */
static bt_status tell_failures(gathering *g, bt_error *error) {
  const bt_coverage *coverage = &g->result.coverage;
  for (; g->account && g->failures_told < coverage->windows_failed_count; g->failures_told++) {
    const bt_failed_window *failed = &coverage->windows_failed[g->failures_told];
    if (!bt_source_account_fail(g->account, failed->range, failed->reason)) return bt_error_no_memory(error);
  }
  return BT_OK;
}

static bt_status give_family(void *context, size_t index, const bt_family *family, bt_error *error) {
  gathering *g = context;
  bt_status status = tell_failures(g, error);
  if (status != BT_OK) return status;
  if (!family && g->questions.source_lost) return bt_error_set(error, BT_UNAVAILABLE, "%s", g->questions.lost_reason);
  return g->sink(g->context, g->order[index], family, error);
}

static bt_status gather_families(gathering *g, size_t count, bt_error *error) {
  bt_questions_open(&g->questions);
  bt_family_request asked = bt_family_request_of(&g->questions);
  bt_status status = bt_families_gather(&asked, g->ids, count, give_family, g, error);
  bt_questions_dispose(&g->questions);
  return status;
}

static void add_cost(const bt_replay_result *result, bt_source_account *account) {
  account->requests += result->requests;
  account->bytes_inspected += result->bytes_inspected;
  account->bytes_received += result->bytes_received;
}

bt_status bt_given_families_gather(bt_source *source, const bt_replay_request *request, const bt_given_trace *traces,
                                   size_t count, bt_given_family_sink sink, void *context, bt_source_account *account,
                                   bt_error *error) {
  gathering g = {.traces = traces, .sink = sink, .context = context, .account = account};
  bt_replay_request own = *request;
  if (!count) return BT_OK;
  own.range = range_of(traces, count);
  connect_parts(&g, source);
  bt_status status = order_traces(&g, count, error);
  if (status == BT_OK) status = bt_replay_plan_make(source, &own, &g.plan, error);
  if (status == BT_OK) status = gather_families(&g, count, error);
  if (account) add_cost(&g.result, account);
  bt_trace_table_dispose(&g.table);
  bt_replay_plan_dispose(&g.plan);
  bt_replay_result_dispose(&g.result);
  free(g.order);
  free(g.ids);
  return status;
}
