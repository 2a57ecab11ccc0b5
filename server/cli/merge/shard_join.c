/* The whole from its shards. See shard_join.h. */
#include "server/cli/merge/shard_join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/base/time_sum.h"
#include "server/cli/merge/shard_edges.h"
#include "server/cli/merge/shard_outcome.h"
#include "server/json/json_members.h"
#include "server/json/json_values.h"

/* ---- rules ---- */

static bool is_before(const bt_moment *a, const bt_moment *b) {
  if (a->time_ns != b->time_ns) return a->time_ns < b->time_ns;
  return bt_trace_id_compare(&a->trace_id, &b->trace_id) < 0;
}

static void join_moments(bt_rule_result *into, const bt_rule_result *from) {
  const bt_moment *first = &from->first_violation, *last = &from->last_violation;
  if (first->is_set && (!into->first_violation.is_set || is_before(first, &into->first_violation)))
    into->first_violation = *first;
  if (last->is_set && (!into->last_violation.is_set || is_before(&into->last_violation, last)))
    into->last_violation = *last;
}

static void join_counters(bt_rule_result *into, const bt_rule_result *from) {
  into->traces_candidate += from->traces_candidate;
  into->traces_exercised += from->traces_exercised;
  into->traces_evaluated += from->traces_evaluated;
  into->traces_read += from->traces_read;
  into->violations_found += from->violations_found;
  into->violations_listed += from->violations_listed;
  into->inconclusive += from->inconclusive;
  into->violations_provisional += from->violations_provisional;
  into->violations_without_link += from->violations_without_link;
  into->unsettled += from->unsettled;
  into->sample_differences += from->sample_differences;
  into->decided_unread += from->decided_unread;
  into->unread_sampled += from->unread_sampled;
  into->evaluated_is_exact = into->evaluated_is_exact && from->evaluated_is_exact;
  into->exercised_is_exact = into->exercised_is_exact && from->exercised_is_exact;
  if (into->strategy != from->strategy) into->strategy = BT_STRATEGY_AUTO; /* not the same in all */
  bt_kept_traces_join(&into->violations_kept, &from->violations_kept);
  bt_kept_traces_join(&into->exercised_kept, &from->exercised_kept);
  bt_policy_seen_join(&into->policy, &from->policy);
  join_moments(into, from);
}

/* Where the settled part ends: before the end of a shard, or nowhere in the whole. */
static int64_t join_ends(int64_t into_ns, int64_t end_ns, const bt_shard_answer *from) {
  bool is_tail = end_ns && end_ns < from->result.coverage.asked.end_ns;
  return is_tail ? bt_time_earlier(into_ns, end_ns) : into_ns;
}

static bt_status join_rules(const bt_shard_answer *answers, size_t count, bt_replay_result *out, bt_error *error) {
  size_t rules = answers[0].result.rule_count;
  out->rules = calloc(rules, sizeof *out->rules);
  if (!out->rules) return bt_error_no_memory(error);
  out->rule_count = rules;
  for (size_t r = 0; r < rules; r++) {
    int64_t end_ns = answers[0].whole.end_ns;
    out->rules[r] = answers[0].result.rules[r];
    for (size_t i = 1; i < count; i++) join_counters(&out->rules[r], &answers[i].result.rules[r]);
    for (size_t i = 0; i < count; i++)
      end_ns = join_ends(end_ns, answers[i].result.rules[r].effective_end_ns, &answers[i]);
    out->rules[r].effective_end_ns = end_ns;
  }
  return BT_OK;
}

/* ---- coverage ---- */

/* Whether that window is without any trace; empty windows are in order, and adjacent ones are one. */
static bool is_empty(const bt_coverage *coverage, bt_time_range window) {
  for (size_t i = 0; i < coverage->windows_empty_count; i++)
    if (coverage->windows_empty[i].start_ns <= window.start_ns && coverage->windows_empty[i].end_ns >= window.end_ns)
      return true;
  return false;
}

/* A shard says it of its part of a window; of the whole one it is said where all parts are empty. */
static bt_status join_empty(const bt_replay_result *result, bt_coverage *coverage, bt_error *error) {
  int64_t end_ns = coverage->asked.start_ns;
  for (size_t i = 0; i < result->rule_count; i++) end_ns = bt_time_later(end_ns, result->rules[i].effective_end_ns);
  bt_gap_grid grid = bt_gap_grid_of((bt_time_range){coverage->asked.start_ns, end_ns});
  bt_time_range *empty = bt_realloc_array(NULL, grid.count + 1, sizeof *empty);
  size_t count = 0;
  if (!empty) return bt_error_no_memory(error);
  for (size_t i = 0; i < grid.count; i++) {
    bt_time_range window = bt_gap_grid_window(&grid, i);
    if (!is_empty(coverage, window)) continue;
    if (count && empty[count - 1].end_ns == window.start_ns)
      empty[count - 1].end_ns = window.end_ns;
    else
      empty[count++] = window;
  }
  free(coverage->windows_empty);
  coverage->windows_empty = empty;
  coverage->windows_empty_count = count;
  return BT_OK;
}

static void join_compared(bt_compared *into, const bt_compared *from) {
  into->here += from->here;
  into->before += from->before;
  bool is_older = from->oldest_ns && (!into->oldest_ns || from->oldest_ns < into->oldest_ns);
  if (is_older) into->oldest_ns = from->oldest_ns;
  into->newest_ns = bt_time_later(into->newest_ns, from->newest_ns);
}

/* The longest of those that follow from the store. */
static void join_assumptions(const bt_shard_answer *answers, size_t count, bt_assumptions *out) {
  *out = answers[0].result.coverage.assumptions;
  for (size_t i = 1; i < count; i++) {
    const bt_assumptions *from = &answers[i].result.coverage.assumptions;
    out->settle_ns = bt_time_later(out->settle_ns, from->settle_ns);
    out->handover_ns = bt_time_later(out->handover_ns, from->handover_ns);
  }
}

/* Where data begin is said where some trace is of the range, or may be: not of what only reaches into it. */
static void join_data(const bt_shard_answer *answers, size_t count, bt_replay_result *out) {
  bool may_have = false;
  for (size_t i = 0; i < count; i++) {
    out->has_traces = out->has_traces || answers[i].result.has_traces;
    for (size_t r = 0; r < out->rule_count; r++) may_have = may_have || !answers[i].result.rules[r].evaluated_is_exact;
  }
  if (out->has_traces || may_have) return;
  out->coverage.has_data_from = false;
  out->coverage.data_from_ns = 0;
}

static bt_status join_coverages(const bt_shard_answer *answers, size_t count, bt_replay_result *out, bt_error *error) {
  bt_coverage *into = &out->coverage;
  bt_status status = BT_OK;
  int64_t end_ns = answers[0].whole.end_ns;
  for (size_t i = 0; i < count && !status; i++) {
    const bt_coverage *from = &answers[i].result.coverage;
    status = bt_coverage_join(into, from, error);
    join_compared(&into->compared, &from->compared);
    end_ns = join_ends(end_ns, from->effective_end_ns, &answers[i]);
  }
  into->asked = answers[0].whole;
  into->effective_end_ns = end_ns;
  join_assumptions(answers, count, &into->assumptions);
  join_data(answers, count, out);
  return status ? status : join_empty(out, into, error);
}

static void join_costs(const bt_shard_answer *answers, size_t count, bt_replay_result *out) {
  for (size_t i = 0; i < count; i++) {
    out->requests += answers[i].result.requests;
    out->bytes_inspected += answers[i].result.bytes_inspected;
    out->bytes_received += answers[i].result.bytes_received;
    out->duration_ns += answers[i].result.duration_ns;
  }
}

/* ---- shards that are missing ---- */

bool bt_shards_next_missing(const bt_shard_answer *answers, size_t count, uint32_t *number, bt_time_range *out) {
  bt_shard shard = answers[0].shard;
  for (size_t at = 0; *number <= shard.count;) {
    while (at < count && answers[at].shard.number < *number) at++;
    shard.number = (*number)++;
    if (at < count && answers[at].shard.number == shard.number) continue;
    *out = bt_shard_range(answers[0].whole, shard);
    return true;
  }
  return false;
}

/* Nothing of them was read. */
static bt_status add_missing(const bt_shard_answer *answers, size_t count, bt_merged *out, bt_error *error) {
  bt_time_range range;
  bt_status status = BT_OK;
  for (uint32_t number = 1; !status && bt_shards_next_missing(answers, count, &number, &range);) {
    bt_failed_window window = {.range = range};
    snprintf(window.reason, sizeof window.reason, "missing: shard %u/%u was not given", number - 1,
             answers[0].shard.count);
    const bt_coverage part = {.windows_failed = &window,
                              .windows_failed_count = 1,
                              .effective_end_ns = out->result.coverage.effective_end_ns,
                              .assumptions = out->result.coverage.assumptions};
    status = bt_coverage_join(&out->result.coverage, &part, error);
    out->missing++;
  }
  for (size_t i = 0; i < out->result.rule_count && out->missing; i++)
    out->result.rules[i].evaluated_is_exact = out->result.rules[i].exercised_is_exact = false;
  return status;
}

/* ---- violations ---- */

typedef struct listed {
  json_t *violation; /* borrowed */
  const char *time, *trace_id, *rule_id;
  size_t rule;
  bool is_provisional;
} listed;

static size_t rule_of(const bt_shard_answer *answer, const char *id) {
  size_t at = 0;
  while (at < answer->result.rule_count && strcmp(answer->rules[at].fields.id, id) != 0) at++;
  return at;
}

/* Of one trace and rule the settled one comes first. */
static int compare_traces(const void *a, const void *b) {
  const listed *x = a, *y = b;
  int order = strcmp(x->trace_id, y->trace_id);
  if (!order) order = (x->rule > y->rule) - (x->rule < y->rule);
  return order ? order : x->is_provisional - y->is_provisional;
}

/* Times are all written alike, but for years before 1000, which there are none of. */
static int compare_times(const void *a, const void *b) {
  const listed *x = a, *y = b;
  int order = strcmp(x->time, y->time);
  return order ? order : compare_traces(a, b);
}

static size_t list_violations(const bt_shard_answer *answers, size_t count, listed *out) {
  size_t all = 0;
  for (size_t i = 0; i < count; i++) {
    const json_t *violations = json_object_get(answers[i].document, "violations");
    for (size_t v = 0; v < json_array_size(violations); v++) {
      json_t *one = json_array_get(violations, v);
      const char *rule_id = bt_json_text_at(one, "rule_id");
      out[all++] = (listed){.violation = one,
                            .time = bt_json_text_at(one, "time"),
                            .trace_id = bt_json_text_at(one, "trace_id"),
                            .rule_id = rule_id,
                            .rule = rule_of(&answers[i], rule_id),
                            .is_provisional = json_is_true(json_object_get(one, "provisional"))};
    }
  }
  return all;
}

/* Of what several shards found the first is kept. Returns how many are left. */
static size_t drop_doubles(listed *items, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    bool is_double =
        kept && items[i].rule == items[kept - 1].rule && strcmp(items[i].trace_id, items[kept - 1].trace_id) == 0;
    if (!is_double) items[kept++] = items[i];
  }
  return kept;
}

static bt_status join_violations(const bt_shard_answer *answers, size_t count, bt_merged *out, bt_error *error) {
  size_t all = 0;
  for (size_t i = 0; i < count; i++) all += json_array_size(json_object_get(answers[i].document, "violations"));
  listed *items = bt_realloc_array(NULL, all + 1, sizeof *items);
  out->violations = json_array();
  if (!items || !out->violations) {
    free(items);
    return bt_error_no_memory(error);
  }
  all = list_violations(answers, count, items);
  if (all) qsort(items, all, sizeof *items, compare_traces);
  all = drop_doubles(items, all);
  if (all) qsort(items, all, sizeof *items, compare_times);
  for (size_t i = 0; i < all; i++) bt_json_append(out->violations, json_incref(items[i].violation));
  free(items);
  return BT_OK;
}

/* ---- all ---- */

bt_status bt_shards_join(const bt_shard_answer *answers, size_t count, bt_merged *out, bt_error *error) {
  *out = (bt_merged){0};
  bt_status status = join_rules(answers, count, &out->result, error);
  if (!status) status = join_coverages(answers, count, &out->result, error);
  if (!status) status = bt_shard_edges_settle(answers, count, &out->result, error);
  if (!status) status = add_missing(answers, count, out, error);
  if (!status) status = join_violations(answers, count, out, error);
  if (status) return status;
  join_costs(answers, count, &out->result);
  bt_shards_conclude(answers, count, out);
  return BT_OK;
}

void bt_merged_dispose(bt_merged *merged) {
  bt_replay_result_dispose(&merged->result);
  json_decref(merged->violations);
  *merged = (bt_merged){0};
}
